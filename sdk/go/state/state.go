// Package state keeps a few bytes between runs, private to one check. Needs no
// grant; the host caps keys, bytes and their sum (quota).
package state

import (
	"encoding/json"
	"fmt"

	"probity.dev/sdk"
)

// Get is the value of key; nil when there is none, or it has expired.
func Get(key string) ([]byte, error) { return get(key) }

// GetJSON reads the value of key into a pointer, and tells whether there was one.
func GetJSON(key string, into any) (bool, error) {
	value, err := Get(key)
	if err != nil || value == nil {
		return false, err
	}
	if err := json.Unmarshal(value, into); err != nil {
		return false, &probity.Error{Kind: probity.Protocol, Message: fmt.Sprintf("state %q: %v", key, err)}
	}
	return true, nil
}

// Set sets key, for good when ttl is 0, else until it has passed.
func Set(key string, value []byte, ttl probity.Span) error { return set(key, value, ttl) }

// SetJSON sets key to a value as JSON.
func SetJSON(key string, value any, ttl probity.Span) error {
	document, err := json.Marshal(value)
	if err != nil {
		return &probity.Error{Kind: probity.InvalidArgument, Message: err.Error()}
	}
	return Set(key, document, ttl)
}

// Delete removes key; nothing happens when there is none.
func Delete(key string) error { return remove(key) }

// Increment adds delta to the number at key, atomically, and returns the sum. A
// missing key counts as 0.
func Increment(key string, delta int64) (int64, error) { return increment(key, delta) }

// Keys are the keys that start with prefix, in order.
func Keys(prefix string) ([]string, error) { return keys(prefix) }
