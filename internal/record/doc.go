// Package record holds SQL values and their two encodings: SQLite's record
// format, in which rows are stored, and keys that bytes.Compare orders as SQL
// orders the values.
package record
