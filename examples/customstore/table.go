package customstore

import (
	"encoding/json"
	"fmt"
	"iter"
	"reflect"
	"slices"

	"go.etcd.io/bbolt"
)

// table describes one noun, and is all that is done with its rows. The first
// block is the description, in nouns.go; the rest follows from it.
//
// A row lies as JSON under its key in a bucket, and each index is another
// bucket, whose entries lead to keys of rows. What is derived from a row is
// derived in put, and nowhere else, so no index can be forgotten.
type table[R any] struct {
	x    *txn
	name string
	key  func(r *R) string

	version func(r *R) *int64 // where the version is; nil for rows that are inserted only
	refs    func(r *R) []ref  // what has to be there as well
	indexes []index[R]        // under which other keys the row is found
	fill    func(r *R)        // brings up to date what the row keeps of others' rows
	moved   func(was, is *R)  // tells others, who keep something of this one; was is nil for a new row
}

// index is a way to find rows. Keys returns the entries of a row, none if the
// row is not in the index. In an index that is unique no two rows have an
// entry in common; in all others an entry ends in the key of its row.
type index[R any] struct {
	name   string
	unique bool
	keys   func(r *R) []string
}

// ref names a row of a table.
type ref struct{ table, key string }

// buckets returns the names of all that the table needs.
func (t *table[R]) buckets() []string {
	names := []string{t.name}
	for _, ix := range t.indexes {
		names = append(names, t.name+"/"+ix.name)
	}
	return names
}

// bucket returns that of an index, or with "" that of the rows.
func (t *table[R]) bucket(index string) *bbolt.Bucket {
	if index == "" {
		return t.x.bucket(t.name)
	}
	return t.x.bucket(t.name + "/" + index)
}

// get returns the row of a key, nil if there is none.
func (t *table[R]) get(key string) *R { return t.decode(key, t.bucket("").Get([]byte(key))) }

// need returns the row of a key that has to be there.
func (t *table[R]) need(key string) *R {
	r := t.get(key)
	if r == nil {
		t.x.fail(fmt.Errorf("customstore: %s has lost a row that others refer to", t.name))
		r = new(R)
	}
	return r
}

// find returns the row that an entry of an index leads to, nil if there is none.
func (t *table[R]) find(index, entry string) *R {
	key := t.bucket(index).Get([]byte(entry))
	if key == nil {
		return nil
	}
	return t.get(string(key))
}

// decode copies a row out of bbolt's memory, which is the transaction's.
func (t *table[R]) decode(key string, value []byte) *R {
	if value == nil {
		return nil
	}
	r := new(R)
	if err := json.Unmarshal(value, r); err != nil {
		t.x.fail(&tornError{t.name, key, err})
		return nil
	}
	return r
}

// up yields the rows whose entries in an index begin with a prefix, from a
// place on: "" is the beginning. The index "" is that of the rows' own keys.
// Write nothing meanwhile, bbolt's cursors do not stand it; see list.
func (t *table[R]) up(index, prefix, from string) iter.Seq[*R] {
	return func(yield func(*R) bool) {
		c := t.bucket(index).Cursor()
		for k, v := c.Seek([]byte(max(prefix, from))); begins(k, prefix); k, v = c.Next() {
			if r := t.row(index, k, v); r == nil || !yield(r) {
				return
			}
		}
	}
}

// down is up from the end, or from the last entry that is before a place.
func (t *table[R]) down(index, prefix, before string) iter.Seq[*R] {
	return func(yield func(*R) bool) {
		if before == "" {
			before = past(prefix)
		}
		c := t.bucket(index).Cursor()
		for k, v := last(c, before); begins(k, prefix); k, v = c.Prev() {
			if r := t.row(index, k, v); r == nil || !yield(r) {
				return
			}
		}
	}
}

// row returns the row that an entry of an index stands for. Nil is a fault, which
// ends the walk.
func (t *table[R]) row(index string, entry, value []byte) *R {
	if index == "" {
		return t.decode(string(entry), value)
	}
	r := t.get(string(value))
	if r == nil {
		t.x.fail(fmt.Errorf("customstore: the index %s of %s leads nowhere", index, t.name))
	}
	return r
}

