package sqlite

import "github.com/vdbgo/vdb/internal/module"

// tabConstructor makes a system table of one table of the user's.
type tabConstructor struct {
	prefix string // of the system table's name; what follows is the user's table
	make   func(s *session, table string) module.Table
	apart  bool // what is written to it is no part of a transaction
}

// perTable lists the system tables that there are one of for each table. A prefix
// stands before those that it begins with.
func perTable() []tabConstructor {
	return []tabConstructor{
		{"dolt_commit_diff_", newCommitDiff, false},
		{"dolt_diff_", newTableDiff, false},
		{"dolt_history_", newTableHistory, false},
		{"dolt_at_", newTableAt, false},
		{"dolt_blame_", newTableBlame, false},
		{"dolt_conflicts_", newTableConflicts, true},
		{"dolt_constraint_violations_", newTableViolations, true},
		{"dolt_workspace_", newTableWorkspace, true},
	}
}

// tabOutdated tells whether a system table that is registered has to be registered
// again, because the columns of its table have changed.
func tabOutdated(t module.Table) bool {
	follower, ok := t.(interface{ outdated() bool })
	return ok && follower.outdated()
}
