// Package absent says what is not in this build of the Pulumi CLI.
package absent

import "fmt"

// Error is what somebody gets who asks for it.
func Error(what string) error {
	return fmt.Errorf("this pulumi was built for local stacks, without %s "+
		"(npm run setup -- --scope tools builds the whole one)", what)
}
