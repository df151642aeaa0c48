// Package secrets uses secrets that stay in the host.
package secrets

import (
	"probity.dev/sdk/internal/host"
	wit "probity.dev/sdk/internal/wit/imports/probity_check_secrets"
)

// HMACSHA256 of data with the secret name: 32 bytes.
func HMACSHA256(name string, data []byte) ([]byte, error) {
	return host.Result(wit.HmacSha256(name, data))
}

// Matches tells whether candidate is the secret, compared in constant time.
func Matches(name string, candidate []byte) (bool, error) {
	return host.Result(wit.Matches(name, candidate))
}

// Reveal is the value itself; needs NAME:reveal. Whatever the check emits, the
// host takes it out again.
func Reveal(name string) (string, error) { return host.Result(wit.Reveal(name)) }
