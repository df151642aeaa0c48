// Package clock is time as the host has it. Needs no grant. Package time works
// as well; a [Sleep] spends no fuel.
package clock

import (
	"time"

	wit "probity.dev/sdk/internal/wit/imports/probity_check_clock"
)

// Now is wall-clock time.
func Now() time.Time { return time.UnixMilli(int64(wit.NowUnixMs())) }

// Monotonic never goes back; since an arbitrary start.
func Monotonic() time.Duration { return time.Duration(wit.MonotonicNs()) }

// Sleep waits. A sleep past the run's deadline ends the run.
func Sleep(span time.Duration) { wit.SleepMs(uint32(min(max(span.Milliseconds(), 0), 0xffff_ffff))) }
