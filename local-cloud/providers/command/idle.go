package main

import (
	"encoding/json"
	"slices"
	"sync"
	"time"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
)

// idleTime is how long a connection waits for the next operation before it is closed. It is a
// variable so that tests need not wait.
var idleTime = 30 * time.Second

// signTimeout is how long a host has to show that an idle connection still reaches it.
const signTimeout = time.Second

// idle holds the connections whose operation has ended well. To log in costs a host far more than a
// short command does, and most commands follow another one on their host.
var idle = idleConnections{byEndpoint: map[string][]*connection{}}

// idleConnections holds connections that no operation uses, by all that they were made with.
type idleConnections struct {
	mutex      sync.Mutex
	byEndpoint map[string][]*connection
}

// endpointKey tells connections apart: two are alike if each of their properties is.
func endpointKey(properties resource.PropertyMap) (string, error) {
	text, err := json.Marshal(properties.Mappable())
	return string(text), err
}

// put takes a connection from its operation.
func (i *idleConnections) put(c *connection) {
	i.mutex.Lock()
	defer i.mutex.Unlock()
	i.byEndpoint[c.key] = append(i.byEndpoint[c.key], c)
	c.expiry = time.AfterFunc(idleTime, func() {
		if i.remove(c) {
			c.close()
		}
	})
}

// take gives a connection that is alive to an operation, which has it for itself, or nil.
func (i *idleConnections) take(key string) *connection {
	for {
		i.mutex.Lock()
		waiting := i.byEndpoint[key]
		i.mutex.Unlock()
		if len(waiting) == 0 {
			return nil
		}
		if c := waiting[0]; i.remove(c) && c.alive() {
			return c
		}
	}
}

// remove says whether the connection was still idle.
func (i *idleConnections) remove(c *connection) bool {
	i.mutex.Lock()
	defer i.mutex.Unlock()
	c.expiry.Stop()
	waiting := i.byEndpoint[c.key]
	at := slices.Index(waiting, c)
	if at < 0 {
		return false
	}
	i.byEndpoint[c.key] = slices.Concat(waiting[:at], waiting[at+1:])
	return true
}

// alive says whether the host answers. If it does not, the connection is closed.
func (c *connection) alive() bool {
	deadline := time.AfterFunc(signTimeout, func() { _ = c.Client.Close() })
	_, _, err := c.Client.SendRequest("keepalive@openssh.com", true, nil)
	if !deadline.Stop() || err != nil {
		c.close()
		return false
	}
	return true
}
