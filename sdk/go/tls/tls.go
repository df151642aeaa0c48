// Package tls inspects TLS handshakes and stored certificates, to watch when
// they expire.
package tls

import (
	witTypes "go.bytecodealliance.org/pkg/wit/types"

	"probity.dev/sdk/internal/host"
	wit "probity.dev/sdk/internal/wit/imports/probity_check_tls"
)

// Info is a TLS session.
type Info = host.TLSInfo

// Certificate is one of a chain.
type Certificate = host.Certificate

// Inspect connects, shakes hands, hangs up. A certificate that is not trusted is
// an answer: see Distrust. An empty serverName is the host.
func Inspect(hostname string, port uint16, serverName string) (*Info, error) {
	name := witTypes.None[string]()
	if serverName != "" {
		name = witTypes.Some(serverName)
	}
	info, err := host.Result(wit.Inspect(hostname, port, name))
	if err != nil {
		return nil, err
	}
	return host.TLS(info), nil
}

// InspectNamed has the certificates in a file that the host's configuration declares.
func InspectNamed(name string) ([]Certificate, error) {
	chain, err := host.Result(wit.InspectNamed(name))
	return host.Certificates(chain), err
}
