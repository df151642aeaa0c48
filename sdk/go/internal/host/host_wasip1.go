package host

import (
	witTypes "probity.dev/sdk/internal/pkg/wit/types"

	"probity.dev/sdk"
	wit "probity.dev/sdk/internal/wit/imports/probity_check_types"
)

// Error is a capability's error as the kit has it.
func Error(err wit.Error) *probity.Error {
	kind := probity.Other
	if int(err.Kind) < len(probity.Kinds) {
		kind = probity.Kinds[err.Kind]
	}
	return &probity.Error{Kind: kind, Message: err.Message, Code: err.Code.SomeOr("")}
}

// Result is the usual pair.
func Result[T any](result witTypes.Result[T, wit.Error]) (T, error) {
	if result.IsErr() {
		var none T
		return none, Error(result.Err())
	}
	return result.Ok(), nil
}

// Done is a result without a value.
func Done(result witTypes.Result[witTypes.Unit, wit.Error]) error {
	if result.IsErr() {
		return Error(result.Err())
	}
	return nil
}

// Pointer is an option as a pointer, nil for none.
func Pointer[T any](option witTypes.Option[T]) *T {
	if option.IsNone() {
		return nil
	}
	value := option.Some()
	return &value
}

// Text is an option, none for an empty text.
func Text(text string) witTypes.Option[string] {
	if text == "" {
		return witTypes.None[string]()
	}
	return witTypes.Some(text)
}

// Timeout is a span as the contract takes it; nothing for 0, which means what is
// left of the run.
func Timeout(span probity.Span) witTypes.Option[uint32] {
	if span == 0 {
		return witTypes.None[uint32]()
	}
	return witTypes.Some(Milliseconds(span))
}

// Milliseconds is a span in 32 bits (49 days).
func Milliseconds(span probity.Span) uint32 { return uint32(min(span, 0xffff_ffff)) }

// Status is the contract's status as the kit has it; nil for none.
func Status(option witTypes.Option[uint8]) *probity.Status {
	if option.IsNone() {
		return nil
	}
	status := probity.Status(option.Some())
	return &status
}
