package probitytest

import (
	"encoding/json"
	"strings"
	"time"

	"probity.dev/sdk/dns"
	"probity.dev/sdk/heartbeats"
	"probity.dev/sdk/internal/fake"
	"probity.dev/sdk/peers"
	"probity.dev/sdk/queue"
	"probity.dev/sdk/redis"
	"probity.dev/sdk/sql"
	"probity.dev/sdk/system"
	"probity.dev/sdk/tls"
	"probity.dev/sdk/udp"
)

// Reply is an answer over HTTP.
type Reply = fake.Reply

// Request is one that the check sent.
type Request = fake.Request

// Peer is the other end of a TCP connection.
type Peer = fake.Peer

// Statement is one that the check ran.
type Statement = fake.Statement

// Message is one that the check published.
type Message = fake.Message

// Status is an answer without a body.
func Status(code int) Reply { return Reply{Status: code} }

// JSON is an answer with this value; it panics for what has no JSON.
func JSON(value any) Reply {
	body, err := json.Marshal(value)
	if err != nil {
		panic(err)
	}
	return Reply{Header: map[string]string{"content-type": "application/json"}, Body: string(body)}
}

// HTTP answers requests. Through an endpoint, url is "shop:/orders".
func (h *Host) HTTP(method, url string, reply Reply) *Host { return h.answer(method+" "+url, reply) }

// Requests are those that the check sent, in order.
func (h *Host) Requests() []Request { return h.fake.Deeds().Requests }

// TCP accepts connections to "host:port".
func (h *Host) TCP(target string, peer Peer) *Host { return h.answer("tcp "+target, peer) }

// UDP answers a datagram to "host:port".
func (h *Host) UDP(target string, reply udp.Reply) *Host { return h.answer("udp "+target, &reply) }

// Heard is all that the check wrote to "host:port".
func (h *Host) Heard(target string) []byte { return h.fake.Heard(target) }

// TLS shakes hands at "host:port".
func (h *Host) TLS(target string, info tls.Info) *Host { return h.answer("tls "+target, &info) }

// Certificates are those in the declared file name.
func (h *Host) Certificates(name string, chain ...tls.Certificate) *Host {
	return h.answer("tls named "+name, chain)
}

// DNS has records of a type; at a resolver of the configuration, name is "shop.test at inside".
func (h *Host) DNS(recordType, name string, answers ...dns.Answer) *Host {
	return h.answer("dns "+recordType+" "+name, answers)
}

// Query answers a statement; blanks do not matter. A connection that the test says
// anything about can be opened, its transactions begin and end.
func (h *Host) Query(connection, statement string, rows sql.RowSet) *Host {
	return h.answer("sql "+connection+" query "+words(statement), &rows)
}

// Execute lets a statement change this many rows.
func (h *Host) Execute(connection, statement string, affected uint64) *Host {
	return h.answer("sql "+connection+" execute "+words(statement), affected)
}

// Engine of a database; postgres without it.
func (h *Host) Engine(connection, engine string) *Host {
	return h.answer("sql "+connection+" engine", engine)
}

// Statements are those that the check ran, in order.
func (h *Host) Statements() []Statement { return h.fake.Deeds().Statements }

// Redis answers a command with its arguments, "LLEN mails"; blanks do not matter.
func (h *Host) Redis(connection, command string, reply redis.Reply) *Host {
	name, args, _ := strings.Cut(words(command), " ")
	return h.answer(strings.TrimSpace("redis "+connection+" command "+strings.ToUpper(name)+" "+args), reply)
}

// Queue is what the broker says about it.
func (h *Host) Queue(name string, stats queue.Stats) *Host { return h.answer("queue "+name, &stats) }

// Published are the messages that the check sent.
func (h *Host) Published() []Message { return h.fake.Deeds().Published }

// Secret is one that may be used and revealed.
func (h *Host) Secret(name, value string) *Host { return h.answer("secret "+name, value) }

// Heartbeat is what a job reported, the newest first.
func (h *Host) Heartbeat(name string, beats ...heartbeats.Beat) *Host {
	return h.answer("heartbeat "+name, beats)
}

// OpenRuns are runs of a heartbeat that have not ended, the oldest first.
func (h *Host) OpenRuns(name string, runs ...heartbeats.OpenRun) *Host {
	return h.answer("open runs of "+name, runs)
}

// Peer is the latest result of another check.
func (h *Host) Peer(id string, latest peers.Snapshot) *Host { return h.answer("peer "+id, &latest) }

// Peers are the checks of a group.
func (h *Host) Peers(tag string, named ...peers.Named) *Host { return h.answer("peers of "+tag, named) }

// Memory of the machine.
func (h *Host) Memory(memory system.Memory) *Host { return h.answer("system memory", &memory) }

// CPU of the machine.
func (h *Host) CPU(cpu system.CPU) *Host { return h.answer("system cpu", &cpu) }

// Load averages.
func (h *Host) Load(one, five, fifteen float64) *Host {
	return h.answer("system load", &system.Load{One: one, Five: five, Fifteen: fifteen})
}

// Pressure on one resource.
func (h *Host) Pressure(kind system.Kind, pressure system.Pressure) *Host {
	return h.answer("system pressure "+[...]string{"cpu", "memory", "io"}[kind], &pressure)
}

// Uptime of the machine.
func (h *Host) Uptime(uptime time.Duration) *Host { return h.answer("system uptime", uptime) }

// Disk that holds path.
func (h *Host) Disk(path string, disk system.Disk) *Host { return h.answer("system disk "+path, &disk) }

// Disks are all of them.
func (h *Host) Disks(disks ...system.Disk) *Host { return h.answer("system disks", disks) }

// Processes of a name; none is an answer, too.
func (h *Host) Processes(name string, processes ...system.Process) *Host {
	return h.answer("system processes "+name, processes)
}

// File at path.
func (h *Host) File(path string, file system.File) *Host { return h.answer("system stat "+path, &file) }

// words has single blanks between them.
func words(text string) string { return strings.Join(strings.Fields(text), " ") }
