// Command is the stand-in for the official Pulumi plugin "command" 1.2.1: commands over SSH and on
// this machine, and files over SFTP.
//
//	go build -trimpath -ldflags "-s -w" -o <directory>/ ./command ./tls
//
// builds <directory>/command and <directory>/tls, which the engine finds once they are installed as
// <plugins>/resource-command-v1.2.1/pulumi-resource-command and
// <plugins>/resource-tls-v5.5.1/pulumi-resource-tls.
package main

import (
	"os"

	"github.com/pulumi/pulumi/sdk/v3/go/common/tokens"

	"kafkalab/providers/internal/standin"
)

const version = "1.2.1"

func main() { os.Exit(standin.Main(newProvider)) }

func newProvider(engine *standin.Engine) *standin.Provider {
	return standin.NewProvider("command", version, engine,
		map[tokens.Type]standin.Resource{
			"command:remote:Command":      commandResource{remoteKind},
			"command:remote:CopyToRemote": copyToRemote{},
			"command:remote:CopyFile":     copyFile{},
			"command:local:Command":       commandResource{localKind},
		},
		map[tokens.ModuleMember]standin.Function{
			"command:local:run": runFunction(engine),
		})
}
