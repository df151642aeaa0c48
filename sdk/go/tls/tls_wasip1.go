package tls

import (
	"probity.dev/sdk/internal/host"
	wit "probity.dev/sdk/internal/wit/imports/probity_check_tls"
)

func inspect(hostname string, port uint16, serverName string) (*Info, error) {
	info, err := host.Result(wit.Inspect(hostname, port, host.Text(serverName)))
	if err != nil {
		return nil, err
	}
	return host.TLS(info), nil
}

func inspectTrusting(hostname string, port uint16, serverName, authority string) (*Info, error) {
	info, err := host.Result(wit.InspectTrusting(hostname, port, host.Text(serverName), authority))
	if err != nil {
		return nil, err
	}
	return host.TLS(info), nil
}

func inspectNamed(name string) ([]Certificate, error) {
	chain, err := host.Result(wit.InspectNamed(name))
	return host.Certificates(chain), err
}
