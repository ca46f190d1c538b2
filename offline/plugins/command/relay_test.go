package main

import (
	"io"
	"net"
	"strconv"
	"sync"
	"testing"
	"time"
)

// relay passes TCP connections on to another loopback port, and can be watched and cut.
type relay struct {
	port   int
	mutex  sync.Mutex
	opened int
	closed chan struct{}
	mute   chan struct{}
}

func startRelay(t *testing.T, target int) *relay {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	r := &relay{
		port: listener.Addr().(*net.TCPAddr).Port, closed: make(chan struct{}, 1000), mute: make(chan struct{}),
	}
	go func() {
		for {
			client, err := listener.Accept()
			if err != nil {
				return
			}
			r.mutex.Lock()
			r.opened++
			r.mutex.Unlock()
			go r.pass(client, target)
		}
	}()
	return r
}

func (r *relay) pass(client net.Conn, target int) {
	defer func() { r.closed <- struct{}{} }()
	defer client.Close()
	server, err := net.Dial("tcp", "127.0.0.1:"+strconv.Itoa(target))
	if err != nil {
		return
	}
	defer server.Close()
	go func() { _, _ = io.Copy(server, client); _ = server.(*net.TCPConn).CloseWrite() }()
	buffer := make([]byte, 64<<10)
	for {
		n, err := server.Read(buffer)
		if err != nil {
			return
		}
		select {
		case <-r.mute: // the server vanished: nothing of it arrives any more
			_, _ = io.Copy(io.Discard, server)
			return
		default:
		}
		if _, err := client.Write(buffer[:n]); err != nil {
			return
		}
	}
}

func (r *relay) count() int {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	return r.opened
}

// waitClosed returns when the connections opened so far, count of them, are closed. Call it once for
// every further connection.
func (r *relay) waitClosed(t *testing.T, count int) {
	t.Helper()
	select {
	case <-r.closed:
	case <-time.After(time.Minute):
		t.Fatal("the connection is still open")
	}
	assertEqual(t, "count of connections", r.count(), count)
}
