// The run itself: its context, its clock, its state.
package main

import (
	"bytes"
	"strings"
	"time"

	"probity.dev/sdk"
	"probity.dev/sdk/clock"
	"probity.dev/sdk/run"
	"probity.dev/sdk/state"
)

func showContext(outcome *probity.Outcome) error {
	outcome.
		Detail("check-id", run.CheckID()).
		Detail("run-id", run.ID()).
		Detail("traceparent", text(run.Traceparent())).
		Measure("remaining-ms", run.Remaining().Milliseconds(), "").
		Measure("consecutive-failures", run.ConsecutiveFailures(), "")
	previous := run.Previous()
	if previous == nil {
		outcome.Detail("previous", "none")
		return nil
	}
	outcome.
		Detail("previous-status", status(previous.Status)).
		Detail("previous-message", previous.Message).
		Measure("previous-at-unix-ms", previous.At.UnixMilli(), "").
		Measure("previous-duration-ms", ms(previous.Duration), "")
	return nil
}

func showClock(outcome *probity.Outcome) error {
	wall, monotonic := clock.Now(), clock.Monotonic()
	clock.Sleep(250 * time.Millisecond)
	outcome.
		Measure("now-unix-ms", wall.UnixMilli(), "").
		Measure("wall-ms", clock.Now().Sub(wall).Milliseconds(), "").
		Measure("monotonic-ms", (clock.Monotonic() - monotonic).Milliseconds(), "")
	return nil
}

func showState(outcome *probity.Outcome) error {
	if err := state.Set("text", []byte("kept"), 0); err != nil {
		return err
	}
	if err := state.Set("brief", []byte("x"), 1); err != nil {
		return err
	}
	for _, sum := range []struct {
		name  string
		delta int64
	}{{"first", 5}, {"second", -7}} {
		count, err := state.Increment("count", sum.delta)
		if err != nil {
			return err
		}
		outcome.Measure(sum.name, count, "")
	}
	clock.Sleep(20 * time.Millisecond)
	for _, key := range []string{"text", "brief", "never"} {
		value, err := state.Get(key)
		if err != nil {
			return err
		}
		outcome.Detail(key, text(string(value)))
	}
	return showKeys(outcome)
}

func showKeys(outcome *probity.Outcome) error {
	if err := state.Set("gone", []byte("x"), 0); err != nil {
		return err
	}
	if err := state.Delete("gone"); err != nil {
		return err
	}
	all, err := state.Keys("")
	if err != nil {
		return err
	}
	some, err := state.Keys("te")
	outcome.Detail("all", strings.Join(all, ", ")).Detail("some", strings.Join(some, ", "))
	return err
}

func showLarge(outcome *probity.Outcome) error {
	if err := state.Set("large", bytes.Repeat([]byte("x"), 40_000), 0); err != nil {
		return err
	}
	sum := 0
	for range 300 {
		value, err := state.Get("large")
		if err != nil {
			return err
		}
		sum += len(value)
	}
	outcome.Measure("bytes", sum, "")
	return nil
}

func setEmptyKey(*probity.Outcome) error { return state.Set("", []byte("x"), 0) }
