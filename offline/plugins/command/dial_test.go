package main

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"

	"kafkalab/providers/internal/enginetest"
	"kafkalab/providers/internal/standin"
)

func generatedPrivateKey(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "key")
	generateKey(t, path, "-t", "ed25519")
	return readFile(t, path)
}

// tryRemote runs a command over a connection and returns its stdout.
func tryRemote(plugin *enginetest.Plugin, connection map[string]any) (string, error) {
	state, err := plugin.TryCreate(remoteCommand, "test", inputs("connection", connection, "create", "echo reached"))
	if err != nil {
		return "", err
	}
	return state.Outputs["stdout"].StringValue(), nil
}

func assertReached(t *testing.T, stdout string, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	assertEqual(t, "stdout", stdout, "reached")
}

func TestDialErrors(t *testing.T) {
	server := startSSHServer(t)
	plugin := enginetest.Start(t)
	otherHostKey := generateKey(t, filepath.Join(t.TempDir(), "other"), "-t", "ed25519")
	encrypted := filepath.Join(t.TempDir(), "encrypted")
	generateKey(t, encrypted, "-t", "ed25519", "-N", "right")
	nobody := freePort(t)
	for _, test := range []struct {
		name       string
		connection map[string]any
		want       string
	}{
		{
			"refused", server.connection("port", float64(nobody)),
			fmt.Sprintf("after 0 failed attempts: dial tcp 127.0.0.1:%d: connect: connection refused", nobody),
		},
		{
			"another host key", server.connection("hostKey", otherHostKey),
			"after 0 failed attempts: ssh: handshake failed: ssh: host key mismatch",
		},
		{
			"wrong key", server.connection("privateKey", generatedPrivateKey(t)),
			"after 0 failed attempts: ssh: handshake failed: ssh: unable to authenticate, " +
				"attempted methods [none publickey], no supported methods remain",
		},
		{"bad host key", server.connection("hostKey", "nonsense"), "failed to parse host key: ssh: no key found"},
		{"bad key", server.connection("privateKey", "nonsense"), "ssh: no key found"},
		{
			"no passphrase", server.connection("privateKey", readFile(t, encrypted)),
			"ssh: this private key is passphrase protected",
		},
		{
			"wrong passphrase", server.connection("privateKey", readFile(t, encrypted), "privateKeyPassword", "wrong"),
			"x509: decryption password incorrect",
		},
		{
			"dead agent", server.connection("privateKey", nil, "agentSocketPath", "/no/agent"),
			"dial unix /no/agent: connect: no such file or directory",
		},
		{"empty agent", server.connection("agentSocketPath", ""), "dial unix: missing address"},
		{"empty key", server.connection("privateKey", ""), "ssh: no key found"},
		{"empty host key", server.connection("hostKey", ""), "failed to parse host key: ssh: no key found"},
		{
			"needless passphrase", server.connection("privateKeyPassword", "needless"),
			"ssh: key is not password protected",
		},
		{
			"empty needless passphrase", server.connection("privateKeyPassword", ""),
			"ssh: key is not password protected",
		},
		{
			"needless passphrase of a PEM key",
			server.connection("privateKey", run(t, "", "openssl", "genrsa", "-traditional", "2048"), "privateKeyPassword", "x"),
			"ssh: not an encrypted key",
		},
		{
			"perDialTimeout below 0", server.connection("perDialTimeout", -1.0),
			fmt.Sprintf("after 0 failed attempts: dial tcp 127.0.0.1:%d: i/o timeout", server.port),
		},
		{
			"port out of range", server.connection("port", 70000.0),
			"after 0 failed attempts: dial tcp: address 70000: invalid port",
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, err := tryRemote(plugin, test.connection)
			assertError(t, err, test.want)
		})
	}
	assertEqual(t, "count of messages", len(plugin.Engine.Messages()), 0)
}

func TestDialLimit(t *testing.T) {
	server := startSSHServer(t)
	relay := startRelay(t, server.port)
	plugin := enginetest.Start(t)
	_, err := tryRemote(plugin, server.connection(
		"port", float64(relay.port), "privateKey", generatedPrivateKey(t), "dialErrorLimit", 2.0))
	assertError(t, err, "after 2 failed attempts: ssh: handshake failed: ssh: unable to authenticate, "+
		"attempted methods [none publickey], no supported methods remain")
	assertEqual(t, "count of dials", relay.count(), 3)
	assertEqual(t, "the status", strings.Join(plugin.Engine.Messages(), ", "),
		"Dial 1/2 failed: retrying, Dial 2/2 failed: retrying")
	for _, entry := range plugin.Engine.Entries() {
		assertEqual(t, "ephemeral", entry.Ephemeral, true)
		assertEqual(t, "URN", entry.URN, enginetest.URN(remoteCommand, "test"))
	}
}

