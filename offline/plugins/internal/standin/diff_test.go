package standin

import (
	"context"
	"strings"
	"testing"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	pulumirpc "github.com/pulumi/pulumi/sdk/v3/proto/go"
)

func TestCompare(t *testing.T) {
	replaces := func(input string) bool { return input == "key" }
	base := properties("key", []any{"a", object("b", 1.0)}, "text", "t", "map", object("x.y", "1"))
	for name, test := range map[string]struct {
		change resource.PropertyMap
		want   map[string]string
	}{
		"nothing":              {nil, map[string]string{}},
		"the engine's own":     {properties("__meta", "x"), map[string]string{}},
		"update":               {properties("text", "u"), map[string]string{"text": "update"}},
		"secret mark":          {properties("text", secret("t")), map[string]string{"text": "update"}},
		"unknown":              {properties("text", Unknown()), map[string]string{"text": "update"}},
		"added":                {properties("new", "n"), map[string]string{"new": "add"}},
		"removed":              {properties("text", nil), map[string]string{"text": "delete"}},
		"name with a dot":      {properties("map", object("x.y", "2")), map[string]string{`map["x.y"]`: "update"}},
		"replacing element":    {properties("key", []any{"z", object("b", 1.0)}), map[string]string{"key[0]": "update-replace"}},
		"deep in a replacing":  {properties("key", []any{"a", object("b", 2.0)}), map[string]string{"key[1].b": "update-replace"}},
		"added to a replacing": {properties("key", []any{"a", object("b", 1.0), 1.0}), map[string]string{"key[2]": "add-replace"}},
		"a replacing one gone": {properties("key", nil), map[string]string{"key": "delete-replace"}},
		"one of each": {
			properties("key", "k", "text", "u"), map[string]string{"key": "update-replace", "text": "update"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			changed := Merge(base, test.change)
			for key, value := range changed {
				if value.IsNull() {
					delete(changed, key)
				}
			}
			diff := Compare(base, changed, replaces)
			got := map[string]string{}
			for path, change := range diff.DetailedDiff {
				got[path] = change.Kind.String()
			}
			equal(t, "the changes", got, test.want)
			equal(t, "some changes", diff.Changes == 2, len(test.want) > 0)
		})
	}
}

func TestInputOf(t *testing.T) {
	for path, want := range map[string]string{
		"a": "a", "a.b": "a", "a[0].b": "a", `a["b.c"]`: "a", "": "",
	} {
		equal(t, "the input of "+path, inputOf(path), want)
	}
	equal(t, "the inputs", inputsOf([]string{"b.x", "a[1]", "b.y", "a"}), []string{"a", "b"})
}

// diffServer answers with a fixed difference.
type diffServer struct {
	pulumirpc.UnimplementedResourceProviderServer
	response *pulumirpc.DiffResponse
}

func (s diffServer) Diff(context.Context, *pulumirpc.DiffRequest) (*pulumirpc.DiffResponse, error) {
	return s.response, nil
}

func TestDetailedServer(t *testing.T) {
	server := detailedServer{diffServer{response: &pulumirpc.DiffResponse{
		Diffs: []string{"key", "map.a", "map.b"}, Replaces: []string{"key"},
		DetailedDiff: map[string]*pulumirpc.PropertyDiff{
			"key": {Kind: pulumirpc.PropertyDiff_DELETE}, "map.a": {Kind: pulumirpc.PropertyDiff_DELETE},
			"map.b": {Kind: pulumirpc.PropertyDiff_ADD},
		},
	}}}
	response, err := server.Diff(context.Background(), &pulumirpc.DiffRequest{})
	if err != nil {
		t.Fatal(err)
	}
	equal(t, "hasDetailedDiff", response.HasDetailedDiff, true)
	equal(t, "the inputs that differ", strings.Join(response.Diffs, ","), "key,map")
	equal(t, "the inputs that replace", strings.Join(response.Replaces, ","), "key")
	equal(t, "a deleted input that replaces", response.DetailedDiff["key"].Kind, pulumirpc.PropertyDiff_DELETE_REPLACE)
	equal(t, "a deleted input", response.DetailedDiff["map.a"].Kind, pulumirpc.PropertyDiff_DELETE)

	server = detailedServer{diffServer{response: &pulumirpc.DiffResponse{}}}
	if response, err = server.Diff(context.Background(), &pulumirpc.DiffRequest{}); err != nil {
		t.Fatal(err)
	}
	equal(t, "hasDetailedDiff without a difference", response.HasDetailedDiff, false)
}
