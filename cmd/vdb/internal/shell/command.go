package shell

import (
	"context"
	"fmt"
	"slices"
	"sort"
	"strings"
)

// Command is a dot-command.
type Command struct {
	Name  string
	Usage string
	Does  string

	least, most int // arguments; most < 0 is any number
	run         func(*Shell, context.Context, []string) error
}

// Commands returns the dot-commands, by name.
func Commands() []Command {
	commands := slices.Concat(settingCommands(), readCommands(), schemaCommands())
	sort.Slice(commands, func(i, j int) bool { return commands[i].Name < commands[j].Name })
	return commands
}

// dot runs a line with a dot-command.
func (s *Shell) dot(ctx context.Context, line string) {
	words, err := splitWords(strings.TrimPrefix(line, "."))
	if err == nil && len(words) == 0 {
		err = errUnknown(".")
	}
	if err == nil {
		err = s.command(ctx, words[0], words[1:])
	}
	if err != nil {
		s.report(err)
	}
}

func (s *Shell) command(ctx context.Context, name string, args []string) error {
	c, err := find(name)
	if err != nil {
		return err
	}
	if len(args) < c.least || c.most >= 0 && len(args) > c.most {
		return errUsage(c)
	}
	ctx, stop := s.interrupt(ctx)
	defer stop()
	return c.run(s, ctx, args)
}

// find returns the command of a name, or of an abbreviation that fits one alone;
// among several the names that are older in the shell of SQLite win.
func find(name string) (Command, error) {
	if long, ok := map[string]string{"q": "quit", "indices": "indexes", "h": "help", "s": "schema"}[name]; ok {
		name = long
	}
	var found []Command
	for _, c := range Commands() {
		if c.Name == name {
			return c, nil
		}
		if strings.HasPrefix(c.Name, name) {
			found = append(found, c)
		}
	}
	switch len(found) {
	case 0:
		return Command{}, errUnknown("." + name)
	case 1:
		return found[0], nil
	}
	var names []string
	for _, c := range found {
		names = append(names, "."+c.Name)
	}
	return Command{}, fmt.Errorf("%q may be %s", "."+name, strings.Join(names, ", "))
}

// help is .help: all commands, or those that begin with a word.
func (s *Shell) help(_ context.Context, args []string) error {
	prefix := ""
	if len(args) > 0 {
		prefix = strings.TrimPrefix(args[0], ".")
	}
	found := false
	for _, c := range Commands() {
		if strings.HasPrefix(c.Name, prefix) {
			found = true
			fmt.Fprintf(s.out, "%-34s %s\n", c.Usage, c.Does)
		}
	}
	if !found {
		return errUnknown("." + prefix)
	}
	return nil
}

// on reads a switch's position.
func on(word string) (bool, error) {
	switch strings.ToLower(word) {
	case "on", "yes", "1", "true":
		return true, nil
	case "off", "no", "0", "false":
		return false, nil
	}
	return false, fmt.Errorf("%q is neither on nor off", word)
}
