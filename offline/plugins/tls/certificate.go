package main

import (
	"context"
	"crypto"
	"crypto/rand"
	"crypto/sha1"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"time"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource/plugin"

	"kafkalab/providers/internal/standin"
)

// certificateFields are the inputs that both kinds of certificate share.
var certificateFields = []standin.Field{
	{Name: "validityPeriodHours", Type: standin.Integer, Required: true},
	{Name: "allowedUses", Type: standin.StringList, Required: true},
	{Name: "isCaCertificate", Type: standin.Bool},
	{Name: "setSubjectKeyId", Type: standin.Bool},
	{Name: "earlyRenewalHours", Type: standin.Integer},
	{Name: "maxPathLength", Type: standin.Integer},
}

// issuance is what a kind of certificate puts into it and signs it with.
type issuance struct {
	subject   identity
	publicKey crypto.PublicKey
	// parent is the signing certificate, nil for a self-signed one.
	parent *x509.Certificate
	signer crypto.Signer
}

// certificateKind is a self-signed certificate, or one that a local CA signs.
type certificateKind struct {
	fields   []standin.Field
	defaults resource.PropertyMap
	check    func(inputs resource.PropertyMap) []plugin.CheckFailure
	// algorithmOutput names the output for the signing key's algorithm.
	algorithmOutput resource.PropertyKey
	prepare         func(inputs resource.PropertyMap) (issuance, error)
}

// certificate is an X.509 certificate that exists only in the state.
type certificate struct{ certificateKind }

func (c certificate) Fields() []standin.Field { return c.fields }

func (c certificate) Check(inputs resource.PropertyMap) []plugin.CheckFailure {
	var failures []plugin.CheckFailure
	failures = append(failures, atLeast(inputs, "validityPeriodHours", 0)...)
	failures = append(failures, atLeast(inputs, "earlyRenewalHours", 0)...)
	failures = append(failures, atLeast(inputs, "maxPathLength", -1)...)
	failures = append(failures, eachText(inputs, "allowedUses", checkUse)...)
	return append(failures, c.check(inputs)...)
}

// Diff asks for a replacement when an input changes, but for earlyRenewalHours, and when the time of
// renewal has come.
func (c certificate) Diff(request plugin.DiffRequest) plugin.DiffResult {
	diff := compare(request, c.defaults, func(input string) bool { return input != "earlyRenewalHours" })
	if renewalDue(standin.Plain(request.OldOutputs), standin.Plain(request.NewInputs)) {
		if diff.DetailedDiff == nil {
			diff.DetailedDiff = map[string]plugin.PropertyDiff{}
		}
		diff.DetailedDiff["readyForRenewal"] = plugin.PropertyDiff{Kind: plugin.DiffUpdateReplace}
	}
	return standin.Result(diff.DetailedDiff)
}

func renewalDue(outputs, inputs resource.PropertyMap) bool {
	end, err := time.Parse(time.RFC3339, standin.Text(outputs, "validityEndTime"))
	if err != nil {
		return false
	}
	return !time.Now().Before(end.Add(-hours(standin.Number(inputs, "earlyRenewalHours", 0))))
}

func (c certificate) Preview(old *standin.Old, inputs resource.PropertyMap) resource.PropertyMap {
	if old != nil {
		return standin.Merge(old.Outputs, c.defaults, inputs)
	}
	return standin.Merge(c.defaults, inputs,
		unknowns("certPem", c.algorithmOutput, "validityStartTime", "validityEndTime", "readyForRenewal"))
}

func (c certificate) Create(
	_ context.Context, _ standin.Operation, inputs resource.PropertyMap,
) (string, resource.PropertyMap, error) {
	plain := standin.Plain(inputs)
	what, err := c.prepare(plain)
	if err != nil {
		return "", nil, err
	}
	template, err := newTemplate(plain, what)
	if err != nil {
		return "", nil, err
	}
	parent := what.parent
	if parent == nil {
		parent = template
	}
	der, err := x509.CreateCertificate(rand.Reader, template, parent, what.publicKey, what.signer)
	if err != nil {
		return "", nil, err
	}
	outputs := resource.PropertyMap{
		"certPem":           resource.NewProperty(encodePEM("CERTIFICATE", der)),
		c.algorithmOutput:   resource.NewProperty(algorithmOf(what.signer)),
		"validityStartTime": resource.NewProperty(template.NotBefore.Format(time.RFC3339)),
		"validityEndTime":   resource.NewProperty(template.NotAfter.Format(time.RFC3339)),
	}
	outputs["readyForRenewal"] = resource.NewProperty(renewalDue(outputs, plain))
	return template.SerialNumber.String(), standin.Merge(c.defaults, inputs, outputs), nil
}

