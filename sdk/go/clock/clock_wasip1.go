package clock

import (
	"time"

	wit "probity.dev/sdk/internal/wit/imports/probity_check_clock"
)

func now() time.Time { return time.UnixMilli(int64(wit.NowUnixMs())) }

func monotonic() time.Duration { return time.Duration(wit.MonotonicNs()) }

func sleep(ms uint32) { wit.SleepMs(ms) }
