package probity

import (
	"cmp"
	"encoding/json"
	"fmt"
)

// Judge is something that judges a value.
type Judge interface {
	// Judge is the status of value. A value that is not a number passes no bound.
	Judge(value float64) Status
	// Complaint is what is wrong with value, for a person; empty when it is
	// healthy. Unit is a UCUM code.
	Complaint(value float64, unit string) string
}

// wholeJudge is a [Judge] that compares integers as integers.
type wholeJudge interface {
	judgeWhole(value int64) Status
	complaintWhole(value int64, unit string) string
}

// Bounds are the last values that are still allowed; either may be absent.
type Bounds[Q Quantity] struct {
	// Warn is the last value that is still healthy.
	Warn *Q `json:"warn"`
	// Crit is the last value that is not yet unhealthy.
	Crit *Q `json:"crit"`
}

// AtMost holds upper bounds: more than Warn is degraded, more than Crit unhealthy.
type AtMost[Q Quantity] struct{ Bounds[Q] }

// AtLeast holds lower bounds: less than Warn is degraded, less than Crit unhealthy.
type AtLeast[Q Quantity] struct{ Bounds[Q] }

// NewAtMost has both bounds.
func NewAtMost[Q Quantity](warn, crit Q) AtMost[Q] { return AtMost[Q]{Bounds[Q]{&warn, &crit}} }

// NewAtLeast has both bounds.
func NewAtLeast[Q Quantity](warn, crit Q) AtLeast[Q] { return AtLeast[Q]{Bounds[Q]{&warn, &crit}} }

// Judge implements [Judge].
func (t AtMost[Q]) Judge(value float64) Status { return t.judge(value, notMore) }

// Judge implements [Judge].
func (t AtLeast[Q]) Judge(value float64) Status { return t.judge(value, notLess) }

// Complaint implements [Judge].
func (t AtMost[Q]) Complaint(value float64, unit string) string {
	return t.complaint(t.Judge(value), value, unit, "more")
}

// Complaint implements [Judge].
func (t AtLeast[Q]) Complaint(value float64, unit string) string {
	return t.complaint(t.Judge(value), value, unit, "less")
}

// UnmarshalJSON reads {"warn": …, "crit": …}, whose bounds must be ordered.
func (t *AtMost[Q]) UnmarshalJSON(document []byte) error {
	return t.read(document, notMore, "at most")
}

// UnmarshalJSON reads {"warn": …, "crit": …}, whose bounds must be ordered.
func (t *AtLeast[Q]) UnmarshalJSON(document []byte) error {
	return t.read(document, notLess, "at least")
}

func (t AtMost[Q]) judgeWhole(value int64) Status { return t.Bounds.judgeWhole(value, 1) }

func (t AtLeast[Q]) judgeWhole(value int64) Status { return t.Bounds.judgeWhole(value, -1) }

func (t AtMost[Q]) complaintWhole(value int64, unit string) string {
	return t.tell(t.judgeWhole(value), showWhole[Q](value, unit), unit, "more")
}

func (t AtLeast[Q]) complaintWhole(value int64, unit string) string {
	return t.tell(t.judgeWhole(value), showWhole[Q](value, unit), unit, "less")
}

func notMore(value, bound float64) bool { return value <= bound }
func notLess(value, bound float64) bool { return value >= bound }

func (b Bounds[Q]) judge(value float64, keeps func(value, bound float64) bool) Status {
	switch {
	case b.Crit != nil && !keeps(value, (*b.Crit).amount()):
		return Unhealthy
	case b.Warn != nil && !keeps(value, (*b.Warn).amount()):
		return Degraded
	default:
		return Healthy
	}
}

// judgeWhole is the status of an integer; worse is what a bound compares as to
// what breaks it.
func (b Bounds[Q]) judgeWhole(value int64, worse int) Status {
	switch {
	case b.Crit != nil && compare(value, *b.Crit) == worse:
		return Unhealthy
	case b.Warn != nil && compare(value, *b.Warn) == worse:
		return Degraded
	default:
		return Healthy
	}
}

// compare tells how an integer is to a bound. A bound that is no integer is small
// enough for a float64 to tell the two apart.
func compare[Q Quantity](value int64, bound Q) int {
	if whole, ok := bound.whole(); ok {
		return cmp.Compare(value, whole)
	}
	return cmp.Compare(float64(value), bound.amount())
}

func (b Bounds[Q]) complaint(status Status, value float64, unit, relation string) string {
	var quantity Q
	return b.tell(status, quantity.show(value, unit), unit, relation)
}

// tell says what is wrong with a value that is shown like this.
func (b Bounds[Q]) tell(status Status, shown, unit, relation string) string {
	bound := b.Warn
	switch status {
	case Healthy:
		return ""
	case Unhealthy:
		bound = b.Crit
	}
	return fmt.Sprintf("%s, %s than %s", shown, relation, showBound(*bound, unit))
}

func showBound[Q Quantity](bound Q, unit string) string {
	if whole, ok := bound.whole(); ok {
		return showWhole[Q](whole, unit)
	}
	return bound.show(bound.amount(), unit)
}

func (b *Bounds[Q]) read(document json.RawMessage, keeps func(value, bound float64) bool, order string) error {
	var read Bounds[Q]
	if err := decode(document, &read); err != nil {
		return err
	}
	if read.Warn != nil && read.Crit != nil && !inOrder(*read.Warn, *read.Crit, keeps) {
		warn, crit := showBound(*read.Warn, ""), showBound(*read.Crit, "")
		return &ConfigError{Reason: fmt.Sprintf(
			"warn %s is never reached before crit %s: warn must be %s crit", warn, crit, order)}
	}
	*b = read
	return nil
}

func inOrder[Q Quantity](warn, crit Q, keeps func(value, bound float64) bool) bool {
	if whole, ok := warn.whole(); ok {
		return keeps(float64(compare(whole, crit)), 0)
	}
	return keeps(warn.amount(), crit.amount())
}
