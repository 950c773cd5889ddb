package bucket

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
)

// Credentials are what S3 asks for. They are never stored, and never in errors.
type Credentials struct {
	AccessKeyID     string
	SecretAccessKey string
	SessionToken    string // of temporary ones
}

// CredentialsFunc returns the credentials to use now. Those that expire are to be
// renewed by it; it is asked before each request.
type CredentialsFunc func(ctx context.Context) (Credentials, error)

// signer signs requests as AWS's Signature Version 4 says.
type signer struct {
	credentials CredentialsFunc
	region      string
	now         func() time.Time
}

const emptySum = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

// sign adds the headers that authenticate a request with that body.
func (s *signer) sign(ctx context.Context, r *http.Request, body []byte) error {
	c, err := s.credentials(ctx)
	if err != nil || c.AccessKeyID == "" {
		return err // without credentials: public buckets can be read
	}
	sum := emptySum
	if len(body) > 0 {
		sum = hexSum(body)
	}
	now := s.now().UTC()
	r.Header.Set("X-Amz-Date", now.Format("20060102T150405Z"))
	r.Header.Set("X-Amz-Content-Sha256", sum)
	if c.SessionToken != "" {
		r.Header.Set("X-Amz-Security-Token", c.SessionToken)
	}
	headers, signed := canonicalHeaders(r)
	request := strings.Join([]string{r.Method, r.URL.EscapedPath(), canonicalQuery(r.URL.Query()), headers, signed, sum}, "\n")
	scope := now.Format("20060102") + "/" + s.region + "/s3/aws4_request"
	text := strings.Join([]string{"AWS4-HMAC-SHA256", now.Format("20060102T150405Z"), scope, hexSum([]byte(request))}, "\n")
	key := []byte("AWS4" + c.SecretAccessKey)
	for part := range strings.SplitSeq(scope, "/") {
		key = hmacSum(key, part)
	}
	r.Header.Set("Authorization", fmt.Sprintf("AWS4-HMAC-SHA256 Credential=%s/%s, SignedHeaders=%s, Signature=%s",
		c.AccessKeyID, scope, signed, hex.EncodeToString(hmacSum(key, text))))
	return nil
}

// canonicalHeaders returns the headers that are signed, and their names.
func canonicalHeaders(r *http.Request) (headers, signed string) {
	values := map[string]string{"host": r.URL.Host}
	for name, value := range r.Header {
		if name = strings.ToLower(name); strings.HasPrefix(name, "x-amz-") || strings.HasPrefix(name, "if-") {
			values[name] = strings.TrimSpace(value[0])
		}
	}
	names := make([]string, 0, len(values))
	for name := range values {
		names = append(names, name)
	}
	slices.Sort(names)
	var b strings.Builder
	for _, name := range names {
		b.WriteString(name + ":" + values[name] + "\n")
	}
	return b.String(), strings.Join(names, ";")
}

func canonicalQuery(query url.Values) string {
	var parts []string
	for name, values := range query {
		for _, value := range values {
			parts = append(parts, escape(name, "")+"="+escape(value, ""))
		}
	}
	slices.Sort(parts)
	return strings.Join(parts, "&")
}

// escape percent-encodes all but what RFC 3986 calls unreserved, and what is kept.
func escape(s, keep string) string {
	var b strings.Builder
	for i := range len(s) {
		switch c := s[i]; {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9', strings.IndexByte("-._~"+keep, c) >= 0:
			b.WriteByte(c)
		default:
			fmt.Fprintf(&b, "%%%02X", c)
		}
	}
	return b.String()
}

func hexSum(data []byte) string {
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:])
}

func hmacSum(key []byte, text string) []byte {
	m := hmac.New(sha256.New, key)
	m.Write([]byte(text))
	return m.Sum(nil)
}
