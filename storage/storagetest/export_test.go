package storagetest

import (
	"context"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/chatelaine-go/chatelaine/accounts"
	"github.com/chatelaine-go/chatelaine/mail"
	"github.com/chatelaine-go/chatelaine/storage"
)

// ModelHarness is the harness of the plain model.
func ModelHarness() Harness {
	return Harness{
		Open:  func(*testing.T) storage.Storage { return newModel() },
		Begin: func(_ *testing.T, st storage.Storage) Tx { return st.(*model).begin() },
	}
}

// Failure runs one check and returns what it says when it fails, or "".
func Failure(t *testing.T, h Harness, group, rule string) string {
	t.Helper()
	for _, p := range parts() {
		i := slices.IndexFunc(p.checks, func(c check) bool { return c.rule == rule })
		if p.name == group && i >= 0 {
			return watch(t, h, p.checks[i], p.checks[i].run)
		}
	}
	t.Fatalf("there is no rule %q in %q", rule, group)
	return ""
}

// Played runs random operations with a fixed seed and returns what the
// comparison says when it fails, or "".
func Played(t *testing.T, h Harness, ops int) string {
	t.Helper()
	return watch(t, h, modelChecks()[0], func(e *env) { e.play(1, 0, ops) })
}

func watch(t *testing.T, h Harness, c check, run func(e *env)) string {
	t.Helper()
	w := &watcher{TB: t}
	done := make(chan struct{})
	go func() {
		defer close(done)
		run(newEnv(t, w, h, c))
	}()
	<-done
	return w.said.String()
}

// watcher takes down a failure instead of failing.
type watcher struct {
	testing.TB

	said strings.Builder
}

func (w *watcher) Errorf(format string, args ...any) { fmt.Fprintf(&w.said, format, args...) }
func (w *watcher) FailNow()                          { runtime.Goexit() }

// Change is every change of the library in one type.
type Change = change

// Apply applies a change with the narrowest method that it fits.
func Apply(ctx context.Context, st storage.Storage, c Change) error { return apply(ctx, st, c) }

// Below returns the store that is wrapped.
func (f *Faulty) Below() storage.Storage { return f.st }

// Call is one call of a store's method.
type Call struct {
	Name string
	Call func(ctx context.Context, st storage.Storage) error
}

// Every returns a call of each method of a store.
func Every() []Call {
	var list []Call
	for _, c := range calls(change{}, mail.Delivery{}, accounts.EventDelivery{}) {
		list = append(list, Call{c.name, c.call})
	}
	return list
}
