//go:build !wasip1

package sql

import (
	"strings"

	"probity.dev/sdk"
	"probity.dev/sdk/internal/fake"
)

// session is a connection or a transaction of a test: all there is to it is its name.
type session struct{ name string }

type (
	connection  = session
	transaction = session
)

func open(name string) (session, error) {
	host := fake.Current()
	if host.Knows("sql " + name + " open") {
		_, err := fake.Ask[any]("sql "+name+" open", probity.NotFound)
		return session{name}, err
	}
	if !host.KnowsAny("sql " + name + " ") {
		return session{}, &probity.Error{Kind: probity.NotFound, Message: "the test host has no connection " + name}
	}
	return session{name}, nil
}

func (s session) engine() string {
	engine, err := fake.AskOr("sql "+s.name+" engine", "postgres")
	if err != nil {
		return "postgres"
	}
	return engine
}

func (s session) ping() (float64, error) { return fake.AskOr("sql "+s.name+" ping", 1.0) }

func (s session) query(statement string, params []Value) (*RowSet, error) {
	return ask[*RowSet](s, "query", statement, params)
}

func (s session) execute(statement string, params []Value) (uint64, error) {
	return ask[uint64](s, "execute", statement, params)
}

// ask compares statements by their words, as cases do.
func ask[T any](s session, operation, statement string, params []Value) (T, error) {
	words := strings.Join(strings.Fields(statement), " ")
	ran := fake.Statement{Connection: s.name, Text: words, Params: params}
	fake.Current().Did(func(deeds *fake.Deeds) { deeds.Statements = append(deeds.Statements, ran) })
	return fake.Ask[T]("sql "+s.name+" "+operation+" "+words, probity.Remote)
}

func (s session) begin() (session, error) { return s, s.told("begin") }

func (s session) commit() error { return s.told("commit") }

func (s session) rollback() error { return s.told("rollback") }

// told works unless the test says otherwise.
func (s session) told(operation string) error {
	_, err := fake.AskOr[any]("sql "+s.name+" "+operation, nil)
	return err
}
