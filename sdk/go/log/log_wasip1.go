package log

import (
	witTypes "probity.dev/sdk/internal/pkg/wit/types"

	wit "probity.dev/sdk/internal/wit/imports/probity_check_log"
)

// levels are in the order of the contract.
var levels = [...]wit.Level{wit.Level_Trace, wit.Level_Debug, wit.Level_Info, wit.Level_Warn, wit.Level_Error}

func write(level Level, message string, fields [][2]string) {
	pairs := make([]witTypes.Tuple2[string, string], 0, len(fields))
	for _, field := range fields {
		pairs = append(pairs, witTypes.Tuple2[string, string]{F0: field[0], F1: field[1]})
	}
	wit.Write(levels[min(level, LevelError)], message, pairs)
}
