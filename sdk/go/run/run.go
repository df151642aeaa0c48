// Package run has facts about the current run. Needs no grant.
package run

import (
	"time"

	"probity.dev/sdk"
)

// CheckID is the name this check has in the host's configuration.
func CheckID() string { return checkID() }

// ID is unique per run (UUIDv7 text): use it to tag a dummy transaction.
func ID() string { return id() }

// Traceparent is the run's W3C trace context; empty when tracing is off.
func Traceparent() string { return traceparent() }

// Remaining is the time until the host gives up on this run.
func Remaining() time.Duration { return remaining() }

// ConsecutiveFailures is how many runs failed in a row before this one.
func ConsecutiveFailures() int { return consecutiveFailures() }

// Concluded is what a run of this check concluded.
type Concluded struct {
	// Status is nil when it reached no conclusion.
	Status *probity.Status
	// Message is as shown by the host.
	Message string
	// At is when it started.
	At time.Time
	// Duration is how long it took.
	Duration time.Duration
}

// Previous is what the previous run concluded; nil on the first.
func Previous() *Concluded { return previous() }
