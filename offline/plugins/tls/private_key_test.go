package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"

	"kafkalab/providers/internal/enginetest"
)

const (
	privateKeyType   = "tls:index/privateKey:PrivateKey"
	getPublicKeyType = "tls:index/getPublicKey:getPublicKey"
)

func TestMain(m *testing.M) { os.Exit(enginetest.Main(m)) }

// inputs makes inputs from pairs of name and value.
func inputs(pairs ...any) resource.PropertyMap {
	values := map[string]any{}
	for i := 0; i < len(pairs); i += 2 {
		values[pairs[i].(string)] = pairs[i+1]
	}
	return enginetest.Map(values)
}

func assertEqual[T comparable](t *testing.T, what string, got, want T) {
	t.Helper()
	if got != want {
		t.Errorf("%s is %v; want %v", what, got, want)
	}
}

func assertContains(t *testing.T, what, got, want string) {
	t.Helper()
	if !strings.Contains(got, want) {
		t.Errorf("%s is %q; it should hold %q", what, got, want)
	}
}

func assertError(t *testing.T, err error, want string) {
	t.Helper()
	if err == nil {
		t.Fatalf("no error; want %q", want)
	}
	assertContains(t, "the error", err.Error(), want)
}

// run gives a program this standard input and returns its standard output.
func run(t *testing.T, stdin, name string, args ...string) string {
	t.Helper()
	command := exec.Command(name, args...)
	command.Stdin = strings.NewReader(stdin)
	var stderr strings.Builder
	command.Stderr = &stderr
	output, err := command.Output()
	if err != nil {
		t.Fatalf("%s %q: %v\n%s\n%s", name, args, err, output, stderr.String())
	}
	return string(output)
}

