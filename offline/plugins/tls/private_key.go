package main

import (
	"context"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource/plugin"

	"kafkalab/providers/internal/standin"
)

// privateKey is a key pair that exists only in the state.
type privateKey struct{ unchanging }

var privateKeyDefaults = resource.PropertyMap{
	"rsaBits":    resource.NewProperty(2048.0),
	"ecdsaCurve": resource.NewProperty("P224"),
}

func (privateKey) Fields() []standin.Field {
	return []standin.Field{
		{Name: "algorithm", Type: standin.String, Required: true},
		{Name: "rsaBits", Type: standin.Integer},
		{Name: "ecdsaCurve", Type: standin.String},
	}
}

func (privateKey) Check(inputs resource.PropertyMap) []plugin.CheckFailure {
	return append(
		oneOf(inputs, "algorithm", "RSA", "ECDSA", "ED25519"),
		oneOf(inputs, "ecdsaCurve", "P224", "P256", "P384", "P521")...)
}

func (privateKey) Diff(request plugin.DiffRequest) plugin.DiffResult {
	return compare(request, privateKeyDefaults, replaceAlways)
}

func (privateKey) Preview(_ *standin.Old, inputs resource.PropertyMap) resource.PropertyMap {
	return standin.Merge(privateKeyDefaults, inputs, unknownSecrets(
		"privateKeyPem", "privateKeyPemPkcs8", "privateKeyOpenssh",
	), unknowns(
		"publicKeyPem", "publicKeyOpenssh", "publicKeyFingerprintMd5", "publicKeyFingerprintSha256",
	))
}

func (privateKey) Create(
	_ context.Context, _ standin.Operation, inputs resource.PropertyMap,
) (string, resource.PropertyMap, error) {
	settings := standin.Merge(privateKeyDefaults, standin.Plain(inputs))
	key, err := generateKey(standin.Text(settings, "algorithm"),
		int(standin.Number(settings, "rsaBits", 0)), standin.Text(settings, "ecdsaCurve"))
	if err != nil {
		return "", nil, err
	}
	private, err := privateOutputs(key)
	if err != nil {
		return "", nil, err
	}
	id, public, err := publicOutputs(key)
	if err != nil {
		return "", nil, err
	}
	return id, standin.Merge(privateKeyDefaults, inputs, private, public), nil
}
