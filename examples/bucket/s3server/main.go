// Command s3server serves S3 from a directory: VersityGW, a real server, as the tests of
// package bucket and the example start it. Buckets are the directories in it.
//
//	go run ./s3server -dir DIR -listen 127.0.0.1:7070
//
// The credentials are those in AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY. It stops when its
// standard input ends, so that it never outlives who started it.
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"

	"github.com/versity/versitygw/backend/meta"
	"github.com/versity/versitygw/backend/posix"
	"github.com/versity/versitygw/embedgw"
)

func main() {
	dir := flag.String("dir", "", "directory that has the buckets")
	listen := flag.String("listen", "127.0.0.1:7070", "address to serve on")
	flag.Parse()
	if err := run(*dir, *listen); err != nil {
		fmt.Fprintln(os.Stderr, "s3server:", err)
		os.Exit(1)
	}
}

func run(dir, listen string) error {
	store, sidecar := meta.MetadataStorer(meta.XattrMeta{}), ""
	if err := (meta.XattrMeta{}).Test(dir); err != nil { // the file system has no attributes
		if sidecar, err = os.MkdirTemp("", "s3server-*"); err != nil {
			return err
		}
		defer os.RemoveAll(sidecar)
		if store, err = meta.NewSideCar(sidecar); err != nil {
			return err
		}
	}
	backend, err := posix.New(dir, store, posix.PosixOpts{SideCarDir: sidecar})
	if err != nil {
		return err
	}
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin) // an error ends it as well
		stop()
	}()
	return embedgw.RunVersityGW(ctx, backend, &embedgw.Config{
		RootUserAccess:    os.Getenv("AWS_ACCESS_KEY_ID"),
		RootUserSecret:    os.Getenv("AWS_SECRET_ACCESS_KEY"),
		Ports:             []string{listen},
		MaxConnections:    1024,
		MaxRequests:       1024,
		MultipartMaxParts: 10000,
		Quiet:             true,
		KeepAlive:         true,
		DisableACLs:       true,
	})
}
