package standin

import (
	"context"
	"time"

	"github.com/blang/semver"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource/plugin"
	"github.com/pulumi/pulumi/sdk/v3/go/common/tokens"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// Resource is one resource type. Its methods see properties with their secret marks; Plain removes
// them. Inputs have passed Check and hold no unknown values, except in Preview.
type Resource interface {
	// Fields lists the inputs, which Check validates, fills with defaults and marks secret.
	Fields() []Field
	// Check returns the faults that no single field shows. It sees plain, perhaps unknown, values.
	Check(inputs resource.PropertyMap) []plugin.CheckFailure
	// Diff tells what a change of the inputs asks for.
	Diff(request plugin.DiffRequest) plugin.DiffResult
	// Preview returns what Create (old is nil) or Update would, with unknown values for what only
	// the operation can tell.
	Preview(old *Old, inputs resource.PropertyMap) resource.PropertyMap
	// Create makes the resource and returns its id and outputs.
	Create(ctx context.Context, operation Operation, inputs resource.PropertyMap) (string, resource.PropertyMap, error)
	// Update changes the resource and returns its new outputs.
	Update(ctx context.Context, operation Operation, old Old, inputs resource.PropertyMap) (resource.PropertyMap, error)
	// Delete removes the resource.
	Delete(ctx context.Context, operation Operation, old Old) error
}

// Old is what the last operation on a resource left.
type Old struct {
	Inputs, Outputs resource.PropertyMap
}

// Operation names the resource that an operation is about.
type Operation struct {
	URN    resource.URN
	Name   string
	Engine *Engine
}

// Function answers one invoke token.
type Function func(
	ctx context.Context, args resource.PropertyMap,
) (resource.PropertyMap, []plugin.CheckFailure, error)

// Provider serves a package's resource types and functions.
type Provider struct {
	plugin.UnimplementedProvider

	name      string
	version   semver.Version
	engine    *Engine
	resources map[tokens.Type]Resource
	functions map[tokens.ModuleMember]Function
	stopped   context.Context
	cancel    context.CancelFunc
}

// NewProvider returns the provider of the package's tables.
func NewProvider(
	name, version string, engine *Engine,
	resources map[tokens.Type]Resource, functions map[tokens.ModuleMember]Function,
) *Provider {
	stopped, cancel := context.WithCancel(context.Background())
	return &Provider{
		name: name, version: semver.MustParse(version), engine: engine,
		resources: resources, functions: functions, stopped: stopped, cancel: cancel,
	}
}

// Handshake tells the engine that secrets arrive and leave marked, and that previews are answered.
func (p *Provider) Handshake(
	context.Context, plugin.ProviderHandshakeRequest,
) (*plugin.ProviderHandshakeResponse, error) {
	return &plugin.ProviderHandshakeResponse{AcceptSecrets: true, AcceptResources: true}, nil
}

// CheckConfig accepts any provider settings; these plugins have none of their own.
func (p *Provider) CheckConfig(
	_ context.Context, request plugin.CheckConfigRequest,
) (plugin.CheckConfigResponse, error) {
	return plugin.CheckConfigResponse{Properties: request.News}, nil
}

// DiffConfig says that no provider setting asks for a replacement.
func (p *Provider) DiffConfig(context.Context, plugin.DiffConfigRequest) (plugin.DiffConfigResponse, error) {
	return plugin.DiffConfigResponse{Changes: plugin.DiffNone}, nil
}

// Configure has nothing to do.
func (p *Provider) Configure(context.Context, plugin.ConfigureRequest) (plugin.ConfigureResponse, error) {
	return plugin.ConfigureResponse{}, nil
}

// GetPluginInfo returns the version that the stand-in takes the place of.
func (p *Provider) GetPluginInfo(context.Context) (plugin.PluginInfo, error) {
	return plugin.PluginInfo{Version: &p.version}, nil
}

// SignalCancellation ends all running and later operations.
func (p *Provider) SignalCancellation(context.Context) error {
	p.cancel()
	return nil
}

// Check validates the inputs, fills in defaults and marks what must be secret.
func (p *Provider) Check(_ context.Context, request plugin.CheckRequest) (plugin.CheckResponse, error) {
	kind, err := p.resource(request.Type)
	if err != nil {
		return plugin.CheckResponse{}, err
	}
	inputs, failures := checkFields(kind.Fields(), request.News)
	if len(failures) == 0 {
		failures = kind.Check(Plain(inputs))
	}
	return plugin.CheckResponse{Properties: inputs, Failures: failures}, nil
}

// Diff compares the old inputs with the new ones.
func (p *Provider) Diff(_ context.Context, request plugin.DiffRequest) (plugin.DiffResponse, error) {
	kind, err := p.resource(request.Type)
	if err != nil {
		return plugin.DiffResponse{}, err
	}
	return kind.Diff(request), nil
}

// Create runs the resource type's Create, or its Preview.
func (p *Provider) Create(ctx context.Context, request plugin.CreateRequest) (plugin.CreateResponse, error) {
	kind, err := p.resource(request.Type)
	if err != nil {
		return plugin.CreateResponse{}, err
	}
	if request.Preview {
		return plugin.CreateResponse{Properties: kind.Preview(nil, request.Properties)}, nil
	}
	ctx, done, err := p.operation(ctx, request.Timeout)
	if err != nil {
		return plugin.CreateResponse{}, rpcError(err)
	}
	defer done()
	id, outputs, err := kind.Create(ctx, p.about(request.URN, request.Name), request.Properties)
	if err != nil {
		return plugin.CreateResponse{}, rpcError(err)
	}
	return plugin.CreateResponse{ID: resource.ID(id), Properties: outputs}, nil
}

// Update runs the resource type's Update, or its Preview.
func (p *Provider) Update(ctx context.Context, request plugin.UpdateRequest) (plugin.UpdateResponse, error) {
	kind, err := p.resource(request.Type)
	if err != nil {
		return plugin.UpdateResponse{}, err
	}
	old := Old{Inputs: request.OldInputs, Outputs: request.OldOutputs}
	if request.Preview {
		return plugin.UpdateResponse{Properties: kind.Preview(&old, request.NewInputs)}, nil
	}
	ctx, done, err := p.operation(ctx, request.Timeout)
	if err != nil {
		return plugin.UpdateResponse{}, rpcError(err)
	}
	defer done()
	outputs, err := kind.Update(ctx, p.about(request.URN, request.Name), old, request.NewInputs)
	if err != nil {
		return plugin.UpdateResponse{}, rpcError(err)
	}
	return plugin.UpdateResponse{Properties: outputs}, nil
}

// Delete runs the resource type's Delete.
func (p *Provider) Delete(ctx context.Context, request plugin.DeleteRequest) (plugin.DeleteResponse, error) {
	kind, err := p.resource(request.Type)
	if err != nil {
		return plugin.DeleteResponse{}, err
	}
	ctx, done, err := p.operation(ctx, request.Timeout)
	if err != nil {
		return plugin.DeleteResponse{}, rpcError(err)
	}
	defer done()
	old := Old{Inputs: request.Inputs, Outputs: request.Outputs}
	if err := kind.Delete(ctx, p.about(request.URN, request.Name), old); err != nil {
		return plugin.DeleteResponse{}, rpcError(err)
	}
	return plugin.DeleteResponse{}, nil
}

// Read returns what it is given: nothing outside the state can be asked.
func (p *Provider) Read(_ context.Context, request plugin.ReadRequest) (plugin.ReadResponse, error) {
	if _, err := p.resource(request.Type); err != nil {
		return plugin.ReadResponse{}, err
	}
	return plugin.ReadResponse{ReadResult: plugin.ReadResult{
		ID: request.ID, Inputs: request.Inputs, Outputs: request.State,
	}}, nil
}

// Invoke answers a function.
func (p *Provider) Invoke(ctx context.Context, request plugin.InvokeRequest) (plugin.InvokeResponse, error) {
	function, ok := p.functions[request.Tok]
	if !ok {
		return plugin.InvokeResponse{}, p.unknown("function", string(request.Tok))
	}
	ctx, done, err := p.operation(ctx, 0)
	if err != nil {
		return plugin.InvokeResponse{}, rpcError(err)
	}
	defer done()
	result, failures, err := function(ctx, request.Args)
	if err != nil {
		return plugin.InvokeResponse{}, rpcError(err)
	}
	return plugin.InvokeResponse{Properties: result, Failures: failures}, nil
}

func (p *Provider) resource(token tokens.Type) (Resource, error) {
	if kind, ok := p.resources[token]; ok {
		return kind, nil
	}
	return nil, p.unknown("resource type", string(token))
}

func (p *Provider) unknown(what, token string) error {
	return status.Errorf(codes.NotFound,
		"the stand-in for the %s plugin has no %s %q; use the official plugin", p.name, what, token)
}

func (p *Provider) about(urn resource.URN, name string) Operation {
	return Operation{URN: urn, Name: name, Engine: p.engine}
}

// operation returns a context that ends with the request, the plugin's cancellation, and the
// request's own timeout if it has one. Once the plugin is cancelled, it is an error.
func (p *Provider) operation(
	ctx context.Context, timeoutSeconds float64,
) (context.Context, context.CancelFunc, error) {
	if err := p.stopped.Err(); err != nil {
		return nil, nil, err
	}
	ctx, cancel := context.WithCancel(ctx)
	detach := context.AfterFunc(p.stopped, cancel)
	done := func() { detach(); cancel() }
	if timeoutSeconds <= 0 {
		return ctx, done, nil
	}
	ctx, cancelTimeout := context.WithTimeout(ctx, time.Duration(timeoutSeconds)*time.Second)
	return ctx, func() { cancelTimeout(); done() }, nil
}

// rpcError gives an error the gRPC status that the official plugins' errors have: of a context that has
// ended, or "unknown"; and a text that the wire can carry.
func rpcError(err error) error {
	if _, ok := status.FromError(err); ok {
		return err
	}
	return status.Error(status.FromContextError(err).Code(), ValidText(err.Error()))
}
