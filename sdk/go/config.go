package probity

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"reflect"
	"strconv"
	"strings"
	"unicode"
)

// parse reads a configuration document into a struct; nothing at all counts as
// an empty table.
//
// Keys are fields by their json tag, else by their name in kebab-case. A key
// must be there unless its field is a pointer, has omitempty in the json tag,
// or a tag default:"…" with its value. Keys without a field are refused.
func parse(document string, into any) error {
	if strings.TrimSpace(document) == "" {
		document = "{}"
	}
	var raw json.RawMessage
	decoder := json.NewDecoder(strings.NewReader(document))
	if err := decoder.Decode(&raw); err != nil {
		return &ConfigError{Reason: "not a JSON document: " + err.Error()}
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return &ConfigError{Reason: "not a JSON document: trailing characters"}
	}
	return decode(raw, into)
}

func decode(document json.RawMessage, into any) error {
	return read(document, reflect.ValueOf(into).Elem())
}

// read sets a value; the error's pointer is relative to it.
func read(document json.RawMessage, into reflect.Value) error {
	document = bytes.TrimSpace(document)
	if into.Kind() == reflect.Pointer {
		if string(document) == "null" {
			into.SetZero()
			return nil
		}
		into.Set(reflect.New(into.Type().Elem()))
		return read(document, into.Elem())
	}
	if custom, ok := into.Addr().Interface().(json.Unmarshaler); ok {
		return asConfigError(custom.UnmarshalJSON(document), document)
	}
	switch into.Kind() {
	case reflect.Struct:
		return readStruct(document, into)
	case reflect.Slice:
		return readSlice(document, into)
	case reflect.Map:
		return readMap(document, into)
	default:
		if json.Unmarshal(document, into.Addr().Interface()) == nil && string(document) != "null" {
			return nil
		}
		return misfit(document, expected(into.Kind()))
	}
}

func readStruct(document json.RawMessage, into reflect.Value) error {
	var table map[string]json.RawMessage
	if document[0] != '{' || json.Unmarshal(document, &table) != nil {
		return misfit(document, "a table")
	}
	keys := []string{}
	for _, field := range reflect.VisibleFields(into.Type()) {
		if field.IsExported() && !field.Anonymous {
			keys = append(keys, keyOf(field))
		}
	}
	if stranger := unknownKey(document, keys); stranger != "" {
		return &ConfigError{Reason: fmt.Sprintf("unknown field `%s`, %s", stranger, expectedOf(keys))}
	}
	for _, field := range reflect.VisibleFields(into.Type()) {
		if !field.IsExported() || field.Anonymous {
			continue
		}
		key := keyOf(field)
		value, there := table[key]
		if !there {
			value, there = fallback(field)
		}
		switch {
		case there:
			if err := inside(key, read(value, into.FieldByIndex(field.Index))); err != nil {
				return err
			}
		case !mayBeAbsent(field):
			return &ConfigError{Reason: fmt.Sprintf("missing field `%s`", key)}
		}
	}
	return nil
}

func readSlice(document json.RawMessage, into reflect.Value) error {
	var items []json.RawMessage
	if document[0] != '[' || json.Unmarshal(document, &items) != nil {
		return misfit(document, "a list")
	}
	into.Set(reflect.MakeSlice(into.Type(), len(items), len(items)))
	for at, item := range items {
		if err := inside(strconv.Itoa(at), read(item, into.Index(at))); err != nil {
			return err
		}
	}
	return nil
}

func readMap(document json.RawMessage, into reflect.Value) error {
	var table map[string]json.RawMessage
	if document[0] != '{' || json.Unmarshal(document, &table) != nil {
		return misfit(document, "a table")
	}
	into.Set(reflect.MakeMap(into.Type()))
	for key, document := range table {
		value := reflect.New(into.Type().Elem()).Elem()
		if err := inside(key, read(document, value)); err != nil {
			return err
		}
		into.SetMapIndex(reflect.ValueOf(key).Convert(into.Type().Key()), value)
	}
	return nil
}

