package udp

import (
	"time"

	"probity.dev/sdk"
	"probity.dev/sdk/internal/host"
	wit "probity.dev/sdk/internal/wit/imports/probity_check_udp"
)

func exchange(hostname string, port uint16, payload []byte, maxReply uint32, timeout probity.Span) (*Reply, error) {
	reply, err := host.Result(wit.Exchange(hostname, port, payload, maxReply, host.Timeout(timeout)))
	if err != nil {
		return nil, err
	}
	return &Reply{
		Payload: reply.Payload, RemoteAddress: reply.RemoteAddress,
		Elapsed:  time.Duration(reply.ElapsedMs * float64(time.Millisecond)),
		Received: time.Unix(0, int64(reply.ReceivedUnixNs)),
	}, nil
}
