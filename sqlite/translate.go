package sqlite

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/vdbgo/vdb/internal/sqltext"
	"github.com/vdbgo/vdb/internal/vfs"
)

// translate returns a statement as SQLite runs it, and what to bind to it.
func (c *conn) translate(ctx context.Context, s statement, args []driver.NamedValue) (string, []driver.NamedValue, error) {
	c.refresh(ctx)
	c.foresee(ctx, &s.info)
	switch {
	case !s.special:
		return s.text, args, nil
	case s.info.Kind == sqltext.KindCreateTable && len(s.info.AsOf) == 0:
		text, err := c.createTable(ctx, s)
		return text, args, err
	case s.info.Kind == sqltext.KindCall:
		return sqltext.CallRewrite(s.text, s.info), args, nil
	case s.info.Kind == sqltext.KindUse:
		return "SELECT 0 WHERE 0", nil, plainCode(c.use(ctx, s.info.Use))
	case s.info.Kind == sqltext.KindVacuum:
		return c.vacuum(s), args, nil
	}
	text, args, err := c.asOf(ctx, s, args)
	return text, args, plainCode(err)
}

// createTable clusters a table by its primary key, where SQLite would keep the
// rows apart from it: the primary key is the identity of a row.
func (c *conn) createTable(ctx context.Context, s statement) (string, error) {
	if s.info.Temp || s.info.Target.Schema != "" && !strings.EqualFold(s.info.Target.Schema, "main") {
		return s.text, nil
	}
	def, err := sqltext.ParseCreateTable(s.text)
	if err != nil || def.AsSelect || def.NoRowID {
		return s.text, nil // an error is SQLite's to report
	}
	plain := s.text[:def.Table.Span.Start] + quote(def.Table.Name) + s.text[def.Table.Span.End:]
	clusters, err := c.db.clusters(ctx, plain, def.Table.Name)
	if err != nil || !clusters {
		return s.text, err
	}
	return def.WithoutRowID(s.text), nil
}

// use moves the connection to another branch: "db/branch", or "branch".
func (c *conn) use(ctx context.Context, name string) error {
	branch := name[strings.IndexByte(name, '/')+1:]
	if _, err := c.db.vdb.Branch(ctx, name); err == nil {
		branch = name // its name has a slash itself
	}
	return c.point(ctx, branch)
}

// vacuum leaves VACUUM INTO to SQLite, and VACUUM where it is an error. Else there
// is nothing to do: pages are rendered packed.
func (c *conn) vacuum(s statement) string {
	if c.open() {
		return s.text
	}
	for t := range sqltext.Tokens(s.text) {
		if strings.EqualFold(t.Of(s.text), "into") {
			return s.text
		}
	}
	return "SELECT 0 WHERE 0"
}

// asOf reads tables from the versions that they are asked for.
func (c *conn) asOf(ctx context.Context, s statement, args []driver.NamedValue) (string, []driver.NamedValue, error) {
	if k := s.info.Kind; k == sqltext.KindCreateView || k == sqltext.KindCreateTrigger {
		return "", nil, errors.New("a view or trigger cannot read AS OF a revision: it would be another one tomorrow; put AS OF into the query that uses it")
	}
	var used []string
	r, err := sqltext.AsOfRewrite(s.text, s.info, func(i int) (schema, table string, err error) {
		at := s.info.AsOf[i]
		if at.Write {
			return "", "", errors.New("history cannot be written")
		}
		revision, err := c.revisionOf(at, args)
		if err != nil {
			return "", "", err
		}
		if revision == workingName && c.session.branch != "" {
			return "main", "", nil
		}
		schema, table, err = c.placeOf(ctx, at, revision, used)
		if at.Function && errors.Is(err, errManyVersions) {
			return "", "", sqltext.ErrAsWritten // the function takes any number
		}
		used = append(used, schema)
		return schema, table, err
	})
	if err != nil {
		return "", nil, err
	}
	return r.SQL, remainingArgs(r.Params, args), nil
}

// placeOf returns the schema that has a table of another revision, and its name there.
func (c *conn) placeOf(ctx context.Context, at sqltext.AsOf, revision string, used []string) (schema, table string, err error) {
	s, err := c.db.asOf(ctx, c.session.revision, revision)
	if err != nil {
		return "", "", err
	}
	table = at.Table.Name
	if !s.hasTable(table) {
		table = ""
		if at.Function {
			table, err = c.session.nameThen(at.Table.Name, revision)
		}
		if table == "" || err != nil {
			return "", "", firstError(err, fmt.Errorf("there is no table %s at %s", at.Table.Name, revision))
		}
	}
	schema, err = c.history.attach(ctx, s, used)
	return schema, table, err
}

