package module

import (
	"reflect"
	"testing"
)

func FuzzParsePlan(f *testing.F) {
	for _, text := range []string{"", "0", "18446744073709551615 0 2 17 72", "1 2", "-1", "1 a 2", " 7  1 4 "} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		p, err := parsePlan(text)
		if err != nil {
			return
		}
		again, err := parsePlan(p.String())
		if err != nil || !reflect.DeepEqual(p, again) {
			t.Fatalf("%q is %v, read again %v, error %v", text, p, again, err)
		}
	})
}
