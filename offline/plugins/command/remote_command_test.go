package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	pulumirpc "github.com/pulumi/pulumi/sdk/v3/proto/go"
	"golang.org/x/crypto/ssh"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/emptypb"

	"kafkalab/providers/internal/enginetest"
	"kafkalab/providers/internal/standin"
)

const remoteCommand = "command:remote:Command"

// inputs makes inputs from pairs of name and value.
func inputs(pairs ...any) resource.PropertyMap {
	values := map[string]any{}
	for i := 0; i < len(pairs); i += 2 {
		values[pairs[i].(string)] = pairs[i+1]
	}
	return enginetest.Map(values)
}

func secret(text string) resource.PropertyValue {
	return resource.MakeSecret(resource.NewProperty(text))
}

func assertEqual[T comparable](t *testing.T, what string, got, want T) {
	t.Helper()
	if got != want {
		t.Errorf("%s is %v; want %v", what, got, want)
	}
}

func assertContains(t *testing.T, what, got, want string) {
	t.Helper()
	if !strings.Contains(got, want) {
		t.Errorf("%s is %q; it should hold %q", what, got, want)
	}
}

func assertError(t *testing.T, err error, want string) {
	t.Helper()
	if err == nil {
		t.Fatalf("no error; want %q", want)
	}
	got := err.Error()
	if status, ok := status.FromError(err); ok {
		got = status.Message()
	}
	if got != want {
		t.Errorf("the error is\n%s\nwant\n%s", got, want)
	}
}

func assertMissing(t *testing.T, path string) {
	t.Helper()
	if _, err := os.Stat(path); err == nil {
		t.Errorf("%s exists; it should not", path)
	}
}

func TestRemoteOutputs(t *testing.T) {
	server := startSSHServer(t)
	plugin := enginetest.Start(t)
	for _, test := range []struct{ name, command, stdin, stdout, stderr string }{
		{"streams apart", "echo out; echo err >&2", "", "out", "err"},
		{"only one last newline goes", `printf 'a\n\n'; printf ' b \n' >&2`, "", "a\n", " b "},
		{"no output", "true", "", "", ""},
		{"script on stdin", "bash -s", "x=1\necho \"$((x + 1))\"\n", "2", ""},
		{"absent stdin is empty", "cat; echo end", "", "end", ""},
		{"a short stdin need not be read", "exec true", "short", "", ""},
		{"carriage returns stay", `printf 'a\r\nb\r'`, "", "a\r\nb\r", ""},
		{"not UTF-8", `printf 'a\377b\303'; printf '\303\251' >&2`, "", "a\uFFFDb\uFFFD", "é"},
	} {
		t.Run(test.name, func(t *testing.T) {
			state := plugin.Create(remoteCommand, "test", inputs(
				"connection", server.connection(), "create", test.command, "stdin", test.stdin))
			assertEqual(t, "stdout", state.Text(t, "stdout"), test.stdout)
			assertEqual(t, "stderr", state.Text(t, "stderr"), test.stderr)
		})
	}
}

func TestRemoteID(t *testing.T) {
	plugin := enginetest.Start(t)
	state := plugin.Create(remoteCommand, "install", inputs("connection", map[string]any{"host": "unused"}))
	if !strings.HasPrefix(state.ID, "install") || len(state.ID) != len("install")+8 {
		t.Errorf("the id is %q; want the name and 8 hex digits", state.ID)
	}
	assertEqual(t, "stdout without create", state.Text(t, "stdout"), "")
	assertEqual(t, "stderr without create", state.Text(t, "stderr"), "")
}

func TestRemoteFailures(t *testing.T) {
	server := startSSHServer(t)
	plugin := enginetest.Start(t)
	for _, test := range []struct {
		name, want string
		command    any
	}{
		{
			"exit status", "Process exited with status 3: running \"echo \\\"a\\\"; exit 3\":\na\n",
			`echo "a"; exit 3`,
		},
		{"stderr too", "Process exited with status 1: running \"echo b >&2; false\":\nb\n", "echo b >&2; false"},
		{"signal", "Process exited with status 137 from signal KILL: running \"kill -9 $$\":\n", "kill -9 $$"},
		{
			"no such command", "Process exited with status 127: running \"exec 2>/dev/null; /no/such\":\n",
			"exec 2>/dev/null; /no/such",
		},
		{
			"not UTF-8", "Process exited with status 1: running \"printf 'a\\\\377'; false\":\na\uFFFD",
			`printf 'a\377'; false`,
		},
		{"secret command", "Process exited with status 4: running [secret]:\n", secret("exit 4")},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, err := plugin.TryCreate(remoteCommand, "test", inputs(
				"connection", server.connection(), "create", test.command))
			assertError(t, err, test.want)
		})
	}
}

