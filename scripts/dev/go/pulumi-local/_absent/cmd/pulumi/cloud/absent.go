package cloud

import (
	"errors"

	"github.com/spf13/cobra"
)

// ParamSpec is of no use without the command.
type ParamSpec struct{}

// NewAPICmd makes a command that says that it is not there.
func NewAPICmd() *cobra.Command {
	return &cobra.Command{
		Use:                "api",
		Short:              "Not in this build, which is for local stacks",
		DisableFlagParsing: true,
		RunE: func(*cobra.Command, []string) error {
			return errors.New("this pulumi was built for local stacks, without pulumi api " +
				"(npm run setup -- --scope tools builds the whole one)")
		},
	}
}
