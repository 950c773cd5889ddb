package sqlite

import (
	"net/url"
	"strconv"
	"time"
)

// Options of OpenDB: what a data source name would say. The zero value is what most
// programs want.
type Options struct {
	// Author signs commits, as "Name <mail>".
	Author string
	// ReadOnly refuses all that writes.
	ReadOnly bool
	// Immediate has transactions claim the branch when they begin, not at their first
	// write.
	Immediate bool
	// BusyTimeout is how long to wait for another writer; 0 is five seconds, less is
	// not at all.
	BusyTimeout time.Duration
	// CacheBytes is the budget of each connection for pages; 0 is SQLite's two megabytes.
	CacheBytes int64
	// TimeFormat is how a time.Time is written: "sqlite" is what the typed API reads
	// too. Empty leaves it to SQLite's driver.
	TimeFormat string
	// Pragmas are for each new connection, as "foreign_keys(1)".
	Pragmas []string
}

// dsn returns the options as those of a data source name.
func (o *Options) dsn(branch string) dsn {
	d := dsn{revision: branch, author: o.Author, readOnly: o.ReadOnly, engine: url.Values{}}
	if o.Immediate {
		d.engine.Set("_txlock", "immediate")
	}
	if o.TimeFormat != "" {
		d.engine.Set("_time_format", o.TimeFormat)
	}
	if o.BusyTimeout != 0 {
		d.engine.Set("_busy_timeout", strconv.FormatInt(max(o.BusyTimeout.Milliseconds(), 0), 10))
	}
	if o.CacheBytes > 0 {
		d.engine.Add("_pragma", "cache_size(-"+strconv.FormatInt(max(o.CacheBytes>>10, 1), 10)+")")
	}
	d.engine["_pragma"] = append(d.engine["_pragma"], o.Pragmas...)
	return d
}