// unknownKey is the first key of a table that has no field.
func unknownKey(document json.RawMessage, keys []string) string {
	decoder := json.NewDecoder(bytes.NewReader(document))
	_, _ = decoder.Token() // The brace: the caller has parsed the table.
	for decoder.More() {
		name, err := decoder.Token()
		var skipped json.RawMessage
		if err != nil || decoder.Decode(&skipped) != nil {
			return ""
		}
		key, _ := name.(string)
		known := false
		for _, other := range keys {
			known = known || other == key
		}
		if !known {
			return key
		}
	}
	return ""
}

func fallback(field reflect.StructField) (json.RawMessage, bool) {
	text, there := field.Tag.Lookup("default")
	if there && !json.Valid([]byte(text)) {
		quoted, _ := json.Marshal(text) // A string always has a JSON form.
		return quoted, true
	}
	return json.RawMessage(text), there
}

func mayBeAbsent(field reflect.StructField) bool {
	_, options, _ := strings.Cut(field.Tag.Get("json"), ",")
	return field.Type.Kind() == reflect.Pointer || strings.Contains(options, "omit")
}

// keyOf: MaxAge → max-age, unless the json tag says otherwise.
func keyOf(field reflect.StructField) string {
	if name, _, _ := strings.Cut(field.Tag.Get("json"), ","); name != "" {
		return name
	}
	var key strings.Builder
	runes := []rune(field.Name)
	for at, letter := range runes {
		startsWord := at > 0 && unicode.IsUpper(letter) &&
			(unicode.IsLower(runes[at-1]) || at+1 < len(runes) && unicode.IsLower(runes[at+1]))
		if startsWord {
			key.WriteByte('-')
		}
		key.WriteRune(unicode.ToLower(letter))
	}
	return key.String()
}

// inside puts the key before the pointer of an error.
func inside(key string, err error) error {
	var config *ConfigError
	if !errors.As(err, &config) {
		return err
	}
	escaped := strings.NewReplacer("~", "~0", "/", "~1").Replace(key)
	return &ConfigError{Pointer: "/" + escaped + config.Pointer, Reason: config.Reason}
}

// asConfigError makes what a type of the author's says an error with a pointer.
func asConfigError(err error, document json.RawMessage) error {
	var config *ConfigError
	if err == nil || errors.As(err, &config) {
		return err
	}
	return &ConfigError{Reason: fmt.Sprintf("invalid value: %s: %v", found(document), err)}
}

// misfit: the kit for Rust says the same.
func misfit(document json.RawMessage, expected string) error {
	kind := "type"
	if strings.HasPrefix(expected, "a duration") && document[0] == '"' || strings.HasPrefix(expected, "a size") && document[0] == '"' {
		kind = "value"
	}
	return &ConfigError{Reason: fmt.Sprintf("invalid %s: %s, expected %s", kind, found(document), expected)}
}

func found(document json.RawMessage) string {
	switch document[0] {
	case '"':
		return "string " + string(document)
	case '[':
		return "sequence"
	case '{':
		return "map"
	case 't', 'f':
		return fmt.Sprintf("boolean `%s`", document)
	case 'n':
		return "null"
	}
	if bytes.ContainsAny(document, ".eE") {
		return fmt.Sprintf("floating point `%s`", document)
	}
	return fmt.Sprintf("integer `%s`", document)
}

func expected(kind reflect.Kind) string {
	switch kind {
	case reflect.String:
		return "a string"
	case reflect.Bool:
		return "a boolean"
	case reflect.Float32, reflect.Float64:
		return "a number"
	default:
		return "an integer"
	}
}

// expectedOf: "expected one of `a`, `b`, `c`".
func expectedOf(keys []string) string {
	quoted := "`" + strings.Join(keys, "`, `") + "`"
	switch len(keys) {
	case 0:
		return "there are no fields"
	case 1:
		return "expected " + quoted
	case 2:
		return "expected " + strings.Replace(quoted, ", ", " or ", 1)
	default:
		return "expected one of " + quoted
	}
}
