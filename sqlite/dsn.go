package sqlite

import (
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/vdbgo/vdb"
)

// dsn is a data source name, taken apart.
type dsn struct {
	path       string
	revision   string // the branch, or the revision to read; empty is main
	author     string
	readOnly   bool
	cacheBytes int64
	engine     url.Values // what SQLite's driver reads
}

// parseDSN reads "file:prod.vdb?branch=main", or a path alone.
func parseDSN(name string) (dsn, error) {
	rest, query, _ := strings.Cut(strings.TrimPrefix(name, "file:"), "?")
	if strings.HasPrefix(name, "file:") {
		unescaped, err := url.PathUnescape(rest)
		if err != nil {
			return dsn{}, err
		}
		rest = strings.TrimPrefix(unescaped, "//")
	}
	d := dsn{path: rest, engine: url.Values{}}
	if d.path == "" {
		return dsn{}, fmt.Errorf("names no database; use file:prod.vdb?branch=main, or %s", vdb.Memory)
	}
	values, err := url.ParseQuery(query)
	if err != nil {
		return dsn{}, err
	}
	for key, all := range values {
		if err := d.set(key, all); err != nil {
			return dsn{}, fmt.Errorf("%s=%s: %w", key, all[len(all)-1], err)
		}
	}
	return d, d.splitBranch()
}

// splitBranch takes a path below a database for a branch of it: prod.vdb/main. A
// database is a directory with a manifest, or what is called so.
func (d *dsn) splitBranch() error {
	for i := 1; i < len(d.path); i++ {
		if d.path[i] != '/' || i+1 == len(d.path) {
			continue
		}
		_, err := os.Stat(filepath.Join(d.path[:i], "manifest"))
		if err != nil && !strings.HasSuffix(d.path[:i], ".vdb") {
			continue
		}
		if err := d.set("branch", []string{d.path[i+1:]}); err != nil {
			return fmt.Errorf("%s: %w", d.path, err)
		}
		d.path = d.path[:i]
		return nil
	}
	return nil
}

func (d *dsn) set(key string, all []string) (err error) {
	value := all[len(all)-1]
	switch key {
	case "branch", "revision", "rev":
		if value == "" {
			return fmt.Errorf("names nothing; leave it out for %s", vdb.MainBranch)
		}
		if d.revision != "" && d.revision != value {
			return fmt.Errorf("a connection reads one branch or revision, not %s too", d.revision)
		}
		d.revision = value
	case "author":
		d.author = value
	case "mode":
		switch value {
		case "ro":
			d.readOnly = true
		case "rw", "rwc", "memory":
		default:
			return fmt.Errorf("modes are ro, rw and rwc")
		}
	case "chunk_cache":
		d.cacheBytes, err = strconv.ParseInt(value, 10, 64)
	case "vfs", "immutable", "nolock", "cache":
		return fmt.Errorf("has no meaning here")
	default:
		if !strings.HasPrefix(key, "_") {
			return fmt.Errorf("unknown; known are branch, revision, author, mode, chunk_cache, and those of SQLite's driver, which begin with _")
		}
		d.engine[key] = all
	}
	return err
}

// engineDSN returns the name that SQLite's driver gets for a file of ours.
func (d *dsn) engineDSN(file, system string) string {
	values := url.Values{}
	for key, all := range d.engine {
		values[key] = all
	}
	values.Set("vfs", system)
	values["_pragma"] = append([]string{"synchronous(" + syncsOff + ")"}, values["_pragma"]...)
	if !d.setsTimeout() {
		values["_pragma"] = append([]string{"busy_timeout(5000)"}, values["_pragma"]...)
	}
	return "file:" + file + "?" + values.Encode()
}

// setsTimeout tells whether the name says how long to wait for a writer.
func (d *dsn) setsTimeout() bool {
	for _, p := range d.engine["_pragma"] {
		if strings.Contains(strings.ToLower(p), "busy_timeout") {
			return true
		}
	}
	return d.engine.Has("_busy_timeout") || d.engine.Has("_timeout")
}
