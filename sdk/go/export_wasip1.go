//go:build wasip1

package probity

import (
	"errors"
	"fmt"
	"path"
	"runtime"
	"slices"
	"strings"

	witTypes "probity.dev/sdk/internal/pkg/wit/types"

	"probity.dev/sdk/internal/wit/exports/export_probity_check_checker"
	_ "probity.dev/sdk/internal/wit/exports/wit_exports" // The component's exports.
	wit_log "probity.dev/sdk/internal/wit/imports/probity_check_log"
	wit "probity.dev/sdk/internal/wit/imports/probity_check_types"
)

// Export makes check the one of this component. Call it once, in init.
func Export[C any](check Check[C]) {
	export_probity_check_checker.Describe = func() wit.Metadata {
		defer logPanic()
		return metadata(check.Describe())
	}
	export_probity_check_checker.Run = func(document string) witTypes.Result[wit.Outcome, wit.Failure] {
		defer logPanic()
		outcome, err := Evaluate(check, document)
		if err != nil {
			return witTypes.Err[wit.Outcome](failure(err))
		}
		return witTypes.Ok[wit.Outcome, wit.Failure](conclusion(outcome))
	}
}

// trap ends the run: the runtime's own end of a panic would look like an exit.
func trap()

// logPanic logs a panic with its stack before it ends the run as a trap.
func logPanic() {
	if reason := recover(); reason != nil {
		wit_log.Write(wit_log.Level_Error, fmt.Sprintf("uncaught panic: %v%s", reason, stack()), nil)
		trap()
	}
}

// stackMax is how many of the author's frames a log line shows.
const stackMax = 16

// stack is where it panicked, innermost first: "\nat main.check.Run (check.go:12)".
func stack() string {
	var counters [64]uintptr
	frames := runtime.CallersFrames(counters[:runtime.Callers(1, counters[:])])
	var text strings.Builder
	for shown := 0; shown < stackMax; {
		frame, more := frames.Next()
		if !isOurs(frame.Function) {
			fmt.Fprintf(&text, "\nat %s (%s:%d)", frame.Function, path.Base(frame.File), frame.Line)
			shown++
		}
		if !more {
			break
		}
	}
	return text.String()
}

// isOurs tells the kit's and the runtime's functions from the author's.
func isOurs(function string) bool {
	return function == "" || strings.HasPrefix(function, "probity.dev/sdk") || strings.HasPrefix(function, "runtime.")
}

func failure(err error) wit.Failure {
	var config *ConfigError
	if errors.As(err, &config) {
		return wit.MakeFailureInvalidConfig(config.Error())
	}
	var refused *Error
	if errors.As(err, &refused) {
		kind := uint8(max(0, slices.Index(Kinds[:], refused.Kind)))
		return wit.MakeFailureCapability(wit.Error{Kind: kind, Message: refused.Message, Code: optional(refused.Code)})
	}
	return wit.MakeFailureOther(err.Error())
}

func conclusion(outcome *Outcome) wit.Outcome {
	made := wit.Outcome{Status: uint8(outcome.Status), Message: outcome.Message}
	for _, measurement := range outcome.Measurements {
		status := witTypes.None[wit.Status]()
		if measurement.Status != nil {
			status = witTypes.Some(uint8(*measurement.Status))
		}
		made.Measurements = append(made.Measurements, wit.Measurement{
			Name: measurement.Name, Value: value(measurement.Value), Unit: optional(measurement.Unit), Status: status,
		})
	}
	for _, detail := range outcome.Details {
		made.Details = append(made.Details, witTypes.Tuple2[string, string]{F0: detail.Name, F1: detail.Value})
	}
	return made
}

func value(observed any) wit.Observed {
	switch observed := observed.(type) {
	case float64:
		return wit.MakeObservedNumber(observed)
	case int64:
		return wit.MakeObservedInteger(observed)
	case bool:
		return wit.MakeObservedBoolean(observed)
	default:
		return wit.MakeObservedText(fmt.Sprint(observed))
	}
}

func metadata(said Metadata) wit.Metadata {
	version := said.Version
	if version == "" {
		version = "0.1.0"
	}
	made := wit.Metadata{
		Name: said.Name, Version: version, Description: said.Description,
		DefaultIntervalMs: milliseconds(said.Every), DefaultTimeoutMs: milliseconds(said.Timeout),
		ConfigSchema: optional(said.ConfigSchema), ConfigExample: optional(said.ConfigExample),
	}
	for _, probe := range said.Probes {
		made.Probes |= uint8(probe)
	}
	for _, label := range said.Labels {
		made.Labels = append(made.Labels, witTypes.Tuple2[string, string]{F0: label[0], F1: label[1]})
	}
	return made
}

func optional(text string) witTypes.Option[string] {
	if text == "" {
		return witTypes.None[string]()
	}
	return witTypes.Some(text)
}

func milliseconds(span Span) witTypes.Option[uint32] {
	if span == 0 {
		return witTypes.None[uint32]()
	}
	return witTypes.Some(uint32(min(span, 0xffff_ffff)))
}
