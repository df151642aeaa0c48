package probitytest

import (
	"errors"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"probity.dev/sdk"
	"probity.dev/sdk/clock"
	"probity.dev/sdk/http"
	"probity.dev/sdk/log"
	"probity.dev/sdk/queue"
	"probity.dev/sdk/run"
	"probity.dev/sdk/sql"
	"probity.dev/sdk/state"
	"probity.dev/sdk/tcp"
)

// Counting neither lengthens the life of a key nor makes it live for good.
func TestACounterExpiresWhenItWasTo(t *testing.T) {
	host := New()
	does(t, host, func() {
		must(t, state.Set("count", []byte("1"), 1000))
		clock.Sleep(600 * time.Millisecond)
		sum, err := state.Increment("count", 1)
		must(t, err)
		equal(t, sum, 2)
		equal(t, host.Kept("count"), "2")
		clock.Sleep(400 * time.Millisecond)
		keys, err := state.Keys("")
		must(t, err)
		equal(t, len(keys), 0)
		equal(t, host.Kept("count"), "")
		sum, err = state.Increment("count", 5)
		must(t, err)
		equal(t, sum, 5)
		clock.Sleep(time.Hour)
		equal(t, host.Kept("count"), "5")
	})
}

// A key that is none is told by every function that takes one.
func TestAKeyThatIsNoneIsRefusedEverywhere(t *testing.T) {
	does(t, New(), func() {
		for _, key := range []string{"", strings.Repeat("k", 257)} {
			_, got := state.Get(key)
			_, counted := state.Increment(key, 1)
			for _, err := range []error{got, counted, state.Set(key, nil, 0), state.Delete(key)} {
				equal(t, kind(err), probity.InvalidArgument)
			}
		}
		must(t, state.Set(strings.Repeat("k", 256), nil, 0))
	})
}

// Each run has its time, less what it slept, and never less than none.
func TestSleepingTakesTimeOfItsRunOnly(t *testing.T) {
	host := New()
	for range 2 {
		does(t, host, func() {
			equal(t, run.Remaining(), 2*time.Second)
			clock.Sleep(1500 * time.Millisecond)
			equal(t, run.Remaining(), 500*time.Millisecond)
			clock.Sleep(time.Hour)
			equal(t, run.Remaining(), 0)
		})
	}
}

// A check may ask from many goroutines at once.
func TestGoroutinesMayAskAtOnce(t *testing.T) {
	const many = 200
	host := New().HTTP("GET", "http://a.test/", Status(503)).HTTP("GET", "http://a.test/", Status(200)).
		TCP("mail.test:25", Peer{}).Queue("jobs", queue.Stats{}).Execute("orders", "DELETE", 1)
	does(t, host, func() {
		var group sync.WaitGroup
		for at := range many {
			group.Go(func() {
				_, err := http.Get("http://a.test/")
				_, counted := state.Increment("count", 1)
				_, read := state.Get("count")
				errs := []error{err, counted, read, state.Set(strconv.Itoa(at), nil, 1)}
				errs = append(errs, state.Delete(strconv.Itoa(at)), queue.Publish("jobs", nil))
				socket, err := tcp.Connect("mail.test", 25, 0)
				errs = append(errs, err, socket.Write([]byte("x")))
				orders, err := sql.Open("orders")
				errs = append(errs, err)
				_, err = orders.Execute("DELETE")
				if err := errors.Join(append(errs, err)...); err != nil {
					t.Error(err)
				}
				log.Info("asked")
				clock.Sleep(time.Millisecond)
				_, _ = clock.Now(), run.Remaining()
			})
		}
		group.Wait()
		equal(t, clock.Monotonic(), many*time.Millisecond)
	})
	equal(t, host.Kept("count"), strconv.Itoa(many))
	equal(t, len(host.Requests()), many)
	equal(t, len(host.Published()), many)
	equal(t, len(host.Statements()), many)
	equal(t, len(host.Logged()), many)
	equal(t, len(host.Heard("mail.test:25")), many)
}
