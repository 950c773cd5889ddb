package format

// frame is what an aligned mode draws around values.
type frame struct {
	side                        string // at both ends of a row
	inner                       string // between values
	top, below, between, bottom rule
}

// rule is a line across a table: dashes, more than a column is wide, between marks.
type rule struct {
	left, dash, cross, right string
	more                     int
}

func (f frame) left() string {
	if f.side == "" {
		return ""
	}
	return f.side + " "
}

func (f frame) right() string {
	if f.side == "" {
		return ""
	}
	return " " + f.side
}

func frameOf(m Mode) frame {
	switch m {
	case Table:
		line := rule{"+", "-", "+", "+", 2}
		return frame{"|", " | ", line, line, line, line}
	case Box:
		middle := rule{"├", "─", "┼", "┤", 2}
		return frame{"│", " │ ", rule{"┌", "─", "┬", "┐", 2}, middle, middle, rule{"└", "─", "┴", "┘", 2}}
	case Markdown:
		return frame{side: "|", inner: " | ", below: rule{"|", "-", "|", "|", 2}}
	}
	// An empty line stands between the rows where there are rows of several lines.
	return frame{inner: "  ", below: rule{"", "-", "  ", "", 0}, between: rule{left: "", right: "", dash: "", cross: "", more: 1}}
}
