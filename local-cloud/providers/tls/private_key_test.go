package main

import (
	"os"
	"testing"

	"kafkalab/providers/internal/enginetest"
)

func TestMain(m *testing.M) { os.Exit(enginetest.Main(m)) }

func TestPrivateKey(t *testing.T) {
	plugin := enginetest.Start(t)
	state := plugin.Create("tls:index/privateKey:PrivateKey", "test", enginetest.Map(map[string]any{"algorithm": "ED25519"}))
	t.Log(state)
}
