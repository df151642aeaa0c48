package http

import (
	"bytes"
	"encoding/json"
	"reflect"
	"strconv"
	"strings"
)

// unmarshaler is what reads itself: its fields are its own affair.
var unmarshaler = reflect.TypeFor[json.Unmarshaler]()

// missing is the JSON pointer of the first field of a type that a document does
// not have, or has as null; empty when all are there. encoding/json leaves such
// a field at zero, which for a check would be a value: 0 orders are waiting.
//
// A field may be absent when it is a pointer, an interface, a map or a slice, or
// has omitempty or omitzero in its tag.
func missing(document json.RawMessage, of reflect.Type) string {
	for of.Kind() == reflect.Pointer {
		of = of.Elem()
	}
	if reflect.PointerTo(of).Implements(unmarshaler) {
		return ""
	}
	switch of.Kind() {
	case reflect.Struct:
		return missingOf(document, of)
	case reflect.Slice, reflect.Array:
		var items []json.RawMessage
		_ = json.Unmarshal(document, &items) // Bytes are a text; the caller has read the document.
		for at, item := range items {
			if found := missing(item, of.Elem()); found != "" {
				return "/" + strconv.Itoa(at) + found
			}
		}
	case reflect.Map:
		var items map[string]json.RawMessage
		_ = json.Unmarshal(document, &items)
		for key, item := range items {
			if found := missing(item, of.Elem()); found != "" {
				return "/" + key + found
			}
		}
	}
	return ""
}

func missingOf(document json.RawMessage, of reflect.Type) string {
	var table map[string]json.RawMessage
	if json.Unmarshal(document, &table) != nil || table == nil {
		return ""
	}
	for _, field := range reflect.VisibleFields(of) {
		name, options, _ := strings.Cut(field.Tag.Get("json"), ",")
		if !field.IsExported() || field.Anonymous || field.Tag.Get("json") == "-" {
			continue
		}
		if name == "" {
			name = field.Name
		}
		value, there := valueOf(table, name)
		switch {
		case there:
			if found := missing(value, field.Type); found != "" {
				return "/" + name + found
			}
		case !mayBeAbsent(field, options):
			return "/" + name
		}
	}
	return ""
}

// valueOf is the value of a key, which encoding/json finds in any case.
func valueOf(table map[string]json.RawMessage, name string) (json.RawMessage, bool) {
	value, there := table[name]
	for key, other := range table {
		if !there && strings.EqualFold(key, name) {
			value, there = other, true
		}
	}
	return value, there && !bytes.Equal(value, []byte("null"))
}

func mayBeAbsent(field reflect.StructField, options string) bool {
	switch field.Type.Kind() {
	case reflect.Pointer, reflect.Interface, reflect.Map, reflect.Slice:
		return true
	default:
		return strings.Contains(options, "omit")
	}
}
