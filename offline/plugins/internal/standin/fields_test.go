package standin

import (
	"fmt"
	"reflect"
	"strings"
	"testing"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource/asset"
)

// properties makes a property map from pairs of name and value.
func properties(pairs ...any) resource.PropertyMap {
	result := resource.PropertyMap{}
	for i := 0; i < len(pairs); i += 2 {
		result[resource.PropertyKey(pairs[i].(string))] = resource.NewPropertyValue(pairs[i+1])
	}
	return result
}

func secret(value any) resource.PropertyValue {
	return resource.MakeSecret(resource.NewPropertyValue(value))
}

func object(pairs ...any) resource.PropertyValue { return resource.NewProperty(properties(pairs...)) }

func equal[T any](t *testing.T, what string, got, want T) {
	t.Helper()
	if !reflect.DeepEqual(got, want) {
		t.Errorf("%s is %#v; want %#v", what, got, want)
	}
}

var testFields = []Field{
	{Name: "name", Type: String, Required: true},
	{Name: "size", Type: Number64, Default: 1.5},
	{Name: "count", Type: Integer},
	{Name: "on", Type: Bool},
	{Name: "variables", Type: StringMap},
	{Name: "words", Type: StringList},
	{Name: "things", Type: List},
	{Name: "source", Type: Asset},
	{Name: "anything", Type: Any},
	{Name: "host", Type: Object, Secret: true, Fields: []Field{
		{Name: "address", Type: String, Required: true},
		{Name: "port", Type: Number64, Default: 22.0},
		{Name: "key", Type: String, Secret: true},
	}},
}

// with adds to inputs what they need to have no fault of their own.
func with(pairs ...any) resource.PropertyMap {
	return Merge(properties("name", "n", "size", 1.5), properties(pairs...))
}

func TestCheckedFields(t *testing.T) {
	for name, test := range map[string]struct{ inputs, want resource.PropertyMap }{
		"defaults":           {properties("name", "n"), with()},
		"default of null":    {properties("name", "n", "size", nil), with()},
		"no default of 0":    {properties("name", "n", "size", 0.0), with("size", 0.0)},
		"null is absent":     {with("count", nil, "stranger", nil), with()},
		"whole number":       {with("count", -3.0), with("count", -3.0)},
		"null in a map":      {with("variables", object("A", nil, "B", "b")), with("variables", object("B", "b"))},
		"secret in a map":    {with("variables", object("A", secret("a"))), with("variables", object("A", secret("a")))},
		"unknown in a list":  {with("words", []any{"a", Unknown()}), with("words", []any{"a", Unknown()})},
		"unknown":            {with("host", Unknown(), "count", Unknown()), with("host", resource.MakeSecret(Unknown()), "count", Unknown())},
		"text asset":         {with("source", &asset.Asset{Text: "x"}), with("source", &asset.Asset{Text: "x"})},
		"anything":           {with("anything", []any{1.0}), with("anything", []any{1.0})},
		"mixed list":         {with("things", []any{1.0, "a", nil}), with("things", []any{1.0, "a", nil})},
		"the engine's own":   {with("__meta", "x"), with("__meta", "x")},
		"a secret stays one": {with("name", secret("n")), with("name", secret("n"))},
		"made secret": {
			with("host", object("address", "a", "key", "k")),
			with("host", secret(object("address", "a", "port", 22.0, "key", secret("k")))),
		},
		"secret already": {
			with("host", secret(object("address", secret("a"), "key", secret("k")))),
			with("host", secret(object("address", secret("a"), "port", 22.0, "key", secret("k")))),
		},
	} {
		t.Run(name, func(t *testing.T) {
			before := test.inputs.Copy()
			checked, failures := checkFields(testFields, test.inputs)
			equal(t, "the faults", len(failures), 0)
			equal(t, "the checked inputs", checked, test.want)
			equal(t, "the inputs after the check", test.inputs, before)
		})
	}
}

func TestFaultsOfFields(t *testing.T) {
	for name, test := range map[string]struct {
		inputs resource.PropertyMap
		want   string
	}{
		"missing":              {properties("size", 1.0), `name: missing required field "name"`},
		"null":                 {properties("name", nil), `name: missing required field "name"`},
		"missing below":        {with("host", object()), `host.address: missing required field "address"`},
		"missing below secret": {with("host", secret(object())), `host.address: missing required field "address"`},
		"unknown field":        {with("nmae", "x"), `nmae: unknown field "nmae"`},
		"unknown field below":  {with("host", object("address", "a", "prot", 1.0)), `host.prot: unknown field "prot"`},
		"string":               {with("name", 1.0), "name: must be a string; got number"},
		"secret string":        {with("name", secret(1.0)), "name: must be a string; got number"},
		"number":               {with("size", "1"), "size: must be a number; got string"},
		"fraction":             {with("count", 1.5), "count: must be a whole number; got number"},
		"boolean":              {with("on", "true"), "on: must be a boolean; got string"},
		"map":                  {with("variables", object("A", 1.0)), "variables: must be an object of strings; got object"},
		"map of list":          {with("variables", []any{"A"}), "variables: must be an object of strings; got []"},
		"list of strings":      {with("words", []any{1.0}), "words: must be a list of strings; got []"},
		"string for a list":    {with("words", "a"), "words: must be a list of strings; got string"},
		"list":                 {with("things", object()), "things: must be a list; got object"},
		"object":               {with("host", "h"), "host: must be an object; got string"},
		"asset":                {with("source", "x"), "source: must be an asset or an archive; got string"},
		"all in order": {
			properties("zebra", 1.0, "ape", 1.0, "on", 1.0),
			`name: missing required field "name"; on: must be a boolean; got number; ape: unknown field "ape"; zebra: unknown field "zebra"`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			var faults []string
			_, failures := CheckArguments(testFields, test.inputs)
			for _, failure := range failures {
				faults = append(faults, fmt.Sprintf("%s: %s", failure.Property, failure.Reason))
			}
			equal(t, "the faults", strings.Join(faults, "; "), test.want)
		})
	}
}

func TestCheckedArgumentsArePlain(t *testing.T) {
	plain, failures := CheckArguments(testFields, with("host", secret(object("address", secret("a")))))
	equal(t, "the faults", len(failures), 0)
	equal(t, "the arguments", plain, with("host", object("address", "a", "port", 22.0)))
}
