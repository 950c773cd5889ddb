// Package vdb is a version-controlled database that lives inside a Go program.
package vdb
