//go:build tools

// Package tools pins the Pulumi CLI that is built for local stacks: the same sources as in ../pulumi,
// without what they need for clouds. ./pkg is made from them when it is built; see steps/pulumi.sh.
package tools

import _ "github.com/pulumi/pulumi/pkg/v3/cmd/pulumi"
