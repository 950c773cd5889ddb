package shell

import (
	"context"
	"fmt"
	"os"
)

// readCommands are those that take input from files.
func readCommands() []Command {
	return []Command{
		{"read", ".read FILE", "run the SQL and the dot-commands in FILE", 1, 1, (*Shell).read},
		{"import", ".import [--csv|--ascii] [--skip N] FILE TABLE", "insert the rows of FILE; makes TABLE if there is none", 2, -1, (*Shell).importRows},
	}
}

// readsWithin bounds .read in files that .read reads.
const readsWithin = 25

func (s *Shell) read(ctx context.Context, args []string) error {
	if s.depth == readsWithin {
		return fmt.Errorf("read %s: %d files read each other", args[0], readsWithin)
	}
	file, err := os.Open(args[0])
	if err != nil {
		return fmt.Errorf("read: %w", err)
	}
	defer file.Close()
	s.depth++
	s.Script(ctx, file)
	s.depth--
	return nil
}
