package main

import (
	"strings"
	"testing"
	"time"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"

	"kafkalab/providers/internal/enginetest"
)

const (
	certRequestType       = "tls:index/certRequest:CertRequest"
	selfSignedCertType    = "tls:index/selfSignedCert:SelfSignedCert"
	locallySignedCertType = "tls:index/locallySignedCert:LocallySignedCert"
)

var fullSubject = map[string]any{
	"commonName": "broker", "organization": "Lab", "organizationalUnit": "Kafka", "country": "KR",
	"locality": "Seoul", "province": "Jung-gu", "postalCode": "04524", "serialNumber": "42",
	"streetAddresses": []any{"1 First", "2 Second"}, "emailAddress": "peter@foo.bar",
}

func newKey(t *testing.T, plugin *enginetest.Plugin, pairs ...any) string {
	t.Helper()
	return plugin.Create(privateKeyType, "key", inputs(pairs...)).Text(t, "privateKeyPem")
}

// with returns inputs with these pairs added; a nil value takes one away.
func with(base resource.PropertyMap, pairs ...any) resource.PropertyMap {
	result := base.Copy()
	for key, value := range inputs(pairs...) {
		if value.IsNull() {
			delete(result, key)
		} else {
			result[key] = value
		}
	}
	return result
}

// view returns openssl's text of a certificate in one line, each space once.
func view(t *testing.T, pem string) string {
	t.Helper()
	return strings.Join(strings.Fields(run(t, pem, "openssl", "x509", "-noout", "-text", "-nameopt", "RFC2253")), " ")
}

func extensionNames(t *testing.T, pem string) string {
	t.Helper()
	var names []string
	for _, line := range strings.Split(run(t, pem, "openssl", "x509", "-noout", "-text"), "\n") {
		if name, ok := strings.CutPrefix(line, "            X509v3 "); ok {
			names = append(names, strings.TrimSpace(name))
		}
	}
	return strings.Join(names, " ")
}

func TestCertRequest(t *testing.T) {
	plugin := enginetest.Start(t)
	for _, test := range []struct {
		name, signature, algorithm string
		key                        []any
	}{
		{"RSA", "sha256WithRSAEncryption", "RSA", []any{"algorithm", "RSA"}},
		{"P256", "ecdsa-with-SHA256", "ECDSA", []any{"algorithm", "ECDSA", "ecdsaCurve", "P256"}},
		{"P384", "ecdsa-with-SHA384", "ECDSA", []any{"algorithm", "ECDSA", "ecdsaCurve", "P384"}},
		{"P521", "ecdsa-with-SHA512", "ECDSA", []any{"algorithm", "ECDSA", "ecdsaCurve", "P521"}},
		{"ED25519", "ED25519", "ED25519", []any{"algorithm", "ED25519"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			state := plugin.Create(certRequestType, "test", inputs(
				"privateKeyPem", newKey(t, plugin, test.key...), "subject", fullSubject,
				"dnsNames", []any{"a.foo.bar", "*.foo.bar"}, "ipAddresses", []any{"10.0.0.1", "fd00::1"},
				"uris", []any{"spiffe://foo.bar/kafka"}))
			assertEqual(t, "keyAlgorithm", state.Text(t, "keyAlgorithm"), test.algorithm)
			assertEqual(t, "privateKeyPem is secret", state.Outputs["privateKeyPem"].IsSecret(), true)
			pem := state.Text(t, "certRequestPem")
			assertBlock(t, pem, "CERTIFICATE REQUEST")
			run(t, pem, "openssl", "req", "-noout", "-verify")
			text := strings.Join(strings.Fields(run(t, pem, "openssl", "req", "-noout", "-text", "-nameopt", "RFC2253")), " ")
			assertContains(t, "the request", text, "Signature Algorithm: "+test.signature)
			assertContains(t, "the request", text, "DNS:a.foo.bar, DNS:*.foo.bar, IP Address:10.0.0.1, "+
				"IP Address:FD00:0:0:0:0:0:0:1, URI:spiffe://foo.bar/kafka")
			for _, part := range []string{
				"CN=broker", "O=Lab", "OU=Kafka", "C=KR", "L=Seoul", "ST=Jung-gu", "postalCode=04524",
				"serialNumber=42", "street=1 First", "street=2 Second", "emailAddress=peter@foo.bar",
			} {
				assertContains(t, "the subject", text, part)
			}
			der := run(t, pem, "openssl", "req", "-outform", "DER")
			sum := run(t, strings.TrimRight(der, " \t\n\v\f\r"), "openssl", "dgst", "-sha1", "-r")
			assertEqual(t, "the id", state.ID, strings.Fields(sum)[0])
		})
	}
}

