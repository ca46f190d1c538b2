package main

import (
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
		{"a file in the way of a directory", pathArchive("dir/"), "", map[string]string{"sub": "S"}, "cannot make the remote directory %s/sub: "},
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
	home := strings.TrimSpace(run(t, "", "sh", "-c", "cd && pwd"))
	t.Cleanup(func() { _ = os.Remove(filepath.Join(home, name)) })
	assertEqual(t, "the file in the login directory", readFile(t, filepath.Join(home, name)), "T")
}

func TestCopyToRemoteLoop(t *testing.T) {
	server := startSSHServer(t)
	source := filepath.Join(t.TempDir(), "dir")
	if err := os.Mkdir(source, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(".", filepath.Join(source, "self")); err != nil {
		t.Fatal(err)
	}
	plugin := enginetest.Start(t)
	_, err := createCopy(t, plugin, inputs(
		"connection", server.connection(), "source", pathArchive(source), "remotePath", t.TempDir()))
	assertError(t, err, filepath.Join(source, "self")+" is a link to a directory that holds it")
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
		{"URI asset", uriAsset, "asset: only file assets and string assets can be copied; got a URI asset"},
		{"URI archive", uriArchive, "archive: only archives of a path can be copied; got a URI archive or an archive of assets"},
		{"archive of assets", assets, "archive: only archives of a path can be copied; got a URI archive or an archive of assets"},
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
	args["remotePath"] = resource.NewProperty(target + "/other")
	assertEqual(t, "the replacements", strings.Join(plugin.Diff(state, args).Replaces, ","), "remotePath")
}
