// Package queue tells queue and stream depth, whatever the broker behind the name.
package queue

// Stats are what a broker says about a queue; nil where it does not tell.
type Stats struct {
	// Depth: messages waiting to be delivered.
	Depth *uint64
	// InFlight: delivered, not yet acknowledged.
	InFlight *uint64
	// Consumers take messages from it.
	Consumers *uint32
	// OldestAgeMs is how long the oldest waiting message has waited.
	OldestAgeMs *uint64
	// Lag is how far the consumers are behind, for logs.
	Lag *uint64
}

// Inspect looks at the queue name.
func Inspect(name string) (*Stats, error) { return inspect(name) }

// Publish sends a probe message and waits until the broker has it. Needs NAME:publish.
func Publish(name string, payload []byte) error { return publish(name, payload) }
