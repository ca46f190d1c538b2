// Package enginetest drives a built plugin as the Pulumi engine does: it starts the program, serves
// it an engine, and calls it over gRPC.
package enginetest

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource/plugin"
	pulumirpc "github.com/pulumi/pulumi/sdk/v3/proto/go"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/protobuf/types/known/emptypb"
	"google.golang.org/protobuf/types/known/structpb"
)

// callTimeout ends a call that would hang, with a failed test.
const callTimeout = 2 * time.Minute

// EndWithTheTests ends a process that a test starts when the test run is killed.
var EndWithTheTests = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}

var program string

// Main builds the plugin of the test's directory, runs the tests and returns their exit code.
func Main(m *testing.M) int {
	dir, err := os.MkdirTemp("", "stand-in-")
	if err != nil {
		panic(err)
	}
	defer os.RemoveAll(dir)
	program = filepath.Join(dir, "plugin")
	build := exec.Command("go", "build", "-o", program, ".")
	build.Stderr = os.Stderr
	if err := build.Run(); err != nil {
		fmt.Fprintf(os.Stderr, "cannot build the plugin: %v\n", err)
		return 1
	}
	return m.Run()
}

// Entry is one message in the engine's log.
type Entry struct {
	Severity  pulumirpc.LogSeverity
	Message   string
	URN       string
	Ephemeral bool
}

// Engine is the engine's side of a plugin: its log.
type Engine struct {
	pulumirpc.UnimplementedEngineServer

	Address string
	server  *grpc.Server
	mutex   sync.Mutex
	entries []Entry
	changed chan struct{}
}

// StartEngine serves an engine until the test ends.
func StartEngine(t *testing.T) *Engine {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	engine := &Engine{
		Address: listener.Addr().String(), server: grpc.NewServer(), changed: make(chan struct{}),
	}
	pulumirpc.RegisterEngineServer(engine.server, engine)
	go func() { _ = engine.server.Serve(listener) }()
	t.Cleanup(engine.server.Stop)
	return engine
}

// Stop ends the engine at once, as a kill does.
func (e *Engine) Stop() { e.server.Stop() }

// Log records a message, as the engine would show it.
func (e *Engine) Log(_ context.Context, request *pulumirpc.LogRequest) (*emptypb.Empty, error) {
	e.mutex.Lock()
	defer e.mutex.Unlock()
	e.entries = append(e.entries, Entry{
		Severity: request.Severity, Message: request.Message, URN: request.Urn, Ephemeral: request.Ephemeral,
	})
	close(e.changed)
	e.changed = make(chan struct{})
	return &emptypb.Empty{}, nil
}

// Entries returns the log so far.
func (e *Engine) Entries() []Entry {
	e.mutex.Lock()
	defer e.mutex.Unlock()
	return append([]Entry{}, e.entries...)
}

// Messages returns the log's texts so far.
func (e *Engine) Messages() []string {
	var result []string
	for _, entry := range e.Entries() {
		result = append(result, entry.Message)
	}
	return result
}

// WaitFor returns once the log holds this message.
func (e *Engine) WaitFor(t *testing.T, message string) {
	t.Helper()
	timeout := time.After(callTimeout)
	for {
		e.mutex.Lock()
		changed := e.changed
		for _, entry := range e.entries {
			if entry.Message == message {
				e.mutex.Unlock()
				return
			}
		}
		e.mutex.Unlock()
		select {
		case <-changed:
		case <-timeout:
			t.Fatalf("the engine's log has no %q after %s; it has %q", message, callTimeout, e.Messages())
		}
	}
}

// Plugin is a running plugin.
type Plugin struct {
	Engine  *Engine
	Client  pulumirpc.ResourceProviderClient
	Process *os.Process
	// Exited is closed when the process has ended.
	Exited chan struct{}

	t      *testing.T
	output *lockedBuffer
}

// Start runs the plugin with these variables added to its environment, until the test ends.
func Start(t *testing.T, environment ...string) *Plugin {
	t.Helper()
	return StartIn(t, "", environment...)
}

// StartIn runs the plugin in a directory, as the engine does in that of the Pulumi program.
func StartIn(t *testing.T, dir string, environment ...string) *Plugin {
	t.Helper()
	engine := StartEngine(t)
	// The engine's own flags for its most talkative log: a plugin must not print secrets then either.
	command := exec.Command(program, "--logtostderr", "-v=11", engine.Address)
	command.Dir = dir
	command.Env = append(append(os.Environ(), "SSH_AUTH_SOCK="), environment...)
	p := &Plugin{Engine: engine, t: t, output: &lockedBuffer{}, Exited: make(chan struct{})}
	command.Stderr = p.output
	command.SysProcAttr = EndWithTheTests
	stdout, err := command.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	p.Process = command.Process
	port, err := bufio.NewReader(stdout).ReadString('\n')
	if err != nil {
		t.Fatalf("the plugin printed no port: %v\n%s", err, p.output)
	}
	go func() {
		_ = command.Wait()
		close(p.Exited)
	}()
	t.Cleanup(func() {
		_ = command.Process.Kill()
		<-p.Exited
	})
	conn, err := grpc.NewClient("127.0.0.1:"+strings.TrimSpace(port),
		grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithDefaultCallOptions(grpc.MaxCallRecvMsgSize(400<<20)))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	p.Client = pulumirpc.NewResourceProviderClient(conn)
	return p
}

