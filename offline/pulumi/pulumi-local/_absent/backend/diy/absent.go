package diy

import (
	"context"
	"net/url"

	"gocloud.dev/blob"

	"github.com/pulumi/pulumi/pkg/v3/absent"
)

// absentS3Copy is what no bucket is asked to copy.
type absentS3Copy struct{ CopySource *string }

// absentBucket refuses the places for states that are not in this build.
type absentBucket struct{}

func (absentBucket) OpenBucketURL(_ context.Context, u *url.URL) (*blob.Bucket, error) {
	return nil, absent.Error(u.Scheme + "://")
}

// Registering a scheme twice panics, so a driver that is still there is noticed at once.
func init() {
	for _, scheme := range []string{"azblob", "gs", "postgres", "s3"} {
		blob.DefaultURLMux().RegisterBucket(scheme, absentBucket{})
	}
}
