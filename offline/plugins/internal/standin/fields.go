package standin

import (
	"fmt"
	"math"
	"sort"
	"strings"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource/plugin"
)

// FieldType is the type that an input's known value must have.
type FieldType int

// The types of inputs.
const (
	String FieldType = iota
	Number64
	Integer
	Bool
	StringMap
	StringList
	List
	Object
	Asset
	Any
)

var typeNames = map[FieldType]string{
	String: "a string", Number64: "a number", Integer: "a whole number", Bool: "a boolean",
	StringMap: "an object of strings", StringList: "a list of strings", List: "a list",
	Object: "an object", Asset: "an asset or an archive",
}

// Field describes one input of a resource type.
type Field struct {
	Name     string
	Type     FieldType
	Required bool
	// Secret marks the input secret even if it came in plain.
	Secret bool
	// Default is the value of an absent input, if it is not nil.
	Default any
	// Fields describes what an Object holds.
	Fields []Field
}

// checkFields validates inputs. It returns them with defaults and secret marks, without nulls.
func checkFields(fields []Field, inputs resource.PropertyMap) (resource.PropertyMap, []plugin.CheckFailure) {
	checker := &fieldChecker{}
	return checker.object("", fields, inputs), checker.failures
}

// CheckArguments validates a function's arguments, and returns them plain, with defaults.
func CheckArguments(fields []Field, args resource.PropertyMap) (resource.PropertyMap, []plugin.CheckFailure) {
	args, failures := checkFields(fields, args)
	return Plain(args), failures
}

type fieldChecker struct{ failures []plugin.CheckFailure }

func (c *fieldChecker) fail(path, format string, args ...any) {
	c.failures = append(c.failures, plugin.CheckFailure{
		Property: resource.PropertyKey(path), Reason: fmt.Sprintf(format, args...),
	})
}

func (c *fieldChecker) object(path string, fields []Field, inputs resource.PropertyMap) resource.PropertyMap {
	result := resource.PropertyMap{}
	known := map[resource.PropertyKey]bool{}
	for _, field := range fields {
		key := resource.PropertyKey(field.Name)
		known[key] = true
		value := inputs[key]
		if value.IsNull() && field.Default != nil {
			value = resource.NewPropertyValue(field.Default)
		}
		if value.IsNull() {
			if field.Required {
				c.fail(join(path, field.Name), "missing required field %q", field.Name)
			}
			continue
		}
		value = c.value(join(path, field.Name), field, value)
		if field.Secret && !value.IsSecret() {
			value = resource.MakeSecret(value)
		}
		result[key] = value
	}
	for _, key := range sortedKeys(inputs) {
		switch {
		case strings.HasPrefix(string(key), "__"):
			result[key] = inputs[key]
		case !known[key] && !inputs[key].IsNull():
			c.fail(join(path, string(key)), "unknown field %q", key)
		}
	}
	return result
}

// value checks a value through its secret mark, which it keeps.
func (c *fieldChecker) value(path string, field Field, value resource.PropertyValue) resource.PropertyValue {
	if value.IsSecret() {
		return resource.MakeSecret(c.value(path, field, value.SecretValue().Element))
	}
	if value.IsComputed() || value.IsOutput() {
		return value
	}
	if field.Type == Object && value.IsObject() {
		return resource.NewProperty(c.object(path, field.Fields, value.ObjectValue()))
	}
	if field.Type == StringMap && value.IsObject() {
		value = resource.NewProperty(withoutNulls(value.ObjectValue()))
	}
	if !hasType(field.Type, value) {
		c.fail(path, "must be %s; got %s", typeNames[field.Type], value.TypeString())
	}
	return value
}

func withoutNulls(values resource.PropertyMap) resource.PropertyMap {
	result := resource.PropertyMap{}
	for key, value := range values {
		if !value.IsNull() {
			result[key] = value
		}
	}
	return result
}

func hasType(wanted FieldType, value resource.PropertyValue) bool {
	switch wanted {
	case String:
		return value.IsString()
	case Number64:
		return value.IsNumber()
	case Integer:
		return value.IsNumber() && value.NumberValue() == math.Trunc(value.NumberValue())
	case Bool:
		return value.IsBool()
	case StringMap:
		if !value.IsObject() {
			return false
		}
		for _, element := range value.ObjectValue() {
			if !isString(element) {
				return false
			}
		}
		return true
	case StringList:
		if !value.IsArray() {
			return false
		}
		for _, element := range value.ArrayValue() {
			if !isString(element) {
				return false
			}
		}
		return true
	case List:
		return value.IsArray()
	case Asset:
		return value.IsAsset() || value.IsArchive()
	case Any:
		return true
	}
	return false
}

// isString reports whether an element is a string, perhaps a secret or not yet known one.
func isString(value resource.PropertyValue) bool {
	value = PlainValue(value)
	return value.IsString() || value.IsComputed()
}

func join(path, name string) string {
	if path == "" {
		return name
	}
	return path + "." + name
}

func sortedKeys(properties resource.PropertyMap) []resource.PropertyKey {
	keys := make([]resource.PropertyKey, 0, len(properties))
	for key := range properties {
		keys = append(keys, key)
	}
	sort.Slice(keys, func(i, j int) bool { return keys[i] < keys[j] })
	return keys
}
