package sqlite

import (
	"context"
	"fmt"

	"github.com/vdbgo/vdb"
)

var retainCommand = &command{
	name: "dolt_retain", usage: "nothing; set, a branch or pattern, and what it keeps; or remove and a branch or pattern",
	most: 3, flags: []flag{{long: "dry-run"}},
}

// doltRetain says which commits branches keep, or squashes the others and returns how
// many those were.
func doltRetain(s *session, args []any) (any, error) {
	in, err := retainCommand.parse(args)
	if err != nil {
		return nil, err
	}
	switch verb, branches := in.arg(0, ""), in.arg(1, ""); {
	case len(in.args) == 0:
		var done *vdb.Retained
		err := settled(s, func(ctx context.Context) (err error) {
			done, err = s.db.Retain(ctx, &vdb.RetainOptions{DryRun: in.has("dry-run")})
			return err
		})
		if err != nil {
			return nil, err
		}
		return fmt.Sprintf("%d commits squashed, %d kept", len(done.Commits), done.Kept), nil
	case in.has("dry-run"):
	case verb == "set" && len(in.args) == 3:
		keep, err := vdb.ParseRetention(in.arg(2, ""))
		if err != nil {
			return nil, err
		}
		return int64(0), s.db.SetRetention(s.ctx(), branches, keep)
	case (verb == "remove" || verb == "rm") && len(in.args) == 2:
		return int64(0), s.db.RemoveRetention(s.ctx(), branches)
	}
	return nil, in.misused()
}
