package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"

	"github.com/pkg/sftp"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource/plugin"

	"kafkalab/providers/internal/standin"
)

// copyToRemote copies a file, a directory or a text to a host over SFTP. What it copied stays there
// when the resource is deleted.
type copyToRemote struct{}

func (copyToRemote) Fields() []standin.Field {
	return []standin.Field{
		connectionField,
		{Name: "source", Type: standin.Asset, Required: true},
		{Name: "remotePath", Type: standin.String, Required: true},
		{Name: "triggers", Type: standin.List},
	}
}

func (copyToRemote) Check(inputs resource.PropertyMap) []plugin.CheckFailure {
	switch source := inputs["source"]; {
	case source.IsAsset() && source.AssetValue().IsURI():
		return []plugin.CheckFailure{{
			Property: "asset", Reason: "asset must be a path-based file asset or a text asset; got a URI asset",
		}}
	case source.IsArchive() && !source.ArchiveValue().IsPath():
		return []plugin.CheckFailure{{
			Property: "archive",
			Reason:   "archive must be a path to a file or directory; got a URI archive or an archive of assets",
		}}
	}
	return nil
}

func (copyToRemote) Diff(request plugin.DiffRequest) plugin.DiffResult {
	return standin.Compare(request.OldInputs, request.NewInputs, isTriggers)
}

func (copyToRemote) Preview(_ *standin.Old, inputs resource.PropertyMap) resource.PropertyMap {
	return inputs
}

func (c copyToRemote) Create(
	ctx context.Context, operation standin.Operation, inputs resource.PropertyMap,
) (string, resource.PropertyMap, error) {
	id, err := resource.NewUniqueHex("", 8, 0)
	if err != nil {
		return "", nil, err
	}
	return id, inputs, c.copy(ctx, operation, inputs)
}

func (c copyToRemote) Update(
	ctx context.Context, operation standin.Operation, old standin.Old, inputs resource.PropertyMap,
) (resource.PropertyMap, error) {
	was, is := standin.Plain(old.Outputs), standin.Plain(inputs)
	if sourceHash(was) == sourceHash(is) && standin.Text(was, "remotePath") == standin.Text(is, "remotePath") {
		return inputs, nil
	}
	return inputs, c.copy(ctx, operation, inputs)
}

func (copyToRemote) Delete(context.Context, standin.Operation, standin.Old) error { return nil }

func (copyToRemote) copy(ctx context.Context, operation standin.Operation, inputs resource.PropertyMap) error {
	plain := standin.Plain(inputs)
	remotePath := standin.Text(plain, "remotePath")
	return withSFTP(ctx, operation, plain, func(files copier) error {
		switch source := plain["source"]; {
		case source.IsArchive():
			return files.path(source.ArchiveValue().Path, remotePath)
		case source.AssetValue().IsPath():
			return files.path(source.AssetValue().Path, remotePath)
		default:
			return files.text(source.AssetValue().Text, remotePath)
		}
	})
}

func sourceHash(inputs resource.PropertyMap) string {
	switch source := inputs["source"]; {
	case source.IsAsset():
		return source.AssetValue().Hash
	case source.IsArchive():
		return source.ArchiveValue().Hash
	}
	return ""
}

// copyFile is the deprecated way to copy one file: to exactly this path, whose directory exists.
type copyFile struct{}

func (copyFile) Fields() []standin.Field {
	return []standin.Field{
		connectionField,
		{Name: "localPath", Type: standin.String, Required: true},
		{Name: "remotePath", Type: standin.String, Required: true},
		{Name: "triggers", Type: standin.List},
	}
}

func (copyFile) Check(resource.PropertyMap) []plugin.CheckFailure { return nil }

func (copyFile) Diff(request plugin.DiffRequest) plugin.DiffResult {
	return standin.Compare(request.OldInputs, request.NewInputs, func(string) bool { return true })
}

func (copyFile) Preview(_ *standin.Old, inputs resource.PropertyMap) resource.PropertyMap {
	return inputs
}

