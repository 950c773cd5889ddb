package main

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"regexp"

	"github.com/vdbgo/vdb"
)

// server is the web application.
type server struct {
	db    *vdb.DB
	pools *pools
}

// shared is what all customers have from main.
var shared = []string{
	`CREATE TABLE IF NOT EXISTS products(name TEXT PRIMARY KEY, cents INTEGER NOT NULL)`,
	`CREATE TABLE IF NOT EXISTS orders(
		id INTEGER PRIMARY KEY,
		product TEXT NOT NULL REFERENCES products(name),
		quantity INTEGER NOT NULL)`,
	`INSERT OR IGNORE INTO products VALUES ('tea', 450), ('coffee', 700), ('cocoa', 620)`,
	`SELECT dolt_commit('-Am', 'Schema and prices', '--skip-empty')`,
}

// newServer serves db, and makes what is shared where it is missing.
func newServer(ctx context.Context, db *vdb.DB) (*server, error) {
	s := &server{db: db, pools: &pools{db: db, byBranch: map[string]*sql.DB{}}}
	for _, statement := range shared {
		if _, err := s.pools.branch(vdb.MainBranch).ExecContext(ctx, statement); err != nil {
			return nil, errors.Join(err, s.close())
		}
	}
	return s, nil
}

func (s *server) close() error { return s.pools.close() }

func (s *server) routes() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /main", s.onMain(s.administer))
	mux.HandleFunc("POST /customers/{customer}", s.create)
	mux.HandleFunc("GET /customers/{customer}/orders", s.onBranch(listOrders))
	mux.HandleFunc("POST /customers/{customer}/orders", s.onBranch(addOrder))
	mux.HandleFunc("DELETE /customers/{customer}/orders", s.onBranch(deleteOrders))
	mux.HandleFunc("GET /customers/{customer}/history", s.onBranch(history))
	mux.HandleFunc("POST /customers/{customer}/update", s.onBranch(update))
	mux.HandleFunc("POST /customers/{customer}/reset", s.onBranch(reset))
	return mux
}

// customerName is what a customer may be called: part of a branch's name.
var customerName = regexp.MustCompile(`^[a-z0-9]+(-[a-z0-9]+)*$`)

// branchOf names a customer's branch.
func branchOf(r *http.Request) (string, error) {
	name := r.PathValue("customer")
	if !customerName.MatchString(name) {
		return "", refusal{http.StatusBadRequest, fmt.Errorf("customer %q: use small letters, digits and -", name)}
	}
	return "customer/" + name, nil
}

// refusal is an error with a status.
type refusal struct {
	status int
	error
}

// action answers a request from a branch.
type action func(r *http.Request, branch *sql.DB) (any, error)

// onBranch has an action work on the customer's branch.
func (s *server) onBranch(do action) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		name, err := branchOf(r)
		if err == nil {
			_, err = s.db.Branch(r.Context(), name) // not every name that is asked for gets a pool
		}
		if err != nil {
			answer(w, nil, err)
			return
		}
		result, err := do(r, s.pools.branch(name))
		answer(w, result, err)
	}
}

func (s *server) onMain(do action) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		result, err := do(r, s.pools.branch(vdb.MainBranch))
		answer(w, result, err)
	}
}

// answer writes a result, or an error under its status, as JSON.
func answer(w http.ResponseWriter, result any, err error) {
	status := http.StatusOK
	if err != nil {
		status, result = statusOf(err), map[string]string{"error": err.Error()}
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(result) // the client has gone
}

func statusOf(err error) int {
	var r refusal
	switch {
	case errors.As(err, &r):
		return r.status
	case errors.Is(err, vdb.ErrNotFound):
		return http.StatusNotFound
	case errors.Is(err, vdb.ErrExists), errors.Is(err, vdb.ErrConflict):
		return http.StatusConflict
	}
	return http.StatusInternalServerError
}

// create makes a customer's branch, which begins at main.
func (s *server) create(w http.ResponseWriter, r *http.Request) {
	name, err := branchOf(r)
	if err == nil {
		_, err = s.db.CreateBranch(r.Context(), name, vdb.MainBranch)
	}
	answer(w, map[string]string{"branch": name}, err)
}

// administer runs statements that all customers are to get: a migration, new prices.
func (s *server) administer(r *http.Request, main *sql.DB) (any, error) {
	var request struct {
		Statements []string
		Message    string
	}
	if err := decode(r, &request); err != nil {
		return nil, err
	}
	for _, statement := range request.Statements {
		if _, err := main.ExecContext(r.Context(), statement); err != nil {
			return nil, refusal{http.StatusBadRequest, err}
		}
	}
	return commit(r.Context(), main, request.Message)
}

func decode(r *http.Request, into any) error {
	if err := json.NewDecoder(r.Body).Decode(into); err != nil {
		return refusal{http.StatusBadRequest, fmt.Errorf("the request is no JSON: %w", err)}
	}
	return nil
}

// commit records what was written to a branch.
func commit(ctx context.Context, branch *sql.DB, text string) (any, error) {
	var hash sql.NullString
	err := branch.QueryRowContext(ctx, "SELECT dolt_commit('-Am', ?, '--skip-empty')", text).Scan(&hash)
	return map[string]string{"commit": hash.String}, err
}
