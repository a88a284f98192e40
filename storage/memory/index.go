package memory

import (
	"iter"
	"slices"
	"sort"
)

// ordered is a set of rows in the order of a key: one slice while it is short,
// and a list of short slices once it is long, so that putting a row in its
// place never moves many others, however many there are.
//
// The order is given to each call, and must be the same one each time: a set
// that holds no function takes 32 bytes, and every account has several. A row
// is taken out before its key changes, and put back afterwards.
type ordered[T any] struct {
	few  []T    // all the rows, while many is nil
	many *[][]T // no slice in it is empty
}

// fill is the greatest length of a slice.
const fill = 128

// insert puts a row in its place. The set must not hold its key already.
func (o *ordered[T]) insert(row T, order func(a, b T) int) {
	before := func(other T) bool { return order(other, row) < 0 }
	if o.many == nil {
		if len(o.few) < fill {
			o.few = slices.Insert(o.few, search(o.few, before), row)
			return
		}
		o.many, o.few = &[][]T{o.few}, nil
	}
	list := *o.many
	c := o.chunk(before)
	i := search(list[c], before)
	switch {
	case len(list[c]) < fill:
		list[c] = slices.Insert(list[c], i, row)
	case i == fill && c == len(list)-1:
		// Rows that come in order leave full slices behind.
		*o.many = append(list, append(make([]T, 0, fill), row))
	default:
		half := append(make([]T, 0, fill), list[c][fill/2:]...)
		clear(list[c][fill/2:])
		list[c] = list[c][:fill/2]
		if i <= fill/2 {
			list[c] = slices.Insert(list[c], i, row)
		} else {
			half = slices.Insert(half, i-fill/2, row)
		}
		*o.many = slices.Insert(list, c+1, half)
	}
}

// remove takes the row with the same key out, if there is one.
func (o *ordered[T]) remove(row T, order func(a, b T) int) {
	before := func(other T) bool { return order(other, row) < 0 }
	if o.many == nil {
		if i := search(o.few, before); i < len(o.few) && order(o.few[i], row) == 0 {
			o.few = slices.Delete(o.few, i, i+1)
		}
		return
	}
	list := *o.many
	c := o.chunk(before)
	i := search(list[c], before)
	if i == len(list[c]) && c+1 < len(list) {
		c, i = c+1, 0
	}
	if i == len(list[c]) || order(list[c][i], row) != 0 {
		return
	}
	list[c] = slices.Delete(list[c], i, i+1)
	o.tidy(c)
}

// tidy joins a slice that got short with its neighbour, so that a set that
// shrinks gives its room back.
func (o *ordered[T]) tidy(c int) {
	list := *o.many
	for _, c := range []int{c, c - 1} {
		if c >= 0 && c+1 < len(list) && len(list[c])+len(list[c+1]) <= fill/2 {
			list[c] = append(list[c], list[c+1]...)
			list = slices.Delete(list, c+1, c+2)
		}
	}
	list = slices.DeleteFunc(list[:], func(rows []T) bool { return len(rows) == 0 })
	*o.many = list
	if len(list) == 1 {
		o.few, o.many = list[0], nil
	}
}

// find returns the row at which where is 0. It is below 0 for the rows before
// that one, and above 0 for those behind.
func (o *ordered[T]) find(where func(T) int) (row T, ok bool) {
	up := o.walk(func(t T) bool { return where(t) < 0 })
	if row, ok = up.next(); ok && where(row) == 0 {
		return row, true
	}
	var none T
	return none, false
}

// all yields every row, upwards. The set must not change meanwhile.
func (o *ordered[T]) all() iter.Seq[T] { return o.from(func(T) bool { return false }) }

// from yields the rows upwards, from the first one that is not before the
// place asked for. The set must not change meanwhile.
func (o *ordered[T]) from(before func(T) bool) iter.Seq[T] {
	return func(yield func(T) bool) {
		for up := o.walk(before); ; {
			if row, ok := up.next(); !ok || !yield(row) {
				return
			}
		}
	}
}

