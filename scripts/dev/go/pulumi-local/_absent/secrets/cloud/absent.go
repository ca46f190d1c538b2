package cloud

import (
	"context"
	"fmt"
	"net/url"

	gosecrets "gocloud.dev/secrets"
)

// absentKeeper refuses the keepers of secrets that are not in this build.
type absentKeeper struct{}

func (absentKeeper) OpenKeeperURL(_ context.Context, u *url.URL) (*gosecrets.Keeper, error) {
	return nil, fmt.Errorf("this pulumi was built for local stacks, without %s:// "+
		"(npm run setup -- --scope tools builds the whole one)", u.Scheme)
}

// Registering a scheme twice panics, so a driver that is still there is noticed at once.
func init() {
	for _, scheme := range []string{"awskms", "azurekeyvault", "gcpkms", "hashivault"} {
		gosecrets.DefaultURLMux().RegisterKeeper(scheme, absentKeeper{})
	}
}
