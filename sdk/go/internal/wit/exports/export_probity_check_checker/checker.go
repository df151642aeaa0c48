// Package export_probity_check_checker is what the generated exports call. Its
// name and the names in it are the generator's; package probity fills it in.
package export_probity_check_checker

import (
	witTypes "probity.dev/sdk/internal/pkg/wit/types"

	"probity.dev/sdk/internal/wit/imports/probity_check_types"
)

// Describe says what the component is.
var Describe func() probity_check_types.Metadata

// Run is one run.
var Run func(config string) witTypes.Result[probity_check_types.Outcome, probity_check_types.Failure]
