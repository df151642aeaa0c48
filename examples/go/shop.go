// A shop on net/http: orders in PostgreSQL, those to be packed in Redis as well, payments somewhere else.
//
//	POST /orders                  place an order
//	POST /orders/{id}/pay         pay it: asks the payment provider
//	GET  /orders/count            how many orders there are
//	GET  /export?seconds=N        a long query: keeps a connection of the pool
//	GET  /ping                    the process answers; asks nothing else
//
//	/health, /ready, /live        what Probity's board says, see README.md
//
// Needs DATABASE_URL, REDIS_URL and PAYMENTS_URL; PROBITY_URL and PROBITY_TOKEN for the views and the pulse. Listens on
// PORT, 19010 by default. Does not start without its database: a shop that cannot take orders shall not be in rotation.
package main

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"log"
	"net/http"
	"os"
	"strconv"
	"time"

	_ "github.com/jackc/pgx/v5/stdlib"
	"github.com/redis/go-redis/v9"
)

const version = "4.1.0"

// connectionWait is how long a request waits for a connection of the pool.
const connectionWait = time.Second

const schema = `CREATE TABLE IF NOT EXISTS orders
	(id serial PRIMARY KEY, paid boolean NOT NULL DEFAULT false, created timestamptz NOT NULL DEFAULT now())`

type shop struct {
	database *sql.DB
	cache    *redis.Client
	payments string
	client   http.Client
}

func open() (*shop, error) {
	database, err := sql.Open("pgx", os.Getenv("DATABASE_URL"))
	if err != nil {
		return nil, err
	}
	database.SetMaxOpenConns(3)
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	if _, err := database.ExecContext(ctx, schema); err != nil {
		return nil, fmt.Errorf("the database: %w", err)
	}
	options, err := redis.ParseURL(os.Getenv("REDIS_URL"))
	if err != nil {
		return nil, err
	}
	options.DialTimeout, options.ReadTimeout, options.MaxRetries = time.Second, time.Second, -1
	return &shop{
		database: database, cache: redis.NewClient(options), payments: os.Getenv("PAYMENTS_URL"),
		client: http.Client{Timeout: 2 * time.Second},
	}, nil
}

func (s *shop) register(mux *http.ServeMux) {
	mux.HandleFunc("POST /orders", s.place)
	mux.HandleFunc("POST /orders/{id}/pay", s.pay)
	mux.HandleFunc("GET /orders/count", s.count)
	mux.HandleFunc("GET /export", s.export)
	mux.HandleFunc("GET /ping", func(response http.ResponseWriter, _ *http.Request) {
		answer(response, http.StatusOK, map[string]any{"pid": os.Getpid()})
	})
}

// with does something on a connection of the pool, or says why not. Waiting for one ends after [connectionWait]; the
// work itself ends with the request.
func (s *shop) with(response http.ResponseWriter, request *http.Request, do func(context.Context, *sql.Conn) error) {
	ctx := request.Context()
	waiting, cancel := context.WithTimeout(ctx, connectionWait)
	defer cancel()
	connection, err := s.database.Conn(waiting)
	if errors.Is(err, context.DeadlineExceeded) {
		err = errors.New("no connection is free")
	}
	if err == nil {
		defer connection.Close()
		err = do(ctx, connection)
	}
	if err != nil {
		log.Printf("%s: %v", request.URL.Path, err)
		answer(response, http.StatusServiceUnavailable, map[string]any{"error": err.Error()})
	}
}

func (s *shop) place(response http.ResponseWriter, request *http.Request) {
	s.with(response, request, func(ctx context.Context, connection *sql.Conn) error {
		var order int64
		err := connection.QueryRowContext(ctx, "INSERT INTO orders DEFAULT VALUES RETURNING id").Scan(&order)
		if err != nil {
			return err
		}
		// An order is one without Redis, too: what is to be packed can also be read from the database.
		if err := s.cache.LPush(ctx, "orders", order).Err(); err != nil {
			log.Printf("not told to the warehouse: %v", err)
		}
		answer(response, http.StatusCreated, map[string]any{"id": order})
		return nil
	})
}

func (s *shop) pay(response http.ResponseWriter, request *http.Request) {
	order, err := strconv.ParseInt(request.PathValue("id"), 10, 64)
	if err != nil {
		answer(response, http.StatusNotFound, map[string]any{"error": "no such order"})
		return
	}
	paid, err := s.client.Get(s.payments)
	if err != nil {
		answer(response, http.StatusBadGateway, map[string]any{"error": "payment failed: " + err.Error()})
		return
	}
	defer paid.Body.Close()
	s.with(response, request, func(ctx context.Context, connection *sql.Conn) error {
		_, err := connection.ExecContext(ctx, "UPDATE orders SET paid = true WHERE id = $1", order)
		if err == nil {
			answer(response, http.StatusOK, map[string]any{"id": order, "paid": true})
		}
		return err
	})
}

func (s *shop) count(response http.ResponseWriter, request *http.Request) {
	s.with(response, request, func(ctx context.Context, connection *sql.Conn) error {
		var orders int64
		err := connection.QueryRowContext(ctx, "SELECT count(*) FROM orders").Scan(&orders)
		if err == nil {
			answer(response, http.StatusOK, map[string]any{"orders": orders})
		}
		return err
	})
}

func (s *shop) export(response http.ResponseWriter, request *http.Request) {
	seconds, err := strconv.ParseFloat(request.FormValue("seconds"), 64)
	if err != nil {
		seconds = 1
	}
	s.with(response, request, func(ctx context.Context, connection *sql.Conn) error {
		_, err := connection.ExecContext(ctx, "SELECT pg_sleep($1)", min(seconds, 60))
		if err == nil {
			answer(response, http.StatusOK, map[string]any{"exported": true})
		}
		return err
	})
}

func answer(response http.ResponseWriter, status int, body map[string]any) {
	response.Header().Set("Content-Type", "application/json")
	response.WriteHeader(status)
	// The client may be gone.
	_ = json.NewEncoder(response).Encode(body)
}
