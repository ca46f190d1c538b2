package standin

import (
	"strings"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource/plugin"
)

// Compare returns the difference between old and new inputs, a changed secret mark included. A
// change below an input that replaces names asks for a replacement, any other for an update.
func Compare(old, new resource.PropertyMap, replaces func(input string) bool) plugin.DiffResult {
	changes := map[string]plugin.PropertyDiff{}
	internal := func(key resource.PropertyKey) bool { return strings.HasPrefix(string(key), "__") }
	for path, change := range plugin.NewDetailedDiffFromObjectDiff(old.Diff(new, internal), true) {
		if replaces(inputOf(path)) {
			change = change.ToReplace()
		}
		changes[path] = change
	}
	return Result(changes)
}

// Result returns the diff that holds these changes.
func Result(changes map[string]plugin.PropertyDiff) plugin.DiffResult {
	if len(changes) == 0 {
		return plugin.DiffResult{Changes: plugin.DiffNone}
	}
	return plugin.DiffResult{Changes: plugin.DiffSome, DetailedDiff: changes}
}

// inputOf returns the input that a property path begins with: "triggers" for "triggers[0].name".
func inputOf(path string) string {
	if end := strings.IndexAny(path, ".["); end >= 0 {
		return path[:end]
	}
	return path
}
