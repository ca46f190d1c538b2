package main

import (
	"testing"

	"kafkalab/providers/internal/enginetest"
)

const remoteCommand = "command:remote:Command"

func TestRemoteCommandCreate(t *testing.T) {
	server := startSSHServer(t)
	plugin := enginetest.Start(t)
	state := plugin.Create(remoteCommand, "test", enginetest.Map(map[string]any{
		"connection": server.connection(),
		"create":     "cat; echo out; echo err >&2",
		"stdin":      "from stdin\n",
	}))
	if got := state.Text(t, "stdout"); got != "from stdin\nout" {
		t.Errorf("stdout is %q", got)
	}
	if got := state.Text(t, "stderr"); got != "err" {
		t.Errorf("stderr is %q", got)
	}
}
