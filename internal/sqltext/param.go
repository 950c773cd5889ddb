package sqltext

import "strconv"

// Params returns the parameters of a statement by position, one for each place
// where one stands, with the numbers that SQLite gives them: a bare ? has the
// number after the highest so far, ?N has the number N, and a name has the number
// that it had before, or else the number after the highest. Index is 0 if N is not a
// number that SQLite takes.
func Params(sql string) []Param {
	var params []Param
	highest := 0
	scan := NewScanner(sql)
	for t := scan.Next(); t.Kind != EOF; t = scan.Next() {
		if t.Kind != Variable {
			continue
		}
		p := Param{Span: t.Span(), Name: t.Of(sql)}
		switch {
		case p.Name == "?":
			p.Name, p.Index = "", highest+1
		case p.Name[0] == '?':
			p.Index = paramNumber(p.Name[1:])
		default:
			p.Index = namedIndex(params, p.Name, highest+1)
		}
		highest = max(highest, p.Index)
		params = append(params, p)
	}
	return params
}

// highestParam is SQLite's limit as it is compiled in.
const highestParam = 32766

func paramNumber(digits string) int {
	n, err := strconv.Atoi(digits)
	if err != nil || n > highestParam {
		return 0
	}
	return n
}

func namedIndex(params []Param, name string, next int) int {
	for _, p := range params {
		if p.Name == name {
			return p.Index
		}
	}
	return next
}
