// Package child runs a test binary again, as another process: for tests of what
// several processes do at once, and of what one leaves that is killed. It is for tests
// alone.
//
//	func TestMain(m *testing.M) { child.Main(m, map[string]child.Role{"writer": write}) }
//
//	lines, err := child.Killed(child.Command("writer", 1, dir), time.Second)
package child

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"
)

// Role is what a child does, by its number and the path of a database.
type Role func(number int, path string) error

// variable tells a test binary that it is a child: "role number path".
const variable = "VDB_TEST_CHILD"

// Main runs the tests, or what a child is to do.
func Main(m *testing.M, roles map[string]Role) {
	text := os.Getenv(variable)
	if text == "" {
		os.Exit(m.Run())
	}
	if err := play(text, roles); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func play(text string, roles map[string]Role) error {
	parts := strings.SplitN(text, " ", 3)
	role, ok := roles[parts[0]]
	if !ok || len(parts) < 3 {
		return fmt.Errorf("child: role %q", text)
	}
	number, err := strconv.Atoi(parts[1])
	if err != nil {
		return fmt.Errorf("child: role %q: %w", text, err)
	}
	return role(number, parts[2])
}

// Command returns what starts the test binary again.
func Command(role string, number int, path string) *exec.Cmd {
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), fmt.Sprintf("%s=%s %d %s", variable, role, number, path))
	cmd.Stderr = os.Stderr
	return cmd
}

// Killed runs a child until it is killed and returns the lines that it has printed. One
// without an end is none. It is an error if the child has ended before.
func Killed(cmd *exec.Cmd, after time.Duration) (printed []string, err error) {
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	timer := time.AfterFunc(after, func() { _ = cmd.Process.Kill() })
	defer timer.Stop()
	lines := bufio.NewReader(out)
	for {
		line, err := lines.ReadString('\n')
		if err == io.EOF {
			break
		}
		if err != nil {
			return nil, err
		}
		printed = append(printed, strings.TrimSpace(line))
	}
	if err := cmd.Wait(); err == nil || !strings.Contains(err.Error(), "killed") {
		return nil, fmt.Errorf("child: it was not killed: %w", err)
	}
	return printed, nil
}
