// Package nbs is a noms-style block store: it keeps immutable chunks of bytes,
// each addressed by its hash, and one root, the address of the chunk that leads
// to all others.
package nbs
