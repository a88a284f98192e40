package sqlstore

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/chatelaine-go/chatelaine/access/token"
	"github.com/chatelaine-go/chatelaine/mail"
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

// blob returns what is stored of bytes: NULL of none.
func blob(b []byte) any {
	if len(b) == 0 {
		return nil
	}
	return b
}

// lastYear is the last one that JSON has a date in.
const lastYear = 9999

// written returns what is stored of a message's data: JSON, and nothing of none.
func written(d mail.Data) string {
	d.ExpiresAt, d.At = moment(micros(d.ExpiresAt)), moment(micros(d.At))
	if d == (mail.Data{}) {
		return ""
	}
	text, _ := json.Marshal(d) //nolint:errchkjson // it fails for years that check has refused, and for nothing else
	return string(text)
}

// data is the reverse of written.
func data(text string) (d mail.Data, err error) {
	if text == "" {
		return d, nil
	}
	if err = json.Unmarshal([]byte(text), &d); err != nil {
		return d, fmt.Errorf("sqlstore: the data of a message cannot be read: %w", err)
	}
	return d, nil
}

// flag returns a truth value as it is stored.
func flag(b bool) int64 {
	if b {
		return 1
	}
	return 0
}
