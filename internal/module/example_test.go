package module_test

import (
	"database/sql"
	"errors"
	"fmt"
	"iter"
	"strings"

	"github.com/vdbgo/vdb/internal/module"
	_ "modernc.org/sqlite"
)

// words is the table-valued function words(text).
type words struct{}

func (words) Columns() ([]module.Column, error) {
	return []module.Column{
		{Name: "word", Type: "TEXT"},
		{Name: "text", Type: "TEXT", Hidden: true, Required: true},
	}, nil
}

func (words) Scan(filters []module.Filter) iter.Seq2[[]any, error] {
	return func(yield func([]any, error) bool) {
		for _, word := range strings.Fields(fmt.Sprint(filters[0].Value)) {
			if !yield([]any{word}, nil) {
				return
			}
		}
	}
}

func Example() {
	stop, err := module.OnOpen(func(c module.Conn, file string) error {
		return errors.Join(
			c.Table("words", words{}),
			c.Function("shout", 1, module.Deterministic, func(args []any) (any, error) {
				return strings.ToUpper(fmt.Sprint(args[0])), nil
			}),
		)
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer stop()
	db, err := sql.Open("sqlite", ":memory:")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer db.Close()
	var got string
	err = db.QueryRow("SELECT group_concat(shout(word), '-') FROM words('all of SQL')").Scan(&got)
	fmt.Println(got, err)
	err = db.QueryRow("SELECT word FROM words").Scan(&got)
	fmt.Println(err)
	// Output:
	// ALL-OF-SQL <nil>
	// SQL logic error: words needs its argument text: write words(text) (1)
}
