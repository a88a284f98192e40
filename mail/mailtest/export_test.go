package mailtest

import (
	"fmt"
	"runtime"
	"strings"
	"testing"
)

// Rules returns the names of all rules.
func Rules() []string {
	var out []string
	for _, r := range rules() {
		out = append(out, r.name)
	}
	return out
}

// Failure runs one rule and returns what it says when it fails, "skipped", or "".
func Failure(t *testing.T, h Harness, name string) string {
	t.Helper()
	for _, r := range rules() {
		if r.name != name {
			continue
		}
		w := &watcher{TB: t}
		done := make(chan struct{})
		go func() {
			defer close(done)
			newEnv(w, h, "x").check(r)
		}()
		<-done
		return w.said.String()
	}
	t.Fatalf("there is no rule %q", name)
	return ""
}

// watcher takes down a failure instead of failing.
type watcher struct {
	testing.TB

	said strings.Builder
}

func (w *watcher) Helper()             {}
func (w *watcher) Logf(string, ...any) {}
func (w *watcher) Fatal(args ...any)   { w.end(fmt.Sprint(args...)) }
func (w *watcher) Skip(...any)         { w.end("skipped") }

func (w *watcher) Fatalf(format string, args ...any) { w.end(fmt.Sprintf(format, args...)) }

func (w *watcher) end(s string) {
	w.said.WriteString(s)
	runtime.Goexit()
}
