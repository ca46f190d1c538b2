package main

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource/plugin"

	"kafkalab/providers/internal/standin"
)

// unchanging is the Update and Delete of resources that exist only in the state: an update keeps the
// old outputs beside the new inputs, and a delete does nothing.
type unchanging struct{}

func (unchanging) Update(
	_ context.Context, _ standin.Operation, old standin.Old, inputs resource.PropertyMap,
) (resource.PropertyMap, error) {
	return standin.Merge(old.Outputs, inputs), nil
}

func (unchanging) Delete(context.Context, standin.Operation, standin.Old) error { return nil }

// compare finds what differs between old and new inputs. A default that is written out, and a secret
// mark, make no difference.
func compare(request plugin.DiffRequest, defaults resource.PropertyMap, replaces func(string) bool) plugin.DiffResult {
	return standin.Compare(
		standin.Merge(defaults, standin.Plain(request.OldInputs)),
		standin.Merge(defaults, standin.Plain(request.NewInputs)), replaces)
}

func replaceAlways(string) bool { return true }

func unknowns(keys ...resource.PropertyKey) resource.PropertyMap {
	result := resource.PropertyMap{}
	for _, key := range keys {
		result[key] = standin.Unknown()
	}
	return result
}

func unknownSecrets(keys ...resource.PropertyKey) resource.PropertyMap {
	result := resource.PropertyMap{}
	for _, key := range keys {
		result[key] = resource.MakeSecret(standin.Unknown())
	}
	return result
}

// oneOf fails if a known string is none of the choices.
func oneOf(inputs resource.PropertyMap, key resource.PropertyKey, choices ...string) []plugin.CheckFailure {
	value := inputs[key]
	if !value.IsString() || slices.Contains(choices, value.StringValue()) {
		return nil
	}
	return []plugin.CheckFailure{{Property: key, Reason: fmt.Sprintf(
		"must be one of %s; got %q", strings.Join(choices, ", "), value.StringValue())}}
}

// atLeast fails if a known number is below the minimum.
func atLeast(inputs resource.PropertyMap, key resource.PropertyKey, minimum float64) []plugin.CheckFailure {
	value := inputs[key]
	if !value.IsNumber() || value.NumberValue() >= minimum {
		return nil
	}
	return []plugin.CheckFailure{{Property: key, Reason: fmt.Sprintf(
		"must be at least %v; got %v", minimum, value.NumberValue())}}
}

// eachText fails for every known string of a list that parse refuses.
func eachText(
	inputs resource.PropertyMap, key resource.PropertyKey, parse func(string) error,
) []plugin.CheckFailure {
	var failures []plugin.CheckFailure
	for i, text := range standin.Texts(inputs, key) {
		if err := parse(text); err != nil {
			failures = append(failures, plugin.CheckFailure{
				Property: resource.PropertyKey(fmt.Sprintf("%s[%d]", key, i)), Reason: err.Error(),
			})
		}
	}
	return failures
}
