//go:build !wasip1

package udp

import (
	"fmt"

	"probity.dev/sdk"
	"probity.dev/sdk/internal/fake"
)

func exchange(hostname string, port uint16, payload []byte, maxReply uint32, _ probity.Span) (*Reply, error) {
	target := fmt.Sprintf("%s:%d", hostname, port)
	reply, err := fake.Ask[*Reply]("udp "+target, probity.Refused)
	if err != nil {
		return nil, err
	}
	fake.Current().Hear(target, payload)
	if len(reply.Payload) > int(maxReply) {
		return nil, &probity.Error{Kind: probity.TooLarge, Message: fmt.Sprintf("the answer has more than %d bytes", maxReply)}
	}
	made := *reply
	if made.RemoteAddress == "" {
		made.RemoteAddress = target
	}
	if made.Received.IsZero() {
		made.Received = fake.Current().Now()
	}
	return &made, nil
}
