package shell

import (
	"errors"
	"strconv"
	"strings"
)

// splitWords cuts a line into words: separated by blanks, or quoted. A backslash has
// the meaning that it has in C, but not in single quotes.
func splitWords(line string) ([]string, error) {
	var words []string
	for {
		line = strings.TrimLeft(line, " \t\r\n\f\v")
		if line == "" {
			return words, nil
		}
		word, rest, err := nextWord(line)
		if err != nil {
			return nil, err
		}
		words = append(words, word)
		line = rest
	}
}

var errQuote = errors.New("a quote is not closed")

// nextWord returns the first word of a line, and what follows it.
func nextWord(line string) (word, rest string, err error) {
	switch line[0] {
	case '\'':
		word, rest, found := strings.Cut(line[1:], "'")
		if !found {
			return "", "", errQuote
		}
		return word, rest, nil
	case '"':
		return nextQuoted(line[1:])
	}
	end := strings.IndexAny(line, " \t\r\n\f\v")
	if end < 0 {
		end = len(line)
	}
	return unescape(line[:end]), line[end:], nil
}

func nextQuoted(line string) (word, rest string, err error) {
	for i := 0; i < len(line); i++ {
		switch line[i] {
		case '\\':
			i++
		case '"':
			return unescape(line[:i]), line[i+1:], nil
		}
	}
	return "", "", errQuote
}

// unescape replaces escapes with what they stand for; what is no escape stays.
func unescape(text string) string {
	var b strings.Builder
	for text != "" {
		r, multibyte, rest, err := strconv.UnquoteChar(text, '"')
		if err != nil {
			b.WriteByte(text[0])
			text = text[1:]
			continue
		}
		if multibyte {
			b.WriteRune(r)
		} else {
			b.WriteByte(byte(r))
		}
		text = rest
	}
	return b.String()
}
