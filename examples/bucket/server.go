package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"github.com/vdbgo/vdb/remote/bucket"
)

// server is the S3 server of ./s3server in a process of its own.
type server struct {
	process         *exec.Cmd
	stdin           io.Closer
	address, secret string
}

// startServer builds the server, starts it on a free port, and waits until it answers.
func startServer(ctx context.Context, dir string) (*server, error) {
	program := filepath.Join(dir, "s3server.exe")
	if text, err := exec.CommandContext(ctx, "go", "build", "-o", program, "./s3server").CombinedOutput(); err != nil {
		return nil, fmt.Errorf("build the S3 server (run this in its directory): %w: %s", err, text)
	}
	free, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	s := &server{address: free.Addr().String(), secret: rand.Text()}
	data := filepath.Join(dir, "data")
	if err := errors.Join(free.Close(), os.MkdirAll(filepath.Join(data, "shops"), 0o777)); err != nil {
		return nil, err
	}
	s.process = exec.Command(program, "-dir", data, "-listen", s.address)
	s.process.Env = append(os.Environ(), "AWS_ACCESS_KEY_ID=shop", "AWS_SECRET_ACCESS_KEY="+s.secret)
	s.process.Stderr = os.Stderr
	if s.stdin, err = s.process.StdinPipe(); err != nil {
		return nil, err
	}
	if err := s.process.Start(); err != nil {
		return nil, err
	}
	return s, s.wait(ctx)
}

// wait returns when the server answers.
func (s *server) wait(ctx context.Context) error {
	b, err := bucket.Open(s.url(), &bucket.Options{Credentials: s.credentials()})
	if err != nil {
		return err
	}
	defer b.Close()
	ctx, cancel := context.WithTimeout(ctx, 20*time.Second)
	defer cancel()
	for {
		if _, err = b.Refs(ctx); err == nil || ctx.Err() != nil {
			return err
		}
	}
}

// stop ends the server, which it does when its standard input ends.
func (s *server) stop() {
	if err := errors.Join(s.stdin.Close(), s.process.Wait()); err != nil {
		fmt.Fprintln(os.Stderr, "the S3 server:", err)
	}
}

func (s *server) url() string { return "s3://shops/shop?endpoint=http://" + s.address }

func (s *server) credentials() bucket.CredentialsFunc {
	return bucket.StaticCredentials("shop", s.secret)
}

// beside returns the URL of another prefix of the same bucket.
func beside(raw string) (string, error) {
	u, err := url.Parse(raw)
	if err != nil {
		return "", err
	}
	u.Path += "-backup"
	return u.String(), nil
}
