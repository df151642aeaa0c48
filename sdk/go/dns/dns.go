// Package dns resolves names as a subject of checks.
package dns

// Answer is one record: its data as a zone file writes it, and the seconds it may
// be kept.
type Answer struct {
	Data string
	TTL  uint32
}

// Resolve has the records of name of a type: A, AAAA, CNAME, MX, NS, TXT, SRV,
// CAA, SOA, PTR. Server is a resolver of the host's configuration; empty is the
// host's own. A name without records of the type is an empty list.
func Resolve(name, recordType, server string) ([]Answer, error) {
	return resolve(name, recordType, server)
}
