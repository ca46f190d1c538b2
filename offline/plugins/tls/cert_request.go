package main

import (
	"context"
	"crypto/rand"
	"crypto/x509"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource/plugin"

	"kafkalab/providers/internal/standin"
)

// certRequest is a PKCS#10 certificate signing request.
type certRequest struct{ unchanging }

func (certRequest) Fields() []standin.Field { return identityFields }

func (certRequest) Check(inputs resource.PropertyMap) []plugin.CheckFailure {
	return checkIdentity(inputs)
}

func (certRequest) Diff(request plugin.DiffRequest) plugin.DiffResult {
	return compare(request, nil, replaceAlways)
}

func (certRequest) Preview(_ *standin.Old, inputs resource.PropertyMap) resource.PropertyMap {
	return standin.Merge(inputs, unknowns("certRequestPem", "keyAlgorithm"))
}

func (certRequest) Create(
	_ context.Context, _ standin.Operation, inputs resource.PropertyMap,
) (string, resource.PropertyMap, error) {
	plain := standin.Plain(inputs)
	key, err := parseKeyPEM(standin.Text(plain, "privateKeyPem"))
	if err != nil {
		return "", nil, err
	}
	who, err := parseIdentity(plain)
	if err != nil {
		return "", nil, err
	}
	der, err := x509.CreateCertificateRequest(rand.Reader, &x509.CertificateRequest{
		RawSubject: who.rawSubject, DNSNames: who.dnsNames, IPAddresses: who.ips, URIs: who.uris,
	}, key)
	if err != nil {
		return "", nil, err
	}
	return hashID(der), standin.Merge(inputs, resource.PropertyMap{
		"certRequestPem": resource.NewProperty(encodePEM("CERTIFICATE REQUEST", der)),
		"keyAlgorithm":   resource.NewProperty(algorithmOf(key)),
	}), nil
}
