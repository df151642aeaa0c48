//go:build !wasip1

package queue

import (
	"probity.dev/sdk"
	"probity.dev/sdk/internal/fake"
)

func inspect(name string) (*Stats, error) { return fake.Ask[*Stats]("queue "+name, probity.NotFound) }

func publish(name string, payload []byte) error {
	host := fake.Current()
	if !host.Knows("queue " + name + " publish") {
		if _, err := inspect(name); err != nil {
			return err
		}
	} else if _, err := fake.Ask[any]("queue "+name+" publish", probity.NotFound); err != nil {
		return err
	}
	sent := fake.Message{Queue: name, Payload: append([]byte{}, payload...)}
	host.Did(func(deeds *fake.Deeds) { deeds.Published = append(deeds.Published, sent) })
	return nil
}
