package probity

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strings"
	"testing"
	"time"
)

func equal[T comparable](t *testing.T, got, want T) {
	t.Helper()
	if got != want {
		t.Errorf("got %v, want %v", got, want)
	}
}

// Findings replace a healthy message and come worst first.
func TestFindingsMakeTheMessage(t *testing.T) {
	outcome := NewHealthy("100 %").Finding(Healthy, "not worth a word").Finding(Degraded, "slow").
		Finding(Unhealthy, "wrong").Finding(Degraded, "old")
	equal(t, outcome.Status, Unhealthy)
	equal(t, outcome.Message, "wrong; slow; old")
	equal(t, NewHealthy("100 %").Message, "100 %")
}

// A judged value carries its own status; integers too large for the contract become its largest.
func TestMeasurementsCarryUnitAndStatus(t *testing.T) {
	outcome := NewHealthy("fine").Judge("used", 96, "%", NewAtMost[Number](90, 95)).
		Measure("mount", "/", "").Measure("rows", uint64(math.MaxUint64), "")
	equal(t, *outcome.Measurements[0].Status, Unhealthy)
	equal(t, outcome.Message, "used 96 %, more than 95 %")
	equal(t, outcome.Measurements[1].Status == nil, true)
	equal(t, outcome.Measurements[2].Value, any(int64(math.MaxInt64)))
}

// saidIn is what f panics with; empty when it does not.
func saidIn(f func()) (said string) {
	defer func() {
		if reason := recover(); reason != nil {
			said = fmt.Sprint(reason)
		}
	}()
	f()
	return ""
}

// Numbers of every type are judged and measured alike, and pointers as what they point to.
func TestNumbersOfEveryTypeAreJudged(t *testing.T) {
	number, size := 96, Size(96)
	for _, value := range []any{96, int8(96), uint64(96), float32(96), 96.0, &number, Number(96), Span(96), size} {
		outcome := NewHealthy("fine").Judge("used", value, "", NewAtMost[Number](90, 95)).Measure("used", value, "")
		equal(t, outcome.Status, Unhealthy)
		equal(t, outcome.Measurements[0].Value, any(96.0))
		equal(t, fmt.Sprint(outcome.Measurements[1].Value), "96")
	}
	equal(t, NewHealthy("fine").Judge("n", uint64(math.MaxUint64), "", AtMost[Number]{}).Measurements[0].Value, any(float64(math.MaxUint64)))
	equal(t, NewHealthy("fine").Measure("took", time.Second, "").Measurements[0].Value, any("1s"))
}

// Integers are compared as integers past 2^53 as well, and told with all their digits.
func TestIntegersAreComparedAsIntegers(t *testing.T) {
	const next = int64(1)<<53 + 1
	most := NewAtMost[Number](1<<53, 1<<53)
	equal(t, NewHealthy("x").Judge("n", next-1, "", most).Status, Healthy)
	outcome := NewHealthy("fine").Judge("n", next, "{rows}", most)
	equal(t, outcome.Message, "n 9007199254740993 rows, more than 9007199254740992 rows")
	equal(t, outcome.Measurements[0].Value, any(next))
	equal(t, NewHealthy("x").Judge("n", next-2, "", NewAtLeast[Number](1<<53, 1<<53)).Status, Unhealthy)
	equal(t, NewHealthy("x").Judge("n", 1, "", NewAtMost[Number](0.5, 2)).Status, Degraded)
	var exact AtMost[Integer]
	equal(t, exact.UnmarshalJSON([]byte(`{"crit": 9007199254740993}`)), nil)
	for _, value := range []any{next, uint64(next), Integer(next)} {
		equal(t, NewHealthy("x").Judge("n", value, "", exact).Status, Healthy)
	}
	equal(t, NewHealthy("x").Judge("n", next+1, "", exact).Message, "n 9007199254740994, more than 9007199254740993")
	err := exact.UnmarshalJSON([]byte(`{"warn": 9007199254740993, "crit": 9007199254740992}`))
	want := "warn 9007199254740993 is never reached before crit 9007199254740992: warn must be at most crit"
	equal(t, strings.HasSuffix(fmt.Sprint(err), want), true)
}

