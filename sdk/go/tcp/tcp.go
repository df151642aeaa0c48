// Package tcp has raw connections: banners and line protocols. The grant lists
// host:port patterns.
package tcp

import (
	"probity.dev/sdk"
	"probity.dev/sdk/internal/host"
	wit "probity.dev/sdk/internal/wit/imports/probity_check_tcp"
)

// Socket is an open connection; the host closes it at the end of the run.
type Socket struct{ socket *wit.Socket }

// Connect resolves and connects. A timeout of 0 is what is left of the run.
func Connect(hostname string, port uint16, timeout probity.Span) (*Socket, error) {
	socket, err := host.Result(wit.SocketConnect(hostname, port, host.Timeout(timeout)))
	if err != nil {
		return nil, err
	}
	return &Socket{socket}, nil
}

// ConnectMs is how long connecting took.
func (s *Socket) ConnectMs() float64 { return s.socket.ConnectMs() }

// RemoteAddress is the address that answered.
func (s *Socket) RemoteAddress() string { return s.socket.RemoteAddress() }

// Write writes all bytes.
func (s *Socket) Write(bytes []byte) error { return host.Done(s.socket.Write(bytes)) }

// Read reads at least one byte and at most limit; nothing at the end of the stream.
func (s *Socket) Read(limit uint32, timeout probity.Span) ([]byte, error) {
	return host.Result(s.socket.Read(limit, host.Timeout(timeout)))
}

// ReadUntil reads through delimiter, which is part of what is returned; too-large
// when it does not come within limit bytes.
func (s *Socket) ReadUntil(delimiter []byte, limit uint32, timeout probity.Span) ([]byte, error) {
	return host.Result(s.socket.ReadUntil(delimiter, limit, host.Timeout(timeout)))
}

// StartTLS begins TLS on the way, once the protocol agreed to. A certificate that
// is not trusted is an answer: see Distrust. An empty serverName is the host; an
// empty authority is what the system trusts, another one is declared in the host's
// configuration and needs a grant of its own.
func (s *Socket) StartTLS(serverName, authority string, timeout probity.Span) (*host.TLSInfo, error) {
	info, err := host.Result(s.socket.StartTls(host.Text(serverName), host.Text(authority), host.Timeout(timeout)))
	if err != nil {
		return nil, err
	}
	return host.TLS(info), nil
}

// Close closes it.
func (s *Socket) Close() { s.socket.Drop() }
