package remote_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"

	"github.com/vdbgo/vdb"
	"github.com/vdbgo/vdb/remote"
)

func must(err error) {
	if err != nil {
		panic(err)
	}
}

// A server that lets who knows the password read all branches, and write those of its own
// name.
func ExampleHandler() {
	ctx := context.Background()
	db, err := vdb.Open(ctx, vdb.Memory, nil)
	must(err)
	defer db.Close()
	allow := func(r *http.Request) (remote.Access, error) {
		user, password, _ := r.BasicAuth()
		if password != "secret of "+user {
			return remote.Access{}, remote.ErrRefused
		}
		return remote.Access{
			Read:  func(string) bool { return true },
			Write: func(ref string) bool { return strings.HasPrefix(ref, "heads/"+user+"/") },
		}, nil
	}
	mux := http.NewServeMux()
	mux.Handle("/prod/", remote.Handler(db, &remote.HandlerOptions{Allow: allow, MaxPushBytes: 1 << 30}))
	server := httptest.NewServer(mux)
	defer server.Close()

	_, err = vdb.Clone(ctx, server.URL+"/prod", vdb.Memory, nil)
	fmt.Println("without credentials refused:", errors.Is(err, remote.ErrRefused))
	credentials := func(context.Context, *url.URL) (http.Header, error) {
		r := http.Request{Header: http.Header{}}
		r.SetBasicAuth("audit", "secret of audit")
		return r.Header, nil
	}
	clone, err := vdb.Clone(ctx, server.URL+"/prod", vdb.Memory, &vdb.CloneOptions{
		Open: &vdb.Options{Remotes: &remote.Options{Header: credentials}},
	})
	must(err)
	defer clone.Close()
	for _, there := range []string{"main:release", "main:audit/findings"} {
		err := clone.Push(ctx, "origin", &vdb.PushOptions{Branches: []string{there}})
		fmt.Println(there, "refused:", errors.Is(err, remote.ErrRefused))
	}
	// Output:
	// without credentials refused: true
	// main:release refused: true
	// main:audit/findings refused: false
}
