// Package peers has the latest results of other checks.
package peers

import (
	"time"

	"probity.dev/sdk"
	"probity.dev/sdk/internal/host"
	wit "probity.dev/sdk/internal/wit/imports/probity_check_peers"
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
func Latest(id string) (*Snapshot, error) {
	found, err := host.Result(wit.Latest(id))
	if err != nil {
		return nil, err
	}
	made := snapshot(found)
	return &made, nil
}

// Named is a check of a group.
type Named struct {
	Name string
	Snapshot
}

// ByTag are the checks of a group, in order of names.
func ByTag(tag string) ([]Named, error) {
	found, err := host.Result(wit.ByTag(tag))
	named := make([]Named, 0, len(found))
	for _, one := range found {
		named = append(named, Named{one.F0, snapshot(one.F1)})
	}
	return named, err
}

func snapshot(found wit.Snapshot) Snapshot {
	return Snapshot{
		Status: host.Status(found.Status), Message: found.Message, At: time.UnixMilli(int64(found.AtUnixMs)), Stale: found.Stale,
	}
}
