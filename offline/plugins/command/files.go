package main

import (
	"fmt"
	"io/fs"
	"os"
	"path"
	"strings"

	"github.com/gobwas/glob"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource/archive"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource/asset"

	"kafkalab/providers/internal/standin"
)

func collectedOutputs(inputs resource.PropertyMap) []resource.PropertyKey {
	var keys []resource.PropertyKey
	if has(inputs, "assetPaths") {
		keys = append(keys, "assets")
	}
	if has(inputs, "archivePaths") {
		keys = append(keys, "archive")
	}
	return keys
}

// collectFiles returns the files that a local command was asked to hand over, as assets or an archive.
func collectFiles(inputs resource.PropertyMap) (resource.PropertyMap, error) {
	dir, err := workingDirectory(inputs)
	if err != nil {
		return nil, err
	}
	outputs := resource.PropertyMap{}
	if has(inputs, "assetPaths") {
		files, err := matchFiles(dir, standin.Texts(inputs, "assetPaths"))
		if err != nil {
			return nil, err
		}
		assets := resource.PropertyMap{}
		for name, file := range files {
			assets[resource.PropertyKey(name)] = resource.NewProperty(file)
		}
		outputs["assets"] = resource.NewProperty(assets)
	}
	if has(inputs, "archivePaths") {
		files, err := matchFiles(dir, standin.Texts(inputs, "archivePaths"))
		if err != nil {
			return nil, err
		}
		assets := map[string]any{}
		for name, file := range files {
			assets[name] = file
		}
		packed, err := archive.FromAssets(assets)
		if err != nil {
			return nil, err
		}
		outputs["archive"] = resource.NewProperty(packed)
	}
	return outputs, nil
}

// workingDirectory is where a command runs: the input "dir", or where the plugin runs.
func workingDirectory(inputs resource.PropertyMap) (string, error) {
	if has(inputs, "dir") {
		return standin.Text(inputs, "dir"), nil
	}
	return os.Getwd()
}

// matchFiles returns what the globs select below dir, by its path from there. Globs apply in order; one
// that begins with "!" takes files out again. Whatever they select must be a file, or a link to one.
func matchFiles(dir string, globs []string) (map[string]*asset.Asset, error) {
	type rule struct {
		pattern glob.Glob
		exclude bool
	}
	var rules []rule
	for _, text := range globs {
		text, exclude := strings.CutPrefix(text, "!")
		pattern, err := glob.Compile(text, '/')
		if err != nil {
			return nil, fmt.Errorf("glob %q: %w", text, err)
		}
		rules = append(rules, rule{pattern, exclude})
	}
	files := map[string]*asset.Asset{}
	err := fs.WalkDir(os.DirFS(dir), ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		for _, r := range rules {
			switch {
			case !r.pattern.Match(name):
			case r.exclude:
				delete(files, name)
			default:
				if files[name], err = readAsset(path.Join(dir, name)); err != nil {
					return err
				}
			}
		}
		return nil
	})
	return files, err
}

func readAsset(name string) (*asset.Asset, error) {
	if err := refuseSpecial(name); err != nil {
		return nil, err
	}
	return asset.FromPath(name)
}
