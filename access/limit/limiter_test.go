package limit_test

import (
	"crypto/sha256"
	"encoding/hex"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/benbjohnson/clock"
	"github.com/stretchr/testify/require"

	"github.com/chatelaine-go/chatelaine/access/limit"
)

// newLimiter returns a limiter of 2 events a second, 4 at once, on a clock of its own. Options left zero are set so.
func newLimiter(tb testing.TB, o limit.Options) (*limit.Limiter, *clock.Mock) {
	tb.Helper()
	c := clock.NewMock()
	c.Set(time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC))
	o.Clock = c
	if o.Rate == 0 {
		o.Rate = 2
	}
	if o.Burst == 0 {
		o.Burst = 4
	}
	l, err := limit.New(&o)
	require.NoError(tb, err)
	return l, c
}

// spend spends n events of key one by one.
func spend(tb testing.TB, l *limit.Limiter, key string, n int) {
	tb.Helper()
	for i := range n {
		require.NoError(tb, l.Allow(key), "event %d of %d", i+1, n)
	}
}

func requireLimited(tb testing.TB, err error, want time.Duration) {
	tb.Helper()
	var limited *limit.LimitedError
	require.ErrorIs(tb, err, limit.ErrLimited)
	require.ErrorAs(tb, err, &limited)
	require.Equal(tb, want, limited.RetryAfter)
}

func TestNew(t *testing.T) {
	t.Parallel()

	t.Run("nil options and empty options allow the documented defaults", func(t *testing.T) {
		t.Parallel()
		for _, o := range []*limit.Options{nil, {}} {
			l, err := limit.New(o)
			require.NoError(t, err)
			require.NoError(t, l.AllowN("k", 50))
			var count *limit.CountError
			require.ErrorAs(t, l.AllowN("k", 51), &count)
			require.Equal(t, 50, count.Burst)
			var limited *limit.LimitedError
			require.ErrorAs(t, l.AllowN("k", 50), &limited)
			require.InDelta(t, 10.0, limited.RetryAfter.Seconds(), 1)
		}
	})

	for _, tt := range []struct {
		name  string
		given limit.Options
		want  string
	}{
		{"a negative rate", limit.Options{Rate: -1}, "Rate"},
		{"a rate that is no number", limit.Options{Rate: math.NaN()}, "Rate"},
		{"an infinite rate", limit.Options{Rate: math.Inf(1)}, "Rate"},
		{"a rate below all numbers", limit.Options{Rate: math.Inf(-1)}, "Rate"},
		{"a rate above a million", limit.Options{Rate: 1_000_001}, "Rate"},
		{"a negative burst", limit.Options{Burst: -1}, "Burst"},
		{"a burst that takes over a year to regain", limit.Options{Rate: 0.001, Burst: 31_537}, "Burst"},
		{"a rate so small that it overflows", limit.Options{Rate: math.SmallestNonzeroFloat64}, "Burst"},
		{"a negative number of keys", limit.Options{MaxKeys: -1}, "MaxKeys"},
	} {
		t.Run(tt.name+" is refused by its field", func(t *testing.T) {
			t.Parallel()
			l, err := limit.New(&tt.given)
			var bad *limit.OptionError
			require.ErrorAs(t, err, &bad)
			require.Equal(t, tt.want, bad.Field)
			require.NotEmpty(t, bad.Reason)
			require.ErrorContains(t, err, "option "+tt.want)
			require.Nil(t, l)
		})
	}

	t.Run("the slowest limiter and the fastest are precise", func(t *testing.T) {
		t.Parallel()
		for _, o := range []limit.Options{{Rate: 0.001, Burst: 31_536}, {Rate: 1_000_000, Burst: 1}} {
			l, c := newLimiter(t, o)
			require.NoError(t, l.AllowN("k", o.Burst))
			fill := time.Duration(float64(o.Burst) / o.Rate * float64(time.Second))
			requireLimited(t, l.AllowN("k", o.Burst), fill)
			c.Add(fill)
			require.Zero(t, l.Len())
			require.NoError(t, l.AllowN("k", o.Burst))
		}
	})

	t.Run("the caller's options are neither changed nor kept", func(t *testing.T) {
		t.Parallel()
		o := limit.Options{Burst: 1}
		l, err := limit.New(&o)
		require.NoError(t, err)
		require.Equal(t, limit.Options{Burst: 1}, o)
		o.Burst = 100
		require.Error(t, l.AllowN("k", 2))
	})
}

