package vdb

import (
	"cmp"
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"unicode"
)

// structShape is a struct type read as a table: its schema, and the field of
// each column, in one order.
type structShape struct {
	schema Schema
	fields []field
	keys   []keyField
}

// keyField is a column of the primary key; position 0 is by field order.
type keyField struct {
	position int
	column   string
}

// newStructShape reads the tags of a struct type.
func newStructShape(table string, t reflect.Type) (*structShape, error) {
	if t.Kind() != reflect.Struct {
		return nil, invalidf("Go type %s is not a struct", t)
	}
	s := &structShape{schema: Schema{Name: table}}
	if err := s.addStruct(t, "", 0); err != nil {
		return nil, err
	}
	if err := s.orderKey(); err != nil {
		return nil, err
	}
	return s, nil
}

// addStruct adds a struct's fields, those of embedded structs included.
func (s *structShape) addStruct(t reflect.Type, path string, offset uintptr) error {
	for i := range t.NumField() {
		sf := t.Field(i)
		tag := sf.Tag.Get("vdb")
		if tag == "-" || !sf.IsExported() && !sf.Anonymous {
			continue
		}
		err := s.addField(sf, tag, path+sf.Name, offset+sf.Offset)
		if err != nil {
			return fmt.Errorf("field %s%s: %w", path, sf.Name, err)
		}
	}
	return nil
}

func (s *structShape) addField(sf reflect.StructField, tag, path string, offset uintptr) error {
	if sf.Anonymous && tag == "" && sf.Type.Kind() == reflect.Struct {
		if _, ok := fieldKindOf(sf.Type); !ok {
			return s.addStruct(sf.Type, path+".", offset)
		}
	}
	if !sf.IsExported() {
		return nil
	}
	f, err := newField(path, sf.Type, offset)
	if err != nil {
		return err
	}
	c := columnTag{shape: s, field: &f, column: Column{Type: declaredType(f.kind, f.typ), NotNull: !f.nullable}}
	if err := c.parse(sf.Name, tag); err != nil {
		return err
	}
	if err := c.settle(); err != nil {
		return err
	}
	s.fields = append(s.fields, f)
	s.schema.Columns = append(s.schema.Columns, c.column)
	return nil
}

// orderKey puts the columns of the primary key in order.
func (s *structShape) orderKey() error {
	numbered := slices.ContainsFunc(s.keys, func(k keyField) bool { return k.position != 0 })
	if numbered {
		slices.SortStableFunc(s.keys, func(a, b keyField) int { return cmp.Compare(a.position, b.position) })
		for i, k := range s.keys {
			if k.position != i+1 {
				return invalidf("primary key column %s: the positions pk=1, pk=2, … have a gap or are not given to all", k.column)
			}
		}
	}
	for _, k := range s.keys {
		s.schema.PrimaryKey = append(s.schema.PrimaryKey, k.column)
	}
	return s.checkAuto()
}

func (s *structShape) checkAuto() error {
	for i, f := range s.fields {
		c := s.schema.Columns[i]
		if f.auto && !(len(s.keys) == 1 && s.keys[0].column == c.Name && strings.EqualFold(c.Type, "INTEGER")) {
			return invalidf("field %s: auto is for a primary key of one INTEGER", f.path)
		}
	}
	return nil
}

// columnTag reads the tag of one field.
type columnTag struct {
	shape   *structShape
	field   *field
	column  Column
	desc    bool
	indexes []int // those that end in this column
}

func (c *columnTag) parse(goName, tag string) error {
	options := splitTag(tag)
	c.column.Name = options[0]
	if c.column.Name == "" {
		c.column.Name = snakeCase(goName)
	}
	for _, option := range options[1:] {
		name, arg, given := strings.Cut(option, "=")
		if err := c.option(strings.TrimSpace(name), strings.TrimSpace(arg), given); err != nil {
			return err
		}
	}
	return nil
}

