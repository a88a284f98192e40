package sqlstore

import (
	"time"

	"github.com/chatelaine-go/chatelaine/access/token"
)

// micros returns a moment as it is stored: microseconds since 1970 in UTC.
// The zero time is 0.
func micros(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMicro()
}

// moment returns a stored moment in UTC; 0 is the zero time.
func moment(us int64) time.Time {
	if us == 0 {
		return time.Time{}
	}
	return time.UnixMicro(us).UTC()
}

// text returns what is stored of an id that may be none, which is NULL then.
func text[T ~string](id T) any {
	if id == "" {
		return nil
	}
	return string(id)
}

// digest returns what is stored of a hash: NULL of none, so that any number of
// rows may have none.
func digest(h token.Hash) any {
	if h == (token.Hash{}) {
		return nil
	}
	return h[:]
}

// flag returns a truth value as it is stored.
func flag(b bool) int64 {
	if b {
		return 1
	}
	return 0
}
