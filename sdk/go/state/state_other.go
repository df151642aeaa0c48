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
	host := fake.Current()
	entry, kept := host.State[key]
	if !kept || !entry.Expires.IsZero() && !host.Now().Before(entry.Expires) {
		return nil, nil
	}
	return slices.Clone(entry.Value), nil
}

func set(key string, value []byte, ttl probity.Span) error {
	if err := check(key); err != nil {
		return err
	}
	host := fake.Current()
	entry := fake.Entry{Value: append([]byte{}, value...)}
	if ttl != 0 {
		entry.Expires = host.Now().Add(time.Duration(ttl) * time.Millisecond)
	}
	host.State[key] = entry
	return nil
}

func remove(key string) error {
	delete(fake.Current().State, key)
	return check(key)
}

func increment(key string, delta int64) (int64, error) {
	value, err := get(key)
	if err != nil {
		return 0, err
	}
	var sum int64
	if value != nil {
		if sum, err = strconv.ParseInt(string(value), 10, 64); err != nil {
			return 0, invalid("state %q is not a number", key)
		}
	}
	switch {
	case delta > 0 && sum > math.MaxInt64-delta:
		sum = math.MaxInt64
	case delta < 0 && sum < math.MinInt64-delta:
		sum = math.MinInt64
	default:
		sum += delta
	}
	return sum, set(key, strconv.AppendInt(nil, sum, 10), 0)
}

func keys(prefix string) ([]string, error) {
	found := []string{}
	for key := range fake.Current().State {
		if value, err := get(key); err == nil && value != nil && strings.HasPrefix(key, prefix) {
			found = append(found, key)
		}
	}
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
