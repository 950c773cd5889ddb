package record

import (
	"fmt"
	"math"
	"strings"
	"time"
)

// timeLayout is SQLite's date and time, in UTC and with as much of a fraction as
// there is. Such texts sort by time: '+' sorts before '.' and before digits.
const timeLayout = "2006-01-02 15:04:05.999999999-07:00"

// FormatTime returns the text in which a time is stored: in UTC, to the
// nanosecond, such as "2026-11-22 19:07:42.5+00:00". Texts of times sort as the
// times do, and SQLite's date functions read them. The time's zone is lost. Years
// before 0 or after 9999 have no text: [ErrTime].
func FormatTime(t time.Time) (string, error) {
	t = t.UTC()
	if y := t.Year(); y < 0 || y > 9999 {
		return "", fmt.Errorf("record: format time: year %d: %w", y, ErrTime)
	}
	return t.Format(timeLayout), nil
}

// timeLayouts are the texts that SQLite takes for a time, less the zone and the
// fraction, which time.Parse reads after any seconds. A time without a date is
// on 2000-01-01. https://www.sqlite.org/lang_datefunc.html
var timeLayouts = [...]string{
	"2006-01-02 15:04:05",
	"2006-01-02T15:04:05",
	"2006-01-02 15:04",
	"2006-01-02T15:04",
	"2006-01-02",
	"15:04:05",
	"15:04",
}

// ParseTime reads a time from what FormatTime wrote and from the other forms that
// SQLite's date functions know: a text with or without time, fraction and zone
// (UTC without), an INTEGER of Unix seconds, a REAL of Julian days. The result is
// in UTC. Other values are [ErrTime].
func ParseTime(v Value) (time.Time, error) {
	switch v.Kind() {
	case KindInteger:
		return time.Unix(v.Int(), 0).UTC(), nil
	case KindReal:
		return parseJulian(v.Float())
	case KindText:
		if t, ok := parseStored(v.Bytes()); ok {
			return t, nil
		}
		return parseTimeText(v.Text())
	}
	return time.Time{}, timeError(v)
}

// parseStored reads what FormatTime wrote, without allocation. Whatever looks
// otherwise it leaves to parseTimeText.
func parseStored(b []byte) (time.Time, bool) {
	const whole, zone = len("2006-01-02 15:04:05"), "+00:00"
	n := len(b) - len(zone)
	if n < whole || string(b[n:]) != zone || b[4] != '-' || b[7] != '-' || b[10] != ' ' || b[13] != ':' || b[16] != ':' {
		return time.Time{}, false
	}
	year, month, day := digits(b[:4]), digits(b[5:7]), digits(b[8:10])
	hour, minute, second := digits(b[11:13]), digits(b[14:16]), digits(b[17:19])
	nanos, ok := fraction(b[whole:n])
	if min(year, month, day, hour, minute, second) < 0 || hour > 23 || minute > 59 || second > 59 || !ok {
		return time.Time{}, false
	}
	t := time.Date(year, time.Month(month), day, hour, minute, second, nanos, time.UTC)
	return t, int(t.Month()) == month && t.Day() == day
}

// digits reads a decimal number; -1 if there is anything else.
func digits(b []byte) int {
	n := 0
	for _, c := range b {
		if c < '0' || c > '9' {
			return -1
		}
		n = 10*n + int(c-'0')
	}
	return n
}

// fraction reads nothing, or a dot and up to nine digits, as nanoseconds.
func fraction(b []byte) (nanos int, ok bool) {
	if len(b) == 0 {
		return 0, true
	}
	nanos = digits(b[1:])
	if b[0] != '.' || len(b) < 2 || len(b) > 10 || nanos < 0 {
		return 0, false
	}
	for range 10 - len(b) {
		nanos *= 10
	}
	return nanos, true
}

func timeError(v Value) error { return fmt.Errorf("record: parse time: %v: %w", v, ErrTime) }

func parseTimeText(s string) (time.Time, error) {
	trimmed := strings.TrimSpace(s)
	for _, layout := range timeLayouts {
		for _, zone := range [...]string{"", "-07:00", " -07:00", "Z07:00"} {
			if t, err := time.Parse(layout+zone, trimmed); err == nil {
				return onSomeDay(t, layout).UTC(), nil
			}
		}
	}
	return time.Time{}, timeError(Text(s))
}

// onSomeDay puts a time without a date on SQLite's day.
func onSomeDay(t time.Time, layout string) time.Time {
	if strings.HasPrefix(layout, "15") {
		return t.AddDate(2000-t.Year(), 0, 0)
	}
	return t
}

// The Julian day of the Unix epoch, and of the end of the year 9999.
const (
	julianUnix = 2440587.5
	julianEnd  = 5373484.5
)

// parseJulian reads a Julian day, to the millisecond as SQLite does.
func parseJulian(days float64) (time.Time, error) {
	if !(days >= 0 && days < julianEnd) {
		return time.Time{}, timeError(Float(days))
	}
	return time.UnixMilli(int64(math.Round((days - julianUnix) * 86_400_000))).UTC(), nil
}
