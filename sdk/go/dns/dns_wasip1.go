package dns

import (
	witTypes "probity.dev/sdk/internal/pkg/wit/types"

	"probity.dev/sdk/internal/host"
	wit "probity.dev/sdk/internal/wit/imports/probity_check_dns"
)

func resolve(name, recordType, server string) ([]Answer, error) {
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
