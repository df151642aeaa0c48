// Package fake stands in for the host outside of a component, where tests run.
// The packages of the kit ask it; package probitytest tells it what to answer.
package fake

import (
	"fmt"
	"strings"
	"sync"
	"time"

	"probity.dev/sdk"
	"probity.dev/sdk/internal/host"
)

// Host is what a check finds around it.
type Host struct {
	// Started is what the clock says before anything sleeps, Slept for how long it did.
	Started             time.Time
	Slept               time.Duration
	CheckID             string
	ConsecutiveFailures int
	// Previous is a *run.Concluded, or nil.
	Previous any
	// State by its keys.
	State map[string]Entry
	// What the check did.
	Lines      []Line
	Requests   []Request
	Statements []Statement
	Published  []Message
	heard      map[string][]byte
	answers    map[string][]answer
}

// Entry is a value of state; without an expiry it stays.
type Entry struct {
	Value   []byte
	Expires time.Time
}

// Line is a line that was logged.
type Line struct {
	// Level is a log.Level.
	Level   uint8
	Message string
	Fields  [][2]string
}

// Request is one that was sent, with names of headers in lower case.
type Request struct {
	Method, URL, Endpoint      string
	Header                     map[string]string
	Body                       []byte
	Timeout                    probity.Span
	MaxRedirects, MaxBodyBytes uint32
	RequireHTTP2               bool
}

// Reply is an answer over HTTP.
type Reply struct {
	// Status is 200 when 0.
	Status          int
	Header, Trailer map[string]string
	Body            string
	// TotalMs is 1 when 0.
	TotalMs float64
	// TLS is nil for plain HTTP.
	TLS *host.TLSInfo
}

// Peer is the other end of a connection.
type Peer struct {
	// Says is all that it sends.
	Says string
	// ConnectMs is 1 when 0.
	ConnectMs float64
	// TLS is what it shows when TLS begins; without it there is no handshake.
	TLS *host.TLSInfo
}

// Statement is one that was run, with single blanks between its words.
type Statement struct {
	Connection, Text string
	Params           []any
}

// Message is one that was published.
type Message struct {
	Queue   string
	Payload []byte
}

type answer struct {
	value any
	err   *probity.Error
}

var (
	running sync.Mutex
	current *Host
)

// New knows nothing yet.
func New() *Host {
	return &Host{
		Started: time.Unix(1_735_689_600, 0).UTC(), CheckID: "test", State: map[string]Entry{},
		heard: map[string][]byte{}, answers: map[string][]answer{},
	}
}

// Enter makes this host the one that answers until the returned function is
// called; tests that run side by side wait for each other.
func (h *Host) Enter() (leave func()) {
	running.Lock()
	current = h
	return func() {
		current = nil
		running.Unlock()
	}
}

// Current is the host of this run.
func Current() *Host {
	if current == nil {
		panic("outside of a component, capabilities answer only inside probitytest.Run")
	}
	return current
}

// Now is what the clock says.
func (h *Host) Now() time.Time { return h.Started.Add(h.Slept) }

// Hear keeps what was written to a target.
func (h *Host) Hear(target string, bytes []byte) { h.heard[target] = append(h.heard[target], bytes...) }

// Heard is all that was written to a target.
func (h *Host) Heard(target string) []byte { return h.heard[target] }

// Answer answers asked with value: the first time with the first one, and with the
// last again and again.
func (h *Host) Answer(asked string, value any) {
	h.answers[asked] = append(h.answers[asked], answer{value: value})
}

// Fail answers asked with an error, in the same order.
func (h *Host) Fail(asked string, err *probity.Error) {
	h.answers[asked] = append(h.answers[asked], answer{err: err})
}

// Knows tells whether there is an answer to asked.
func (h *Host) Knows(asked string) bool { return len(h.answers[asked]) > 0 }

// KnowsAny tells whether there is one to anything that begins so.
func (h *Host) KnowsAny(beginning string) bool {
	for asked := range h.answers {
		if strings.HasPrefix(asked, beginning) {
			return true
		}
	}
	return false
}

// Ask is the answer of the current host, or an error of the kind missing.
func Ask[T any](asked string, missing probity.Kind) (T, error) {
	var none T
	answers := Current().answers[asked]
	if len(answers) == 0 {
		return none, &probity.Error{Kind: missing, Message: fmt.Sprintf("the test host has no answer to %q", asked)}
	}
	if len(answers) > 1 {
		Current().answers[asked] = answers[1:]
	}
	if answers[0].err != nil {
		return none, answers[0].err
	}
	value, fits := answers[0].value.(T)
	if !fits && answers[0].value != nil {
		panic(fmt.Sprintf("the answer to %q is %T, not %T", asked, answers[0].value, none))
	}
	return value, nil
}

// AskOr is the same with a value for what the test says nothing about.
func AskOr[T any](asked string, otherwise T) (T, error) {
	if !Current().Knows(asked) {
		return otherwise, nil
	}
	return Ask[T](asked, probity.Other)
}
