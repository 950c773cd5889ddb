package main

import (
	"database/sql"
	"fmt"
	"net/http"
)

// order is a customer's order, with what it costs by the prices of the branch.
type order struct {
	Product  string `json:"product"`
	Quantity int64  `json:"quantity"`
	Cents    int64  `json:"cents"`
}

func listOrders(r *http.Request, branch *sql.DB) (any, error) {
	rows, err := branch.QueryContext(r.Context(),
		"SELECT product, quantity, quantity * cents FROM orders JOIN products ON name = product ORDER BY id")
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	orders := []order{}
	for rows.Next() {
		var o order
		if err := rows.Scan(&o.Product, &o.Quantity, &o.Cents); err != nil {
			return nil, err
		}
		orders = append(orders, o)
	}
	return orders, rows.Err()
}

func addOrder(r *http.Request, branch *sql.DB) (any, error) {
	var o order
	if err := decode(r, &o); err != nil {
		return nil, err
	}
	result, err := branch.ExecContext(r.Context(),
		"INSERT INTO orders(product, quantity) SELECT name, ? FROM products WHERE name = ?", o.Quantity, o.Product)
	if err != nil {
		return nil, err
	}
	if n, err := result.RowsAffected(); err != nil || n == 0 {
		return nil, refusal{http.StatusBadRequest, fmt.Errorf("there is no product %q", o.Product)}
	}
	return commit(r.Context(), branch, fmt.Sprintf("Order %d %s", o.Quantity, o.Product))
}

// deleteOrders is what should not have been put on a button.
func deleteOrders(r *http.Request, branch *sql.DB) (any, error) {
	if _, err := branch.ExecContext(r.Context(), "DELETE FROM orders"); err != nil {
		return nil, err
	}
	return commit(r.Context(), branch, "Delete all orders")
}

// entry is a commit of a customer's branch.
type entry struct {
	Commit string `json:"commit"`
	Text   string `json:"text"`
}

func history(r *http.Request, branch *sql.DB) (any, error) {
	rows, err := branch.QueryContext(r.Context(), "SELECT commit_hash, message FROM dolt_log LIMIT 100")
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	entries := []entry{}
	for rows.Next() {
		var e entry
		if err := rows.Scan(&e.Commit, &e.Text); err != nil {
			return nil, err
		}
		entries = append(entries, e)
	}
	return entries, rows.Err()
}

// update merges what is new on main into a customer's branch.
func update(r *http.Request, branch *sql.DB) (any, error) {
	_, err := branch.ExecContext(r.Context(), "SELECT dolt_merge('main')")
	return map[string]bool{"updated": err == nil}, err
}

// reset takes a customer's branch, and no other, back to a commit.
func reset(r *http.Request, branch *sql.DB) (any, error) {
	var request struct{ To string }
	if err := decode(r, &request); err != nil {
		return nil, err
	}
	if _, err := branch.ExecContext(r.Context(), "SELECT dolt_reset('--hard', ?)", request.To); err != nil {
		return nil, refusal{http.StatusBadRequest, err}
	}
	return map[string]string{"reset": request.To}, nil
}
