package main

import (
	"fmt"
	"net"
	"os"
	"strconv"
	"time"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/agent"

	"kafkalab/providers/internal/standin"
)

// connectionField is the input "connection": how to reach and to trust the remote host.
var connectionField = standin.Field{
	Name: "connection", Type: standin.Object, Required: true, Secret: true,
	Fields: append(endpointFields(), standin.Field{
		Name: "proxy", Type: standin.Object, Fields: endpointFields(),
	}),
}

func endpointFields() []standin.Field {
	return []standin.Field{
		{Name: "host", Type: standin.String, Required: true},
		{Name: "port", Type: standin.Number64, Default: 22.0},
		{Name: "user", Type: standin.String, Default: "root"},
		{Name: "privateKey", Type: standin.String, Secret: true},
		{Name: "privateKeyPassword", Type: standin.String, Secret: true},
		{Name: "password", Type: standin.String, Secret: true},
		{Name: "agentSocketPath", Type: standin.String},
		{Name: "hostKey", Type: standin.String},
		{Name: "dialErrorLimit", Type: standin.Integer, Default: 10.0},
		{Name: "perDialTimeout", Type: standin.Integer, Default: 15.0},
	}
}

// endpoint is one SSH server: the host itself, or the proxy before it.
type endpoint struct {
	address        string
	dialErrorLimit int
	dialTimeout    time.Duration
	config         *ssh.ClientConfig
	agent          net.Conn
}

// newEndpoint reads plain connection properties. Close it after use.
func newEndpoint(properties resource.PropertyMap) (*endpoint, error) {
	port := strconv.Itoa(int(standin.Number(properties, "port", 22)))
	e := &endpoint{
		address:        net.JoinHostPort(standin.Text(properties, "host"), port),
		dialErrorLimit: int(standin.Number(properties, "dialErrorLimit", 10)),
		dialTimeout:    time.Duration(standin.Number(properties, "perDialTimeout", 15)) * time.Second,
		config: &ssh.ClientConfig{
			User:            standin.Text(properties, "user"),
			HostKeyCallback: ssh.InsecureIgnoreHostKey(),
		},
	}
	if err := e.pinHostKey(properties); err != nil {
		return nil, err
	}
	if err := e.authenticate(properties); err != nil {
		return nil, err
	}
	return e, nil
}

func (e *endpoint) close() {
	if e.agent != nil {
		_ = e.agent.Close()
	}
}

func (e *endpoint) pinHostKey(properties resource.PropertyMap) error {
	if !has(properties, "hostKey") {
		return nil
	}
	key, _, _, _, err := ssh.ParseAuthorizedKey([]byte(standin.Text(properties, "hostKey")))
	if err != nil {
		return fmt.Errorf("failed to parse host key: %w", err)
	}
	e.config.HostKeyCallback = ssh.FixedHostKey(key)
	e.config.HostKeyAlgorithms = []string{key.Type()}
	if key.Type() == ssh.KeyAlgoRSA {
		// The key's type is also the name of its SHA-1 signatures, which servers no longer make.
		e.config.HostKeyAlgorithms = []string{ssh.KeyAlgoRSASHA512, ssh.KeyAlgoRSASHA256, ssh.KeyAlgoRSA}
	}
	return nil
}

func (e *endpoint) authenticate(properties resource.PropertyMap) error {
	if has(properties, "privateKey") {
		signer, err := parseKey(properties)
		if err != nil {
			return err
		}
		e.config.Auth = append(e.config.Auth, ssh.PublicKeys(signer))
	}
	if has(properties, "password") {
		password := standin.Text(properties, "password")
		answerAll := func(_, _ string, questions []string, _ []bool) ([]string, error) {
			answers := make([]string, len(questions))
			for i := range answers {
				answers[i] = password
			}
			return answers, nil
		}
		e.config.Auth = append(e.config.Auth, ssh.Password(password), ssh.KeyboardInteractive(answerAll))
	}
	socket := os.Getenv("SSH_AUTH_SOCK")
	if socket == "" && !has(properties, "agentSocketPath") {
		return nil
	}
	if has(properties, "agentSocketPath") {
		socket = standin.Text(properties, "agentSocketPath")
	}
	// The agent must answer even beside a private key, where its own keys are not tried: the SSH library
	// tries each method of authentication once.
	connection, err := net.Dial("unix", socket)
	if err != nil {
		return err
	}
	e.agent = connection
	e.config.Auth = append(e.config.Auth, ssh.PublicKeysCallback(agent.NewClient(connection).Signers))
	return nil
}

// parseKey reads the private key. One that is not encrypted must come without a password.
func parseKey(properties resource.PropertyMap) (ssh.Signer, error) {
	key := []byte(standin.Text(properties, "privateKey"))
	if has(properties, "privateKeyPassword") {
		return ssh.ParsePrivateKeyWithPassphrase(key, []byte(standin.Text(properties, "privateKeyPassword")))
	}
	return ssh.ParsePrivateKey(key)
}
