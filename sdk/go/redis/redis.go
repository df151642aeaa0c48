// Package redis speaks to Redis or Valkey through a declared connection. Without
// a further grant only commands that read are allowed.
package redis

import (
	"fmt"

	"probity.dev/sdk"
	"probity.dev/sdk/internal/host"
	wit "probity.dev/sdk/internal/wit/imports/probity_check_redis"
)

// Connection is one of the host.
type Connection struct{ connection *wit.Connection }

// Open takes the connection name.
func Open(name string) (*Connection, error) {
	connection, err := host.Result(wit.ConnectionOpen(name))
	if err != nil {
		return nil, err
	}
	return &Connection{connection}, nil
}

// Ping is the time of one PING, in milliseconds.
func (c *Connection) Ping() (float64, error) { return host.Result(c.connection.Ping()) }

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
	tokens, err := host.Result(c.connection.Command(name, encoded))
	if err != nil {
		return nil, err
	}
	reader := reader{tokens}
	return reader.next()
}

// reader makes a reply of its parts: containers announce how many items follow.
type reader struct{ tokens []wit.Token }

func (r *reader) next() (Reply, error) {
	if len(r.tokens) == 0 {
		return nil, &probity.Error{Kind: probity.Protocol, Message: "the reply ends early"}
	}
	token := r.tokens[0]
	r.tokens = r.tokens[1:]
	switch token.Tag() {
	case wit.Token_Integer:
		return token.Integer(), nil
	case wit.Token_Double:
		return token.Double(), nil
	case wit.Token_Boolean:
		return token.Boolean(), nil
	case wit.Token_Simple:
		return token.Simple(), nil
	case wit.Token_Bulk:
		return token.Bulk(), nil
	case wit.Token_Error:
		return &probity.Error{Kind: probity.Remote, Message: token.Error()}, nil
	case wit.Token_Array:
		return r.items(int(token.Array()))
	case wit.Token_Map:
		return r.pairs(int(token.Map()))
	default:
		return nil, nil
	}
}

func (r *reader) items(count int) (Reply, error) {
	items := []Reply{}
	for range count {
		item, err := r.next()
		if err != nil {
			return nil, err
		}
		items = append(items, item)
	}
	return items, nil
}

func (r *reader) pairs(count int) (Reply, error) {
	pairs := []Pair{}
	for range count {
		key, err := r.next()
		if err != nil {
			return nil, err
		}
		value, err := r.next()
		if err != nil {
			return nil, err
		}
		pairs = append(pairs, Pair{key, value})
	}
	return pairs, nil
}
