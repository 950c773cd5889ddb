package shell

import (
	"context"
	"slices"
	"strings"

	"github.com/vdbgo/vdb/cmd/vdb/internal/format"
)

// Complete returns what the last word of a line may become: dot-commands, keywords,
// tables, columns and functions. The completions stand for the whole word.
func (s *Shell) Complete(ctx context.Context, word string, first bool) []string {
	if word == "" {
		return nil
	}
	var candidates []string
	if first && isDot(word) {
		for _, c := range Commands() {
			candidates = append(candidates, "."+c.Name)
		}
	} else {
		candidates = append(s.known(ctx), inCase(format.Keywords(), word)...)
	}
	var found []string
	for _, c := range candidates {
		if len(c) > len(word) && strings.EqualFold(c[:len(word)], word) {
			found = append(found, c)
		}
	}
	slices.Sort(found)
	return slices.Compact(found)
}

// inCase writes keywords in small letters if the word is.
func inCase(keywords []string, word string) []string {
	if strings.ToLower(word) != word {
		return keywords
	}
	for i, k := range keywords {
		keywords[i] = strings.ToLower(k)
	}
	return keywords
}

// known returns the names that the connection knows. What cannot be read is left out:
// a completion is no place for an error.
func (s *Shell) known(ctx context.Context) []string {
	var names []string
	for _, query := range []string{
		`SELECT name FROM pragma_table_list WHERE name NOT LIKE 'sqlite\_%' ESCAPE '\'`,
		`SELECT c.name FROM sqlite_schema AS t, pragma_table_info(t.name) AS c WHERE t.type IN ('table','view')`,
		`SELECT DISTINCT name FROM pragma_function_list WHERE name NOT LIKE '%->%'`,
		`SELECT name FROM pragma_module_list`,
	} {
		_ = s.each(ctx, func(row []any) error {
			names = append(names, format.Text(row[0]))
			return nil
		}, query)
	}
	return names
}
