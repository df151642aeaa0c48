// The reference check of the conformance suite, in Go: see tests/conformance/README.md.
package main

import (
	"errors"
	"math"

	"probity.dev/sdk"
	"probity.dev/sdk/http"
	"probity.dev/sdk/log"
	"probity.dev/sdk/state"
)

type config struct {
	Act     string
	Value   *float64
	Warn    *probity.Number
	Crit    *probity.Number
	Integer int64                           `json:"integer,omitempty"`
	Most    probity.AtMost[probity.Integer] `json:"most,omitempty"`
	URL     string                          `json:"url,omitempty"`
	Word    string                          `json:"word,omitempty"`
}

type reference struct{}

func (reference) Describe() probity.Metadata {
	return probity.Metadata{Name: "reference", Description: "Does every language do the same?"}
}

func (reference) Run(config config) (*probity.Outcome, error) {
	switch config.Act {
	case "judge":
		limits := probity.AtMost[probity.Number]{Bounds: probity.Bounds[probity.Number]{Warn: config.Warn, Crit: config.Crit}}
		return probity.NewHealthy("as it should be").Judge("value", *config.Value, "", limits), nil
	case "integer":
		return probity.NewHealthy("as it should be").Judge("integer", config.Integer, "", config.Most), nil
	case "log":
		return logged(), nil
	case "http":
		return fetched(config.URL)
	case "json":
		return lookedUp(config.URL)
	case "state":
		runs, err := state.Increment("runs", 1)
		if err != nil {
			return nil, err
		}
		return probity.NewHealthy("counted").Measure("runs", runs, ""), nil
	case "loop":
		for {
		}
	case "allocate":
		return allocated(), nil
	case "word":
		status, err := probity.ParseStatus(config.Word)
		if err != nil {
			return nil, err
		}
		return probity.NewHealthy("fine").Finding(status, "said"), nil
	case "nothing":
		return probity.NewHealthy("fine").Judge("lag", math.NaN(), "ms", probity.AtMost[probity.Number]{}), nil
	case "throw":
		panic("boom")
	case "config":
		return probity.NewHealthy("value %v", *config.Value), nil
	default:
		return nil, errors.New("unknown act `" + config.Act + "`")
	}
}

func logged() *probity.Outcome {
	log.Trace("line at trace", "n", 1)
	log.Debug("line at debug", "n", 1)
	log.Info("line at info", "n", 1)
	log.Warn("line at warn", "n", 1)
	log.Error("line at error", "n", 1)
	return probity.NewHealthy("logged")
}

func fetched(url string) (*probity.Outcome, error) {
	response, err := http.Get(url)
	var refused *probity.Error
	if errors.As(err, &refused) && refused.Kind.IsAboutTheTarget() {
		return probity.NewUnhealthy("no answer: %s", refused.Kind), nil
	}
	if err != nil {
		return nil, err
	}
	return probity.NewHealthy("status %d", response.StatusCode).Measure("status", response.StatusCode, ""), nil
}

func lookedUp(url string) (*probity.Outcome, error) {
	response, err := http.Get(url)
	if err != nil {
		return nil, err
	}
	var answer struct{ Value float64 }
	if err := response.JSON(&answer); err != nil {
		return nil, err
	}
	return probity.NewHealthy("found").Measure("value", answer.Value, ""), nil
}

func allocated() *probity.Outcome {
	kept := [][]byte{}
	for {
		block := make([]byte, 1<<20)
		for at := 0; at < len(block); at += 4096 {
			block[at] = 1
		}
		kept = append(kept, block)
		if len(kept) == 1<<20 {
			return probity.NewHealthy("%d blocks", len(kept))
		}
	}
}

func init() { probity.Export(reference{}) }

func main() {}