func TestDialWaitsForALateServer(t *testing.T) {
	server := newSSHServer(t)
	plugin := enginetest.Start(t)
	type result struct {
		stdout string
		err    error
	}
	done := make(chan result)
	go func() {
		stdout, err := tryRemote(plugin, server.connection("dialErrorLimit", -1.0))
		done <- result{stdout, err}
	}()
	plugin.Engine.WaitFor(t, "Dial 2/inf failed: retrying")
	server.start(t)
	r := <-done
	assertReached(t, r.stdout, r.err)
}

func TestDialCancelled(t *testing.T) {
	server := newSSHServer(t)
	plugin := enginetest.Start(t)
	_, err := plugin.TryCreateWithin(remoteCommand, "test", inputs(
		"connection", server.connection("dialErrorLimit", -1.0), "create", "true"), 1)
	assertError(t, err, "context deadline exceeded")
}

func TestHostKeyTypes(t *testing.T) {
	server := startSSHServer(t)
	plugin := enginetest.Start(t)
	for name, hostKey := range map[string]any{
		"any": nil, "ed25519": server.hostKey,
		"rsa":          strings.TrimSpace(readFile(t, filepath.Join(server.dir, "host_rsa.pub"))),
		"with options": "no-pty " + server.hostKey + " a comment",
	} {
		t.Run(name, func(t *testing.T) {
			stdout, err := tryRemote(plugin, server.connection("hostKey", hostKey))
			assertReached(t, stdout, err)
		})
	}
}

func TestKeyForms(t *testing.T) {
	server := startSSHServer(t)
	plugin := enginetest.Start(t)
	dir := t.TempDir()
	path := func(name string) string { return filepath.Join(dir, name) }
	generateKey(t, path("openssh-rsa"), "-t", "rsa", "-b", "2048")
	generateKey(t, path("openssh-encrypted"), "-t", "ed25519", "-N", "pass phrase")
	generateKey(t, path("pem-encrypted"), "-t", "rsa", "-b", "2048", "-m", "PEM", "-N", "pass phrase")
	run(t, "", "openssl", "genrsa", "-traditional", "-out", path("pkcs1-rsa"), "2048")
	run(t, "", "openssl", "genpkey", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048", "-out", path("pkcs8-rsa"))
	run(t, "", "openssl", "genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-out", path("pkcs8-ecdsa"))
	run(t, "", "openssl", "genpkey", "-algorithm", "ED25519", "-out", path("pkcs8-ed25519"))
	run(t, "", "openssl", "ecparam", "-name", "secp384r1", "-genkey", "-noout", "-out", path("sec1-ecdsa"))
	keys, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, key := range keys {
		if strings.HasSuffix(key.Name(), ".pub") {
			continue
		}
		t.Run(key.Name(), func(t *testing.T) {
			pem := readFile(t, path(key.Name()))
			passphrase := any(nil)
			if strings.HasSuffix(key.Name(), "-encrypted") {
				passphrase = "pass phrase"
				server.accept(t, readFile(t, path(key.Name()+".pub")))
			} else {
				server.accept(t, sshPublicKey(t, pem))
			}
			stdout, err := tryRemote(plugin, server.connection("privateKey", pem, "privateKeyPassword", passphrase))
			assertReached(t, stdout, err)
		})
	}
}

// sshPublicKey derives the public key of an unencrypted private key. ssh-keygen reads not all forms.
func sshPublicKey(t *testing.T, pem string) string {
	t.Helper()
	signer, err := ssh.ParsePrivateKey([]byte(pem))
	if err != nil {
		t.Fatal(err)
	}
	return string(ssh.MarshalAuthorizedKey(signer.PublicKey()))
}

func TestAgent(t *testing.T) {
	server := startSSHServer(t)
	socket := startAgent(t)
	key := filepath.Join(t.TempDir(), "key")
	server.accept(t, generateKey(t, key, "-t", "ed25519"))
	add := exec.Command("ssh-add", "-q", key)
	add.Env = append(os.Environ(), "SSH_AUTH_SOCK="+socket)
	if output, err := add.CombinedOutput(); err != nil {
		t.Fatalf("ssh-add: %v\n%s", err, output)
	}
	t.Run("by path", func(t *testing.T) {
		stdout, err := tryRemote(enginetest.Start(t), server.connection("privateKey", nil, "agentSocketPath", socket))
		assertReached(t, stdout, err)
	})
	t.Run("by environment", func(t *testing.T) {
		stdout, err := tryRemote(enginetest.Start(t, "SSH_AUTH_SOCK="+socket), server.connection("privateKey", nil))
		assertReached(t, stdout, err)
	})
	t.Run("not beside a private key", func(t *testing.T) {
		_, err := tryRemote(enginetest.Start(t, "SSH_AUTH_SOCK="+socket),
			server.connection("privateKey", generatedPrivateKey(t)))
		assertError(t, err, "after 0 failed attempts: ssh: handshake failed: ssh: unable to authenticate, "+
			"attempted methods [none publickey], no supported methods remain")
	})
	t.Run("a stale one beside a private key", func(t *testing.T) {
		_, err := tryRemote(enginetest.Start(t, "SSH_AUTH_SOCK=/no/agent"), server.connection())
		assertError(t, err, "dial unix /no/agent: connect: no such file or directory")
	})
}

// startAgent runs an ssh-agent until the test ends and returns its socket.
func startAgent(t *testing.T) string {
	t.Helper()
	socket := filepath.Join(t.TempDir(), "agent")
	agent := exec.Command("ssh-agent", "-D", "-a", socket)
	agent.SysProcAttr = enginetest.EndWithTheTests
	stdout, err := agent.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := agent.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = agent.Process.Kill()
		_ = agent.Wait()
	})
	// It names its socket once it listens.
	if _, err := bufio.NewReader(stdout).ReadString('\n'); err != nil {
		t.Fatal(err)
	}
	return socket
}