// A command must read its stdin if it is longer than what SSH holds for it: 2 MiB. It lasts until SSH
// holds that much. One that ends before may end without an error: then SSH drops what still comes.
func TestRemoteUnreadStdin(t *testing.T) {
	server := startSSHServer(t)
	plugin := enginetest.Start(t)
	_, err := plugin.TryCreate(remoteCommand, "test", inputs("connection", server.connection(),
		"create", "exec sleep 1", "stdin", strings.Repeat("x", 4<<20)))
	assertError(t, err, "EOF: running \"exec sleep 1\":\n")
}

func TestRemoteLostConnection(t *testing.T) {
	server := startSSHServer(t)
	plugin := enginetest.Start(t)
	_, err := plugin.TryCreate(remoteCommand, "test", inputs("connection", server.connection(),
		"create", "kill -9 $PPID"))
	if err == nil {
		t.Fatal("a connection that closed without a status is a success")
	}
	assertContains(t, "the error", err.Error(), "remote command exited without exit status or exit signal")
}

func TestRemoteLifecycle(t *testing.T) {
	server := startSSHServer(t, "AcceptEnv PULUMI_COMMAND_*")
	plugin := enginetest.Start(t)
	log := filepath.Join(t.TempDir(), "log")
	show := `echo "$PULUMI_COMMAND_STDOUT/$PULUMI_COMMAND_STDERR" >>` + log
	all := []any{
		"connection", server.connection(),
		"create", "echo create; echo problem >&2; " + show,
		"update", "echo update; " + show,
		"delete", "echo delete; " + show,
	}
	state := plugin.Create(remoteCommand, "test", inputs(all...))
	state = plugin.Update(state, inputs(append(all, "stdin", "changed")...))
	assertEqual(t, "stdout after update", state.Text(t, "stdout"), "update")
	assertEqual(t, "stderr after update", state.Text(t, "stderr"), "")
	if err := plugin.Delete(state); err != nil {
		t.Fatal(err)
	}
	assertEqual(t, "what the commands saw", readFile(t, log), "/\ncreate/problem\nupdate/\n")
}

func TestRemoteUpdateWithoutUpdate(t *testing.T) {
	server := startSSHServer(t)
	plugin := enginetest.Start(t)
	state := plugin.Create(remoteCommand, "test", inputs(
		"connection", server.connection(), "create", "cat", "stdin", "one", "addPreviousOutputInEnv", false))
	state = plugin.Update(state, inputs(
		"connection", server.connection(), "create", "cat", "stdin", "two", "addPreviousOutputInEnv", false))
	assertEqual(t, "stdout of create run again", state.Text(t, "stdout"), "two")
	assertEqual(t, "the log", strings.Join(plugin.Engine.Messages(), ","), "one,two")

	// Neither update nor create, nor a delete: nothing is dialled, the outputs stay.
	state = plugin.Update(state, inputs("connection", map[string]any{"host": "unused"}))
	assertEqual(t, "stdout without a command", state.Text(t, "stdout"), "two")
	if err := plugin.Delete(state); err != nil {
		t.Error(err)
	}
}

func TestRemotePreviousOutputRefused(t *testing.T) {
	server := startSSHServer(t)
	plugin := enginetest.Start(t)
	arguments := []any{"connection", server.connection(), "create", `echo "got $PULUMI_COMMAND_STDOUT"`, "logging", "none"}
	state := plugin.Create(remoteCommand, "test", inputs(arguments...))
	state = plugin.Update(state, inputs(append(arguments, "stdin", "changed")...))
	assertEqual(t, "stdout", state.Text(t, "stdout"), "got ")
	entries := plugin.Engine.Entries()
	if len(entries) != 1 {
		t.Fatalf("the log is %v; want one warning", entries)
	}
	assertEqual(t, "severity", entries[0].Severity, pulumirpc.LogSeverity_WARNING)
	assertContains(t, "the warning", entries[0].Message, "Unable to set 'PULUMI_COMMAND_STDOUT'. "+
		"This only works if your SSH server is configured to accept these variables via AcceptEnv.")

	plugin.Update(state, inputs(append(arguments, "addPreviousOutputInEnv", false)...))
	assertEqual(t, "count of log entries with addPreviousOutputInEnv false", len(plugin.Engine.Entries()), 1)
}

