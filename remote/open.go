package remote

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"path/filepath"
	"strings"
	"time"
)

// Database is what Handler serves; *vdb.DB is one.
type Database interface {
	// Served returns the database as a remote of others who have that access.
	Served(access Access) Remote
}

// Transport connects to the database at a URL of its scheme.
type Transport func(ctx context.Context, url string) (Remote, error)

// Options say how remotes are reached. The zero value is good.
type Options struct {
	// Client sends requests over HTTP; nil is a client with time limits of its own.
	Client *http.Client
	// Header returns headers for requests to a URL: credentials, as a rule. A user
	// and password in the URL are sent without it.
	Header func(ctx context.Context, u *url.URL) (http.Header, error)
	// IdleTimeout is how long the far end may be silent, 30 seconds if zero.
	IdleTimeout time.Duration
	// Attempts is how often a fetch asks again at once when it is cut and nothing has
	// come since the last time; 0 stands for 3.
	Attempts int
	// Transports has those of other schemes, by their names: "s3".
	Transports map[string]Transport
}

// Open connects to the database at a URL: http, https, or a scheme of
// opts.Transports. opts may be nil. ErrURL for any other.
func Open(ctx context.Context, rawURL string, opts *Options) (Remote, error) {
	if opts == nil {
		opts = &Options{}
	}
	scheme, _, _ := strings.Cut(rawURL, "://")
	if transport := opts.Transports[scheme]; transport != nil {
		return transport(ctx, rawURL)
	}
	u, err := parseURL(rawURL)
	if err != nil {
		return nil, err
	}
	switch u.Scheme {
	case "http", "https":
		if u.Host == "" {
			return nil, fmt.Errorf("%s: it has no host: %w", redacted(rawURL), ErrURL)
		}
		return newClient(u, opts), nil
	}
	return nil, fmt.Errorf("%s: scheme %q is not known here: %w", redacted(rawURL), u.Scheme, ErrURL)
}

// LocalPath returns the directory that a URL names, a path or file://…; false for
// other URLs.
func LocalPath(rawURL string) (string, bool) {
	if !strings.Contains(rawURL, "://") {
		return rawURL, rawURL != ""
	}
	u, err := url.Parse(rawURL)
	if err != nil || u.Scheme != "file" || u.Host != "" && u.Host != "localhost" {
		return "", false
	}
	return filepath.FromSlash(u.Path), u.Path != ""
}

// StripCredentials checks that something is a URL or path, and returns it without
// user and password.
func StripCredentials(rawURL string) (string, error) {
	if _, isPath := LocalPath(rawURL); isPath {
		return rawURL, nil
	}
	u, err := parseURL(rawURL)
	if err != nil {
		return "", err
	}
	if u.Scheme == "" || u.Scheme == "file" {
		return "", fmt.Errorf("%s: %w", redacted(rawURL), ErrURL)
	}
	if u.User == nil {
		return rawURL, nil
	}
	u.User = nil
	return u.String(), nil
}

// parseURL does not repeat the URL in its error: it may have a password in it.
func parseURL(rawURL string) (*url.URL, error) {
	u, err := url.Parse(rawURL)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", redacted(rawURL), ErrURL)
	}
	return u, nil
}

// redacted is a URL, or what should be one, as it may stand in an error.
func redacted(rawURL string) string {
	scheme, rest, found := strings.Cut(rawURL, "://")
	if !found {
		return fmt.Sprintf("%q", rawURL)
	}
	authority, path, _ := strings.Cut(rest, "/")
	if at := strings.LastIndex(authority, "@"); at >= 0 {
		rest = authority[at+1:] + "/" + path
	}
	return fmt.Sprintf("%q", scheme+"://"+rest)
}
