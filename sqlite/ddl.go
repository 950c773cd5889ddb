package sqlite

import (
	"strings"

	"github.com/vdbgo/vdb"
	"github.com/vdbgo/vdb/internal/sqltext"
)

// tableSQL returns the CREATE TABLE statement of a table: as it was given, or, of
// a table made by the typed API, one that says what its schema does.
func tableSQL(s *vdb.Schema) string {
	if s.SQL != "" {
		return s.SQL
	}
	var items []string
	for i := range s.Columns {
		items = append(items, columnSQL(&s.Columns[i]))
	}
	if len(s.PrimaryKey) > 0 {
		items = append(items, "PRIMARY KEY("+keySQL(s)+")")
	}
	for _, fk := range s.ForeignKeys {
		items = append(items, foreignKeySQL(fk))
	}
	sql := "CREATE TABLE " + quote(s.Name) + "(" + strings.Join(items, ", ") + ")"
	if isWithoutRowID(s) {
		sql += " WITHOUT ROWID"
	}
	return sql
}

// isWithoutRowID tells whether a table is clustered by its primary key.
func isWithoutRowID(s *vdb.Schema) bool {
	return len(s.PrimaryKey) > 0 && (s.WithoutRowID || !isRowidAlias(s))
}

// isRowidAlias tells whether the primary key is SQLite's rowid.
func isRowidAlias(s *vdb.Schema) bool {
	if len(s.PrimaryKey) != 1 {
		return false
	}
	c := s.Columns[s.Column(s.PrimaryKey[0])]
	return strings.EqualFold(strings.TrimSpace(c.Type), "INTEGER")
}

func columnSQL(c *vdb.Column) string {
	sql := quote(c.Name)
	if c.Type != "" {
		sql += " " + typeSQL(c.Type)
	}
	if c.NotNull {
		sql += " NOT NULL"
	}
	if c.Default != "" {
		sql += " DEFAULT " + c.Default // a literal: the schema was validated
	}
	if c.Collation != "" {
		sql += " COLLATE " + c.Collation // one of three
	}
	return sql
}

// typeSQL returns a declared type as it may stand in a statement.
func typeSQL(declared string) string {
	for _, c := range declared {
		if !('a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || c == ' ' || c == '_') {
			return quote(declared)
		}
	}
	return declared
}

func keySQL(s *vdb.Schema) string {
	var items []string
	for i, name := range s.PrimaryKey {
		order := vdb.IndexColumn{Name: name}
		if len(s.KeyColumns) > 0 {
			order = s.KeyColumns[i]
			order.Name = name
		}
		items = append(items, indexColumnSQL(order))
	}
	return strings.Join(items, ", ")
}

func indexColumnSQL(c vdb.IndexColumn) string {
	sql := quote(c.Name)
	if c.Collation != "" {
		sql += " COLLATE " + c.Collation
	}
	if c.Desc {
		sql += " DESC"
	}
	return sql
}

// foreignKeySQL declares a foreign key as the typed API checks it: at commit.
func foreignKeySQL(fk vdb.ForeignKey) string {
	sql := "FOREIGN KEY(" + quoteAll(fk.Columns) + ") REFERENCES " + quote(fk.Parent)
	if len(fk.ParentColumns) > 0 {
		sql += "(" + quoteAll(fk.ParentColumns) + ")"
	}
	return sql + " DEFERRABLE INITIALLY DEFERRED"
}

// indexSQL returns the CREATE INDEX statement of an index, empty for one that a
// constraint of the table makes.
func indexSQL(s *vdb.Schema, i int) string {
	x := &s.Indexes[i]
	if x.SQL != "" || x.Automatic() {
		return x.SQL
	}
	var items []string
	for _, c := range x.Columns {
		items = append(items, indexColumnSQL(c))
	}
	unique := ""
	if x.Unique {
		unique = "UNIQUE "
	}
	return "CREATE " + unique + "INDEX " + quote(x.Name) + " ON " + quote(s.Name) + "(" + strings.Join(items, ", ") + ")"
}

// quote returns a name as it may stand in a statement.
func quote(name string) string { return sqltext.Quote(name) }

func quoteAll(names []string) string {
	quoted := make([]string, len(names))
	for i, name := range names {
		quoted[i] = quote(name)
	}
	return strings.Join(quoted, ", ")
}
