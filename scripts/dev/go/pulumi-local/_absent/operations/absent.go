package operations

import (
	"context"
	"errors"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource/config"
)

var errAbsent = errors.New("this pulumi was built for local stacks, without the logs of clouds " +
	"(npm run setup -- --scope tools builds the whole one)")

// AWSOperationsProvider fails.
func AWSOperationsProvider(context.Context, map[config.Key]string, *Resource) (Provider, error) {
	return nil, errAbsent
}

// GCPOperationsProvider fails.
func GCPOperationsProvider(context.Context, map[config.Key]string, *Resource) (Provider, error) {
	return nil, errAbsent
}
