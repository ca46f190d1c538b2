package main

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"os"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/sasl/scram"
)

// security is what the file SECURITY says.
type security struct {
	Protocol    string
	CA          string
	Certificate string
	Key         string
	Username    string
	Password    string
}

// securityOptions reads the file SECURITY. Without it the client uses PLAINTEXT.
func securityOptions() ([]kgo.Opt, error) {
	path := os.Getenv("SECURITY")
	if path == "" {
		return nil, nil
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	var given security
	if err := json.Unmarshal(text, &given); err != nil {
		return nil, err
	}
	config, err := given.tls()
	if err != nil {
		return nil, err
	}
	options := []kgo.Opt{kgo.DialTLSConfig(config)}
	if given.Protocol == "SASL_SSL" {
		login := scram.Auth{User: given.Username, Pass: given.Password}
		options = append(options, kgo.SASL(login.AsSha512Mechanism()))
	}
	return options, nil
}

func (given security) tls() (*tls.Config, error) {
	config := &tls.Config{RootCAs: x509.NewCertPool()}
	if !config.RootCAs.AppendCertsFromPEM([]byte(given.CA)) {
		return nil, errors.New("client: ca contains no certificate")
	}
	if given.Key != "" {
		pair, err := tls.X509KeyPair([]byte(given.Certificate), []byte(given.Key))
		if err != nil {
			return nil, err
		}
		config.Certificates = []tls.Certificate{pair}
	}
	return config, nil
}
