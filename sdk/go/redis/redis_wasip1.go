package redis

import (
	"probity.dev/sdk"
	"probity.dev/sdk/internal/host"
	wit "probity.dev/sdk/internal/wit/imports/probity_check_redis"
)

type connection struct{ *wit.Connection }

func open(name string) (connection, error) {
	opened, err := host.Result(wit.ConnectionOpen(name))
	return connection{opened}, err
}

func (c connection) ping() (float64, error) { return host.Result(c.Ping()) }

func (c connection) command(name string, args [][]byte) (Reply, error) {
	tokens, err := host.Result(c.Command(name, args))
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
