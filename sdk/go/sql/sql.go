// Package sql speaks to a database through a connection declared in the host's
// configuration: PostgreSQL, MySQL, SQLite. Read-only unless the grant says
// NAME:write.
//
//	orders, err := sql.Open("orders-db")
//	waiting, err := sql.Scalar[int64](orders, "SELECT count(*) FROM orders WHERE paid_at IS NULL")
package sql

import (
	"fmt"

	"probity.dev/sdk"
)

// Value is nil, bool, int64, float64, string or []byte. What has no case of its
// own (numeric, dates, uuid, json) is a string.
type Value = any

// RowSet is what a query gave.
type RowSet struct {
	// Columns are names in the order of the statement.
	Columns []string
	// Types are those of the columns, as the engine calls them: int8, varchar.
	Types []string
	// Rows are each as long as Columns.
	Rows [][]Value
	// Truncated tells whether there were more rows than the host returns.
	Truncated bool
}

// Querier is a connection or a transaction.
type Querier interface {
	// Query runs one statement and reads its rows. Placeholders are the engine's own: $1, ?.
	Query(statement string, params ...Value) (*RowSet, error)
	// Execute runs one statement; the number of rows it changed. Needs NAME:write.
	Execute(statement string, params ...Value) (uint64, error)
}

// Scalar is the first field of the first row; invalid-argument when there is no
// row, or the field is no T.
func Scalar[T bool | int64 | float64 | string | []byte](on Querier, statement string, params ...Value) (T, error) {
	var none T
	rows, err := on.Query(statement, params...)
	if err != nil {
		return none, err
	}
	if len(rows.Rows) == 0 {
		return none, &probity.Error{Kind: probity.InvalidArgument, Message: "the statement gave no row"}
	}
	value, ok := rows.Rows[0][0].(T)
	if !ok {
		message := fmt.Sprintf("%s is %T, not %T", rows.Columns[0], rows.Rows[0][0], none)
		return none, &probity.Error{Kind: probity.InvalidArgument, Message: message}
	}
	return value, nil
}

// Connection is a database, with a session that the host keeps for this run.
type Connection struct{ connection connection }

// Open takes a session of the connection name from the host's pool, or connects.
func Open(name string) (*Connection, error) {
	opened, err := open(name)
	if err != nil {
		return nil, err
	}
	return &Connection{opened}, nil
}

// Engine is postgres, mysql (MariaDB as well) or sqlite.
func (c *Connection) Engine() string { return c.connection.engine() }

// Ping is one round trip, in milliseconds.
func (c *Connection) Ping() (float64, error) { return c.connection.ping() }

// Query implements [Querier].
func (c *Connection) Query(statement string, params ...Value) (*RowSet, error) {
	return c.connection.query(statement, params)
}

// Execute implements [Querier].
func (c *Connection) Execute(statement string, params ...Value) (uint64, error) {
	return c.connection.execute(statement, params)
}

// Begin starts a transaction. Needs NAME:write.
func (c *Connection) Begin() (*Transaction, error) {
	begun, err := c.connection.begin()
	if err != nil {
		return nil, err
	}
	return &Transaction{begun}, nil
}

// Transaction is rolled back when the run ends without [Transaction.Commit]: the
// shape of a dummy payment.
type Transaction struct{ transaction transaction }

// Query implements [Querier].
func (t *Transaction) Query(statement string, params ...Value) (*RowSet, error) {
	return t.transaction.query(statement, params)
}

// Execute implements [Querier].
func (t *Transaction) Execute(statement string, params ...Value) (uint64, error) {
	return t.transaction.execute(statement, params)
}

// Commit keeps what was done.
func (t *Transaction) Commit() error { return t.transaction.commit() }

// Rollback undoes what was done.
func (t *Transaction) Rollback() error { return t.transaction.rollback() }