// file writes a private file and returns its path.
func file(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// keyCases are all kinds of keys: their inputs, and what openssl says of them.
var keyCases = []struct {
	name     string
	inputs   resource.PropertyMap
	pemBlock string
	openssl  string
	openSSH  string // its type in OpenSSH, "" if it has none
}{
	{"RSA by default", inputs("algorithm", "RSA"), "RSA PRIVATE KEY", "(2048 bit", "ssh-rsa"},
	{"RSA 1024", inputs("algorithm", "RSA", "rsaBits", 1024.0), "RSA PRIVATE KEY", "(1024 bit", "ssh-rsa"},
	{"ECDSA by default", inputs("algorithm", "ECDSA"), "EC PRIVATE KEY", "NIST CURVE: P-224", ""},
	{"P256", inputs("algorithm", "ECDSA", "ecdsaCurve", "P256"), "EC PRIVATE KEY", "NIST CURVE: P-256", "ecdsa-sha2-nistp256"},
	{"P384", inputs("algorithm", "ECDSA", "ecdsaCurve", "P384"), "EC PRIVATE KEY", "NIST CURVE: P-384", "ecdsa-sha2-nistp384"},
	{"P521", inputs("algorithm", "ECDSA", "ecdsaCurve", "P521"), "EC PRIVATE KEY", "NIST CURVE: P-521", "ecdsa-sha2-nistp521"},
	{"ED25519", inputs("algorithm", "ED25519"), "PRIVATE KEY", "ED25519 Private-Key", "ssh-ed25519"},
}

func TestPrivateKey(t *testing.T) {
	plugin := enginetest.Start(t)
	for _, test := range keyCases {
		t.Run(test.name, func(t *testing.T) {
			state := plugin.Create(privateKeyType, "test", test.inputs)
			for _, key := range []resource.PropertyKey{"privateKeyPem", "privateKeyPemPkcs8", "privateKeyOpenssh"} {
				assertEqual(t, string(key)+" is secret", state.Outputs[key].IsSecret(), true)
			}
			pem, pkcs8, openSSH := state.Text(t, "privateKeyPem"), state.Text(t, "privateKeyPemPkcs8"), state.Text(t, "privateKeyOpenssh")
			public, publicSSH := state.Text(t, "publicKeyPem"), state.Text(t, "publicKeyOpenssh")
			assertBlock(t, pem, test.pemBlock)
			assertBlock(t, pkcs8, "PRIVATE KEY")
			assertBlock(t, public, "PUBLIC KEY")

			for _, private := range []string{pem, pkcs8} {
				assertContains(t, "openssl's view", run(t, private, "openssl", "pkey", "-noout", "-text"), test.openssl)
				assertEqual(t, "public key by openssl", run(t, private, "openssl", "pkey", "-pubout"), public)
			}
			der := run(t, public, "openssl", "pkey", "-pubin", "-outform", "DER")
			sum := run(t, strings.TrimRight(der, " \t\n\v\f\r"), "openssl", "dgst", "-sha1", "-r")
			assertEqual(t, "the id", state.ID, strings.Fields(sum)[0])

			fingerprints := state.Text(t, "publicKeyFingerprintMd5") + " " + state.Text(t, "publicKeyFingerprintSha256")
			if test.openSSH == "" {
				assertEqual(t, "what OpenSSH has no form for", openSSH+publicSSH+fingerprints, " ")
				return
			}
			assertBlock(t, openSSH, "OPENSSH PRIVATE KEY")
			assertEqual(t, "public key by ssh-keygen", run(t, "", "ssh-keygen", "-y", "-f", file(t, openSSH)), publicSSH)
			assertEqual(t, "type of the public key", strings.Fields(publicSSH)[0], test.openSSH)
			assertEqual(t, "count of words of the public key", len(strings.Split(publicSSH, " ")), 2)
			publicFile := file(t, publicSSH)
			byMD5 := strings.Fields(run(t, "", "ssh-keygen", "-l", "-E", "md5", "-f", publicFile))[1]
			bySHA256 := strings.Fields(run(t, "", "ssh-keygen", "-l", "-f", publicFile))[1]
			assertEqual(t, "fingerprints by ssh-keygen", strings.TrimPrefix(byMD5, "MD5:")+" "+bySHA256, fingerprints)
		})
	}
}

func TestPrivateKeyOutputsHoldTheDefaults(t *testing.T) {
	plugin := enginetest.Start(t)
	state := plugin.Create(privateKeyType, "test", inputs("algorithm", "ED25519"))
	assertEqual(t, "count of checked inputs", len(state.Inputs), 1)
	assertEqual(t, "rsaBits", state.Outputs["rsaBits"].NumberValue(), 2048)
	assertEqual(t, "ecdsaCurve", state.Text(t, "ecdsaCurve"), "P224")
	assertEqual(t, "ED25519 in PKCS#8", state.Text(t, "privateKeyPemPkcs8"), state.Text(t, "privateKeyPem"))
}

func TestPrivateKeyRefusesShortRSA(t *testing.T) {
	plugin := enginetest.Start(t)
	_, err := plugin.TryCreate(privateKeyType, "test", inputs("algorithm", "RSA", "rsaBits", 512.0))
	assertError(t, err, "512-bit keys are insecure")
}

func TestPrivateKeyCheck(t *testing.T) {
	plugin := enginetest.Start(t)
	unknown := resource.MakeComputed(resource.NewProperty(""))
	for _, test := range []struct {
		inputs resource.PropertyMap
		want   string
	}{
		{inputs(), `algorithm: missing required field "algorithm"`},
		{inputs("algorithm", "rsa"), `algorithm: must be one of RSA, ECDSA, ED25519; got "rsa"`},
		{inputs("algorithm", "ECDSA", "ecdsaCurve", "P-256"), `ecdsaCurve: must be one of P224, P256, P384, P521; got "P-256"`},
		{inputs("algorithm", "RSA", "rsaBits", 2048.5), `rsaBits: must be a whole number; got number`},
		{inputs("algorithm", "RSA", "bits", 1.0), `bits: unknown field "bits"`},
		{inputs("algorithm", unknown, "rsaBits", unknown), ``},
	} {
		_, failures := plugin.Check(privateKeyType, test.inputs)
		assertEqual(t, "the faults", strings.Join(failures, "; "), test.want)
	}
}

func TestPrivateKeyDiff(t *testing.T) {
	plugin := enginetest.Start(t)
	state := plugin.Create(privateKeyType, "test", inputs("algorithm", "ED25519"))
	// As the official plugin's state would have it.
	state.Inputs["__defaults"] = resource.NewProperty([]resource.PropertyValue{})
	for _, test := range []struct {
		name, want string
		inputs     resource.PropertyMap
	}{
		{"nothing", "", inputs("algorithm", "ED25519")},
		{"explicit defaults", "", inputs("algorithm", "ED25519", "rsaBits", 2048.0, "ecdsaCurve", "P224")},
		{"algorithm", "algorithm", inputs("algorithm", "RSA")},
		{"rsaBits", "rsaBits", inputs("algorithm", "ED25519", "rsaBits", 4096.0)},
	} {
		t.Run(test.name, func(t *testing.T) {
			diff := plugin.Diff(state, test.inputs)
			assertEqual(t, "the replacements", strings.Join(diff.Replaces, ","), test.want)
			assertEqual(t, "the diffs", strings.Join(diff.Diffs, ","), test.want)
		})
	}
}

func TestPrivateKeyPreview(t *testing.T) {
	plugin := enginetest.Start(t)
	outputs := plugin.PreviewCreate(privateKeyType, inputs("algorithm", "RSA"))
	assertEqual(t, "publicKeyOpenssh is unknown", outputs["publicKeyOpenssh"].IsComputed(), true)
	assertEqual(t, "privateKeyPem is secret", outputs["privateKeyPem"].IsSecret(), true)
	assertEqual(t, "privateKeyPem is unknown", outputs["privateKeyPem"].SecretValue().Element.IsComputed(), true)
}

func TestPrivateKeyIsNeverLogged(t *testing.T) {
	plugin := enginetest.Start(t)
	state := plugin.Create(privateKeyType, "test", inputs("algorithm", "ED25519"))
	if err := plugin.Delete(state); err != nil {
		t.Fatal(err)
	}
	for _, key := range []string{"privateKeyPem", "privateKeyOpenssh"} {
		plugin.AssertNeverLogged(strings.Split(state.Text(t, key), "\n")[1])
	}
	assertEqual(t, "the plugin's output", plugin.Output(), "")
}

func TestGetPublicKey(t *testing.T) {
	plugin := enginetest.Start(t)
	for _, test := range keyCases {
		t.Run(test.name, func(t *testing.T) {
			state := plugin.Create(privateKeyType, "test", test.inputs)
			forms := map[string]string{"privateKeyPem": state.Text(t, "privateKeyPem")}
			if test.openSSH != "" {
				forms["privateKeyOpenssh"] = state.Text(t, "privateKeyOpenssh")
			}
			for form, key := range forms {
				result, failures, err := plugin.Invoke(getPublicKeyType, inputs(form, key))
				if err != nil || len(failures) > 0 {
					t.Fatal(err, failures)
				}
				assertEqual(t, "algorithm", result["algorithm"].StringValue(), state.Text(t, "algorithm"))
				assertEqual(t, "id", result["id"].StringValue(), state.ID)
				for _, output := range []resource.PropertyKey{
					"publicKeyPem", "publicKeyOpenssh", "publicKeyFingerprintMd5", "publicKeyFingerprintSha256",
				} {
					assertEqual(t, string(output), result[output].StringValue(), state.Text(t, string(output)))
				}
			}
			// PKCS#8, too, is a PEM form.
			result, _, err := plugin.Invoke(getPublicKeyType, inputs("privateKeyPem", state.Text(t, "privateKeyPemPkcs8")))
			if err != nil {
				t.Fatal(err)
			}
			assertEqual(t, "id", result["id"].StringValue(), state.ID)
		})
	}
	for _, args := range []resource.PropertyMap{inputs(), inputs("privateKeyPem", "x", "privateKeyOpenssh", "y")} {
		_, failures, err := plugin.Invoke(getPublicKeyType, args)
		if err != nil {
			t.Fatal(err)
		}
		assertEqual(t, "the faults", strings.Join(failures, "; "),
			"privateKeyPem: exactly one of privateKeyPem and privateKeyOpenssh must be given")
	}
	_, _, err := plugin.Invoke(getPublicKeyType, inputs("privateKeyPem", "nonsense"))
	assertError(t, err, "Failed to parse private key PEM: ")
}

// assertBlock checks that a text is one PEM block of a type, with one newline at its end.
func assertBlock(t *testing.T, text, blockType string) {
	t.Helper()
	if !strings.HasPrefix(text, "-----BEGIN "+blockType+"-----\n") ||
		!strings.HasSuffix(text, "\n-----END "+blockType+"-----\n") || strings.Count(text, "-----BEGIN") != 1 {
		t.Errorf("%q is not one %s block", strings.Split(text, "\n")[0], blockType)
	}
}