func TestCertRequestReplaces(t *testing.T) {
	plugin := enginetest.Start(t)
	args := inputs("privateKeyPem", newKey(t, plugin, "algorithm", "ED25519"), "subject", map[string]any{"commonName": "a"})
	state := plugin.Create(certRequestType, "test", args)
	assertEqual(t, "diffs of nothing", len(plugin.Diff(state, args).Diffs), 0)
	diff := plugin.Diff(state, with(args, "subject", map[string]any{"commonName": "b"}))
	assertEqual(t, "the replacements", strings.Join(diff.Replaces, ","), "subject")
	outputs := plugin.PreviewCreate(certRequestType, args)
	assertEqual(t, "certRequestPem is unknown", outputs["certRequestPem"].IsComputed(), true)
}

func TestSelfSignedCert(t *testing.T) {
	plugin := enginetest.Start(t)
	base := inputs("privateKeyPem", newKey(t, plugin, "algorithm", "ECDSA", "ecdsaCurve", "P256"),
		"subject", map[string]any{"commonName": "ca"}, "validityPeriodHours", 2.0, "allowedUses", []any{"cert_signing"})
	for _, test := range []struct {
		name       string
		inputs     resource.PropertyMap
		extensions string
		has        string
	}{
		{"leaf", base, "Key Usage: critical Basic Constraints: critical", "CA:FALSE"},
		{"CA", with(base, "isCaCertificate", true),
			"Key Usage: critical Basic Constraints: critical Subject Key Identifier:", "CA:TRUE X509v3 Subject"},
		{"CA with path length 0", with(base, "isCaCertificate", true, "maxPathLength", 0.0),
			"Key Usage: critical Basic Constraints: critical Subject Key Identifier:", "CA:TRUE, pathlen:0"},
		{"CA with path length 3", with(base, "isCaCertificate", true, "maxPathLength", 3.0),
			"Key Usage: critical Basic Constraints: critical Subject Key Identifier:", "CA:TRUE, pathlen:3"},
		{"CA without path length", with(base, "isCaCertificate", true, "maxPathLength", -1.0),
			"Key Usage: critical Basic Constraints: critical Subject Key Identifier:", "CA:TRUE X509v3 Subject"},
		{"key ids on request", with(base, "setSubjectKeyId", true, "setAuthorityKeyId", true),
			"Key Usage: critical Basic Constraints: critical Subject Key Identifier: Authority Key Identifier:", "CA:FALSE"},
		{"all uses", with(base, "allowedUses", []any{"digital_signature", "key_encipherment", "server_auth", "client_auth"}),
			"Key Usage: critical Extended Key Usage: Basic Constraints: critical",
			"Digital Signature, Key Encipherment X509v3 Extended Key Usage: TLS Web Server Authentication, TLS Web Client Authentication"},
		{"names", with(base, "dnsNames", []any{"foo.bar"}, "ipAddresses", []any{"10.0.0.1"}),
			"Key Usage: critical Basic Constraints: critical Subject Alternative Name:", "DNS:foo.bar, IP Address:10.0.0.1"},
		{"names without a subject", with(base, "dnsNames", []any{"foo.bar"}, "subject", nil),
			"Key Usage: critical Basic Constraints: critical Subject Alternative Name: critical", "DNS:foo.bar"},
	} {
		t.Run(test.name, func(t *testing.T) {
			state := plugin.Create(selfSignedCertType, "test", test.inputs)
			pem := state.Text(t, "certPem")
			assertBlock(t, pem, "CERTIFICATE")
			assertEqual(t, "the extensions", extensionNames(t, pem), test.extensions)
			assertContains(t, "the certificate", view(t, pem), test.has)
			assertContains(t, "the certificate", view(t, pem), "Version: 3 (0x2)")
			assertEqual(t, "keyAlgorithm", state.Text(t, "keyAlgorithm"), "ECDSA")
			assertEqual(t, "openssl's serial number is the id", decimal(t, pem), state.ID)
			assertValidity(t, state, pem, 2*time.Hour)
			for _, flag := range []resource.PropertyKey{"isCaCertificate", "setSubjectKeyId", "setAuthorityKeyId"} {
				assertEqual(t, string(flag)+" is in the outputs", state.Outputs[flag].IsBool(), true)
			}
			assertEqual(t, "readyForRenewal", state.Outputs["readyForRenewal"].BoolValue(), false)
			if test.name != "names without a subject" {
				run(t, "", "openssl", "verify", "-check_ss_sig", "-CAfile", file(t, pem), file(t, pem))
			}
		})
	}
}

