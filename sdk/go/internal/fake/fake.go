// Package fake stands in for the host outside of a component, where tests run.
// The packages of the kit ask it; package probitytest tells it what to answer.
package fake

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"probity.dev/sdk"
	"probity.dev/sdk/internal/host"
)

// runMax is how long a run may take.
const runMax = 2 * time.Second

// Host is what a check finds around it. All of it may be asked by several
// goroutines of the check at once.
type Host struct {
	// Only a test sets these, before a run.
	CheckID             string
	ConsecutiveFailures int
	// Previous is a *run.Concluded, or nil.
	Previous any

	// lock is for all below.
	lock sync.Mutex
	// started is what the clock says before anything sleeps, slept for how long it did, entered for how long when the
	// run began.
	started        time.Time
	slept, entered time.Duration
	state          map[string]Entry
	did            Deeds
	heard          map[string][]byte
	answers        map[string][]answer
}

// Deeds are what the check did, in order.
type Deeds struct {
	Lines      []Line
	Requests   []Request
	Statements []Statement
	Published  []Message
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
	current atomic.Pointer[Host]
)

// New knows nothing yet.
func New() *Host {
	return &Host{
		started: time.Unix(1_735_689_600, 0).UTC(), CheckID: "test", state: map[string]Entry{},
		heard: map[string][]byte{}, answers: map[string][]answer{},
	}
}

// Enter makes this host the one that answers until the returned function is
// called; tests that run side by side wait for each other.
func (h *Host) Enter() (leave func()) {
	running.Lock()
	h.lock.Lock()
	h.entered = h.slept
	h.lock.Unlock()
	current.Store(h)
	return func() {
		current.Store(nil)
		running.Unlock()
	}
}

// Current is the host of this run.
func Current() *Host {
	host := current.Load()
	if host == nil {
		panic("outside of a component, capabilities answer only inside probitytest.Run")
	}
	return host
}

// Now is what the clock says.
func (h *Host) Now() time.Time {
	h.lock.Lock()
	defer h.lock.Unlock()
	return h.now()
}

func (h *Host) now() time.Time { return h.started.Add(h.slept) }

// SetNow sets the clock.
func (h *Host) SetNow(now time.Time) {
	h.lock.Lock()
	defer h.lock.Unlock()
	h.started, h.slept, h.entered = now, 0, 0
}

// Sleep moves the clock.
func (h *Host) Sleep(span time.Duration) {
	h.lock.Lock()
	defer h.lock.Unlock()
	h.slept += span
}

// Slept is for how long.
func (h *Host) Slept() time.Duration {
	h.lock.Lock()
	defer h.lock.Unlock()
	return h.slept
}

// Remaining is what is left of this run.
func (h *Host) Remaining() time.Duration {
	h.lock.Lock()
	defer h.lock.Unlock()
	return max(runMax-(h.slept-h.entered), 0)
}

// State lets use read and change what is kept, alone; expired entries are gone.
func (h *Host) State(use func(kept map[string]Entry, now time.Time)) {
	h.lock.Lock()
	defer h.lock.Unlock()
	now := h.now()
	maps.DeleteFunc(h.state, func(_ string, entry Entry) bool {
		return !entry.Expires.IsZero() && !now.Before(entry.Expires)
	})
	use(h.state, now)
}

// Did keeps what the check does.
func (h *Host) Did(add func(*Deeds)) {
	h.lock.Lock()
	defer h.lock.Unlock()
	add(&h.did)
}

// Deeds are those so far.
func (h *Host) Deeds() Deeds {
	h.lock.Lock()
	defer h.lock.Unlock()
	return Deeds{
		slices.Clone(h.did.Lines), slices.Clone(h.did.Requests), slices.Clone(h.did.Statements),
		slices.Clone(h.did.Published),
	}
}

// Hear keeps what was written to a target.
func (h *Host) Hear(target string, bytes []byte) {
	h.lock.Lock()
	defer h.lock.Unlock()
	h.heard[target] = append(h.heard[target], bytes...)
}

// Heard is all that was written to a target.
func (h *Host) Heard(target string) []byte {
	h.lock.Lock()
	defer h.lock.Unlock()
	return slices.Clone(h.heard[target])
}

// Answer answers asked with value: the first time with the first one, and with the
// last again and again.
func (h *Host) Answer(asked string, value any) { h.add(asked, answer{value: value}) }

// Fail answers asked with an error, in the same order.
func (h *Host) Fail(asked string, err *probity.Error) { h.add(asked, answer{err: err}) }

func (h *Host) add(asked string, said answer) {
	h.lock.Lock()
	defer h.lock.Unlock()
	h.answers[asked] = append(h.answers[asked], said)
}

// next is the answer to asked; false when there is none.
func (h *Host) next(asked string) (answer, bool) {
	h.lock.Lock()
	defer h.lock.Unlock()
	answers := h.answers[asked]
	if len(answers) == 0 {
		return answer{}, false
	}
	if len(answers) > 1 {
		h.answers[asked] = answers[1:]
	}
	return answers[0], true
}

// Knows tells whether there is an answer to asked.
func (h *Host) Knows(asked string) bool {
	h.lock.Lock()
	defer h.lock.Unlock()
	return len(h.answers[asked]) > 0
}

// KnowsAny tells whether there is one to anything that begins so.
func (h *Host) KnowsAny(beginning string) bool {
	h.lock.Lock()
	defer h.lock.Unlock()
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
	said, known := Current().next(asked)
	if !known {
		return none, &probity.Error{Kind: missing, Message: fmt.Sprintf("the test host has no answer to %q", asked)}
	}
	if said.err != nil {
		return none, said.err
	}
	value, fits := said.value.(T)
	if !fits && said.value != nil {
		panic(fmt.Sprintf("the answer to %q is %T, not %T", asked, said.value, none))
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
