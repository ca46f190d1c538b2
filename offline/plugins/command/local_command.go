package main

import (
	"context"
	"errors"
	"io"
	"os"
	"os/exec"
	"sync"
	"syscall"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource/plugin"

	"kafkalab/providers/internal/standin"
)

// localFields are the inputs that local commands have beyond those of remote ones.
var localFields = []standin.Field{
	{Name: "interpreter", Type: standin.StringList},
	{Name: "dir", Type: standin.String},
	{Name: "assetPaths", Type: standin.StringList},
	{Name: "archivePaths", Type: standin.StringList},
}

// localKind runs commands on this machine.
var localKind = commandKind{
	fields:   append(append([]standin.Field{}, commandFields...), localFields...),
	run:      runLocal,
	collect:  collectFiles,
	collects: collectedOutputs,
}

func runLocal(ctx context.Context, j job) (output, error) {
	interpreter := standin.Texts(j.inputs, "interpreter")
	if len(interpreter) == 0 {
		interpreter = []string{"/bin/sh", "-c"}
	}
	command := exec.Command(interpreter[0], append(interpreter[1:], j.command)...)
	var err error
	if command.Dir, err = workingDirectory(j.inputs); err != nil {
		return output{}, err
	}
	command.Env = os.Environ()
	environment := standin.TextMap(j.inputs, "environment")
	for _, name := range sorted(environment) {
		command.Env = append(command.Env, name+"="+environment[name])
	}
	previous, err := j.previousEnvironment(ctx)
	if err != nil {
		return output{}, err
	}
	for _, name := range sorted(previous) {
		command.Env = append(command.Env, name+"="+previous[name])
	}
	// A group of its own, so that a cancelled command ends with all that it started.
	command.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}

	log := newTranscript(ctx, j)
	err = runProcess(ctx, command, standin.Text(j.inputs, "stdin"), log)
	log.close()
	if err != nil {
		return output{}, j.failure(err, log)
	}
	return log.output(), nil
}

// runProcess runs a command to its end, and until everything that holds its output has closed it. If
// ctx ends first, it kills the command and waits for no one else.
func runProcess(ctx context.Context, command *exec.Cmd, stdin string, log *transcript) error {
	var opened []*os.File
	defer func() {
		for _, file := range opened {
			_ = file.Close()
		}
	}()
	pipe := func() (*os.File, *os.File, error) {
		reader, writer, err := os.Pipe()
		if err == nil {
			opened = append(opened, reader, writer)
		}
		return reader, writer, err
	}
	stdout, stdoutEnd, err := pipe()
	if err != nil {
		return err
	}
	stderr, stderrEnd, err := pipe()
	if err != nil {
		return err
	}
	command.Stdout, command.Stderr = stdoutEnd, stderrEnd
	var stdinEnd *os.File
	if stdin != "" {
		reader, writer, err := pipe()
		if err != nil {
			return err
		}
		command.Stdin, stdinEnd = reader, writer
	}

	if ctx.Err() != nil {
		return ctx.Err()
	}
	if command.Dir != "" { // in a group of its own, the kernel would blame the interpreter
		if _, err := os.Stat(command.Dir); err != nil {
			return &os.PathError{Op: "chdir", Path: command.Dir, Err: errors.Unwrap(err)}
		}
	}
	if err := command.Start(); err != nil {
		return err
	}
	_ = stdoutEnd.Close()
	_ = stderrEnd.Close()
	if stdinEnd != nil {
		_ = command.Stdin.(*os.File).Close()
		go func() {
			_, _ = io.WriteString(stdinEnd, stdin)
			_ = stdinEnd.Close()
		}()
	}

	kill := context.AfterFunc(ctx, func() {
		_ = syscall.Kill(-command.Process.Pid, syscall.SIGKILL)
		_ = stdout.Close()
		_ = stderr.Close()
	})
	defer kill()
	var streams sync.WaitGroup
	streams.Go(func() { _, _ = io.Copy(log.stdoutWriter(), stdout) })
	streams.Go(func() { _, _ = io.Copy(log.stderrWriter(), stderr) })
	err = command.Wait()
	streams.Wait()
	return err
}

// runFunction is the function local:run, which runs its command every time, also in previews.
func runFunction(engine *standin.Engine) standin.Function {
	fields := append([]standin.Field{
		{Name: "command", Type: standin.String, Required: true},
		{Name: "stdin", Type: standin.String},
		{Name: "environment", Type: standin.StringMap},
		{Name: "logging", Type: standin.String},
		{Name: "addPreviousOutputInEnv", Type: standin.Bool},
	}, localFields...)
	return func(
		ctx context.Context, args resource.PropertyMap,
	) (resource.PropertyMap, []plugin.CheckFailure, error) {
		plain, failures := standin.CheckArguments(fields, args)
		if len(failures) > 0 {
			return nil, failures, nil
		}
		j := newJob(standin.Operation{Engine: engine}, "command", plain, nil)
		j.hidden = args["command"].ContainsSecrets()
		out, err := runLocal(ctx, j)
		if err != nil {
			return nil, nil, err
		}
		collected, err := collectFiles(plain)
		return standin.Merge(args, out.properties(), collected), nil, err
	}
}
