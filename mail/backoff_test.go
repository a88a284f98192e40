package mail_test

import (
	"math"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/chatelaine-go/chatelaine/mail"
)

func TestBackoff_Next(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 3, 5, 14, 0, 0, 0, time.UTC)

	t.Run("the default makes 12 attempts over at least an hour, whatever the jitter", func(t *testing.T) {
		t.Parallel()
		for jitter, want := range map[float64]time.Duration{0: 100 * time.Minute, math.Nextafter(1, 0): 3 * time.Hour} {
			now, attempts := at, 1
			for ; ; attempts++ {
				next, dead := mail.Backoff{}.Next(attempts, now, jitter)
				if dead {
					break
				}
				now = next
			}
			require.Equal(t, 12, attempts)
			require.Greater(t, now.Sub(at), time.Hour)
			require.Greater(t, now.Sub(at), want)
		}
	})

	for _, tc := range []struct {
		name    string
		given   mail.Backoff
		attempt int
		jitter  float64
		want    time.Duration
	}{
		{"the first pause is at least half of First", mail.Backoff{First: time.Minute}, 1, 0, 30 * time.Second},
		{"jitter adds up to the other half", mail.Backoff{First: time.Minute}, 1, 0.5, 45 * time.Second},
		{"each pause is twice the one before", mail.Backoff{First: time.Minute}, 4, 0, 4 * time.Minute},
		{"no pause is longer than Max", mail.Backoff{First: time.Minute, Max: 5 * time.Minute}, 4, 1, 5 * time.Minute},
		{"First is bounded by Max too", mail.Backoff{First: time.Hour, Max: time.Minute}, 1, 1, time.Minute},
		{"the longest durations do not overflow", mail.Backoff{First: math.MaxInt64 / 3, Max: math.MaxInt64, Attempts: 99}, 98, 0, math.MaxInt64/2 + 1},
		{"jitter that is no number counts as none", mail.Backoff{First: time.Minute}, 1, math.NaN(), 30 * time.Second},
		{"jitter below its range counts as none", mail.Backoff{First: time.Minute}, 1, -7, 30 * time.Second},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			next, dead := tc.given.Next(tc.attempt, at, tc.jitter)
			require.False(t, dead)
			require.Equal(t, tc.want, next.Sub(at))
		})
	}

	t.Run("the last attempt is the last, and so is any later one", func(t *testing.T) {
		t.Parallel()
		for attempt, want := range map[int]bool{2: false, 3: true, 4: true} {
			_, dead := mail.Backoff{Attempts: 3}.Next(attempt, at, 0)
			require.Equal(t, want, dead)
		}
	})

	t.Run("pauses lie between half of First and Max", func(t *testing.T) {
		t.Parallel()
		rapid.Check(t, func(t *rapid.T) {
			b := mail.Backoff{
				First: time.Duration(rapid.Int64Range(2, int64(time.Hour)).Draw(t, "first")),
				Max:   time.Duration(rapid.Int64Range(2, int64(48*time.Hour)).Draw(t, "max")), Attempts: 1 << 30,
			}
			next, dead := b.Next(rapid.IntRange(1, 1<<20).Draw(t, "attempt"), at, rapid.Float64Range(0, 1).Draw(t, "jitter"))
			require.False(t, dead)
			require.GreaterOrEqual(t, next.Sub(at), min(b.First, b.Max)/2)
			require.LessOrEqual(t, next.Sub(at), b.Max)
		})
	})
}
