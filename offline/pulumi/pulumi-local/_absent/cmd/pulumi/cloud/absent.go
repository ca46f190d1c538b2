package cloud

import (
	"github.com/spf13/cobra"

	"github.com/pulumi/pulumi/pkg/v3/absent"
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
			return absent.Error("pulumi api")
		},
	}
}
