//go:build !wasip1

package peers

import (
	"probity.dev/sdk"
	"probity.dev/sdk/internal/fake"
)

func latest(id string) (*Snapshot, error) { return fake.Ask[*Snapshot]("peer "+id, probity.NotFound) }

func byTag(tag string) ([]Named, error) {
	asked := "peers of " + tag
	if !fake.Current().Knows(asked) {
		return []Named{}, nil
	}
	return fake.Ask[[]Named](asked, probity.NotFound)
}
