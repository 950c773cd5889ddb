package sqlite

import (
	"strings"

	"github.com/vdbgo/vdb/internal/module"
	"github.com/vdbgo/vdb/internal/sqltext"
)

func (c *conn) registerTable(name string, t module.Table) error {
	c.tables[name] = true
	return c.raw.Table(name, t)
}

// prepareNames registers the system tables of users' tables that a statement
// names, dolt_diff_orders say.
func (c *conn) prepareNames(info sqltext.Info) error {
	for _, name := range info.Names {
		folded := strings.ToLower(name.Text)
		if c.tables[folded] {
			continue
		}
		for _, t := range perTable() {
			if len(folded) > len(t.prefix) && strings.HasPrefix(folded, t.prefix) {
				if err := c.registerTable(folded, t.make(c.session, name.Text[len(t.prefix):])); err != nil {
					return err
				}
				break
			}
		}
	}
	return nil
}
