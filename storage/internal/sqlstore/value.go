package sqlstore

import (
	"encoding/hex"
	"encoding/json"
	"fmt"
	"iter"
	"strconv"
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

// array returns values as the text of an array of PostgreSQL: any driver can send
// that, in any mode, and the server reads it as what the statement casts it to.
func array(values iter.Seq[any]) string {
	b := []byte{'{'}
	for v := range values {
		if len(b) > 1 {
			b = append(b, ',')
		}
		switch v := v.(type) {
		case int64:
			b = strconv.AppendInt(b, v, 10)
		case []byte:
			b = append(hex.AppendEncode(append(b, `"\\x`...), v), '"')
		case string:
			b = append(b, '"')
			for i := range len(v) {
				if v[i] == '"' || v[i] == '\\' {
					b = append(b, '\\')
				}
				b = append(b, v[i])
			}
			b = append(b, '"')
		default:
			b = append(b, "NULL"...)
		}
	}
	return string(append(b, '}'))
}

// arrays returns rows of values, one behind the other, as an array for each column.
func arrays(values []any, width int) []any {
	cols := make([]any, width, width+2)
	for i := range cols {
		cols[i] = array(func(yield func(any) bool) {
			for at := i; at < len(values) && yield(values[at]); at += width {
			}
		})
	}
	return cols
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