// Output returns what the plugin has printed to stderr.
func (p *Plugin) Output() string { return p.output.String() }

// AssertNeverLogged fails the test if one of the secrets is in the engine's log or the plugin's output.
func (p *Plugin) AssertNeverLogged(secrets ...string) {
	p.t.Helper()
	everything := strings.Join(append(p.Engine.Messages(), p.Output()), "\n")
	for _, secret := range secrets {
		if strings.Contains(everything, secret) {
			p.t.Errorf("the log holds the secret %q", secret)
		}
	}
}

// URN returns the URN that the harness gives a resource.
func URN(token, name string) string {
	return "urn:pulumi:local::kafkalab::" + token + "::" + name
}

func (p *Plugin) marshal(properties resource.PropertyMap) *structpb.Struct {
	p.t.Helper()
	result, err := plugin.MarshalProperties(properties, plugin.MarshalOptions{
		KeepUnknowns: true, KeepSecrets: true, KeepResources: true, ComputeAssetHashes: true,
	})
	if err != nil {
		p.t.Fatal(err)
	}
	return result
}

func (p *Plugin) unmarshal(properties *structpb.Struct) resource.PropertyMap {
	p.t.Helper()
	result, err := plugin.UnmarshalProperties(properties, plugin.MarshalOptions{
		KeepUnknowns: true, KeepSecrets: true, KeepResources: true,
	})
	if err != nil {
		p.t.Fatal(err)
	}
	return result
}

func callContext() (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.Background(), callTimeout)
}

// Check returns the checked inputs and "property: reason" for each failure.
func (p *Plugin) Check(token string, inputs resource.PropertyMap) (resource.PropertyMap, []string) {
	p.t.Helper()
	ctx, cancel := callContext()
	defer cancel()
	response, err := p.Client.Check(ctx, &pulumirpc.CheckRequest{
		Urn: URN(token, "test"), News: p.marshal(inputs),
	})
	if err != nil {
		p.t.Fatal(err)
	}
	var failures []string
	for _, failure := range response.Failures {
		failures = append(failures, failure.Property+": "+failure.Reason)
	}
	return p.unmarshal(response.Inputs), failures
}

// MustCheck returns the checked inputs, which must have no faults.
func (p *Plugin) MustCheck(token string, inputs resource.PropertyMap) resource.PropertyMap {
	p.t.Helper()
	checked, failures := p.Check(token, inputs)
	if len(failures) > 0 {
		p.t.Fatalf("unexpected faults: %q", failures)
	}
	return checked
}

// State is a resource as the engine keeps it.
type State struct {
	Token, Name, ID string
	Inputs, Outputs resource.PropertyMap
}

// Create checks the inputs and creates a resource.
func (p *Plugin) Create(token, name string, inputs resource.PropertyMap) State {
	p.t.Helper()
	state, err := p.TryCreate(token, name, inputs)
	if err != nil {
		p.t.Fatal(err)
	}
	return state
}

// TryCreate is Create where an error is expected.
func (p *Plugin) TryCreate(token, name string, inputs resource.PropertyMap) (State, error) {
	p.t.Helper()
	return p.TryCreateWithin(token, name, inputs, 0)
}

// TryCreateWithin is TryCreate with the resource's own timeout.
func (p *Plugin) TryCreateWithin(
	token, name string, inputs resource.PropertyMap, timeoutSeconds float64,
) (State, error) {
	p.t.Helper()
	return p.CreateChecked(token, name, p.MustCheck(token, inputs), timeoutSeconds)
}

// CreateChecked creates a resource with inputs that Check returned. It may be called from any goroutine.
func (p *Plugin) CreateChecked(
	token, name string, checked resource.PropertyMap, timeoutSeconds float64,
) (State, error) {
	p.t.Helper()
	ctx, cancel := callContext()
	defer cancel()
	response, err := p.Client.Create(ctx, &pulumirpc.CreateRequest{
		Urn: URN(token, name), Properties: p.marshal(checked), Timeout: timeoutSeconds,
	})
	if err != nil {
		return State{}, err
	}
	return State{token, name, response.Id, checked, p.unmarshal(response.Properties)}, nil
}

