package cloud

import (
	"context"
	"net/url"

	gosecrets "gocloud.dev/secrets"

	"github.com/pulumi/pulumi/pkg/v3/absent"
)

// absentKeeper refuses the keepers of secrets that are not in this build.
type absentKeeper struct{}

func (absentKeeper) OpenKeeperURL(_ context.Context, u *url.URL) (*gosecrets.Keeper, error) {
	return nil, absent.Error(u.Scheme + "://")
}

// Registering a scheme twice panics, so a driver that is still there is noticed at once.
func init() {
	for _, scheme := range []string{"awskms", "azurekeyvault", "gcpkms", "hashivault"} {
		gosecrets.DefaultURLMux().RegisterKeeper(scheme, absentKeeper{})
	}
}
