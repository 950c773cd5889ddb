package sqlite

import (
	"context"
	"database/sql/driver"
	"io"
	"strings"

	"github.com/vdbgo/vdb/internal/module"
	"github.com/vdbgo/vdb/internal/sqltext"
)

func (c *conn) registerTable(name string, t module.Table) error {
	c.tables[name] = t
	return c.raw.Table(name, t)
}

// prepareNames makes ready what a statement names of the names that are vdb's own:
// it registers system tables, and makes ordinary ones that there must be before
// the statement can write to them.
func (c *conn) prepareNames(ctx context.Context, info sqltext.Info) error {
	for _, name := range info.Names {
		if err := c.prepareName(ctx, name.Text, info); err != nil {
			return err
		}
	}
	return nil
}

func (c *conn) prepareName(ctx context.Context, name string, info sqltext.Info) error {
	folded := strings.ToLower(name)
	if create, ok := userTables()[folded]; ok {
		there, err := c.hasTable(ctx, folded)
		if err != nil || there {
			return err
		}
		if info.Kind.Schema() {
			return c.dropTable(folded)
		}
		if info.Writes {
			if err := c.dropTable(folded); err != nil {
				return err
			}
			_, err := c.execute(ctx, statement{text: create, info: sqltext.Parse(create), special: true, single: true}, nil)
			return err
		}
	}
	if t, ok := c.tables[folded]; ok && !tabOutdated(t) {
		return nil
	}
	if t := c.systemTable(folded); t != nil {
		return c.registerTable(folded, t)
	}
	for _, t := range perTable() {
		if len(folded) > len(t.prefix) && strings.HasPrefix(folded, t.prefix) {
			return c.registerTable(folded, t.make(c.session, name[len(t.prefix):]))
		}
	}
	return nil
}

// hasTable tells whether the branch has a table, and then lets it be seen.
func (c *conn) hasTable(ctx context.Context, name string) (bool, error) {
	rows, err := c.engineConn.QueryContext(ctx, "SELECT 1 FROM sqlite_schema WHERE name = '"+name+"'", nil)
	if err != nil {
		return false, err
	}
	defer rows.Close()
	err = rows.Next(make([]driver.Value, 1))
	if err == io.EOF {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	return true, c.dropTable(name)
}

// dropTable takes a system table away that would hide the ordinary one.
func (c *conn) dropTable(name string) error {
	if _, ok := c.tables[name]; !ok {
		return nil
	}
	delete(c.tables, name)
	return c.raw.DropTable(name)
}
