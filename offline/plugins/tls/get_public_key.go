package main

import (
	"context"
	"crypto"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource/plugin"

	"kafkalab/providers/internal/standin"
)

var getPublicKeyFields = []standin.Field{
	{Name: "privateKeyPem", Type: standin.String},
	{Name: "privateKeyOpenssh", Type: standin.String},
}

// getPublicKey returns the public half of a private key, which is given in exactly one form.
func getPublicKey(
	_ context.Context, args resource.PropertyMap,
) (resource.PropertyMap, []plugin.CheckFailure, error) {
	plain, failures := standin.CheckArguments(getPublicKeyFields, args)
	if len(failures) > 0 {
		return nil, failures, nil
	}
	_, hasPEM := plain["privateKeyPem"]
	_, hasOpenSSH := plain["privateKeyOpenssh"]
	if hasPEM == hasOpenSSH {
		return nil, []plugin.CheckFailure{{
			Property: "privateKeyPem", Reason: "exactly one of privateKeyPem and privateKeyOpenssh must be given",
		}}, nil
	}
	var key crypto.Signer
	var err error
	if hasPEM {
		key, err = parseKeyPEM(standin.Text(plain, "privateKeyPem"))
	} else {
		key, err = parseKeyOpenSSH(standin.Text(plain, "privateKeyOpenssh"))
	}
	if err != nil {
		return nil, nil, err
	}
	id, public, err := publicOutputs(key)
	if err != nil {
		return nil, nil, err
	}
	return standin.Merge(args, public, resource.PropertyMap{
		"id":        resource.NewProperty(id),
		"algorithm": resource.NewProperty(algorithmOf(key)),
	}), nil, nil
}
