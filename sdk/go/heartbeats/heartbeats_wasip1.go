package heartbeats

import (
	"time"

	"probity.dev/sdk/internal/host"
	wit "probity.dev/sdk/internal/wit/imports/probity_check_heartbeats"
)

func last(name string) (*Beat, error) {
	option, err := host.Result(wit.Last(name))
	if err != nil || option.IsNone() {
		return nil, err
	}
	made := beat(option.Some())
	return &made, nil
}

func recent(name string, limit uint32) ([]Beat, error) {
	found, err := host.Result(wit.Recent(name, limit))
	beats := make([]Beat, 0, len(found))
	for _, one := range found {
		beats = append(beats, beat(one))
	}
	return beats, err
}

func beat(found wit.Beat) Beat {
	return Beat{
		At: time.UnixMilli(int64(found.AtUnixMs)), Age: time.Duration(found.AgeMs) * time.Millisecond,
		OK: found.Ok, Message: found.Message, DurationMs: host.Pointer(found.DurationMs),
	}
}

func open(name string) ([]OpenRun, error) {
	found, err := host.Result(wit.Open(name))
	runs := make([]OpenRun, 0, len(found))
	for _, one := range found {
		runs = append(runs, OpenRun{
			ID: host.Pointer(one.Id), Started: time.UnixMilli(int64(one.StartedUnixMs)),
			Age: time.Duration(one.AgeMs) * time.Millisecond,
		})
	}
	return runs, err
}
