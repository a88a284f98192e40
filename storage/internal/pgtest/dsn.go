package pgtest

import (
	"net"
	"net/url"
	"strings"
)

// A DSN is a URL, or keywords and values of which the last of two counts.

func isURL(dsn string) bool {
	return strings.HasPrefix(dsn, "postgres://") || strings.HasPrefix(dsn, "postgresql://")
}

// withDatabase returns the DSN of another database on the same server. The name is
// one of ours and needs no quoting.
func withDatabase(dsn, name string) string {
	u, err := url.Parse(dsn)
	if !isURL(dsn) || err != nil {
		return strings.TrimSpace(dsn + " dbname=" + name)
	}
	u.Path = "/" + name
	dropParameters(u, "dbname", "database")
	return u.String()
}

// withAddress returns the DSN of the same database through a TCP address that
// speaks no TLS.
func withAddress(dsn, address string) string {
	host, port, _ := net.SplitHostPort(address)
	u, err := url.Parse(dsn)
	if !isURL(dsn) || err != nil {
		return strings.TrimSpace(dsn + " host=" + host + " port=" + port + " sslmode=disable")
	}
	u.Host = address
	dropParameters(u, "host", "hostaddr", "port", "sslmode", "sslnegotiation")
	u.RawQuery = strings.TrimPrefix(u.RawQuery+"&sslmode=disable", "&")
	return u.String()
}

func dropParameters(u *url.URL, names ...string) {
	query := u.Query()
	for _, name := range names {
		query.Del(name)
	}
	u.RawQuery = query.Encode()
}
