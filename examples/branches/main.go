// Branches serves each customer of a web application from a branch of its own.
//
// What all customers share, the schema and the price list, is on main. A customer's
// branch begins there, has the customer's own orders, and gets what is new on main by a
// merge. When somebody deletes a customer's orders, the repair is a reset of that
// customer's branch, and nobody else notices.
//
//	go run ./examples/branches
//
// The program starts the server, uses it as 20 customers at once would, checks what
// they get, and exits with status 1 if anything is not as it should be. With -listen it
// serves until it is stopped:
//
//	go run ./examples/branches -listen 127.0.0.1:8080 -dir data
//	curl -X POST 127.0.0.1:8080/customers/acme
//	curl -d '{"product": "tea", "quantity": 3}' 127.0.0.1:8080/customers/acme/orders
//	curl 127.0.0.1:8080/customers/acme/orders
//
// Read on in server.go.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/signal"
	"time"

	"github.com/vdbgo/vdb"
)

func main() {
	listen := flag.String("listen", "", "address to serve on until the program is stopped")
	dir := flag.String("dir", "", "directory of the database; a temporary one, removed at the end, if empty")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, *listen, *dir, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "branches:", err)
		os.Exit(1)
	}
}

// run serves the database in dir: to the program itself, or to others at an address.
func run(ctx context.Context, listen, dir string, out io.Writer) (err error) {
	if dir == "" {
		if dir, err = os.MkdirTemp("", "branches-*"); err != nil {
			return err
		}
		defer os.RemoveAll(dir)
	}
	db, err := vdb.Open(ctx, dir, nil)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	s, err := newServer(ctx, db)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.close()) }()
	address := listen
	if address == "" {
		address = "127.0.0.1:0"
	}
	return serve(ctx, s, address, func(at string) error {
		fmt.Fprintln(out, "serving at", at)
		if listen != "" {
			<-ctx.Done()
			return nil
		}
		return play(ctx, at, out)
	})
}

// serve serves at an address until use returns.
func serve(ctx context.Context, s *server, address string, use func(at string) error) error {
	listener, err := net.Listen("tcp", address)
	if err != nil {
		return err
	}
	h := &http.Server{Handler: s.routes(), ReadHeaderTimeout: 10 * time.Second}
	served := make(chan error, 1)
	go func() { served <- h.Serve(listener) }()
	err = use("http://" + listener.Addr().String())
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
	defer cancel()
	err = errors.Join(err, h.Shutdown(ctx))
	if e := <-served; !errors.Is(e, http.ErrServerClosed) {
		err = errors.Join(err, e)
	}
	return err
}
