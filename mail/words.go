package mail

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"strings"
	"time"
)

// words are what the templates of a language share. The zero words are those of a language of which none are known.
type words struct {
	months []string
	time   string // with {day}, {month}, {year} and {clock}
	rtl    bool
	roles  map[string]string // by the English name in lower case
}

// with returns the words with those of a file laid over them: lines "name: value", and comments that begin with "#".
func (w words) with(src string) (words, error) {
	over := words{rtl: w.rtl, roles: maps.Clone(w.roles)}
	if over.roles == nil {
		over.roles = map[string]string{}
	}
	for line := range strings.Lines(src) {
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		name, value, _ := strings.Cut(line, ":")
		name, value = strings.TrimSpace(name), squeeze(value)
		if value == "" {
			return words{}, fmt.Errorf("%q is no line of the form name: value", line)
		}
		switch role, ok := strings.CutPrefix(name, "role "); {
		case ok:
			over.roles[strings.ToLower(strings.TrimSpace(role))] = value
		case name == "months":
			if over.months = strings.Fields(value); len(over.months) != 12 {
				return words{}, fmt.Errorf("months are twelve words, and not %d", len(over.months))
			}
		case name == "time":
			over.time = value
		case name == "direction" && (value == "ltr" || value == "rtl"):
			over.rtl = value == "rtl"
		default:
			return words{}, fmt.Errorf("%q is none of months, time, direction (ltr or rtl), and role NAME", line)
		}
	}
	if over.months == nil {
		over.months = w.months
	}
	over.time = cmp.Or(over.time, w.time)
	if (over.time == "") != (over.months == nil) {
		return words{}, errors.New("months and time go together")
	}
	for _, part := range []string{"{day}", "{month}", "{year}", "{clock}"} {
		if over.time != "" && !strings.Contains(over.time, part) {
			return words{}, fmt.Errorf("the time does not show %s", part)
		}
	}
	return over, nil
}

// moment shows a time in UTC: in the form of ISO 8601, which nobody misreads, where the months are not known.
func (w words) moment(t time.Time) string {
	t = t.UTC()
	if w.time == "" {
		return t.Format("2006-01-02 15:04 UTC")
	}
	return strings.NewReplacer(
		"{day}", t.Format("2"), "{month}", w.months[t.Month()-1], "{year}", t.Format("2006"), "{clock}", t.Format("15:04"),
	).Replace(w.time)
}

// role shows the name of a role: in the language, if that has a word for it.
func (w words) role(name string) string {
	if own, ok := w.roles[strings.ToLower(strings.TrimSpace(name))]; ok {
		return own
	}
	return inert(name, maxName)
}

// direction is that of writing, as HTML names it.
func (w words) direction() string {
	if w.rtl {
		return "rtl"
	}
	return "ltr"
}
