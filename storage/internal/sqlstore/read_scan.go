package sqlstore

import (
	"context"
	"fmt"
	"time"

	"github.com/chatelaine-go/chatelaine/accounts"
	"github.com/chatelaine-go/chatelaine/mail"
)

// Destinations for one column each. They scan themselves, which spares
// reflection on the way from the driver, and take NULL as the zero value: a
// row that an outer join did not find is then the zero value of its noun,
// without a COALESCE around each column.
type (
	asText  string
	asInt   int64
	asCount int
	asDay   accounts.Day
	asBool  bool
	asTime  time.Time
	asHash  [32]byte
	asRank  mail.Priority
	asBytes []byte
)

// whole returns an integer column.
func whole(src any) (int64, error) {
	switch v := src.(type) {
	case int64:
		return v, nil
	case nil:
		return 0, nil
	}
	return 0, fmt.Errorf("sqlstore: a column has the type %T, not an integer", src)
}

// Scan implements sql.Scanner.
func (d *asText) Scan(src any) error {
	switch v := src.(type) {
	case string:
		*d = asText(v)
	case []byte:
		*d = asText(v)
	case nil:
		*d = ""
	default:
		return fmt.Errorf("sqlstore: a column has the type %T, not text", src)
	}
	return nil
}

// Scan implements sql.Scanner.
func (d *asInt) Scan(src any) error {
	v, err := whole(src)
	*d = asInt(v)
	return err
}

// Scan implements sql.Scanner.
func (d *asCount) Scan(src any) error {
	v, err := whole(src)
	*d = asCount(v)
	return err
}

// Scan implements sql.Scanner.
func (d *asDay) Scan(src any) error {
	v, err := whole(src)
	*d = asDay(v) //nolint:gosec // only days are stored in such a column
	return err
}

// Scan implements sql.Scanner.
func (d *asRank) Scan(src any) error {
	v, err := whole(src)
	*d = asRank(v) //nolint:gosec // only priorities are stored in such a column
	return err
}

// Scan implements sql.Scanner.
func (d *asBool) Scan(src any) error {
	v, err := whole(src)
	*d = v != 0
	return err
}

// Scan implements sql.Scanner.
func (d *asTime) Scan(src any) error {
	v, err := whole(src)
	*d = asTime(moment(v))
	return err
}

// Scan implements sql.Scanner.
func (d *asHash) Scan(src any) error {
	switch v := src.(type) {
	case []byte:
		if len(v) != len(d) {
			return fmt.Errorf("sqlstore: a stored hash has %d bytes, not %d", len(v), len(d))
		}
		copy(d[:], v)
	case nil:
		*d = asHash{}
	default:
		return fmt.Errorf("sqlstore: a column has the type %T, not bytes", src)
	}
	return nil
}

// Scan implements sql.Scanner.
func (d *asBytes) Scan(src any) error {
	switch v := src.(type) {
	case []byte:
		*d = append(asBytes{}, v...)
	case string:
		*d = asBytes(v)
	case nil:
		*d = nil
	default:
		return fmt.Errorf("sqlstore: a column has the type %T, not bytes", src)
	}
	return nil
}

// each runs a statement, scans one row after the other into dest, and calls
// row after each. With an error, whatever row made of the rows before it is no
// answer.
func (r *Reads) each(ctx context.Context, text string, args, dest []any, row func()) (err error) {
	rows, err := r.query(ctx, text, args...)
	if err != nil {
		return err
	}
	defer func() {
		if cerr := rows.Close(); err == nil {
			err = cerr
		}
	}()
	for rows.Next() {
		if err := rows.Scan(dest...); err != nil {
			return err
		}
		row()
	}
	return rows.Err()
}

// list reads rows of one shape.
func list[T any](ctx context.Context, r *Reads, bind func([]any, *T) []any, text string, args ...any) ([]T, error) {
	var v T
	var all []T
	if err := r.each(ctx, text, args, bind(nil, &v), func() { all = append(all, v) }); err != nil {
		return nil, err
	}
	return all, nil
}

// get reads one row, or answers accounts.ErrNotFound.
func get[T any](ctx context.Context, r *Reads, bind func([]any, *T) []any, text string, args ...any) (T, error) {
	var v, none T
	found := false
	if err := r.each(ctx, text, args, bind(nil, &v), func() { found = true }); err != nil {
		return none, err
	}
	if !found {
		return none, accounts.ErrNotFound
	}
	return v, nil
}
