package pgtest

import (
	"context"
	"os"
	"time"
)

// How long things may take before they count as stuck.
const (
	startLimit   = 2 * time.Minute // a machine may be busy with other tests
	stopLimit    = time.Minute
	killLimit    = 15 * time.Second
	cleanupLimit = time.Minute
)

// pollEvery is how often the state of a server is looked at.
const pollEvery = 2 * time.Millisecond

func now() time.Time { return time.Now() } //nolint:forbidigo // servers and networks take real time

func env(name string) string { return os.Getenv(name) } //nolint:forbidigo // how the developer names a server

// pause waits for a moment, or returns the context's error.
func pause(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d) //nolint:forbidigo // as above
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// within waits until the channel is closed, and reports whether it was in time.
func within(d time.Duration, done <-chan struct{}) bool {
	t := time.NewTimer(d) //nolint:forbidigo // as above
	defer t.Stop()
	select {
	case <-done:
		return true
	case <-t.C:
		return false
	}
}

// until asks again and again, and reports whether the answer was yes in time.
func until(d time.Duration, yes func() bool) bool {
	for end := now().Add(d); ; {
		if yes() {
			return true
		}
		if now().After(end) {
			return false
		}
		_ = within(pollEvery, nil)
	}
}