// What is no number is no judgement and no measurement, and says what it is.
func TestWhatIsNoValueIsRefused(t *testing.T) {
	var none *float64
	for shown, value := range map[string]any{
		"nil": nil, "nil,": none, "NaN (float64)": math.NaN(), "[] ([]int)": []int{}, "NaN (probity.Number)": Number(math.NaN()),
	} {
		want := "the value is " + strings.TrimSuffix(shown, ",") + ", expected a number"
		equal(t, saidIn(func() { NewHealthy("fine").Judge("lag", value, "ms", AtMost[Number]{}) }), `Judge("lag"): `+want)
		equal(t, saidIn(func() { NewHealthy("fine").Measure("lag", value, "ms") }), `Measure("lag"): `+want+", a string or a bool")
	}
	for _, value := range []any{"5", true, time.Second} {
		said := saidIn(func() { NewHealthy("fine").Judge("lag", value, "ms", AtMost[Number]{}) })
		equal(t, strings.HasSuffix(said, "expected a number"), true)
	}
	equal(t, saidIn(func() { NewHealthy("fine").Judge("lag", 5, "ms", nil) }), `Judge("lag"): the threshold is nil, expected an AtMost or AtLeast`)
}

// A status is one of three, in words as well.
func TestAStatusIsOneOfThree(t *testing.T) {
	for _, status := range []Status{Healthy, Degraded, Unhealthy} {
		parsed, err := ParseStatus(status.String())
		equal(t, parsed, status)
		equal(t, err, nil)
	}
	for _, word := range []string{"critical", "down", "Unhealthy", ""} {
		_, err := ParseStatus(word)
		equal(t, fmt.Sprint(err), fmt.Sprintf("%q is no status; there are healthy, degraded, unhealthy", word))
	}
	equal(t, saidIn(func() { NewHealthy("fine").Finding(7, "text") }), "Finding: 7 is no status; there are Healthy, Degraded, Unhealthy")
}

// A healthy message has no holes; bad news is told as it is.
func TestAHealthyMessageHasNoHoles(t *testing.T) {
	var number float64
	for _, args := range [][]any{{}, {nil}, {number / number}, {1, 2}} {
		format := "x %v"
		if len(args) == 0 {
			format, args = "%!v(MISSING)", []any{}
		}
		equal(t, saidIn(func() { NewHealthy(format, args...) }) == "", false)
	}
	equal(t, NewUnhealthy("is %v", nil).Message, "is <nil>")
}

// A bound is the last allowed value, on both sides; what is not a number breaks every bound.
func TestTheBoundItselfIsAllowed(t *testing.T) {
	most, least := NewAtMost[Number](500, 1000), NewAtLeast[Number](21, 7)
	for value, want := range map[float64]Status{500: Healthy, 500.1: Degraded, 1000: Degraded, 1000.1: Unhealthy} {
		equal(t, most.Judge(value), want)
	}
	for value, want := range map[float64]Status{21: Healthy, 20.9: Degraded, 7: Degraded, 6.9: Unhealthy} {
		equal(t, least.Judge(value), want)
	}
	equal(t, most.Judge(math.NaN()), Unhealthy)
	equal(t, AtMost[Number]{}.Judge(math.Inf(1)), Healthy)
}

// Amounts are shown in the unit a person would choose, as the kit for Rust shows them.
func TestAmountsAreShownReadably(t *testing.T) {
	equal(t, Span(0).show(1500, "ms"), "1.5 s")
	equal(t, Span(0).show(0.25, "ms"), "0.25 ms")
	equal(t, Size(1536).String(), "1.5 KiB")
	equal(t, Number(0).show(3, "{orders}"), "3 orders")
	equal(t, Number(0).show(1.05, "1"), "1.05")
	for value, want := range map[float64]string{0: "0", 0.00456: "0.0046", -0.01: "-0.01", 0.998: "1", 1e-20: "0", 0.125: "0.12", 100: "100"} {
		equal(t, number(value), want)
	}
}

type settings struct {
	Targets []AtMost[Number]  `json:"targets,omitempty"`
	Headers map[string]string `json:"headers,omitempty"`
	MaxAge  Span              `default:"10m"`
	Room    *Size
	Small   int8   `json:"small,omitempty"`
	Region  string `default:"eu"`
}

