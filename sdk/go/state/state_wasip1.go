package state

import (
	witTypes "probity.dev/sdk/internal/pkg/wit/types"

	"probity.dev/sdk"
	"probity.dev/sdk/internal/host"
	wit "probity.dev/sdk/internal/wit/imports/probity_check_state"
)

func get(key string) ([]byte, error) {
	option, err := host.Result(wit.Get(key))
	if err != nil || option.IsNone() {
		return nil, err
	}
	return option.Some(), nil
}

func set(key string, value []byte, ttl probity.Span) error {
	expiry := witTypes.None[uint64]()
	if ttl != 0 {
		expiry = witTypes.Some(uint64(ttl))
	}
	return host.Done(wit.Set(key, value, expiry))
}

func remove(key string) error { return host.Done(wit.Delete(key)) }

func increment(key string, delta int64) (int64, error) { return host.Result(wit.Increment(key, delta)) }

func keys(prefix string) ([]string, error) { return host.Result(wit.Keys(prefix)) }
