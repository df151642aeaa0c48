package board

import (
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// fakeHost is a real socket with answers that a test sets.
type fakeHost struct {
	*httptest.Server
	lock   sync.Mutex
	status int
	body   string
	asked  []string
	posted []map[string]any
	// held makes it listen and answer nobody, until it is closed.
	held chan struct{}
}

func startHost(t *testing.T) *fakeHost {
	t.Helper()
	host := &fakeHost{status: 200, body: "ok\n"}
	host.Server = httptest.NewServer(host)
	t.Cleanup(host.Close)
	return host
}

func (h *fakeHost) ServeHTTP(response http.ResponseWriter, request *http.Request) {
	text, _ := io.ReadAll(request.Body)
	h.lock.Lock()
	said := request.URL.RequestURI() + " " + request.Header.Get("Authorization")
	h.asked = append(h.asked, said)
	if request.Method == http.MethodPost {
		var facts map[string]any
		_ = json.Unmarshal(text, &facts)
		h.posted = append(h.posted, facts)
	}
	held, status, body := h.held, h.status, h.body
	h.lock.Unlock()
	if held != nil {
		<-held
	}
	response.WriteHeader(status)
	_, _ = io.WriteString(response, body)
}

func (h *fakeHost) says(status int, body string) {
	h.lock.Lock()
	defer h.lock.Unlock()
	h.status, h.body = status, body
}

func (h *fakeHost) hold() (release func()) {
	h.lock.Lock()
	defer h.lock.Unlock()
	held := make(chan struct{})
	h.held = held
	return func() {
		h.lock.Lock()
		defer h.lock.Unlock()
		h.held = nil
		close(held)
	}
}

func (h *fakeHost) requests() []string {
	h.lock.Lock()
	defer h.lock.Unlock()
	return append([]string(nil), h.asked...)
}

// last is the latest beat; nil when there was none.
func (h *fakeHost) last() map[string]any {
	h.lock.Lock()
	defer h.lock.Unlock()
	if len(h.posted) == 0 {
		return nil
	}
	return h.posted[len(h.posted)-1]
}

func until(t *testing.T, holds func() bool) {
	t.Helper()
	for end := time.Now().Add(10 * time.Second); !holds(); {
		if time.Now().After(end) {
			t.Fatal("never came to what was expected")
		}
		time.Sleep(5 * time.Millisecond) // the distance of two looks
	}
}

func view(t *testing.T, address string, options Options) *Board {
	t.Helper()
	if options.Patience == 0 {
		options.Patience = 5 * time.Second
	}
	board, err := New(address, options)
	if err != nil {
		t.Fatal(err)
	}
	return board
}

// ask is what the view answers: the status and the body without its newline.
func ask(board http.Handler, path string) (int, string) {
	recorder := httptest.NewRecorder()
	board.ServeHTTP(recorder, httptest.NewRequest(http.MethodGet, path, nil))
	return recorder.Code, strings.TrimSuffix(recorder.Body.String(), "\n")
}

func says(t *testing.T, board http.Handler, path string, status int, body string) {
	t.Helper()
	if gotStatus, got := ask(board, path); gotStatus != status || got != body {
		t.Errorf("%s: %d %s, want %d %s", path, gotStatus, got, status, body)
	}
}

// Status and body are passed on, with the service's version, and asked for with the token.
func TestABoardPassesOnStatusAndBody(t *testing.T) {
	host := startHost(t)
	host.says(503, `{"status":"unhealthy","checks":{}}`)
	board := view(t, host.URL+"/probity/", Options{Token: "secret-token", Version: "1.2.3"})
	says(t, board, "/health", 503, `{"checks":{},"status":"unhealthy","version":"1.2.3"}`)
	if asked := host.requests(); len(asked) != 1 || asked[0] != "/probity/health Bearer secret-token" {
		t.Errorf("asked %v", asked)
	}
}

// Probes answer in a word; fresh answers cost the host nothing, and nobody may keep one.
func TestProbesAnswerInAWordFromTheCache(t *testing.T) {
	host := startHost(t)
	host.says(503, "draining\n")
	board := view(t, host.URL, Options{TTL: time.Minute})
	for range 100 {
		says(t, board, "/ready", 503, `{"status":"draining"}`)
	}
	if refresh, _ := board.refresh("/ready", board.slot("/ready")); refresh != nil || len(host.requests()) != 1 {
		t.Errorf("asked again: %v", host.requests())
	}
	recorder := httptest.NewRecorder()
	board.ServeHTTP(recorder, httptest.NewRequest(http.MethodGet, "/ready", nil))
	if header := recorder.Header(); header.Get("Cache-Control") != "no-store" || header.Get("Content-Type") != "application/json" {
		t.Errorf("headers %v", header)
	}
}

// An old answer is given while one request renews it.
func TestAnOldAnswerIsGivenWhileItIsRenewed(t *testing.T) {
	host := startHost(t)
	board := view(t, host.URL, Options{TTL: time.Nanosecond, MaxAge: time.Minute})
	says(t, board, "/ready", 200, `{"status":"ok"}`)
	release := host.hold()
	host.says(503, "unhealthy\n")
	start := time.Now()
	for range 50 {
		says(t, board, "/ready", 200, `{"status":"ok"}`)
	}
	if took := time.Since(start); took > 2500*time.Millisecond {
		t.Errorf("took %v", took)
	}
	until(t, func() bool { return len(host.requests()) == 2 })
	host.says(503, "unhealthy\n")
	release()
	until(t, func() bool { status, _ := ask(board, "/ready"); return status == 503 })
}

// A host that hangs holds nobody up, and is asked once.
func TestAHostThatHangsHoldsNobodyUp(t *testing.T) {
	host := startHost(t)
	defer host.hold()()
	board := view(t, host.URL, Options{Patience: 100 * time.Millisecond, Timeout: time.Minute})
	start := time.Now()
	var group sync.WaitGroup
	for range 20 {
		group.Go(func() {
			says(t, board, "/health", 503, `{"message":"the health-check host at `+host.URL+` is away: no answer yet","status":"unknown"}`)
		})
	}
	group.Wait()
	if took := time.Since(start); took > 5*time.Second {
		t.Errorf("took %v", took)
	}
	until(t, func() bool { return len(host.requests()) == 1 })
}

// A host that is away makes the service unknown, and not dead.
func TestAHostThatIsAwayMakesUnknown(t *testing.T) {
	host := startHost(t)
	host.Close()
	board := view(t, host.URL, Options{Version: "1"})
	status, body := ask(board, "/ready")
	if status != 503 || !strings.Contains(body, "connection refused") || !strings.Contains(body, `"status":"unknown","version":"1"`) {
		t.Errorf("%d %s", status, body)
	}
	if status, _ := ask(board, "/live"); status != 200 {
		t.Errorf("/live is %d", status)
	}
}

// A host that goes away is logged once, and once when it is back; the address is without a password.
func TestAHostThatGoesAwayIsLoggedOnce(t *testing.T) {
	host := startHost(t)
	var lines lockedBuffer
	logger := slog.New(slog.NewTextHandler(&lines, nil))
	address := strings.Replace(host.URL, "//", "//me:secret@", 1)
	board := view(t, address, Options{TTL: time.Nanosecond, MaxAge: time.Nanosecond, Logger: logger})
	for _, body := range []string{"<html>", "ok\n"} {
		host.says(200, body)
		for range 5 {
			ask(board, "/ready")
			ask(board, "/health")
		}
	}
	said := strings.Split(strings.TrimSpace(lines.String()), "\n")
	if len(said) != 2 || !strings.Contains(said[0], "is away") || !strings.Contains(said[1], "is back") {
		t.Errorf("logged %q", said)
	}
	if !strings.Contains(said[0], "host="+host.URL) || strings.Contains(said[0], "secret") {
		t.Errorf("logged %q", said[0])
	}
}

type lockedBuffer struct {
	lock sync.Mutex
	text strings.Builder
}

func (b *lockedBuffer) Write(text []byte) (int, error) {
	b.lock.Lock()
	defer b.lock.Unlock()
	return b.text.Write(text)
}

func (b *lockedBuffer) String() string {
	b.lock.Lock()
	defer b.lock.Unlock()
	return b.text.String()
}

// Groups and formats are passed on, and what is asked for is bounded.
func TestGroupsAndFormatsArePassedOn(t *testing.T) {
	host := startHost(t)
	host.says(200, "OK - 3 checks\n")
	board := view(t, host.URL, Options{Version: "9"})
	mux := http.NewServeMux()
	board.Register(mux)
	says(t, mux, "/health/orders?format=nagios", 200, "OK - 3 checks")
	host.says(200, `{"status":"healthy"}`)
	says(t, mux, "/health?format=json", 200, `{"status":"healthy","version":"9"}`)
	says(t, mux, "/startup?format=text", 200, `{"status":"healthy","version":"9"}`)
	want := []string{"/health/orders?format=nagios ", "/health ", "/startup "}
	if asked := host.requests(); !slices.Equal(asked, want) {
		t.Errorf("asked %q, want %q", asked, want)
	}
	host.says(404, `{"error":"not_found"}`)
	says(t, mux, "/health/other", 404, `{"message":"the host has no /health/other","status":"unknown","version":"9"}`)
	if status, body := ask(mux, "/health?format=yaml"); status != 400 || !strings.Contains(body, "there are json, health+json, spring") {
		t.Errorf("%d %s", status, body)
	}
	for _, path := range []string{"/health/", "/health/Orders", "/checks", "/health/" + strings.Repeat("a", 64)} {
		if status, _ := ask(board, path); status != 404 {
			t.Errorf("%s is %d", path, status)
		}
	}
	if asked := len(host.requests()); asked != 4 {
		t.Errorf("asked %d times", asked)
	}
	for at := range 100 {
		ask(board, fmt.Sprintf("/health/g%d", at))
	}
	if len(board.slots) > slotsMax || len(board.keys) != len(board.slots) {
		t.Errorf("%d answers are kept", len(board.slots))
	}
}

// An answer past its age is not given, and one that is no board's is none.
func TestAnAnswerPastItsAgeIsNotGiven(t *testing.T) {
	host := startHost(t)
	board := view(t, host.URL, Options{TTL: time.Nanosecond, MaxAge: 50 * time.Millisecond})
	says(t, board, "/ready", 200, `{"status":"ok"}`)
	for _, body := range []string{"<html>", "null", "[]", `{"status":1}`} {
		host.says(200, body)
		until(t, func() bool {
			_, said := ask(board, "/ready")
			return strings.Contains(said, "/ready answered 200, and not as a board does")
		})
	}
	host.says(200, `{"status":"ok","more":"`+strings.Repeat("x", 1<<20)+`"}`)
	until(t, func() bool {
		_, said := ask(board, "/ready")
		return strings.Contains(said, "longer than 1048576 bytes")
	})
}

// Only its own routes are answered, and of them only what reads; a service that drains is not ready.
func TestTheRoutesAreItsOwn(t *testing.T) {
	host := startHost(t)
	board := view(t, host.URL, Options{})
	mux := http.NewServeMux()
	board.Register(mux)
	for _, handler := range []http.Handler{board, mux} {
		if status, _ := ask(handler, "/orders"); status != 404 {
			t.Errorf("/orders is %d", status)
		}
		recorder := httptest.NewRecorder()
		handler.ServeHTTP(recorder, httptest.NewRequest(http.MethodPost, "/ready", nil))
		if recorder.Code != 405 {
			t.Errorf("POST is %d", recorder.Code)
		}
		says(t, handler, "/ready?from=kubelet", 200, `{"status":"ok"}`)
	}
	board.Drain()
	says(t, board, "/ready", 503, `{"status":"draining"}`)
	says(t, board, "/live", 200, `{"status":"ok"}`)
}

// A wrong address is told at once.
func TestAWrongAddressIsTold(t *testing.T) {
	for _, wrong := range []string{"localhost:8080", "127.0.0.1", "", "http://"} {
		_, err := New(wrong, Options{})
		if err == nil || !strings.HasSuffix(err.Error(), "is no address of a host: write http://127.0.0.1:8080") {
			t.Errorf("%q: %v", wrong, err)
		}
		if _, err := NewPulse(wrong, "shop", PulseOptions{}); err == nil {
			t.Errorf("%q is an address for a pulse", wrong)
		}
	}
}

// A pulse tells of requests that run, of the pool, and of the end.
func TestAPulseTellsOfRequests(t *testing.T) {
	host := startHost(t)
	options := PulseOptions{
		Token: "secret-token", Every: 10 * time.Millisecond, Capacity: 5, Pool: func() (int, int) { return 3, 4 },
	}
	pulse, err := NewPulse(host.URL, "the shop", options)
	if err != nil {
		t.Fatal(err)
	}
	go pulse.Run()
	defer pulse.Stop()
	finish, done := make(chan struct{}), make(chan struct{})
	counted := pulse.Requests(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { <-finish }))
	go func() {
		defer close(done)
		ask(counted, "/")
	}()
	until(t, func() bool { said := host.last(); return said["busy"] == 1.0 && said["busy_ms"].(float64) > 50 })
	said := host.last()
	pool, _ := said["pool"].(map[string]any)
	if said["capacity"] != 5.0 || pool["used"] != 3.0 || pool["size"] != 4.0 || said["ready"] != true {
		t.Errorf("said %v", said)
	}
	if rss, _ := said["rss"].(float64); runtime.GOOS == "linux" && rss < 1<<20 {
		t.Errorf("rss %v", said["rss"])
	}
	if asked := host.requests()[0]; asked != "/heartbeats/the%20shop Bearer secret-token" {
		t.Errorf("asked %v", asked)
	}
	close(finish)
	<-done
	until(t, func() bool { return host.last()["busy"] == 0.0 })
	pulse.Drain()
	if host.last()["ready"] != false {
		t.Errorf("said %v", host.last())
	}
}

