package child_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/vdbgo/vdb/internal/child"
)

func TestMain(m *testing.M) {
	child.Main(m, map[string]child.Role{
		"fail": func(number int, path string) error { return errors.New("as it was told") },
		"print": func(number int, path string) error {
			for i := 0; ; i++ {
				fmt.Printf("%s %d %d\nhalf a line ", path, number, i)
				time.Sleep(time.Millisecond)
				fmt.Println()
			}
		},
	})
}

func TestChild(t *testing.T) {
	lines, err := child.Killed(child.Command("print", 7, "a path"), 200*time.Millisecond)
	if err != nil || len(lines) == 0 || lines[0] != "a path 7 0" || strings.HasSuffix(lines[len(lines)-1], "half a lin") {
		t.Errorf("%q, %v", lines, err)
	}
	for _, role := range []string{"fail", "unknown"} {
		if _, err := child.Killed(child.Command(role, 1, "p"), time.Minute); err == nil || !strings.Contains(err.Error(), "not killed") {
			t.Errorf("%s: %v", role, err)
		}
	}
}
