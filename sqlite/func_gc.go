package sqlite

import (
	"context"
	"fmt"

	"github.com/vdbgo/vdb"
)

var gcCommand = &command{
	name:  "dolt_gc",
	flags: []flag{{long: "shallow", short: "s"}, {long: "full", short: "f"}},
}

// doltGC frees what nothing leads to any more, and returns how many chunks were
// removed and kept. With --shallow it looks only at what has come since the last time.
func doltGC(s *session, args []any) (any, error) {
	in, err := gcCommand.parse(args)
	if err != nil {
		return nil, err
	}
	if err := in.alone("shallow", "full"); err != nil {
		return nil, err
	}
	var report vdb.CollectReport
	err = settled(s, func(ctx context.Context) (err error) {
		report, err = s.db.Collect(ctx, &vdb.CollectOptions{Full: !in.has("shallow")})
		return err
	})
	return fmt.Sprintf("%d chunks removed, %d chunks kept", report.DroppedChunks, s.db.Stats().Chunks), err
}
