package main

import (
	"bytes"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/vdbgo/vdb"
	"github.com/vdbgo/vdb/remote"
)

// operations are the commands of docs/OPERATIONS.md, as they stand there, and what each
// prints. A command that is not here fails the test, and so does one that is only here.
// Statements of SQL run on prod.vdb.
var operations = map[string]string{
	`vdb log prod.vdb -n 20`:                                                                 `Routine maintenance`,
	`vdb diff prod.vdb 'edacec4~' edacec4 --stat`:                                            `customers.*1`,
	`vdb prod.vdb "SELECT * FROM customers AS OF 'edacec4~' WHERE id = 'c1'"`:                `^c1\|Example Ltd$`,
	`SELECT dolt_restore('customers', 'edacec4~', 'c1', '--follow', '-m', 'Bring c1 back')`:  `"added":1`,
	`SELECT dolt_revert('edacec4')`:                                                          `[0-9a-f]{40}`,
	`SELECT * FROM dolt_conflicts`:                                                           `^$`,
	`SELECT dolt_reset('--hard', 'HEAD~')`:                                                   `^0$`,
	`SELECT * FROM dolt_reflog`:                                                              `heads/cust1`,
	`vdb backup prod.vdb /backups/prod`:                                                      `^root [0-9a-f]{40}, [1-9][0-9]* chunks copied$`,
	`vdb restore /backups/prod restored.vdb`:                                                 `main .*One more`,
	`SELECT dolt_backup('add', 'nightly', 's3://BUCKET/PREFIX')`:                             `^0$`,
	`SELECT dolt_backup('sync', 'nightly')`:                                                  `^0$`,
	`SELECT dolt_backup('restore', 's3://BUCKET/PREFIX', 'restored.vdb')`:                    `^0$`,
	`vdb check prod.vdb`:                                                                     `^ok: `,
	`vdb recover prod.vdb new.vdb --from /backups/prod --from https://box2.example.org/prod`: `(?s)/backups/prod had [1-9].*nothing is lost`,
	`SELECT dolt_merge('mended-main')`:                                                       `^[0-9a-f]{40}$`,
	`vdb clone https://box1.example.org/prod prod.vdb`:                                       `cust1 `,
	`vdb clone https://box1.example.org/prod cust1.vdb -b cust1`:                             `cust1 `,
	`vdb clone /mnt/old/prod.vdb prod.vdb`:                                                   `cust1 `,
	`vdb pull prod.vdb origin cust1`:                                                         `^cust1 `,
	`vdb push prod.vdb origin cust1`:                                                         `^$`,
	`vdb stats prod.vdb`:                                                                     `commits`,
	`vdb prod.vdb "SELECT dolt_gc()"`:                                                        `^[1-9][0-9]* chunks removed`,
	`vdb retain prod.vdb '*' '7d:1h 30d:1d'`:                                                 `^$`,
	`vdb retain prod.vdb cust1 all`:                                                          `^$`,
	`vdb retain prod.vdb --dry-run`:                                                          `^0 commits would be squashed$`,
	`vdb retain prod.vdb --run`:                                                              `^0 commits squashed`,
	`vdb gc prod.vdb --full`:                                                                 `^[1-9][0-9]* chunks removed`,
	`vdb purge prod.vdb customers id=c1`:                                                     `(?s)^1 rows of customers to be purged.*nothing was changed`,
	`vdb purge prod.vdb customers id=c1 --yes`:                                               `(?s)^1 rows of customers purged.*is now [0-9a-f]{40}$`,
	`SELECT dolt_branch('-D', 'cust1')`:                                                      `^0$`,
}

// TestOperations runs what docs/OPERATIONS.md tells an operator to do: the commands of a
// block one after the other, those in a sentence each alone, on a database of which a
// commit has deleted a customer.
func TestOperations(t *testing.T) {
	document, err := os.ReadFile("../../docs/OPERATIONS.md")
	if err != nil {
		t.Fatal(err)
	}
	p := newProduction(t)
	seen := map[string]bool{}
	for _, commands := range documented(string(document)) {
		p.prepare(t)
		for _, command := range commands {
			want, known := operations[command]
			if seen[command] = true; !known {
				t.Errorf("the test does not know what %s is to print", command)
				continue
			}
			p.operate(t, command, want)
		}
	}
	for command := range operations {
		if !seen[command] {
			t.Errorf("the document no longer has %s", command)
		}
	}
}

var (
	block  = regexp.MustCompile("(?ms)^```([a-z]*)\n(.*?)^```$")
	inline = regexp.MustCompile("(?s)`([^`]+)`")
	remark = regexp.MustCompile(`\s+(# .*|-- .*)$`)
)

// documented returns the commands of a document: of each block, and of each sentence.
func documented(text string) (all [][]string) {
	for _, found := range block.FindAllStringSubmatch(text, -1) {
		if found[1] == "go" {
			continue // there are runnable examples of the API
		}
		var commands []string
		for line := range strings.Lines(found[2]) {
			commands = append(commands, remark.ReplaceAllString(strings.TrimSpace(line), ""))
		}
		all = append(all, commands)
	}
	for _, found := range inline.FindAllStringSubmatch(block.ReplaceAllString(text, ""), -1) {
		command := strings.Join(strings.Fields(found[1]), " ")
		if name, isCommand := strings.CutPrefix(command, "vdb "); isCommand && !strings.Contains(name, " ") {
			continue // a name alone
		}
		if strings.HasPrefix(command, "vdb ") || strings.HasPrefix(command, "SELECT ") {
			all = append(all, []string{command})
		}
	}
	return all
}

