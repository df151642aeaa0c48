package main

import (
	"context"
	"errors"
	"log"
	"net"
	"net/http"
	"os"
	"os/signal"
	"strconv"
	"syscall"
	"time"

	"probity.dev/sdk/board"
)

// shutdownMax is how long requests may take to end once nothing new is taken.
const shutdownMax = time.Minute

func main() {
	if err := run(); err != nil {
		log.Fatal(err)
	}
}

func run() error {
	shop, err := open()
	if err != nil {
		return err
	}
	host := variable("PROBITY_URL", "http://127.0.0.1:18090")
	view, err := board.New(host, board.Options{Version: version})
	if err != nil {
		return err
	}
	pulse, err := board.NewPulse(host, "shop", board.PulseOptions{
		Token: os.Getenv("PROBITY_TOKEN"), Every: seconds("PULSE_EVERY", 2), Pool: board.DB(shop.database),
	})
	if err != nil {
		return err
	}
	mux := http.NewServeMux()
	view.Register(mux)
	shop.register(mux)
	listener, err := net.Listen("tcp", "127.0.0.1:"+variable("PORT", "19010"))
	if err != nil {
		return err
	}
	ended, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer stop()
	server := &http.Server{Handler: pulse.Requests(mux), ReadHeaderTimeout: 5 * time.Second}
	failed := make(chan error, 1)
	go func() { failed <- server.Serve(listener) }()
	go pulse.Run()
	select {
	case err := <-failed:
		return err
	case <-ended.Done():
	}
	// Both ways of asking say at once that no more shall come; what comes in spite of it is answered for a while, since
	// balancers need that to notice.
	view.Drain()
	pulse.Drain()
	time.Sleep(seconds("DRAIN_SECONDS", 5))
	ctx, cancel := context.WithTimeout(context.Background(), shutdownMax)
	defer cancel()
	return errors.Join(server.Shutdown(ctx), shop.database.Close(), shop.cache.Close())
}

func variable(name, otherwise string) string {
	if value := os.Getenv(name); value != "" {
		return value
	}
	return otherwise
}

func seconds(name string, otherwise float64) time.Duration {
	value, err := strconv.ParseFloat(os.Getenv(name), 64)
	if err != nil {
		value = otherwise
	}
	return time.Duration(value * float64(time.Second))
}
