// Package heartbeats has what jobs reported to the host on POST /heartbeats/NAME.
package heartbeats

import (
	"time"

	"probity.dev/sdk/internal/host"
	wit "probity.dev/sdk/internal/wit/imports/probity_check_heartbeats"
)

// Beat is one end of a job.
type Beat struct {
	// At is when it came in.
	At time.Time
	// Age is the time since then.
	Age time.Duration
	// OK is false after /fail.
	OK bool
	// Message is what the job said, in one line.
	Message string
	// DurationMs since the /start before it; nil when there was none.
	DurationMs *float64
}

// Last is the latest beat; nil when there was none yet.
func Last(name string) (*Beat, error) {
	option, err := host.Result(wit.Last(name))
	if err != nil || option.IsNone() {
		return nil, err
	}
	made := beat(option.Some())
	return &made, nil
}

// Recent are the latest beats, newest first, at most limit.
func Recent(name string, limit uint32) ([]Beat, error) {
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
