package main

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	pulumirpc "github.com/pulumi/pulumi/sdk/v3/proto/go"
	"google.golang.org/protobuf/types/known/emptypb"

	"kafkalab/providers/internal/enginetest"
)

const (
	localCommand = "command:local:Command"
	localRun     = "command:local:run"
)

func TestLocalOutputs(t *testing.T) {
	dir := t.TempDir()
	plugin := enginetest.Start(t, "INHERITED=yes", "REPLACED=no")
	for _, test := range []struct {
		name           string
		inputs         resource.PropertyMap
		stdout, stderr string
	}{
		{"streams apart", inputs("create", `echo out; echo err >&2`), "out", "err"},
		{"only one last newline goes", inputs("create", `printf 'a\n\n'`), "a\n", ""},
		{"stdin", inputs("create", "cat; echo end", "stdin", "in\n"), "in\nend", ""},
		{"no stdin", inputs("create", "cat; echo end"), "end", ""},
		{"stdin not read", inputs("create", "echo end", "stdin", strings.Repeat("x", 1<<20)), "end", ""},
		{"dir", inputs("create", "pwd", "dir", dir), dir, ""},
		{
			"environment", inputs("create", `echo "$INHERITED $REPLACED $NEW"`,
				"environment", map[string]any{"REPLACED": "yes", "NEW": "a b"}), "yes yes a b", "",
		},
		{"interpreter", inputs("create", "echo $0", "interpreter", []any{"/bin/bash", "-c"}), "/bin/bash", ""},
		{"empty interpreter", inputs("create", "echo $0", "interpreter", []any{}), "/bin/sh", ""},
		{"not UTF-8", inputs("create", `printf 'a\377'`), "a\uFFFD", ""},
		{"output of a grandchild", inputs("create", `(until [ -e `+dir+`/go ]; do :; done; echo late) & touch `+dir+`/go`), "late", ""},
		{"no create", inputs("delete", "true"), "", ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			state := plugin.Create(localCommand, "test", test.inputs)
			assertEqual(t, "stdout", state.Text(t, "stdout"), test.stdout)
			assertEqual(t, "stderr", state.Text(t, "stderr"), test.stderr)
		})
	}
}

func TestLocalFailures(t *testing.T) {
	plugin := enginetest.Start(t)
	for _, test := range []struct {
		name   string
		inputs resource.PropertyMap
		want   string
	}{
		{
			"exit status", inputs("create", `echo "a"; exit 3`),
			"exit status 3: running \"echo \\\"a\\\"; exit 3\":\na\n",
		},
		{"stderr too", inputs("create", "echo b >&2; false"), "exit status 1: running \"echo b >&2; false\":\nb\n"},
		{"signal", inputs("create", "kill -9 $$"), "signal: killed: running \"kill -9 $$\":\n"},
		{
			"no such dir", inputs("create", "true", "dir", "/no/such"),
			"chdir /no/such: no such file or directory: running \"true\":\n",
		},
		{
			"no such interpreter", inputs("create", "true", "interpreter", []any{"/no/such"}),
			"fork/exec /no/such: no such file or directory: running \"true\":\n",
		},
		{"secret command", inputs("create", secret("exit 5")), "exit status 5: running [secret]:\n"},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, err := plugin.TryCreate(localCommand, "test", test.inputs)
			assertError(t, err, test.want)
		})
	}
}

func TestLocalLifecycle(t *testing.T) {
	log := filepath.Join(t.TempDir(), "log")
	plugin := enginetest.Start(t)
	show := `echo "$PULUMI_COMMAND_STDOUT/$PULUMI_COMMAND_STDERR" >>` + log
	all := []any{"create", "echo create; echo problem >&2; " + show, "update", "echo update; " + show, "delete", show}
	state := plugin.Create(localCommand, "test", inputs(all...))
	state = plugin.Update(state, inputs(append(all, "stdin", "changed")...))
	if err := plugin.Delete(state); err != nil {
		t.Fatal(err)
	}
	assertEqual(t, "what the commands saw", readFile(t, log), "/\ncreate/problem\nupdate/\n")
}

