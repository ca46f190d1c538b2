package standin

import (
	"context"
	"io"
	"os"
	"strings"
	"time"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	pulumirpc "github.com/pulumi/pulumi/sdk/v3/proto/go"
	"google.golang.org/grpc"
	"google.golang.org/grpc/connectivity"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/grpclog"
)

// logTimeout bounds one message to the engine, so that a stuck engine cannot hold up an operation.
const logTimeout = 10 * time.Second

// The engine reads the plugin's port from stdout, so gRPC must never write there.
func init() { grpclog.SetLoggerV2(grpclog.NewLoggerV2(io.Discard, io.Discard, os.Stderr)) }

// Engine is the way back to the Pulumi engine that started the plugin: its log.
type Engine struct {
	conn   *grpc.ClientConn
	client pulumirpc.EngineClient
}

// Connect returns a client of the engine at address. It does not wait for the connection.
func Connect(address string) (*Engine, error) {
	conn, err := grpc.NewClient(address,
		grpc.WithTransportCredentials(insecure.NewCredentials()), grpc.WithIdleTimeout(0))
	if err != nil {
		return nil, err
	}
	return &Engine{conn: conn, client: pulumirpc.NewEngineClient(conn)}, nil
}

// Info shows a message beside the resource while an operation runs; it is not kept.
func (e *Engine) Info(ctx context.Context, urn resource.URN, message string) {
	e.log(ctx, pulumirpc.LogSeverity_INFO, urn, message, true)
}

// Warn records a warning for the resource.
func (e *Engine) Warn(ctx context.Context, urn resource.URN, message string) {
	e.log(ctx, pulumirpc.LogSeverity_WARNING, urn, message, false)
}

// Error records an error for the resource.
func (e *Engine) Error(ctx context.Context, urn resource.URN, message string) {
	e.log(ctx, pulumirpc.LogSeverity_ERROR, urn, message, false)
}

// A message that cannot be delivered is dropped: the operation matters more than its log. A cancelled
// operation may still say why it ended.
func (e *Engine) log(
	ctx context.Context, severity pulumirpc.LogSeverity, urn resource.URN, message string, ephemeral bool,
) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), logTimeout)
	defer cancel()
	_, _ = e.client.Log(ctx, &pulumirpc.LogRequest{
		Severity:  severity,
		Message:   strings.ToValidUTF8(message, "\uFFFD"),
		Urn:       string(urn),
		Ephemeral: ephemeral,
	})
}

// Gone returns a channel that is closed once a connection to the engine has been lost and cannot be
// made again, as after a kill. It costs nothing while the engine lives.
func (e *Engine) Gone(ctx context.Context) <-chan struct{} {
	gone := make(chan struct{})
	go func() {
		e.conn.Connect()
		for {
			state := e.conn.GetState()
			switch state {
			case connectivity.TransientFailure, connectivity.Shutdown:
				close(gone)
				return
			case connectivity.Idle:
				e.conn.Connect()
			}
			if !e.conn.WaitForStateChange(ctx, state) {
				return
			}
		}
	}()
	return gone
}