// production is where the commands run.
type production struct {
	dir     string // each time another one, with the database prod.vdb
	made    string // what they begin with
	deleted string // the commit that has deleted a customer
	served  string // the URL of a copy
}

func newProduction(t *testing.T) *production {
	t.Helper()
	p := &production{made: filepath.Join(t.TempDir(), "prod.vdb")}
	p.mustRun(t, p.made, `
		CREATE TABLE customers(id TEXT PRIMARY KEY, name TEXT);
		CREATE TABLE orders(n INTEGER PRIMARY KEY, customer TEXT REFERENCES customers(id));
		INSERT INTO customers VALUES('c1', 'Example Ltd'), ('c2', 'findmeplease');
		INSERT INTO orders VALUES(1, 'c2');
		SELECT dolt_commit('-Am', 'Two customers');
		SELECT dolt_branch('cust1');`)
	p.mustRun(t, p.made, `DELETE FROM customers WHERE id = 'c1'`)
	out := p.mustRun(t, p.made, `SELECT dolt_commit('-am', 'Routine maintenance')`)
	p.deleted = strings.TrimSpace(out)[:7]
	p.mustRun(t, p.made, `INSERT INTO customers VALUES('c3', 'Example SA'); SELECT dolt_commit('-am', 'One more')`)
	copied := filepath.Join(t.TempDir(), "copy.vdb")
	p.mustRun(t, "clone", p.made, copied)
	db, err := vdb.Open(t.Context(), copied, nil)
	if err != nil {
		t.Fatal(err)
	}
	allow := func(*http.Request) (remote.Access, error) { return remote.FullAccess(), nil }
	server := httptest.NewServer(remote.Handler(db, &remote.HandlerOptions{Allow: allow}))
	t.Cleanup(func() {
		server.Close()
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	p.served = server.URL
	return p
}

// prepare makes a directory for some commands.
func (p *production) prepare(t *testing.T) {
	t.Helper()
	p.dir = t.TempDir()
	t.Chdir(p.dir)
	for _, name := range []string{"prod.vdb", "mnt/old/prod.vdb"} {
		if err := os.CopyFS(name, os.DirFS(p.made)); err != nil {
			t.Fatal(err)
		}
	}
}

// operate runs a command of the document.
func (p *production) operate(t *testing.T, command, want string) {
	t.Helper()
	args := []string{"prod.vdb", command}
	if strings.HasPrefix(command, "vdb ") {
		args = quoted(command)[1:]
	}
	for i := range args {
		args[i] = p.here(args[i])
	}
	switch args[0] {
	case "clone", "restore":
		if err := os.RemoveAll(args[2]); err != nil { // as on another box
			t.Fatal(err)
		}
	case "prod.vdb":
		if strings.Contains(command, "mended-main") { // as recover makes it, when main goes back
			p.mustRun(t, "branch", "prod.vdb", "mended-main")
			p.mustRun(t, "prod.vdb", "SELECT dolt_reset('--hard', 'HEAD~')")
		}
	case "recover":
		p.mustRun(t, "backup", args[1], p.here("/backups/prod"))
		if !flip(t, args[1], "findmeplease") {
			t.Fatal("the row is in no file")
		}
	}
	if out := p.mustRun(t, args...); !regexp.MustCompile(`(?m)` + want).MatchString(strings.TrimSuffix(out, "\n")) {
		t.Errorf("%s printed %q, want %q", command, out, want)
	}
}

// here replaces the places of the document by others.
func (p *production) here(text string) string {
	return strings.NewReplacer(
		"https://box1.example.org", p.served, "https://box2.example.org", p.served,
		"s3://BUCKET/PREFIX", "file://"+filepath.ToSlash(filepath.Join(p.dir, "bucket")),
		"/backups/", p.dir+"/backups/", "/mnt/old/", p.dir+"/mnt/old/",
		"edacec4", p.deleted, "REVISION", p.deleted,
	).Replace(text)
}

// mustRun runs a command line, and returns what it has printed.
func (p *production) mustRun(t *testing.T, args ...string) string {
	t.Helper()
	if err := os.MkdirAll(filepath.Join(p.dir, "backups"), 0o777); p.dir != "" && err != nil {
		t.Fatal(err)
	}
	var out, errs bytes.Buffer
	if status := run(slices.Clone(args), strings.NewReader(""), &out, &errs); status != 0 {
		t.Fatalf("vdb %q: status %d: %s%s", args, status, &out, &errs)
	}
	return out.String()
}

// quoted cuts a command line at blanks outside of quotes.
func quoted(line string) (all []string) {
	for _, word := range regexp.MustCompile(`"[^"]*"|'[^']*'|[^\s"']+`).FindAllString(line, -1) {
		if word[0] == '"' || word[0] == '\'' {
			word = word[1 : len(word)-1]
		}
		all = append(all, word)
	}
	return all
}
