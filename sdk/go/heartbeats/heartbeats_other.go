//go:build !wasip1

package heartbeats

import (
	"probity.dev/sdk"
	"probity.dev/sdk/internal/fake"
)

func last(name string) (*Beat, error) {
	beats, err := recent(name, 1)
	if err != nil || len(beats) == 0 {
		return nil, err
	}
	return &beats[0], nil
}

func recent(name string, limit uint32) ([]Beat, error) {
	beats, err := fake.Ask[[]Beat]("heartbeat "+name, probity.NotFound)
	return beats[:min(len(beats), int(limit))], err
}

func open(name string) ([]OpenRun, error) {
	if _, err := recent(name, 0); err != nil {
		return nil, err
	}
	runs, err := fake.Ask[[]OpenRun]("open runs of "+name, probity.NotFound)
	if err != nil {
		return nil, nil
	}
	return runs, nil
}
