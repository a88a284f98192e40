package mail

import "time"

// Backoff says how long to wait after an attempt that failed, and when to give up. The zero value is
// the default: 12 attempts, the pauses between them doubling from 10 seconds to an hour. That is between 1.7
// and 3.4 hours of patience in all, enough for a mail server to be restarted or moved, or for a greylist to let go.
type Backoff struct {
	// First is the pause after the first attempt, before jitter: 10 seconds if zero. Each further one is twice as long.
	First time.Duration
	// Max is the longest pause: an hour if zero.
	Max time.Duration
	// Attempts is how many attempts there are in all: 12 if zero.
	Attempts int
}

// Next returns when to try again after attempt number attempt (from 1) failed at that moment, or dead if
// that was the last one. Half of the pause is fixed; the other half is multiplied by jitter, a number in [0, 1) that
// the caller draws, so that messages that failed together do not come back together. Numbers outside that range
// count as its nearer end.
func (b Backoff) Next(attempt int, at time.Time, jitter float64) (next time.Time, dead bool) {
	b = b.withDefaults()
	if attempt >= b.Attempts {
		return time.Time{}, true
	}
	pause := min(b.First, b.Max)
	for i := 1; i < attempt && pause < b.Max; i++ {
		if pause > b.Max/2 {
			pause = b.Max
			break
		}
		pause *= 2
	}
	half := pause / 2
	return at.Add(pause - half + time.Duration(float64(half)*within(jitter))), false
}

// within makes a number in [0, 1] of whatever was drawn.
func within(jitter float64) float64 {
	if !(jitter > 0) { // NaN too
		return 0
	}
	return min(jitter, 1)
}

func (b Backoff) withDefaults() Backoff {
	if b.First <= 0 {
		b.First = 10 * time.Second
	}
	if b.Max <= 0 {
		b.Max = time.Hour
	}
	if b.Attempts <= 0 {
		b.Attempts = 12
	}
	return b
}
