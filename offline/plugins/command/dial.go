package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strconv"
	"time"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	"github.com/pulumi/pulumi/sdk/v3/go/common/util/retry"
	"golang.org/x/crypto/ssh"

	"kafkalab/providers/internal/standin"
)

// The limits that the official plugin lacks. They are variables so that tests need not wait.
var (
	// handshakeTimeout bounds what follows the TCP connect. It is the time that sshd gives a client.
	handshakeTimeout = 2 * time.Minute
	// keepAliveInterval and keepAliveTimeout find a host that has vanished while a command runs.
	keepAliveInterval = 15 * time.Second
	keepAliveTimeout  = 60 * time.Second
)

// connection is the SSH connection of one operation, perhaps through a proxy. Close it after use.
type connection struct {
	*ssh.Client
	closers []func()
}

func (c *connection) close() {
	for i := len(c.closers) - 1; i >= 0; i-- {
		c.closers[i]()
	}
}

// connect dials the host of plain inputs and retries as the connection asks.
func connect(ctx context.Context, operation standin.Operation, inputs resource.PropertyMap) (*connection, error) {
	properties := objectOf(inputs, "connection")
	target, err := newEndpoint(properties)
	if err != nil {
		return nil, err
	}
	c := &connection{closers: []func(){target.close}}
	d := dialer{ctx, operation}
	if has(properties, "proxy") {
		if err = c.dialThrough(d, objectOf(properties, "proxy"), target); err != nil {
			err = fmt.Errorf("proxy: %w", err)
		}
	} else {
		c.Client, err = d.dial("Dial", target)
	}
	if err != nil {
		c.close()
		return nil, err
	}
	stopKeepAlive := keepAlive(c.Client)
	c.closers = append(c.closers, func() { _ = c.Client.Close() }, stopKeepAlive)
	return c, nil
}

// dialThrough dials the proxy, then asks it for a connection to the target, and then shakes hands with
// the target on that connection. As in the official plugin, each of the three steps is retried on its
// own: after a failed handshake the connection is closed, so every further handshake on it fails too.
func (c *connection) dialThrough(d dialer, proxyProperties resource.PropertyMap, target *endpoint) error {
	proxy, err := newEndpoint(proxyProperties)
	if err != nil {
		return err
	}
	c.closers = append(c.closers, proxy.close)
	bastion, err := d.dial("Dial proxy", proxy)
	if err != nil {
		return err
	}
	c.closers = append(c.closers, func() { _ = bastion.Close() })
	conn, err := retried(d, "Dial from proxy", target.dialErrorLimit, func() (net.Conn, error) {
		return bastion.DialContext(d.ctx, "tcp", target.address)
	})
	if err != nil {
		return err
	}
	c.Client, err = retried(d, "Dial", target.dialErrorLimit, func() (*ssh.Client, error) {
		return shakeHands(d.ctx, conn, target)
	})
	return err
}

// dialer dials for one operation.
type dialer struct {
	ctx       context.Context
	operation standin.Operation
}

// dial connects to an endpoint on its own network. Its limit covers connect and handshake together.
func (d dialer) dial(label string, e *endpoint) (*ssh.Client, error) {
	network := net.Dialer{Timeout: e.dialTimeout}
	return retried(d, label, e.dialErrorLimit, func() (*ssh.Client, error) {
		conn, err := network.DialContext(d.ctx, "tcp", e.address)
		if err != nil {
			return nil, err
		}
		return shakeHands(d.ctx, conn, e)
	})
}

// retried repeats a step of dialling until it succeeds or has failed more often than the limit allows.
// Every error counts, as a host that boots refuses, times out, and may know no user yet. The waits are
// those of Pulumi's retry package, which the official plugin uses.
func retried[T any](d dialer, label string, limit int, step func() (T, error)) (T, error) {
	var result T
	done, _, err := retry.Until(d.ctx, retry.Acceptor{Accept: func(try int, _ time.Duration) (bool, any, error) {
		var err error
		var mute *muteError
		switch result, err = step(); {
		case err == nil:
			return true, nil, nil
		case d.ctx.Err() != nil:
			return false, nil, d.ctx.Err()
		case errors.As(err, &mute):
			return false, nil, err
		case limit > noLimit && try >= limit:
			return false, nil, fmt.Errorf("after %d failed attempts: %w", try, err)
		}
		attempts := strconv.Itoa(limit)
		if limit == noLimit {
			attempts = "inf"
		}
		d.operation.Engine.Info(d.ctx, d.operation.URN,
			fmt.Sprintf("%s %d/%s failed: retrying", label, try+1, attempts))
		return false, nil, nil
	}})
	if err == nil && !done {
		err = d.ctx.Err()
	}
	return result, err
}

// noLimit is the dialErrorLimit of a host that is dialled again and again. So is any lower number.
const noLimit = -1

// muteError is the end of an operation whose server accepts connections but says nothing. The official
// plugin waits for ever, so to dial once more would be more than it does.
type muteError struct{ address string }

func (e *muteError) Error() string {
	return fmt.Sprintf("ssh: handshake failed: %s did not answer within %s", e.address, handshakeTimeout)
}

// shakeHands makes a network connection an SSH connection, or closes it.
func shakeHands(ctx context.Context, conn net.Conn, e *endpoint) (*ssh.Client, error) {
	// A connection through a proxy has no deadlines, so the limit closes it.
	ctx, cancel := context.WithTimeoutCause(ctx, handshakeTimeout, &muteError{e.address})
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
		return nil, err // the connection is closed
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