func (copyFile) Create(
	ctx context.Context, operation standin.Operation, inputs resource.PropertyMap,
) (string, resource.PropertyMap, error) {
	id, err := resource.NewUniqueHex("", 8, 0)
	if err != nil {
		return "", nil, err
	}
	plain := standin.Plain(inputs)
	source, err := openSource(standin.Text(plain, "localPath"))
	if err != nil {
		return "", nil, err
	}
	defer source.Close()
	return id, inputs, withSFTP(ctx, operation, plain, func(files copier) error {
		return files.copyTo(source, standin.Text(plain, "remotePath"))
	})
}

func (copyFile) Update(
	_ context.Context, _ standin.Operation, _ standin.Old, inputs resource.PropertyMap,
) (resource.PropertyMap, error) {
	return inputs, nil
}

func (copyFile) Delete(context.Context, standin.Operation, standin.Old) error { return nil }

// withSFTP connects to the host of plain inputs, and ends the connection with ctx.
func withSFTP(
	ctx context.Context, operation standin.Operation, inputs resource.PropertyMap, use func(copier) error,
) error {
	host, err := connect(ctx, operation, inputs)
	if err != nil {
		return err
	}
	defer host.close()
	return useSFTP(ctx, host, use)
}

func useSFTP(ctx context.Context, host *connection, use func(copier) error) error {
	stop := context.AfterFunc(ctx, func() { _ = host.Client.Close() })
	defer stop()
	client, err := sftp.NewClient(host.Client)
	if err != nil {
		return endReason(ctx, err)
	}
	defer client.Close()
	if err := use(copier{client}); err != nil {
		return endReason(ctx, err)
	}
	return nil
}

// copier copies to a host. Relative remote paths begin at the login directory; modes are the host's.
type copier struct{ remote *sftp.Client }

// path copies a file, or a directory: itself, or with a slash at its end what it holds.
func (c copier) path(source, remotePath string) error {
	file, err := openSource(source)
	if err != nil {
		return err
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return err
	}
	if info.IsDir() {
		return c.directory(source, remotePath)
	}
	return c.file(file, remotePath)
}

// file copies a file into an existing directory, or to a path whose parents it makes.
func (c copier) file(source *os.File, remotePath string) error {
	found, err := c.stat(remotePath)
	switch {
	case err != nil:
		return err
	case found == nil:
		if err := c.makeParents(remotePath); err != nil {
			return err
		}
	case found.IsDir():
		remotePath = path.Join(remotePath, filepath.Base(source.Name()))
	}
	return c.copyTo(source, remotePath)
}

func (c copier) copyTo(source *os.File, remotePath string) error {
	return c.write(source, remotePath, fmt.Sprintf("failed to copy file %s to remote path %s", source.Name(), remotePath))
}

// text writes a text to a path whose parents it makes.
func (c copier) text(text, remotePath string) error {
	found, err := c.stat(remotePath)
	if err != nil {
		return err
	}
	if found != nil && found.IsDir() {
		return fmt.Errorf(
			"remote path %s is a directory; when using a text asset, remotePath must be a file path", remotePath)
	}
	if err := c.makeParents(remotePath); err != nil {
		return err
	}
	return c.write(strings.NewReader(text), remotePath, "failed to write text content to remote path "+remotePath)
}

// directory copies a directory into remotePath, or with a slash at its end what it holds. It follows
// links to files. A link to a directory is an error.
func (c copier) directory(source, remotePath string) error {
	found, err := c.stat(remotePath)
	if err != nil {
		return err
	}
	if found == nil {
		if err := c.remote.MkdirAll(remotePath); err != nil {
			return fmt.Errorf("failed to create remote directory %s: %w", remotePath, err)
		}
	}
	if !strings.HasSuffix(source, "/") {
		remotePath = path.Join(remotePath, filepath.Base(source))
	}
	return fs.WalkDir(os.DirFS(source), ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		to := path.Join(remotePath, name)
		if entry.IsDir() {
			return c.makeDirectory(to)
		}
		file, err := openSource(filepath.Join(source, name))
		if err != nil {
			return err
		}
		defer file.Close()
		return c.copyTo(file, to)
	})
}

