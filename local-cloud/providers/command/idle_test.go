package main

import (
	"testing"
	"time"

	"kafkalab/providers/internal/enginetest"
)

func TestNextCommandTakesTheConnection(t *testing.T) {
	server := startSSHServer(t)
	relay := startRelay(t, server.port)
	connection := server.connection("port", float64(relay.port))
	plugin := enginetest.Start(t)
	for range 3 {
		plugin.Create(remoteCommand, "test", inputs("connection", connection, "create", "true"))
	}
	assertEqual(t, "count of connections", relay.count(), 1)

	other := server.connection("port", float64(relay.port), "perDialTimeout", 14.0)
	plugin.Create(remoteCommand, "test", inputs("connection", other, "create", "true"))
	assertEqual(t, "count of connections with another one's properties", relay.count(), 2)
}

func TestFailedCommandClosesItsConnection(t *testing.T) {
	server := startSSHServer(t)
	relay := startRelay(t, server.port)
	connection := server.connection("port", float64(relay.port))
	plugin := enginetest.Start(t)
	for count := 1; count <= 2; count++ {
		if _, err := plugin.TryCreate(remoteCommand, "test", inputs("connection", connection, "create", "false")); err == nil {
			t.Error("false succeeded")
		}
		relay.waitClosed(t, count)
	}
}

func TestCommandsAtOnceHaveConnectionsOfTheirOwn(t *testing.T) {
	server := startSSHServer(t)
	relay := startRelay(t, server.port)
	connection := server.connection("port", float64(relay.port))
	engine, first := runInProcess(t, connection, "echo started; sleep 600 & echo $! >"+leftover(t)+"; wait")
	engine.WaitFor(t, "started")
	_, second := runInProcess(t, connection, "true")
	if err := <-second; err != nil {
		t.Error(err)
	}
	assertEqual(t, "count of connections", relay.count(), 2)
	select {
	case err := <-first:
		t.Errorf("the first command has ended: %v", err)
	default:
	}
}

func TestVanishedIdleConnectionIsMadeAnew(t *testing.T) {
	server := startSSHServer(t)
	relay := startRelay(t, server.port)
	connection := server.connection("port", float64(relay.port))
	runToItsEnd(t, connection)
	close(relay.mute)
	// The relay is mute for good, so the new connection cannot come to its end: it is enough that it is dialled.
	handshakeTimeout = 200 * time.Millisecond
	t.Cleanup(func() { handshakeTimeout = 30 * time.Second })
	_, failed := runInProcess(t, connection, "true")
	if err := <-failed; err == nil {
		t.Error("a command reached a mute host")
	}
	assertEqual(t, "count of connections", relay.count(), 2)
}

func TestIdleConnectionIsClosed(t *testing.T) {
	idleTime = 50 * time.Millisecond
	t.Cleanup(func() { idleTime = 30 * time.Second })
	server := startSSHServer(t)
	relay := startRelay(t, server.port)
	connection := server.connection("port", float64(relay.port))
	runToItsEnd(t, connection)
	relay.waitClosed(t, 1)
	runToItsEnd(t, connection)
	relay.waitClosed(t, 2)
}

func runToItsEnd(t *testing.T, connection map[string]any) {
	t.Helper()
	_, failed := runInProcess(t, connection, "true")
	if err := <-failed; err != nil {
		t.Fatal(err)
	}
}
