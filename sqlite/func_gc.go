package sqlite

import (
	"context"
	"fmt"
)

var gcCommand = &command{
	name:  "dolt_gc",
	flags: []flag{{long: "shallow", short: "s"}, {long: "full", short: "f"}},
}

// doltGC moves the journal into compressed table files and returns how many chunks
// were removed and kept. Nothing that was committed is removed yet, reachable or
// not, so the flags make no difference; what is stored twice becomes one.
func doltGC(s *session, args []any) (any, error) {
	in, err := gcCommand.parse(args)
	if err != nil {
		return nil, err
	}
	if err := in.alone("shallow", "full"); err != nil {
		return nil, err
	}
	was := s.db.Stats().Chunks
	if err := settled(s, func(ctx context.Context) error { return s.db.Compact(ctx) }); err != nil {
		return nil, err
	}
	kept := s.db.Stats().Chunks
	return fmt.Sprintf("%d chunks removed, %d chunks kept", max(was-kept, 0), kept), nil
}
