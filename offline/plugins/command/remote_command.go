package main

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	"golang.org/x/crypto/ssh"

	"kafkalab/providers/internal/standin"
)

// remoteKind runs commands over SSH.
var remoteKind = commandKind{
	fields:   append([]standin.Field{connectionField}, commandFields...),
	run:      runRemote,
	collect:  func(resource.PropertyMap) (resource.PropertyMap, error) { return nil, nil },
	collects: func(resource.PropertyMap) []resource.PropertyKey { return nil },
}

// killGrace is how long a cancelled command's host has to take the signal before the connection is
// closed.
const killGrace = time.Second

func runRemote(ctx context.Context, j job) (output, error) {
	host, err := connect(ctx, j.Operation, j.inputs)
	if err != nil {
		return output{}, err
	}
	defer host.close()
	return runOn(ctx, host, j)
}

func runOn(ctx context.Context, host *connection, j job) (output, error) {
	session, err := host.NewSession()
	if err != nil {
		return output{}, endReason(ctx, err)
	}
	defer session.Close()
	kill := context.AfterFunc(ctx, func() {
		time.AfterFunc(killGrace, func() { _ = host.Client.Close() })
		_ = session.Signal(ssh.SIGKILL)
		_ = host.Client.Close()
	})
	defer kill()

	if err := setEnvironment(ctx, j, session); err != nil {
		return output{}, endReason(ctx, err)
	}
	if ctx.Err() != nil {
		return output{}, ctx.Err()
	}
	log := newTranscript(ctx, j)
	session.Stdout, session.Stderr = log.stdoutWriter(), log.stderrWriter()
	if stdin := standin.Text(j.inputs, "stdin"); stdin != "" {
		session.Stdin = strings.NewReader(stdin)
	}
	err = session.Run(j.command)
	log.close()
	if err != nil {
		return output{}, j.failure(endReason(ctx, err), log)
	}
	return log.output(), nil
}

// setEnvironment asks the server to accept each variable. It must accept those of the input
// "environment"; the last run's outputs may be refused.
func setEnvironment(ctx context.Context, j job, session *ssh.Session) error {
	const unaccepted = "Unable to set '%s'. This only works if your SSH server is configured to accept " +
		"these variables via AcceptEnv. Alternatively, if a Bash-like shell runs the command on the remote " +
		"host, you could prefix the command itself with the variables in the form 'VAR=value command'"
	environment := standin.TextMap(j.inputs, "environment")
	for _, name := range sorted(environment) {
		if err := session.Setenv(name, environment[name]); err != nil {
			j.Engine.Error(ctx, j.URN, fmt.Sprintf(unaccepted, name))
			return fmt.Errorf("could not set environment variable %q: %w", name, err)
		}
	}
	previous, err := j.previousEnvironment(ctx)
	if err != nil {
		return err
	}
	for _, name := range sorted(previous) {
		if err := session.Setenv(name, previous[name]); err != nil {
			j.Engine.Warn(ctx, j.URN, fmt.Sprintf(unaccepted, name))
		}
	}
	return nil
}
