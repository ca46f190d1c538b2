package main

import (
	"context"
	"io"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	pulumirpc "github.com/pulumi/pulumi/sdk/v3/proto/go"
	"google.golang.org/protobuf/types/known/emptypb"

	"kafkalab/providers/internal/enginetest"
)

func TestPluginInfo(t *testing.T) {
	plugin := enginetest.Start(t)
	info, err := plugin.Client.GetPluginInfo(context.Background(), &emptypb.Empty{})
	if err != nil {
		t.Fatal(err)
	}
	assertEqual(t, "version", info.Version, "1.2.1")
	handshake, err := plugin.Client.Handshake(context.Background(), &pulumirpc.ProviderHandshakeRequest{})
	if err != nil {
		t.Fatal(err)
	}
	assertEqual(t, "acceptSecrets", handshake.AcceptSecrets, true)
	configured, err := plugin.Client.Configure(context.Background(), &pulumirpc.ConfigureRequest{AcceptSecrets: true})
	if err != nil {
		t.Fatal(err)
	}
	assertEqual(t, "supportsPreview", configured.SupportsPreview, true)
}

func TestUnknownToken(t *testing.T) {
	plugin := enginetest.Start(t)
	_, err := plugin.Client.Check(context.Background(), &pulumirpc.CheckRequest{
		Urn: enginetest.URN("command:remote:Nothing", "test"),
	})
	if err == nil {
		t.Fatal("an unknown resource type is accepted")
	}
	assertContains(t, "the error", err.Error(),
		`the stand-in for the command plugin has no resource type "command:remote:Nothing"`)
}

func TestReadReturnsWhatItIsGiven(t *testing.T) {
	plugin := enginetest.Start(t)
	state := plugin.Create(localCommand, "test", inputs("create", "echo x", "stdin", secret("s")))
	read := plugin.Read(state)
	assertEqual(t, "id", read.ID, state.ID)
	assertEqual(t, "inputs", describe(resource.NewProperty(read.Inputs)), describe(resource.NewProperty(state.Inputs)))
	assertEqual(t, "outputs", describe(resource.NewProperty(read.Outputs)), describe(resource.NewProperty(state.Outputs)))
}

// An engine that is killed says nothing; its plugins must end all the same, with what they run.
func TestPluginEndsWithItsEngine(t *testing.T) {
	plugin := enginetest.Start(t)
	alive := filepath.Join(t.TempDir(), "alive")
	run(t, "", "mkfifo", alive)
	args := plugin.MustCheck(localCommand, inputs("create", "exec sleep 600 3>"+alive))
	go func() { _, _ = plugin.CreateChecked(localCommand, "test", args, 0) }()
	held, err := os.Open(alive) // returns when the command holds the other end
	if err != nil {
		t.Fatal(err)
	}
	defer held.Close()
	plugin.Engine.Stop()
	select {
	case <-plugin.Exited:
	case <-time.After(time.Minute):
		t.Fatal("the plugin outlives its engine")
	}
	if _, err := held.Read(make([]byte, 1)); err != io.EOF {
		t.Errorf("the command's pipe ends with %v; want EOF", err)
	}
}
