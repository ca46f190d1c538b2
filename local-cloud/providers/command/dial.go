package main

import (
	"context"
	"fmt"
	"net"
	"strconv"
	"time"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	"golang.org/x/crypto/ssh"

	"kafkalab/providers/internal/standin"
)

const (
	firstRetryWait  = 100 * time.Millisecond
	retryWaitGrowth = 1.5
	maxRetryWait    = 5 * time.Second
)

// The limits that the official plugin lacks. They are variables so that tests need not wait.
var (
	// handshakeTimeout bounds what follows the TCP connect, so that a mute server is a dial error.
	handshakeTimeout = 30 * time.Second
	// keepAliveInterval and keepAliveTimeout find a host that has vanished while a command runs.
	keepAliveInterval = 15 * time.Second
	keepAliveTimeout  = 60 * time.Second
)

// connection is an SSH connection, perhaps through a proxy. One operation at a time has it.
type connection struct {
	*ssh.Client
	closers []func()
	key     string
	// expiry closes an idle connection.
	expiry *time.Timer
}

// release ends an operation's use of it.
func (c *connection) release(endedWell bool) {
	if endedWell {
		idle.put(c)
	} else {
		c.close()
	}
}

func (c *connection) close() {
	for i := len(c.closers) - 1; i >= 0; i-- {
		c.closers[i]()
	}
}

// connect gives an idle connection to the host of plain inputs, or dials it, retrying as the
// connection asks. Release it after use.
func connect(ctx context.Context, operation standin.Operation, inputs resource.PropertyMap) (*connection, error) {
	properties := objectOf(inputs, "connection")
	key, err := endpointKey(properties)
	if err != nil {
		return nil, err
	}
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	if c := idle.take(key); c != nil {
		return c, nil
	}
	target, err := newEndpoint(properties)
	if err != nil {
		return nil, err
	}
	c := &connection{key: key, closers: []func(){target.close}}
	dialer := operationDialer{operation: operation}
	dial := (&net.Dialer{Timeout: target.dialTimeout}).DialContext

	if has(properties, "proxy") {
		proxy, err := newEndpoint(objectOf(properties, "proxy"))
		if err != nil {
			c.close()
			return nil, fmt.Errorf("proxy: %w", err)
		}
		c.closers = append(c.closers, proxy.close)
		direct := (&net.Dialer{Timeout: proxy.dialTimeout}).DialContext
		bastion, err := dialer.dial(ctx, "Dial proxy", proxy, direct)
		if err != nil {
			c.close()
			return nil, fmt.Errorf("proxy: %w", err)
		}
		c.closers = append(c.closers, func() { _ = bastion.Close() })
		dial = func(ctx context.Context, network, address string) (net.Conn, error) {
			if target.dialTimeout > 0 {
				var cancel context.CancelFunc
				ctx, cancel = context.WithTimeout(ctx, target.dialTimeout)
				defer cancel()
			}
			conn, err := bastion.DialContext(ctx, network, address)
			if err != nil {
				return nil, fmt.Errorf("proxy: %w", err)
			}
			return conn, nil
		}
	}

	c.Client, err = dialer.dial(ctx, "Dial", target, dial)
	if err != nil {
		c.close()
		return nil, err
	}
	stopKeepAlive := keepAlive(c.Client)
	c.closers = append(c.closers, func() { _ = c.Client.Close() }, stopKeepAlive)
	return c, nil
}

type operationDialer struct{ operation standin.Operation }

type dialFunc func(ctx context.Context, network, address string) (net.Conn, error)

// dial connects to an endpoint. Every error is retried up to the endpoint's limit, as a host that
// boots refuses, times out, and may show another key or know no user yet.
func (d operationDialer) dial(ctx context.Context, label string, e *endpoint, open dialFunc) (*ssh.Client, error) {
	limit := "inf"
	if e.dialErrorLimit >= 0 {
		limit = strconv.Itoa(e.dialErrorLimit)
	}
	wait := firstRetryWait
	for failures := 1; ; failures++ {
		client, err := dialOnce(ctx, e, open)
		if err == nil {
			return client, nil
		}
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		if e.dialErrorLimit >= 0 && failures > e.dialErrorLimit {
			return nil, fmt.Errorf("after %d failed attempts: %w", e.dialErrorLimit, err)
		}
		d.operation.Engine.Info(ctx, d.operation.URN, fmt.Sprintf("%s %d/%s failed: retrying", label, failures, limit))
		timer := time.NewTimer(wait)
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return nil, ctx.Err()
		}
		wait = min(time.Duration(float64(wait)*retryWaitGrowth), maxRetryWait)
	}
}

func dialOnce(ctx context.Context, e *endpoint, open dialFunc) (*ssh.Client, error) {
	conn, err := open(ctx, "tcp", e.address)
	if err != nil {
		return nil, err
	}
	// A connection through a proxy has no deadlines, so the limit closes it.
	ctx, cancel := context.WithTimeoutCause(ctx, handshakeTimeout,
		fmt.Errorf("ssh: handshake failed: %s did not answer within %s", e.address, handshakeTimeout))
	defer cancel()
	closeOnEnd := context.AfterFunc(ctx, func() { _ = conn.Close() })
	sshConn, channels, requests, err := ssh.NewClientConn(conn, e.address, e.config)
	if !closeOnEnd() {
		if err == nil {
			_ = sshConn.Close()
		}
		return nil, context.Cause(ctx)
	}
	if err != nil {
		_ = conn.Close()
		return nil, err
	}
	return ssh.NewClient(sshConn, channels, requests), nil
}

// keepAlive asks the server for a sign of life until it is stopped, and closes the connection if
// there is none.
func keepAlive(client *ssh.Client) (stop func()) {
	stopped := make(chan struct{})
	go func() {
		ticker := time.NewTicker(keepAliveInterval)
		defer ticker.Stop()
		for {
			select {
			case <-stopped:
				return
			case <-ticker.C:
			}
			deadline := time.AfterFunc(keepAliveTimeout, func() { _ = client.Close() })
			_, _, err := client.SendRequest("keepalive@openssh.com", true, nil)
			deadline.Stop()
			if err != nil {
				return
			}
		}
	}()
	return func() { close(stopped) }
}

// endReason returns why an operation's context ended, or err if it has not.
func endReason(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return err
}

func objectOf(properties resource.PropertyMap, key resource.PropertyKey) resource.PropertyMap {
	if value := properties[key]; value.IsObject() {
		return value.ObjectValue()
	}
	return nil
}