// decimal returns a certificate's serial number as openssl reads it, in decimal.
func decimal(t *testing.T, pem string) string {
	t.Helper()
	hex := strings.TrimPrefix(strings.TrimSpace(run(t, pem, "openssl", "x509", "-noout", "-serial")), "serial=")
	asn1 := run(t, "", "openssl", "asn1parse", "-genstr", "INTEGER:0x"+hex, "-noout", "-out", "/dev/stdout")
	var digits = []byte{0}
	for _, b := range []byte(asn1)[2:] { // the number's bytes, after its tag and length
		carry := int(b)
		for i := range digits {
			carry += int(digits[i]) * 256
			digits[i] = byte(carry % 10)
			carry /= 10
		}
		for ; carry > 0; carry /= 10 {
			digits = append(digits, byte(carry%10))
		}
	}
	var text strings.Builder
	for i := len(digits) - 1; i >= 0; i-- {
		text.WriteByte('0' + digits[i])
	}
	return text.String()
}

func assertValidity(t *testing.T, state enginetest.State, pem string, want time.Duration) {
	t.Helper()
	start, err := time.Parse(time.RFC3339, state.Text(t, "validityStartTime"))
	if err != nil {
		t.Fatal(err)
	}
	end, err := time.Parse(time.RFC3339, state.Text(t, "validityEndTime"))
	if err != nil {
		t.Fatal(err)
	}
	assertEqual(t, "the validity", end.Sub(start), want)
	const opensslTime = "Jan _2 15:04:05 2006 MST"
	assertContains(t, "the certificate", run(t, pem, "openssl", "x509", "-noout", "-dates"),
		"notBefore="+start.UTC().Format(strings.Replace(opensslTime, "MST", "GMT", 1)))
	assertContains(t, "the certificate", run(t, pem, "openssl", "x509", "-noout", "-dates"),
		"notAfter="+end.UTC().Format(strings.Replace(opensslTime, "MST", "GMT", 1)))
}

func TestSubjectKeyID(t *testing.T) {
	plugin := enginetest.Start(t)
	for _, key := range [][]any{{"algorithm", "RSA"}, {"algorithm", "ECDSA", "ecdsaCurve", "P384"}, {"algorithm", "ED25519"}} {
		private := newKey(t, plugin, key...)
		state := plugin.Create(selfSignedCertType, "test", inputs("privateKeyPem", private, "setSubjectKeyId", true,
			"subject", map[string]any{"commonName": "x"}, "validityPeriodHours", 1.0, "allowedUses", []any{}))
		// openssl's own "hash" method is the SHA-1 of the public key.
		want := run(t, "", "openssl", "req", "-x509", "-new", "-key", file(t, private), "-subj", "/CN=x",
			"-addext", "subjectKeyIdentifier=hash")
		id := func(pem string) string {
			return run(t, pem, "openssl", "x509", "-noout", "-ext", "subjectKeyIdentifier")
		}
		assertEqual(t, "the subject key id", id(state.Text(t, "certPem")), id(want))
	}
}

func TestSelfSignedCertErrors(t *testing.T) {
	plugin := enginetest.Start(t)
	base := inputs("privateKeyPem", newKey(t, plugin, "algorithm", "ED25519"), "subject", map[string]any{"commonName": "ca"},
		"validityPeriodHours", 1.0, "allowedUses", []any{})
	for _, test := range []struct {
		name, want string
		inputs     resource.PropertyMap
	}{
		{"no parent key id", "Could not determine Authority Key Identifier", with(base, "setAuthorityKeyId", true)},
		{"CA without a subject", "a CA certificate must have a subject", with(base, "isCaCertificate", true, "subject", nil)},
		{"no PEM", "Failed to parse private key PEM: no PEM block found", with(base, "privateKeyPem", "nonsense")},
		{"public key", `Failed to parse private key PEM: unsupported PEM block "PUBLIC KEY"`, with(base, "privateKeyPem",
			"-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEA\n-----END PUBLIC KEY-----\n")},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, err := plugin.TryCreate(selfSignedCertType, "test", test.inputs)
			assertError(t, err, test.want)
		})
	}
}

