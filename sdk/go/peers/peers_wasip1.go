package peers

import (
	"time"

	"probity.dev/sdk/internal/host"
	wit "probity.dev/sdk/internal/wit/imports/probity_check_peers"
)

func latest(id string) (*Snapshot, error) {
	found, err := host.Result(wit.Latest(id))
	if err != nil {
		return nil, err
	}
	made := snapshot(found)
	return &made, nil
}

func byTag(tag string) ([]Named, error) {
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
