package sqlite

import (
	"fmt"
	"testing"

	"github.com/vdbgo/vdb"
)

// BenchmarkSystemTables reads a history of 2,000 commits, with 200 branches.
func BenchmarkSystemTables(b *testing.B) {
	s := newSysBench(b)
	s.write(func(tx *vdb.Tx) error { return tx.CreateTable(benchSchemas[0]) })
	for i := range int64(2000) {
		s.write(func(tx *vdb.Tx) error { return tx.Insert("accounts", account(i, "x", i)) })
		c, err := s.on().Commit(b.Context(), vdb.Message{Author: "Audit", Text: "more"})
		s.check(err)
		if i%10 == 0 {
			_, err := s.db.CreateBranch(b.Context(), fmt.Sprint("b", i), c.Hash.String())
			s.check(err)
		}
	}
	hash := s.query("SELECT dolt_hashof('HEAD~1500')")[0]
	for name, query := range map[string]string{
		"log":         "SELECT count(*), max(message) FROM dolt_log WHERE ?1 <> ''",
		"logOfOne":    "SELECT message FROM dolt_log WHERE commit_hash = ?1",
		"commitOfOne": "SELECT message FROM dolt_commits WHERE commit_hash = ?1",
		"diffOfOne":   "SELECT * FROM dolt_diff WHERE commit_hash = ?1",
		"diff":        "SELECT count(*), sum(data_change) FROM dolt_diff WHERE ?1 <> ''",
		"branches":    "SELECT count(*), sum(dirty) FROM dolt_branches WHERE ?1 <> ''",
		"oneBranch":   "SELECT * FROM dolt_branches WHERE name = 'b500' AND ?1 <> ''",
		"status":      "SELECT * FROM dolt_status WHERE ?1 <> ''",
		"stat":        "SELECT * FROM dolt_diff_stat(?1, 'HEAD')",
	} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				s.query(query, hash)
			}
		})
	}
}