func TestRemoteEnvironment(t *testing.T) {
	server := startSSHServer(t, "AcceptEnv LAB_*")
	plugin := enginetest.Start(t)
	state := plugin.Create(remoteCommand, "test", inputs(
		"connection", server.connection(), "create", `echo "$LAB_A|$LAB_B"`,
		"environment", map[string]any{"LAB_A": "one two", "LAB_B": "$(false)'"}))
	assertEqual(t, "stdout", state.Text(t, "stdout"), "one two|$(false)'")
}

func TestRemoteEnvironmentRefused(t *testing.T) {
	server := startSSHServer(t, "AcceptEnv LAB_*")
	plugin := enginetest.Start(t)
	marker := filepath.Join(t.TempDir(), "ran")
	_, err := plugin.TryCreate(remoteCommand, "test", inputs(
		"connection", server.connection(), "create", "touch "+marker,
		"environment", map[string]any{"LAB_A": "fine", "OTHER": "sesame"}))
	assertError(t, err, `could not set environment variable "OTHER": ssh: setenv failed`)
	assertMissing(t, marker)
	entries := plugin.Engine.Entries()
	if len(entries) != 1 {
		t.Fatalf("the log is %v; want one error", entries)
	}
	assertEqual(t, "severity", entries[0].Severity, pulumirpc.LogSeverity_ERROR)
	assertEqual(t, "URN", entries[0].URN, enginetest.URN(remoteCommand, "test"))
	assertContains(t, "the error", entries[0].Message, "Unable to set 'OTHER'. This only works if")
	plugin.AssertNeverLogged("sesame")
}

func TestRemoteLogging(t *testing.T) {
	server := startSSHServer(t)
	for logging, want := range map[any]string{
		nil: "err out", "stdoutAndStderr": "err out", "stdout": "out", "stderr": "err", "none": "", "loud": "",
	} {
		t.Run(fmt.Sprint(logging), func(t *testing.T) {
			plugin := enginetest.Start(t)
			arguments := []any{"connection", server.connection(), "create", "echo err >&2; echo out"}
			if logging != nil {
				arguments = append(arguments, "logging", logging)
			}
			state := plugin.Create(remoteCommand, "test", inputs(arguments...))
			assertEqual(t, "captured stdout", state.Text(t, "stdout"), "out")
			messages := map[string]bool{}
			for _, entry := range plugin.Engine.Entries() {
				messages[entry.Message] = true
				want := enginetest.Entry{
					Severity: pulumirpc.LogSeverity_INFO, Message: entry.Message,
					URN: enginetest.URN(remoteCommand, "test"), Ephemeral: true,
				}
				assertEqual(t, "the entry", entry, want)
			}
			for _, line := range []string{"err", "out"} {
				assertEqual(t, "logged "+line, messages[line], strings.Contains(want, line))
			}
		})
	}
}

func TestRemoteLogsLinesAsTheyArrive(t *testing.T) {
	server := startSSHServer(t)
	plugin := enginetest.Start(t)
	gate := filepath.Join(t.TempDir(), "gate")
	run(t, "", "mkfifo", gate)
	done := make(chan enginetest.State)
	go func() {
		done <- plugin.Create(remoteCommand, "test", inputs(
			"connection", server.connection(), "create", "echo first; cat "+gate+"; printf last"))
	}()
	plugin.Engine.WaitFor(t, "first")
	writeFile(t, gate, "second\n")
	state := <-done
	assertEqual(t, "stdout", state.Text(t, "stdout"), "first\nsecond\nlast")
	assertEqual(t, "the log", strings.Join(plugin.Engine.Messages(), ","), "first,second,last")
}

