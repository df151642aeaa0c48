package probity

import (
	"fmt"
	"math"
	"reflect"
	"strings"
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

// ParseStatus is the status that a word names: healthy, degraded, unhealthy.
// Any other word is an error that lists them.
func ParseStatus(word string) (Status, error) {
	for _, status := range []Status{Healthy, Degraded, Unhealthy} {
		if status.String() == word {
			return status, nil
		}
	}
	return Unhealthy, fmt.Errorf("%q is no status; there are healthy, degraded, unhealthy", word)
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
	return &Outcome{Status: Healthy, Message: whole(sprintf(format, args))}
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

// whole is a message that says something is healthy, which has no holes: a
// value that is not there is a bug of the check, and no good news.
func whole(message string) string {
	for _, hole := range []string{"%!", "<nil>", "NaN"} {
		if strings.Contains(message, hole) {
			panic(fmt.Sprintf("the message %q holds %s: a value that it tells is not there", message, hole))
		}
	}
	return message
}

// Measure adds a value without judging it: a number of any type, a string, a
// bool, something with a method String, or a pointer to one of them. Unit is a
// UCUM code, or empty. Integers past what 64 bits with a sign hold become the
// largest. It panics for a nil or NaN, which would be no measurement.
func (o *Outcome) Measure(name string, value any, unit string) *Outcome {
	found := observed(value)
	if found == nil {
		panic(fmt.Sprintf("Measure(%q): the value is %s, expected a number, a string or a bool", name, shown(value)))
	}
	o.Measurements = append(o.Measurements, Measurement{Name: name, Value: found, Unit: unit})
	return o
}

// Judge adds a value and judges it: past a threshold the status worsens and the
// message says by how much. The value is a number of any type, a Span or Size, or
// a pointer to one, and an integer is compared as one; of a time.Duration give its
// Milliseconds. It panics for anything else, nil and NaN among them: no judgement
// is possible, and the check is unknown with that text.
func (o *Outcome) Judge(name string, value any, unit string, threshold Judge) *Outcome {
	number, ok := toNumber(value)
	// What is more than 64 bits with a sign hold is a float64 and no other.
	whole, isWhole := observed(value).(int64)
	isWhole = isWhole && float64(whole) == number
	if !ok {
		panic(fmt.Sprintf("Judge(%q): the value is %s, expected a number", name, shown(value)))
	}
	if threshold == nil {
		panic(fmt.Sprintf("Judge(%q): the threshold is nil, expected an AtMost or AtLeast", name))
	}
	if exact, ok := threshold.(wholeJudge); ok && isWhole {
		o.judgeWhole(name, whole, unit, exact)
	} else {
		o.judge(name, number, unit, threshold)
	}
	return o
}

// judgeWhole compares an integer as one. It is measured as what is judged
// elsewhere, a float64, unless that would lose digits.
func (o *Outcome) judgeWhole(name string, value int64, unit string, threshold wholeJudge) {
	verdict := threshold.judgeWhole(value)
	var measured any = value
	if isSmall(value) {
		measured = float64(value)
	}
	o.Measurements = append(o.Measurements, Measurement{Name: name, Value: measured, Unit: unit, Status: &verdict})
	if complaint := threshold.complaintWhole(value, unit); complaint != "" {
		o.Finding(verdict, "%s", name+" "+complaint)
	}
}

func (o *Outcome) judge(name string, value float64, unit string, threshold Judge) {
	verdict := threshold.Judge(value)
	o.Measurements = append(o.Measurements, Measurement{Name: name, Value: value, Unit: unit, Status: &verdict})
	if complaint := threshold.Complaint(value, unit); complaint != "" {
		o.Finding(verdict, "%s", name+" "+complaint)
	}
}

// Finding adds a finding: the status becomes the worse of the two, and the
// message tells all findings that are not healthy, the worst first. It panics
// for a number that is no status.
func (o *Outcome) Finding(status Status, format string, args ...any) *Outcome {
	if status > Unhealthy {
		panic(fmt.Sprintf("Finding: %d is no status; there are Healthy, Degraded, Unhealthy", status))
	}
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

// observed is a value as the contract has it: a float64, int64, string or bool;
// nil when there is none.
func observed(value any) any {
	found := reflect.ValueOf(value)
	switch value := value.(type) {
	case Integer:
		return int64(value)
	case *Integer:
		if value == nil {
			return nil
		}
		return int64(*value)
	case interface{ amount() float64 }: // Number, Span, Size
		return observed(value.amount())
	case fmt.Stringer:
		if found.Kind() == reflect.Pointer && found.IsNil() {
			return nil
		}
		return value.String()
	}
	for found.Kind() == reflect.Pointer && !found.IsNil() {
		found = found.Elem()
	}
	switch {
	case found.CanInt():
		return found.Int()
	case found.CanUint():
		return saturated(found.Uint())
	case found.CanFloat():
		if number := found.Float(); !math.IsNaN(number) {
			return number
		}
		return nil
	case found.Kind() == reflect.String:
		return found.String()
	case found.Kind() == reflect.Bool:
		return found.Bool()
	default:
		return nil
	}
}

// toNumber is the number that a value is, of whatever type.
func toNumber(value any) (float64, bool) {
	switch found := observed(value).(type) {
	case float64:
		return found, true
	case int64:
		if number := reflect.Indirect(reflect.ValueOf(value)); number.CanUint() {
			return float64(number.Uint()), true
		}
		return float64(found), true
	default:
		return 0, false
	}
}

// shown is a value that does not do, with its type.
func shown(value any) string {
	if found := reflect.ValueOf(value); value == nil || found.Kind() == reflect.Pointer && found.IsNil() {
		return "nil"
	}
	return fmt.Sprintf("%v (%T)", value, value)
}

func saturated(value uint64) int64 {
	return int64(min(value, math.MaxInt64))
}
