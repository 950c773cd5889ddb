package shell

import (
	"context"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/vdbgo/vdb/cmd/vdb/internal/format"
)

// settingCommands are those about how the shell works and prints.
func settingCommands() []Command {
	return []Command{
		toggle("bail", "end a script at its first error", func(s *Shell) *bool { return &s.Bail }),
		toggle("changes", "print how many rows a statement changed", func(s *Shell) *bool { return &s.changes }),
		toggle("echo", "print each statement before its results", func(s *Shell) *bool { return &s.echo }),
		toggle("timer", "print how long a statement took", func(s *Shell) *bool { return &s.timer }),
		{"headers", ".headers on|off", "print the columns' names", 1, 1, (*Shell).setHeaders},
		{"help", ".help [COMMAND]", "list the commands", 0, 1, (*Shell).help},
		{"mode", ".mode [MODE [TABLE]]", "how rows are printed: " + modes(), 0, 2, (*Shell).setMode},
		{"nullvalue", ".nullvalue TEXT", "print TEXT for NULL", 1, 1, (*Shell).setNull},
		{"output", ".output [FILE]", "send results to FILE, or to standard output again", 0, 1, func(s *Shell, _ context.Context, args []string) error {
			return s.setOutput(strings.Join(args, ""), false)
		}},
		{"once", ".once FILE", "send the next result to FILE", 1, 1, func(s *Shell, _ context.Context, args []string) error {
			return s.setOutput(args[0], true)
		}},
		{"print", ".print TEXT...", "print TEXT", 0, -1, func(s *Shell, _ context.Context, args []string) error {
			_, err := fmt.Fprintln(s.out, strings.Join(args, " "))
			return err
		}},
		{"quit", ".quit", "leave the shell", 0, 0, (*Shell).exit},
		{"exit", ".exit [CODE]", "leave the shell with an exit code", 0, 1, (*Shell).exit},
		{"separator", ".separator COLUMN [ROW]", "what to print between values, and after rows", 1, 2, (*Shell).setSeparator},
		{"show", ".show", "show the settings", 0, 0, (*Shell).show},
		{"timeout", ".timeout MILLISECONDS", "how long to wait for another writer", 1, 1, (*Shell).setTimeout},
		{"width", ".width N...", "the columns' widths in aligned modes; negative aligns right", 0, -1, (*Shell).setWidths},
		{"cd", ".cd DIRECTORY", "change the working directory", 1, 1, func(_ *Shell, _ context.Context, args []string) error {
			return os.Chdir(args[0])
		}},
	}
}

func modes() string {
	var names []string
	for _, m := range format.Modes() {
		names = append(names, string(m))
	}
	return strings.Join(names, " ")
}

// toggle is a command that turns a setting on or off.
func toggle(name, does string, setting func(*Shell) *bool) Command {
	return Command{name, "." + name + " on|off", does, 1, 1, func(s *Shell, _ context.Context, args []string) error {
		value, err := on(args[0])
		if err == nil {
			*setting(s) = value
		}
		return err
	}}
}

func (s *Shell) setHeaders(_ context.Context, args []string) error {
	value, err := on(args[0])
	if err != nil {
		return err
	}
	s.Style.Headers, s.headersSet = value, true
	return nil
}

func (s *Shell) setMode(_ context.Context, args []string) error {
	if len(args) == 0 {
		_, err := fmt.Fprintf(s.out, "current output mode: %s\n", s.Style.Mode)
		return err
	}
	mode := format.Mode(strings.ToLower(args[0]))
	if err := s.Style.Use(mode); err != nil {
		return err
	}
	if mode == format.Column && !s.headersSet {
		s.Style.Headers = true
	}
	if mode == format.Insert {
		s.Style.Table = "table"
		if len(args) > 1 {
			s.Style.Table = args[1]
		}
	}
	return nil
}

func (s *Shell) setNull(_ context.Context, args []string) error {
	s.Style.Null = args[0]
	return nil
}

func (s *Shell) setSeparator(_ context.Context, args []string) error {
	s.Style.ColumnSeparator = args[0]
	if len(args) > 1 {
		s.Style.RowSeparator = args[1]
	}
	return nil
}

func (s *Shell) setWidths(_ context.Context, args []string) error {
	var widths []int
	for _, arg := range args {
		width, err := strconv.Atoi(arg)
		if err != nil {
			return fmt.Errorf("width %q is no number", arg)
		}
		widths = append(widths, width)
	}
	s.Style.Widths = widths
	return nil
}

func (s *Shell) setTimeout(ctx context.Context, args []string) error {
	wait, err := time.ParseDuration(args[0] + "ms")
	if err != nil {
		return fmt.Errorf("timeout %q is no number of milliseconds", args[0])
	}
	rows, err := s.conn.QueryContext(ctx, fmt.Sprintf("PRAGMA busy_timeout=%d", wait.Milliseconds()))
	if err != nil {
		return err
	}
	return rows.Close()
}

func (s *Shell) exit(_ context.Context, args []string) error {
	s.quit = true
	if len(args) == 0 {
		return nil
	}
	status, err := strconv.Atoi(args[0])
	if err != nil || status < 0 || status > 255 {
		return fmt.Errorf("exit code %q is not between 0 and 255", args[0])
	}
	s.status = status
	return nil
}

func (s *Shell) show(context.Context, []string) error {
	word := map[bool]string{true: "on", false: "off"}
	var widths strings.Builder
	for _, width := range s.Style.Widths {
		fmt.Fprintf(&widths, "%d ", width)
	}
	target := "stdout"
	if s.out.file != nil {
		target = s.out.file.Name()
	}
	for _, setting := range [][2]string{
		{"bail", word[s.Bail]},
		{"changes", word[s.changes]},
		{"echo", word[s.echo]},
		{"headers", word[s.Style.Headers]},
		{"mode", string(s.Style.Mode)},
		{"nullvalue", strconv.Quote(s.Style.Null)},
		{"output", target},
		{"colseparator", strconv.Quote(s.Style.ColumnSeparator)},
		{"rowseparator", strconv.Quote(s.Style.RowSeparator)},
		{"timer", word[s.timer]},
		{"width", widths.String()},
	} {
		fmt.Fprintf(s.out, "%12s: %s\n", setting[0], setting[1])
	}
	return nil
}
