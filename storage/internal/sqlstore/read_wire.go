package sqlstore

// What the destinations of package sql take from a driver is a value in an interface,
// which costs a piece of memory for each column. Whoever has a value as it came from
// the server gives it to these instead. All of them are as well an sql.Scanner, which
// does the same.
type (
	// Whole takes an integer; NULL is 0.
	Whole interface{ Whole(v int64) }

	// Octets takes text or bytes, which it copies; NULL is nil.
	Octets interface{ Octets(v []byte) error }
)

// Whole implements [Whole].
func (d *asInt) Whole(v int64) { *d = asInt(v) }

// Whole implements [Whole].
func (d *asCount) Whole(v int64) { *d = asCount(v) }

// Whole implements [Whole].
func (d *asDay) Whole(v int64) { *d = asDay(v) } //nolint:gosec // only days are stored in such a column

// Whole implements [Whole].
func (d *asRank) Whole(v int64) { *d = asRank(v) } //nolint:gosec // only priorities are stored in such a column

// Whole implements [Whole].
func (d *asBool) Whole(v int64) { *d = v != 0 }

// Whole implements [Whole].
func (d *asTime) Whole(v int64) { *d = asTime(moment(v)) }

// Octets implements [Octets].
func (d *asText) Octets(v []byte) error {
	// Page after page has the same names and roles beside each other.
	if string(v) != string(*d) {
		*d = asText(v)
	}
	return nil
}

// Octets implements [Octets].
func (d *asHash) Octets(v []byte) error {
	if v == nil {
		*d = asHash{}
		return nil
	}
	return d.Scan(v)
}

// Octets implements [Octets].
func (d *asBytes) Octets(v []byte) error {
	if *d = nil; v != nil {
		*d = append(asBytes{}, v...)
	}
	return nil
}

// Octets implements [Octets].
func (d *asGrants) Octets(v []byte) error { return d.Scan(string(v)) }

// Octets implements [Octets].
func (d *asLines) Octets(v []byte) error { return d.Scan(string(v)) }

var (
	_ = []Whole{(*asInt)(nil), (*asCount)(nil), (*asDay)(nil), (*asRank)(nil), (*asBool)(nil), (*asTime)(nil)}
	_ = []Octets{(*asText)(nil), (*asHash)(nil), (*asBytes)(nil), (*asGrants)(nil), (*asLines)(nil)}
)
