package sqlite

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// command is what an SQL function takes: flags, as a shell's command does, and
// arguments, in any order.
type command struct {
	name string
	// usage names the arguments, for messages.
	usage string
	// least and most bound their number; a negative most does not.
	least, most int
	flags       []flag
	// blank permits empty arguments: else they are a mistake of whoever binds them.
	blank bool
}

// flag is --long, or -s for short.
type flag struct {
	long, short string
	// value names what follows the flag; empty if nothing does.
	value string
	// many permits the flag more than once.
	many bool
}

// String prints the flag as messages list it.
func (f flag) String() string {
	s := "--" + f.long
	if f.short != "" {
		s = "-" + f.short + "/" + s
	}
	if f.value != "" {
		s += " " + f.value
	}
	return s
}

// invocation is what one call of a function was given.
type invocation struct {
	*command
	values map[string][]any // by the flags' long names; nil stands for none
	args   []any
}

// parse takes the arguments of a call apart. After "--" nothing is a flag.
func (c *command) parse(args []any) (*invocation, error) {
	in := &invocation{command: c, values: map[string][]any{}}
	for i := 0; i < len(args); i++ {
		text, ok := args[i].(string)
		switch {
		case args[i] == nil:
			return nil, fmt.Errorf("%s: argument %d is NULL", c.name, i+1)
		case ok && text == "" && !c.blank:
			return nil, fmt.Errorf("%s: argument %d is empty", c.name, i+1)
		case text == "--":
			in.args = append(in.args, args[i+1:]...)
			return in, in.count()
		case !ok || len(text) < 2 || text[0] != '-':
			in.args = append(in.args, args[i])
			continue
		}
		used, err := in.take(text, args[i+1:])
		if err != nil {
			return nil, err
		}
		i += used
	}
	return in, in.count()
}

// count checks the number of arguments.
func (in *invocation) count() error {
	n := len(in.args)
	if n >= in.least && (in.most < 0 || n <= in.most) || n == 0 && len(in.values) > 0 {
		return nil
	}
	return in.misused()
}

// misused says how the function is to be called.
func (in *invocation) misused() error {
	usage := "no arguments"
	if in.usage != "" {
		usage = in.usage
	}
	return fmt.Errorf("%s takes %s%s", in.name, usage, in.known(", and the flags "))
}

func (c *command) known(lead string) string {
	if len(c.flags) == 0 {
		return ""
	}
	list := make([]string, len(c.flags))
	for i, f := range c.flags {
		list[i] = f.String()
	}
	return lead + strings.Join(list, ", ")
}

// take reads one word of flags and returns how many of the words that follow it
// were theirs.
func (in *invocation) take(word string, rest []any) (int, error) {
	if long, ok := strings.CutPrefix(word, "--"); ok {
		return in.takeLong(long, rest)
	}
	for i := 1; i < len(word); i++ {
		f, err := in.find("-"+word[i:i+1], func(f flag) bool { return f.short == word[i:i+1] })
		if err != nil {
			return 0, err
		}
		switch {
		case f.value == "":
			err = in.set(f, nil)
		case i+1 < len(word):
			return 0, in.set(f, word[i+1:])
		default:
			return in.setNext(f, rest)
		}
		if err != nil {
			return 0, err
		}
	}
	return 0, nil
}

func (in *invocation) takeLong(word string, rest []any) (int, error) {
	name, value, joined := strings.Cut(word, "=")
	f, err := in.find("--"+name, func(f flag) bool { return f.long == name })
	switch {
	case err != nil:
		return 0, err
	case joined && f.value == "":
		return 0, fmt.Errorf("%s: flag --%s takes no value", in.name, name)
	case joined:
		return 0, in.set(f, value)
	case f.value == "":
		return 0, in.set(f, nil)
	}
	return in.setNext(f, rest)
}

func (c *command) find(word string, is func(flag) bool) (flag, error) {
	i := slices.IndexFunc(c.flags, is)
	if i < 0 {
		known := c.known("; known are ")
		if known == "" {
			known = "; it has none"
		}
		return flag{}, fmt.Errorf("%s: unknown flag %s%s", c.name, word, known)
	}
	return c.flags[i], nil
}

func (in *invocation) setNext(f flag, rest []any) (int, error) {
	if len(rest) == 0 || rest[0] == nil {
		return 0, fmt.Errorf("%s: flag --%s needs a value: %s", in.name, f.long, f.value)
	}
	return 1, in.set(f, rest[0])
}

func (in *invocation) set(f flag, value any) error {
	if in.has(f.long) && !f.many {
		return fmt.Errorf("%s: flag --%s is given twice", in.name, f.long)
	}
	in.values[f.long] = append(in.values[f.long], value)
	return nil
}

// has tells whether a flag was given.
//
//go:noinline // a program is smaller by its copies
func (in *invocation) has(long string) bool { return len(in.values[long]) > 0 }

// text returns the value of a flag, empty if it was not given.
func (in *invocation) text(long string) string {
	if !in.has(long) {
		return ""
	}
	return textOf(in.values[long][0])
}

// number returns the value of a flag, 0 if it was not given.
func (in *invocation) number(long string) (int, error) {
	if !in.has(long) {
		return 0, nil
	}
	n, err := strconv.Atoi(in.text(long))
	if err != nil || n < 1 {
		return 0, fmt.Errorf("%s: flag --%s: %q is no number from 1", in.name, long, in.text(long))
	}
	return n, nil
}

// arg returns an argument, or what stands for it if it was not given.
func (in *invocation) arg(i int, absent string) string {
	if i >= len(in.args) {
		return absent
	}
	return textOf(in.args[i])
}

// texts returns all arguments.
func (in *invocation) texts() []string {
	texts := make([]string, len(in.args))
	for i, a := range in.args {
		texts[i] = textOf(a)
	}
	return texts
}

// alone refuses flags that contradict each other.
func (in *invocation) alone(longs ...string) error {
	var given []string
	for _, long := range longs {
		if in.has(long) {
			given = append(given, "--"+long)
		}
	}
	if len(given) < 2 {
		return nil
	}
	return fmt.Errorf("%s: %s cannot be used together", in.name, strings.Join(given, " and "))
}

// needs refuses a call that has fewer or more arguments than its flags ask for.
func (in *invocation) needs(least, most int) error {
	if n := len(in.args); n < least || n > most {
		return in.misused()
	}
	return nil
}

// textOf returns an argument as text.
func textOf(v any) string {
	switch v := v.(type) {
	case string:
		return v
	case []byte:
		return string(v)
	case nil:
		return ""
	}
	return fmt.Sprint(v)
}
