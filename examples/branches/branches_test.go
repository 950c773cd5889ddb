package main

import (
	"bytes"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/vdbgo/vdb"
)

func TestPlay(t *testing.T) {
	var out bytes.Buffer
	if err := run(t.Context(), "", t.TempDir(), &out); err != nil {
		t.Fatalf("%v\n%s", err, &out)
	}
	if !strings.Contains(out.String(), "Everything is as it should be") {
		t.Errorf("the output is\n%s", &out)
	}
}

func TestRefusals(t *testing.T) {
	db, err := vdb.Open(t.Context(), vdb.Memory, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	s, err := newServer(t.Context(), db)
	if err != nil {
		t.Fatal(err)
	}
	defer s.close()
	for _, c := range []struct {
		method, path, body string
		status             int
		want               string
	}{
		{"POST", "/customers/acme", "", 200, "customer/acme"},
		{"POST", "/customers/acme", "", 409, "already exists"},
		{"POST", "/customers/Acme", "", 400, "small letters"},
		{"POST", "/customers/..%2fmain", "", 400, "small letters"},
		{"GET", "/customers/nobody/orders", "", 404, "customer/nobody"},
		{"POST", "/customers/acme/orders", `{"product":"gold","quantity":1}`, 400, `no product \"gold\"`},
		{"POST", "/customers/acme/orders", `tea`, 400, "no JSON"},
		{"POST", "/customers/acme/orders", `{"product":"tea","quantity":2}`, 200, "commit"},
		{"GET", "/customers/acme/orders", "", 200, `[{"product":"tea","quantity":2,"cents":900}]`},
		{"POST", "/customers/acme/reset", `{"to":"deadbeef"}`, 400, "deadbeef"},
		{"POST", "/customers/acme/reset", `{"to":"HEAD~"}`, 200, "HEAD~"},
		{"GET", "/customers/acme/orders", "", 200, `[]`},
		{"POST", "/main", `{"statements":["SELEC 1"],"message":"x"}`, 400, "syntax error"},
	} {
		w := httptest.NewRecorder()
		s.routes().ServeHTTP(w, httptest.NewRequest(c.method, c.path, strings.NewReader(c.body)))
		if w.Code != c.status || !strings.Contains(w.Body.String(), c.want) {
			t.Errorf("%s %s %s: %d %s; want %d %s", c.method, c.path, c.body, w.Code, w.Body, c.status, c.want)
		}
	}
	if got := statusOf(vdb.ErrConflict); got != http.StatusConflict {
		t.Errorf("a conflict has the status %d", got)
	}
}

// A check finds what is not as it should be.
func TestCheck(t *testing.T) {
	wrong := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = w.Write([]byte(`[{"product":"tea","quantity":1,"cents":1}]`))
	}))
	defer wrong.Close()
	c := &client{ctx: t.Context(), at: wrong.URL}
	if err := c.check(0, 450); err == nil || !strings.Contains(err.Error(), "1 orders, not 10") {
		t.Errorf("check: %v", err)
	}
	if err := play(t.Context(), wrong.URL, &bytes.Buffer{}); err == nil {
		t.Error("play finds nothing wrong")
	}
}
