// Tls is the stand-in for the official Pulumi plugin "tls" 5.5.1: private keys, certificate requests
// and certificates. The documentation of ../command says how both are built and installed.
package main

import (
	"os"

	"github.com/pulumi/pulumi/sdk/v3/go/common/tokens"

	"kafkalab/providers/internal/standin"
)

const version = "5.5.1"

func main() { os.Exit(standin.Main(newProvider)) }

func newProvider(engine *standin.Engine) *standin.Provider {
	return standin.NewProvider("tls", version, engine,
		map[tokens.Type]standin.Resource{
			"tls:index/privateKey:PrivateKey":               privateKey{},
			"tls:index/certRequest:CertRequest":             certRequest{},
			"tls:index/selfSignedCert:SelfSignedCert":       certificate{selfSignedKind},
			"tls:index/locallySignedCert:LocallySignedCert": certificate{locallySignedKind},
		},
		map[tokens.ModuleMember]standin.Function{
			"tls:index/getPublicKey:getPublicKey": getPublicKey,
		})
}