func TestProxy(t *testing.T) {
	target, bastion := startSSHServer(t), startSSHServer(t)
	relay := startRelay(t, bastion.port)
	plugin := enginetest.Start(t)
	via := func(changes ...any) map[string]any {
		return bastion.connection(append([]any{"port", float64(relay.port)}, changes...)...)
	}
	t.Run("through", func(t *testing.T) {
		stdout, err := tryRemote(plugin, target.connection("proxy", via()))
		assertReached(t, stdout, err)
		assertEqual(t, "count of connections to the proxy", relay.count(), 1)
	})
	t.Run("the proxy refuses the key", func(t *testing.T) {
		_, err := tryRemote(plugin, target.connection("proxy",
			via("privateKey", generatedPrivateKey(t), "dialErrorLimit", 1.0)))
		assertError(t, err, "proxy: after 1 failed attempts: ssh: handshake failed: ssh: unable to authenticate, "+
			"attempted methods [none publickey], no supported methods remain")
		plugin.Engine.WaitFor(t, "Dial proxy 1/1 failed: retrying")
	})
	t.Run("the proxy has another host key", func(t *testing.T) {
		_, err := tryRemote(plugin, target.connection("proxy", via("hostKey", target.hostKey)))
		assertError(t, err, "proxy: after 0 failed attempts: ssh: handshake failed: ssh: host key mismatch")
	})
	t.Run("the proxy's key is broken", func(t *testing.T) {
		_, err := tryRemote(plugin, target.connection("proxy", via("privateKey", "nonsense")))
		assertError(t, err, "proxy: ssh: no key found")
	})
	const closed = "proxy: after 2 failed attempts: ssh: handshake failed: EOF"
	dials := func(label string) string {
		return fmt.Sprintf("%[1]s 1/2 failed: retrying, %[1]s 2/2 failed: retrying", label)
	}
	nobody := float64(freePort(t))
	for _, test := range []struct {
		name         string
		connection   map[string]any
		want, status string
	}{
		{
			"the target has another host key", target.connection("hostKey", bastion.hostKey),
			"proxy: after 0 failed attempts: ssh: handshake failed: ssh: host key mismatch", "",
		},
		{
			"the target has another host key, retried",
			target.connection("hostKey", bastion.hostKey, "dialErrorLimit", 2.0), closed, dials("Dial"),
		},
		{
			"the target refuses the key, retried",
			target.connection("privateKey", generatedPrivateKey(t), "dialErrorLimit", 2.0), closed, dials("Dial"),
		},
		{
			"the target refuses", target.connection("port", nobody),
			"proxy: after 0 failed attempts: ssh: rejected: connect failed (Connection refused)", "",
		},
		{
			"the target refuses, retried", target.connection("port", nobody, "dialErrorLimit", 2.0),
			"proxy: after 2 failed attempts: ssh: rejected: connect failed (Connection refused)",
			dials("Dial from proxy"),
		},
		{
			"the target's key is broken", target.connection("privateKey", "nonsense"),
			"ssh: no key found", "",
		},
		{
			"the target's port is out of range", target.connection("port", 70000.0),
			`proxy: after 0 failed attempts: strconv.ParseUint: parsing "70000": value out of range`, "",
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			plugin := enginetest.Start(t)
			test.connection["proxy"] = via()
			_, err := tryRemote(plugin, test.connection)
			assertError(t, err, test.want)
			assertEqual(t, "the status", strings.Join(plugin.Engine.Messages(), ", "), test.status)
		})
	}
}

