// What stands behind a service: sql, redis, queue and secrets.
package main

import (
	"fmt"
	"strings"

	"probity.dev/sdk"
	"probity.dev/sdk/queue"
	"probity.dev/sdk/redis"
	"probity.dev/sdk/secrets"
	"probity.dev/sdk/sql"
)

func query(outcome *probity.Outcome) error {
	orders, err := sql.Open("orders")
	if err != nil {
		return err
	}
	ping, err := orders.Ping()
	if err != nil {
		return err
	}
	found, err := orders.Query("SELECT $1, $2, $3, $4, $5, $6", nil, true, 7, 1.5, "seven", []byte{0x00, 0xff})
	if err != nil {
		return err
	}
	columns := make([]string, 0, len(found.Columns))
	for at, name := range found.Columns {
		columns = append(columns, name+" "+found.Types[at])
	}
	outcome.
		Detail("engine", orders.Engine()).
		Measure("ping-ms", ping, "").
		Detail("columns", strings.Join(columns, ", ")).
		Measure("truncated", found.Truncated, "").
		Measure("rows", len(found.Rows), "")
	for at, row := range found.Rows {
		fields := make([]string, 0, len(row))
		for _, value := range row {
			fields = append(fields, field(value))
		}
		outcome.Detail(fmt.Sprintf("row-%d", at+1), strings.Join(fields, ", "))
	}
	return nil
}

func field(value sql.Value) string {
	switch value := value.(type) {
	case nil:
		return "null"
	case bool:
		return fmt.Sprintf("boolean %v", value)
	case int64:
		return fmt.Sprintf("integer %d", value)
	case float64:
		return fmt.Sprintf("float %v", value)
	case []byte:
		return "bytes " + hexadecimal(value)
	default:
		return fmt.Sprintf("text %s", value)
	}
}

func write(outcome *probity.Outcome) error {
	orders, err := sql.Open("orders")
	if err != nil {
		return err
	}
	updated, err := orders.Execute("UPDATE orders SET state = $1", "paid")
	if err != nil {
		return err
	}
	outcome.Measure("updated", updated, "")
	if err := insert(outcome, orders); err != nil {
		return err
	}
	transaction, err := orders.Begin()
	if err != nil {
		return err
	}
	return transaction.Rollback()
}

func insert(outcome *probity.Outcome, orders *sql.Connection) error {
	transaction, err := orders.Begin()
	if err != nil {
		return err
	}
	inserted, err := transaction.Execute("INSERT INTO probes VALUES ($1)", 1)
	if err != nil {
		return err
	}
	counted, err := sql.Scalar[int64](transaction, "SELECT count(*) FROM probes")
	if err != nil {
		return err
	}
	outcome.Measure("inserted", inserted, "").Measure("counted", counted, "")
	return transaction.Commit()
}

func command(outcome *probity.Outcome) error {
	cache, err := redis.Open("cache")
	if err != nil {
		return err
	}
	ping, err := cache.Ping()
	if err != nil {
		return err
	}
	reply, err := cache.Command("HGETALL", "orders")
	outcome.Measure("ping-ms", ping, "").Detail("reply", strings.Join(parts(reply), ", "))
	return err
}

func parts(reply redis.Reply) []string {
	switch reply := reply.(type) {
	case nil:
		return []string{"nil"}
	case int64:
		return []string{fmt.Sprintf("integer %d", reply)}
	case float64:
		return []string{fmt.Sprintf("double %v", reply)}
	case bool:
		return []string{fmt.Sprintf("boolean %v", reply)}
	case []byte:
		return []string{"bulk " + hexadecimal(reply)}
	case *probity.Error:
		return []string{"error " + reply.Message}
	case []redis.Reply:
		made := []string{fmt.Sprintf("array %d", len(reply))}
		for _, item := range reply {
			made = append(made, parts(item)...)
		}
		return made
	case []redis.Pair:
		made := []string{fmt.Sprintf("map %d", len(reply))}
		for _, pair := range reply {
			made = append(append(made, parts(pair.Key)...), parts(pair.Value)...)
		}
		return made
	default:
		return []string{fmt.Sprintf("simple %s", reply)}
	}
}

func showQueue(outcome *probity.Outcome) error {
	stats, err := queue.Inspect("jobs")
	if err != nil {
		return err
	}
	optional(outcome, "depth", stats.Depth)
	optional(outcome, "in-flight", stats.InFlight)
	optional(outcome, "consumers", stats.Consumers)
	optional(outcome, "oldest-age-ms", stats.OldestAgeMs)
	optional(outcome, "lag", stats.Lag)
	return nil
}

func publish(*probity.Outcome) error { return queue.Publish("jobs", []byte("probe")) }

func sign(outcome *probity.Outcome) error {
	hmac, err := secrets.HMACSHA256("webhook", []byte("payload"))
	if err != nil {
		return err
	}
	same, err := secrets.Matches("webhook", []byte("s3cret"))
	if err != nil {
		return err
	}
	other, err := secrets.Matches("webhook", []byte("secret"))
	outcome.Detail("hmac", hexadecimal(hmac)).Measure("same", same, "").Measure("other", other, "")
	return err
}

func reveal(outcome *probity.Outcome) error {
	value, err := secrets.Reveal("webhook")
	outcome.Measure("length", len(value), "").Detail("value", value)
	return err
}
