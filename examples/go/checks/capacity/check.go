// How much of a service in Go is taken, by what its processes say: processors, goroutines, memory, connection pool.
//
// board.Pulse in the service sends a beat of each process every few seconds; this check judges the latest beat of each.
// It sees what a probe over HTTP cannot: a pool without a free connection, and requests that wait for one.
package main

import (
	"encoding/json"
	"fmt"

	"probity.dev/sdk"
	"probity.dev/sdk/heartbeats"
)

// beatsMax is how many beats are looked at: enough for a few of each process.
const beatsMax = 64

type config struct {
	Heartbeat string
	// Silence is how long a process that has not ended may say nothing.
	Silence probity.Span `default:"10s"`
	// Lag is how long goroutines may wait for a processor.
	Lag        probity.AtMost[probity.Span]   `default:"{\"warn\":\"100ms\",\"crit\":\"1s\"}"`
	Goroutines probity.AtMost[probity.Number] `json:"goroutines,omitempty"`
	Memory     probity.AtMost[probity.Size]   `json:"memory,omitempty"`
	// Pool is the share of its connections that a process may use, in percent.
	Pool probity.AtMost[probity.Number] `default:"{\"warn\":90}"`
}

// beat is what a process says of itself.
type beat struct {
	PID        int
	Ready      bool
	LagMS      float64 `json:"lag_ms"`
	Goroutines float64
	RSS        float64
	Pool       *struct{ Used, Size float64 }
}

type capacity struct{}

func (capacity) Describe() probity.Metadata {
	return probity.Metadata{
		Name: "capacity", Version: "0.1.0", Probes: []probity.Probe{probity.Ready}, Every: 5000,
		Description:   "Have the service's processes processors, memory and connections left?",
		ConfigExample: `{"heartbeat": "shop", "memory": {"warn": "512MiB", "crit": "1GiB"}}`,
	}
}

func (capacity) Run(config config) (*probity.Outcome, error) {
	processes, err := latest(config)
	if err != nil {
		return nil, err
	}
	if len(processes) == 0 {
		return probity.NewUnhealthy("no process has said anything for %s", config.Silence), nil
	}
	outcome := probity.NewHealthy("there is room").Measure("processes", len(processes), "{processes}")
	ending, worst, pool := true, beat{}, -1.0
	for _, one := range processes {
		ending = ending && !one.Ready
		worst.LagMS = max(worst.LagMS, one.LagMS)
		worst.Goroutines = max(worst.Goroutines, one.Goroutines)
		worst.RSS = max(worst.RSS, one.RSS)
		if one.Pool != nil && one.Pool.Size > 0 {
			pool = max(pool, 100*one.Pool.Used/one.Pool.Size)
		}
	}
	if ending {
		outcome.Finding(probity.Unhealthy, "all processes are ending")
	}
	outcome.Judge("lag", worst.LagMS, "ms", config.Lag).
		Judge("goroutines", worst.Goroutines, "{goroutines}", config.Goroutines).
		Judge("memory", worst.RSS, "By", config.Memory)
	if pool >= 0 {
		outcome.Judge("pool", pool, "%", config.Pool)
	}
	return outcome, nil
}

// latest is what each process said last, unless it is silent by now.
func latest(config config) (map[int]beat, error) {
	recent, err := heartbeats.Recent(config.Heartbeat, beatsMax)
	if err != nil {
		return nil, err
	}
	found := map[int]beat{}
	for _, one := range recent {
		if one.Age > config.Silence.Duration() {
			break
		}
		var said beat
		if json.Unmarshal([]byte(one.Message), &said) != nil || said.PID == 0 {
			return nil, fmt.Errorf("the heartbeat %s is no pulse: %.80s", config.Heartbeat, one.Message)
		}
		if _, later := found[said.PID]; !later {
			found[said.PID] = said
		}
	}
	return found, nil
}

func init() { probity.Export(capacity{}) }

func main() {}
