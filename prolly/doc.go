// Package prolly is an ordered map of byte strings stored as a tree of
// immutable, content-addressed chunks.
package prolly