// PreviewCreate returns the outputs that a preview shows.
func (p *Plugin) PreviewCreate(token string, inputs resource.PropertyMap) resource.PropertyMap {
	p.t.Helper()
	ctx, cancel := callContext()
	defer cancel()
	response, err := p.Client.Create(ctx, &pulumirpc.CreateRequest{
		Urn: URN(token, "test"), Properties: p.marshal(p.MustCheck(token, inputs)), Preview: true,
	})
	if err != nil {
		p.t.Fatal(err)
	}
	return p.unmarshal(response.Properties)
}

// Diff compares a resource with new inputs.
func (p *Plugin) Diff(old State, inputs resource.PropertyMap) *pulumirpc.DiffResponse {
	p.t.Helper()
	ctx, cancel := callContext()
	defer cancel()
	response, err := p.Client.Diff(ctx, &pulumirpc.DiffRequest{
		Id: old.ID, Urn: URN(old.Token, old.Name), OldInputs: p.marshal(old.Inputs), Olds: p.marshal(old.Outputs),
		News: p.marshal(p.MustCheck(old.Token, inputs)),
	})
	if err != nil {
		p.t.Fatal(err)
	}
	return response
}

// Update changes a resource.
func (p *Plugin) Update(old State, inputs resource.PropertyMap) State {
	p.t.Helper()
	state, err := p.TryUpdate(old, inputs, false)
	if err != nil {
		p.t.Fatal(err)
	}
	return state
}

// TryUpdate is Update, or its preview, where an error is expected.
func (p *Plugin) TryUpdate(old State, inputs resource.PropertyMap, preview bool) (State, error) {
	p.t.Helper()
	checked := p.MustCheck(old.Token, inputs)
	ctx, cancel := callContext()
	defer cancel()
	response, err := p.Client.Update(ctx, &pulumirpc.UpdateRequest{
		Id: old.ID, Urn: URN(old.Token, old.Name), OldInputs: p.marshal(old.Inputs), Olds: p.marshal(old.Outputs),
		News: p.marshal(checked), Preview: preview,
	})
	if err != nil {
		return State{}, err
	}
	return State{old.Token, old.Name, old.ID, checked, p.unmarshal(response.Properties)}, nil
}

// Delete removes a resource.
func (p *Plugin) Delete(old State) error {
	p.t.Helper()
	ctx, cancel := callContext()
	defer cancel()
	_, err := p.Client.Delete(ctx, &pulumirpc.DeleteRequest{
		Id: old.ID, Urn: URN(old.Token, old.Name), OldInputs: p.marshal(old.Inputs), Properties: p.marshal(old.Outputs),
	})
	return err
}

// Invoke calls a function. It returns "property: reason" for each failure.
func (p *Plugin) Invoke(token string, args resource.PropertyMap) (resource.PropertyMap, []string, error) {
	p.t.Helper()
	ctx, cancel := callContext()
	defer cancel()
	response, err := p.Client.Invoke(ctx, &pulumirpc.InvokeRequest{Tok: token, Args: p.marshal(args)})
	if err != nil {
		return nil, nil, err
	}
	var failures []string
	for _, failure := range response.Failures {
		failures = append(failures, failure.Property+": "+failure.Reason)
	}
	return p.unmarshal(response.Return), failures, nil
}

// Map makes a property map from Go values; a resource.PropertyValue in it stays as it is.
func Map(values map[string]any) resource.PropertyMap {
	result := resource.PropertyMap{}
	for key, value := range values {
		result[resource.PropertyKey(key)] = resource.NewPropertyValue(value)
	}
	return result
}

// Text returns a string output through its secret mark, and fails the test if it is something else.
func (s State) Text(t *testing.T, key string) string {
	t.Helper()
	value := s.Outputs[resource.PropertyKey(key)]
	if value.IsSecret() {
		value = value.SecretValue().Element
	}
	if !value.IsString() {
		t.Fatalf("output %s is %s, not a string", key, value.TypeString())
	}
	return value.StringValue()
}

type lockedBuffer struct {
	mutex  sync.Mutex
	buffer bytes.Buffer
}

func (b *lockedBuffer) Write(data []byte) (int, error) {
	b.mutex.Lock()
	defer b.mutex.Unlock()
	return b.buffer.Write(data)
}

func (b *lockedBuffer) String() string {
	b.mutex.Lock()
	defer b.mutex.Unlock()
	return b.buffer.String()
}

// Read reads a resource.
func (p *Plugin) Read(old State) State {
	p.t.Helper()
	ctx, cancel := callContext()
	defer cancel()
	response, err := p.Client.Read(ctx, &pulumirpc.ReadRequest{
		Id: old.ID, Urn: URN(old.Token, old.Name), Inputs: p.marshal(old.Inputs), Properties: p.marshal(old.Outputs),
	})
	if err != nil {
		p.t.Fatal(err)
	}
	return State{old.Token, old.Name, response.Id, p.unmarshal(response.Inputs), p.unmarshal(response.Properties)}
}
