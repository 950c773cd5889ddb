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