// The log's lines are those of both streams together, as they come.
func TestLogLinesOfBothStreams(t *testing.T) {
	for logging, want := range map[string]string{
		"stdoutAndStderr": `["ab" "cd"]`, "stdout": `["ac"]`, "stderr": `["b" "d"]`, "none": "[]",
	} {
		t.Run(logging, func(t *testing.T) {
			engine := enginetest.StartEngine(t)
			client, err := standin.Connect(engine.Address)
			if err != nil {
				t.Fatal(err)
			}
			log := newTranscript(context.Background(), job{
				Operation: standin.Operation{Engine: client}, inputs: inputs("logging", logging),
			})
			fmt.Fprint(log.stdoutWriter(), "a")
			fmt.Fprint(log.stderrWriter(), "b\n")
			fmt.Fprint(log.stdoutWriter(), "c")
			fmt.Fprint(log.stderrWriter(), "d")
			log.close()
			assertEqual(t, "the log", fmt.Sprintf("%q", engine.Messages()), want)
			assertEqual(t, "the output", log.output(), output{"ac", "b\nd"})
		})
	}
}

// Lines are logged without their ends.
func TestRemoteLogLines(t *testing.T) {
	server := startSSHServer(t)
	for name, test := range map[string]struct{ command, want string }{
		"carriage returns":    {`printf 'a\r\nb\r\r\n\r\n\nc\rd\ne\r'`, `["a" "b\r" "" "" "c\rd" "e"]`},
		"no newline at all":   {`printf a`, `["a"]`},
		"nothing but newline": {`echo`, `[""]`},
	} {
		t.Run(name, func(t *testing.T) {
			plugin := enginetest.Start(t)
			plugin.Create(remoteCommand, "test", inputs("connection", server.connection(), "create", test.command))
			assertEqual(t, "the log", fmt.Sprintf("%q", plugin.Engine.Messages()), test.want)
		})
	}
}

const refusedNUL = `cannot set environment variable "PULUMI_COMMAND_STDOUT": the last run printed a NUL byte, ` +
	"which no variable can hold. Update the resource with addPreviousOutputInEnv set to false"

// Neither can a variable hold a NUL, nor does the official plugin run a command after such an output.
// Without that variable it runs again.
func TestNULInTheOutput(t *testing.T) {
	server := startSSHServer(t)
	for token, base := range map[string][]any{
		remoteCommand: {"connection", server.connection()}, localCommand: {},
	} {
		t.Run(token, func(t *testing.T) {
			plugin := enginetest.Start(t)
			with := func(more ...any) resource.PropertyMap { return inputs(append(more, base...)...) }
			state := plugin.Create(token, "test", with("create", `printf 'a\0b'`, "delete", "true"))
			assertEqual(t, "stdout", state.Text(t, "stdout"), "a\x00b")
			marker := filepath.Join(t.TempDir(), "ran")
			_, err := plugin.TryUpdate(state, with("create", "touch "+marker, "delete", "true"), false)
			assertError(t, err, refusedNUL)
			assertMissing(t, marker)
			assertError(t, plugin.Delete(state), refusedNUL)
			state = plugin.Update(state, with("create", "echo x", "delete", "true", "addPreviousOutputInEnv", false))
			assertEqual(t, "stdout of the way out", state.Text(t, "stdout"), "x")
			if err := plugin.Delete(state); err != nil {
				t.Error(err)
			}
		})
	}
}

// Whatever changes on a host between two commands is seen by the second.
func TestEachOperationHasItsOwnConnection(t *testing.T) {
	server := startSSHServer(t)
	relay := startRelay(t, server.port)
	plugin := enginetest.Start(t)
	arguments := inputs("connection", server.connection("port", float64(relay.port)), "create", "true")
	for count := 1; count <= 3; count++ {
		plugin.Create(remoteCommand, "test", arguments)
		assertEqual(t, "count of connections", relay.count(), count)
	}
	writeFile(t, filepath.Join(server.dir, "authorized_keys"), "")
	_, err := plugin.TryCreate(remoteCommand, "test", arguments)
	assertError(t, err, "after 0 failed attempts: ssh: handshake failed: ssh: unable to authenticate, "+
		"attempted methods [none publickey], no supported methods remain")
	for range 4 {
		relay.waitClosed(t, 4)
	}
}

func TestFailedCommandClosesItsConnection(t *testing.T) {
	server := startSSHServer(t)
	relay := startRelay(t, server.port)
	plugin := enginetest.Start(t)
	if _, err := plugin.TryCreate(remoteCommand, "test", inputs(
		"connection", server.connection("port", float64(relay.port)), "create", "false")); err == nil {
		t.Error("false succeeded")
	}
	relay.waitClosed(t, 1)
}

