package sql

import (
	"fmt"

	witTypes "probity.dev/sdk/internal/pkg/wit/types"

	"probity.dev/sdk/internal/host"
	wit "probity.dev/sdk/internal/wit/imports/probity_check_sql"
	types "probity.dev/sdk/internal/wit/imports/probity_check_types"
)

type connection struct{ *wit.Connection }

func open(name string) (connection, error) {
	opened, err := host.Result(wit.ConnectionOpen(name))
	return connection{opened}, err
}

func (c connection) engine() string { return c.Engine() }

func (c connection) ping() (float64, error) { return host.Result(c.Ping()) }

func (c connection) query(statement string, params []Value) (*RowSet, error) {
	return rows(c.Query(statement, values(params)))
}

func (c connection) execute(statement string, params []Value) (uint64, error) {
	return host.Result(c.Execute(statement, values(params)))
}

func (c connection) begin() (transaction, error) {
	begun, err := host.Result(c.Begin())
	return transaction{begun}, err
}

type transaction struct{ *wit.Transaction }

func (t transaction) query(statement string, params []Value) (*RowSet, error) {
	return rows(t.Query(statement, values(params)))
}

func (t transaction) execute(statement string, params []Value) (uint64, error) {
	return host.Result(t.Execute(statement, values(params)))
}

func (t transaction) commit() error { return host.Done(t.Commit()) }

func (t transaction) rollback() error { return host.Done(t.Rollback()) }

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
