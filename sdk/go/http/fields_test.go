package http

import (
	"encoding/json"
	"reflect"
	"testing"
	"time"
)

type order struct {
	ID   int     `json:"id"`
	Note *string `json:"note"`
}

type answered struct {
	Count  int
	Oldest float64 `json:"oldest_ms"`
	Orders []order `json:"orders"`
	When   time.Time
	Rest   any
	Extra  string `json:"extra,omitempty"`
	Hidden string `json:"-"`
}

// A field that an answer lacks, or has as null, is named by its path; what may be absent is not.
func TestMissingFieldsAreNamed(t *testing.T) {
	for document, want := range map[string]string{
		`{"count":1,"oldest_ms":0,"when":"2026-01-01T00:00:00Z"}`:                               "",
		`{"Count":1,"oldest_ms":0,"When":"2026-01-01T00:00:00Z","orders":[{"id":1},{"id":2}]}`: "",
		`{"oldest_ms":0,"when":"2026-01-01T00:00:00Z"}`:                                         "/Count",
		`{"count":1,"oldest":0,"when":"2026-01-01T00:00:00Z"}`:                                  "/oldest_ms",
		`{"count":null,"oldest_ms":0,"when":"2026-01-01T00:00:00Z"}`:                            "/Count",
		`{"count":1,"oldest_ms":0}`: "/When",
		`{"count":1,"oldest_ms":0,"when":"2026-01-01T00:00:00Z","orders":[{"id":1},{"note":"x"}]}`: "/orders/1/id",
	} {
		if got := missing(json.RawMessage(document), reflect.TypeFor[*answered]()); got != want {
			t.Errorf("%s lacks %q, want %q", document, got, want)
		}
	}
	if got := missing(json.RawMessage(`{"a":{}}`), reflect.TypeFor[map[string]order]()); got != "/a/id" {
		t.Errorf("a map lacks %q", got)
	}
	for _, of := range []any{new(any), new(map[string]any), new([]byte), new(float64)} {
		if got := missing(json.RawMessage(`{"a":null}`), reflect.TypeOf(of)); got != "" {
			t.Errorf("%T lacks %q", of, got)
		}
	}
}

// Messages name the address, without what may be secret in it.
func TestAnAddressIsNamedWithoutSecrets(t *testing.T) {
	for url, want := range map[string]string{
		"http://shop.test/a?token=x":    "body of http://shop.test/a",
		"https://me:pw@shop.test/a/b@c": "body of https://shop.test/a/b@c",
		"http://shop.test":              "body of http://shop.test",
		"/orders":                       "body of /orders",
		"":                              "body",
	} {
		if got := (&Response{url: url}).body(); got != want {
			t.Errorf("%q is named %q, want %q", url, got, want)
		}
	}
}