func TestSelfSignedCertCheck(t *testing.T) {
	plugin := enginetest.Start(t)
	base := inputs("privateKeyPem", "key", "validityPeriodHours", 1.0, "allowedUses", []any{})
	unknown := resource.MakeComputed(resource.NewProperty(""))
	for _, test := range []struct {
		inputs resource.PropertyMap
		want   string
	}{
		{base, ""},
		{with(base, "validityPeriodHours", unknown, "allowedUses", []any{unknown}, "ipAddresses", unknown), ""},
		{with(base, "allowedUses", nil), `allowedUses: missing required field "allowedUses"`},
		{with(base, "validityPeriodHours", -1.0), `validityPeriodHours: must be at least 0; got -1`},
		{with(base, "earlyRenewalHours", -1.0), `earlyRenewalHours: must be at least 0; got -1`},
		{with(base, "maxPathLength", -2.0), `maxPathLength: must be at least -1; got -2`},
		{with(base, "ipAddresses", []any{"10.0.0"}), `ipAddresses[0]: must be an IP address; got "10.0.0"`},
		{with(base, "allowedUses", []any{"signing"}),
			`allowedUses[0]: must be a key usage, such as digital_signature or server_auth; got "signing"`},
		{with(base, "subject", map[string]any{"name": "x"}), `subject.name: unknown field "name"`},
	} {
		checked, failures := plugin.Check(selfSignedCertType, test.inputs)
		assertEqual(t, "the faults", strings.Join(failures, "; "), test.want)
		assertEqual(t, "privateKeyPem is secret", checked["privateKeyPem"].IsSecret(), true)
	}
}

func TestSelfSignedCertDiff(t *testing.T) {
	plugin := enginetest.Start(t)
	base := inputs("privateKeyPem", newKey(t, plugin, "algorithm", "ED25519"), "subject", map[string]any{"commonName": "x"},
		"validityPeriodHours", 5.0, "allowedUses", []any{"server_auth"})
	state := plugin.Create(selfSignedCertType, "test", base)
	for _, test := range []struct {
		name, diffs, replaces string
		inputs                resource.PropertyMap
	}{
		{"nothing", "", "", base},
		{"explicit default", "", "", with(base, "isCaCertificate", false, "earlyRenewalHours", 0.0)},
		{"validity", "validityPeriodHours", "validityPeriodHours", with(base, "validityPeriodHours", 6.0)},
		{"use", "allowedUses", "allowedUses", with(base, "allowedUses", []any{"client_auth"})},
		{"early renewal later", "earlyRenewalHours", "", with(base, "earlyRenewalHours", 4.0)},
		{"early renewal now", "earlyRenewalHours,readyForRenewal", "readyForRenewal", with(base, "earlyRenewalHours", 5.0)},
	} {
		t.Run(test.name, func(t *testing.T) {
			diff := plugin.Diff(state, test.inputs)
			assertEqual(t, "the diffs", strings.Join(diff.Diffs, ","), test.diffs)
			assertEqual(t, "the replacements", strings.Join(diff.Replaces, ","), test.replaces)
		})
	}

	state.Outputs["__meta"] = resource.NewProperty("official")
	updated := plugin.Update(state, with(base, "earlyRenewalHours", 4.0))
	assertEqual(t, "the certificate after update", updated.Text(t, "certPem"), state.Text(t, "certPem"))
	assertEqual(t, "earlyRenewalHours", updated.Outputs["earlyRenewalHours"].NumberValue(), 4)
	assertEqual(t, "what the official plugin keeps", updated.Text(t, "__meta"), "official")
}

func TestReadyForRenewalFromTheStart(t *testing.T) {
	plugin := enginetest.Start(t)
	base := inputs("privateKeyPem", newKey(t, plugin, "algorithm", "ED25519"), "allowedUses", []any{})
	for _, args := range []resource.PropertyMap{
		with(base, "validityPeriodHours", 0.0),
		with(base, "validityPeriodHours", 2.0, "earlyRenewalHours", 2.0),
		with(base, "validityPeriodHours", 2.0, "earlyRenewalHours", 3.0),
	} {
		state := plugin.Create(selfSignedCertType, "test", args)
		assertEqual(t, "readyForRenewal", state.Outputs["readyForRenewal"].BoolValue(), true)
		assertEqual(t, "the replacements", strings.Join(plugin.Diff(state, args).Replaces, ","), "readyForRenewal")
	}
}

