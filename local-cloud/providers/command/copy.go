package main

import (
	"context"
	"fmt"
	"io"
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
			Property: "asset", Reason: "only file assets and string assets can be copied; got a URI asset",
		}}
	case source.IsArchive() && !source.ArchiveValue().IsPath():
		return []plugin.CheckFailure{{
			Property: "archive", Reason: "only archives of a path can be copied; got a URI archive or an archive of assets",
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
	if sourceHash(was) != "" && sourceHash(was) == sourceHash(is) &&
		standin.Text(was, "remotePath") == standin.Text(is, "remotePath") {
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

// copyFile is the deprecated way to copy one file.
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
	return id, inputs, withSFTP(ctx, operation, plain, func(files copier) error {
		return files.file(standin.Text(plain, "localPath"), standin.Text(plain, "remotePath"))
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
	err = useSFTP(ctx, host, use)
	host.release(err == nil && ctx.Err() == nil)
	return err
}

func useSFTP(ctx context.Context, host *connection, use func(copier) error) error {
	stop := context.AfterFunc(ctx, func() { _ = host.Client.Close() })
	defer stop()
	client, err := sftp.NewClient(host.Client, sftp.UseConcurrentWrites(true))
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
	file, err := os.Open(source)
	if err != nil {
		return err
	}
	info, err := file.Stat()
	_ = file.Close()
	if err != nil {
		return err
	}
	if !info.IsDir() {
		return c.file(source, remotePath)
	}
	if !strings.HasSuffix(source, "/") {
		remotePath = path.Join(remotePath, filepath.Base(source))
	}
	return c.directory(source, remotePath, nil)
}

// file copies a file into an existing directory, or to a path whose parents it makes.
func (c copier) file(source, remotePath string) error {
	if info, err := c.remote.Stat(remotePath); err == nil && info.IsDir() {
		remotePath = path.Join(remotePath, filepath.Base(source))
	}
	return c.fileTo(source, remotePath)
}

// fileTo copies a file to exactly this path.
func (c copier) fileTo(source, remotePath string) error {
	file, err := os.Open(source)
	if err != nil {
		return err
	}
	defer file.Close()
	return c.write(file, remotePath)
}

// text writes a text to a path whose parents it makes.
func (c copier) text(text, remotePath string) error {
	if info, err := c.remote.Stat(remotePath); err == nil && info.IsDir() {
		return fmt.Errorf(
			"remote path %s is a directory; when using a text asset, remotePath must be a file path", remotePath)
	}
	return c.write(strings.NewReader(text), remotePath)
}

// directory copies what source holds into remotePath. above lists the directories on the way here,
// for a link back to one of them would never end.
func (c copier) directory(source, remotePath string, above []string) error {
	real, err := filepath.EvalSymlinks(source)
	if err != nil {
		return err
	}
	for _, parent := range above {
		if parent == real {
			return fmt.Errorf("%s is a link to a directory that holds it", source)
		}
	}
	entries, err := os.ReadDir(source)
	if err != nil {
		return err
	}
	if err := c.makeDirectory(remotePath); err != nil {
		return err
	}
	for _, entry := range entries {
		from, to := filepath.Join(source, entry.Name()), path.Join(remotePath, entry.Name())
		info, err := os.Stat(from)
		if err != nil {
			return err
		}
		if info.IsDir() {
			err = c.directory(from, to, append(above, real))
		} else {
			err = c.fileTo(from, to)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (c copier) makeDirectory(remotePath string) error {
	if err := c.remote.MkdirAll(remotePath); err != nil {
		return fmt.Errorf("cannot make the remote directory %s: %w", remotePath, err)
	}
	return nil
}

func (c copier) write(content io.Reader, remotePath string) error {
	if err := c.makeDirectory(path.Dir(remotePath)); err != nil {
		return err
	}
	file, err := c.remote.Create(remotePath)
	if err != nil {
		return fmt.Errorf("cannot write the remote file %s: %w", remotePath, err)
	}
	if _, err := file.ReadFrom(content); err != nil {
		_ = file.Close()
		return fmt.Errorf("cannot write the remote file %s: %w", remotePath, err)
	}
	if err := file.Close(); err != nil {
		return fmt.Errorf("cannot write the remote file %s: %w", remotePath, err)
	}
	return nil
}
