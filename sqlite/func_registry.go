package sqlite

import (
	"fmt"

	"github.com/vdbgo/vdb"
	"github.com/vdbgo/vdb/internal/module"
)

// systemFunction is an SQL function of version control.
type systemFunction struct {
	name string
	// reads tells that the function changes nothing. Others are for statements of
	// the user alone, not for triggers and views.
	reads bool
	call  func(s *session, args []any) (any, error)
}

// systemFunctions are the SQL functions that each connection has.
var systemFunctions = []systemFunction{
	{"dolt_add", false, doltAdd},
	{"dolt_backup", false, doltBackup},
	{"dolt_branch", false, doltBranch},
	{"dolt_checkout", false, doltCheckout},
	{"dolt_cherry_pick", false, doltCherryPick},
	{"dolt_clean", false, doltClean},
	{"dolt_clone", false, doltClone},
	{"dolt_commit", false, doltCommit},
	{"dolt_config", false, doltConfig},
	{"dolt_conflicts_resolve", false, doltConflictsResolve},
	{"dolt_fetch", false, doltFetch},
	{"dolt_gc", false, doltGC},
	{"dolt_merge", false, doltMerge},
	{"dolt_pull", false, doltPull},
	{"dolt_push", false, doltPush},
	{"dolt_rebase", false, doltRebase},
	{"dolt_remote", false, doltRemote},
	{"dolt_reset", false, doltReset},
	{"dolt_restore", false, doltRestore},
	{"dolt_retain", false, doltRetain},
	{"dolt_revert", false, doltRevert},
	{"dolt_tag", false, doltTag},
	{"dolt_verify_constraints", false, doltVerifyConstraints},

	{"active_branch", true, activeBranch},
	{"dolt_hashof", true, doltHashof},
	{"dolt_hashof_db", true, doltHashofDB},
	{"dolt_hashof_table", true, doltHashofTable},
	{"dolt_merge_base", true, doltMergeBase},
	{"dolt_version", true, doltVersion},
	{"has_ancestor", true, hasAncestor},
}

// registerFunctions gives a connection the functions. The session may change as
// the connection does.
func registerFunctions(c module.Conn, s *session) error {
	for _, f := range systemFunctions {
		flags := module.DirectOnly
		if f.reads {
			flags = 0
		}
		call := f.call
		err := c.Function(f.name, -1, flags, func(args []any) (any, error) {
			if s.readOnly && !f.reads {
				return nil, withCode(fmt.Errorf("%s: the connection was opened with mode=ro: %w", f.name, vdb.ErrReadOnly))
			}
			if s.nested && !f.reads {
				return nil, withCode(fmt.Errorf("%s: it changes something, which a query that is compared cannot", f.name))
			}
			result, err := call(s, args)
			if err != nil {
				return nil, withCode(err)
			}
			return result, nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}
