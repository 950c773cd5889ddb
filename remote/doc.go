// Package remote moves databases between places: what a transport has to do, what
// travels, and the transport over HTTP. Package vdb has the verbs: Clone, Fetch, Push and
// Pull.
//
// A Remote is a database somewhere else. Fetch yields the chunks that a receiver
// lacks, Push brings chunks and moves refs. A Plan finds out which chunks those are, on
// the side that sends; a Receiver takes them in and believes nothing of them. Chunks
// travel in post-order: each after all that it leads to. So a transfer may be cut
// anywhere, and what has arrived is whole; the next one names the tops of it as what the
// receiver has, and goes on from there.
//
// # Serving
//
// Handler serves a database. Nothing is served without a function that says who may do
// what:
//
//	mux.Handle("/prod/", remote.Handler(db, &remote.HandlerOptions{Allow: allow}))
//
// # The protocol
//
// docs/FORMAT.md has it in full, with what each side must keep to.
//
// Each request is a POST below the database's URL, with the header Vdb-Protocol: 1; so is
// that of each answer. A fetch takes two requests, refs and fetch, a push three: refs,
// received and push.
//
//	refs      JSON {"names":[…]}                     → JSON of Refs
//	received  JSON {"id":…}                          → JSON, addresses that a cut push has brought
//	fetch     JSON {"wants","haves","grafts","depth"} → frames
//	push      frames                                 → JSON {}
//
// Addresses are written as 40 hexadecimal digits. A frame is
//
//	+------+---------+---------+
//	| kind | length  | payload |     length in 4 bytes, little-endian
//	+------+---------+---------+
//
//	0  alive    nothing: the sender is at work
//	1  header   JSON: of a fetch FetchHeader; of a push id, updates, total, grafts
//	2  chunk    address (20) | codec (1) | payload, as tables keep it
//	3  batch    one zstd frame of: address (20) | length (4) | bytes, again and again
//	4  total    how many chunks there are by now (8)
//	5  error    JSON: the last frame, if something went wrong
//	6  end      the last frame; a body without it was cut
//
// An error is {"code","message","rejected":[{"ref","reason":{…}}]}. Refused credentials are
// 401, other errors 422.
//
// Both sides give up a far end that is silent for the idle time, or that sends less than a
// kilobyte a second beyond it, and bound what they read.
package remote
