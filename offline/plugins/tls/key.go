package main

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha1"
	"crypto/x509"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	"golang.org/x/crypto/ssh"
)

var curves = map[string]elliptic.Curve{
	"P224": elliptic.P224(), "P256": elliptic.P256(), "P384": elliptic.P384(), "P521": elliptic.P521(),
}

// generateKey makes a private key. bits is for RSA, curve for ECDSA.
func generateKey(algorithm string, bits int, curve string) (crypto.Signer, error) {
	switch algorithm {
	case "RSA":
		return rsa.GenerateKey(rand.Reader, bits)
	case "ECDSA":
		return ecdsa.GenerateKey(curves[curve], rand.Reader)
	case "ED25519":
		_, key, err := ed25519.GenerateKey(rand.Reader)
		return key, err
	}
	return nil, fmt.Errorf("unknown key algorithm %q", algorithm)
}

func algorithmOf(key crypto.Signer) string {
	switch key.(type) {
	case *rsa.PrivateKey:
		return "RSA"
	case *ecdsa.PrivateKey:
		return "ECDSA"
	}
	return "ED25519"
}

// parseKeyPEM reads an unencrypted private key in PKCS#1, PKCS#8 or SEC1 form.
func parseKeyPEM(text string) (crypto.Signer, error) {
	key, err := decodeKeyPEM(text)
	if err != nil {
		return nil, fmt.Errorf("Failed to parse private key PEM: %w", err) //nolint:staticcheck // official text
	}
	return key, nil
}

func decodeKeyPEM(text string) (crypto.Signer, error) {
	block, _ := pem.Decode([]byte(text))
	if block == nil {
		return nil, errors.New("no PEM block found")
	}
	var key any
	var err error
	switch block.Type {
	case "RSA PRIVATE KEY":
		key, err = x509.ParsePKCS1PrivateKey(block.Bytes)
	case "EC PRIVATE KEY":
		key, err = x509.ParseECPrivateKey(block.Bytes)
	case "PRIVATE KEY":
		key, err = x509.ParsePKCS8PrivateKey(block.Bytes)
	default:
		return nil, fmt.Errorf("unsupported PEM block %q", block.Type)
	}
	if err != nil {
		return nil, err
	}
	return supportedKey(key)
}

// parseKeyOpenSSH reads an unencrypted private key in OpenSSH's form.
func parseKeyOpenSSH(text string) (crypto.Signer, error) {
	key, err := ssh.ParseRawPrivateKey([]byte(text))
	if err != nil {
		return nil, fmt.Errorf("Failed to parse private key OpenSSH PEM: %w", err) //nolint:staticcheck
	}
	return supportedKey(key)
}

func supportedKey(key any) (crypto.Signer, error) {
	switch key := key.(type) {
	case *rsa.PrivateKey:
		return key, nil
	case *ecdsa.PrivateKey:
		return key, nil
	case ed25519.PrivateKey:
		return key, nil
	case *ed25519.PrivateKey:
		return *key, nil
	}
	return nil, fmt.Errorf("unsupported key type %T", key)
}

// privateOutputs renders the private half of a key in every form.
func privateOutputs(key crypto.Signer) (resource.PropertyMap, error) {
	pkcs8, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, err
	}
	pkcs8PEM := encodePEM("PRIVATE KEY", pkcs8)
	plainPEM := pkcs8PEM
	openSSH := ""
	switch key := key.(type) {
	case *rsa.PrivateKey:
		plainPEM = encodePEM("RSA PRIVATE KEY", x509.MarshalPKCS1PrivateKey(key))
	case *ecdsa.PrivateKey:
		sec1, err := x509.MarshalECPrivateKey(key)
		if err != nil {
			return nil, err
		}
		plainPEM = encodePEM("EC PRIVATE KEY", sec1)
	}
	if hasOpenSSHForm(key) {
		block, err := ssh.MarshalPrivateKey(key, "")
		if err != nil {
			return nil, err
		}
		openSSH = string(pem.EncodeToMemory(block))
	}
	return resource.PropertyMap{
		"privateKeyPem":      secret(plainPEM),
		"privateKeyPemPkcs8": secret(pkcs8PEM),
		"privateKeyOpenssh":  secret(openSSH),
	}, nil
}

// publicOutputs renders the public half of a key in every form, and its id.
func publicOutputs(key crypto.Signer) (id string, outputs resource.PropertyMap, err error) {
	spki, err := x509.MarshalPKIXPublicKey(key.Public())
	if err != nil {
		return "", nil, err
	}
	openSSH, md5, sha256 := "", "", ""
	if hasOpenSSHForm(key) {
		public, err := ssh.NewPublicKey(key.Public())
		if err != nil {
			return "", nil, err
		}
		openSSH = string(ssh.MarshalAuthorizedKey(public))
		md5, sha256 = ssh.FingerprintLegacyMD5(public), ssh.FingerprintSHA256(public)
	}
	return hashID(spki), resource.PropertyMap{
		"publicKeyPem":               resource.NewProperty(encodePEM("PUBLIC KEY", spki)),
		"publicKeyOpenssh":           resource.NewProperty(openSSH),
		"publicKeyFingerprintMd5":    resource.NewProperty(md5),
		"publicKeyFingerprintSha256": resource.NewProperty(sha256),
	}, nil
}

// hasOpenSSHForm reports whether OpenSSH knows the type of a key; it does not know P224.
func hasOpenSSHForm(key crypto.Signer) bool {
	ec, ok := key.(*ecdsa.PrivateKey)
	return !ok || ec.Curve != elliptic.P224()
}

// hashID is the id of a key or a request: the SHA-1 of its DER form, of which the official plugin
// trims white space at the end.
func hashID(der []byte) string {
	sum := sha1.Sum(bytes.TrimRight(der, " \t\n\v\f\r"))
	return hex.EncodeToString(sum[:])
}

func encodePEM(blockType string, der []byte) string {
	return string(pem.EncodeToMemory(&pem.Block{Type: blockType, Bytes: der}))
}

func secret(text string) resource.PropertyValue {
	return resource.MakeSecret(resource.NewProperty(text))
}
