package probity

import (
	"fmt"
	"math"
)

// Status is a judgement. Worse is greater, so max is the worst of many.
type Status uint8

const (
	// Healthy: as it should be.
	Healthy Status = iota
	// Degraded: works, and someone should look.
	Degraded
	// Unhealthy: does not work.
	Unhealthy
)

// String is the status as the contract spells it.
func (s Status) String() string {
	switch s {
	case Healthy:
		return "healthy"
	case Degraded:
		return "degraded"
	default:
		return "unhealthy"
	}
}

// Worst is the worst of many; healthy when there are none.
func Worst(of ...Status) Status {
	worst := Healthy
	for _, status := range of {
		worst = max(worst, status)
	}
	return worst
}

// Measurement is a named value, with its unit and, when there is one, a
// judgement on it.
type Measurement struct {
	// Name within this check.
	Name string
	// Value is a float64, int64, string or bool.
	Value any
	// Unit is a UCUM code: ms, By, 1, %, {messages}; empty when there is none.
	Unit string
	// Status is the judgement on this one value; nil when there is none.
	Status *Status
}

// Detail is a free-form fact.
type Detail struct{ Name, Value string }

// Outcome is what a run concluded, built from a first word and what is found
// after it:
//
//	probity.NewHealthy("200 in 812 ms").
//		Judge("latency", 812, "ms", config.Latency).
//		Measure("size", 5120, "By")
//	// degraded: latency 812 ms, more than 500 ms
type Outcome struct {
	// Status is the judgement.
	Status Status
	// Message is one line for a person, without secrets.
	Message string
	// Measurements are observed values.
	Measurements []Measurement
	// Details are shown beside the message.
	Details []Detail
}

// NewHealthy begins an outcome: as it should be. Later findings replace the message.
func NewHealthy(format string, args ...any) *Outcome {
	return &Outcome{Status: Healthy, Message: sprintf(format, args)}
}

// NewDegraded begins an outcome: works, and someone should look.
func NewDegraded(format string, args ...any) *Outcome {
	return &Outcome{Status: Degraded, Message: sprintf(format, args)}
}

// NewUnhealthy begins an outcome: does not work.
func NewUnhealthy(format string, args ...any) *Outcome {
	return &Outcome{Status: Unhealthy, Message: sprintf(format, args)}
}

// sprintf leaves a text without arguments alone, so that a message may hold a %.
func sprintf(format string, args []any) string {
	if len(args) == 0 {
		return format
	}
	return fmt.Sprintf(format, args...)
}

// Measure adds a value without judging it: a number, a string or a bool. Unit
// is a UCUM code, or empty. Integers past what 64 bits with a sign hold become
// the largest.
func (o *Outcome) Measure(name string, value any, unit string) *Outcome {
	o.Measurements = append(o.Measurements, Measurement{Name: name, Value: observed(value), Unit: unit})
	return o
}

// Judge adds a value and judges it: past a threshold the status worsens and the
// message says by how much.
func (o *Outcome) Judge(name string, value float64, unit string, threshold Judge) *Outcome {
	verdict := threshold.Judge(value)
	o.Measurements = append(o.Measurements, Measurement{Name: name, Value: value, Unit: unit, Status: &verdict})
	if complaint := threshold.Complaint(value, unit); complaint != "" {
		o.Finding(verdict, "%s", name+" "+complaint)
	}
	return o
}

// Finding adds a finding: the status becomes the worse of the two, and the
// message tells all findings that are not healthy, the worst first.
func (o *Outcome) Finding(status Status, format string, args ...any) *Outcome {
	if status == Healthy {
		return o
	}
	text := sprintf(format, args)
	switch {
	case o.Status == Healthy:
		o.Message = text
	case status > o.Status:
		o.Message = text + "; " + o.Message
	default:
		o.Message += "; " + text
	}
	o.Status = max(o.Status, status)
	return o
}

// Detail adds a fact for the person who looks.
func (o *Outcome) Detail(name, value string) *Outcome {
	o.Details = append(o.Details, Detail{name, value})
	return o
}

func observed(value any) any {
	switch value := value.(type) {
	case float64, int64, string, bool:
		return value
	case float32:
		return float64(value)
	case int:
		return int64(value)
	case int32:
		return int64(value)
	case int16:
		return int64(value)
	case int8:
		return int64(value)
	case uint:
		return saturated(uint64(value))
	case uint64:
		return saturated(value)
	case uint32:
		return int64(value)
	case uint16:
		return int64(value)
	case uint8:
		return int64(value)
	default:
		return fmt.Sprint(value)
	}
}

func saturated(value uint64) int64 {
	return int64(min(value, math.MaxInt64))
}
