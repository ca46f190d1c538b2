package standin

import (
	"strings"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
)

// Plain returns a deep copy of properties without secret marks and absent (null) values.
func Plain(properties resource.PropertyMap) resource.PropertyMap {
	result := resource.PropertyMap{}
	for key, value := range properties {
		if value = PlainValue(value); !value.IsNull() {
			result[key] = value
		}
	}
	return result
}

// PlainValue returns a value without secret marks at any depth. A value that is not known, also
// inside a secret, is a computed one in the result.
func PlainValue(value resource.PropertyValue) resource.PropertyValue {
	switch {
	case value.IsSecret():
		return PlainValue(value.SecretValue().Element)
	case value.IsOutput():
		if !value.OutputValue().Known {
			return Unknown()
		}
		return PlainValue(value.OutputValue().Element)
	case value.IsArray():
		elements := make([]resource.PropertyValue, len(value.ArrayValue()))
		for i, element := range value.ArrayValue() {
			elements[i] = PlainValue(element)
		}
		return resource.NewProperty(elements)
	case value.IsObject():
		return resource.NewProperty(Plain(value.ObjectValue()))
	}
	return value
}

// Unknown is the value of an output that only the real operation can tell.
func Unknown() resource.PropertyValue {
	return resource.MakeComputed(resource.NewProperty(""))
}

// Merge returns the union of property maps; later ones win.
func Merge(maps ...resource.PropertyMap) resource.PropertyMap {
	result := resource.PropertyMap{}
	for _, properties := range maps {
		for key, value := range properties {
			result[key] = value
		}
	}
	return result
}

// Text returns a string of plain properties, or "" if it is absent.
func Text(properties resource.PropertyMap, key resource.PropertyKey) string {
	if value := properties[key]; value.IsString() {
		return value.StringValue()
	}
	return ""
}

// Flag returns a boolean of plain properties, or the fallback if it is absent.
func Flag(properties resource.PropertyMap, key resource.PropertyKey, fallback bool) bool {
	if value := properties[key]; value.IsBool() {
		return value.BoolValue()
	}
	return fallback
}

// Number returns a number of plain properties, or the fallback if it is absent.
func Number(properties resource.PropertyMap, key resource.PropertyKey, fallback float64) float64 {
	if value := properties[key]; value.IsNumber() {
		return value.NumberValue()
	}
	return fallback
}

// Texts returns a list of strings of plain properties.
func Texts(properties resource.PropertyMap, key resource.PropertyKey) []string {
	var result []string
	if value := properties[key]; value.IsArray() {
		for _, element := range value.ArrayValue() {
			if element.IsString() {
				result = append(result, element.StringValue())
			}
		}
	}
	return result
}

// TextMap returns a map of strings of plain properties.
func TextMap(properties resource.PropertyMap, key resource.PropertyKey) map[string]string {
	result := map[string]string{}
	if value := properties[key]; value.IsObject() {
		for name, element := range value.ObjectValue() {
			if element.IsString() {
				result[string(name)] = element.StringValue()
			}
		}
	}
	return result
}

// ValidText replaces what is not UTF-8 by U+FFFD, as protocol buffers refuse anything else.
func ValidText(text string) string {
	return strings.ToValidUTF8(text, "\uFFFD")
}
