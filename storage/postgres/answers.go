package postgres

import (
	"encoding/binary"
	"fmt"
	"strconv"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgtype"

	"github.com/chatelaine-go/chatelaine/storage/internal/sqlstore"
)

// answers is an answer of pgx as the reads take it.
type answers struct{ pgx.Rows }

// Close implements sqlstore.Rows.
func (a answers) Close() error {
	a.Rows.Close()
	return a.Err()
}

// Err implements sqlstore.Rows.
func (a answers) Err() error { return translate(a.Rows.Err()) }

// Scan implements sqlstore.Rows. pgx would look for a way into each destination, and
// make an interface of each value.
func (a answers) Scan(dest ...any) error {
	fields, values := a.FieldDescriptions(), a.RawValues()
	if len(fields) != len(dest) || len(values) != len(dest) {
		return a.Rows.Scan(dest...)
	}
	for i, d := range dest {
		ok, err := received(&fields[i], values[i], d)
		if err != nil {
			return fmt.Errorf("chatelaine: column %s: %w", fields[i].Name, err)
		}
		if !ok {
			return a.Rows.Scan(dest...)
		}
	}
	return nil
}

// received puts a value as it came from the server into a destination that takes
// such a one, or reports that it does not.
func received(f *pgconn.FieldDescription, v []byte, dest any) (bool, error) {
	switch f.DataTypeOID {
	case pgtype.Int8OID, pgtype.Int4OID, pgtype.Int2OID:
		d, ok := dest.(sqlstore.Whole)
		if !ok {
			return false, nil
		}
		n, err := whole(f, v)
		d.Whole(n)
		return true, err
	case pgtype.TextOID, pgtype.VarcharOID, pgtype.UnknownOID, pgtype.ByteaOID:
		d, ok := dest.(sqlstore.Octets)
		if !ok {
			return false, nil
		}
		if f.DataTypeOID == pgtype.ByteaOID && f.Format == pgx.TextFormatCode && v != nil {
			var b []byte
			if err := (pgtype.ByteaCodec{}).PlanScan(nil, f.DataTypeOID, f.Format, &b).Scan(v, &b); err != nil {
				return true, err
			}
			v = b
		}
		return true, d.Octets(v)
	}
	return false, nil
}

// whole reads an integer; NULL is 0.
func whole(f *pgconn.FieldDescription, v []byte) (int64, error) {
	switch {
	case v == nil:
		return 0, nil
	case f.Format == pgx.TextFormatCode:
		return strconv.ParseInt(string(v), 10, 64)
	case f.DataTypeOID == pgtype.Int8OID && len(v) == 8:
		return int64(binary.BigEndian.Uint64(v)), nil //nolint:gosec // its sign is the first bit
	case f.DataTypeOID == pgtype.Int4OID && len(v) == 4:
		return int64(int32(binary.BigEndian.Uint32(v))), nil //nolint:gosec // its sign is the first bit
	case f.DataTypeOID == pgtype.Int2OID && len(v) == 2:
		return int64(int16(binary.BigEndian.Uint16(v))), nil //nolint:gosec // its sign is the first bit
	}
	return 0, fmt.Errorf("%d bytes are no integer", len(v))
}

// answer keeps nil rows from becoming an interface that is not nil.
func answer(rows pgx.Rows, err error) (sqlstore.Rows, error) {
	if err != nil {
		return nil, translate(err)
	}
	return answers{rows}, nil
}
