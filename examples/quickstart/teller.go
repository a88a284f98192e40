package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/chatelaine-go/chatelaine/mail"
)

// teller writes a story: a title, a line a step, and what was refused and why.
type teller struct {
	w      io.Writer
	colour bool
	step   int
}

const (
	bold = "1"
	dim  = "2"
	red  = "31"
)

// colours reports whether f is a terminal that wants them.
func colours(f *os.File) bool {
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0 && os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb"
}

func (t *teller) paint(code, s string) string {
	if !t.colour {
		return s
	}
	return "\x1b[" + code + "m" + s + "\x1b[0m"
}

// title begins a story.
func (t *teller) title(s string) {
	fmt.Fprintf(t.w, "%s\n%s\n", t.paint(bold, s), strings.Repeat("=", len([]rune(s))))
}

// chapter begins a part of a story.
func (t *teller) chapter(s string) {
	t.step++
	fmt.Fprintf(t.w, "\n%s\n", t.paint(bold, fmt.Sprintf("%d. %s", t.step, s)))
}

// say tells one step that went as it should.
func (t *teller) say(format string, args ...any) {
	fmt.Fprintf(t.w, "   %s\n", fmt.Sprintf(format, args...))
}

// show prints something that the library returned, indented.
func (t *teller) show(s string) {
	for line := range strings.Lines(strings.TrimRight(s, "\n")) {
		fmt.Fprintf(t.w, "     %s\n", strings.TrimRight(line, "\n"))
	}
}

// refused tells that something was refused, and with which words. It is an
// error if it was not, or for another reason than told.
func (t *teller) refused(err, why error, what string) error {
	if err == nil {
		return fmt.Errorf("%s: expected a refusal, and it was allowed", what)
	}
	if !errors.Is(err, why) {
		return fmt.Errorf("%s: refused, but not as told: %w", what, err)
	}
	fmt.Fprintf(t.w, "   %s %s\n      %s\n", t.paint(red, "refused:"), what, t.paint(dim, strings.TrimPrefix(strings.TrimPrefix(err.Error(), "chatelaine: "), "roles: ")))
	return nil
}

// letter shows a mail as its recipient sees it.
func (t *teller) letter(m mail.Message) {
	var b strings.Builder
	fmt.Fprintf(&b, "To: %s\nSubject: %s\n\n%s", m.To, m.Subject, m.Text)
	for line := range strings.Lines(strings.TrimRight(b.String(), "\n")) {
		fmt.Fprintf(t.w, "     %s %s\n", t.paint(dim, "|"), strings.TrimRight(line, "\n"))
	}
}

// same is an error unless got is what was told.
func same[T comparable](what string, got, want T) error {
	if got != want {
		return fmt.Errorf("%s: %v, and not %v as told", what, got, want)
	}
	return nil
}
