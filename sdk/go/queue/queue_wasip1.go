package queue

import (
	"probity.dev/sdk/internal/host"
	wit "probity.dev/sdk/internal/wit/imports/probity_check_queue"
)

func inspect(name string) (*Stats, error) {
	stats, err := host.Result(wit.Inspect(name))
	if err != nil {
		return nil, err
	}
	return &Stats{
		Depth: host.Pointer(stats.Depth), InFlight: host.Pointer(stats.InFlight), Consumers: host.Pointer(stats.Consumers),
		OldestAgeMs: host.Pointer(stats.OldestAgeMs), Lag: host.Pointer(stats.Lag),
	}, nil
}

func publish(name string, payload []byte) error { return host.Done(wit.Publish(name, payload)) }
