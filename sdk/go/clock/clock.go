// Package clock is time as the host has it. Needs no grant. Package time works
// as well; a [Sleep] spends no fuel.
package clock

import "time"

// Now is wall-clock time.
func Now() time.Time { return now() }

// Monotonic never goes back; since an arbitrary start.
func Monotonic() time.Duration { return monotonic() }

// Sleep waits. A sleep past the run's deadline ends the run.
func Sleep(span time.Duration) { sleep(uint32(min(max(span.Milliseconds(), 0), 0xffff_ffff))) }
