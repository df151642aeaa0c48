//go:build !wasip1

package tls

import (
	"fmt"

	"probity.dev/sdk"
	"probity.dev/sdk/internal/fake"
)

func inspect(hostname string, port uint16, _ string) (*Info, error) {
	return fake.Ask[*Info](fmt.Sprintf("tls %s:%d", hostname, port), probity.Refused)
}

func inspectTrusting(hostname string, port uint16, serverName, _ string) (*Info, error) {
	return inspect(hostname, port, serverName)
}

func inspectNamed(name string) ([]Certificate, error) {
	return fake.Ask[[]Certificate]("tls named "+name, probity.NotFound)
}
