package main

import (
	"context"
	"fmt"
	"strings"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource/plugin"

	"kafkalab/providers/internal/standin"
)

// commandFields are the inputs that remote and local commands share.
var commandFields = []standin.Field{
	{Name: "create", Type: standin.String},
	{Name: "update", Type: standin.String},
	{Name: "delete", Type: standin.String},
	{Name: "stdin", Type: standin.String},
	{Name: "environment", Type: standin.StringMap},
	{Name: "triggers", Type: standin.List},
	{Name: "logging", Type: standin.String},
	{Name: "addPreviousOutputInEnv", Type: standin.Bool},
}

// job is one command to run, with plain inputs.
type job struct {
	standin.Operation
	command string
	// hidden says that the command is secret and must not be quoted in an error.
	hidden bool
	inputs resource.PropertyMap
	// previous holds PULUMI_COMMAND_STDOUT and PULUMI_COMMAND_STDERR.
	previous map[string]string
}

// output is what a command wrote, each stream without its last newline.
type output struct{ stdout, stderr string }

func (o output) properties() resource.PropertyMap {
	return resource.PropertyMap{
		"stdout": resource.NewProperty(o.stdout),
		"stderr": resource.NewProperty(o.stderr),
	}
}

// commandKind is where commands run: on a remote host or on this machine.
type commandKind struct {
	fields []standin.Field
	run    func(context.Context, job) (output, error)
	// collect returns further outputs after a run, given the plain inputs.
	collect func(inputs resource.PropertyMap) (resource.PropertyMap, error)
	// collects lists the outputs that collect will return.
	collects func(inputs resource.PropertyMap) []resource.PropertyKey
}

// commandResource runs a command when it is created, updated or deleted.
type commandResource struct{ commandKind }

func (c commandResource) Fields() []standin.Field { return c.fields }

func (c commandResource) Check(resource.PropertyMap) []plugin.CheckFailure { return nil }

func (c commandResource) Diff(request plugin.DiffRequest) plugin.DiffResult {
	return standin.Compare(request.OldInputs, request.NewInputs, isTriggers)
}

func isTriggers(input string) bool { return input == "triggers" }

func (c commandResource) Preview(old *standin.Old, inputs resource.PropertyMap) resource.PropertyMap {
	outputs := resource.PropertyMap{}
	for _, key := range append(c.collects(standin.Plain(inputs)), "stdout", "stderr") {
		outputs[key] = standin.Unknown()
	}
	if old != nil && old.Inputs.DeepEquals(inputs) {
		outputs = c.computed(old.Outputs)
	}
	return standin.Merge(inputs, outputs)
}

func (c commandResource) Create(
	ctx context.Context, operation standin.Operation, inputs resource.PropertyMap,
) (string, resource.PropertyMap, error) {
	id, err := resource.NewUniqueHex(operation.Name, 8, 0)
	if err != nil {
		return "", nil, err
	}
	outputs := output{}.properties()
	if has(inputs, "create") {
		if outputs, err = c.runAndCollect(ctx, newJob(operation, "create", inputs, nil)); err != nil {
			return "", nil, err
		}
	}
	return id, standin.Merge(inputs, outputs), nil
}

func (c commandResource) Update(
	ctx context.Context, operation standin.Operation, old standin.Old, inputs resource.PropertyMap,
) (resource.PropertyMap, error) {
	step := resource.PropertyKey("update")
	if !has(inputs, step) {
		step = "create"
	}
	if !has(inputs, step) {
		return standin.Merge(inputs, c.computed(old.Outputs)), nil
	}
	outputs, err := c.runAndCollect(ctx, newJob(operation, step, inputs, old.Outputs))
	if err != nil {
		return nil, err
	}
	// Files that are no longer asked for stay in the outputs.
	return standin.Merge(inputs, c.computed(old.Outputs), outputs), nil
}

// Delete uses the inputs as they were when the command last ran, which the outputs repeat.
func (c commandResource) Delete(ctx context.Context, operation standin.Operation, old standin.Old) error {
	if !has(old.Outputs, "delete") {
		return nil
	}
	_, err := c.run(ctx, newJob(operation, "delete", old.Outputs, old.Outputs))
	return err
}

func (c commandResource) runAndCollect(ctx context.Context, j job) (resource.PropertyMap, error) {
	out, err := c.run(ctx, j)
	if err != nil {
		return nil, err
	}
	collected, err := c.collect(j.inputs)
	if err != nil {
		return nil, err
	}
	return standin.Merge(out.properties(), collected), nil
}

// computed returns the outputs that are not inputs.
func (c commandResource) computed(outputs resource.PropertyMap) resource.PropertyMap {
	result := resource.PropertyMap{}
	for _, key := range []resource.PropertyKey{"stdout", "stderr", "assets", "archive"} {
		if value, ok := outputs[key]; ok {
			result[key] = value
		}
	}
	return result
}

// newJob prepares the command of a step. oldOutputs are those of the last create or update, if any.
func newJob(
	operation standin.Operation, step resource.PropertyKey, inputs, oldOutputs resource.PropertyMap,
) job {
	plain := standin.Plain(inputs)
	j := job{
		Operation: operation,
		command:   standin.Text(plain, step),
		hidden:    inputs[step].ContainsSecrets(),
		inputs:    plain,
		previous:  map[string]string{},
	}
	if standin.Flag(plain, "addPreviousOutputInEnv", true) {
		old := standin.Plain(oldOutputs)
		for name, value := range map[string]string{
			previousStdout: standin.Text(old, "stdout"),
			previousStderr: standin.Text(old, "stderr"),
		} {
			if value != "" {
				j.previous[name] = value
			}
		}
	}
	return j
}

const (
	previousStdout = "PULUMI_COMMAND_STDOUT"
	previousStderr = "PULUMI_COMMAND_STDERR"
	// maxVariable is the longest NAME=value that Linux passes to a program, with its final NUL.
	maxVariable = 128 << 10
)

// previousEnvironment returns the last run's outputs as variables. It warns of one that is too long and
// leaves it out. No variable can hold a NUL, so a command that has printed one cannot be given its output.
func (j job) previousEnvironment(ctx context.Context) (map[string]string, error) {
	result := map[string]string{}
	for _, name := range sorted(j.previous) {
		value := j.previous[name]
		if strings.ContainsRune(value, 0) {
			return nil, fmt.Errorf("cannot set environment variable %q: the last run printed a NUL byte, which no "+
				"variable can hold. Update the resource with addPreviousOutputInEnv set to false", name)
		}
		if size := len(name) + len(value) + 2; size > maxVariable {
			j.Engine.Warn(ctx, j.URN, fmt.Sprintf(
				"%s is left out of the environment: %d bytes are more than the %d that a program can be given. "+
					"Set addPreviousOutputInEnv to false if the command does not need it.", name, size, maxVariable))
			continue
		}
		result[name] = value
	}
	return result, nil
}

// maxOutputInError bounds what an error repeats of a command's output: gRPC carries errors in headers.
const maxOutputInError = 1 << 20

// failure describes a run that failed: the cause, the command and all that it wrote.
func (j job) failure(cause error, log *transcript) error {
	command := fmt.Sprintf("%q", j.command)
	if j.hidden {
		command = "[secret]"
	}
	return fmt.Errorf("%w: running %s:\n%s", cause, command, log.combinedText(maxOutputInError))
}

func has(properties resource.PropertyMap, key resource.PropertyKey) bool {
	return !standin.PlainValue(properties[key]).IsNull()
}