// Every shape of JSON reaches its field; what is absent has its default.
func TestDocumentsAreRead(t *testing.T) {
	var config settings
	err := parse(`{"targets":[{"warn":1},{}],"headers":{"a":"b"},"room":"5GiB","small":-4}`, &config)
	if err != nil {
		t.Fatal(err)
	}
	equal(t, *config.Targets[0].Warn, 1)
	equal(t, config.Targets[1].Warn, nil)
	equal(t, config.Headers["a"], "b")
	equal(t, config.MaxAge, 600_000)
	equal(t, *config.Room, 5<<30)
	equal(t, config.Small, -4)
	equal(t, config.Region, "eu")
	equal(t, parse("", &config), nil)
}

// A value that does not fit is named by its path, whose special characters are escaped.
func TestMisfitsAreNamedByPath(t *testing.T) {
	for document, want := range map[string]string{
		`{"targets":[{"warn":1},{"warn":"x"}]}`: "at /targets/1/warn: invalid type: string \"x\", expected a number",
		`{"headers":{"a/b~c":1}}`:               "at /headers/a~1b~0c: invalid type: integer `1`, expected a string",
		`{"small":300}`:                         "at /small: invalid type: integer `300`, expected an integer",
		`{"max-age":"10"}`:                      "at /max-age: invalid value: string \"10\", expected a duration like 250ms, 15s, 10m, 2h or 7d",
		`{"target":[]}`:                         "at /: unknown field `target`, expected one of `targets`, `headers`, `max-age`, `room`, `small`, `region`",
		`{"targets":[{"worn":1}]}`:              "at /targets/0: unknown field `worn`, expected `warn` or `crit`",
		`{"targets":[{"warn":95,"crit":90}]}`:   "at /targets/0: warn 95 is never reached before crit 90: warn must be at most crit",
		`{} {}`:                                 "at /: not a JSON document: trailing characters",
		`[]`:                                    "at /: invalid type: sequence, expected a table",
	} {
		var config settings
		equal(t, fmt.Sprint(parse(document, &config)), want)
	}
	var config struct{ URL string }
	equal(t, fmt.Sprint(parse("{}", &config)), "at /: missing field `url`")
}

// Durations and sizes read as they are written in the host's file, and as nothing else.
func TestQuantitiesReadWithUnits(t *testing.T) {
	for text, want := range map[string]Span{"250ms": 250, "15s": 15_000, "10m": 600_000, "2h": 7_200_000, "7d": 604_800_000} {
		var span Span
		if err := json.Unmarshal([]byte(`"`+text+`"`), &span); err != nil {
			t.Error(err)
		}
		equal(t, span, want)
	}
	for _, text := range []string{"10", "s", "-1s", "1.5s", "1 s", "", "99999999999999999999d", "9999999999999999d"} {
		var span Span
		if json.Unmarshal([]byte(`"`+text+`"`), &span) == nil {
			t.Errorf("%q was read as %v", text, span)
		}
	}
	var size Size
	equal(t, errors.Join(json.Unmarshal([]byte("512"), &size)), nil)
	equal(t, size, 512)
	equal(t, json.Unmarshal([]byte(`"5G"`), &size) == nil, false)
}

// Kinds about the target are those that a check of it answers unhealthy to.
func TestKindsAreToldApart(t *testing.T) {
	about := 0
	for _, kind := range Kinds {
		if kind.IsAboutTheTarget() {
			about++
		}
	}
	equal(t, about, 8)
	equal(t, Refused.IsAboutTheTarget(), true)
	equal(t, Denied.IsAboutTheTarget(), false)
	equal(t, (&Error{Remote, "no", "23505"}).Error(), "remote: no (23505)")
}

type silent struct{}

func (silent) Describe() Metadata             { return Metadata{Name: "silent"} }
func (silent) Run(struct{}) (*Outcome, error) { return nil, nil }

// A check that returns nothing at all is told so.
func TestNothingIsNoOutcome(t *testing.T) {
	_, err := Evaluate(silent{}, "{}")
	equal(t, err == nil, false)
}
