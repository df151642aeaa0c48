// The check of the capability suite, in Go: see tests/capabilities/README.md.
package main

import (
	"errors"

	"probity.dev/sdk"
)

type config struct {
	Act   string
	Catch bool `json:"catch,omitempty"`
}

// act calls something and adds what came back.
type act func(*probity.Outcome) error

var acts = map[string]act{
	"context":        showContext,
	"clock":          showClock,
	"state":          showState,
	"state-large":    showLarge,
	"state-key":      setEmptyKey,
	"http-get":       getStats,
	"http-tls":       getSession,
	"http-send":      sendOrder,
	"http-all":       askBoth,
	"tcp":            talk,
	"starttls":       talkSecretly,
	"tls":            inspect,
	"tls-trusting":   inspectTrusting,
	"tls-named":      inspectNamed,
	"udp":            exchange,
	"dns":            resolve,
	"dns-at":         resolveInside,
	"sql":            query,
	"sql-write":      write,
	"redis":          command,
	"queue":          showQueue,
	"queue-publish":  publish,
	"secrets":        sign,
	"reveal":         reveal,
	"memory":         showMemory,
	"cpu":            showCPU,
	"load":           showLoad,
	"pressure":       showPressure,
	"uptime":         showUptime,
	"disk":           showDisk,
	"disks":          showDisks,
	"processes":      showProcesses,
	"stat":           showFile,
	"heartbeat":      showLast,
	"heartbeats":     showRecent,
	"heartbeat-open": showOpen,
	"peer":           showPeer,
	"peers":          showPeers,
}

type capabilities struct{}

func (capabilities) Describe() probity.Metadata {
	return probity.Metadata{Name: "capabilities", Description: "Does every capability arrive in every language?"}
}

func (capabilities) Run(config config) (*probity.Outcome, error) {
	act, known := acts[config.Act]
	if !known {
		return nil, errors.New("unknown act `" + config.Act + "`")
	}
	outcome := probity.NewHealthy("%s", config.Act)
	err := act(outcome)
	var refused *probity.Error
	if config.Catch && errors.As(err, &refused) {
		return probity.NewUnhealthy("%s: %s", refused.Kind, refused.Message).Detail("code", text(refused.Code)), nil
	}
	return outcome, err
}

func init() { probity.Export(capabilities{}) }

func main() {}
