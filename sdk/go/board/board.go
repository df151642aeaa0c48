// Package board is for services in Go rather than for checks: /health, /ready
// and /live as a view of Probity's board, and the pulse of the process.
//
//	view, err := board.New("http://127.0.0.1:8080", board.Options{Version: "1.4.2"})
//	...
//	view.Register(mux)
//
// Requests are answered from a cache that is renewed in the background; the
// host being away makes /health and /ready 503 unknown, and leaves /live at 200.
package board

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// paths are those of a view.
var paths = [...]string{"/health", "/ready", "/live"}

// words are what a probe says.
var words = [...]string{"ok", "unhealthy", "starting", "draining", "unsupervised"}

// wordBytesMax is how much of an answer can be a word.
const wordBytesMax = 32

// Options of a view. The zero value is as documented at each field.
type Options struct {
	// Token is one of the host's, where details are for the authorised only.
	Token string
	// TTL is how long an answer counts as fresh: 1 s.
	TTL time.Duration
	// MaxAge is how long an older one is given, and renewed in the background: 5 s.
	MaxAge time.Duration
	// Patience is how long a request waits for the host, the first time and past MaxAge: 250 ms.
	Patience time.Duration
	// Timeout is how long the background waits for the host: 2 s.
	Timeout time.Duration
	// Version is the service's own; it goes into each body.
	Version string
}

// Board is the host's board as this process sees it: an [http.Handler].
type Board struct {
	host     *host
	options  Options
	draining atomic.Bool
	slots    map[string]*slot
}

// answer is what the view answers.
type answer struct {
	// status is the HTTP status: the host's own, or 503 when the host is away.
	status int
	body   map[string]any
}

// slot is what is known of one path.
type slot struct {
	lock   sync.Mutex
	answer *answer
	at     time.Time
	away   string
	// refresh is closed when the refresh that runs is done; nil when none runs.
	refresh chan struct{}
}

// New is a view of the host at address. Durations below 0 are an error.
func New(address string, options Options) (*Board, error) {
	host, err := newHost(address, options.Token)
	if err != nil {
		return nil, err
	}
	err = refuseNegative(
		field{"TTL", options.TTL}, field{"MaxAge", options.MaxAge},
		field{"Patience", options.Patience}, field{"Timeout", options.Timeout},
	)
	if err != nil {
		return nil, err
	}
	options.TTL = or(options.TTL, time.Second)
	options.MaxAge = max(or(options.MaxAge, 5*time.Second), options.TTL)
	options.Patience = or(options.Patience, 250*time.Millisecond)
	options.Timeout = or(options.Timeout, 2*time.Second)
	slots := make(map[string]*slot, len(paths))
	for _, path := range paths {
		slots[path] = &slot{away: "no answer yet"}
	}
	return &Board{host: host, options: options, slots: slots}, nil
}

// Register adds the three routes to mux, each for GET and HEAD.
func (b *Board) Register(mux *http.ServeMux) {
	for _, path := range paths {
		mux.Handle("GET "+path, b)
	}
}

// Drain makes /ready 503 draining from now on: call it first on SIGTERM. The
// others are answered as before.
func (b *Board) Drain() { b.draining.Store(true) }

// ServeHTTP answers /health, /ready and /live; to mount it elsewhere, wrap it
// in [http.StripPrefix].
func (b *Board) ServeHTTP(response http.ResponseWriter, request *http.Request) {
	slot, known := b.slots[request.URL.Path]
	if !known {
		http.NotFound(response, request)
		return
	}
	if request.Method != http.MethodGet && request.Method != http.MethodHead {
		response.Header().Set("Allow", "GET, HEAD")
		http.Error(response, "method not allowed", http.StatusMethodNotAllowed)
		return
	}
	answer := b.answer(request.URL.Path, slot)
	text, err := json.Marshal(answer.body)
	if err != nil { // it came from JSON and texts
		http.Error(response, err.Error(), http.StatusInternalServerError)
		return
	}
	response.Header().Set("Content-Type", "application/json")
	response.Header().Set("Cache-Control", "no-store")
	response.WriteHeader(answer.status)
	// The client may be gone.
	_, _ = response.Write(append(text, '\n'))
}

