package sqltext

// Alter is an ALTER TABLE statement, taken apart.
type Alter struct {
	Action AlterAction
	Table  Table
	// Column is the column that is renamed, dropped or altered, or the one added.
	Column string
	// NewName is what the table or the column is renamed to.
	NewName string
	// Definition is the definition of the column that is added.
	Definition Span
	// Added is that definition, taken apart; its spans are in the statement's text.
	Added ColumnDef
}

// ParseAlter takes an ALTER TABLE apart.
func ParseAlter(sql string) (*Alter, error) {
	r := newReader("ALTER TABLE", sql)
	a := new(Alter)
	a.read(r)
	if r.err != nil {
		return nil, r.err
	}
	return a, nil
}

func (a *Alter) read(r *reader) {
	r.expect(wAlter, "ALTER")
	r.expect(wTable, "TABLE")
	a.Table, _ = r.qualified("a table's name")
	switch r.word {
	case wRename:
		r.next()
		a.readRename(r)
	case wAdd:
		r.next()
		a.readAdd(r)
	case wDrop:
		r.next()
		a.readDrop(r)
	case wAlter:
		a.readOther(r)
	default:
		r.fail("RENAME, ADD or DROP")
	}
	r.expectEnd()
}

func (a *Alter) readRename(r *reader) {
	if r.accept(wTo) {
		a.Action, a.NewName = RenameTable, r.name("a table's name")
		return
	}
	r.accept(wColumn)
	a.Action, a.Column = RenameColumn, r.name("a column's name")
	r.expect(wTo, "TO")
	a.NewName = r.name("a column's name")
}

func (a *Alter) readAdd(r *reader) {
	if r.atConstraint() {
		a.readOther(r)
		return
	}
	r.accept(wColumn)
	a.Action, a.Added = AddColumn, r.column()
	a.Column, a.Definition = a.Added.Name, a.Added.Span
}

func (a *Alter) readDrop(r *reader) {
	if r.word == wConstraint {
		a.readOther(r)
		return
	}
	r.accept(wColumn)
	a.Action, a.Column = DropColumn, r.name("a column's name")
}

func (a *Alter) readOther(r *reader) {
	for r.tok.Kind != EOF && r.tok.Kind != Semicolon {
		r.next()
	}
}

// AlterAction is what an ALTER TABLE does.
type AlterAction uint8

// The actions of ALTER TABLE. AlterOther is one of newer versions of SQLite, such as
// ALTER COLUMN or DROP CONSTRAINT, of which only the table is known.
const (
	AlterOther AlterAction = iota
	RenameTable
	RenameColumn
	AddColumn
	DropColumn
)
