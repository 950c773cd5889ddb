package sqlite

import (
	"fmt"
	"strings"
	"time"

	"github.com/vdbgo/vdb"
)

// The flags of functions that make commits.
var (
	flagMessage = flag{long: "message", short: "m", value: "'text'"}
	flagAuthor  = flag{long: "author", value: "'Name <mail>'"}
	flagDate    = flag{long: "date", value: "'2006-01-02T15:04:05Z'"}
)

// message is what a call says of the commit to be made. The connection's author
// commits; --author says who made the change, if that is somebody else.
func (in *invocation) message(s *session) (vdb.Message, error) {
	m := vdb.Message{Author: s.author, Committer: s.author, Text: in.text("message")}
	if in.has("message") && strings.TrimSpace(m.Text) == "" {
		return m, fmt.Errorf("%s: the message is empty", in.name)
	}
	if in.has("author") {
		m.Author = in.text("author")
		if _, _, ok := splitAuthor(m.Author); !ok {
			return m, fmt.Errorf("%s: author %q is not of the form 'Name <mail>'", in.name, m.Author)
		}
	}
	if in.has("date") {
		at, err := parseDate(in.text("date"))
		if err != nil {
			return m, fmt.Errorf("%s: %w", in.name, err)
		}
		m.Time = at
	}
	return m, nil
}

// splitAuthor takes "Name <mail>" apart.
func splitAuthor(author string) (name, mail string, ok bool) {
	name, mail, ok = strings.Cut(author, "<")
	mail, closed := strings.CutSuffix(mail, ">")
	name = strings.TrimSpace(name)
	return name, mail, ok && closed && name != "" && !strings.ContainsAny(mail, "<>")
}

// dateForms are those in which a date may be given; without a zone it is in UTC.
var dateForms = []string{
	time.RFC3339Nano, "2006-01-02T15:04:05", time.DateTime, "2006-01-02 15:04:05.999999999 -0700 MST", time.DateOnly,
	"2006/01/02", "2006.01.02", "01/02/2006", "02.01.2006",
}

func parseDate(text string) (time.Time, error) {
	for _, form := range dateForms {
		if t, err := time.Parse(form, text); err == nil {
			return t, nil
		}
	}
	return time.Time{}, fmt.Errorf("date %q; write 2006-01-02T15:04:05Z", text)
}
