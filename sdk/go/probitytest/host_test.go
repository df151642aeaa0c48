package probitytest

import (
	"bytes"
	"errors"
	"slices"
	"testing"
	"time"

	"probity.dev/sdk"
	"probity.dev/sdk/clock"
	"probity.dev/sdk/dns"
	"probity.dev/sdk/heartbeats"
	"probity.dev/sdk/http"
	"probity.dev/sdk/log"
	"probity.dev/sdk/peers"
	"probity.dev/sdk/queue"
	"probity.dev/sdk/redis"
	"probity.dev/sdk/run"
	"probity.dev/sdk/secrets"
	"probity.dev/sdk/sql"
	"probity.dev/sdk/state"
	"probity.dev/sdk/system"
	"probity.dev/sdk/tcp"
	"probity.dev/sdk/tls"
	"probity.dev/sdk/udp"
)

// config of the check below.
type config struct {
	URL string `json:"url,omitempty"`
}

// acting is a check made of one function.
type acting func(config) error

func (acting) Describe() probity.Metadata { return probity.Metadata{Name: "acting"} }

func (act acting) Run(config config) (*probity.Outcome, error) {
	return probity.NewHealthy("done"), act(config)
}

// does runs a function as a check, against host.
func does(t *testing.T, host *Host, act func()) {
	t.Helper()
	_, err := Run(host, acting(func(config) error { act(); return nil }), nil)
	must(t, err)
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func equal[T comparable](t *testing.T, got, want T) {
	t.Helper()
	if got != want {
		t.Errorf("got %v, want %v", got, want)
	}
}

func kind(err error) probity.Kind {
	var refused *probity.Error
	if !errors.As(err, &refused) {
		return ""
	}
	return refused.Kind
}

// The configuration arrives as an operator writes it, and its mistakes as a host tells them.
func TestTheConfigurationIsParsed(t *testing.T) {
	var seen string
	check := acting(func(config config) error { seen = config.URL; return nil })
	outcome, err := Run(New(), check, map[string]any{"url": "http://a.test/"})
	must(t, err)
	equal(t, outcome.Message, "done")
	equal(t, seen, "http://a.test/")
	_, err = Run(New(), check, map[string]any{"url": 7})
	var wrong *probity.ConfigError
	equal(t, errors.As(err, &wrong) && wrong.Pointer == "/url", true)
}

// Answers come in their order, the last again and again; nobody else answers.
func TestAnswersComeInOrder(t *testing.T) {
	host := New().HTTP("GET", "http://a.test/", Status(503)).HTTP("GET", "http://a.test/", JSON(map[string]int{"n": 3})).
		Fail("GET http://b.test/", probity.Timeout, "no answer in 1 s")
	does(t, host, func() {
		for _, want := range []int{503, 200, 200} {
			response, err := http.Get("http://a.test/")
			must(t, err)
			equal(t, response.StatusCode, want)
		}
		response, err := http.Get("http://a.test/")
		must(t, err)
		var body struct{ N int }
		must(t, response.JSON(&body))
		equal(t, body.N, 3)
		equal(t, response.Header("Content-Type"), "application/json")
		_, err = http.Get("http://b.test/")
		equal(t, kind(err), probity.Timeout)
		_, err = http.Get("http://c.test/")
		equal(t, kind(err), probity.Refused)
	})
	equal(t, len(host.Requests()), 6)
}

// What was sent can be looked at, and the limits of a request hold.
func TestRequestsAreKept(t *testing.T) {
	session := &tls.Info{Protocol: "TLSv1.3"}
	host := New().HTTP("POST", "shop:/orders", Reply{Body: "12345", Trailer: map[string]string{"Grpc-Status": "0"}, TLS: session})
	does(t, host, func() {
		client := http.Client{Endpoint: "shop", Timeout: 250, MaxBodyBytes: 4, RequireHTTP2: true}
		answers, err := client.DoAll([]*http.Request{{
			Method: "POST", URL: "/orders", Header: http.Header{"X-Trace": "7"}, Body: []byte("{}"),
		}})
		must(t, err)
		must(t, answers[0].Err)
		response := answers[0].Response
		_, err = response.Bytes()
		equal(t, kind(err), probity.TooLarge)
		equal(t, response.Version(), "2")
		equal(t, response.Trailers()[0], [2]string{"grpc-status", "0"})
		equal(t, response.TLS().Protocol, "TLSv1.3")
		equal(t, response.Timing().Total, 1)
	})
	sent := host.Requests()[0]
	equal(t, sent.Timeout, 250)
	equal(t, sent.Header["x-trace"], "7")
	equal(t, string(sent.Body), "{}")
}

// The clock stands still but for sleeping, which takes no time; state goes away with it.
func TestSleepingMovesTheClock(t *testing.T) {
	now := time.Date(2026, 11, 20, 10, 0, 0, 0, time.UTC)
	host := New().Now(now)
	does(t, host, func() {
		must(t, state.Set("brief", []byte("x"), 1000))
		clock.Sleep(999 * time.Millisecond)
		value, err := state.Get("brief")
		must(t, err)
		equal(t, string(value), "x")
		clock.Sleep(time.Millisecond)
		value, err = state.Get("brief")
		must(t, err)
		equal(t, value == nil, true)
		equal(t, clock.Now(), now.Add(time.Second))
		equal(t, clock.Monotonic(), time.Second)
		equal(t, run.Remaining(), time.Second)
	})
}

// State is kept from run to run, and refuses what a host refuses.
func TestStateIsKept(t *testing.T) {
	host := New().State("count", "40").State("text", "many")
	for _, want := range []int64{41, 42} {
		does(t, host, func() {
			sum, err := state.Increment("count", 1)
			must(t, err)
			equal(t, sum, want)
		})
	}
	equal(t, host.Kept("count"), "42")
	does(t, host, func() {
		_, err := state.Increment("text", 1)
		equal(t, kind(err), probity.InvalidArgument)
		equal(t, kind(state.Set("", nil, 0)), probity.InvalidArgument)
		must(t, state.Delete("text"))
		keys, err := state.Keys("")
		must(t, err)
		equal(t, slices.Equal(keys, []string{"count"}), true)
	})
}

// What the check knows of its run, and what it logs.
func TestRunsAndLinesAreKnown(t *testing.T) {
	unhealthy := probity.Unhealthy
	host := New().CheckID("shop-eu").Previous(&run.Concluded{Status: &unhealthy, Message: "slow"}, 3)
	does(t, host, func() {
		equal(t, run.CheckID(), "shop-eu")
		equal(t, run.ConsecutiveFailures(), 3)
		equal(t, *run.Previous().Status, probity.Unhealthy)
		log.Warn("cold", "hits", 7)
	})
	line := host.Logged()[0]
	equal(t, line.Level, log.LevelWarn)
	equal(t, line.Message, "cold")
	equal(t, line.Fields[0], [2]string{"hits", "7"})
}

// Statements are answered by their words, and fail where the test says so.
func TestDatabasesAnswer(t *testing.T) {
	host := New().Engine("orders", "mysql").
		Query("orders", "SELECT count(*)\n  FROM orders", sql.RowSet{Columns: []string{"n"}, Rows: [][]sql.Value{{int64(7)}}}).
		Execute("orders", "INSERT INTO probes VALUES (?)", 1).
		FailWith("sql orders commit", &probity.Error{Kind: probity.Remote, Message: "duplicate key", Code: "23505"})
	does(t, host, func() {
		orders, err := sql.Open("orders")
		must(t, err)
		equal(t, orders.Engine(), "mysql")
		waiting, err := sql.Scalar[int64](orders, "SELECT count(*) FROM orders")
		must(t, err)
		equal(t, waiting, 7)
		transaction, err := orders.Begin()
		must(t, err)
		inserted, err := transaction.Execute("INSERT INTO probes VALUES (?)", 1)
		must(t, err)
		equal(t, inserted, 1)
		equal(t, transaction.Commit().Error(), "remote: duplicate key (23505)")
		_, err = orders.Query("SELECT 2")
		equal(t, kind(err), probity.Remote)
		_, err = sql.Open("other")
		equal(t, kind(err), probity.NotFound)
	})
	equal(t, host.Statements()[1].Params[0], any(1))
}

// Commands are answered with their arguments; no other server is there.
func TestServersAnswer(t *testing.T) {
	host := New().Redis("cache", "llen mails", int64(412))
	does(t, host, func() {
		cache, err := redis.Open("cache")
		must(t, err)
		reply, err := cache.Command("LLEN", "mails")
		must(t, err)
		equal(t, reply, any(int64(412)))
		_, err = cache.Command("LLEN", "others")
		equal(t, kind(err), probity.Remote)
		_, err = redis.Open("other")
		equal(t, kind(err), probity.NotFound)
	})
}

// However the blanks stand: between the words of the test, and in an argument.
func TestBlanksInCommandsDoNotMatter(t *testing.T) {
	host := New().Redis("cache", "SET  greeting  good  day", "OK").
		Fail("redis cache command  GET greeting", probity.Timeout, "no answer").
		Fail("sql orders query  SELECT\n1", probity.Timeout, "no answer")
	does(t, host, func() {
		cache, err := redis.Open("cache")
		must(t, err)
		reply, err := cache.Command("set", "greeting", "good \n day")
		must(t, err)
		equal(t, reply, any("OK"))
		_, err = cache.Command("GET", "greeting")
		equal(t, kind(err), probity.Timeout)
		orders, err := sql.Open("orders")
		must(t, err)
		_, err = orders.Query("SELECT  1")
		equal(t, kind(err), probity.Timeout)
	})
}

// Queues, secrets, heartbeats and peers are known by their names only.
func TestNamesAreKnown(t *testing.T) {
	depth := uint64(3)
	healthy := probity.Healthy
	host := New().Queue("jobs", queue.Stats{Depth: &depth}).Secret("webhook", "s3cret").
		Heartbeat("backup", heartbeats.Beat{OK: true}, heartbeats.Beat{}).
		Peer("shop", peers.Snapshot{Status: &healthy}).Peers("orders", peers.Named{Name: "shop"})
	does(t, host, func() {
		stats, err := queue.Inspect("jobs")
		must(t, err)
		equal(t, *stats.Depth, 3)
		must(t, queue.Publish("jobs", []byte("probe")))
		equal(t, kind(queue.Publish("others", nil)), probity.NotFound)
		same, err := secrets.Matches("webhook", []byte("s3cret"))
		must(t, err)
		equal(t, same, true)
		hmac, err := secrets.HMACSHA256("webhook", []byte("payload"))
		must(t, err)
		equal(t, len(hmac), 32)
		_, err = secrets.Reveal("other")
		equal(t, kind(err), probity.NotFound)
		last, err := heartbeats.Last("backup")
		must(t, err)
		equal(t, last.OK, true)
		found, err := peers.Latest("shop")
		must(t, err)
		equal(t, *found.Status, probity.Healthy)
		named, err := peers.ByTag("orders")
		must(t, err)
		equal(t, named[0].Name, "shop")
	})
	equal(t, string(host.Published()[0].Payload), "probe")
}

// Other machines say what the test says, and keep what they hear.
func TestPeersTalk(t *testing.T) {
	host := New().TCP("mail.test:25", Peer{Says: "220 hi\r\n221 bye\r\n", TLS: &tls.Info{Distrust: "expired"}}).
		UDP("time.test:123", udp.Reply{Payload: []byte{1, 2}}).
		DNS("MX", "shop.test", dns.Answer{Data: "10 mail.test."}).
		TLS("shop.test:443", tls.Info{Protocol: "TLSv1.3"})
	does(t, host, func() {
		socket, err := tcp.Connect("mail.test", 25, 0)
		must(t, err)
		line, err := socket.ReadUntil([]byte("\n"), 64, 0)
		must(t, err)
		equal(t, string(line), "220 hi\r\n")
		must(t, socket.Write([]byte("STARTTLS\r\n")))
		info, err := socket.StartTLS("", "", 0)
		must(t, err)
		equal(t, info.Distrust, "expired")
		rest, err := socket.Read(64, 0)
		must(t, err)
		equal(t, string(rest), "221 bye\r\n")
		reply, err := udp.Exchange("time.test", 123, []byte{0}, 2, 0)
		must(t, err)
		equal(t, bytes.Equal(reply.Payload, []byte{1, 2}), true)
		_, err = udp.Exchange("time.test", 123, nil, 1, 0)
		equal(t, kind(err), probity.TooLarge)
		records, err := dns.Resolve("shop.test", "mx", "")
		must(t, err)
		equal(t, records[0].Data, "10 mail.test.")
		_, err = dns.Resolve("other.test", "A", "")
		equal(t, kind(err), probity.DNS)
		session, err := tls.Inspect("shop.test", 443, "")
		must(t, err)
		equal(t, session.Protocol, "TLSv1.3")
	})
	equal(t, string(host.Heard("mail.test:25")), "STARTTLS\r\n")
}

// The machine tells what the test says, and nothing else is granted.
func TestMachinesTell(t *testing.T) {
	host := New().Load(6, 2, 1).CPU(system.CPU{Logical: 2}).Pressure(system.OnIO, system.Pressure{SomeAvg10: 1.5}).
		Disk("/var", system.Disk{MountPoint: "/var", Total: 100}).Processes("nginx")
	does(t, host, func() {
		load, err := system.ReadLoad()
		must(t, err)
		equal(t, load.One, 6)
		pressure, err := system.ReadPressure(system.OnIO)
		must(t, err)
		equal(t, pressure.SomeAvg10, 1.5)
		disk, err := system.ReadDisk("/var")
		must(t, err)
		equal(t, disk.Total, 100)
		running, err := system.Processes("nginx")
		must(t, err)
		equal(t, len(running), 0)
		_, err = system.ReadMemory()
		equal(t, kind(err), probity.Denied)
		_, err = system.Stat("/etc/passwd")
		equal(t, kind(err), probity.NotFound)
	})
}

// Outside of a run there is no host, and the panic says what there is instead.
func TestCapabilitiesNeedARun(t *testing.T) {
	defer func() {
		equal(t, recover(), any("outside of a component, capabilities answer only inside probitytest.Run"))
	}()
	clock.Now()
}
