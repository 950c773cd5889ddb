package main

import (
	"encoding/json"
	"slices"
	"strings"

	"github.com/vdbgo/vdb"
)

// row holds texts and NULLs in the order of a revision's columns, or of the key.
type row []vdb.Value

// The separators of a checksum, and of a row that is one string.
const (
	afterValue = "\x1f"
	afterRow   = "\x1e"
	null       = "\x00"
)

// UnmarshalJSON reads an array of strings and nulls.
func (r *row) UnmarshalJSON(data []byte) error {
	var texts []*string
	if err := json.Unmarshal(data, &texts); err != nil {
		return err
	}
	*r = make(row, len(texts))
	for i, text := range texts {
		if text != nil {
			(*r)[i] = vdb.Text(*text)
		}
	}
	return nil
}

// String joins the values: the same string, the same row.
func (r row) String() string {
	texts := make([]string, len(r))
	for i, v := range r {
		texts[i] = v.Text()
		if v.IsNull() {
			texts[i] = null
		}
	}
	return strings.Join(texts, afterValue)
}

// anys is a key as vdb's methods take it.
func (r row) anys() []any {
	values := make([]any, len(r))
	for i, v := range r {
		values[i] = v
	}
	return values
}

// keyOf returns the values of the key's columns in a row that has columns.
func keyOf(key, columns []string, r row) row {
	values := make(row, len(key))
	for i, name := range key {
		values[i] = r[slices.Index(columns, name)]
	}
	return values
}