func TestRemoteFiveMegabytes(t *testing.T) {
	const size = 5 << 20
	server := startSSHServer(t, "AcceptEnv PULUMI_COMMAND_*")
	line := strings.Repeat("0123456789", 10)
	for name, test := range map[string]struct{ command, want string }{
		"many lines": {"yes " + line + " | head -c 5242880", strings.Repeat(line+"\n", size/101+1)[:size]},
		"one line":   {"yes " + line + " | tr -d '\\n' | head -c 5242880", strings.Repeat(line, size/100+1)[:size]},
	} {
		t.Run(name, func(t *testing.T) {
			plugin := enginetest.Start(t)
			state := plugin.Create(remoteCommand, "test", inputs("connection", server.connection(), "create", test.command))
			if got := state.Text(t, "stdout"); got != strings.TrimSuffix(test.want, "\n") {
				t.Errorf("%d bytes of stdout differ from the %d expected", len(got), len(test.want))
			}
			logged := strings.Join(plugin.Engine.Messages(), "")
			if strings.ReplaceAll(logged, "\n", "") != strings.ReplaceAll(test.want, "\n", "") {
				t.Errorf("%d bytes of log differ from what was printed", len(logged))
			}

			// So much does not fit into an environment: the next run goes on without it, and says so.
			state = plugin.Update(state, inputs(
				"connection", server.connection(), "create", `echo "${PULUMI_COMMAND_STDOUT-unset}"`))
			assertEqual(t, "stdout of the next run", state.Text(t, "stdout"), "unset")
			entries := plugin.Engine.Entries()
			warning := entries[len(entries)-2]
			assertEqual(t, "severity", warning.Severity, pulumirpc.LogSeverity_WARNING)
			assertContains(t, "the warning", warning.Message, "PULUMI_COMMAND_STDOUT is left out of the environment")
		})
	}
}

func TestRemoteFiveMegabytesInAnError(t *testing.T) {
	server := startSSHServer(t)
	plugin := enginetest.Start(t)
	_, err := plugin.TryCreate(remoteCommand, "test", inputs("connection", server.connection(),
		"create", `yes | head -c 5242880; echo 'the reason'; exit 3`, "logging", "none"))
	if err == nil {
		t.Fatal("no error")
	}
	assertContains(t, "the error", err.Error(), "Process exited with status 3")
	assertContains(t, "the error", err.Error(), "bytes left out")
	assertContains(t, "the error", err.Error(), "y\nthe reason\n")
}

func TestRemoteTwentyAtOnce(t *testing.T) {
	server := startSSHServer(t)
	plugin := enginetest.Start(t)
	dir := t.TempDir()
	// Each command ends well only when all of them run. If the test is killed, they end by themselves.
	const meet = `touch %[1]s/$(cat); for i in $(seq 3000); do ` +
		`[ "$(ls %[1]s | wc -l)" -lt 20 ] || { echo met; exit; }; sleep 0.02; done; exit 1`
	var all sync.WaitGroup
	for i := range 20 {
		all.Go(func() {
			state, err := plugin.TryCreate(remoteCommand, fmt.Sprint("test", i), inputs(
				"connection", server.connection("dialErrorLimit", 10.0),
				"create", fmt.Sprintf(meet, dir), "stdin", fmt.Sprint(i)))
			if err != nil {
				t.Error(err)
				return
			}
			assertEqual(t, "stdout", state.Text(t, "stdout"), "met")
		})
	}
	all.Wait()
}

func TestRemoteCancel(t *testing.T) {
	server := startSSHServer(t)
	relay := startRelay(t, server.port)
	plugin := enginetest.Start(t)
	failed := make(chan error)
	go func() {
		_, err := plugin.TryCreate(remoteCommand, "test", inputs(
			"connection", server.connection("port", float64(relay.port)),
			"create", "echo $$ >"+leftover(t)+"; echo started; exec sleep 600"))
		failed <- err
	}()
	plugin.Engine.WaitFor(t, "started")
	if _, err := plugin.Client.Cancel(context.Background(), &emptypb.Empty{}); err != nil {
		t.Fatal(err)
	}
	err := <-failed
	if err == nil {
		t.Fatal("a cancelled command succeeded")
	}
	assertContains(t, "the error", err.Error(), "context canceled: running ")
	assertContains(t, "the error", err.Error(), ":\nstarted\n")
	relay.waitClosed(t, 1)
	assertEqual(t, "the status", status.Code(err), codes.Canceled)
	for range 20 { // one may come before the plugin has spread the word
		_, err = plugin.TryCreate(remoteCommand, "later", inputs("connection", server.connection(), "create", "true"))
		assertError(t, err, "context canceled")
	}
	assertEqual(t, "count of connections", relay.count(), 1)
}