func TestLocalPreviousOutputTooLong(t *testing.T) {
	plugin := enginetest.Start(t)
	state := plugin.Create(localCommand, "test", inputs("create", "yes | head -c 200000", "logging", "none"))
	state = plugin.Update(state, inputs("create", `echo "${PULUMI_COMMAND_STDOUT-unset}"`, "logging", "none"))
	assertEqual(t, "stdout", state.Text(t, "stdout"), "unset")
	entries := plugin.Engine.Entries()
	if len(entries) != 1 {
		t.Fatalf("the log is %v; want one warning", entries)
	}
	assertEqual(t, "severity", entries[0].Severity, pulumirpc.LogSeverity_WARNING)
}

// The longest output that the next command can be given, and the first that it cannot.
func TestLocalPreviousOutputLimit(t *testing.T) {
	plugin := enginetest.Start(t)
	longest := 128<<10 - len("PULUMI_COMMAND_STDOUT=") - 1
	for _, test := range []struct {
		size int
		want string
	}{{longest, "set"}, {longest + 1, "unset"}} {
		state := plugin.Create(localCommand, "test", inputs(
			"create", "cat", "stdin", strings.Repeat("x", test.size), "logging", "none"))
		state = plugin.Update(state, inputs("create", "test -n \"$PULUMI_COMMAND_STDOUT\" && echo set || echo unset"))
		assertEqual(t, "the variable", state.Text(t, "stdout"), test.want)
	}
}

func TestLocalCancelKillsGrandchildren(t *testing.T) {
	plugin := enginetest.Start(t)
	alive := filepath.Join(t.TempDir(), "alive")
	run(t, "", "mkfifo", alive)
	failed := make(chan error)
	go func() {
		_, err := plugin.TryCreate(localCommand, "test", inputs(
			"create", "exec 3>"+alive+"; echo started; sleep 600; true"))
		failed <- err
	}()
	held, err := os.Open(alive)
	if err != nil {
		t.Fatal(err)
	}
	defer held.Close()
	plugin.Engine.WaitFor(t, "started")
	if _, err := plugin.Client.Cancel(context.Background(), &emptypb.Empty{}); err != nil {
		t.Fatal(err)
	}
	assertError(t, <-failed, "signal: killed: running \"exec 3>"+alive+"; echo started; sleep 600; true\":\nstarted\n")
	// Whoever lives of the command holds the pipe open.
	if _, err := held.Read(make([]byte, 1)); err == nil || err.Error() != "EOF" {
		t.Errorf("the pipe ends with %v; want EOF", err)
	}
}

// filesOf returns the names of a state's assets, and checks that the archive has the same.
func filesOf(t *testing.T, state enginetest.State, dir string) string {
	t.Helper()
	var names []string
	for _, key := range state.Outputs["assets"].ObjectValue().StableKeys() {
		names = append(names, string(key))
		path := state.Outputs["assets"].ObjectValue()[key].AssetValue().Path
		assertEqual(t, "path", path, filepath.Join(dir, string(key)))
	}
	packed, _ := state.Outputs["archive"].ArchiveValue().GetAssets()
	assertEqual(t, "count in the archive", len(packed), len(names))
	return strings.Join(names, " ")
}

