// Package heartbeats has what jobs reported to the host on POST /heartbeats/NAME.
package heartbeats

import "time"

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
func Last(name string) (*Beat, error) { return last(name) }

// Recent are the latest beats, newest first, at most limit.
func Recent(name string, limit uint32) ([]Beat, error) { return recent(name, limit) }

// OpenRun is a run that was said to start and has not ended.
type OpenRun struct {
	// ID is what the job calls it; nil for a job that does not tell its runs apart.
	ID *string
	// Started is when the start came in.
	Started time.Time
	// Age is the time since then.
	Age time.Duration
}

// Open are the runs that were said to start and have not ended, the oldest first.
func Open(name string) ([]OpenRun, error) { return open(name) }
