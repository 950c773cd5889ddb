// Package remote moves databases between places: what a transport has to do, and
// what travels.
//
// A Remote is a database somewhere else. Fetch yields the chunks that a receiver
// lacks, Push brings chunks and moves refs. Chunks travel in post-order: each
// after all that it leads to, so that a transfer may be cut anywhere, and what
// has arrived is whole.
package remote
