// Package sql speaks to a database through a connection declared in the host's
// configuration: PostgreSQL, MySQL, SQLite. Read-only unless the grant says
// NAME:write.
//
//	orders, err := sql.Open("orders-db")
//	waiting, err := sql.Scalar[int64](orders, "SELECT count(*) FROM orders WHERE paid_at IS NULL")
package sql

import (
	"fmt"

	witTypes "go.bytecodealliance.org/pkg/wit/types"

	"probity.dev/sdk"
	"probity.dev/sdk/internal/host"
	wit "probity.dev/sdk/internal/wit/imports/probity_check_sql"
	types "probity.dev/sdk/internal/wit/imports/probity_check_types"
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
type Connection struct{ connection *wit.Connection }

// Open takes a session of the connection name from the host's pool, or connects.
func Open(name string) (*Connection, error) {
	connection, err := host.Result(wit.ConnectionOpen(name))
	if err != nil {
		return nil, err
	}
	return &Connection{connection}, nil
}

// Engine is postgres, mysql (MariaDB as well) or sqlite.
func (c *Connection) Engine() string { return c.connection.Engine() }

// Ping is one round trip, in milliseconds.
func (c *Connection) Ping() (float64, error) { return host.Result(c.connection.Ping()) }

// Query implements [Querier].
func (c *Connection) Query(statement string, params ...Value) (*RowSet, error) {
	return rows(c.connection.Query(statement, values(params)))
}

// Execute implements [Querier].
func (c *Connection) Execute(statement string, params ...Value) (uint64, error) {
	return host.Result(c.connection.Execute(statement, values(params)))
}

// Begin starts a transaction. Needs NAME:write.
func (c *Connection) Begin() (*Transaction, error) {
	transaction, err := host.Result(c.connection.Begin())
	if err != nil {
		return nil, err
	}
	return &Transaction{transaction}, nil
}

// Transaction is rolled back when the run ends without [Transaction.Commit]: the
// shape of a dummy payment.
type Transaction struct{ transaction *wit.Transaction }

// Query implements [Querier].
func (t *Transaction) Query(statement string, params ...Value) (*RowSet, error) {
	return rows(t.transaction.Query(statement, values(params)))
}

// Execute implements [Querier].
func (t *Transaction) Execute(statement string, params ...Value) (uint64, error) {
	return host.Result(t.transaction.Execute(statement, values(params)))
}

// Commit keeps what was done.
func (t *Transaction) Commit() error { return host.Done(t.transaction.Commit()) }

// Rollback undoes what was done.
func (t *Transaction) Rollback() error { return host.Done(t.transaction.Rollback()) }

func rows(result witTypes.Result[wit.RowSet, types.Error]) (*RowSet, error) {
	set, err := host.Result(result)
	if err != nil {
		return nil, err
	}
	made := &RowSet{Truncated: set.Truncated}
	for _, column := range set.Columns {
		made.Columns = append(made.Columns, column.Name)
		made.Types = append(made.Types, column.TypeName)
	}
	for _, row := range set.Rows {
		fields := make([]Value, 0, len(row))
		for _, field := range row {
			fields = append(fields, read(field))
		}
		made.Rows = append(made.Rows, fields)
	}
	return made, nil
}

func read(value wit.Value) Value {
	switch value.Tag() {
	case wit.Value_Boolean:
		return value.Boolean()
	case wit.Value_Integer:
		return value.Integer()
	case wit.Value_Float:
		return value.Float()
	case wit.Value_Text:
		return value.Text()
	case wit.Value_Bytes:
		return value.Bytes()
	default:
		return nil
	}
}

func values(params []Value) []wit.Value {
	made := make([]wit.Value, 0, len(params))
	for _, param := range params {
		made = append(made, write(param))
	}
	return made
}

func write(param Value) wit.Value {
	switch param := param.(type) {
	case nil:
		return wit.MakeValueNull()
	case bool:
		return wit.MakeValueBoolean(param)
	case int:
		return wit.MakeValueInteger(int64(param))
	case int64:
		return wit.MakeValueInteger(param)
	case float64:
		return wit.MakeValueFloat(param)
	case []byte:
		return wit.MakeValueBytes(param)
	default:
		return wit.MakeValueText(fmt.Sprint(param))
	}
}