// leftover returns a file for the process id of a command that its server may let live on: a server
// refuses signals for root's commands. It is ended after the test.
func leftover(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "pid")
	t.Cleanup(func() { run(t, "", "sh", "-c", "kill -9 $(cat "+path+") 2>/dev/null || true") })
	return path
}

func TestRemoteTimeout(t *testing.T) {
	port := startOwnServer(t, &ssh.ServerConfig{NoClientAuth: true}, func(*ssh.Request, ssh.Channel) {})
	plugin := enginetest.Start(t)
	_, err := plugin.TryCreateWithin(remoteCommand, "test", inputs(
		"connection", map[string]any{"host": "127.0.0.1", "port": float64(port)}, "create", "sleep 600"), 1)
	if err == nil {
		t.Fatal("a command that timed out succeeded")
	}
	assertContains(t, "the error", err.Error(), "context deadline exceeded")
}

func TestRemoteCancelKillsTheCommand(t *testing.T) {
	signals := make(chan string, 1)
	port := startOwnServer(t, &ssh.ServerConfig{NoClientAuth: true}, func(request *ssh.Request, channel ssh.Channel) {
		switch request.Type {
		case "exec":
			_, _ = channel.Write([]byte("started\n"))
		case "signal":
			var signal struct{ Name string }
			_ = ssh.Unmarshal(request.Payload, &signal)
			signals <- signal.Name
		}
	})
	plugin := enginetest.Start(t)
	failed := make(chan error)
	go func() {
		_, err := tryRemote(plugin, map[string]any{"host": "127.0.0.1", "port": float64(port)})
		failed <- err
	}()
	plugin.Engine.WaitFor(t, "started")
	if _, err := plugin.Client.Cancel(context.Background(), &emptypb.Empty{}); err != nil {
		t.Fatal(err)
	}
	assertError(t, <-failed, "context canceled: running \"echo reached\":\nstarted\n")
	assertEqual(t, "the signal", <-signals, "KILL")
}

func TestRemoteSecrets(t *testing.T) {
	server := startSSHServer(t, "AcceptEnv LAB_*")
	plugin := enginetest.Start(t)
	const stdin, variable, password = "stdin-secret", "variable-secret", "password-secret"
	arguments := []any{
		"connection", server.connection("password", password),
		"create", "cat >/dev/null; echo visible", "stdin", secret(stdin),
		"environment", map[string]any{"LAB_A": secret(variable), "LAB_B": "plain"},
	}
	state := plugin.Create(remoteCommand, "test", inputs(arguments...))
	for _, key := range []resource.PropertyKey{"connection", "stdin"} {
		if !state.Outputs[key].IsSecret() {
			t.Errorf("output %s is not secret", key)
		}
	}
	environment := state.Outputs["environment"].ObjectValue()
	assertEqual(t, "LAB_A is secret", environment["LAB_A"].IsSecret(), true)
	assertEqual(t, "LAB_B is secret", environment["LAB_B"].IsSecret(), false)
	assertEqual(t, "stdout is secret", state.Outputs["stdout"].IsSecret(), false)
	connection := state.Outputs["connection"].SecretValue().Element.ObjectValue()
	for _, key := range []resource.PropertyKey{"privateKey", "password"} {
		assertEqual(t, string(key)+" is secret", connection[key].IsSecret(), true)
	}

	// Failures of every kind must not tell either.
	_, err := plugin.TryUpdate(state, inputs(append(arguments, "update", "exit 3")...), false)
	if err == nil {
		t.Fatal("no error")
	}
	_, wrong := plugin.TryCreate(remoteCommand, "test", inputs("create", "true",
		"connection", server.connection("privateKey", generatedPrivateKey(t), "password", password)))
	if wrong == nil {
		t.Fatal("no error")
	}
	_, broken := plugin.TryCreate(remoteCommand, "test", inputs("create", "true",
		"connection", server.connection("privateKey", "not-a-key-secret")))
	assertError(t, broken, "ssh: no key found")
	body := strings.Split(server.privateKey, "\n")[2]
	for _, text := range []string{err.Error(), wrong.Error(), broken.Error()} {
		for _, hidden := range []string{stdin, variable, password, body, "not-a-key-secret"} {
			if strings.Contains(text, hidden) {
				t.Errorf("the error holds the secret %q:\n%s", hidden, text)
			}
		}
	}
	plugin.AssertNeverLogged(stdin, variable, password, body, "not-a-key-secret")
}

