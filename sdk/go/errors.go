package probity

import "fmt"

// Kind is what kind of thing went wrong in a capability.
type Kind string

const (
	// Denied: the configuration does not grant this.
	Denied Kind = "denied"
	// NotFound: nothing of this name is declared (connection, secret, queue, check, path).
	NotFound Kind = "not-found"
	// InvalidArgument: the argument makes no sense; a bug in the check.
	InvalidArgument Kind = "invalid-argument"
	// Timeout: the call, or what was left of the run, ran out of time.
	Timeout Kind = "timeout"
	// DNS: name resolution failed.
	DNS Kind = "dns"
	// Refused: the other side refused or reset the connection.
	Refused Kind = "refused"
	// Unreachable: no route, network down.
	Unreachable Kind = "unreachable"
	// TLS: handshake or certificate verification failed.
	TLS Kind = "tls"
	// Auth: credentials held by the host were not accepted.
	Auth Kind = "auth"
	// Protocol: the other side spoke something else than the protocol.
	Protocol Kind = "protocol"
	// Remote: the other side answered with an error of its own; see [Error.Code].
	Remote Kind = "remote"
	// TooLarge: a reply was larger than the limit in the configuration.
	TooLarge Kind = "too-large"
	// Quota: a quota of this check is used up (calls per run, bytes, rows, keys).
	Quota Kind = "quota"
	// Unsupported: not supported on this host, platform or backend.
	Unsupported Kind = "unsupported"
	// Other: none of the others.
	Other Kind = "other"
)

// Kinds are all of them, in the order of the contract.
var Kinds = [...]Kind{
	Denied, NotFound, InvalidArgument, Timeout, DNS, Refused, Unreachable, TLS, Auth, Protocol, Remote, TooLarge,
	Quota, Unsupported, Other,
}

// IsAboutTheTarget tells whether this says something about the thing that was
// asked, rather than about the check, its grants or its host. A check of a
// service usually answers unhealthy to these and returns the others.
func (k Kind) IsAboutTheTarget() bool {
	switch k {
	case Timeout, DNS, Refused, Unreachable, TLS, Auth, Protocol, Remote:
		return true
	default:
		return false
	}
}

// Error is the error of every capability. Returned from Run, alone or wrapped,
// it makes the check unknown; find it with errors.As where it is the answer:
//
//	var refused *probity.Error
//	if errors.As(err, &refused) && refused.Kind.IsAboutTheTarget() {
//		return probity.NewUnhealthy("no answer: %s", refused.Kind), nil
//	}
type Error struct {
	// Kind is what to branch on.
	Kind Kind
	// Message is what to show a person.
	Message string
	// Code is the native code: errno name, SQLSTATE, HTTP/2 code; empty where there is none.
	Code string
}

func (e *Error) Error() string {
	if e.Code == "" {
		return fmt.Sprintf("%s: %s", e.Kind, e.Message)
	}
	return fmt.Sprintf("%s: %s (%s)", e.Kind, e.Message, e.Code)
}

// ConfigError says that the configuration is unusable; the host stops
// scheduling the check until it changes.
type ConfigError struct {
	// Pointer is where, as a JSON pointer: /thresholds/warn; empty for the whole table.
	Pointer string
	// Reason is what is wrong there, and what is allowed.
	Reason string
}

func (e *ConfigError) Error() string {
	pointer := e.Pointer
	if pointer == "" {
		pointer = "/"
	}
	return fmt.Sprintf("at %s: %s", pointer, e.Reason)
}
