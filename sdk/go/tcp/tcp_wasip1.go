package tcp

import (
	"probity.dev/sdk"
	"probity.dev/sdk/internal/host"
	wit "probity.dev/sdk/internal/wit/imports/probity_check_tcp"
)

type socket struct{ *wit.Socket }

func connect(hostname string, port uint16, timeout probity.Span) (socket, error) {
	connected, err := host.Result(wit.SocketConnect(hostname, port, host.Timeout(timeout)))
	return socket{connected}, err
}

func (s socket) connectMs() float64 { return s.ConnectMs() }

func (s socket) remoteAddress() string { return s.RemoteAddress() }

func (s socket) write(bytes []byte) error { return host.Done(s.Write(bytes)) }

func (s socket) read(limit uint32, timeout probity.Span) ([]byte, error) {
	return host.Result(s.Read(limit, host.Timeout(timeout)))
}

func (s socket) readUntil(delimiter []byte, limit uint32, timeout probity.Span) ([]byte, error) {
	return host.Result(s.ReadUntil(delimiter, limit, host.Timeout(timeout)))
}

func (s socket) startTLS(serverName, authority string, timeout probity.Span) (*TLSInfo, error) {
	info, err := host.Result(s.StartTls(host.Text(serverName), host.Text(authority), host.Timeout(timeout)))
	if err != nil {
		return nil, err
	}
	return host.TLS(info), nil
}

func (s socket) close() { s.Drop() }