func TestRemotePreview(t *testing.T) {
	plugin := enginetest.Start(t)
	nowhere := map[string]any{"host": "127.0.0.1", "port": 1.0, "dialErrorLimit": 0.0}
	unknown := resource.MakeComputed(resource.NewProperty(""))
	outputs := plugin.PreviewCreate(remoteCommand, inputs("connection", resource.MakeSecret(unknown), "create", unknown,
		"environment", map[string]any{"A": unknown}))
	for _, key := range []resource.PropertyKey{"stdout", "stderr", "create"} {
		assertEqual(t, string(key)+" is unknown", outputs[key].IsComputed(), true)
	}
	assertEqual(t, "connection is secret", outputs["connection"].IsSecret(), true)
	assertEqual(t, "nested unknown", outputs["environment"].ObjectValue()["A"].IsComputed(), true)

	old := plugin.Create(remoteCommand, "test", inputs("connection", nowhere))
	changed, err := plugin.TryUpdate(old, inputs("connection", nowhere, "create", "true"), true)
	if err != nil {
		t.Fatal(err)
	}
	assertEqual(t, "stdout of a changed command is unknown", changed.Outputs["stdout"].IsComputed(), true)
	same, err := plugin.TryUpdate(old, inputs("connection", nowhere), true)
	if err != nil {
		t.Fatal(err)
	}
	assertEqual(t, "stdout of an unchanged command", same.Text(t, "stdout"), "")
	assertEqual(t, "count of messages", len(plugin.Engine.Messages()), 0)
}

func TestRemoteCheck(t *testing.T) {
	plugin := enginetest.Start(t, "SSH_AUTH_SOCK=/nowhere")
	checked := plugin.MustCheck(remoteCommand, inputs("connection", map[string]any{
		"host": "h", "privateKey": "k", "privateKeyPassword": "p", "password": "w", "proxy": map[string]any{"host": "b"},
	}))
	if !checked["connection"].IsSecret() {
		t.Fatal("connection is not secret")
	}
	want := `{"dialErrorLimit":10,"host":"h","password":secret w,"perDialTimeout":15,"port":22,"privateKey":secret k,` +
		`"privateKeyPassword":secret p,"proxy":{"dialErrorLimit":10,"host":"b","perDialTimeout":15,"port":22,"user":"root"},` +
		`"user":"root"}`
	assertEqual(t, "connection", describe(checked["connection"].SecretValue().Element), want)

	unknown := resource.MakeComputed(resource.NewProperty(""))
	plugin.MustCheck(remoteCommand, inputs("connection", unknown, "triggers", unknown, "addPreviousOutputInEnv", unknown))

	for _, test := range []struct {
		name   string
		inputs resource.PropertyMap
		want   string
	}{
		{"no connection", inputs("create", "x"), `connection: missing required field "connection"`},
		{"no host", inputs("connection", map[string]any{}), `connection.host: missing required field "host"`},
		{
			"no proxy host", inputs("connection", map[string]any{"host": "h", "proxy": map[string]any{}}),
			`connection.proxy.host: missing required field "host"`,
		},
		{
			"port as text", inputs("connection", map[string]any{"host": "h", "port": "22"}),
			`connection.port: must be a number; got string`,
		},
		{
			"unknown field", inputs("connection", map[string]any{"host": "h"}, "comand", "x"),
			`comand: unknown field "comand"`,
		},
		{
			"number in environment",
			inputs("connection", map[string]any{"host": "h"}, "environment", map[string]any{"A": 1.0}),
			`environment: must be an object of strings; got object`,
		},
		{
			"two faults", inputs("connection", map[string]any{"host": "h", "color": "red"}, "create", 1.0),
			`connection.color: unknown field "color"; create: must be a string; got number`,
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, failures := plugin.Check(remoteCommand, test.inputs)
			assertEqual(t, "the faults", strings.Join(failures, "; "), test.want)
		})
	}
}

