package secrets

import (
	"probity.dev/sdk/internal/host"
	wit "probity.dev/sdk/internal/wit/imports/probity_check_secrets"
)

func hmacSHA256(name string, data []byte) ([]byte, error) {
	return host.Result(wit.HmacSha256(name, data))
}

func matches(name string, candidate []byte) (bool, error) {
	return host.Result(wit.Matches(name, candidate))
}

func reveal(name string) (string, error) { return host.Result(wit.Reveal(name)) }
