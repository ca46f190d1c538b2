package main

import (
	"bufio"
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"kafkalab/providers/internal/enginetest"
)

func TestMain(m *testing.M) { os.Exit(enginetest.Main(m)) }

// imageSSHD runs the sshd that lab hosts have.
const imageSSHD = "../../../scripts/dev/image-sshd.sh"

// sshServer is a real OpenSSH server on a loopback port, and a user's key that it accepts.
type sshServer struct {
	dir        string
	port       int
	user       string
	hostKey    string
	privateKey string
	// disk is a small file system that only the server sees, if it is not empty.
	disk string
	pid  int
}

// view returns where tests see a path of the server's.
func (s *sshServer) view(path string) string {
	return filepath.Join("/proc", strconv.Itoa(s.pid), "root", path)
}

// diskSize is the size of a server's small file system.
const diskSize = 256 << 10

// newSSHServer prepares a server whose configuration has these further lines. It is not started.
func newSSHServer(t *testing.T, settings ...string) *sshServer {
	t.Helper()
	me, err := user.Current()
	if err != nil {
		t.Fatal(err)
	}
	s := &sshServer{dir: t.TempDir(), user: me.Username, port: freePort(t)}
	s.hostKey = generateKey(t, filepath.Join(s.dir, "host_ed25519"), "-t", "ed25519")
	generateKey(t, filepath.Join(s.dir, "host_rsa"), "-t", "rsa", "-b", "2048")
	s.accept(t, generateKey(t, filepath.Join(s.dir, "user"), "-t", "ed25519"))
	s.privateKey = readFile(t, filepath.Join(s.dir, "user"))
	config := append([]string{
		"ListenAddress 127.0.0.1:" + strconv.Itoa(s.port),
		"HostKey " + filepath.Join(s.dir, "host_ed25519"),
		"HostKey " + filepath.Join(s.dir, "host_rsa"),
		"AuthorizedKeysFile " + filepath.Join(s.dir, "authorized_keys"),
		"PidFile none", "StrictModes no", "UsePAM no", "PasswordAuthentication no", "PermitRootLogin yes",
		"Subsystem sftp internal-sftp",
	}, settings...)
	writeFile(t, filepath.Join(s.dir, "sshd_config"), strings.Join(config, "\n")+"\n")
	return s
}

// startSSHServer prepares and starts a server.
func startSSHServer(t *testing.T, settings ...string) *sshServer {
	t.Helper()
	s := newSSHServer(t, settings...)
	s.start(t)
	return s
}

// start runs the server until the test ends. It returns when the server listens.
func (s *sshServer) start(t *testing.T) {
	t.Helper()
	arguments := []string{imageSSHD, "-D", "-e", "-f", filepath.Join(s.dir, "sshd_config")}
	if s.disk != "" {
		const mounted = `mount -t tmpfs -o "size=$1" none "$2"; shift 2; exec "$@"`
		arguments = append([]string{
			"unshare", "--mount", "--propagation", "private", "sh", "-euc", mounted, "sh", strconv.Itoa(diskSize), s.disk,
		}, arguments...)
	}
	command := exec.Command(arguments[0], arguments[1:]...)
	command.SysProcAttr = enginetest.EndWithTheTests
	stderr, err := command.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	listening := make(chan bool, 1)
	drained := make(chan struct{})
	var log strings.Builder
	go func() {
		defer close(drained)
		lines := bufio.NewScanner(stderr)
		for lines.Scan() {
			log.WriteString(lines.Text() + "\n")
			if strings.HasPrefix(lines.Text(), "Server listening on ") {
				listening <- true
			}
		}
		listening <- false
	}()
	t.Cleanup(func() {
		_ = command.Process.Kill()
		_ = command.Wait()
		<-drained
		if t.Failed() {
			t.Logf("sshd's log:\n%s", log.String())
		}
	})
	if !<-listening {
		t.Fatal("sshd did not start")
	}
	s.pid = command.Process.Pid
}

// accept lets a further public key log in.
func (s *sshServer) accept(t *testing.T, publicKey string) {
	t.Helper()
	file, err := os.OpenFile(filepath.Join(s.dir, "authorized_keys"), os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	fmt.Fprintln(file, publicKey)
}

// connection returns the input that reaches the server, changed by pairs of field and value. A nil
// value removes a field.
func (s *sshServer) connection(changes ...any) map[string]any {
	result := map[string]any{
		"host": "127.0.0.1", "port": float64(s.port), "user": s.user, "privateKey": s.privateKey,
		"hostKey": s.hostKey, "dialErrorLimit": 0.0,
	}
	for i := 0; i < len(changes); i += 2 {
		if changes[i+1] == nil {
			delete(result, changes[i].(string))
		} else {
			result[changes[i].(string)] = changes[i+1]
		}
	}
	return result
}

// generateKey makes a key pair without comment and returns the public key.
func generateKey(t *testing.T, path string, args ...string) string {
	t.Helper()
	if !strings.Contains(strings.Join(args, " "), "-N") {
		args = append(args, "-N", "")
	}
	run(t, "", "ssh-keygen", append(args, "-q", "-C", "", "-f", path)...)
	return strings.TrimSpace(readFile(t, path+".pub"))
}

// freePort returns a loopback port that nothing listens on.
func freePort(t *testing.T) int {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	return listener.Addr().(*net.TCPAddr).Port
}

// run returns a program's standard output.
func run(t *testing.T, stdin, name string, args ...string) string {
	t.Helper()
	command := exec.Command(name, args...)
	command.Stdin = strings.NewReader(stdin)
	var stderr strings.Builder
	command.Stderr = &stderr
	output, err := command.Output()
	if err != nil {
		t.Fatalf("%s %q: %v\n%s", name, args, err, stderr.String())
	}
	return string(output)
}

func readFile(t *testing.T, path string) string {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

func writeFile(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}