// describe renders a property value with its secret marks, keys in order.
func describe(value resource.PropertyValue) string {
	switch {
	case value.IsSecret():
		return "secret " + strings.Trim(describe(value.SecretValue().Element), `"`)
	case value.IsObject():
		var parts []string
		for _, key := range value.ObjectValue().StableKeys() {
			parts = append(parts, fmt.Sprintf("%q:%s", key, describe(value.ObjectValue()[key])))
		}
		return "{" + strings.Join(parts, ",") + "}"
	case value.IsString():
		return fmt.Sprintf("%q", value.StringValue())
	}
	return fmt.Sprint(value.V)
}

func TestRemoteDiff(t *testing.T) {
	plugin := enginetest.Start(t)
	host := func(name string) map[string]any { return map[string]any{"host": name} }
	triggers := func(values ...any) []any { return values }
	base := inputs("connection", host("a"), "triggers", triggers("x", "y"), "stdin", "s",
		"environment", map[string]any{"A": "1"})
	state := plugin.Create(remoteCommand, "test", base)
	unknown := resource.MakeComputed(resource.NewProperty(""))
	change := func(pairs ...any) resource.PropertyMap {
		result := base.Copy()
		for key, value := range inputs(pairs...) {
			if value.IsNull() {
				delete(result, key)
			} else {
				result[key] = value
			}
		}
		return result
	}
	for _, test := range []struct {
		name       string
		inputs     resource.PropertyMap
		path, kind string
	}{
		{"nothing", base, "", ""},
		{"explicit default", change("connection", map[string]any{"host": "a", "port": 22.0}), "", ""},
		{"stdin", change("stdin", "t"), "stdin", "UPDATE"},
		{"secret mark", change("stdin", secret("s")), "stdin", "UPDATE"},
		{"connection", change("connection", host("b")), "connection", "UPDATE"},
		{"environment", change("environment", map[string]any{"A": "2"}), "environment.A", "UPDATE"},
		{"create added", change("create", "c"), "create", "ADD"},
		{"stdin removed", change("stdin", nil), "stdin", "DELETE"},
		{"trigger changed", change("triggers", triggers("z", "y")), "triggers[0]", "UPDATE_REPLACE"},
		{"trigger added", change("triggers", triggers("x", "y", "z")), "triggers[2]", "ADD_REPLACE"},
		{"trigger unknown", change("triggers", triggers("x", unknown)), "triggers[1]", "UPDATE_REPLACE"},
		{"triggers unknown", change("triggers", unknown), "triggers", "UPDATE_REPLACE"},
		{"triggers removed", change("triggers", nil), "triggers", "DELETE_REPLACE"},
	} {
		t.Run(test.name, func(t *testing.T) {
			diff := plugin.Diff(state, test.inputs)
			assertEqual(t, "deleteBeforeReplace", diff.DeleteBeforeReplace, false)
			if test.path == "" {
				assertEqual(t, "changes", diff.Changes, pulumirpc.DiffResponse_DIFF_NONE)
				assertEqual(t, "count of details", len(diff.DetailedDiff), 0)
				return
			}
			input := strings.FieldsFunc(test.path, func(r rune) bool { return r == '.' || r == '[' })[0]
			replaced := ""
			if strings.HasSuffix(test.kind, "_REPLACE") {
				replaced = input
			}
			assertEqual(t, "changes", diff.Changes, pulumirpc.DiffResponse_DIFF_SOME)
			assertEqual(t, "the diffs", strings.Join(diff.Diffs, ","), input)
			assertEqual(t, "the replacements", strings.Join(diff.Replaces, ","), replaced)
			assertEqual(t, "hasDetailedDiff", diff.HasDetailedDiff, true)
			assertEqual(t, "count of details", len(diff.DetailedDiff), 1)
			assertEqual(t, "kind", diff.DetailedDiff[test.path].GetKind().String(), test.kind)
			assertEqual(t, "inputDiff", diff.DetailedDiff[test.path].GetInputDiff(), true)
		})
	}
}
