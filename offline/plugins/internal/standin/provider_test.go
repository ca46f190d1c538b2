package standin

import (
	"context"
	"errors"
	"os"
	"testing"
	"time"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource/plugin"
	"github.com/pulumi/pulumi/sdk/v3/go/common/tokens"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

const (
	testType = tokens.Type("test:index:Thing")
	testURN  = resource.URN("urn:pulumi:local::kafkalab::test:index:Thing::thing")
)

// thing is a resource type whose operations all do the same.
type thing struct {
	run func(context.Context) error
}

func (thing) Fields() []Field { return []Field{{Name: "name", Type: String, Required: true}} }

func (thing) Check(inputs resource.PropertyMap) []plugin.CheckFailure {
	if Text(inputs, "name") == "bad" {
		return []plugin.CheckFailure{{Property: "name", Reason: "is bad"}}
	}
	return nil
}

func (thing) Diff(request plugin.DiffRequest) plugin.DiffResult {
	return Compare(request.OldInputs, request.NewInputs, func(string) bool { return false })
}

func (thing) Preview(_ *Old, inputs resource.PropertyMap) resource.PropertyMap { return inputs }

func (r thing) Create(
	ctx context.Context, _ Operation, inputs resource.PropertyMap,
) (string, resource.PropertyMap, error) {
	return "id", inputs, r.run(ctx)
}

func (r thing) Update(
	ctx context.Context, _ Operation, _ Old, inputs resource.PropertyMap,
) (resource.PropertyMap, error) {
	return inputs, r.run(ctx)
}

func (r thing) Delete(ctx context.Context, _ Operation, _ Old) error { return r.run(ctx) }

func newTestProvider(run func(context.Context) error) *Provider {
	return NewProvider("test", "1.2.3", nil,
		map[tokens.Type]Resource{testType: thing{run}},
		map[tokens.ModuleMember]Function{
			"test:index:call": func(ctx context.Context, args resource.PropertyMap) (
				resource.PropertyMap, []plugin.CheckFailure, error,
			) {
				return args, nil, run(ctx)
			},
		})
}

// operations calls each operation with a time limit, where it has one.
var operations = map[string]func(p *Provider, timeout float64) error{
	"create": func(p *Provider, timeout float64) error {
		_, err := p.Create(context.Background(), plugin.CreateRequest{Type: testType, URN: testURN, Timeout: timeout})
		return err
	},
	"update": func(p *Provider, timeout float64) error {
		_, err := p.Update(context.Background(), plugin.UpdateRequest{Type: testType, URN: testURN, Timeout: timeout})
		return err
	},
	"delete": func(p *Provider, timeout float64) error {
		_, err := p.Delete(context.Background(), plugin.DeleteRequest{Type: testType, URN: testURN, Timeout: timeout})
		return err
	},
	"invoke": func(p *Provider, _ float64) error {
		_, err := p.Invoke(context.Background(), plugin.InvokeRequest{Tok: "test:index:call"})
		return err
	},
}

func assertStatus(t *testing.T, err error, code codes.Code, message string) {
	t.Helper()
	equal(t, "the status", status.Code(err), code)
	equal(t, "the message", status.Convert(err).Message(), message)
}

func TestOperationErrors(t *testing.T) {
	for name, operation := range operations {
		for _, test := range []struct {
			err     error
			code    codes.Code
			message string
		}{
			{errors.New("it failed"), codes.Unknown, "it failed"},
			{errors.New("it\xff"), codes.Unknown, "it\uFFFD"},
			{context.Canceled, codes.Canceled, "context canceled"},
			{os.ErrDeadlineExceeded, codes.Unknown, "i/o timeout"},
			{context.DeadlineExceeded, codes.DeadlineExceeded, "context deadline exceeded"},
			{status.Error(codes.NotFound, "no"), codes.NotFound, "no"},
		} {
			t.Run(name+"/"+test.message, func(t *testing.T) {
				assertStatus(t, operation(newTestProvider(func(context.Context) error { return test.err }), 0), test.code, test.message)
			})
		}
		t.Run(name+"/none", func(t *testing.T) {
			if err := operation(newTestProvider(func(context.Context) error { return nil }), 0); err != nil {
				t.Error(err)
			}
		})
	}
}

// No operation begins after a cancellation, not even at once.
func TestCancelledProviderRunsNothing(t *testing.T) {
	for name, operation := range operations {
		t.Run(name, func(t *testing.T) {
			for range 200 {
				p := newTestProvider(func(context.Context) error {
					t.Error("it ran")
					return nil
				})
				if err := p.SignalCancellation(context.Background()); err != nil {
					t.Fatal(err)
				}
				assertStatus(t, operation(p, 0), codes.Canceled, "context canceled")
			}
		})
	}
}

func TestCancelEndsWhatRuns(t *testing.T) {
	for name, operation := range operations {
		t.Run(name, func(t *testing.T) {
			started := make(chan struct{})
			p := newTestProvider(func(ctx context.Context) error {
				close(started)
				<-ctx.Done()
				return ctx.Err()
			})
			failed := make(chan error)
			go func() { failed <- operation(p, 0) }()
			<-started
			if err := p.SignalCancellation(context.Background()); err != nil {
				t.Fatal(err)
			}
			assertStatus(t, <-failed, codes.Canceled, "context canceled")
		})
	}
}

func TestTimeout(t *testing.T) {
	for name, operation := range operations {
		if name == "invoke" {
			continue // it has no limit of its own
		}
		t.Run(name, func(t *testing.T) {
			p := newTestProvider(func(ctx context.Context) error {
				deadline, limited := ctx.Deadline()
				equal(t, "limited", limited, true)
				if left := time.Until(deadline); left > 5*time.Second || left < 4*time.Second {
					t.Errorf("%v are left; want 5 s", left)
				}
				return nil
			})
			// The official plugin cuts the fraction off.
			if err := operation(p, 5.9); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestPreviewRunsNothing(t *testing.T) {
	p := newTestProvider(func(context.Context) error {
		t.Error("it ran")
		return nil
	})
	inputs := properties("name", Unknown())
	created, err := p.Create(context.Background(), plugin.CreateRequest{Type: testType, Properties: inputs, Preview: true})
	if err != nil {
		t.Fatal(err)
	}
	equal(t, "the outputs", created.Properties, inputs)
	updated, err := p.Update(context.Background(), plugin.UpdateRequest{Type: testType, NewInputs: inputs, Preview: true})
	if err != nil {
		t.Fatal(err)
	}
	equal(t, "the outputs of an update", updated.Properties, inputs)
}

func TestCheckOfProvider(t *testing.T) {
	p := newTestProvider(nil)
	for want, inputs := range map[string]resource.PropertyMap{
		"":                              properties("name", "good"),
		"is bad":                        properties("name", secret("bad")),
		`missing required field "name"`: properties(),
	} {
		response, err := p.Check(context.Background(), plugin.CheckRequest{Type: testType, News: inputs})
		if err != nil {
			t.Fatal(err)
		}
		got := ""
		for _, failure := range response.Failures {
			got += failure.Reason
		}
		equal(t, "the faults", got, want)
	}
}

func TestTokensThatItHasNot(t *testing.T) {
	p, ctx := newTestProvider(nil), context.Background()
	const other = "test:index:Other"
	const missing = `the stand-in for the test plugin has no resource type "test:index:Other"; use the official plugin`
	_, check := p.Check(ctx, plugin.CheckRequest{Type: other})
	_, diff := p.Diff(ctx, plugin.DiffRequest{Type: other})
	_, create := p.Create(ctx, plugin.CreateRequest{Type: other})
	_, update := p.Update(ctx, plugin.UpdateRequest{Type: other})
	_, remove := p.Delete(ctx, plugin.DeleteRequest{Type: other})
	_, read := p.Read(ctx, plugin.ReadRequest{Type: other})
	for _, err := range []error{check, diff, create, update, remove, read} {
		assertStatus(t, err, codes.NotFound, missing)
	}
	_, invoke := p.Invoke(ctx, plugin.InvokeRequest{Tok: other})
	assertStatus(t, invoke, codes.NotFound,
		`the stand-in for the test plugin has no function "test:index:Other"; use the official plugin`)
}

func TestReadReturnsTheState(t *testing.T) {
	p := newTestProvider(nil)
	inputs, state := properties("name", secret("n")), properties("name", secret("n"), "__meta", "x")
	response, err := p.Read(context.Background(), plugin.ReadRequest{Type: testType, ID: "id", Inputs: inputs, State: state})
	if err != nil {
		t.Fatal(err)
	}
	equal(t, "the result", response.ReadResult, plugin.ReadResult{ID: "id", Inputs: inputs, Outputs: state})
}
