package sqlite

import (
	"math"
	"testing"
)

func TestJSONObject(t *testing.T) {
	names := []string{"a", "b<c", "blob", "none", "big"}
	values := []any{int64(1), `<b> & "c"`, []byte{1, 0xff}, nil, math.Inf(1)}
	const want = `{"a":1,"b<c":"<b> & \"c\"","blob":"01ff","none":null,"big":"+Inf"}`
	if got := jsonObject(names, values); got != want {
		t.Errorf("%s, want %s", got, want)
	}
}
