//go:build !wasip1

package state

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"probity.dev/sdk"
	"probity.dev/sdk/internal/fake"
)

func get(key string) ([]byte, error) {
	if err := check(key); err != nil {
		return nil, err
	}
	var value []byte
	fake.Current().State(func(kept map[string]fake.Entry, _ time.Time) { value = slices.Clone(kept[key].Value) })
	return value, nil
}

func set(key string, value []byte, ttl probity.Span) error {
	if err := check(key); err != nil {
		return err
	}
	entry := fake.Entry{Value: append([]byte{}, value...)}
	fake.Current().State(func(kept map[string]fake.Entry, now time.Time) {
		if ttl != 0 {
			entry.Expires = now.Add(time.Duration(ttl) * time.Millisecond)
		}
		kept[key] = entry
	})
	return nil
}

func remove(key string) error {
	if err := check(key); err != nil {
		return err
	}
	fake.Current().State(func(kept map[string]fake.Entry, _ time.Time) { delete(kept, key) })
	return nil
}

// increment leaves a key that expires its expiry, as the host does.
func increment(key string, delta int64) (sum int64, err error) {
	if err := check(key); err != nil {
		return 0, err
	}
	fake.Current().State(func(kept map[string]fake.Entry, _ time.Time) {
		entry, found := kept[key]
		if found {
			if sum, err = strconv.ParseInt(string(entry.Value), 10, 64); err != nil {
				sum, err = 0, invalid("state %q is not a number", key)
				return
			}
		}
		sum = add(sum, delta)
		entry.Value = strconv.AppendInt(nil, sum, 10)
		kept[key] = entry
	})
	return sum, err
}

// add stays at the ends.
func add(sum, delta int64) int64 {
	switch {
	case delta > 0 && sum > math.MaxInt64-delta:
		return math.MaxInt64
	case delta < 0 && sum < math.MinInt64-delta:
		return math.MinInt64
	default:
		return sum + delta
	}
}

func keys(prefix string) ([]string, error) {
	found := []string{}
	fake.Current().State(func(kept map[string]fake.Entry, _ time.Time) {
		for key := range kept {
			if strings.HasPrefix(key, prefix) {
				found = append(found, key)
			}
		}
	})
	slices.Sort(found)
	return found, nil
}

func check(key string) error {
	if len(key) == 0 || len(key) > 256 {
		return invalid("a state key has 1 to 256 bytes")
	}
	return nil
}

func invalid(format string, args ...any) error {
	return &probity.Error{Kind: probity.InvalidArgument, Message: fmt.Sprintf(format, args...)}
}