// A pool that panics is left out of the beat, and harms nobody.
func TestAPulseOutlivesAPoolThatPanics(t *testing.T) {
	host := startHost(t)
	pulse, err := NewPulse(host.URL, "shop", PulseOptions{Pool: DB(nil)})
	if err != nil {
		t.Fatal(err)
	}
	go pulse.Run()
	defer pulse.Stop()
	until(t, func() bool { return host.last() != nil })
	if pool, told := host.last()["pool"]; told {
		t.Errorf("pool %v", pool)
	}
}

// An option below 0 is told by its name, before anything waits for it.
func TestAnOptionBelowZeroIsTold(t *testing.T) {
	pulses := map[string]PulseOptions{
		"Every is -1s, below 0":    {Every: -time.Second},
		"Timeout is -1ms, below 0": {Timeout: -time.Millisecond},
		"Capacity is -1, below 0":  {Capacity: -1},
	}
	for want, options := range pulses {
		if _, err := NewPulse("http://127.0.0.1:1", "shop", options); err == nil || err.Error() != want {
			t.Errorf("%v, want %s", err, want)
		}
	}
	views := map[string]Options{
		"TTL is -1s, below 0":      {TTL: -time.Second},
		"MaxAge is -1s, below 0":   {MaxAge: -time.Second},
		"Patience is -1s, below 0": {Patience: -time.Second},
		"Timeout is -1s, below 0":  {Timeout: -time.Second},
	}
	for want, options := range views {
		if _, err := New("http://127.0.0.1:1", options); err == nil || err.Error() != want {
			t.Errorf("%v, want %s", err, want)
		}
	}
}