// A target behind a proxy may be late, but must show the right key at once: after a failed handshake the
// official plugin goes on with the closed connection.
func TestProxyTargetThatChanges(t *testing.T) {
	bastion := startSSHServer(t)
	type result struct {
		stdout string
		err    error
	}
	begin := func(plugin *enginetest.Plugin, connection map[string]any) chan result {
		done := make(chan result, 1)
		go func() {
			stdout, err := tryRemote(plugin, connection)
			done <- result{stdout, err}
		}()
		return done
	}
	t.Run("late", func(t *testing.T) {
		target, plugin := newSSHServer(t), enginetest.Start(t)
		done := begin(plugin, target.connection("dialErrorLimit", 20.0, "proxy", bastion.connection()))
		plugin.Engine.WaitFor(t, "Dial from proxy 1/20 failed: retrying")
		target.start(t)
		r := <-done
		assertReached(t, r.stdout, r.err)
	})
	t.Run("the right key comes later", func(t *testing.T) {
		target, plugin := startSSHServer(t), enginetest.Start(t)
		keys := filepath.Join(target.dir, "authorized_keys")
		right := readFile(t, keys)
		writeFile(t, keys, "")
		done := begin(plugin, target.connection("dialErrorLimit", 4.0, "proxy", bastion.connection()))
		plugin.Engine.WaitFor(t, "Dial 1/4 failed: retrying")
		writeFile(t, keys, right)
		assertError(t, (<-done).err, "proxy: after 4 failed attempts: ssh: handshake failed: EOF")
	})
	t.Run("the right key comes later, without a proxy", func(t *testing.T) {
		target, plugin := startSSHServer(t), enginetest.Start(t)
		keys := filepath.Join(target.dir, "authorized_keys")
		right := readFile(t, keys)
		writeFile(t, keys, "")
		done := begin(plugin, target.connection("dialErrorLimit", 20.0))
		plugin.Engine.WaitFor(t, "Dial 1/20 failed: retrying")
		writeFile(t, keys, right)
		r := <-done
		assertReached(t, r.stdout, r.err)
	})
}

