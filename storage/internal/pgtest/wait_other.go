//go:build !linux

package pgtest

import "time"

// early is how long before the moment the timer wakes, for it may wake late. The
// rest is spent turning.
const early = 200 * time.Microsecond

// waiter waits as precisely as Go's timers do.
type waiter struct{}

func (*waiter) until(t time.Time) {
	if d := t.Sub(now()) - early; d > 0 {
		_ = within(d, nil)
	}
	for now().Before(t) {
		continue
	}
}

func (*waiter) close() {}
