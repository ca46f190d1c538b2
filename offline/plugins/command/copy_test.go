package main

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource/archive"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource/asset"

	"kafkalab/providers/internal/enginetest"
)

const (
	copyToRemoteType = "command:remote:CopyToRemote"
	copyFileType     = "command:remote:CopyFile"
)

func fileAsset(path string) resource.PropertyValue {
	return resource.NewProperty(&asset.Asset{Sig: asset.AssetSig, Path: path})
}

func textAsset(text string) resource.PropertyValue {
	return resource.NewProperty(&asset.Asset{Sig: asset.AssetSig, Text: text})
}

func pathArchive(path string) resource.PropertyValue {
	return resource.NewProperty(&archive.Archive{Sig: archive.ArchiveSig, Path: path})
}

// tree returns the files below a directory as "path=content", in order.
func tree(t *testing.T, dir string) string {
	t.Helper()
	var files []string
	err := filepath.WalkDir(dir, func(path string, entry os.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		name, _ := filepath.Rel(dir, path)
		files = append(files, name+"="+readFile(t, path))
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return strings.Join(files, " ")
}

func TestCopyToRemote(t *testing.T) {
	server := startSSHServer(t)
	source := t.TempDir()
	if err := os.MkdirAll(filepath.Join(source, "dir/sub"), 0o755); err != nil {
		t.Fatal(err)
	}
	writeFile(t, filepath.Join(source, "file"), "F")
	writeFile(t, filepath.Join(source, "dir/a"), "A")
	writeFile(t, filepath.Join(source, "dir/sub/b"), "B")
	if err := os.Symlink("../file", filepath.Join(source, "dir/link")); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("dir", filepath.Join(source, "linked")); err != nil {
		t.Fatal(err)
	}
	plugin := enginetest.StartIn(t, source)
	for _, test := range []struct {
		name       string
		source     resource.PropertyValue
		remotePath string
		before     map[string]string // what is in the target directory
		want       string            // what is there after, or an error
	}{
		{"file to a new path", fileAsset("file"), "/x/y", nil, "x/y=F"},
		{"file into a directory", fileAsset("file"), "", nil, "file=F"},
		{"file over a longer file", fileAsset("file"), "/x", map[string]string{"x": "older"}, "x=F"},
		{"absolute source", fileAsset(filepath.Join(source, "file")), "/x", nil, "x=F"},
		{"directory", pathArchive("dir"), "/x", nil, "x/dir/a=A x/dir/link=F x/dir/sub/b=B"},
		{"what a directory holds", pathArchive("dir/"), "/x", nil, "x/a=A x/link=F x/sub/b=B"},
		{
			"directory merged", pathArchive("dir/"), "", map[string]string{"sub/c": "C", "a": "old"},
			"a=A link=F sub/b=B sub/c=C",
		},
		{"text", textAsset("T"), "/x/y", nil, "x/y=T"},
		{
			"text onto a directory", textAsset("T"), "", nil,
			"remote path %s is a directory; when using a text asset, remotePath must be a file path",
		},
		{"a file in the way of a directory", pathArchive("dir/"), "", map[string]string{"sub": "S"}, "remote path %s/sub exists but is not a directory"},
		{"a file in the way of the directory itself", pathArchive("dir"), "", map[string]string{"dir": "D"}, "remote path %s/dir exists but is not a directory"},
		{"a directory onto a file", pathArchive("dir/"), "/x", map[string]string{"x": "X"}, "remote path %s/x exists but is not a directory"},
		{"a file below a file", fileAsset("file"), "/x/y", map[string]string{"x": "X"}, "failed to create parent directories for %s/x/y: "},
		{"a file to a path with a slash at its end", fileAsset("file"), "/x/", nil, "failed to create remote file %s/x/: "},
		{"a directory as a file", fileAsset("dir"), "/x", nil, "x/dir/a=A x/dir/link=F x/dir/sub/b=B"},
		{"a link to a directory", pathArchive("linked"), "/x", nil, "x/linked/a=A x/linked/link=F x/linked/sub/b=B"},
		{"missing source", fileAsset("none*"), "/x", nil, "open none*: no such file or directory"},
		{"no wildcards", fileAsset("f*"), "/x", nil, "open f*: no such file or directory"},
	} {
		t.Run(test.name, func(t *testing.T) {
			target := t.TempDir()
			for name, text := range test.before {
				if err := os.MkdirAll(filepath.Dir(filepath.Join(target, name)), 0o755); err != nil {
					t.Fatal(err)
				}
				writeFile(t, filepath.Join(target, name), text)
			}
			state, err := createCopy(t, plugin, inputs(
				"connection", server.connection(), "source", test.source, "remotePath", target+test.remotePath))
			if err != nil {
				assertContains(t, "the error", err.Error(), strings.Replace(test.want, "%s", target, 1))
				return
			}
			assertEqual(t, "the target", tree(t, target), test.want)
			assertEqual(t, "length of the id", len(state.ID), 8)
		})
	}
}

// createCopy does without the hashes that the harness would compute of sources that do not exist.
func createCopy(t *testing.T, plugin *enginetest.Plugin, args resource.PropertyMap) (enginetest.State, error) {
	t.Helper()
	if source := args["source"]; source.IsAsset() && strings.Contains(source.AssetValue().Path, "*") {
		source.AssetValue().Hash = "unread"
	} else if source.IsAsset() && source.AssetValue().IsPath() || source.IsArchive() {
		withHash(&source)
	}
	return plugin.TryCreate(copyToRemoteType, "test", args)
}

// withHash gives relative sources a hash, since the harness does not run in the plugin's directory.
func withHash(source *resource.PropertyValue) {
	if source.IsAsset() && source.AssetValue().Hash == "" {
		source.AssetValue().Hash = "hash"
	}
	if source.IsArchive() && source.ArchiveValue().Hash == "" {
		source.ArchiveValue().Hash = "hash"
	}
}

func TestCopyToRemoteRelativePath(t *testing.T) {
	server := startSSHServer(t)
	plugin := enginetest.Start(t)
	name := filepath.Base(t.TempDir()) + "-copied"
	plugin.Create(copyToRemoteType, "test", inputs(
		"connection", server.connection(), "source", textAsset("T"), "remotePath", name))
	assertEqual(t, "the file in the login directory", readFile(t, server.view(filepath.Join("/root", name))), "T")
}

// What exists at the remote path keeps its mode, its links and its other names; a link is followed.
func TestCopyToRemoteOverwrites(t *testing.T) {
	server := startSSHServer(t)
	plugin := enginetest.Start(t)
	target := t.TempDir()
	path := func(name string) string { return filepath.Join(target, name) }
	writeFile(t, path("file"), "an older and longer text")
	for _, err := range []error{
		os.Chmod(path("file"), 0o741), os.Link(path("file"), path("hard")), os.Symlink("file", path("soft")),
		os.Symlink("made", path("dangling")),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range []string{"soft", "dangling"} {
		plugin.Create(copyToRemoteType, "test", inputs("connection", server.connection(),
			"source", textAsset("new "+name), "remotePath", path(name)))
	}
	assertEqual(t, "the target", tree(t, target),
		"dangling=new dangling file=new soft hard=new soft made=new dangling soft=new soft")
	info, err := os.Lstat(path("file"))
	if err != nil {
		t.Fatal(err)
	}
	assertEqual(t, "the mode", info.Mode(), 0o741)
}

// A copy that does not fit is an error whatever its size, and no part of it stays.
func TestCopyToFullDisk(t *testing.T) {
	server := newSSHServer(t)
	server.disk = t.TempDir()
	server.start(t)
	diskView := server.view(server.disk)
	plugin := enginetest.Start(t)
	// room leaves this much of the disk free, beside an old file if there is to be one.
	room := func(t *testing.T, free int, old string) {
		t.Helper()
		entries, err := os.ReadDir(diskView)
		if err != nil {
			t.Fatal(err)
		}
		for _, entry := range entries {
			if err := os.Remove(filepath.Join(diskView, entry.Name())); err != nil {
				t.Fatal(err)
			}
		}
		rest := diskSize - free
		if old != "" {
			writeFile(t, filepath.Join(diskView, old), "old")
			rest -= os.Getpagesize()
		}
		writeFile(t, filepath.Join(diskView, "filler"), strings.Repeat("x", rest))
	}
	source := t.TempDir()
	write := func(size int) string {
		path := filepath.Join(source, "file")
		writeFile(t, path, strings.Repeat("x", size))
		return path
	}
	const failed = `sftp: "Failure" (SSH_FX_FAILURE)`
	target := filepath.Join(server.disk, "target")
	for _, test := range []struct {
		name  string
		room  int // how much of the disk is free
		size  int
		isOld bool
	}{
		{"1 byte", 0, 1, false},
		{"below 32 KiB", 0, 32<<10 - 1, false},
		{"32 KiB", 0, 32 << 10, false},
		{"above 32 KiB", 0, 32<<10 + 1, false},
		{"1 MiB", 0, 1 << 20, false},
		{"a part fits", 4 << 10, 20000, false},
		{"all but the last byte fits", 64 << 10, 64<<10 + 1, false},
		{"over a file", 0, 20000, true},
		{"over a file, 1 MiB", 0, 1 << 20, true},
	} {
		for kind, create := range map[string]func() error{
			"file": func() error {
				_, err := createCopy(t, plugin, inputs("connection", server.connection(),
					"source", fileAsset(write(test.size)), "remotePath", target))
				return err
			},
			"directory": func() error {
				write(test.size)
				_, err := createCopy(t, plugin, inputs("connection", server.connection(),
					"source", pathArchive(source+"/"), "remotePath", server.disk))
				return err
			},
			"text": func() error {
				_, err := createCopy(t, plugin, inputs("connection", server.connection(),
					"source", textAsset(strings.Repeat("x", test.size)), "remotePath", target))
				return err
			},
			"CopyFile": func() error {
				_, err := plugin.TryCreate(copyFileType, "test", inputs("connection", server.connection(),
					"localPath", write(test.size), "remotePath", target))
				return err
			},
		} {
			t.Run(kind+"/"+test.name, func(t *testing.T) {
				name := "target"
				if kind == "directory" {
					name = "file"
				}
				old := ""
				if test.isOld {
					old = name
				}
				room(t, test.room, old)
				want := fmt.Sprintf("failed to copy file %s/file to remote path %s/%s: %s", source, server.disk, name, failed)
				if kind == "text" {
					want = fmt.Sprintf("failed to write text content to remote path %s: %s", target, failed)
				}
				assertError(t, create(), want+map[bool]string{true: "; the file's former content is lost"}[test.isOld])
				info, err := os.Stat(filepath.Join(diskView, name))
				assertEqual(t, "the file stays", err == nil, test.isOld)
				if err == nil {
					assertEqual(t, "its size", info.Size(), 0)
				}
			})
		}
	}
	t.Run("what fits", func(t *testing.T) {
		room(t, 64<<10, "")
		plugin.Create(copyToRemoteType, "test", inputs("connection", server.connection(),
			"source", textAsset(strings.Repeat("x", 64<<10)), "remotePath", target))
		assertEqual(t, "the size", len(readFile(t, filepath.Join(diskView, "target"))), 64<<10)
	})
}

// To read anything else than a file might never end.
func TestCopyOfWhatIsNoFile(t *testing.T) {
	server := startSSHServer(t)
	plugin := enginetest.Start(t)
	listener, err := net.Listen("unix", filepath.Join(t.TempDir(), "socket"))
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	pipe := filepath.Join(t.TempDir(), "pipe")
	run(t, "", "mkfifo", pipe)
	directory := t.TempDir()
	for _, test := range []struct{ name, path, want string }{
		{"named pipe", pipe, "it is a named pipe; only files and directories can be read"},
		{"socket", listener.Addr().String(), "it is a socket; only files and directories can be read"},
		{"device", "/dev/zero", "it is a device; only files and directories can be read"},
	} {
		t.Run(test.name, func(t *testing.T) {
			target := t.TempDir()
			source := fileAsset(test.path)
			source.AssetValue().Hash = "unread"
			_, err := plugin.TryCreate(copyToRemoteType, "test", inputs(
				"connection", server.connection(), "source", source, "remotePath", target+"/x"))
			assertError(t, err, "open "+test.path+": "+test.want)
			_, err = plugin.TryCreate(copyFileType, "test", inputs(
				"connection", server.connection(), "localPath", test.path, "remotePath", target+"/x"))
			assertError(t, err, "open "+test.path+": "+test.want)

			link := filepath.Join(directory, "link")
			_ = os.Remove(link)
			if err := os.Symlink(test.path, link); err != nil {
				t.Fatal(err)
			}
			_, err = createCopy(t, plugin, inputs(
				"connection", server.connection(), "source", pathArchive(directory), "remotePath", target))
			assertError(t, err, "open "+link+": "+test.want)
			assertEqual(t, "the target", tree(t, target), "")
		})
	}
}

// Links to files are followed; one to a directory is no file.
func TestCopyToRemoteLinkToDirectory(t *testing.T) {
	server := startSSHServer(t)
	source := filepath.Join(t.TempDir(), "dir")
	if err := os.Mkdir(source, 0o755); err != nil {
		t.Fatal(err)
	}
	link := filepath.Join(source, "self")
	if err := os.Symlink(".", link); err != nil {
		t.Fatal(err)
	}
	plugin := enginetest.Start(t)
	target := t.TempDir()
	_, err := createCopy(t, plugin, inputs(
		"connection", server.connection(), "source", pathArchive(source), "remotePath", target))
	assertError(t, err, fmt.Sprintf(
		"failed to copy file %[1]s to remote path %[2]s/dir/self: read %[1]s: is a directory", link, target))
	assertEqual(t, "the target", tree(t, target), "")
}

func TestCopyToRemoteLifecycle(t *testing.T) {
	server := startSSHServer(t)
	relay := startRelay(t, server.port)
	plugin := enginetest.Start(t)
	target := t.TempDir()
	args := func(text, path string, triggers ...any) resource.PropertyMap {
		return inputs("connection", server.connection("port", float64(relay.port)),
			"source", textAsset(text), "remotePath", filepath.Join(target, path), "triggers", triggers)
	}
	state := plugin.Create(copyToRemoteType, "test", args("one", "a"))
	assertEqual(t, "count of connections", relay.count(), 1)

	assertEqual(t, "replacement for a trigger", strings.Join(plugin.Diff(state, args("one", "a", "x")).Replaces, ","), "triggers")
	assertEqual(t, "replacement for a text", len(plugin.Diff(state, args("two", "a")).Replaces), 0)

	moved := inputs("connection", server.connection(),
		"source", textAsset("one"), "remotePath", filepath.Join(target, "a"))
	state = plugin.Update(state, moved)
	assertEqual(t, "count of dials for another connection", relay.count(), 1)
	state = plugin.Update(state, args("two", "a"))
	assertEqual(t, "the target after another text", tree(t, target), "a=two")
	state = plugin.Update(state, args("two", "b"))
	assertEqual(t, "the target after another path", tree(t, target), "a=two b=two")
	if err := plugin.Delete(state); err != nil {
		t.Fatal(err)
	}
	assertEqual(t, "the target after delete", tree(t, target), "a=two b=two")
}

func TestCopyToRemoteCheck(t *testing.T) {
	plugin := enginetest.Start(t)
	uriAsset := resource.NewProperty(&asset.Asset{Sig: asset.AssetSig, URI: "https://example.org/x", Hash: "hash"})
	uriArchive := resource.NewProperty(&archive.Archive{Sig: archive.ArchiveSig, URI: "https://example.org/x.zip", Hash: "hash"})
	inner := &asset.Asset{Sig: asset.AssetSig, Text: "x"}
	assets := resource.NewProperty(&archive.Archive{
		Sig: archive.ArchiveSig, Assets: map[string]any{"x": inner}, Hash: "hash",
	})
	for _, test := range []struct {
		name   string
		source any
		want   string
	}{
		{"text", textAsset("x"), ""},
		{"unknown", resource.MakeComputed(resource.NewProperty("")), ""},
		{"URI asset", uriAsset, "asset: asset must be a path-based file asset or a text asset; got a URI asset"},
		{"URI archive", uriArchive, "archive: archive must be a path to a file or directory; got a URI archive or an archive of assets"},
		{"archive of assets", assets, "archive: archive must be a path to a file or directory; got a URI archive or an archive of assets"},
		{"string", "x", "source: must be an asset or an archive; got string"},
		{"none", nil, `source: missing required field "source"`},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, failures := plugin.Check(copyToRemoteType, inputs(
				"connection", map[string]any{"host": "h"}, "source", test.source, "remotePath", "/x"))
			assertEqual(t, "the faults", strings.Join(failures, "; "), test.want)
		})
	}
}

func TestCopyFile(t *testing.T) {
	server := startSSHServer(t)
	plugin := enginetest.Start(t)
	target := t.TempDir()
	args := inputs("connection", server.connection(),
		"localPath", filepath.Join(server.dir, "host_rsa.pub"), "remotePath", target+"/key")
	state := plugin.Create(copyFileType, "test", args)
	assertEqual(t, "the copy", readFile(t, target+"/key"), readFile(t, filepath.Join(server.dir, "host_rsa.pub")))
	for path, want := range map[string]string{
		"/no/directory": "failed to create remote file " + target + "/no/directory: file does not exist",
		"":              "failed to create remote file " + target + `: sftp: "Failure" (SSH_FX_FAILURE)`,
	} {
		args["remotePath"] = resource.NewProperty(target + path)
		_, err := plugin.TryCreate(copyFileType, "test", args)
		assertError(t, err, want)
	}
	args["remotePath"] = resource.NewProperty(target + "/other")
	assertEqual(t, "the replacements", strings.Join(plugin.Diff(state, args).Replaces, ","), "remotePath")
}
