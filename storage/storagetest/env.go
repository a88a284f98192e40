package storagetest

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/chatelaine-go/chatelaine/accounts"
	"github.com/chatelaine-go/chatelaine/mail"
	"github.com/chatelaine-go/chatelaine/storage"
)

// tester is as much of testing.T as a check needs, so that the suite's own
// tests can see that a check fails where it should.
type tester interface {
	Helper()
	Logf(format string, args ...any)
	Errorf(format string, args ...any)
	FailNow()
}

// patience is how long one check may take before its calls are cancelled: a
// store that waits for itself fails instead of hanging.
const patience = slowly * time.Minute

// env is what a check runs in.
type env struct {
	tester
	check
	ctx   context.Context //nolint:containedctx // a check is one call, and every call in it has the same context
	open  func() storage.Storage
	begin func(st storage.Storage) Tx
	ops   int      // counts the operations that the check made
	seen  universe // every key that was ever written or tried
}

func newEnv(t *testing.T, out tester, h Harness, c check) *env {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	t.Cleanup(cancel)
	return &env{
		tester: out, check: c, ctx: ctx,
		open:  func() storage.Storage { return h.Open(t) },
		begin: func(st storage.Storage) Tx { return h.Begin(t, st) },
	}
}

// failf ends the check, naming the rule.
func (e *env) failf(format string, args ...any) {
	e.Helper()
	e.Errorf("broken rule: %s\nwhy it matters: %s\n%s", e.rule, e.why, fmt.Sprintf(format, args...))
	e.FailNow()
}

// ok ends the check if err is not nil.
func (e *env) ok(err error, format string, args ...any) {
	e.Helper()
	if err != nil {
		e.failf("%s: %v", fmt.Sprintf(format, args...), err)
	}
}

// is ends the check if err is not of the kind that is wanted.
func (e *env) is(err, want error, format string, args ...any) {
	e.Helper()
	if !errors.Is(err, want) {
		e.failf("%s: want an error that matches %q, got %v", fmt.Sprintf(format, args...), want, err)
	}
}

// same ends the check unless two values are equal, field by field. Nil and
// empty lists are the same; times must be the same moment, in UTC.
func (e *env) same(got, want any, format string, args ...any) {
	e.Helper()
	if g, w := text(got), text(want); g != w {
		e.failf("%s:\n%s", fmt.Sprintf(format, args...), differ(g, w))
	}
}

// holds ends the check unless ok.
func (e *env) holds(ok bool, format string, args ...any) {
	e.Helper()
	if !ok {
		e.failf(format, args...)
	}
}

// change puts rows together to one change with an operation of its own and,
// if none is among them, an event.
func (e *env) change(rows ...any) change {
	e.ops++
	c := build(accounts.OpID(fmt.Sprintf("op-%04d", e.ops)), rows...)
	e.seen.add(c)
	return c
}

// put applies rows, as one change if a port has one for them, which must
// succeed.
func (e *env) put(st storage.Storage, rows ...any) {
	e.Helper()
	e.ok(applyAll(e.ctx, st, e.change(rows...)), "a valid change was not applied")
}

// refused applies rows as one change that must be a conflict and leave
// everything as it was.
func (e *env) refused(st storage.Storage, what string, rows ...any) {
	e.Helper()
	e.refusedEach(st, attempt{what, rows})
}

// attempt is a change that has to be refused.
type attempt struct {
	what string
	rows []any
}

// refusedEach is refused for several changes, one after the other. What they
// left is asked for once, behind the last of them: on a slow store the asking
// takes far longer than the refusals.
func (e *env) refusedEach(st storage.Storage, attempts ...attempt) {
	e.Helper()
	var changes []change
	for _, a := range attempts {
		changes = append(changes, e.change(a.rows...))
	}
	before := e.dump(st)
	for i, a := range attempts {
		err := apply(e.ctx, st, changes[i])
		if err == nil {
			e.failf("%s was applied; want an error that matches accounts.ErrConflict", a.what)
		}
		e.is(err, accounts.ErrConflict, "%s", a.what)
	}
	what := attempts[0].what
	if n := len(attempts) - 1; n > 0 {
		what = fmt.Sprintf("%s, or one of the %d changes after it,", what, n)
	}
	e.unchanged(before, e.dump(st), what+" was refused, and yet something changed")
}

// kind names what sort of answer an error is, so that two stores can be
// compared.
func kind(err error) string {
	var kinds []string
	for _, k := range []struct {
		err  error
		name string
	}{
		{accounts.ErrConflict, "conflict"},
		{accounts.ErrRepeat, "repeat"},
		{accounts.ErrNotFound, "not found"},
		{accounts.ErrUnknown, "unknown"},
		{mail.ErrFenced, "fenced"},
		{context.Canceled, "cancelled"},
		{context.DeadlineExceeded, "too late"},
	} {
		if errors.Is(err, k.err) {
			kinds = append(kinds, k.name)
		}
	}
	switch {
	case err == nil:
		return "nil"
	case kinds == nil:
		return "fault"
	}
	return strings.Join(kinds, "+")
}
