// Package dns resolves names as a subject of checks.
package dns

import (
	witTypes "go.bytecodealliance.org/pkg/wit/types"

	"probity.dev/sdk/internal/host"
	wit "probity.dev/sdk/internal/wit/imports/probity_check_dns"
)

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
	resolver := witTypes.None[string]()
	if server != "" {
		resolver = witTypes.Some(server)
	}
	records, err := host.Result(wit.Resolve(name, recordType, resolver))
	answers := make([]Answer, 0, len(records))
	for _, record := range records {
		answers = append(answers, Answer{record.Data, record.Ttl})
	}
	return answers, err
}
