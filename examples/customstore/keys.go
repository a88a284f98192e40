package customstore

import (
	"encoding/binary"
	"reflect"
	"strings"
	"time"

	"github.com/chatelaine-go/chatelaine/access/token"
)

// Keys are strings of bytes, and bbolt sorts by these. A key is made of parts,
// and sorts as its parts do, one after the other: each part is followed by a
// mark that is less than whatever could continue it. A key of the first parts
// is a prefix of every key that has more.
const (
	mark   = "\x00\x01" // ends a part
	behind = "\x00\x02" // in the place of the last mark: behind the key, and behind every key that it is a prefix of
	zero   = "\x00\xff" // stands for a zero byte in a part
)

// key joins parts to a key: texts, numbers, times and hashes.
func key(parts ...any) string {
	var b strings.Builder
	for _, p := range parts {
		text := part(p)
		if strings.IndexByte(text, 0) >= 0 {
			text = strings.ReplaceAll(text, "\x00", zero)
		}
		b.WriteString(text)
		b.WriteString(mark)
	}
	return b.String()
}

// part returns the bytes by which a part sorts. Another type is a mistake in
// this package.
func part(p any) string {
	switch p := p.(type) {
	case time.Time: // the zero time comes before all others
		return number(p.UnixMicro())
	case token.Hash:
		return string(p[:])
	}
	v := reflect.ValueOf(p)
	switch {
	case v.Kind() == reflect.String:
		return v.String()
	case v.CanInt():
		return number(v.Int())
	case v.CanUint():
		return number(int64(v.Uint())) //nolint:gosec // small numbers, such as priorities
	}
	panic("customstore: a key of a type that does not sort")
}

// past returns the first place behind a key and all that it is a prefix of.
func past(k string) string { return strings.TrimSuffix(k, mark) + behind }

// number is a part that sorts as the number does, also below zero.
func number(n int64) string {
	return string(binary.BigEndian.AppendUint64(nil, uint64(n)^1<<63)) //nolint:gosec // the bits are wanted, and the sign turned
}

// earliest returns the first of some times that were set, and zero if none was.
func earliest(times ...time.Time) (first time.Time) {
	for _, t := range times {
		if !t.IsZero() && (first.IsZero() || t.Before(first)) {
			first = t
		}
	}
	return first
}

// micros drops what is finer than a microsecond, as the contract wants of every
// time that is kept.
func micros(t time.Time) time.Time { return t.UTC().Truncate(time.Microsecond) }

// trim does so with every time in a row, in place. It looks for them itself:
// a field that somebody adds to a noun is not forgotten.
func trim(row reflect.Value) {
	if t, ok := row.Interface().(time.Time); ok {
		row.Set(reflect.ValueOf(micros(t)))
		return
	}
	if row.Kind() == reflect.Struct {
		for i := range row.NumField() {
			trim(row.Field(i))
		}
	}
}
