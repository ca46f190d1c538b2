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

func TestLocalFiles(t *testing.T) {
	dir := t.TempDir()
	plugin := enginetest.Start(t)
	create := "mkdir -p sub/deep && echo 1 >a.txt && echo 2 >b.log && echo 3 >sub/c.txt && echo 4 >sub/deep/d.txt"
	for _, test := range []struct {
		name, want string
		globs      []any
	}{
		{"one level", "a.txt", []any{"*.txt"}},
		{"all levels", "a.txt sub/c.txt sub/deep/d.txt", []any{"**.txt"}},
		{"in a directory", "sub/c.txt", []any{"sub/*"}},
		{"excluded", "a.txt b.log", []any{"**", "!sub/**"}},
		{"order counts", "a.txt b.log sub/deep/d.txt", []any{"**", "!sub/**", "sub/deep/*"}},
		{"choices", "a.txt b.log", []any{"[ab].{txt,log}"}},
		{"nothing", "", []any{"*.none"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			state := plugin.Create(localCommand, "test", inputs(
				"create", create, "dir", dir, "assetPaths", test.globs, "archivePaths", test.globs))
			var assets, packed []string
			for _, key := range state.Outputs["assets"].ObjectValue().StableKeys() {
				assets = append(assets, string(key))
				path := state.Outputs["assets"].ObjectValue()[key].AssetValue().Path
				assertEqual(t, "path", path, filepath.Join(dir, string(key)))
			}
			files, _ := state.Outputs["archive"].ArchiveValue().GetAssets()
			for key := range resource.NewPropertyMapFromMap(files) {
				packed = append(packed, string(key))
			}
			assertEqual(t, "the assets", strings.Join(assets, " "), test.want)
			assertEqual(t, "count in the archive", len(packed), len(assets))
		})
	}
	outputs := plugin.PreviewCreate(localCommand, inputs("create", create, "archivePaths", []any{"*"}))
	assertEqual(t, "archive is unknown in a preview", outputs["archive"].IsComputed(), true)
	if _, ok := outputs["assets"]; ok {
		t.Error("a preview shows assets that nobody asked for")
	}
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
