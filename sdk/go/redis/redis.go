// Package redis speaks to Redis or Valkey through a declared connection. Without
// a further grant only commands that read are allowed.
package redis

import "fmt"

// Connection is one of the host.
type Connection struct{ connection connection }

// Open takes the connection name.
func Open(name string) (*Connection, error) {
	opened, err := open(name)
	if err != nil {
		return nil, err
	}
	return &Connection{opened}, nil
}

// Ping is the time of one PING, in milliseconds.
func (c *Connection) Ping() (float64, error) { return c.connection.ping() }

// Pair is an entry of a map.
type Pair struct{ Key, Value Reply }

// Reply is what a server answered: nil, int64, float64, bool, string (a word of
// the protocol), []byte, []Reply, []Pair, or an error inside a container.
type Reply = any

// Command sends a command: Command("HGET", "orders", "open"). Arguments are
// strings, bytes or numbers.
func (c *Connection) Command(name string, args ...any) (Reply, error) {
	encoded := make([][]byte, 0, len(args))
	for _, arg := range args {
		if bytes, ok := arg.([]byte); ok {
			encoded = append(encoded, bytes)
		} else {
			encoded = append(encoded, []byte(fmt.Sprint(arg)))
		}
	}
	return c.connection.command(name, encoded)
}