// perDialTimeout bounds the TCP connect to a host that drops what arrives.
func TestPerDialTimeout(t *testing.T) {
	// The kernel drops connections to a listener whose queue is full.
	listener, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM|syscall.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer syscall.Close(listener)
	if err := syscall.Bind(listener, &syscall.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Listen(listener, 0); err != nil {
		t.Fatal(err)
	}
	name, err := syscall.Getsockname(listener)
	if err != nil {
		t.Fatal(err)
	}
	port := name.(*syscall.SockaddrInet4).Port
	address := fmt.Sprintf("127.0.0.1:%d", port)
	for {
		conn, err := net.DialTimeout("tcp", address, 300*time.Millisecond)
		if err != nil {
			break
		}
		defer conn.Close()
	}
	plugin := enginetest.Start(t)
	_, err = plugin.TryCreateWithin(remoteCommand, "test", inputs("create", "true", "connection", map[string]any{
		"host": "127.0.0.1", "port": float64(port), "perDialTimeout": 1.0, "dialErrorLimit": 0.0,
	}), 60)
	assertError(t, err, fmt.Sprintf("after 0 failed attempts: dial tcp %s: i/o timeout", address))
}

func TestPasswords(t *testing.T) {
	plugin := enginetest.Start(t)
	for name, method := range map[string]func(*ssh.ServerConfig){
		"password": func(config *ssh.ServerConfig) {
			config.PasswordCallback = func(_ ssh.ConnMetadata, password []byte) (*ssh.Permissions, error) {
				return nil, allow(string(password) == "pass word")
			}
		},
		"keyboard-interactive": func(config *ssh.ServerConfig) {
			config.KeyboardInteractiveCallback = func(
				_ ssh.ConnMetadata, ask ssh.KeyboardInteractiveChallenge,
			) (*ssh.Permissions, error) {
				answers, err := ask("", "", []string{"Password: ", "Again: "}, []bool{false, false})
				return nil, allow(err == nil && strings.Join(answers, ",") == "pass word,pass word")
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			config := &ssh.ServerConfig{}
			method(config)
			port := startOwnServer(t, config, answerReached)
			connection := map[string]any{
				"host": "127.0.0.1", "port": float64(port), "password": "pass word", "dialErrorLimit": 0.0,
			}
			stdout, err := tryRemote(plugin, connection)
			assertReached(t, stdout, err)
			connection["password"] = "wrong"
			if _, err := tryRemote(plugin, connection); err == nil {
				t.Error("a wrong password is accepted")
			}
		})
	}
}

func allow(allowed bool) error {
	if allowed {
		return nil
	}
	return fmt.Errorf("denied")
}

// answerReached plays the command of tryRemote.
func answerReached(request *ssh.Request, channel ssh.Channel) {
	if request.Type == "exec" {
		_, _ = channel.Write([]byte("reached\n"))
		_, _ = channel.SendRequest("exit-status", false, ssh.Marshal(struct{ Status uint32 }{0}))
		_ = channel.Close()
	}
}

// startOwnServer serves SSH for what the real sshd does not do here: it would ask for the password of
// a user of this machine, and it passes no signals to root's commands. answer gets each request of a
// session once it is accepted.
func startOwnServer(t *testing.T, config *ssh.ServerConfig, answer func(*ssh.Request, ssh.Channel)) int {
	t.Helper()
	signer, err := ssh.ParsePrivateKey([]byte(generatedPrivateKey(t)))
	if err != nil {
		t.Fatal(err)
	}
	config.AddHostKey(signer)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			go serveSessions(conn, config, answer)
		}
	}()
	return listener.Addr().(*net.TCPAddr).Port
}

func serveSessions(conn net.Conn, config *ssh.ServerConfig, answer func(*ssh.Request, ssh.Channel)) {
	defer conn.Close()
	server, channels, requests, err := ssh.NewServerConn(conn, config)
	if err != nil {
		return
	}
	defer server.Close()
	go ssh.DiscardRequests(requests)
	for newChannel := range channels {
		channel, requests, err := newChannel.Accept()
		if err != nil {
			return
		}
		go func() {
			for request := range requests {
				_ = request.Reply(true, nil)
				answer(request, channel)
			}
		}()
	}
}

// runInProcess runs a command without the plugin's process, so that a test can shorten its limits.
func runInProcess(t *testing.T, connection map[string]any, command string) (*enginetest.Engine, chan error) {
	t.Helper()
	engine := enginetest.StartEngine(t)
	client, err := standin.Connect(engine.Address)
	if err != nil {
		t.Fatal(err)
	}
	failed := make(chan error, 1)
	go func() {
		_, err := runRemote(context.Background(), job{
			Operation: standin.Operation{Engine: client},
			command:   command, inputs: inputs("connection", connection),
		})
		failed <- err
	}()
	return engine, failed
}

func TestMuteServer(t *testing.T) {
	handshakeTimeout = 200 * time.Millisecond
	t.Cleanup(func() { handshakeTimeout = 2 * time.Minute })
	listener, err := net.Listen("tcp", "127.0.0.1:0") // the kernel accepts; nobody answers
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	engine, failed := runInProcess(t, map[string]any{
		"host": "127.0.0.1", "port": float64(listener.Addr().(*net.TCPAddr).Port), "dialErrorLimit": 10.0,
	}, "true")
	assertError(t, <-failed, fmt.Sprintf(
		"ssh: handshake failed: %s did not answer within 200ms", listener.Addr()))
	assertEqual(t, "count of messages", len(engine.Messages()), 0)
}

func TestVanishedServer(t *testing.T) {
	keepAliveInterval, keepAliveTimeout = 100*time.Millisecond, 2*time.Second
	t.Cleanup(func() { keepAliveInterval, keepAliveTimeout = 15*time.Second, 60*time.Second })
	server := startSSHServer(t)
	relay := startRelay(t, server.port)
	engine, failed := runInProcess(t, server.connection("port", float64(relay.port)),
		"echo $$ >"+leftover(t)+"; echo started; exec sleep 600")
	engine.WaitFor(t, "started")
	close(relay.mute)
	err := <-failed
	if err == nil {
		t.Fatal("a command whose host vanished succeeded")
	}
	assertContains(t, "the error", err.Error(), "remote command exited without exit status or exit signal: running ")
}
