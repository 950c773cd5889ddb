package sqlite

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/vdbgo/vdb"
)

// ignoreTable is the table that says which new tables are not to be staged: it
// has columns pattern and ignored.
const ignoreTable = "dolt_ignore"

// ignoreRule is a row of dolt_ignore.
type ignoreRule struct {
	pattern string
	ignored bool
}

// ignoreRules reads dolt_ignore as it is in the working set; none if there is no
// such table.
func ignoreRules(ctx context.Context, b *vdb.Branch) ([]ignoreRule, error) {
	s, err := b.Snapshot(ctx)
	if err != nil {
		return nil, err
	}
	schema, err := s.Schema(ignoreTable)
	if errors.Is(err, vdb.ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	pattern, ignored := schema.Column("pattern"), schema.Column("ignored")
	if pattern < 0 || ignored < 0 {
		return nil, fmt.Errorf("table %s must have the columns pattern and ignored", ignoreTable)
	}
	var rules []ignoreRule
	for row, err := range s.Rows(ignoreTable, vdb.Range{}) {
		if err != nil {
			return nil, err
		}
		rules = append(rules, ignoreRule{row[pattern].Text(), row[ignored].Int() != 0})
	}
	return rules, nil
}

// ignores tells whether the rules ignore a table: the most specific of those that
// fit decides, which is the one with most letters that are no wildcards.
func ignores(rules []ignoreRule, table string) (bool, error) {
	var best *ignoreRule
	for i := range rules {
		r := &rules[i]
		if !fitsPattern(r.pattern, table) {
			continue
		}
		switch {
		case best == nil || literalsOf(r.pattern) > literalsOf(best.pattern):
			best = r
		case literalsOf(r.pattern) == literalsOf(best.pattern) && r.ignored != best.ignored:
			return false, fmt.Errorf("%s: patterns %s and %s disagree about table %s", ignoreTable, best.pattern, r.pattern, table)
		}
	}
	return best != nil && best.ignored, nil
}

func literalsOf(pattern string) int {
	return len(strings.Map(dropWildcard, pattern))
}

func dropWildcard(r rune) rune {
	if r == '*' || r == '%' || r == '?' {
		return -1
	}
	return r
}

// fitsPattern tells whether a name fits a pattern, in which * and % stand for any
// letters and ? for one.
func fitsPattern(pattern, name string) bool {
	if pattern == "" {
		return name == ""
	}
	switch pattern[0] {
	case '*', '%':
		for i := 0; i <= len(name); i++ {
			if fitsPattern(pattern[1:], name[i:]) {
				return true
			}
		}
		return false
	case '?':
		return name != "" && fitsPattern(pattern[1:], name[1:])
	}
	return name != "" && pattern[0] == name[0] && fitsPattern(pattern[1:], name[1:])
}

// ignoredOf returns those of some tables that the rules ignore.
func ignoredOf(rules []ignoreRule, tables []string) ([]string, error) {
	var out []string
	for _, name := range tables {
		is, err := ignores(rules, name)
		if err != nil {
			return nil, err
		}
		if is {
			out = append(out, name)
		}
	}
	return out, nil
}
