// Package probity is the author kit for Probity checks in Go.
//
// A check is a type with [Check]'s methods, handed to [Export] in an init
// function of package main:
//
//	type config struct {
//		URL    string                       `json:"url"`
//		Oldest probity.AtMost[probity.Span] `json:"oldest,omitempty"`
//	}
//
//	type backlog struct{}
//
//	func (backlog) Describe() probity.Metadata {
//		return probity.Metadata{Name: "orders-backlog", Description: "Is every order being paid?"}
//	}
//
//	func (backlog) Run(config config) (*probity.Outcome, error) {
//		response, err := http.Get(config.URL)
//		if err != nil {
//			return nil, err
//		}
//		var orders struct {
//			OldestMs float64 `json:"oldest_ms"`
//		}
//		if err := response.JSON(&orders); err != nil {
//			return nil, err
//		}
//		return probity.NewHealthy("every order is paid").
//			Judge("oldest", orders.OldestMs, "ms", config.Oldest), nil
//	}
//
//	func init() { probity.Export(backlog{}) }
//
//	func main() {}
//
// Capabilities are packages of their own: http, sql, redis, queue, state,
// system and so on. A component imports those that it calls and no other, so
// what it uses is what an operator must grant.
//
// Bad news has three shapes: an unhealthy [Outcome] is a judgement about the
// system; an error says that no judgement was possible (the host reports
// unknown); a panic ends the run as a trap, with its stack in the log.
package probity

import "errors"

// Probe is a probe that a check is meant for: a hint to the operator, who decides.
type Probe uint8

const (
	// Live: "restart me". Almost never right for a check of a dependency.
	Live Probe = 1 << iota
	// Ready: "send me traffic".
	Ready
	// Startup: "I am done starting".
	Startup
)

// Metadata are static facts about a check. Only the name is needed.
type Metadata struct {
	// Name is the plugin's: lower case, digits, hyphens.
	Name string
	// Version is its own, 0.1.0 when empty.
	Version string
	// Description is one sentence: the question this check answers.
	Description string
	// Probes are those it is meant for.
	Probes []Probe
	// Every is the time between runs when the operator does not say.
	Every Span
	// Timeout is the time a run may take when the operator does not say.
	Timeout Span
	// ConfigSchema is a JSON Schema (2020-12) of the configuration; the host validates with it.
	ConfigSchema string
	// ConfigExample is a configuration that works, as JSON.
	ConfigExample string
	// Labels are anything else: homepage, authors, icon.
	Labels [][2]string
}

// Check is a health check; C is its configuration, a struct that [Export] fills
// from the [check.config] table of the host.
//
// Keys of C are fields by their json tag, else by their name in kebab-case. A
// key must be there unless its field is a pointer, has omitempty in the json
// tag, or a tag default:"10m". A document that does not fit ends the run as
// invalid-config, with the path of the offending value.
type Check[C any] interface {
	// Describe is called once after loading, with no capability granted: it
	// returns constants.
	Describe() Metadata
	// Run is one run, in a fresh instance by default; an operator may let one
	// serve several runs (runs-per-instance), so keep nothing in globals: what is
	// to last goes through package state. It returns an outcome, or an error when
	// no judgement is possible.
	Run(config C) (*Outcome, error)
}

// Evaluate parses a configuration document and runs the check: what a host does,
// and package probitytest.
func Evaluate[C any](check Check[C], document string) (*Outcome, error) {
	var config C
	if err := parse(document, &config); err != nil {
		return nil, err
	}
	outcome, err := check.Run(config)
	if err == nil && outcome == nil {
		return nil, errors.New("Run returned neither an outcome nor an error")
	}
	return outcome, err
}
