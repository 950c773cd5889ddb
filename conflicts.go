package vdb

// Side names a side of a merge.
type Side string

// The sides that decide a conflict.
const (
	// Ours is the branch that is merged into.
	Ours Side = "ours"
	// Theirs is the branch that is merged.
	Theirs Side = "theirs"
)