// revisionOf returns what follows AS OF: a revision, or a time, which stands for the
// branch's last commit before.
func (c *conn) revisionOf(at sqltext.AsOf, args []driver.NamedValue) (string, error) {
	if at.Param.Index == 0 {
		return c.revisionAt(at.Revision, at.Time)
	}
	for _, a := range args {
		if a.Ordinal == at.Param.Index && a.Name == "" || a.Name != "" && len(at.Param.Name) > 1 && a.Name == at.Param.Name[1:] {
			switch v := a.Value.(type) {
			case string:
				return c.revisionAt(v, at.Time)
			case []byte:
				return c.revisionAt(string(v), at.Time)
			case time.Time:
				return c.revisionAt(v.UTC().Format(time.RFC3339Nano), true)
			}
			return "", fmt.Errorf("a revision is a text or a time, not a %T", a.Value)
		}
	}
	if at.Param.Name != "" {
		return "", fmt.Errorf("the parameter %s after AS OF is not given", at.Param.Name)
	}
	return "", fmt.Errorf("the parameter after AS OF, the statement's number %d, is not given", at.Param.Index)
}

// timeLayouts are the forms of a time after AS OF. Without a zone it is UTC.
var timeLayouts = []string{
	time.RFC3339Nano, "2006-01-02 15:04:05.999999999Z07:00", "2006-01-02 15:04:05.999999999",
	"2006-01-02T15:04:05.999999999", "2006-01-02 15:04", "2006-01-02",
}

// revisionAt returns a revision as it is, and of a time the commit that was the
// head then.
func (c *conn) revisionAt(text string, isTime bool) (string, error) {
	for _, layout := range timeLayouts {
		if at, err := time.Parse(layout, text); err == nil {
			return c.session.revision + "@{" + at.UTC().Format(time.RFC3339Nano) + "}", nil
		}
	}
	if isTime {
		return "", fmt.Errorf("%q is no time: write it as 2006-01-02 15:04:05", text)
	}
	return text, nil
}

// remainingArgs returns the arguments that stay, numbered anew.
func remainingArgs(params []sqltext.Param, args []driver.NamedValue) []driver.NamedValue {
	var left []driver.NamedValue
	for i, p := range params {
		for _, a := range args {
			if a.Name != "" && len(p.Name) > 1 && a.Name == p.Name[1:] || a.Name == "" && a.Ordinal == p.Index {
				a.Ordinal = i + 1
				left = append(left, a)
				break
			}
		}
	}
	return left
}

// attached are versions that a connection has attached to read tables AS OF them.
// SQLite allows ten, and none can go while a transaction reads it: they stay, and the
// one that was used longest ago makes room. If its schema is the same its file shows the
// other version, else it is detached.
type attached struct {
	conn  *conn
	slots []*historySlot // latest use first
	next  int
}

type historySlot struct {
	schema, name string // the file's
	file         *connFile
	root         string
}

// maxAttached leaves room for what the user attaches.
const maxAttached = 7

// errManyVersions says that no more versions can be attached.
var errManyVersions = errors.New("too many versions")

// attach returns the schema under which a version's tables are.
func (a *attached) attach(ctx context.Context, s *snapshot, used []string) (string, error) {
	root := s.version.Root().String()
	for i, slot := range a.slots {
		if slot.root == root {
			return a.use(i), nil
		}
	}
	if len(a.slots) >= maxAttached {
		if i := a.idle(used, func(f *connFile) bool { return f.last.schemaSum == s.schemaSum }); i >= 0 {
			a.slots[i].file.show(s)
			a.slots[i].root = root
			return a.use(i), nil
		}
		if err := a.evict(ctx, used); err != nil {
			return "", err
		}
	}
	f := &connFile{db: a.conn.db, ctx: a.conn.file.ctx, last: s, shows: true}
	a.next++
	slot := &historySlot{schema: fmt.Sprintf("vdb as of %d", a.next), name: vfs.Add(f), file: f, root: root}
	if err := a.conn.command(ctx, fmt.Sprintf("ATTACH 'file:%s?vfs=%s&mode=ro' AS %s", slot.name, vfs.SystemName, quote(slot.schema))); err != nil {
		vfs.Remove(slot.name)
		return "", err
	}
	a.slots = append([]*historySlot{slot}, a.slots...)
	return slot.schema, nil
}

// use puts a slot first, and returns its schema.
func (a *attached) use(i int) string {
	slot := a.slots[i]
	copy(a.slots[1:i+1], a.slots[:i])
	a.slots[0] = slot
	return slot.schema
}

// idle returns the slot that was used longest ago, of those that nobody reads and that
// fit; -1 if there is none.
func (a *attached) idle(used []string, fits func(*connFile) bool) int {
	for i, slot := range slices.Backward(a.slots) {
		if slot.file.level == vfs.None && !slices.Contains(used, slot.schema) && fits(slot.file) {
			return i
		}
	}
	return -1
}

// evict detaches a version.
func (a *attached) evict(ctx context.Context, used []string) error {
	i := a.idle(used, func(*connFile) bool { return true })
	if i < 0 {
		return fmt.Errorf("%w: the statements of a transaction, and those that are open, can read %d at most", errManyVersions, maxAttached)
	}
	if err := a.conn.command(ctx, "DETACH "+quote(a.slots[i].schema)); err != nil {
		return err
	}
	vfs.Remove(a.slots[i].name)
	a.slots = slices.Delete(a.slots, i, i+1)
	return nil
}

// forget takes back the files.
func (a *attached) forget() {
	for _, slot := range a.slots {
		vfs.Remove(slot.name)
	}
}
