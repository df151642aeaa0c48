// Do orders get through? The database knows which are unpaid, Redis holds those that wait to be packed.
package main

import (
	"errors"
	"fmt"

	"probity.dev/sdk"
	"probity.dev/sdk/redis"
	"probity.dev/sdk/sql"
)

// oldestUnpaid is 0 when all are paid.
const oldestUnpaid = "SELECT coalesce(extract(epoch FROM now() - min(created)) * 1000, 0)::float8 AS ms FROM orders WHERE NOT paid"

type config struct {
	Database string                         `default:"shop"`
	Cache    string                         `default:"cache"`
	Queue    string                         `default:"orders"`
	Waiting  probity.AtMost[probity.Number] `default:"{\"warn\":100,\"crit\":1000}"`
	Unpaid   probity.AtMost[probity.Span]   `default:"{\"warn\":\"15m\",\"crit\":\"1h\"}"`
}

type fulfilment struct{}

func (fulfilment) Describe() probity.Metadata {
	return probity.Metadata{
		Name: "fulfilment", Version: "0.1.0", Probes: []probity.Probe{probity.Ready}, Every: 15_000,
		Description:   "Do orders reach the warehouse, and do customers pay them?",
		ConfigExample: `{"waiting": {"warn": 50, "crit": 500}, "unpaid": {"warn": "10m"}}`,
	}
}

func (fulfilment) Run(config config) (*probity.Outcome, error) {
	outcome := probity.NewHealthy("orders are paid and packed")
	if err := about(outcome, probity.Unhealthy, judgeUnpaid(outcome, config)); err != nil {
		return nil, err
	}
	// An order is one without Redis, too.
	if err := about(outcome, probity.Degraded, judgeWaiting(outcome, config)); err != nil {
		return nil, err
	}
	return outcome, nil
}

func judgeUnpaid(outcome *probity.Outcome, config config) error {
	database, err := sql.Open(config.Database)
	if err != nil {
		return err
	}
	oldestMS, err := sql.Scalar[float64](database, oldestUnpaid)
	if err != nil {
		return err
	}
	outcome.Judge("oldest-unpaid", oldestMS, "ms", config.Unpaid)
	return nil
}

func judgeWaiting(outcome *probity.Outcome, config config) error {
	cache, err := redis.Open(config.Cache)
	if err != nil {
		return err
	}
	reply, err := cache.Command("LLEN", config.Queue)
	if err != nil {
		return err
	}
	waiting, counted := reply.(int64)
	if !counted {
		return fmt.Errorf("LLEN %s answered %v, which is no number", config.Queue, reply)
	}
	outcome.Judge("waiting", float64(waiting), "{orders}", config.Waiting)
	return nil
}

// about makes what does not answer a finding about the shop. No grant, no time left: that is no judgement, and stays an
// error.
func about(outcome *probity.Outcome, status probity.Status, err error) error {
	var silent *probity.Error
	if errors.As(err, &silent) && silent.Kind.IsAboutTheTarget() {
		outcome.Finding(status, "%v", silent)
		return nil
	}
	return err
}

func init() { probity.Export(fulfilment{}) }

func main() {}
