// Package probitytest runs a check in go test, against a host that answers what
// the test says:
//
//	func TestOldOrdersAreUnhealthy(t *testing.T) {
//		host := probitytest.New().HTTP("GET", "http://shop.test/orders", probitytest.JSON(map[string]any{"oldest_ms": 900_000}))
//		outcome, err := probitytest.Run(host, backlog{}, map[string]any{"url": "http://shop.test/orders"})
//		if err != nil || outcome.Status != probity.Unhealthy {
//			t.Errorf("%v, %v", outcome, err)
//		}
//	}
//
// What the test says nothing about is refused, not found, or fails. Several
// answers to the same question come in their order, the last again and again.
// Cases for probity test need none of this, and run the component itself.
package probitytest

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"probity.dev/sdk"
	"probity.dev/sdk/internal/fake"
	"probity.dev/sdk/log"
	"probity.dev/sdk/run"
)

// Host is what a check finds around it. Its clock begins at 2025-01-01T00:00:00Z
// and moves when the check sleeps, which takes no time. State is kept from run
// to run.
type Host struct{ fake *fake.Host }

// New is a host that knows nothing yet.
func New() *Host { return &Host{fake.New()} }

// Run is one run of a check, with its configuration as in the operator's file: a
// map, or anything else that encoding/json makes an object of; nil is an empty
// one. A panic of the check goes on.
func Run[C any](host *Host, check probity.Check[C], config any) (*probity.Outcome, error) {
	document := []byte("{}")
	if config != nil {
		var err error
		if document, err = json.Marshal(config); err != nil {
			return nil, fmt.Errorf("the configuration: %w", err)
		}
	}
	defer host.fake.Enter()()
	return probity.Evaluate(check, string(document))
}

// Fail lets what is asked fail. It is written as in the answers of cases: "GET
// http://shop.test/orders", "tcp mail.test:25", "dns MX shop.test", "sql orders
// open", "sql orders query SELECT 1", "redis cache command LLEN mails", "queue
// jobs", "queue jobs publish", "secret webhook", "heartbeat backup", "peer shop",
// "system memory", "system disk /var".
func (h *Host) Fail(asked string, kind probity.Kind, message string) *Host {
	return h.FailWith(asked, &probity.Error{Kind: kind, Message: message})
}

// FailWith is [Host.Fail] with a native code as well.
func (h *Host) FailWith(asked string, err *probity.Error) *Host {
	if strings.HasPrefix(asked, "sql ") || strings.HasPrefix(asked, "redis ") {
		asked = words(asked)
	}
	h.fake.Fail(asked, err)
	return h
}

func (h *Host) answer(asked string, value any) *Host {
	h.fake.Answer(asked, value)
	return h
}

// Now sets the clock.
func (h *Host) Now(now time.Time) *Host {
	h.fake.SetNow(now)
	return h
}

// CheckID names the check; test without it.
func (h *Host) CheckID(name string) *Host {
	h.fake.CheckID = name
	return h
}

// Previous is what the run before concluded, and how many failed in a row.
func (h *Host) Previous(previous *run.Concluded, failures int) *Host {
	h.fake.Previous, h.fake.ConsecutiveFailures = previous, failures
	return h
}

// State keeps a value, as an earlier run would have.
func (h *Host) State(key, value string) *Host {
	h.fake.State(func(kept map[string]fake.Entry, _ time.Time) { kept[key] = fake.Entry{Value: []byte(value)} })
	return h
}

// Kept is what the check keeps under key; empty when there is nothing.
func (h *Host) Kept(key string) (value string) {
	h.fake.State(func(kept map[string]fake.Entry, _ time.Time) { value = string(kept[key].Value) })
	return value
}

// Line is a line that the check logged.
type Line struct {
	Level   log.Level
	Message string
	Fields  [][2]string
}

// Logged are the lines of all runs, in order.
func (h *Host) Logged() []Line {
	logged := h.fake.Deeds().Lines
	lines := make([]Line, 0, len(logged))
	for _, line := range logged {
		lines = append(lines, Line{log.Level(line.Level), line.Message, line.Fields})
	}
	return lines
}
