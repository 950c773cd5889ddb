package sqlite

import (
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
)

// source makes the choices of a differential test: at random, or as the bytes of a
// fuzzer say.
type source struct {
	random *rand.Rand // nil: the bytes
	bytes  []byte
}

func seededSource(seed uint64) *source {
	return &source{random: rand.New(rand.NewPCG(seed, 1))}
}

// spent tells whether there is nothing left to choose by.
func (s *source) spent() bool { return s.random == nil && len(s.bytes) == 0 }

// n chooses one of n numbers from 0 on.
func (s *source) n(n int) int {
	if s.random != nil {
		return s.random.IntN(n)
	}
	v := 0
	for limit := 1; limit < n && len(s.bytes) > 0; limit <<= 8 {
		v = v<<8 | int(s.bytes[0])
		s.bytes = s.bytes[1:]
	}
	return v % n
}

// one says yes once in n times.
func (s *source) one(n int) bool { return s.n(n) == 0 }

func pick[T any](s *source, of []T) T { return of[s.n(len(of))] }

// maybe returns a text once in n times, else nothing.
func (s *source) maybe(n int, text string) string {
	if s.one(n) {
		return text
	}
	return ""
}

// value chooses a value to bind: mostly small and likely to be there already,
// sometimes on an edge.
func (s *source) value() any {
	switch s.n(12) {
	case 0:
		return nil
	case 1:
		return pick(s, []any{int64(1<<53 + 1), int64(1 << 62), int64(math.MinInt64), int64(-1), int64(127), int64(128), int64(-32769), int64(1 << 47)})
	case 2:
		return pick(s, []any{0.5, math.Copysign(0, -1), 3.0, -7.0, 1e300, 1e18, float64(1 << 53), math.NaN(), math.Inf(1), -2.25, 0.1})
	case 3:
		return pick(s, []any{"a\x00b", "\xff\xfe", "", "12", "1.5", " 7", "1e3", "abc", "ABC", "abc  ", "é", "0x10", "\x00"})
	case 4:
		return pick(s, [][]byte{{}, {0}, []byte("abc"), {0xff, 0x00, 0x80}})
	case 5:
		return s.text()
	case 6:
		return []byte(s.text())
	case 7:
		return fmt.Sprintf("k%d", s.n(30))
	}
	return int64(s.n(40))
}

// text chooses a text that may be long.
func (s *source) text() string {
	size := pick(s, []int{1, 5, 40, 300, 300, 1000, 2000, 4000, 9000})
	if s.one(50) {
		size = 20_000 + s.n(90_000)
	}
	unit := fmt.Sprintf("%c%d ", 'a'+rune(s.n(26)), s.n(1000))
	return strings.Repeat(unit, size/len(unit)+1)[:size]
}

// writeLiteral writes a value as SQL has it.
func writeLiteral(v any) string {
	switch v := v.(type) {
	case nil:
		return "NULL"
	case int64:
		if v == math.MinInt64 {
			return "(-9223372036854775807-1)"
		}
		return fmt.Sprint(v)
	case float64:
		switch {
		case math.IsNaN(v):
			return "NULL"
		case math.IsInf(v, 0):
			return "9e999"
		}
		return fmt.Sprintf("%.17e", v)
	case string:
		if strings.ContainsRune(v, 0) {
			return fmt.Sprintf("CAST(X'%x' AS TEXT)", v)
		}
		return "'" + strings.ReplaceAll(v, "'", "''") + "'"
	}
	return fmt.Sprintf("X'%x'", v)
}