// answer is the one for path, after Patience at most.
func (b *Board) answer(path string, slot *slot) answer {
	if path == "/ready" && b.draining.Load() {
		return answer{http.StatusServiceUnavailable, b.versioned(map[string]any{"status": "draining"})}
	}
	if refresh, usable := b.refresh(path, slot); refresh != nil && !usable {
		patience := time.NewTimer(b.options.Patience)
		defer patience.Stop()
		select {
		case <-refresh:
		case <-patience.C:
		}
	}
	return b.current(path, slot)
}

// refresh is the one that runs, started when the answer is no longer fresh, and
// whether the answer can be given meanwhile.
func (b *Board) refresh(path string, slot *slot) (<-chan struct{}, bool) {
	slot.lock.Lock()
	defer slot.lock.Unlock()
	age := time.Since(slot.at)
	if slot.refresh == nil && (slot.answer == nil || age >= b.options.TTL) {
		slot.refresh = make(chan struct{})
		go b.renew(path, slot, slot.refresh)
	}
	return slot.refresh, slot.answer != nil && age < b.options.MaxAge
}

func (b *Board) renew(path string, slot *slot, done chan struct{}) {
	defer close(done)
	answer, err := b.read(path)
	slot.lock.Lock()
	defer slot.lock.Unlock()
	slot.refresh = nil
	if err != nil {
		slot.away = err.Error()
		return
	}
	slot.answer, slot.at, slot.away = answer, time.Now(), ""
}

func (b *Board) read(path string) (*answer, error) {
	status, text, err := b.host.get(path, b.options.Timeout)
	if err != nil {
		return nil, err
	}
	body := parse(text)
	if body == nil {
		return nil, fmt.Errorf("%s answered %d, and not as a board does", path, status)
	}
	return &answer{status, b.versioned(body)}, nil
}

func (b *Board) current(path string, slot *slot) answer {
	slot.lock.Lock()
	defer slot.lock.Unlock()
	if slot.answer != nil && time.Since(slot.at) < b.options.MaxAge {
		return *slot.answer
	}
	away := slot.away
	if away == "" {
		away = "no answer in time"
	}
	body := map[string]any{"status": "unknown", "message": "the health-check host is away: " + away}
	// Whoever answers is alive. A missing host must not get every service restarted.
	status := http.StatusServiceUnavailable
	if path == "/live" {
		status = http.StatusOK
	}
	return answer{status, b.versioned(body)}
}

func (b *Board) versioned(body map[string]any) map[string]any {
	if b.options.Version != "" {
		body["version"] = b.options.Version
	}
	return body
}

// parse reads the host's answer as JSON, which of a probe is one word; nil when
// it is no board's.
func parse(text []byte) map[string]any {
	start := text[:min(len(text), wordBytesMax)]
	if word := string(bytes.TrimSpace(start)); slices.Contains(words[:], word) {
		return map[string]any{"status": word}
	}
	var body map[string]any
	if json.Unmarshal(text, &body) != nil {
		return nil
	}
	if _, said := body["status"].(string); !said {
		return nil
	}
	return body
}

// parseAddress reads the host's address.
func parseAddress(text string) (*url.URL, error) {
	address, err := url.Parse(text)
	if err != nil || (address.Scheme != "http" && address.Scheme != "https") || address.Hostname() == "" {
		return nil, fmt.Errorf("%q is no address of a host: write http://127.0.0.1:8080", text)
	}
	return address, nil
}

// field is a duration of the options.
type field struct {
	name  string
	value time.Duration
}

// refuseNegative is an error that names the first field below 0.
func refuseNegative(fields ...field) error {
	for _, field := range fields {
		if field.value < 0 {
			return fmt.Errorf("%s is %v, below 0", field.name, field.value)
		}
	}
	return nil
}

func or(value, otherwise time.Duration) time.Duration {
	if value == 0 {
		return otherwise
	}
	return value
}
