// Bucket keeps a shop's database in object storage, from where a second box takes it,
// goes on, and brings back what it did; and backs it up there with what is not
// committed.
//
//	cd examples/bucket && go run .
//
// needs nothing else: it starts an S3 server on this machine, from ./s3server, and stops it
// at the end. With -url it uses a bucket of yours, and the credentials in the
// environment:
//
//	go run . -url 's3://my-bucket/shop?region=eu-central-1'
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"

	"github.com/vdbgo/vdb"
	"github.com/vdbgo/vdb/remote"
	"github.com/vdbgo/vdb/remote/bucket"
)

func main() {
	url := flag.String("url", "", "s3://BUCKET/PREFIX?endpoint=URL&region=NAME; a server of the program's own if empty")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, *url, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "bucket:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, url string, out io.Writer) (err error) {
	dir, err := os.MkdirTemp("", "bucket-*")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	credentials := bucket.CredentialsFunc(nil)
	if url == "" {
		s, err := startServer(ctx, dir)
		if err != nil {
			return err
		}
		defer s.stop()
		url, credentials = s.url(), s.credentials()
	}
	opts := &vdb.Options{Remotes: &remote.Options{Transports: map[string]remote.Transport{
		"s3": bucket.Transport(&bucket.Options{Credentials: credentials}),
	}}}
	return exchange(ctx, dir, url, opts, out)
}

// exchange lets two boxes work on one database.
func exchange(ctx context.Context, dir, url string, opts *vdb.Options, out io.Writer) error {
	shop, err := vdb.Open(ctx, filepath.Join(dir, "shop"), opts)
	if err != nil {
		return err
	}
	defer shop.Close()
	if err := fill(ctx, shop); err != nil {
		return err
	}
	if err := shop.AddRemote(ctx, "origin", url); err != nil {
		return err
	}
	if err := shop.Push(ctx, "origin", nil); err != nil {
		return err
	}
	fmt.Fprintln(out, "the shop has pushed 1000 orders")
	if err := second(ctx, dir, url, opts, out); err != nil {
		return err
	}
	main, err := shop.Branch(ctx, "main")
	if err != nil {
		return err
	}
	if _, err := main.Pull(ctx, "origin", nil); err != nil {
		return err
	}
	if err := count(ctx, shop, "the shop, after a pull,", out); err != nil {
		return err
	}
	return backup(ctx, shop, main, dir, opts, url, out)
}

// second is the other box: it clones, adds an order and pushes.
func second(ctx context.Context, dir, url string, opts *vdb.Options, out io.Writer) error {
	db, err := vdb.Clone(ctx, url, filepath.Join(dir, "second"), &vdb.CloneOptions{Open: opts})
	if err != nil {
		return err
	}
	defer db.Close()
	if err := count(ctx, db, "the second box, after a clone,", out); err != nil {
		return err
	}
	main, err := db.Branch(ctx, "main")
	if err != nil {
		return err
	}
	if err := order(ctx, main, 1000, 1001); err != nil {
		return err
	}
	return db.Push(ctx, "origin", nil)
}

// backup makes a backup beside the pushed database, with an order that is in no commit.
func backup(ctx context.Context, shop *vdb.DB, main *vdb.Branch, dir string, opts *vdb.Options, url string, out io.Writer) error {
	to, err := beside(url)
	if err != nil {
		return err
	}
	if _, err := shop.Backup(ctx, to, nil); err != nil {
		return err
	}
	err = main.Update(ctx, func(tx *vdb.Tx) error {
		return tx.Put("orders", vdb.Row{vdb.Int(5000), vdb.Text("not committed")})
	})
	if err != nil {
		return err
	}
	saved, err := shop.Backup(ctx, to, nil)
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "the second backup took %d chunks\n", saved.Chunks)
	restored, err := vdb.RestoreBackup(ctx, to, filepath.Join(dir, "restored"), &vdb.BackupOptions{Open: opts})
	if err != nil {
		return err
	}
	defer restored.Close()
	return count(ctx, restored, "the restored database", out)
}

// fill makes the orders.
func fill(ctx context.Context, db *vdb.DB) error {
	main, err := db.Branch(ctx, "main")
	if err != nil {
		return err
	}
	err = main.Update(ctx, func(tx *vdb.Tx) error {
		return tx.CreateTable(vdb.Schema{
			Name:       "orders",
			Columns:    []vdb.Column{{Name: "id", Type: "INTEGER", NotNull: true}, {Name: "what", Type: "TEXT"}},
			PrimaryKey: []string{"id"},
		})
	})
	if err != nil {
		return err
	}
	return order(ctx, main, 0, 1000)
}

// order adds orders and commits them.
func order(ctx context.Context, b *vdb.Branch, from, to int) error {
	err := b.Update(ctx, func(tx *vdb.Tx) error {
		for i := from; i < to; i++ {
			if err := tx.Put("orders", vdb.Row{vdb.Int(int64(i)), vdb.Text(fmt.Sprintf("order %d", i))}); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	_, err = b.Commit(ctx, vdb.Message{Author: "Billing", Text: "orders"})
	return err
}

// count prints how many orders there are in the working set.
func count(ctx context.Context, db *vdb.DB, who string, out io.Writer) error {
	snap, err := db.AsOf(ctx, "WORKING")
	if err != nil {
		return err
	}
	n := 0
	for _, err := range snap.Rows("orders", vdb.Range{}) {
		if err != nil {
			return err
		}
		n++
	}
	fmt.Fprintf(out, "%s has %d orders\n", who, n)
	return nil
}
