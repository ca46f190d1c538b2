package operations

import (
	"context"

	"github.com/pulumi/pulumi/pkg/v3/absent"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource/config"
)

var errAbsent = absent.Error("the logs of clouds")

// AWSOperationsProvider fails.
func AWSOperationsProvider(context.Context, map[config.Key]string, *Resource) (Provider, error) {
	return nil, errAbsent
}

// GCPOperationsProvider fails.
func GCPOperationsProvider(context.Context, map[config.Key]string, *Resource) (Provider, error) {
	return nil, errAbsent
}