// list returns the rows that up yields from the beginning, for those who write
// while they walk.
func (t *table[R]) list(index, prefix string) []*R { return slices.Collect(t.up(index, prefix, "")) }

// until returns up to limit rows whose entries in an index are before a place,
// the first entries first.
func (t *table[R]) until(index, place string, limit int) (list []*R) {
	c := t.bucket(index).Cursor()
	for k, v := c.First(); k != nil && string(k) < place && len(list) < limit; k, v = c.Next() {
		r := t.row(index, k, v)
		if r == nil {
			return nil
		}
		list = append(list, r)
	}
	return list
}

// count returns how many entries of an index begin with a prefix, and reads no
// row.
func (t *table[R]) count(index, prefix string) (n int) {
	c := t.bucket(index).Cursor()
	for k, _ := c.Seek([]byte(prefix)); begins(k, prefix); k, _ = c.Next() {
		n++
	}
	return n
}

// put stores a row, new or in the place of the one with its key, and brings
// every index up to date. An entry that a row leaves is taken out only if it
// still leads there: rows that exchange a value are written one by one, and the
// other may have it already.
func (t *table[R]) put(r R) {
	t.x.wrote = true
	trim(reflect.ValueOf(&r).Elem())
	if t.fill != nil {
		t.fill(&r)
	}
	key := t.key(&r)
	was := t.get(key)
	for _, ix := range t.indexes {
		b, left := t.bucket(ix.name), map[string]bool{}
		if was != nil {
			for _, e := range ix.keys(was) {
				left[e] = true
			}
		}
		for _, e := range ix.keys(&r) {
			if left[e] {
				delete(left, e)
				continue
			}
			t.x.fail(b.Put([]byte(e), []byte(key)))
		}
		t.leave(b, left, key)
	}
	value, err := json.Marshal(&r)
	t.x.fail(err)
	t.x.fail(t.bucket("").Put([]byte(key), value))
	if t.moved != nil {
		t.moved(was, &r)
	}
}

// touch brings a row up to date with the rows of which it keeps something.
func (t *table[R]) touch(r *R) { t.put(*r) }

// drop takes a row out, if it is there.
func (t *table[R]) drop(key string) {
	was := t.get(key)
	if was == nil {
		return
	}
	t.x.wrote = true
	for _, ix := range t.indexes {
		left := map[string]bool{}
		for _, e := range ix.keys(was) {
			left[e] = true
		}
		t.leave(t.bucket(ix.name), left, key)
	}
	t.x.fail(t.bucket("").Delete([]byte(key)))
}

func (t *table[R]) leave(b *bbolt.Bucket, entries map[string]bool, key string) {
	for e := range entries {
		if string(b.Get([]byte(e))) == key {
			t.x.fail(b.Delete([]byte(e)))
		}
	}
}

// tornError says that a row cannot be read: somebody wrote to the file by hand.
type tornError struct {
	table, key string
	err        error
}

func (e *tornError) Error() string {
	return fmt.Sprintf("customstore: the row %q of %s cannot be read: %v", e.key, e.table, e.err)
}

func (e *tornError) Unwrap() error { return e.err }

// tear takes a row out that cannot be read, and returns it as it lay there.
// Nobody can tell which entries lead to it, so it looks at all of them.
func (t *table[R]) tear(key string) (value []byte) {
	t.x.wrote = true
	value = slices.Clone(t.bucket("").Get([]byte(key)))
	for _, ix := range t.indexes {
		left := map[string]bool{}
		c := t.bucket(ix.name).Cursor()
		for k, v := c.First(); k != nil; k, v = c.Next() {
			if string(v) == key {
				left[string(k)] = true
			}
		}
		t.leave(t.bucket(ix.name), left, key)
	}
	t.x.fail(t.bucket("").Delete([]byte(key)))
	return value
}

// last moves a cursor to the last entry that is before a place.
func last(c *bbolt.Cursor, before string) (k, v []byte) {
	if k, _ := c.Seek([]byte(before)); k == nil {
		return c.Last()
	}
	return c.Prev()
}

func begins(k []byte, prefix string) bool {
	return k != nil && len(k) >= len(prefix) && string(k[:len(prefix)]) == prefix
}
