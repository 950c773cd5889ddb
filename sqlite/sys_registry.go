package sqlite

import "github.com/vdbgo/vdb/internal/module"

// systemTables are the tables that tell of the database as a whole, by name.
func systemTables() map[string]func(*session) module.Table {
	return map[string]func(*session) module.Table{
		"dolt_backups":                         newBackups,
		"dolt_retentions":                      newRetentions,
		"dolt_branches":                        newBranches,
		"dolt_column_diff":                     newColumnDiff,
		"dolt_commit_ancestors":                newCommitAncestors,
		"dolt_commits":                         newCommits,
		"dolt_conflicts":                       newConflicts,
		"dolt_constraint_violations":           newViolations,
		"dolt_diff":                            newDiff,
		"dolt_diff_stat":                       newDiffStat,
		"dolt_diff_summary":                    newDiffSummary,
		"dolt_docs":                            newNoDocs,
		"dolt_ignore":                          newNoIgnore,
		"dolt_log":                             newLog,
		"dolt_merge_status":                    newMergeStatus,
		"dolt_patch":                           newPatch,
		"dolt_preview_merge_conflicts":         newPreview,
		"dolt_preview_merge_conflicts_summary": newPreviewSummary,
		"dolt_reflog":                          newReflog,
		"dolt_remote_branches":                 newRemoteBranches,
		"dolt_remotes":                         newRemotes,
		"dolt_schema_conflicts":                newSchemaConflicts,
		"dolt_schema_diff":                     newSchemaDiff,
		"dolt_schemas":                         newSchemas,
		"dolt_status":                          newStatus,
		"dolt_tags":                            newTags,
	}
}

// systemTable returns the system table of a folded name, nil if there is none.
func (c *conn) systemTable(name string) module.Table {
	if name == "dolt_query_diff" {
		return newQueryDiff(c.runQuery)
	}
	if construct, ok := systemTables()[name]; ok {
		return construct(c.session)
	}
	return nil
}
