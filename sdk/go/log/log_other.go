//go:build !wasip1

package log

import "probity.dev/sdk/internal/fake"

func write(level Level, message string, fields [][2]string) {
	host := fake.Current()
	host.Lines = append(host.Lines, fake.Line{Level: uint8(level), Message: message, Fields: fields})
}