// makeDirectory makes a directory unless it exists.
func (c copier) makeDirectory(remotePath string) error {
	found, err := c.stat(remotePath)
	if err != nil {
		return err
	}
	if found == nil {
		if err := c.remote.Mkdir(remotePath); err != nil {
			return fmt.Errorf("failed to create remote directory %s: %w", remotePath, err)
		}
		return nil
	}
	if !found.IsDir() {
		return fmt.Errorf("remote path %s exists but is not a directory", remotePath)
	}
	return nil
}

func (c copier) makeParents(remotePath string) error {
	if err := c.remote.MkdirAll(path.Dir(remotePath)); err != nil {
		return fmt.Errorf("failed to create parent directories for %s: %w", remotePath, err)
	}
	return nil
}

// stat returns nil if nothing is there.
func (c copier) stat(remotePath string) (fs.FileInfo, error) {
	info, err := c.remote.Stat(remotePath)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("failed to stat remote path %s: %w", remotePath, err)
	}
	return info, nil
}

// write overwrites or makes a remote file. failure begins the error if it cannot be written whole. Then
// no part of it stays: a new file is removed, and a former one emptied, as its content is lost.
func (c copier) write(content io.Reader, remotePath, failure string) error {
	_, err := c.remote.Lstat(remotePath)
	isNew := errors.Is(err, fs.ErrNotExist)
	file, err := c.remote.Create(remotePath)
	if err != nil {
		return fmt.Errorf("failed to create remote file %s: %w", remotePath, err)
	}
	if err = fill(file, content); err == nil {
		return nil
	}
	err = fmt.Errorf("%s: %w", failure, err)
	if !isNew {
		err = fmt.Errorf("%w; the file's former content is lost", err)
	}
	if cleanUpErr := c.discard(remotePath, isNew); cleanUpErr != nil {
		return fmt.Errorf("%w; a part of the new content may be left: %w", err, cleanUpErr)
	}
	return err
}

// discard takes a file that is not whole away.
func (c copier) discard(remotePath string, isNew bool) error {
	if isNew {
		return c.remote.Remove(remotePath)
	}
	info, err := c.remote.Stat(remotePath)
	if err == nil && info.Mode().IsRegular() {
		err = c.remote.Truncate(remotePath, 0)
	}
	return err
}

// writesAtOnce is how many writes of 32 KiB may be under way.
const writesAtOnce = 64

// fill writes content to an empty remote file, closes it and makes sure that all of it is there.
func fill(file *sftp.File, content io.Reader) error {
	// ReadFrom would lose the error of a last write below 32 KiB.
	written, err := file.ReadFromWithConcurrency(content, writesAtOnce)
	var info fs.FileInfo
	if err == nil {
		info, err = file.Stat()
	}
	if closeErr := file.Close(); err == nil {
		err = closeErr
	}
	if err == nil && info.Mode().IsRegular() && info.Size() != written {
		err = fmt.Errorf("the file has %d of %d bytes", info.Size(), written)
	}
	return err
}

// openSource opens a file or a directory.
func openSource(name string) (*os.File, error) {
	if err := refuseSpecial(name); err != nil {
		return nil, err
	}
	return os.Open(name)
}

// refuseSpecial fails for what is neither a file nor a directory, as to read it might never end.
func refuseSpecial(name string) error {
	info, err := os.Stat(name)
	if err != nil {
		return nil // whoever reads it says so
	}
	if kind := specialKind(info.Mode()); kind != "" {
		return fmt.Errorf("open %s: it is %s; only files and directories can be read", name, kind)
	}
	return nil
}

// specialKind names what is neither a file nor a directory.
func specialKind(mode fs.FileMode) string {
	switch {
	case mode&fs.ModeNamedPipe != 0:
		return "a named pipe"
	case mode&fs.ModeSocket != 0:
		return "a socket"
	case mode&fs.ModeDevice != 0:
		return "a device"
	case mode&fs.ModeIrregular != 0:
		return "not a regular file"
	}
	return ""
}
