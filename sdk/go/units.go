package probity

import (
	"encoding/json"
	"math"
	"strconv"
	"strings"
	"time"
)

// Quantity is something a threshold can be given in.
type Quantity interface {
	Number | Integer | Span | Size
	amount() float64
	// whole is the same as an integer; false when it is none.
	whole() (int64, bool)
	show(amount float64, unit string) string
}

// Number is a plain number.
type Number float64

func (n Number) amount() float64 { return float64(n) }

func (n Number) whole() (int64, bool) {
	return int64(n), float64(n) == math.Trunc(float64(n)) && math.Abs(float64(n)) < 1<<63
}

func (Number) show(amount float64, unit string) string { return withUnit(number(amount), unit) }

// withUnit: UCUM writes "no unit" as 1 and annotations in braces.
func withUnit(digits, unit string) string {
	switch unit = strings.Trim(unit, "{}"); unit {
	case "", "1":
		return digits
	default:
		return digits + " " + unit
	}
}

// Integer is a whole number with all its digits: identifiers and offsets go past
// 2^53, beyond which a Number does not hold each.
type Integer int64

func (n Integer) amount() float64 { return float64(n) }

func (n Integer) whole() (int64, bool) { return int64(n), true }

func (Integer) show(amount float64, unit string) string { return withUnit(number(amount), unit) }

// isSmall: a float64 holds this integer and both its neighbours.
func isSmall(value int64) bool { return value <= 1<<53 && value >= -1<<53 }

// showWhole shows an integer as the quantity does, with all its digits.
func showWhole[Q Quantity](value int64, unit string) string {
	var quantity Q
	switch any(quantity).(type) {
	case Number, Integer:
		if !isSmall(value) {
			return withUnit(strconv.FormatInt(value, 10), unit)
		}
	}
	return quantity.show(float64(value), unit)
}

// Span is a length of time in milliseconds, written 250ms, 15s, 10m, 2h or 7d.
type Span uint64

type unit struct {
	name   string
	factor uint64
}

var spanUnits = []unit{{"ms", 1}, {"s", 1_000}, {"m", 60_000}, {"h", 3_600_000}, {"d", 86_400_000}}

// Duration is the same as the standard library has it.
func (s Span) Duration() time.Duration { return time.Duration(s) * time.Millisecond }

// String is the span in the unit a person would choose.
func (s Span) String() string { return s.show(float64(s), "ms") }

func (s Span) amount() float64 { return float64(s) }

func (s Span) whole() (int64, bool) { return int64(s), s <= math.MaxInt64 }

func (Span) show(amount float64, _ string) string { return scaled(amount, spanUnits) }

// UnmarshalJSON reads a text like "10m".
func (s *Span) UnmarshalJSON(document []byte) error {
	ms, ok := uint64(0), false
	var text string
	if json.Unmarshal(document, &text) == nil {
		ms, ok = parseQuantity(text, spanUnits)
	}
	if !ok {
		return misfit(document, "a duration like 250ms, 15s, 10m, 2h or 7d")
	}
	*s = Span(ms)
	return nil
}

// Size is a number of bytes, written 512, 64KiB, 32MiB, 5GiB (or KB, MB, GB, TB
// in thousands).
type Size uint64

var (
	sizeUnits        = []unit{{"B", 1}, {"KiB", 1 << 10}, {"MiB", 1 << 20}, {"GiB", 1 << 30}, {"TiB", 1 << 40}}
	sizeUnitsDecimal = []unit{{"KB", 1e3}, {"MB", 1e6}, {"GB", 1e9}, {"TB", 1e12}}
)

// String is the size in the unit a person would choose.
func (s Size) String() string { return s.show(float64(s), "By") }

func (s Size) amount() float64 { return float64(s) }

func (s Size) whole() (int64, bool) { return int64(s), s <= math.MaxInt64 }

func (Size) show(amount float64, _ string) string { return scaled(amount, sizeUnits) }

// UnmarshalJSON reads a number, or a text like "32MiB".
func (s *Size) UnmarshalJSON(document []byte) error {
	bytes, err := strconv.ParseUint(string(document), 10, 64)
	ok := err == nil
	var text string
	if !ok && json.Unmarshal(document, &text) == nil {
		if bytes, ok = parseQuantity(text, sizeUnits); !ok {
			bytes, ok = parseQuantity(text, sizeUnitsDecimal)
		}
	}
	if !ok {
		return misfit(document, "a size like 512, 64KiB, 32MiB or 5GiB")
	}
	*s = Size(bytes)
	return nil
}

// parseQuantity: "15s" → 15 × the factor of s. Decimals are not part of the syntax.
func parseQuantity(text string, units []unit) (uint64, bool) {
	digits := len(text) - len(strings.TrimLeft(text, "0123456789"))
	count, err := strconv.ParseUint(text[:digits], 10, 64)
	if err != nil {
		return 0, false
	}
	for _, unit := range units {
		if unit.name == text[digits:] {
			return count * unit.factor, count <= math.MaxUint64/unit.factor
		}
	}
	return 0, false
}

// scaled is amount in the largest unit of which there is at least one.
func scaled(amount float64, units []unit) string {
	found := units[0]
	for _, unit := range units {
		if math.Abs(amount) >= float64(unit.factor) {
			found = unit
		}
	}
	return number(amount/float64(found.factor)) + " " + found.name
}

// number has two decimals, or as many as show two digits of a small number,
// without trailing zeros.
func number(value float64) string {
	switch {
	case math.IsNaN(value):
		return "NaN"
	case math.IsInf(value, 1):
		return "inf"
	case math.IsInf(value, -1):
		return "-inf"
	}
	decimals := 2
	if magnitude := math.Floor(math.Log10(math.Abs(value))); magnitude >= -12 && magnitude < -1 {
		decimals = int(1 - magnitude)
	}
	text := strconv.FormatFloat(value, 'f', decimals, 64)
	return strings.TrimSuffix(strings.TrimRight(text, "0"), ".")
}
