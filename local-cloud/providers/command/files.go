package main

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"

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
	outputs := resource.PropertyMap{}
	dir := standin.Text(inputs, "dir")
	if has(inputs, "assetPaths") {
		files, err := matchFiles(dir, standin.Texts(inputs, "assetPaths"))
		if err != nil {
			return nil, err
		}
		assets := resource.PropertyMap{}
		for _, name := range files {
			file, err := asset.FromPath(filepath.Join(dir, name))
			if err != nil {
				return nil, err
			}
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
		for _, name := range files {
			if assets[name], err = asset.FromPath(filepath.Join(dir, name)); err != nil {
				return nil, err
			}
		}
		packed, err := archive.FromAssets(assets)
		if err != nil {
			return nil, err
		}
		outputs["archive"] = resource.NewProperty(packed)
	}
	return outputs, nil
}

// matchFiles returns the files below dir that the globs select. Globs apply in order; one that begins
// with "!" takes files out again.
func matchFiles(dir string, globs []string) ([]string, error) {
	type rule struct {
		pattern *regexp.Regexp
		include bool
	}
	var rules []rule
	for _, glob := range globs {
		rest, exclude := strings.CutPrefix(glob, "!")
		pattern, err := globPattern(rest)
		if err != nil {
			return nil, fmt.Errorf("glob %q: %w", glob, err)
		}
		rules = append(rules, rule{pattern, !exclude})
	}
	if dir == "" {
		dir = "."
	}
	var files []string
	err := filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name, err := filepath.Rel(dir, path)
		if err != nil {
			return err
		}
		selected := false
		for _, r := range rules {
			if r.pattern.MatchString(filepath.ToSlash(name)) {
				selected = r.include
			}
		}
		if selected && isFile(path, entry) {
			files = append(files, name)
		}
		return nil
	})
	return files, err
}

// isFile reports whether a path is a file, through a link if it is one.
func isFile(path string, entry fs.DirEntry) bool {
	if entry.Type()&fs.ModeSymlink == 0 {
		return entry.Type().IsRegular()
	}
	info, err := os.Stat(path)
	return err == nil && info.Mode().IsRegular()
}

// globPattern translates a glob: * and ? stop at a slash, ** does not; [...] and {a,b} are choices.
func globPattern(glob string) (*regexp.Regexp, error) {
	var pattern strings.Builder
	pattern.WriteString(`^`)
	depth := 0
	for i := 0; i < len(glob); i++ {
		switch c := glob[i]; {
		case strings.HasPrefix(glob[i:], "**"):
			pattern.WriteString(`.*`)
			i++
		case c == '*':
			pattern.WriteString(`[^/]*`)
		case c == '?':
			pattern.WriteString(`[^/]`)
		case c == '[':
			end := strings.IndexByte(glob[i:], ']')
			if end < 0 {
				return nil, fmt.Errorf("[ without ]")
			}
			class := strings.Replace(glob[i:i+end+1], "[!", "[^", 1)
			pattern.WriteString(strings.ReplaceAll(class, `\`, `\\`))
			i += end
		case c == '{':
			depth++
			pattern.WriteString(`(?:`)
		case c == '}' && depth > 0:
			depth--
			pattern.WriteString(`)`)
		case c == ',' && depth > 0:
			pattern.WriteString(`|`)
		case c == '\\' && i+1 < len(glob):
			i++
			pattern.WriteString(regexp.QuoteMeta(glob[i : i+1]))
		default:
			pattern.WriteString(regexp.QuoteMeta(glob[i : i+1]))
		}
	}
	pattern.WriteString(`$`)
	return regexp.Compile(pattern.String())
}
