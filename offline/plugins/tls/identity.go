package main

import (
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"fmt"
	"net"
	"net/url"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource/plugin"

	"kafkalab/providers/internal/standin"
)

// identityFields say whom a request or a self-signed certificate is for.
var identityFields = []standin.Field{
	{Name: "privateKeyPem", Type: standin.String, Required: true, Secret: true},
	{Name: "subject", Type: standin.Object, Fields: []standin.Field{
		{Name: "commonName", Type: standin.String},
		{Name: "organization", Type: standin.String},
		{Name: "organizationalUnit", Type: standin.String},
		{Name: "country", Type: standin.String},
		{Name: "locality", Type: standin.String},
		{Name: "province", Type: standin.String},
		{Name: "postalCode", Type: standin.String},
		{Name: "serialNumber", Type: standin.String},
		{Name: "streetAddresses", Type: standin.StringList},
		{Name: "emailAddress", Type: standin.String},
	}},
	{Name: "dnsNames", Type: standin.StringList},
	{Name: "ipAddresses", Type: standin.StringList},
	{Name: "uris", Type: standin.StringList},
}

var emailAddressOID = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 9, 1}

func checkIdentity(inputs resource.PropertyMap) []plugin.CheckFailure {
	return append(
		eachText(inputs, "ipAddresses", func(text string) error { _, err := parseIP(text); return err }),
		eachText(inputs, "uris", func(text string) error { _, err := url.Parse(text); return err })...)
}

// identity is a subject with its alternative names.
type identity struct {
	rawSubject []byte
	dnsNames   []string
	ips        []net.IP
	uris       []*url.URL
}

// noSubject is the DER form of a subject without any name.
var noSubject = []byte{0x30, 0x00}

func (i identity) hasSubject() bool { return string(i.rawSubject) != string(noSubject) }

// parseIdentity reads plain inputs.
func parseIdentity(inputs resource.PropertyMap) (identity, error) {
	result := identity{dnsNames: standin.Texts(inputs, "dnsNames")}
	var err error
	if result.rawSubject, err = asn1.Marshal(subjectName(inputs).ToRDNSequence()); err != nil {
		return identity{}, fmt.Errorf("subject: %w", err)
	}
	for _, text := range standin.Texts(inputs, "ipAddresses") {
		ip, err := parseIP(text)
		if err != nil {
			return identity{}, err
		}
		result.ips = append(result.ips, ip)
	}
	for _, text := range standin.Texts(inputs, "uris") {
		uri, err := url.Parse(text)
		if err != nil {
			return identity{}, err
		}
		result.uris = append(result.uris, uri)
	}
	return result, nil
}

func requestIdentity(request *x509.CertificateRequest) identity {
	return identity{
		rawSubject: request.RawSubject, dnsNames: request.DNSNames, ips: request.IPAddresses, uris: request.URIs,
	}
}

func parseIP(text string) (net.IP, error) {
	if ip := net.ParseIP(text); ip != nil {
		return ip, nil
	}
	return nil, fmt.Errorf("must be an IP address; got %q", text)
}

func subjectName(inputs resource.PropertyMap) pkix.Name {
	if !inputs["subject"].IsObject() {
		return pkix.Name{}
	}
	subject := inputs["subject"].ObjectValue()
	list := func(key resource.PropertyKey) []string {
		if text := standin.Text(subject, key); text != "" {
			return []string{text}
		}
		return nil
	}
	name := pkix.Name{
		CommonName:         standin.Text(subject, "commonName"),
		SerialNumber:       standin.Text(subject, "serialNumber"),
		Organization:       list("organization"),
		OrganizationalUnit: list("organizationalUnit"),
		Country:            list("country"),
		Locality:           list("locality"),
		Province:           list("province"),
		PostalCode:         list("postalCode"),
		StreetAddress:      standin.Texts(subject, "streetAddresses"),
	}
	if email := standin.Text(subject, "emailAddress"); email != "" {
		name.ExtraNames = []pkix.AttributeTypeAndValue{{
			Type:  emailAddressOID,
			Value: asn1.RawValue{Tag: asn1.TagIA5String, Bytes: []byte(email)},
		}}
	}
	return name
}
