package sqlite

import (
	"fmt"
	"iter"

	"github.com/vdbgo/vdb/internal/module"
)

// newSchemas is dolt_schemas: the views and triggers of what the connection reads.
func newSchemas(s *session) module.Table {
	columns := []module.Column{
		plain("type", "TEXT"), plain("name", "TEXT"), plain("fragment", "TEXT"), plain("extra", "TEXT"), plain("sql_mode", "TEXT"),
	}
	return &relation{columns: columns, rows: func(where) iter.Seq2[[]any, error] {
		return collected(func(add func(...any)) error {
			p, err := pastOf(s)
			if err != nil {
				return fmt.Errorf("dolt_schemas: %w", err)
			}
			rev := "WORKING"
			if s.branch == "" {
				rev = "HEAD"
			}
			at, err := p.asOf(rev)
			if err != nil {
				return fmt.Errorf("dolt_schemas: %w", err)
			}
			objects, err := at.Objects()
			if err != nil {
				return fmt.Errorf("dolt_schemas: %w", err)
			}
			for _, o := range objects {
				if o.Type == "view" || o.Type == "trigger" {
					add(o.Type, o.Name, o.SQL, nil, nil)
				}
			}
			return nil
		})
	}}
}

// userTables are ordinary tables that are there for a purpose, by name: the
// statements that make them. A driver makes one before the first statement that
// writes to it; until then a system table of that name, without rows, is read.
func userTables() map[string]string {
	return map[string]string{
		"dolt_ignore": `CREATE TABLE IF NOT EXISTS dolt_ignore(pattern TEXT NOT NULL, ignored TINYINT NOT NULL, PRIMARY KEY(pattern))`,
		"dolt_docs":   `CREATE TABLE IF NOT EXISTS dolt_docs(doc_name TEXT NOT NULL, doc_text TEXT NOT NULL, PRIMARY KEY(doc_name))`,
	}
}

// newNoIgnore is dolt_ignore before it was made.
func newNoIgnore(*session) module.Table {
	return empty(plain("pattern", "TEXT"), plain("ignored", "TINYINT"))
}

// newNoDocs is dolt_docs before it was made.
func newNoDocs(*session) module.Table {
	return empty(plain("doc_name", "TEXT"), plain("doc_text", "TEXT"))
}

func empty(columns ...module.Column) module.Table {
	return &relation{columns: columns, rows: func(where) iter.Seq2[[]any, error] { return none(nil) }}
}
