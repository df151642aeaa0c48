//go:build !wasip1

package clock

import (
	"time"

	"probity.dev/sdk/internal/fake"
)

func now() time.Time { return fake.Current().Now() }

func monotonic() time.Duration { return fake.Current().Slept() }

func sleep(ms uint32) { fake.Current().Sleep(time.Duration(ms) * time.Millisecond) }
