package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"sync"
	"time"
)

const (
	customers  = 20
	ordersEach = 10
)

// client is a browser.
type client struct {
	ctx  context.Context
	at   string
	http http.Client
}

// call sends a request with a JSON body and reads the answer.
func (c *client) call(method, path string, body, into any) error {
	sent, err := json.Marshal(body)
	if err != nil {
		return err
	}
	request, err := http.NewRequestWithContext(c.ctx, method, c.at+path, bytes.NewReader(sent))
	if err != nil {
		return err
	}
	response, err := c.http.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	received, err := io.ReadAll(response.Body)
	if err != nil {
		return err
	}
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("%s %s: %s: %s", method, path, response.Status, bytes.TrimSpace(received))
	}
	if into == nil {
		return nil
	}
	return json.Unmarshal(received, into)
}

// play uses the application as its customers and its operators do.
func play(ctx context.Context, at string, out io.Writer) error {
	c := &client{ctx: ctx, at: at, http: http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: customers}}}
	defer c.http.CloseIdleConnections()
	for _, step := range []struct {
		title string
		do    func() error
	}{
		{fmt.Sprintf("%d customers order %d times each, all at once", customers, ordersEach), func() error { return each(c.order) }},
		{"a migration and new prices on main; the customers have the old ones", c.migrate},
		{"the customers get them by a merge", func() error { return each(c.update) }},
		{"customer 7 deletes all orders, and the branch is reset", c.repair},
		{"all others have what they had", func() error { return each(func(n int) error { return c.check(n, 500) }) }},
	} {
		start := time.Now()
		if err := step.do(); err != nil {
			return fmt.Errorf("%s: %w", step.title, err)
		}
		fmt.Fprintf(out, "%s: %v\n", step.title, time.Since(start).Round(time.Millisecond))
	}
	fmt.Fprintln(out, "Everything is as it should be.")
	return nil
}

// each does something as every customer, at once.
func each(do func(n int) error) error {
	errs := make([]error, customers)
	var running sync.WaitGroup
	for n := range customers {
		running.Go(func() {
			if err := do(n); err != nil {
				errs[n] = fmt.Errorf("customer %d: %w", n, err)
			}
		})
	}
	running.Wait()
	return errors.Join(errs...)
}

// path is where a customer's things are.
func path(n int, thing string) string { return fmt.Sprintf("/customers/c%d%s", n, thing) }

// order makes a customer who orders: coffee once, tea in growing quantities.
func (c *client) order(n int) error {
	if err := c.call("POST", path(n, ""), nil, nil); err != nil {
		return err
	}
	for i := range ordersEach {
		o := order{Product: "tea", Quantity: int64(n + i)}
		if i == 0 {
			o.Product = "coffee"
		}
		if err := c.call("POST", path(n, "/orders"), o, nil); err != nil {
			return err
		}
	}
	return c.check(n, 450)
}

// check compares a customer's orders with what was ordered, tea at a price.
func (c *client) check(n int, tea int64) error {
	var orders []order
	if err := c.call("GET", path(n, "/orders"), nil, &orders); err != nil {
		return err
	}
	if len(orders) != ordersEach {
		return fmt.Errorf("%d orders, not %d", len(orders), ordersEach)
	}
	for i, o := range orders {
		want := order{"tea", int64(n + i), int64(n+i) * tea}
		if i == 0 {
			want = order{"coffee", int64(n), int64(n) * 700}
		}
		if o != want {
			return fmt.Errorf("order %d is %v, not %v", i, o, want)
		}
	}
	return nil
}

// migrate changes what is shared.
func (c *client) migrate() error {
	err := c.call("POST", "/main", map[string]any{
		"message": "Discounts; tea is dearer",
		"statements": []string{
			"ALTER TABLE orders ADD COLUMN discount INTEGER NOT NULL DEFAULT 0",
			"UPDATE products SET cents = 500 WHERE name = 'tea'",
			"INSERT INTO products VALUES ('matcha', 990)",
			"CREATE INDEX orders_product ON orders(product)",
		},
	}, nil)
	return errors.Join(err, c.check(3, 450))
}

// update gives a customer what is new on main.
func (c *client) update(n int) error {
	return errors.Join(c.call("POST", path(n, "/update"), nil, nil), c.check(n, 500))
}

// repair deletes a customer's orders and takes the branch back.
func (c *client) repair() error {
	const customer = 7
	if err := c.call("DELETE", path(customer, "/orders"), nil, nil); err != nil {
		return err
	}
	var orders []order
	if err := c.call("GET", path(customer, "/orders"), nil, &orders); err != nil || len(orders) != 0 {
		return fmt.Errorf("%d orders are there: %w", len(orders), err)
	}
	var commits []entry
	if err := c.call("GET", path(customer, "/history"), nil, &commits); err != nil {
		return err
	}
	if len(commits) < 2 || commits[0].Text != "Delete all orders" {
		return fmt.Errorf("the history is %v", commits)
	}
	return c.call("POST", path(customer, "/reset"), map[string]string{"to": commits[1].Commit}, nil)
}
