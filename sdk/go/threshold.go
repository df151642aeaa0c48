package probity

import (
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

func (b Bounds[Q]) complaint(status Status, value float64, unit, relation string) string {
	bound := b.Warn
	switch status {
	case Healthy:
		return ""
	case Unhealthy:
		bound = b.Crit
	}
	var quantity Q
	return fmt.Sprintf("%s, %s than %s", quantity.show(value, unit), relation, quantity.show((*bound).amount(), unit))
}

func (b *Bounds[Q]) read(document json.RawMessage, keeps func(value, bound float64) bool, order string) error {
	var read Bounds[Q]
	if err := decode(document, &read); err != nil {
		return err
	}
	if read.Warn != nil && read.Crit != nil && !keeps((*read.Warn).amount(), (*read.Crit).amount()) {
		var quantity Q
		warn, crit := quantity.show((*read.Warn).amount(), ""), quantity.show((*read.Crit).amount(), "")
		return &ConfigError{Reason: fmt.Sprintf(
			"warn %s is never reached before crit %s: warn must be %s crit", warn, crit, order)}
	}
	*b = read
	return nil
}
