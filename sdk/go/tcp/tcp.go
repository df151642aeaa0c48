// Package tcp has raw connections: banners and line protocols. The grant lists
// host:port patterns.
package tcp

import (
	"probity.dev/sdk"
	"probity.dev/sdk/internal/host"
)

// TLSInfo is a TLS session.
type TLSInfo = host.TLSInfo

// Socket is an open connection; the host closes it at the end of the run.
type Socket struct{ socket socket }

// Connect resolves and connects. A timeout of 0 is what is left of the run.
func Connect(hostname string, port uint16, timeout probity.Span) (*Socket, error) {
	connected, err := connect(hostname, port, timeout)
	if err != nil {
		return nil, err
	}
	return &Socket{connected}, nil
}

// ConnectMs is how long connecting took.
func (s *Socket) ConnectMs() float64 { return s.socket.connectMs() }

// RemoteAddress is the address that answered.
func (s *Socket) RemoteAddress() string { return s.socket.remoteAddress() }

// Write writes all bytes.
func (s *Socket) Write(bytes []byte) error { return s.socket.write(bytes) }

// Read reads at least one byte and at most limit; nothing at the end of the stream.
func (s *Socket) Read(limit uint32, timeout probity.Span) ([]byte, error) {
	return s.socket.read(limit, timeout)
}

// ReadUntil reads through delimiter, which is part of what is returned; too-large
// when it does not come within limit bytes.
func (s *Socket) ReadUntil(delimiter []byte, limit uint32, timeout probity.Span) ([]byte, error) {
	return s.socket.readUntil(delimiter, limit, timeout)
}

// StartTLS begins TLS on the way, once the protocol agreed to. A certificate that
// is not trusted is an answer: see Distrust. An empty serverName is the host; an
// empty authority is what the system trusts, another one is declared in the host's
// configuration and needs a grant of its own.
func (s *Socket) StartTLS(serverName, authority string, timeout probity.Span) (*TLSInfo, error) {
	return s.socket.startTLS(serverName, authority, timeout)
}

// Close closes it.
func (s *Socket) Close() { s.socket.close() }
