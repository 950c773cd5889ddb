package main

import (
	"bufio"
	"compress/gzip"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"os"
	"slices"
	"time"
)

// history is a file of revisions: gzip, one JSON object a line. The first line
// describes the history, every other one is a revision, oldest first.
type history struct {
	file string

	Dataset    string   `json:"dataset"`
	Path       string   `json:"path"` // of the table, in the repository it comes from
	Key        []string `json:"key"`  // the columns of the primary key
	Revisions  int      `json:"revisions"`
	RowChanges int      `json:"row_changes"` // in all revisions
}

// revision is what one commit changed, against the revision before.
type revision struct {
	*history
	before []string // the columns of the revision before; nil for the first

	Seq     int    `json:"seq"`  // from 1
	Seconds int64  `json:"time"` // since 1970
	Author  string `json:"author"`
	Message string `json:"message"`

	// Columns of the table. The file names them where they change; the reader
	// carries them on.
	Columns []string `json:"columns"`
	// Full revisions have other columns than the one before, and list every row
	// in Insert.
	Full   bool  `json:"full"`
	Delete []row `json:"delete"` // keys
	Insert []row `json:"insert"`
	Update []row `json:"update"` // whole rows, as they are then

	// Rows and Sum are the number of rows after the revision, and their
	// checksum: see checksum.
	Rows int    `json:"rows"`
	Sum  string `json:"sum"`
}

// isFirst tells that there is no table yet.
func (r *revision) isFirst() bool { return r.before == nil }

func (r *revision) time() time.Time { return time.Unix(r.Seconds, 0).UTC() }

// changes is the number of rows that the revision records as changed.
func (r *revision) changes() int { return len(r.Delete) + len(r.Insert) + len(r.Update) }

// openHistory reads the description of the history in a file.
func openHistory(path string) (*history, error) {
	h := &history{file: path}
	for line, err := range h.lines() {
		if err == nil {
			err = json.Unmarshal(line, h)
		}
		if err == nil && (h.Dataset == "" || len(h.Key) == 0) {
			err = errors.New("the first line does not describe a history")
		}
		if err != nil {
			return nil, fmt.Errorf("read %s: %w", path, err)
		}
		return h, nil
	}
	return nil, fmt.Errorf("read %s: it is empty", path)
}

// each yields the revisions, oldest first. It reads the file anew each time, so
// that no more than one revision is in memory.
func (h *history) each() iter.Seq2[*revision, error] {
	return func(yield func(*revision, error) bool) {
		n := -1
		var before []string
		for line, err := range h.lines() {
			if n++; n == 0 && err == nil {
				continue
			}
			var r *revision
			if err == nil {
				r, err = h.decode(line, n, before)
			}
			if err != nil {
				yield(nil, fmt.Errorf("read %s, revision %d: %w", h.file, n, err))
				return
			}
			before = r.Columns
			if !yield(r, nil) {
				return
			}
		}
		if n != h.Revisions {
			yield(nil, fmt.Errorf("read %s: %d revisions, not %d", h.file, n, h.Revisions))
		}
	}
}

// decode reads the line of the n-th revision.
func (h *history) decode(line []byte, n int, before []string) (*revision, error) {
	r := &revision{}
	if err := json.Unmarshal(line, r); err != nil {
		return nil, err
	}
	r.history, r.before = h, before
	if r.Columns == nil {
		r.Columns = before
	}
	return r, r.validate(n)
}

// validate checks the shape of the n-th revision.
func (r *revision) validate(n int) error {
	if r.Seq != n {
		return fmt.Errorf("it has the number %d", r.Seq)
	}
	for _, name := range r.Key {
		if !slices.Contains(r.Columns, name) {
			return fmt.Errorf("key column %s is missing", name)
		}
	}
	for _, row := range slices.Concat(r.Insert, r.Update) {
		if len(row) != len(r.Columns) {
			return fmt.Errorf("a row has %d values for %d columns", len(row), len(r.Columns))
		}
	}
	return nil
}

// lines yields the lines of the file. A line is valid until the next one.
func (h *history) lines() iter.Seq2[[]byte, error] {
	return func(yield func([]byte, error) bool) {
		f, err := os.Open(h.file)
		if err != nil {
			yield(nil, err)
			return
		}
		defer f.Close()
		unzipped, err := gzip.NewReader(f)
		if err != nil {
			yield(nil, err)
			return
		}
		in := bufio.NewReader(unzipped)
		for {
			line, err := in.ReadBytes('\n')
			if len(line) == 0 && err == io.EOF {
				return
			}
			if err == io.EOF { // a last line without its end
				err = nil
			}
			if !yield(line, err) || err != nil {
				return
			}
		}
	}
}
