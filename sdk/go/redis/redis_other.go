//go:build !wasip1

package redis

import (
	"strings"

	"probity.dev/sdk"
	"probity.dev/sdk/internal/fake"
)

// connection of a test: all there is to it is its name.
type connection struct{ name string }

func open(name string) (connection, error) {
	host := fake.Current()
	if host.Knows("redis " + name + " open") {
		_, err := fake.Ask[any]("redis "+name+" open", probity.NotFound)
		return connection{name}, err
	}
	if !host.KnowsAny("redis " + name + " ") {
		return connection{}, &probity.Error{Kind: probity.NotFound, Message: "the test host has no connection " + name}
	}
	return connection{name}, nil
}

func (c connection) ping() (float64, error) { return fake.AskOr("redis "+c.name+" ping", 1.0) }

func (c connection) command(name string, args [][]byte) (Reply, error) {
	words := []string{"redis", c.name, "command", strings.ToUpper(name)}
	for _, arg := range args {
		// As of what the test says, blanks do not matter.
		words = append(words, strings.Fields(string(arg))...)
	}
	return fake.Ask[Reply](strings.Join(words, " "), probity.Remote)
}
