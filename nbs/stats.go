package nbs

// Stats holds figures about an open store. Sizes are in bytes. The counters
// tell what went through this Store since it was opened; sizes and numbers of
// chunks tell what the directory holds, the other processes' part included as
// far as this Store has read it.
type Stats struct {
	Chunks        int64 // chunks in all files; a chunk in two files counts twice
	JournalBytes  int64 // records in the journals, zero-filled room not counted
	JournalFiles  int64 // the active journal and the sealed ones
	TableBytes    int64 // all table files
	TableFiles    int64
	Commits       int64 // commits appended
	Appends       int64 // writes to the journal; a write can hold many commits
	Syncs         int64 // syncs of the journal
	AppendedBytes int64 // bytes appended to the journal
	CacheHits     int64
	CacheMisses   int64
	CacheBytes    int64 // decompressed chunks held
	CacheChunks   int64
	Compactions   int64 // journals turned into table files, table files merged
	Collections   int64 // collections of garbage

	// CompactError is why the last compaction in the background has failed, or
	// nil. The store works on without it.
	CompactError error
}