func TestLocalFiles(t *testing.T) {
	base := t.TempDir()
	dir := filepath.Join(base, "dir")
	if err := os.MkdirAll(filepath.Join(dir, "sub/deep"), 0o755); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"a.txt", "b.log", "[x]", ".hidden", "sub/c.txt", "sub/deep/d.txt"} {
		writeFile(t, filepath.Join(dir, name), name)
	}
	for name, target := range map[string]string{"dir/link": "a.txt", "linked": "dir"} {
		if err := os.Symlink(target, filepath.Join(base, name)); err != nil {
			t.Fatal(err)
		}
	}
	plugin := enginetest.StartIn(t, base)
	for _, test := range []struct {
		name, want string
		globs      []any
	}{
		{"one level", "a.txt", []any{"*.txt"}},
		{"all levels", "a.txt sub/c.txt sub/deep/d.txt", []any{"**.txt"}},
		{"below a directory", "sub/c.txt sub/deep/d.txt", []any{"**/*.txt"}},
		{"in a directory", "sub/c.txt", []any{"sub/*"}},
		{"directories are no files", "", []any{"sub", "sub/", "."}},
		{"excluded", ".hidden [x] a.txt b.log link", []any{"**", "!sub/**"}},
		{"order counts", ".hidden [x] a.txt b.log link sub/deep/d.txt", []any{"**", "!sub/**", "sub/deep/*"}},
		{"choices", "a.txt b.log", []any{"[ab].{txt,log}"}},
		{"no such choice", "b.log", []any{"[!a].*"}},
		{"escaped", "[x]", []any{`\[x\]`}},
		{"a link", "link", []any{"l*"}},
		{"a leading ./ matches nothing", "", []any{"./a.txt"}},
		{"nothing", "", []any{"*.none", ""}},
		{"no globs", "", []any{}},
	} {
		t.Run(test.name, func(t *testing.T) {
			state := plugin.Create(localCommand, "test", inputs(
				"create", "true", "dir", dir, "assetPaths", test.globs, "archivePaths", test.globs))
			assertEqual(t, "the files", filesOf(t, state, dir), test.want)
		})
	}
	for _, test := range []struct {
		name    string
		dir     any
		glob    string
		in, out string // where the paths are, and the files
	}{
		{"none", nil, "dir/sub/*", base, "dir/sub/c.txt"},
		{"a link", filepath.Join(base, "linked"), "*.txt", filepath.Join(base, "linked"), "a.txt"},
		{"a relative one", "dir/sub", "*.txt", "dir/sub", "c.txt"},
		{"a relative link", "linked", "*.txt", "linked", "a.txt"},
	} {
		t.Run("dir is "+test.name, func(t *testing.T) {
			state := plugin.Create(localCommand, "test", inputs(
				"create", "true", "dir", test.dir, "assetPaths", []any{test.glob}, "archivePaths", []any{test.glob}))
			assertEqual(t, "the files", filesOf(t, state, test.in), test.out)
		})
	}
	t.Run("no longer asked for", func(t *testing.T) {
		state := plugin.Create(localCommand, "test", inputs("create", "true", "dir", dir, "assetPaths", []any{"*.txt"}))
		state = plugin.Update(state, inputs("create", "true", "dir", dir))
		assertEqual(t, "count of assets", len(state.Outputs["assets"].ObjectValue()), 1)
	})
	outputs := plugin.PreviewCreate(localCommand, inputs("create", "true", "archivePaths", []any{"*"}))
	assertEqual(t, "archive is unknown in a preview", outputs["archive"].IsComputed(), true)
	if _, ok := outputs["assets"]; ok {
		t.Error("a preview shows assets that nobody asked for")
	}
}

func TestLocalFilesThatCannotBeRead(t *testing.T) {
	dir := t.TempDir()
	run(t, "", "sh", "-c", "cd "+dir+" && mkfifo pipe && ln -s nowhere dangling && mkdir sub && ln -s sub link && ln -s /dev/zero device")
	plugin := enginetest.Start(t)
	for _, test := range []struct{ glob, want string }{
		{"pipe", "open " + dir + "/pipe: it is a named pipe; only files and directories can be read"},
		{"device", "open " + dir + "/device: it is a device; only files and directories can be read"},
		{"dangling", "failed to open asset file '" + dir + "/dangling': open " + dir + "/dangling: no such file or directory"},
		{"link", "asset path '" + dir + "/link' is a directory; try using an archive"},
		{"[", `glob "[": unexpected end of input`},
	} {
		for _, input := range []string{"assetPaths", "archivePaths"} {
			_, err := plugin.TryCreate(localCommand, "test", inputs(
				"create", "true", "dir", dir, input, []any{test.glob}))
			assertError(t, err, test.want)
		}
	}
	_, err := plugin.TryCreate(localCommand, "test", inputs("create", "true", "dir", "", "assetPaths", []any{"*"}))
	assertError(t, err, "stat .: os: DirFS with empty root")
}

func TestLocalRun(t *testing.T) {
	plugin := enginetest.Start(t)
	result, failures, err := plugin.Invoke(localRun, inputs("command", "cat; echo err >&2", "stdin", "in"))
	if err != nil || len(failures) > 0 {
		t.Fatal(err, failures)
	}
	assertEqual(t, "result", describe(resource.NewProperty(result)),
		`{"command":"cat; echo err >&2","stderr":"err","stdin":"in","stdout":"in"}`)

	_, failures, err = plugin.Invoke(localRun, inputs("stdin", "in"))
	if err != nil {
		t.Fatal(err)
	}
	assertEqual(t, "the faults", strings.Join(failures, "; "), `command: missing required field "command"`)

	_, _, err = plugin.Invoke(localRun, inputs("command", "exit 3"))
	assertError(t, err, "exit status 3: running \"exit 3\":\n")
}
