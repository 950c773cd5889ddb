package shell

import (
	"context"
	"strings"

	"github.com/vdbgo/vdb/cmd/vdb/internal/format"
	"github.com/vdbgo/vdb/internal/sqltext"
)

// untimedReturning returns a statement whose RETURNING yields the stored text of dates:
// see untimed. It takes what is a column for an expression, which has no type.
func (s *Shell) untimedReturning(ctx context.Context, text string, info sqltext.Info) string {
	start := returning(text)
	if start < 0 {
		return text
	}
	columns, timed, err := s.columnsOf(ctx, info.Target)
	if err != nil || !timed {
		return text
	}
	var results []string
	for _, item := range items(text[start:info.End]) {
		if item == "*" {
			for _, name := range columns {
				results = append(results, untimedColumn(format.QuoteName(name), name))
			}
			continue
		}
		results = append(results, untimedItem(item, columns))
	}
	return text[:start] + " " + strings.Join(results, ", ")
}

// columnsOf returns the columns that * stands for, and whether one of them has dates.
func (s *Shell) columnsOf(ctx context.Context, table sqltext.Table) (columns []string, timed bool, err error) {
	var schema any
	if table.Schema != "" {
		schema = table.Schema
	}
	err = s.each(ctx, func(row []any) error {
		columns = append(columns, format.Text(row[0]))
		timed = timed || isTime(format.Text(row[1]))
		return nil
	}, `SELECT name, type FROM pragma_table_xinfo(?1, ?2) WHERE hidden <> 1`, table.Name, schema)
	return columns, timed, err
}

// returning returns where what follows the statement's RETURNING begins, or -1.
func returning(text string) int {
	start, depth := -1, 0
	scan := sqltext.NewScanner(text)
	for t := scan.Significant(); t.Kind != sqltext.EOF; t = scan.Significant() {
		switch t.Kind {
		case sqltext.LeftParen:
			depth++
		case sqltext.RightParen:
			depth--
		case sqltext.Ident:
			if depth == 0 && strings.EqualFold(t.Of(text), "returning") {
				start = t.End
			}
		}
	}
	return start
}

// items splits a list at its commas.
func items(list string) (all []string) {
	start, depth := 0, 0
	scan := sqltext.NewScanner(list)
	for t := scan.Significant(); t.Kind != sqltext.EOF && t.Kind != sqltext.Semicolon; t = scan.Significant() {
		switch t.Kind {
		case sqltext.LeftParen:
			depth++
		case sqltext.RightParen:
			depth--
		case sqltext.Comma:
			if depth == 0 {
				all = append(all, strings.TrimSpace(list[start:t.Start]))
				start = t.End
			}
		}
	}
	return append(all, strings.TrimSpace(strings.TrimRight(list[start:], "; \t\r\n")))
}

// untimedItem makes an expression of a column, with or without its table's name and an
// alias. Others are left.
func untimedItem(item string, columns []string) string {
	var words []sqltext.Token
	scan := sqltext.NewScanner(item)
	for t := scan.Significant(); t.Kind != sqltext.EOF; t = scan.Significant() {
		words = append(words, t)
	}
	n := 1
	for len(words) > n+1 && words[n].Kind == sqltext.Dot {
		n += 2
	}
	if len(words) < n || words[n-1].Kind != sqltext.Ident && words[n-1].Kind != sqltext.Quoted {
		return item
	}
	last := words[n-1].Of(item)
	for _, name := range columns {
		if !strings.EqualFold(last, name) && !strings.EqualFold(strings.Trim(last, "\"`[]"), name) {
			continue
		}
		switch column := item[:words[n-1].End]; {
		case len(words) == n:
			return untimedColumn(column, name)
		case len(words) == n+1, len(words) == n+2 && strings.EqualFold(words[n].Of(item), "as"):
			return "+" + item
		}
	}
	return item
}

// untimedColumn is a column as an expression of its name.
func untimedColumn(column, name string) string { return "+" + column + " AS " + format.QuoteName(name) }
