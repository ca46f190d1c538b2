package main

import (
	"crypto/x509"
	"fmt"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource/plugin"

	"kafkalab/providers/internal/standin"
)

var sharedDefaults = resource.PropertyMap{
	"isCaCertificate":   resource.NewProperty(false),
	"setSubjectKeyId":   resource.NewProperty(false),
	"earlyRenewalHours": resource.NewProperty(0.0),
}

// selfSignedKind is a certificate that its own key signs.
var selfSignedKind = certificateKind{
	fields: concat(identityFields, certificateFields, []standin.Field{
		{Name: "setAuthorityKeyId", Type: standin.Bool},
	}),
	defaults: standin.Merge(sharedDefaults, resource.PropertyMap{
		"setAuthorityKeyId": resource.NewProperty(false),
	}),
	check:           checkIdentity,
	algorithmOutput: "keyAlgorithm",
	prepare: func(inputs resource.PropertyMap) (issuance, error) {
		key, err := parseKeyPEM(standin.Text(inputs, "privateKeyPem"))
		if err != nil {
			return issuance{}, err
		}
		who, err := parseIdentity(inputs)
		if err != nil {
			return issuance{}, err
		}
		return issuance{subject: who, publicKey: key.Public(), signer: key}, nil
	},
}

// locallySignedKind is a certificate for a request, which a CA signs whose key is at hand.
var locallySignedKind = certificateKind{
	fields: concat([]standin.Field{
		{Name: "caCertPem", Type: standin.String, Required: true},
		{Name: "caPrivateKeyPem", Type: standin.String, Required: true, Secret: true},
		{Name: "certRequestPem", Type: standin.String, Required: true},
	}, certificateFields),
	defaults:        sharedDefaults,
	check:           func(resource.PropertyMap) []plugin.CheckFailure { return nil },
	algorithmOutput: "caKeyAlgorithm",
	prepare: func(inputs resource.PropertyMap) (issuance, error) {
		requestDER, err := decodePEM(standin.Text(inputs, "certRequestPem"), "CERTIFICATE REQUEST", "certificate request")
		if err != nil {
			return issuance{}, err
		}
		request, err := x509.ParseCertificateRequest(requestDER)
		if err != nil {
			return issuance{}, fmt.Errorf("Failed to parse certificate request: %w", err) //nolint:staticcheck
		}
		if err := request.CheckSignature(); err != nil {
			return issuance{}, fmt.Errorf("certificate request: %w", err)
		}
		key, err := parseKeyPEM(standin.Text(inputs, "caPrivateKeyPem"))
		if err != nil {
			return issuance{}, err
		}
		caDER, err := decodePEM(standin.Text(inputs, "caCertPem"), "CERTIFICATE", "CA certificate")
		if err != nil {
			return issuance{}, err
		}
		ca, err := x509.ParseCertificate(caDER)
		if err != nil {
			return issuance{}, fmt.Errorf("Failed to parse CA certificate: %w", err) //nolint:staticcheck
		}
		return issuance{
			subject: requestIdentity(request), publicKey: request.PublicKey, parent: ca, signer: key,
		}, nil
	},
}

func concat(lists ...[]standin.Field) []standin.Field {
	var result []standin.Field
	for _, list := range lists {
		result = append(result, list...)
	}
	return result
}

var keyUsages = map[string]x509.KeyUsage{
	"digital_signature":  x509.KeyUsageDigitalSignature,
	"content_commitment": x509.KeyUsageContentCommitment,
	"key_encipherment":   x509.KeyUsageKeyEncipherment,
	"data_encipherment":  x509.KeyUsageDataEncipherment,
	"key_agreement":      x509.KeyUsageKeyAgreement,
	"cert_signing":       x509.KeyUsageCertSign,
	"crl_signing":        x509.KeyUsageCRLSign,
	"encipher_only":      x509.KeyUsageEncipherOnly,
	"decipher_only":      x509.KeyUsageDecipherOnly,
}

var extendedKeyUsages = map[string]x509.ExtKeyUsage{
	"any_extended":                      x509.ExtKeyUsageAny,
	"server_auth":                       x509.ExtKeyUsageServerAuth,
	"client_auth":                       x509.ExtKeyUsageClientAuth,
	"code_signing":                      x509.ExtKeyUsageCodeSigning,
	"email_protection":                  x509.ExtKeyUsageEmailProtection,
	"ipsec_end_system":                  x509.ExtKeyUsageIPSECEndSystem,
	"ipsec_tunnel":                      x509.ExtKeyUsageIPSECTunnel,
	"ipsec_user":                        x509.ExtKeyUsageIPSECUser,
	"timestamping":                      x509.ExtKeyUsageTimeStamping,
	"ocsp_signing":                      x509.ExtKeyUsageOCSPSigning,
	"microsoft_server_gated_crypto":     x509.ExtKeyUsageMicrosoftServerGatedCrypto,
	"netscape_server_gated_crypto":      x509.ExtKeyUsageNetscapeServerGatedCrypto,
	"microsoft_commercial_code_signing": x509.ExtKeyUsageMicrosoftCommercialCodeSigning,
	"microsoft_kernel_code_signing":     x509.ExtKeyUsageMicrosoftKernelCodeSigning,
}

func checkUse(use string) error {
	_, isKeyUsage := keyUsages[use]
	_, isExtended := extendedKeyUsages[use]
	if isKeyUsage || isExtended {
		return nil
	}
	return fmt.Errorf("must be a key usage, such as digital_signature or server_auth; got %q", use)
}
