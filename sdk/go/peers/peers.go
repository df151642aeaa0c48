// Package peers has the latest results of other checks.
package peers

import (
	"time"

	"probity.dev/sdk"
)

// Snapshot is what another check concluded last.
type Snapshot struct {
	// Status is nil while it is unknown.
	Status *probity.Status
	// Message is its one line.
	Message string
	// At is when its latest run started.
	At time.Time
	// Stale tells whether that is longer ago than the check's own limit.
	Stale bool
}

// Latest is the latest result of the check id.
func Latest(id string) (*Snapshot, error) { return latest(id) }

// Named is a check of a group.
type Named struct {
	Name string
	Snapshot
}

// ByTag are the checks of a group, in order of names.
func ByTag(tag string) ([]Named, error) { return byTag(tag) }
