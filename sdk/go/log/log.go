// Package log writes records that are kept with the check's result. Needs no
// grant; the host caps number and length.
package log

import "fmt"

// Level is how important a record is.
type Level uint8

const (
	// LevelTrace: step by step.
	LevelTrace Level = iota
	// LevelDebug: for whoever debugs the check.
	LevelDebug
	// LevelInfo: worth knowing.
	LevelInfo
	// LevelWarn: something is off.
	LevelWarn
	// LevelError: something failed.
	LevelError
)

// Write writes a record; fields are names and values in turn, as in log/slog.
func Write(level Level, message string, fields ...any) {
	pairs := make([][2]string, 0, len(fields)/2)
	for at := 0; at+1 < len(fields); at += 2 {
		pairs = append(pairs, [2]string{fmt.Sprint(fields[at]), fmt.Sprint(fields[at+1])})
	}
	write(level, message, pairs)
}

// Trace writes a record at [LevelTrace].
func Trace(message string, fields ...any) { Write(LevelTrace, message, fields...) }

// Debug writes a record at [LevelDebug].
func Debug(message string, fields ...any) { Write(LevelDebug, message, fields...) }

// Info writes a record at [LevelInfo].
func Info(message string, fields ...any) { Write(LevelInfo, message, fields...) }

// Warn writes a record at [LevelWarn].
func Warn(message string, fields ...any) { Write(LevelWarn, message, fields...) }

// Error writes a record at [LevelError].
func Error(message string, fields ...any) { Write(LevelError, message, fields...) }
