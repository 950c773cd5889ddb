package main

import (
	"context"
	"fmt"

	"github.com/vdbgo/vdb"
)

type gcCmd struct {
	DB   string `arg:"positional,required" placeholder:"DB" help:"The database."`
	Full bool   `arg:"--full" help:"Look at all that is stored, not only at what has come since the last time."`
}

// Run frees what nothing leads to any more.
func (c *gcCmd) Run(ctx context.Context, con *console) error {
	db, err := openExisting(ctx, c.DB, false)
	if err != nil {
		return err
	}
	defer db.Close()
	progress, finish := chunkBar(con, "gc")
	report, err := db.Collect(ctx, &vdb.CollectOptions{Full: c.Full, Progress: progress})
	finish()
	if err != nil {
		return err
	}
	s := db.Stats()
	_, err = fmt.Fprintf(con.out, "%d chunks removed, of %d bytes\n%d chunks stay, in %d bytes\n",
		report.DroppedChunks, report.DroppedBytes, s.Chunks, s.TableBytes+s.JournalBytes)
	return err
}