func (c *columnTag) option(name, arg string, given bool) error {
	takes := map[string]string{"pk": "maybe", "unique": "maybe", "index": "maybe", "type": "yes", "default": "yes", "merge": "yes", "fk": "yes"}[name]
	if takes == "" && given || takes == "yes" && arg == "" || takes == "maybe" && given && arg == "" {
		return invalidf("tag option %s=%s", name, arg)
	}
	switch name {
	case "pk":
		return c.addKey(arg)
	case "unique", "index":
		c.addIndex(name == "unique", arg)
	case "desc":
		c.desc = true
	case "auto":
		c.field.auto = true
	case "nocase", "rtrim":
		c.column.Collation = strings.ToUpper(name)
	case "notnull":
		c.column.NotNull = true
	case "type":
		c.column.Type = arg
	case "default":
		c.column.Default = arg
	case "merge":
		c.column.Merge = Policy(arg)
	case "fk":
		c.addForeignKey(arg)
	default:
		return invalidf("tag option %q; there are pk, auto, unique, index, desc, nocase, rtrim, notnull, type, default, merge and fk", name)
	}
	return nil
}

func (c *columnTag) addKey(position string) error {
	k := keyField{column: c.column.Name}
	if position != "" {
		var err error
		if k.position, err = strconv.Atoi(position); err != nil || k.position < 1 {
			return invalidf("tag option pk=%s", position)
		}
	}
	c.shape.keys = append(c.shape.keys, k)
	return nil
}

// addIndex adds the column to the named index, which several fields may share.
func (c *columnTag) addIndex(unique bool, name string) {
	s := &c.shape.schema
	if name == "" {
		name = s.Name + "_" + c.column.Name
	}
	i := s.Index(name)
	if i < 0 {
		i = len(s.Indexes)
		s.Indexes = append(s.Indexes, Index{Name: name})
	}
	x := &s.Indexes[i]
	x.Unique = x.Unique || unique
	x.Columns = append(x.Columns, IndexColumn{Name: c.column.Name})
	c.indexes = append(c.indexes, i)
}

func (c *columnTag) addForeignKey(arg string) {
	fk := ForeignKey{Columns: []string{c.column.Name}, Parent: arg}
	if parent, column, ok := strings.Cut(arg, "."); ok {
		fk.Parent, fk.ParentColumns = parent, []string{column}
	}
	c.shape.schema.ForeignKeys = append(c.shape.schema.ForeignKeys, fk)
}

// settle applies what depends on several options.
func (c *columnTag) settle() error {
	if c.desc && len(c.indexes) == 0 {
		return invalidf("tag option desc without an index")
	}
	for _, i := range c.indexes {
		x := &c.shape.schema.Indexes[i]
		x.Columns[len(x.Columns)-1].Desc = c.desc
	}
	f := c.field
	if f.auto && (f.pointer || f.kind != fieldInt && f.kind != fieldUint) {
		return invalidf("tag option auto on Go type %s", f.typ)
	}
	return f.inColumn(&c.column)
}

// splitTag splits a tag at its commas, but not at those in parentheses or quotes.
func splitTag(tag string) []string {
	var parts []string
	depth, quoted, start := 0, false, 0
	for i, r := range tag {
		switch {
		case r == '\'':
			quoted = !quoted
		case quoted:
		case r == '(':
			depth++
		case r == ')':
			depth--
		case r == ',' && depth <= 0:
			parts = append(parts, strings.TrimSpace(tag[start:i]))
			start = i + 1
		}
	}
	return append(parts, strings.TrimSpace(tag[start:]))
}

// snakeCase turns a Go name to a column's: CustomerID to customer_id.
func snakeCase(name string) string {
	var b strings.Builder
	runes := []rune(name)
	for i, r := range runes {
		if unicode.IsUpper(r) && i > 0 {
			afterLower := !unicode.IsUpper(runes[i-1]) && runes[i-1] != '_'
			beforeLower := i+1 < len(runes) && unicode.IsLower(runes[i+1]) && runes[i-1] != '_'
			if afterLower || beforeLower {
				b.WriteByte('_')
			}
		}
		b.WriteRune(unicode.ToLower(r))
	}
	return b.String()
}
