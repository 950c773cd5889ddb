package bucket

import (
	"bufio"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// EnvironmentCredentials is what credentials are taken from if nothing else is said, as
// AWS's tools take them: AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_SESSION_TOKEN,
// else the profile AWS_PROFILE, or default, of the file AWS_SHARED_CREDENTIALS_FILE, or
// ~/.aws/credentials. Where there are none, requests are not signed.
func EnvironmentCredentials(context.Context) (Credentials, error) {
	c := Credentials{os.Getenv("AWS_ACCESS_KEY_ID"), os.Getenv("AWS_SECRET_ACCESS_KEY"), os.Getenv("AWS_SESSION_TOKEN")}
	if c.AccessKeyID != "" {
		return c, nil
	}
	path := os.Getenv("AWS_SHARED_CREDENTIALS_FILE")
	if path == "" {
		home, err := os.UserHomeDir()
		if err != nil {
			return Credentials{}, nil // a process without a home has no file there
		}
		path = filepath.Join(home, ".aws", "credentials")
	}
	return profile(path, cmp.Or(os.Getenv("AWS_PROFILE"), "default"))
}

// profile reads a section of a file of credentials.
func profile(path, name string) (c Credentials, err error) {
	file, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return c, nil
	}
	if err != nil {
		return c, fmt.Errorf("credentials: %w", err)
	}
	defer file.Close()
	fields := map[string]*string{
		"aws_access_key_id": &c.AccessKeyID, "aws_secret_access_key": &c.SecretAccessKey, "aws_session_token": &c.SessionToken,
	}
	in := false
	lines := bufio.NewScanner(file)
	for lines.Scan() {
		line := strings.TrimSpace(lines.Text())
		if strings.HasPrefix(line, "[") {
			in = strings.TrimSpace(strings.Trim(line, "[]")) == name
			continue
		}
		key, value, _ := strings.Cut(line, "=")
		if field := fields[strings.TrimSpace(key)]; in && field != nil {
			*field = strings.TrimSpace(value)
		}
	}
	if err := lines.Err(); err != nil {
		return Credentials{}, fmt.Errorf("credentials: read %s: %w", path, err)
	}
	return c, nil
}

// StaticCredentials returns the same credentials always.
func StaticCredentials(accessKeyID, secretAccessKey string) CredentialsFunc {
	return func(context.Context) (Credentials, error) {
		return Credentials{AccessKeyID: accessKeyID, SecretAccessKey: secretAccessKey}, nil
	}
}
