package standin

import (
	"testing"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
)

func TestPlain(t *testing.T) {
	known := resource.NewProperty(resource.Output{Element: secret("k"), Known: true, Secret: true})
	unknown := resource.NewProperty(resource.Output{Element: resource.NewProperty("")})
	for name, test := range map[string]struct{ value, want any }{
		"text":             {"x", "x"},
		"secret":           {secret("x"), "x"},
		"twice secret":     {secret(secret("x")), "x"},
		"unknown":          {Unknown(), Unknown()},
		"secret unknown":   {secret(Unknown()), Unknown()},
		"known output":     {known, "k"},
		"unknown output":   {unknown, Unknown()},
		"list":             {[]any{secret("x"), nil, unknown}, []any{"x", nil, Unknown()}},
		"object":           {object("a", secret("x"), "b", nil), object("a", "x")},
		"secret object":    {secret(object("a", object("b", secret("x")))), object("a", object("b", "x"))},
		"secret of a list": {secret([]any{object("a", secret(1.0))}), []any{object("a", 1.0)}},
	} {
		t.Run(name, func(t *testing.T) {
			original := properties("value", test.value)
			before := original.Copy()
			equal(t, "the plain value", Plain(original), properties("value", test.want))
			equal(t, "the original", original, before)
		})
	}
	equal(t, "a secret null", Plain(properties("a", secret(nil), "b", nil)), resource.PropertyMap{})
	equal(t, "nothing", Plain(nil), resource.PropertyMap{})
}

func TestMerge(t *testing.T) {
	first, second := properties("a", 1.0, "b", 1.0), properties("b", 2.0)
	equal(t, "the union", Merge(first, nil, second), properties("a", 1.0, "b", 2.0))
	equal(t, "the first map", first, properties("a", 1.0, "b", 1.0))
}

func TestReaders(t *testing.T) {
	values := properties("text", "t", "number", 2.5, "flag", false, "list", []any{"a", 1.0, "b"},
		"map", object("a", "x", "b", 1.0), "unknown", Unknown())
	for _, key := range []resource.PropertyKey{"absent", "unknown", "map"} {
		equal(t, "the text of "+string(key), Text(values, key), "")
		equal(t, "the flag of "+string(key), Flag(values, key, true), true)
		equal(t, "the number of "+string(key), Number(values, key, 7), 7)
		equal(t, "the texts of "+string(key), len(Texts(values, key)), 0)
	}
	equal(t, "the text", Text(values, "text"), "t")
	equal(t, "the flag", Flag(values, "flag", true), false)
	equal(t, "the number", Number(values, "number", 7), 2.5)
	equal(t, "the texts", Texts(values, "list"), []string{"a", "b"})
	equal(t, "the map", TextMap(values, "map"), map[string]string{"a": "x"})
	equal(t, "the map of a text", TextMap(values, "text"), map[string]string{})
}

func TestValidText(t *testing.T) {
	for text, want := range map[string]string{
		"": "", "é": "é", "a\xffb": "a\uFFFDb", "\xc3": "\uFFFD", "a\x00b": "a\x00b", "\xff\xff": "\uFFFD",
	} {
		equal(t, "the text", ValidText(text), want)
	}
}
