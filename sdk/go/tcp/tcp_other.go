//go:build !wasip1

package tcp

import (
	"bytes"
	"fmt"

	"probity.dev/sdk"
	"probity.dev/sdk/internal/fake"
)

// socket talks to a peer of the test.
type socket struct {
	target string
	peer   fake.Peer
	unread *bytes.Buffer
}

func connect(hostname string, port uint16, _ probity.Span) (socket, error) {
	target := fmt.Sprintf("%s:%d", hostname, port)
	peer, err := fake.Ask[fake.Peer]("tcp "+target, probity.Refused)
	return socket{target, peer, bytes.NewBufferString(peer.Says)}, err
}

func (s socket) connectMs() float64 { return max(s.peer.ConnectMs, 1) }

func (s socket) remoteAddress() string { return s.target }

func (s socket) write(sent []byte) error {
	fake.Current().Hear(s.target, sent)
	return nil
}

func (s socket) read(limit uint32, _ probity.Span) ([]byte, error) {
	if limit == 0 {
		return nil, &probity.Error{Kind: probity.InvalidArgument, Message: "the limit is 0"}
	}
	return bytes.Clone(s.unread.Next(int(limit))), nil
}

func (s socket) readUntil(delimiter []byte, limit uint32, _ probity.Span) ([]byte, error) {
	at := bytes.Index(s.unread.Bytes(), delimiter)
	switch {
	case len(delimiter) == 0:
		return nil, &probity.Error{Kind: probity.InvalidArgument, Message: "the delimiter is empty"}
	case at < 0:
		return nil, &probity.Error{Kind: probity.Protocol, Message: "the stream ended before the delimiter"}
	case at+len(delimiter) > int(limit):
		return nil, &probity.Error{Kind: probity.TooLarge, Message: fmt.Sprintf("the delimiter is not within %d bytes", limit)}
	}
	return bytes.Clone(s.unread.Next(at + len(delimiter))), nil
}

func (s socket) startTLS(_, _ string, _ probity.Span) (*TLSInfo, error) {
	if s.peer.TLS == nil {
		return nil, &probity.Error{Kind: probity.TLS, Message: "the peer of the test does not shake hands"}
	}
	return s.peer.TLS, nil
}

func (s socket) close() {}
