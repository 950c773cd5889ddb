// Clone moves a customer to a box of its own, while both go on.
//
// The first box has a branch for each customer and serves them over HTTP: each
// customer's password lets it read and write its own branch and nothing else. The
// second box is one clone of one branch. Then both boxes write to it; a push is refused,
// a pull merges what the other one wrote, and the next push brings all back.
//
//	go run ./examples/clone
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"

	"github.com/vdbgo/vdb"
	"github.com/vdbgo/vdb/remote"
)

type order struct {
	ID   int64 `vdb:"id,pk"`
	Text string
}

var orders = vdb.MustTable[order]("orders")

func main() {
	dir, err := os.MkdirTemp("", "clone")
	if err == nil {
		err = errors.Join(run(context.Background(), dir, os.Stdout), os.RemoveAll(dir))
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "clone:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, dir string, out io.Writer) error {
	first, err := firstBox(ctx, filepath.Join(dir, "first.vdb"))
	if err != nil {
		return err
	}
	defer first.Close()
	server := httptest.NewServer(remote.Handler(first, &remote.HandlerOptions{Allow: allow}))
	defer server.Close()

	second, err := vdb.Clone(ctx, server.URL, filepath.Join(dir, "second.vdb"), &vdb.CloneOptions{
		Branches: []string{"cust7"}, Open: &vdb.Options{Remotes: &remote.Options{Header: credentials}},
	})
	if err != nil {
		return err
	}
	defer second.Close()
	fmt.Fprintln(out, "cloned the branch of cust7")
	return goOn(ctx, first, second, out)
}

// allow lets each customer read and write its own branch.
func allow(r *http.Request) (remote.Access, error) {
	user, password, _ := r.BasicAuth()
	if password != "secret of "+user {
		return remote.Access{}, remote.ErrRefused
	}
	own := func(ref string) bool { return ref == "heads/"+user }
	return remote.Access{Read: own, Write: own}, nil
}

// goOn has both boxes write to the branch, and brings the two together.
func goOn(ctx context.Context, first, second *vdb.DB, out io.Writer) error {
	here, err := second.Branch(ctx, "cust7")
	if err != nil {
		return err
	}
	there, err := first.Branch(ctx, "cust7")
	if err != nil {
		return err
	}
	if err := errors.Join(write(ctx, there, 100, "written on the first box"), write(ctx, here, 200, "written on the second box")); err != nil {
		return err
	}
	if err := here.Push(ctx, "origin", nil); !errors.Is(err, remote.ErrNotFastForward) {
		return fmt.Errorf("the push was not refused: %v", err)
	}
	fmt.Fprintln(out, "a push is refused: the first box went on")
	if _, err := here.Pull(ctx, "origin", nil); err != nil {
		return err
	}
	if err := here.Push(ctx, "origin", nil); err != nil {
		return err
	}
	for _, b := range []*vdb.Branch{there, here} {
		n, err := count(ctx, b)
		if err != nil {
			return err
		}
		fmt.Fprintf(out, "after pull and push: %d orders\n", n)
	}
	return nil
}
