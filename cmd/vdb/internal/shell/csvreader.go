package shell

import (
	"bufio"
	"errors"
	"io"
	"strings"
)

// fieldReader reads the records of a file as .import does: fields end with a
// separator, records with another, and a field may be in quotes. Unlike
// encoding/csv it takes an empty line for a record with one empty field, and leaves
// line ends inside of quotes as they are.
type fieldReader struct {
	in        *bufio.Reader
	separator string
	row       string
	unquoted  bool // a quote is a character as any other
	// warn is told what is wrong in the record that is read.
	warn func(what string)
	line int // of the record that was read last
	next int // lines read, or records of a file that is not of lines
}

// record returns the fields of the next record, or io.EOF.
func (r *fieldReader) record() (fields []string, err error) {
	r.line = r.next + 1
	for {
		field, last, err := r.field()
		if errors.Is(err, io.EOF) && len(fields) == 0 && field == "" {
			return nil, io.EOF
		}
		if err != nil && !errors.Is(err, io.EOF) {
			return nil, err
		}
		fields = append(fields, field)
		if last && r.unquoted {
			r.next++
		}
		if last {
			return fields, nil
		}
	}
}

// field reads a field, and tells whether it is its record's last. io.EOF comes with
// the field that the file ends with.
func (r *fieldReader) field() (field string, last bool, err error) {
	first, err := r.in.Peek(1)
	if err != nil {
		return "", true, err
	}
	if first[0] == '"' && !r.unquoted {
		return r.quoted()
	}
	var b strings.Builder
	for {
		c, err := r.in.ReadByte()
		if err != nil {
			return r.unended(b.String()), true, err
		}
		b.WriteByte(c)
		if c == '\n' && !r.unquoted {
			r.next++
		}
		switch text := b.String(); {
		case strings.HasSuffix(text, r.separator):
			return strings.TrimSuffix(text, r.separator), false, nil
		case c == '\n' && r.row == "\n":
			return strings.TrimSuffix(strings.TrimSuffix(text, "\n"), "\r"), true, nil
		case r.row != "\n" && strings.HasSuffix(text, r.row):
			return strings.TrimSuffix(text, r.row), true, nil
		}
	}
}

// unended is a field that the file ended in.
func (r *fieldReader) unended(field string) string {
	return strings.TrimSuffix(field, "\r")
}

// quoted reads a field in quotes. A quote ends it only before a separator; another is
// taken for a part of it, as in files that quote wrongly.
func (r *fieldReader) quoted() (field string, last bool, err error) {
	if _, err := r.in.Discard(1); err != nil {
		return "", true, err
	}
	var b strings.Builder
	for {
		c, err := r.in.ReadByte()
		if err != nil {
			r.warn("a quoted field does not end")
			return b.String(), true, err
		}
		if c == '\n' {
			r.next++
		}
		if c == '"' {
			if last, ended := r.ends(); ended {
				return b.String(), last, nil
			}
			if r.skip(`"`) {
				b.WriteByte(c)
				continue
			}
			r.warn("a quote within a field is not doubled")
		}
		b.WriteByte(c)
	}
}

// ends reads the separator that ends a field, if there is one, or the file's end.
func (r *fieldReader) ends() (last, ended bool) {
	if _, err := r.in.Peek(1); err != nil {
		return true, true
	}
	if r.skip(r.separator) {
		return false, true
	}
	if r.skip(r.row) || r.row == "\n" && r.skip("\r\n") {
		r.next += strings.Count(r.row, "\n")
		return true, true
	}
	return false, false
}

// skip reads text, if it comes next.
func (r *fieldReader) skip(text string) bool {
	next, err := r.in.Peek(len(text))
	if err != nil || string(next) != text {
		return false
	}
	_, err = r.in.Discard(len(text))
	return err == nil
}
