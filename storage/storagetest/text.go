package storagetest

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"time"
)

// text writes a value so that equal values, and only these, have equal texts:
// fields that are zero are left out, nil and empty lists are alike, and a time
// that is not in UTC says so.
func text(v any) string {
	var b strings.Builder
	write(&b, reflect.ValueOf(v))
	return b.String()
}

// differ tells the lines that two texts do not share.
func differ(got, want string) string {
	g, w := strings.Split(got, "\n"), strings.Split(want, "\n")
	only := func(of, not []string) string {
		var b strings.Builder
		for _, line := range of {
			if !slices.Contains(not, line) {
				b.WriteString("\n    ")
				b.WriteString(strings.TrimSpace(line))
			}
		}
		if b.Len() == 0 {
			return " nothing else, in another order or number"
		}
		return b.String()
	}
	if len(g) == 1 && len(w) == 1 {
		return " got " + got + "\nwant " + want
	}
	return " got" + only(g, w) + "\nwant" + only(w, g)
}

func write(b *strings.Builder, v reflect.Value) {
	if !v.IsValid() {
		b.WriteString("[]") // an untyped nil: nothing is wanted
		return
	}
	switch x := v.Interface().(type) {
	case time.Time:
		b.WriteString(moment(x))
		return
	case error:
		b.WriteString(kind(x))
		return
	}
	switch v.Kind() {
	case reflect.Struct:
		b.WriteString(v.Type().Name())
		b.WriteByte('{')
		space := ""
		for i := range v.NumField() {
			if zero(v.Field(i)) {
				continue
			}
			b.WriteString(space)
			b.WriteString(v.Type().Field(i).Name)
			b.WriteByte(':')
			write(b, v.Field(i))
			space = " "
		}
		b.WriteByte('}')
	case reflect.Slice, reflect.Array:
		if v.Type().Elem().Kind() == reflect.Uint8 {
			for i := range v.Len() { // not %x: a hash prints itself abbreviated
				fmt.Fprintf(b, "%02x", v.Index(i).Uint())
			}
			return
		}
		b.WriteByte('[')
		for i := range v.Len() {
			b.WriteString("\n    ")
			write(b, v.Index(i))
		}
		b.WriteByte(']')
	case reflect.String:
		fmt.Fprintf(b, "%q", v.String())
	case reflect.Interface:
		if v.IsNil() {
			b.WriteString("nil")
			return
		}
		b.WriteString(v.Elem().Type().String() + " ") // a row of the right type, and no pointer to one
		write(b, v.Elem())
	default:
		fmt.Fprintf(b, "%v", v.Interface())
	}
}

func moment(at time.Time) string {
	s := at.Format("2006-01-02T15:04:05.999999999Z07:00")
	if at.Location() != time.UTC {
		s += " (not in UTC but in " + at.Location().String() + ")"
	}
	return s
}

func zero(v reflect.Value) bool {
	if at, ok := v.Interface().(time.Time); ok {
		return at.IsZero()
	}
	if v.Kind() == reflect.Slice {
		return v.Len() == 0
	}
	return v.IsZero()
}

// filler fills values with distinct contents, so that no field can be
// forgotten, exchanged with another or kept in part.
type filler struct{ n int }

// fill sets every field of the struct that p points to.
func (f *filler) fill(p any) { f.set(reflect.ValueOf(p).Elem()) }

func (f *filler) set(v reflect.Value) {
	f.n++
	if _, ok := v.Interface().(time.Time); ok {
		v.Set(reflect.ValueOf(moments(f.n)))
		return
	}
	switch v.Kind() {
	case reflect.Struct:
		for i := range v.NumField() {
			f.set(v.Field(i))
		}
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 3, 3))
		for i := range v.Len() {
			f.set(v.Index(i))
		}
	case reflect.Array:
		for i := range v.Len() {
			f.set(v.Index(i))
		}
	case reflect.String:
		v.SetString(fmt.Sprintf("text-%d", f.n))
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Uint8:
		v.SetUint(uint64(f.n%255) + 1) //nolint:gosec // below 256
	case reflect.Int, reflect.Int32, reflect.Int64:
		v.SetInt(int64(1000 + f.n))
	default:
		panic("storagetest: nouns have no fields of kind " + v.Kind().String())
	}
}

// moments returns distinct moments that use every microsecond digit.
func moments(n int) time.Time {
	return start.Add(time.Duration(n)*(time.Hour+time.Minute) + time.Duration(n)*time.Microsecond)
}
