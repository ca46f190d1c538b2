package standin

import (
	"os"
	"strings"
	"testing"
)

func TestEngineAddress(t *testing.T) {
	for name, test := range map[string]struct {
		args          []string
		address, want string
	}{
		"address":         {[]string{"127.0.0.1:1"}, "127.0.0.1:1", ""},
		"logging ignored": {[]string{"--logtostderr", "-v=11", "--tracing", "x", "127.0.0.1:1"}, "127.0.0.1:1", ""},
		"none":            {nil, "", "usage: " + os.Args[0] + " <engine address>; the Pulumi engine starts this plugin"},
		"two":             {[]string{"a", "b"}, "", "usage: "},
		"unknown flag":    {[]string{"--no-such", "a"}, "", "flag provided but not defined: -no-such"},
	} {
		t.Run(name, func(t *testing.T) {
			address, err := engineAddress(test.args)
			equal(t, "the address", address, test.address)
			equal(t, "an error", err != nil, test.want != "")
			if err != nil && !strings.HasPrefix(err.Error(), test.want) {
				t.Errorf("the error is %q; want %q", err, test.want)
			}
		})
	}
}