// Goroutines that wait for a processor are seen, and forgotten when that is over.
func TestAPulseTellsOfBusyProcessors(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	pulse, err := NewPulse("http://127.0.0.1:1", "shop", PulseOptions{Pool: func() (int, int) { return 0, 0 }})
	if err != nil {
		t.Fatal(err)
	}
	pulse.facts()
	end := time.Now().Add(500 * time.Millisecond)
	var group sync.WaitGroup
	for range 20 {
		group.Go(func() {
			for time.Now().Before(end) {
			}
		})
	}
	group.Wait()
	said := pulse.facts()
	if said.LagMS < 20 || said.Pool != nil {
		t.Errorf("said %+v", said)
	}
	until(t, func() bool { return pulse.facts().LagMS < 20 })
}

// The share is reached in the bucket where that many of all counts are below.
func TestTheQuantileIsThatOfTheCounts(t *testing.T) {
	bounds := []float64{-1, 0.001, 0.01, 0.1, 1}
	for _, one := range []struct {
		counts []uint64
		want   float64
	}{
		{[]uint64{0, 0, 0, 0}, 0},
		{[]uint64{7, 0, 0, 0}, 0},
		{[]uint64{99, 0, 1, 0}, 0},
		{[]uint64{98, 0, 2, 0}, 0.01},
		{[]uint64{0, 1, 0, 1}, 0.1},
	} {
		if got := quantile(one.counts, bounds, lagShare); got != one.want {
			t.Errorf("%v: %v, want %v", one.counts, got, one.want)
		}
	}
}

// A pulse without a host harms nobody.
func TestAPulseWithoutAHost(t *testing.T) {
	host := startHost(t)
	host.Close()
	pulse, err := NewPulse(host.URL, "shop", PulseOptions{})
	if err != nil {
		t.Fatal(err)
	}
	pulse.Drain()
	if pulse.facts().Ready {
		t.Error("it is ready")
	}
}