// down yields the rows downwards, from the last one that is before the place
// asked for. The set must not change meanwhile.
func (o *ordered[T]) down(before func(T) bool) iter.Seq[T] {
	return func(yield func(T) bool) {
		for down := o.walkDown(before); ; {
			if row, ok := down.next(); !ok || !yield(row) {
				return
			}
		}
	}
}

// walkDown is down for those who take one row at a time.
func (o *ordered[T]) walkDown(before func(T) bool) descent[T] {
	if o.many == nil {
		return descent[T]{now: o.few[:search(o.few, before)]}
	}
	list, c := *o.many, o.chunk(before)
	return descent[T]{now: list[c][:search(list[c], before)], rest: list[:c]}
}

// size returns how many rows there are.
func (o *ordered[T]) size() int {
	n := len(o.few)
	if o.many != nil {
		for _, rows := range *o.many {
			n += len(rows)
		}
	}
	return n
}

// walk is from for those who take one row at a time.
func (o *ordered[T]) walk(before func(T) bool) ascent[T] {
	if o.many == nil {
		return ascent[T]{now: o.few[search(o.few, before):]}
	}
	list, c := *o.many, o.chunk(before)
	return ascent[T]{now: list[c][search(list[c], before):], rest: list[c+1:]}
}

// rows returns a copy of all the rows, for walks that take some of them out.
func (o *ordered[T]) rows() []T {
	if o.many == nil {
		return slices.Clone(o.few)
	}
	return slices.Concat(*o.many...)
}

// chunk returns the last slice whose first row is before the place asked for.
func (o *ordered[T]) chunk(before func(T) bool) int {
	list := *o.many
	return max(0, sort.Search(len(list), func(c int) bool { return !before(list[c][0]) })-1)
}

func search[T any](rows []T, before func(T) bool) int {
	return sort.Search(len(rows), func(i int) bool { return !before(rows[i]) })
}

// ascent is a walk up through a set, which must not change meanwhile.
type ascent[T any] struct {
	now  []T
	rest [][]T
}

func (a *ascent[T]) next() (row T, ok bool) {
	for len(a.now) == 0 {
		if len(a.rest) == 0 {
			return row, false
		}
		a.now, a.rest = a.rest[0], a.rest[1:]
	}
	row, a.now = a.now[0], a.now[1:]
	return row, true
}

// descent is a walk down through a set, which must not change meanwhile.
type descent[T any] struct {
	now  []T
	rest [][]T
}

func (d *descent[T]) next() (row T, ok bool) {
	for len(d.now) == 0 {
		if len(d.rest) == 0 {
			return row, false
		}
		last := len(d.rest) - 1
		d.now, d.rest = d.rest[last], d.rest[:last]
	}
	last := len(d.now) - 1
	row, d.now = d.now[last], d.now[:last]
	return row, true
}

// merged is a walk down through several sets of one order that share no row.
type merged[T any] struct {
	lanes []descent[T]
	heads []T
	order func(a, b T) int
}

func merge[T any](sets []*ordered[T], order func(a, b T) int, before func(T) bool) merged[T] {
	m := merged[T]{order: order}
	for _, o := range sets {
		lane := o.walkDown(before)
		if row, ok := lane.next(); ok {
			m.lanes, m.heads = append(m.lanes, lane), append(m.heads, row)
		}
	}
	return m
}

func (m *merged[T]) next() (row T, ok bool) {
	if len(m.heads) == 0 {
		return row, false
	}
	best := 0
	for i := range m.heads {
		if m.order(m.heads[i], m.heads[best]) > 0 {
			best = i
		}
	}
	row = m.heads[best]
	if m.heads[best], ok = m.lanes[best].next(); !ok {
		m.lanes, m.heads = slices.Delete(m.lanes, best, best+1), slices.Delete(m.heads, best, best+1)
	}
	return row, true
}
