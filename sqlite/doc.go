// Package sqlite is the database/sql driver of vdb: all of SQLite's SQL over
// versioned tables.
package sqlite
