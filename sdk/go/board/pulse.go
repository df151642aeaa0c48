package board

import (
	"database/sql"
	"encoding/json"
	"fmt"
	"math"
	"net/http"
	"net/url"
	"os"
	"runtime"
	"runtime/metrics"
	"strconv"
	"strings"
	"sync"
	"time"
)

// schedulerMetric is how long goroutines waited to be run.
const schedulerMetric = "/sched/latencies:seconds"

// lagShare is which goroutine's wait is told: nearly the longest, so that one
// unlucky one is not the process.
const lagShare = 0.99

// Pool tells connections in use and in all.
type Pool func() (used, size int)

// DB is the pool of a database, whose size is its SetMaxOpenConns.
func DB(db *sql.DB) Pool {
	return func() (int, int) {
		stats := db.Stats()
		return stats.InUse, stats.MaxOpenConnections
	}
}

// PulseOptions of a pulse. The zero value is as documented at each field.
type PulseOptions struct {
	// Token is what opens the heartbeat.
	Token string
	// Every is the time between two beats: 2 s.
	Every time.Duration
	// Capacity is how many requests at once are as many as this process can take: 1000.
	Capacity int
	// Pool is told with each beat when it is there; see [DB]. One without a size has no bound and is not told, nor is
	// one that panics.
	Pool Pool
	// Timeout is how long a beat may take: 1 s.
	Timeout time.Duration
}

// Pulse is what a process says about itself, pushed to the host as a heartbeat:
// POST /heartbeats/NAME.
//
//	pulse, err := board.NewPulse("http://127.0.0.1:8080", "shop", board.PulseOptions{Pool: board.DB(db)})
//	...
//	server.Handler = pulse.Requests(mux)
//	go pulse.Run()
//
// Each beat is one line of JSON: pid, rss in bytes, busy and capacity (requests
// now, and how many are as many as it can take), busy_ms (how long the oldest
// of them runs), lag_ms (how long goroutines waited to be run since the last
// beat, 99 of 100 of them less), goroutines, pool (connections in use, and how
// many there can be) and ready (false once the process was told to end).
// Nothing is ever queued, and a host that is away costs one short attempt per beat.
type Pulse struct {
	host    *host
	path    string
	options PulseOptions
	stop    chan struct{}
	once    sync.Once

	lock    sync.Mutex
	number  uint64
	running map[uint64]time.Time
	ready   bool

	// sending lets beats follow each other: what was said first must not arrive last.
	sending sync.Mutex
	waits   []uint64
}

type facts struct {
	PID        int     `json:"pid"`
	Busy       int     `json:"busy"`
	Capacity   int     `json:"capacity"`
	BusyMS     int64   `json:"busy_ms"`
	Ready      bool    `json:"ready"`
	RSS        int64   `json:"rss,omitempty"`
	LagMS      float64 `json:"lag_ms"`
	Goroutines int     `json:"goroutines"`
	Pool       *pool   `json:"pool,omitempty"`
}

type pool struct {
	Used int `json:"used"`
	Size int `json:"size"`
}

// NewPulse is the pulse of this process: name is the heartbeat of the
// configuration of the host at address. Start it with go [Pulse.Run]. Options
// below 0 are an error.
func NewPulse(address, name string, options PulseOptions) (*Pulse, error) {
	host, err := newHost(address, options.Token)
	if err != nil {
		return nil, err
	}
	if err := refuseNegative(field{"Every", options.Every}, field{"Timeout", options.Timeout}); err != nil {
		return nil, err
	}
	if options.Capacity < 0 {
		return nil, fmt.Errorf("Capacity is %d, below 0", options.Capacity)
	}
	options.Every = or(options.Every, 2*time.Second)
	options.Timeout = or(options.Timeout, time.Second)
	if options.Capacity == 0 {
		options.Capacity = 1000
	}
	return &Pulse{
		host: host, path: "/heartbeats/" + url.PathEscape(name), options: options,
		stop: make(chan struct{}), running: map[uint64]time.Time{}, ready: true,
	}, nil
}

