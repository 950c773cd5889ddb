package sqltext

import "strings"

// CreateVirtual is a CREATE VIRTUAL TABLE statement, taken apart.
type CreateVirtual struct {
	Table  Table
	Module string
	// Arguments are the module's, as they are written, without the blanks around them.
	Arguments []string
}

// ParseCreateVirtual takes a CREATE VIRTUAL TABLE apart.
func ParseCreateVirtual(sql string) (*CreateVirtual, error) {
	r := newReader("CREATE VIRTUAL TABLE", sql)
	c := new(CreateVirtual)
	c.read(r)
	if r.err != nil {
		return nil, r.err
	}
	return c, nil
}

func (c *CreateVirtual) read(r *reader) {
	r.expect(wCreate, "CREATE")
	r.expect(wVirtual, "VIRTUAL")
	r.expect(wTable, "TABLE")
	r.ifNotExists()
	c.Table, _ = r.qualified("a table's name")
	r.expect(wUsing, "USING")
	c.Module = r.name("a module's name")
	if r.tok.Kind == LeftParen {
		c.readArguments(r)
	}
	r.expectEnd()
}

func (c *CreateVirtual) readArguments(r *reader) {
	start, depth := r.tok.End, 0
	for r.next(); depth > 0 || r.tok.Kind != RightParen; r.next() {
		switch r.tok.Kind {
		case EOF:
			r.fail(")")
			return
		case LeftParen:
			depth++
		case RightParen:
			depth--
		case Comma:
			if depth == 0 {
				c.Arguments = append(c.Arguments, strings.TrimSpace(r.sql[start:r.tok.Start]))
				start = r.tok.End
			}
		}
	}
	c.Arguments = append(c.Arguments, strings.TrimSpace(r.sql[start:r.tok.Start]))
	r.next()
}