// Update keeps the certificate: only earlyRenewalHours can have changed.
func (c certificate) Update(
	_ context.Context, _ standin.Operation, old standin.Old, inputs resource.PropertyMap,
) (resource.PropertyMap, error) {
	outputs := standin.Merge(old.Outputs, c.defaults, inputs)
	outputs["readyForRenewal"] = resource.NewProperty(renewalDue(standin.Plain(old.Outputs), standin.Plain(inputs)))
	return outputs, nil
}

// Delete has nothing to do.
func (certificate) Delete(context.Context, standin.Operation, standin.Old) error { return nil }

func newTemplate(inputs resource.PropertyMap, what issuance) (*x509.Certificate, error) {
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 128))
	if err != nil {
		return nil, err
	}
	isCA := standin.Flag(inputs, "isCaCertificate", false)
	if isCA && !what.subject.hasSubject() {
		return nil, errors.New("a CA certificate must have a subject; got none. Set subject, at least its commonName")
	}
	start := time.Now().UTC().Truncate(time.Second)
	template := &x509.Certificate{
		SerialNumber:          serial,
		RawSubject:            what.subject.rawSubject,
		DNSNames:              what.subject.dnsNames,
		IPAddresses:           what.subject.ips,
		URIs:                  what.subject.uris,
		NotBefore:             start,
		NotAfter:              start.Add(hours(standin.Number(inputs, "validityPeriodHours", 0))),
		BasicConstraintsValid: true,
		IsCA:                  isCA,
	}
	if isCA {
		template.MaxPathLen = int(standin.Number(inputs, "maxPathLength", -1))
		template.MaxPathLenZero = template.MaxPathLen == 0
	}
	for _, use := range standin.Texts(inputs, "allowedUses") {
		template.KeyUsage |= keyUsages[use]
		if extended, ok := extendedKeyUsages[use]; ok {
			template.ExtKeyUsage = append(template.ExtKeyUsage, extended)
		}
	}
	if isCA || standin.Flag(inputs, "setSubjectKeyId", false) {
		if template.SubjectKeyId, err = subjectKeyID(what.publicKey); err != nil {
			return nil, err
		}
	}
	if standin.Flag(inputs, "setAuthorityKeyId", false) {
		if len(template.SubjectKeyId) == 0 {
			return nil, errors.New("Could not determine Authority Key Identifier") //nolint:staticcheck // official text
		}
		template.AuthorityKeyId = template.SubjectKeyId
	}
	return template, nil
}

// subjectKeyID is the SHA-1 of the public key's bits, RFC 5280's first method.
func subjectKeyID(key crypto.PublicKey) ([]byte, error) {
	der, err := x509.MarshalPKIXPublicKey(key)
	if err != nil {
		return nil, err
	}
	var info struct {
		Algorithm pkix.AlgorithmIdentifier
		PublicKey asn1.BitString
	}
	if _, err := asn1.Unmarshal(der, &info); err != nil {
		return nil, err
	}
	sum := sha1.Sum(info.PublicKey.Bytes)
	return sum[:], nil
}

func hours(count float64) time.Duration { return time.Duration(count) * time.Hour }

// decodePEM returns the DER bytes of the first PEM block, which must be of this type.
func decodePEM(text, blockType, what string) ([]byte, error) {
	block, _ := pem.Decode([]byte(text))
	if block == nil {
		return nil, fmt.Errorf("Failed to parse %s PEM: no PEM block found", what) //nolint:staticcheck
	}
	if block.Type != blockType {
		return nil, fmt.Errorf("Failed to parse %s PEM: must be a %s; got a %s", what, blockType, block.Type) //nolint:staticcheck
	}
	return block.Bytes, nil
}
