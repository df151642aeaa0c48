// Package udp exchanges one datagram for its answer. The grant lists host:port
// patterns.
package udp

import (
	"time"

	"probity.dev/sdk"
)

// Reply is the answer.
type Reply struct {
	Payload []byte
	// RemoteAddress sent it, which is who was asked: 192.0.2.7:123.
	RemoteAddress string
	// Elapsed is from sending to receiving.
	Elapsed time.Duration
	// Received is when it came, by the host's clock.
	Received time.Time
}

// Exchange sends one datagram of at most 1472 bytes and waits for one of at most
// maxReply bytes from the same address. Nothing is sent again: a lost one is a
// timeout. A timeout of 0 is what is left of the run.
func Exchange(hostname string, port uint16, payload []byte, maxReply uint32, timeout probity.Span) (*Reply, error) {
	return exchange(hostname, port, payload, maxReply, timeout)
}
