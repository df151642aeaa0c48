// Package board is for services in Go rather than for checks: /health,
// /health/GROUP, /ready, /live and /startup as a view of Probity's board, and the
// pulse of the process.
//
//	view, err := board.New("http://127.0.0.1:8080", board.Options{Version: "1.4.2"})
//	...
//	view.Register(mux)
//
// /health takes ?format=. Requests are answered from a cache that is renewed in
// the background; the host being away makes all but /live 503 unknown, and leaves
// that at 200.
package board

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// paths are those of a view; /health/GROUP is another for each group of checks.
var paths = [...]string{"/health", "/ready", "/live", "/startup"}

// groups begin the path of a group, whose name is as in the host's configuration.
const groups = "/health/"

var group = regexp.MustCompile(`^[a-z0-9][a-z0-9_.-]{0,62}$`)

// formats are the shapes of /health?format=, as the host has them.
var formats = [...]string{"json", "health+json", "spring", "microprofile", "xabaril", "nagios", "text"}

// slotsMax answers are kept: groups are named by whoever asks. Beyond that the
// one that was asked for first is forgotten.
const slotsMax = 64

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
	// Logger is told once when the host goes away, and once when it is back:
	// [slog.Default].
	Logger *slog.Logger
}

// Board is the host's board as this process sees it: an [http.Handler].
type Board struct {
	host     *host
	options  Options
	draining atomic.Bool

	lock sync.Mutex
	// slots are what is known by path and format, in the order of keys.
	slots map[string]*slot
	keys  []string
	// unanswered was asked for last without an answer.
	unanswered map[string]bool
}

// answer is what the view answers.
type answer struct {
	// status is the HTTP status: the host's own, or 503 when the host is away.
	status int
	body   map[string]any
	// text of this type is what was answered in another format, in place of the body.
	text []byte
	kind string
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
	if options.Logger == nil {
		options.Logger = slog.Default()
	}
	return &Board{host: host, options: options, slots: map[string]*slot{}, unanswered: map[string]bool{}}, nil
}

// Register adds the routes to mux, each for GET and HEAD.
func (b *Board) Register(mux *http.ServeMux) {
	for _, path := range paths {
		mux.Handle("GET "+path, b)
	}
	mux.Handle("GET "+groups+"{group}", b)
}

func isKnown(path string) bool {
	name, isGroup := strings.CutPrefix(path, groups)
	return slices.Contains(paths[:], path) || isGroup && group.MatchString(name)
}

// Drain makes /ready 503 draining from now on: call it first on SIGTERM. The
// others are answered as before.
func (b *Board) Drain() { b.draining.Store(true) }

// ServeHTTP answers what [Board.Register] adds; to mount it elsewhere, wrap it
// in [http.StripPrefix].
func (b *Board) ServeHTTP(response http.ResponseWriter, request *http.Request) {
	if !isKnown(request.URL.Path) {
		http.NotFound(response, request)
		return
	}
	if request.Method != http.MethodGet && request.Method != http.MethodHead {
		response.Header().Set("Allow", "GET, HEAD")
		http.Error(response, "method not allowed", http.StatusMethodNotAllowed)
		return
	}
	answer := b.answer(request.URL.Path, request.URL.Query().Get("format"))
	text, kind := answer.text, answer.kind
	if text == nil {
		body, err := json.Marshal(answer.body)
		if err != nil { // it came from JSON and texts
			http.Error(response, err.Error(), http.StatusInternalServerError)
			return
		}
		text, kind = append(body, '\n'), "application/json"
	}
	response.Header().Set("Content-Type", kind)
	response.Header().Set("Cache-Control", "no-store")
	response.WriteHeader(answer.status)
	// The client may be gone.
	_, _ = response.Write(text)
}

// answer is the one for path, after Patience at most.
func (b *Board) answer(path, format string) answer {
	if path == "/ready" && b.draining.Load() {
		return answer{status: http.StatusServiceUnavailable, body: b.versioned(map[string]any{"status": "draining"})}
	}
	if format != "" && !slices.Contains(formats[:], format) {
		return b.unknown(http.StatusBadRequest,
			fmt.Sprintf("format %q is not known; there are %s", format, strings.Join(formats[:], ", ")))
	}
	if format != "" && format != "json" && strings.HasPrefix(path, "/health") {
		path += "?" + url.Values{"format": {format}}.Encode()
	}
	slot := b.slot(path)
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

// slot is the one of a path, made when it is asked for first.
func (b *Board) slot(path string) *slot {
	b.lock.Lock()
	defer b.lock.Unlock()
	found, there := b.slots[path]
	if !there {
		if len(b.keys) >= slotsMax {
			delete(b.slots, b.keys[0])
			delete(b.unanswered, b.keys[0])
			b.keys = b.keys[1:]
		}
		found = &slot{away: "no answer yet"}
		b.slots[path], b.keys = found, append(b.keys, path)
	}
	return found
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
	b.tell(path, err)
	slot.lock.Lock()
	defer slot.lock.Unlock()
	slot.refresh = nil
	if err != nil {
		slot.away = err.Error()
		return
	}
	slot.answer, slot.at, slot.away = answer, time.Now(), ""
}

// tell logs once when the host goes away, and once when it is back; not for each
// probe.
func (b *Board) tell(path string, err error) {
	b.lock.Lock()
	wasAway := len(b.unanswered) > 0
	if err == nil {
		delete(b.unanswered, path)
	} else if _, there := b.slots[path]; there {
		b.unanswered[path] = true
	}
	isAway := len(b.unanswered) > 0
	b.lock.Unlock()
	switch {
	case isAway && !wasAway:
		b.options.Logger.Warn("the health-check host is away", "host", b.host.name(), "error", err.Error())
	case wasAway && !isAway:
		b.options.Logger.Info("the health-check host is back", "host", b.host.name())
	}
}

func (b *Board) read(path string) (*answer, error) {
	status, text, kind, err := b.host.get(path, b.options.Timeout)
	if err != nil {
		return nil, err
	}
	if status == http.StatusNotFound {
		unknown := b.unknown(status, "the host has no "+path)
		return &unknown, nil
	}
	if strings.Contains(path, "?format=") {
		return &answer{status: status, text: text, kind: kind}, nil
	}
	body := parse(text)
	if body == nil {
		return nil, fmt.Errorf("%s answered %d, and not as a board does", path, status)
	}
	return &answer{status: status, body: b.versioned(body)}, nil
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
	// Whoever answers is alive. A missing host must not get every service restarted.
	status := http.StatusServiceUnavailable
	if path == "/live" {
		status = http.StatusOK
	}
	return b.unknown(status, "the health-check host at "+b.host.name()+" is away: "+away)
}

func (b *Board) unknown(status int, message string) answer {
	return answer{status: status, body: b.versioned(map[string]any{"status": "unknown", "message": message})}
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
