package bucket

import (
	"cmp"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/vdbgo/vdb/remote"
)

// location is what a URL says.
type location struct {
	bucket, prefix, region string
	endpoint               *url.URL // nil: AWS's
}

// parse reads s3://bucket/prefix?endpoint=…&region=….
func parse(raw string) (l location, err error) {
	u, err := url.Parse(raw)
	if err != nil || u.Scheme != "s3" || u.Host == "" || u.Port() != "" {
		return l, fmt.Errorf("what should be s3://BUCKET/PREFIX?endpoint=URL&region=NAME: %w", remote.ErrURL)
	}
	if u.User != nil {
		return l, fmt.Errorf("s3://%s: credentials do not belong into the URL, but into the environment: %w", u.Host, remote.ErrURL)
	}
	l.bucket, l.prefix = u.Host, strings.Trim(u.Path, "/")
	for part := range strings.SplitSeq(l.prefix, "/") {
		if part == "." || part == ".." || part == "" && l.prefix != "" {
			return l, fmt.Errorf("s3://%s: %q is no prefix: %w", u.Host, u.Path, remote.ErrURL)
		}
	}
	if l.prefix != "" {
		l.prefix += "/"
	}
	query := u.Query()
	for name := range query {
		if name != "endpoint" && name != "region" {
			return l, fmt.Errorf("s3://%s: %s is neither endpoint nor region: %w", u.Host, name, remote.ErrURL)
		}
	}
	l.region = cmp.Or(query.Get("region"), os.Getenv("AWS_REGION"), os.Getenv("AWS_DEFAULT_REGION"), "us-east-1")
	endpoint := cmp.Or(query.Get("endpoint"), os.Getenv("AWS_ENDPOINT_URL_S3"), os.Getenv("AWS_ENDPOINT_URL"))
	if endpoint == "" {
		return l, nil
	}
	if !strings.Contains(endpoint, "://") {
		endpoint = "https://" + endpoint
	}
	l.endpoint, err = url.Parse(endpoint)
	if err != nil || l.endpoint.Host == "" || l.endpoint.User != nil || l.endpoint.Scheme != "http" && l.endpoint.Scheme != "https" {
		return l, fmt.Errorf("s3://%s: its endpoint is not https://HOST or http://HOST: %w", u.Host, remote.ErrURL)
	}
	return l, nil
}

// base is the bucket's address: a path at an endpoint that is given, a host of its own at
// AWS.
func (l location) base() *url.URL {
	if l.endpoint != nil {
		return &url.URL{Scheme: l.endpoint.Scheme, Host: l.endpoint.Host, Path: strings.TrimSuffix(l.endpoint.Path, "/") + "/" + l.bucket + "/"}
	}
	if strings.Contains(l.bucket, ".") { // does not fit AWS's certificate
		return &url.URL{Scheme: "https", Host: "s3." + l.region + ".amazonaws.com", Path: "/" + l.bucket + "/"}
	}
	return &url.URL{Scheme: "https", Host: l.bucket + ".s3." + l.region + ".amazonaws.com", Path: "/"}
}

// newS3 connects to a location.
func newS3(l location, o Options) *s3 {
	s := &s3{
		signer: signer{credentials: o.Credentials, region: l.region, now: time.Now},
		client: o.Client, base: l.base(), pause: o.Pause,
	}
	if s.credentials == nil {
		s.credentials = EnvironmentCredentials
	}
	if s.client == nil {
		s.client = &http.Client{Transport: &http.Transport{
			Proxy:               http.ProxyFromEnvironment,
			DialContext:         (&net.Dialer{Timeout: 10 * time.Second}).DialContext,
			TLSHandshakeTimeout: 10 * time.Second,
			MaxIdleConnsPerHost: 2 * fetchers,
			IdleConnTimeout:     90 * time.Second,
			DisableCompression:  true,
		}}
	}
	return s
}
