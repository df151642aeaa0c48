package run

import (
	"time"

	"probity.dev/sdk/internal/host"
	wit "probity.dev/sdk/internal/wit/imports/probity_check_context"
)

func checkID() string { return wit.CheckId() }

func id() string { return wit.RunId() }

func traceparent() string { return wit.Traceparent().SomeOr("") }

func remaining() time.Duration { return time.Duration(wit.RemainingMs()) * time.Millisecond }

func consecutiveFailures() int { return int(wit.ConsecutiveFailures()) }

func previous() *Concluded {
	option := wit.Previous()
	if option.IsNone() {
		return nil
	}
	run := option.Some()
	return &Concluded{
		Status: host.Status(run.Status), Message: run.Message, At: time.UnixMilli(int64(run.AtUnixMs)),
		Duration: time.Duration(run.DurationMs * float64(time.Millisecond)),
	}
}
