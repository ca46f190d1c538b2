// Package standin is the part that the stand-in plugins share: it serves a table of resource types
// and functions to the Pulumi engine over gRPC.
package standin

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"slices"
	"syscall"
	"time"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource/plugin"
	"github.com/pulumi/pulumi/sdk/v3/go/common/util/rpcutil"
	pulumirpc "github.com/pulumi/pulumi/sdk/v3/proto/go"
	"google.golang.org/grpc"
)

// stopGrace bounds how long running operations, which have been cancelled by then, hold up the end
// of the process.
const stopGrace = 5 * time.Second

// Main runs a plugin as the engine starts it: it prints the port that it listens on, and ends when
// the engine says so or is gone. It returns the exit code.
func Main(build func(*Engine) *Provider) int {
	address, err := engineAddress(os.Args[1:])
	if err == nil {
		err = serve(address, build)
	}
	if err != nil {
		fmt.Fprintf(os.Stderr, "%v\n", err)
		return 1
	}
	return 0
}

// engineAddress returns the engine's address from the command line. The engine's logging flags are
// accepted and ignored: at a high level the SDK would print every property, secrets included.
func engineAddress(args []string) (string, error) {
	flags := flag.NewFlagSet("plugin", flag.ContinueOnError)
	flags.SetOutput(io.Discard)
	flags.Bool("logtostderr", false, "ignored")
	flags.Int("v", 0, "ignored")
	flags.String("tracing", "", "ignored")
	if err := flags.Parse(args); err != nil {
		return "", err
	}
	if flags.NArg() != 1 {
		return "", fmt.Errorf("usage: %s <engine address>; the Pulumi engine starts this plugin", os.Args[0])
	}
	return flags.Arg(0), nil
}

func serve(address string, build func(*Engine) *Provider) error {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()

	engine, err := Connect(address)
	if err != nil {
		return fmt.Errorf("cannot connect to the engine at %s: %w", address, err)
	}
	provider := build(engine)

	stopServing := make(chan bool)
	handle, err := rpcutil.ServeWithOptions(rpcutil.ServeOptions{
		Cancel: stopServing,
		Init: func(server *grpc.Server) error {
			pulumirpc.RegisterResourceProviderServer(server, detailedServer{plugin.NewProviderServer(provider)})
			return nil
		},
	})
	if err != nil {
		return err
	}
	fmt.Printf("%d\n", handle.Port)

	select {
	case err := <-handle.Done:
		return err
	case <-ctx.Done():
	case <-engine.Gone(ctx):
	}
	provider.cancel()
	close(stopServing)
	select {
	case err := <-handle.Done:
		return err
	case <-time.After(stopGrace):
		return nil
	}
}

// detailedServer completes the SDK's server. Its Diff does not say that it has details, without which
// the engine ignores them, nor that a deleted property asks for a replacement; and it lists paths
// where the engine's displays look for the names of inputs.
type detailedServer struct {
	pulumirpc.ResourceProviderServer
}

func (s detailedServer) Diff(
	ctx context.Context, request *pulumirpc.DiffRequest,
) (*pulumirpc.DiffResponse, error) {
	response, err := s.ResourceProviderServer.Diff(ctx, request)
	if err != nil {
		return nil, err
	}
	response.HasDetailedDiff = len(response.DetailedDiff) > 0
	for _, path := range response.Replaces {
		if detail := response.DetailedDiff[path]; detail.GetKind() == pulumirpc.PropertyDiff_DELETE {
			detail.Kind = pulumirpc.PropertyDiff_DELETE_REPLACE
		}
	}
	response.Diffs, response.Replaces = inputsOf(response.Diffs), inputsOf(response.Replaces)
	return response, nil
}

// inputsOf returns the inputs that property paths begin with, each once, in order.
func inputsOf(paths []string) []string {
	var inputs []string
	for _, path := range paths {
		inputs = append(inputs, inputOf(path))
	}
	slices.Sort(inputs)
	return slices.Compact(inputs)
}
