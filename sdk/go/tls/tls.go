// Package tls inspects TLS handshakes and stored certificates, to watch when
// they expire.
package tls

import "probity.dev/sdk/internal/host"

// Info is a TLS session.
type Info = host.TLSInfo

// Certificate is one of a chain.
type Certificate = host.Certificate

// Inspect connects, shakes hands, hangs up. A certificate that is not trusted is
// an answer: see Distrust. An empty serverName is the host.
func Inspect(hostname string, port uint16, serverName string) (*Info, error) {
	return inspect(hostname, port, serverName)
}

// InspectTrusting is the same, trusting an authority that the host's configuration
// declares instead of the system's.
func InspectTrusting(hostname string, port uint16, serverName, authority string) (*Info, error) {
	return inspectTrusting(hostname, port, serverName, authority)
}

// InspectNamed has the certificates in a file that the host's configuration declares.
func InspectNamed(name string) ([]Certificate, error) { return inspectNamed(name) }
