package record_test

import (
	"database/sql"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/vdbgo/vdb/internal/record"
)

// TestTimeRoundTrip formats random times; the texts must sort as the times do
// and SQLite must read them.
func TestTimeRoundTrip(t *testing.T) {
	r := newValues(t)
	db, _ := openSQLite(t)
	first, last := time.Date(0, 1, 1, 0, 0, 0, 0, time.UTC).Unix(), time.Date(9999, 12, 31, 0, 0, 0, 0, time.UTC).Unix()
	var times []time.Time
	for range 2000 {
		nanos := []int64{0, 500_000_000, 120_000_000, r.Int64N(1e9), r.Int64N(1e3)}[r.IntN(5)]
		seconds := first + r.Int64N(last-first)
		times = append(times, time.Unix(seconds, nanos).In(time.FixedZone("", r.IntN(24)*1800)), time.Unix(seconds, r.Int64N(1e9)))
	}
	slices.SortFunc(times, time.Time.Compare)
	previous := ""
	for _, want := range times {
		s := formatTime(t, want)
		if s < previous {
			t.Errorf("%s sorts before the earlier %s", s, previous)
		}
		previous = s
		if got, err := record.ParseTime(record.Text(s)); err != nil || !got.Equal(want) {
			t.Errorf("%s parses as %v, %v", s, got, err)
		}
		if got := sqliteSeconds(t, db, s); got != want.Unix() {
			t.Errorf("SQLite reads %s as %d, want %d", s, got, want.Unix())
		}
	}
}

func formatTime(t *testing.T, at time.Time) string {
	t.Helper()
	s, err := record.FormatTime(at)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func sqliteSeconds(t *testing.T, db *sql.DB, text any) (seconds int64) {
	t.Helper()
	if err := db.QueryRow("SELECT unixepoch(?)", text).Scan(&seconds); err != nil {
		t.Fatalf("unixepoch(%v): %v", text, err)
	}
	return seconds
}

// TestParseTimeIsSQLites reads SQLite's own forms of a time as SQLite does.
func TestParseTimeIsSQLites(t *testing.T) {
	db, _ := openSQLite(t)
	for _, s := range []string{
		"2026-11-22", "2026-11-22 19:07", "2026-11-22T19:07", "2026-11-22 19:07:42", "2026-11-22T19:07:42", "2026-11-22 19:07:42.123",
		"2026-11-22 19:07:42Z", "2026-11-22T19:07:42Z", "2026-11-22 19:07:42+01:30", "2026-11-22 19:07:42 -01:30", "2026-11-22T19:07:42.5-08:00", "19:07", "19:07:42",
	} {
		got, err := record.ParseTime(record.Text(s))
		if want := sqliteSeconds(t, db, s); err != nil || got.Unix() != want {
			t.Errorf("%s parses as %v, %v; SQLite says %v", s, got, err, time.Unix(want, 0).UTC())
		}
	}
	if got, err := record.ParseTime(record.Float(2461367.25)); err != nil || got.Unix() != sqliteSeconds(t, db, 2461367.25) {
		t.Errorf("Julian day: %v, %v", got, err)
	}
	if got, err := record.ParseTime(record.Int(1_795_375_662)); err != nil || got.Unix() != 1_795_375_662 {
		t.Errorf("Unix seconds: %v, %v", got, err)
	}
}

func TestParseTimeRejects(t *testing.T) {
	for _, v := range []record.Value{
		record.Null(), record.Text(""), record.Text("yesterday"), record.Text("2026-13-01"), record.Text("2026-11-22 25:00"),
		record.Blob([]byte("2026-11-22")), record.Float(-1), record.Float(1e300),
	} {
		if got, err := record.ParseTime(v); !errors.Is(err, record.ErrTime) {
			t.Errorf("%v parses as %v, %v", v, got, err)
		}
	}
}

// TestStoredTimesAreReadAlike compares the short way, for the zone in which times
// are stored, with the general one.
func TestStoredTimesAreReadAlike(t *testing.T) {
	for _, s := range []string{
		"2026-11-22 19:07:42", "2026-11-22 19:07:42.5", "0000-01-01 00:00:00.000000001", "9999-12-31 23:59:59.999999999",
		"2024-02-29 00:00:00", "2023-02-29 00:00:00", "2026-13-01 00:00:00", "2026-00-01 00:00:00", "2026-01-00 00:00:00",
		"2026-01-01 24:00:00", "2026-01-01 00:60:00", "2026-01-01 00:00:60", "2026-01-01 00:00:00.",
		"2026-01-01 00:00:00.0000000001", "2026-01-01 00:00:00x5", "2026-01-01 00:00:-1", "2026-01-01T00:00:00", "12:30", "",
	} {
		want, wantErr := record.ParseTime(record.Text(s + "Z"))
		got, err := record.ParseTime(record.Text(s + "+00:00"))
		if (err == nil) != (wantErr == nil) || !got.Equal(want) || got.Location() != want.Location() {
			t.Errorf("%s: %v, %v, want %v, %v", s, got, err, want, wantErr)
		}
	}
}

func TestStoredTimesTakeNoMemory(t *testing.T) {
	v := record.Text("2026-11-22 19:07:42.123456789+00:00")
	if n := testing.AllocsPerRun(100, func() {
		if _, err := record.ParseTime(v); err != nil {
			t.Fatal(err)
		}
	}); n > 0 {
		t.Errorf("%v allocations", n)
	}
}
