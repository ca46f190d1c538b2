//go:build tools

// Package tools pins Pulumi's Node.js language host, so that it can be built where its releases
// cannot be had. v3.66.0 is the last version that is part of a Go module on its own; it works with
// later engines and SDKs.
package tools

import _ "github.com/pulumi/pulumi/sdk/v3/nodejs/cmd/pulumi-language-nodejs"