// Requests is handler with its requests counted.
func (p *Pulse) Requests(handler http.Handler) http.Handler {
	return http.HandlerFunc(func(response http.ResponseWriter, request *http.Request) {
		number := p.begin()
		defer p.end(number)
		handler.ServeHTTP(response, request)
	})
}

// Run beats until [Pulse.Stop].
func (p *Pulse) Run() {
	ticker := time.NewTicker(p.options.Every)
	defer ticker.Stop()
	for {
		p.beat()
		select {
		case <-p.stop:
			return
		case <-ticker.C:
		}
	}
}

// Stop ends Run.
func (p *Pulse) Stop() { p.once.Do(func() { close(p.stop) }) }

// Drain says that this process takes no more work, with a beat of its own;
// returns when it was sent.
func (p *Pulse) Drain() {
	p.lock.Lock()
	p.ready = false
	p.lock.Unlock()
	p.beat()
}

func (p *Pulse) begin() uint64 {
	p.lock.Lock()
	defer p.lock.Unlock()
	p.number++
	p.running[p.number] = time.Now()
	return p.number
}

func (p *Pulse) end(number uint64) {
	p.lock.Lock()
	defer p.lock.Unlock()
	delete(p.running, number)
}

func (p *Pulse) beat() {
	p.sending.Lock()
	defer p.sending.Unlock()
	line, err := json.Marshal(p.facts())
	if err == nil {
		// A host that is away notices that the beat is missing.
		_ = p.host.post(p.path, string(line), p.options.Timeout)
	}
}

// facts are what the next beat says.
func (p *Pulse) facts() facts {
	said := facts{
		PID: os.Getpid(), Capacity: p.options.Capacity, RSS: rssBytes(), LagMS: p.lagMS(),
		Goroutines: runtime.NumGoroutine(),
	}
	said.Pool = p.pool()
	p.lock.Lock()
	defer p.lock.Unlock()
	said.Busy, said.Ready = len(p.running), p.ready
	for _, start := range p.running {
		said.BusyMS = max(said.BusyMS, time.Since(start).Milliseconds())
	}
	return said
}

// pool is what the process says about it. One that panics is not told: what
// only observes must not end the process.
func (p *Pulse) pool() (told *pool) {
	if p.options.Pool == nil {
		return nil
	}
	defer func() {
		if recover() != nil {
			told = nil
		}
	}()
	if used, size := p.options.Pool(); size > 0 {
		return &pool{used, size}
	}
	return nil
}

// lagMS is how long goroutines waited since the last call.
func (p *Pulse) lagMS() float64 {
	sample := []metrics.Sample{{Name: schedulerMetric}}
	metrics.Read(sample)
	if sample[0].Value.Kind() != metrics.KindFloat64Histogram {
		return 0
	}
	histogram := sample[0].Value.Float64Histogram()
	fresh := make([]uint64, len(histogram.Counts))
	for at, count := range histogram.Counts {
		fresh[at] = count
		if at < len(p.waits) {
			fresh[at] -= p.waits[at]
		}
	}
	p.waits = histogram.Counts
	return math.Round(quantile(fresh, histogram.Buckets, lagShare)*1e4) / 10
}

// quantile is the lower bound of the bucket where share of all counts is reached.
func quantile(counts []uint64, bounds []float64, share float64) float64 {
	total := uint64(0)
	for _, count := range counts {
		total += count
	}
	below := uint64(0)
	for at, count := range counts {
		below += count
		if count > 0 && float64(below) >= share*float64(total) {
			return max(bounds[at], 0)
		}
	}
	return 0
}

// rssBytes is the resident memory of this process; 0 where the platform does not tell.
func rssBytes() int64 {
	text, err := os.ReadFile("/proc/self/statm")
	fields := strings.Fields(string(text))
	if err != nil || len(fields) < 2 {
		return 0
	}
	pages, err := strconv.ParseInt(fields[1], 10, 64)
	if err != nil {
		return 0
	}
	return pages * int64(os.Getpagesize())
}