func TestLimiter_Allow(t *testing.T) {
	t.Parallel()

	t.Run("a burst is allowed and the next event is told when to come", func(t *testing.T) {
		t.Parallel()
		l, c := newLimiter(t, limit.Options{})
		spend(t, l, "k", 4)
		requireLimited(t, l.Allow("k"), 500*time.Millisecond)
		c.Add(500*time.Millisecond - 1)
		requireLimited(t, l.Allow("k"), 1)
		c.Add(1)
		require.NoError(t, l.Allow("k"))
		requireLimited(t, l.Allow("k"), 500*time.Millisecond)
	})

	t.Run("keys do not share", func(t *testing.T) {
		t.Parallel()
		l, _ := newLimiter(t, limit.Options{})
		spend(t, l, "a", 4)
		require.Error(t, l.Allow("a"))
		spend(t, l, "b", 4)
		spend(t, l, "", 4)
		require.Error(t, l.Allow(""))
	})

	t.Run("a refusal spends nothing", func(t *testing.T) {
		t.Parallel()
		l, c := newLimiter(t, limit.Options{})
		spend(t, l, "k", 4)
		for range 1000 {
			require.Error(t, l.Allow("k"))
		}
		c.Add(500 * time.Millisecond)
		require.NoError(t, l.Allow("k"))
	})

	t.Run("a pause of any length gives one burst", func(t *testing.T) {
		t.Parallel()
		l, c := newLimiter(t, limit.Options{})
		spend(t, l, "k", 4)
		c.Add(100 * 365 * 24 * time.Hour)
		spend(t, l, "k", 4)
		require.Error(t, l.Allow("k"))
	})

	t.Run("long keys are told apart and never taken for short ones", func(t *testing.T) {
		t.Parallel()
		l, _ := newLimiter(t, limit.Options{Burst: 1})
		long := strings.Repeat("k", 1<<20)
		sum := sha256.Sum256([]byte(long))
		digits := hex.EncodeToString(sum[:])
		keys := []string{long, long[:1<<20-1] + "x", long[:64], long[:65], long[:66], digits, "#" + digits, "#" + digits[:63], string(sum[:])}
		for _, k := range keys {
			require.NoError(t, l.Allow(k))
		}
		for _, k := range keys {
			require.Error(t, l.Allow(k))
		}
		require.Equal(t, len(keys), l.Len())
	})

	t.Run("errors do not hold the key", func(t *testing.T) {
		t.Parallel()
		l, _ := newLimiter(t, limit.Options{Burst: 1})
		require.NoError(t, l.Allow("eve@example.com"))
		require.EqualError(t, l.Allow("eve@example.com"), "limit: too many events, retry after 500ms")
		require.EqualError(t, l.AllowN("eve@example.com", 2), "limit: 2 events at once can never be allowed, ask for 1 to 1")
	})
}

func TestLimiter_AllowN(t *testing.T) {
	t.Parallel()

	t.Run("all are allowed or none", func(t *testing.T) {
		t.Parallel()
		l, _ := newLimiter(t, limit.Options{})
		require.NoError(t, l.AllowN("k", 3))
		requireLimited(t, l.AllowN("k", 2), 500*time.Millisecond)
		requireLimited(t, l.AllowN("k", 4), 1500*time.Millisecond)
		require.NoError(t, l.AllowN("k", 1))
	})

	for _, n := range []int{0, -1, 5, math.MinInt, math.MaxInt} {
		t.Run("a number that can never be allowed is no matter of waiting and spends nothing", func(t *testing.T) {
			t.Parallel()
			l, _ := newLimiter(t, limit.Options{})
			for _, key := range []string{"known", "unknown"} {
				require.NoError(t, l.Allow("known"))
				err := l.AllowN(key, n)
				var count *limit.CountError
				require.ErrorAs(t, err, &count)
				require.Equal(t, limit.CountError{N: n, Burst: 4}, *count)
				require.NotErrorIs(t, err, limit.ErrLimited)
			}
			require.Equal(t, 1, l.Len())
			require.NoError(t, l.AllowN("known", 2))
			require.Error(t, l.Allow("known"))
		})
	}
}

func TestLimiter_Clock(t *testing.T) {
	t.Parallel()

	t.Run("a clock that goes to and fro gives no event", func(t *testing.T) {
		t.Parallel()
		l, c := newLimiter(t, limit.Options{})
		start := c.Now()
		spend(t, l, "k", 4)
		c.Set(start.Add(time.Second))
		spend(t, l, "k", 2)
		for range 100 {
			for _, at := range []time.Duration{-time.Hour, 0, 999 * time.Millisecond, time.Second} {
				c.Set(start.Add(at))
				requireLimited(t, l.Allow("k"), 500*time.Millisecond)
				_ = l.Allow("other")
				_ = l.Len()
			}
		}
		c.Set(start.Add(1500 * time.Millisecond))
		require.NoError(t, l.Allow("k"))
		require.Error(t, l.Allow("k"))
	})

	t.Run("another key's time counts as time", func(t *testing.T) {
		t.Parallel()
		l, c := newLimiter(t, limit.Options{})
		start := c.Now()
		spend(t, l, "a", 4)
		c.Set(start.Add(time.Second))
		spend(t, l, "b", 4)
		c.Set(start)
		spend(t, l, "a", 2) // a second has passed, whatever the clock says now
		requireLimited(t, l.Allow("a"), 500*time.Millisecond)
		requireLimited(t, l.Allow("b"), 500*time.Millisecond)
	})

	t.Run("the system's clock is the default", func(t *testing.T) {
		t.Parallel()
		l, err := limit.New(&limit.Options{Rate: 1.0 / 3600, Burst: 1})
		require.NoError(t, err)
		require.NoError(t, l.Allow("k"))
		err = l.Allow("k")
		var limited *limit.LimitedError
		require.ErrorAs(t, err, &limited)
		require.LessOrEqual(t, limited.RetryAfter, time.Hour)
		require.Greater(t, limited.RetryAfter, 50*time.Minute)
	})
}
