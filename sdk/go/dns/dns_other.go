//go:build !wasip1

package dns

import (
	"strings"

	"probity.dev/sdk"
	"probity.dev/sdk/internal/fake"
)

func resolve(name, recordType, server string) ([]Answer, error) {
	asked := "dns " + strings.ToUpper(recordType) + " " + name
	if server != "" {
		asked += " at " + server
	}
	return fake.Ask[[]Answer](asked, probity.DNS)
}