func TestLocallySignedCert(t *testing.T) {
	plugin := enginetest.Start(t)
	caKey := newKey(t, plugin, "algorithm", "ECDSA", "ecdsaCurve", "P384")
	ca := plugin.Create(selfSignedCertType, "ca", inputs("privateKeyPem", caKey, "subject", map[string]any{"commonName": "Lab CA"},
		"validityPeriodHours", 10.0, "allowedUses", []any{"cert_signing", "crl_signing"}, "isCaCertificate", true))
	request := plugin.Create(certRequestType, "request", inputs("privateKeyPem", newKey(t, plugin, "algorithm", "RSA"),
		"subject", fullSubject, "dnsNames", []any{"broker.foo.bar"}, "ipAddresses", []any{"10.0.0.7"}))
	args := inputs("caCertPem", ca.Text(t, "certPem"), "caPrivateKeyPem", caKey,
		"certRequestPem", request.Text(t, "certRequestPem"), "validityPeriodHours", 3.0,
		"allowedUses", []any{"digital_signature", "server_auth"})
	state := plugin.Create(locallySignedCertType, "test", args)
	pem := state.Text(t, "certPem")
	run(t, "", "openssl", "verify", "-purpose", "sslserver", "-verify_hostname", "broker.foo.bar",
		"-CAfile", file(t, ca.Text(t, "certPem")), file(t, pem))
	text := view(t, pem)
	assertContains(t, "the certificate", text, "Signature Algorithm: ecdsa-with-SHA384")
	assertContains(t, "the certificate", text, "Issuer: CN=Lab CA")
	assertContains(t, "the certificate", text, "emailAddress=peter@foo.bar")
	assertContains(t, "the certificate", text, "DNS:broker.foo.bar, IP Address:10.0.0.7")
	assertEqual(t, "the extensions", extensionNames(t, pem), "Key Usage: critical Extended Key Usage: "+
		"Basic Constraints: critical Authority Key Identifier: Subject Alternative Name:")
	identifier := func(pem, extension string) string {
		lines := strings.Split(run(t, pem, "openssl", "x509", "-noout", "-ext", extension), "\n")
		return strings.TrimSpace(lines[1])
	}
	assertEqual(t, "the authority key id", identifier(pem, "authorityKeyIdentifier"),
		identifier(ca.Text(t, "certPem"), "subjectKeyIdentifier"))
	assertEqual(t, "caKeyAlgorithm", state.Text(t, "caKeyAlgorithm"), "ECDSA")
	assertEqual(t, "caPrivateKeyPem is secret", state.Outputs["caPrivateKeyPem"].IsSecret(), true)
	assertEqual(t, "openssl's serial number is the id", decimal(t, pem), state.ID)
	assertValidity(t, state, pem, 3*time.Hour)
	assertEqual(t, "diffs of nothing", len(plugin.Diff(state, args).Diffs), 0)

	_, err := plugin.TryCreate(locallySignedCertType, "test",
		with(args, "caPrivateKeyPem", newKey(t, plugin, "algorithm", "ED25519")))
	assertError(t, err, "x509: provided PrivateKey doesn't match parent's PublicKey")
	_, err = plugin.TryCreate(locallySignedCertType, "test", with(args, "certRequestPem", pem))
	assertError(t, err, "Failed to parse certificate request PEM: must be a CERTIFICATE REQUEST; got a CERTIFICATE")
	_, err = plugin.TryCreate(locallySignedCertType, "test", with(args, "caCertPem", "nonsense"))
	assertError(t, err, "Failed to parse CA certificate PEM: no PEM block found")
}

// A chain of two CAs, made of all three kinds of keys, as openssl checks it.
func TestCertificateChain(t *testing.T) {
	plugin := enginetest.Start(t)
	request := func(name string, key string) string {
		return plugin.Create(certRequestType, name, inputs("privateKeyPem", key,
			"subject", map[string]any{"commonName": name})).Text(t, "certRequestPem")
	}
	rootKey, middleKey := newKey(t, plugin, "algorithm", "RSA"), newKey(t, plugin, "algorithm", "ED25519")
	leafKey := newKey(t, plugin, "algorithm", "ECDSA", "ecdsaCurve", "P256")
	options := inputs("validityPeriodHours", 1.0, "allowedUses", []any{"cert_signing"}, "isCaCertificate", true)
	root := plugin.Create(selfSignedCertType, "root", with(options,
		"privateKeyPem", rootKey, "subject", map[string]any{"commonName": "root"})).Text(t, "certPem")
	middle := plugin.Create(locallySignedCertType, "middle", with(options, "caCertPem", root, "caPrivateKeyPem", rootKey,
		"certRequestPem", request("middle", middleKey), "maxPathLength", 0.0)).Text(t, "certPem")
	leaf := plugin.Create(locallySignedCertType, "leaf", inputs("caCertPem", middle, "caPrivateKeyPem", middleKey,
		"certRequestPem", request("leaf", leafKey), "validityPeriodHours", 1.0,
		"allowedUses", []any{"digital_signature"})).Text(t, "certPem")
	run(t, "", "openssl", "verify", "-x509_strict", "-CAfile", file(t, root), "-untrusted", file(t, middle), file(t, leaf))
}
