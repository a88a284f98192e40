package limit_test

import (
	"errors"
	"fmt"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/time/rate"
	"pgregory.net/rapid"

	"github.com/chatelaine-go/chatelaine/access/limit"
)

func TestLimiter_Len(t *testing.T) {
	t.Parallel()

	t.Run("a bucket is forgotten at the moment it is full and not before", func(t *testing.T) {
		t.Parallel()
		l, c := newLimiter(t, limit.Options{})
		spend(t, l, "k", 3)
		c.Add(1500*time.Millisecond - 1)
		require.Equal(t, 1, l.Len())
		c.Add(1)
		require.Zero(t, l.Len())
		spend(t, l, "k", 4)
	})

	t.Run("spending again keeps a bucket for longer", func(t *testing.T) {
		t.Parallel()
		l, c := newLimiter(t, limit.Options{})
		spend(t, l, "a", 1)
		spend(t, l, "b", 1)
		c.Add(400 * time.Millisecond)
		spend(t, l, "a", 1)
		c.Add(100 * time.Millisecond)
		require.Equal(t, 1, l.Len())
		c.Add(500*time.Millisecond - 1)
		require.Equal(t, 1, l.Len())
		c.Add(1)
		require.Zero(t, l.Len())
	})
}

func TestLimiter_MaxKeys(t *testing.T) {
	t.Parallel()

	t.Run("a new key is refused while every place is taken, and told when the first is free", func(t *testing.T) {
		t.Parallel()
		l, c := newLimiter(t, limit.Options{MaxKeys: 3})
		spend(t, l, "a", 4)
		spend(t, l, "b", 1)
		spend(t, l, "c", 2)
		requireLimited(t, l.Allow("new"), 500*time.Millisecond)

		spend(t, l, "b", 2) // now c is the first to be full, after 1 s, and b after 1.5 s
		requireLimited(t, l.Allow("new"), time.Second)
		spend(t, l, "c", 2) // and now b
		requireLimited(t, l.AllowN("new", 4), 1500*time.Millisecond)

		requireLimited(t, l.Allow("a"), 500*time.Millisecond)
		requireLimited(t, l.Allow("c"), 500*time.Millisecond)
		spend(t, l, "b", 1)
		requireLimited(t, l.Allow("new"), 2*time.Second)

		c.Add(2*time.Second - 1)
		requireLimited(t, l.Allow("new"), 1)
		c.Add(1)
		spend(t, l, "new", 4)
		require.Equal(t, 1, l.Len())
	})

	t.Run("a flood of keys neither resets a limit nor passes the bound", func(t *testing.T) {
		t.Parallel()
		l, c := newLimiter(t, limit.Options{Rate: 0.01, MaxKeys: 100})
		spend(t, l, "held", 4)
		for i := range 100_000 {
			_ = l.Allow(strconv.Itoa(i))
			if i%1000 == 0 {
				c.Add(time.Second) // one event comes back every 100 s
				require.LessOrEqual(t, l.Len(), 100)
			}
		}
		spend(t, l, "held", 1) // it waited for 100 s like everybody
		require.Error(t, l.Allow("held"))
	})

	t.Run("one key is enough", func(t *testing.T) {
		t.Parallel()
		l, c := newLimiter(t, limit.Options{MaxKeys: 1})
		require.NoError(t, l.Allow("a"))
		requireLimited(t, l.Allow("b"), 500*time.Millisecond)
		c.Add(500 * time.Millisecond)
		require.NoError(t, l.Allow("b"))
		requireLimited(t, l.Allow("a"), 500*time.Millisecond)
	})
}

// model is what a Limiter must equal: plain limiters that are never forgotten, on a clock that never goes back.
type model struct {
	rate    rate.Limit
	burst   int
	maxKeys int
	now     time.Time
	keys    map[string]*rate.Limiter
}

func (m *model) filling() int {
	n := 0
	for _, b := range m.keys {
		if b.TokensAt(m.now) < float64(m.burst) {
			n++
		}
	}
	return n
}

func (m *model) allow(key string, n int) bool {
	b, ok := m.keys[key]
	if !ok {
		b = rate.NewLimiter(m.rate, m.burst)
		m.keys[key] = b
	}
	if b.TokensAt(m.now) >= float64(m.burst) && m.filling() >= m.maxKeys {
		return false
	}
	return b.AllowN(m.now, n)
}

// retryHolds reports whether the event is possible after d, and not a microsecond earlier.
func (m *model) retryHolds(key string, n int, d time.Duration) bool {
	possible := func(at time.Time) bool {
		b := m.keys[key]
		if b.TokensAt(m.now) < float64(m.burst) {
			return b.TokensAt(at) >= float64(n)
		}
		later := *m
		later.now = at
		return later.filling() < m.maxKeys
	}
	return d > 0 && possible(m.now.Add(d)) && (d <= time.Microsecond || !possible(m.now.Add(d-time.Microsecond)))
}

// hands is a clock for one goroutine, without the Mock's pause at each step.
type hands struct{ at time.Time }

func (h *hands) Now() time.Time { return h.at }

func TestLimiter_EqualsOneThatForgetsNothing(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		m := &model{
			rate:    rate.Limit(rapid.SampledFrom([]float64{0.1, 1.0 / 3, 1, 5, 7.3, 1000}).Draw(t, "rate")),
			burst:   rapid.IntRange(1, 6).Draw(t, "burst"),
			maxKeys: rapid.IntRange(1, 8).Draw(t, "keys"),
			keys:    map[string]*rate.Limiter{},
		}
		c := &hands{at: time.Unix(0, 0)}
		l, err := limit.New(&limit.Options{Rate: float64(m.rate), Burst: m.burst, MaxKeys: m.maxKeys, Clock: c})
		if err != nil {
			t.Fatal(err)
		}
		// Steps of the length of an event and around it, where a bucket is almost, just and barely full; some go back.
		one := time.Duration(float64(time.Second) / float64(m.rate))
		steps := []time.Duration{0, 0, 0, 1, one / 7, one / 2, one - 1, one, one + 1, 2 * one, time.Duration(m.burst) * one, -1, -one, -3 * one}
		for i := range rapid.IntRange(1, 120).Draw(t, "events") {
			c.at = c.at.Add(rapid.SampledFrom(steps).Draw(t, "step"))
			if c.at.After(m.now) {
				m.now = c.at
			}
			key := strconv.Itoa(rapid.IntRange(0, 10).Draw(t, "key"))
			n := rapid.IntRange(1, m.burst).Draw(t, "n")
			want := m.allow(key, n)
			err := l.AllowN(key, n)
			if want != (err == nil) {
				t.Fatalf("event %d, %d of key %s: allowed is %v, got %v", i, n, key, want, err)
			}
			var limited *limit.LimitedError
			if errors.As(err, &limited) && !m.retryHolds(key, n, limited.RetryAfter) {
				t.Fatalf("event %d, %d of key %s: RetryAfter %v is too short or too long", i, n, key, limited.RetryAfter)
			}
			if rapid.IntRange(0, 3).Draw(t, "ask") == 0 && l.Len() != m.filling() {
				t.Fatalf("event %d: %d buckets are kept, %d are filling", i, l.Len(), m.filling())
			}
		}
	})
}

func TestLimiter_Race(t *testing.T) {
	t.Parallel()

	t.Run("many goroutines get one burst between them", func(t *testing.T) {
		t.Parallel()
		l, _ := newLimiter(t, limit.Options{Burst: 100, MaxKeys: 50})
		var allowed [20]atomic.Int64
		var wg sync.WaitGroup
		for g := range 8 {
			wg.Go(func() {
				for i := range 4000 {
					k := (i + g) % 20
					if l.Allow(strconv.Itoa(k)) == nil {
						allowed[k].Add(1)
					}
				}
			})
		}
		wg.Wait()
		for k := range allowed {
			require.Equal(t, int64(100), allowed[k].Load(), "key %d", k)
		}
	})

	t.Run("a moving clock, new keys and Len agree with one another", func(t *testing.T) {
		t.Parallel()
		l, err := limit.New(&limit.Options{Rate: 10_000, Burst: 2, MaxKeys: 16})
		require.NoError(t, err)
		var wg sync.WaitGroup
		for g := range 4 {
			wg.Go(func() {
				for i := range 5000 {
					_ = l.AllowN(strconv.Itoa(i*(g+1)%64), 1+i%2)
					if i%3 == 0 && l.Len() > 16 {
						t.Error("more buckets than MaxKeys")
					}
				}
			})
		}
		wg.Wait()
		require.LessOrEqual(t, l.Len(), 16)
	})
}

//nolint:paralleltest // memory is measured for the whole process
func TestLimiter_Memory(t *testing.T) {
	const keys = 100_000
	c := &hands{at: time.Unix(0, 0)}
	l, err := limit.New(&limit.Options{MaxKeys: keys, Clock: c})
	require.NoError(t, err)
	before := heap()
	perKey := func() int64 { return (heap() - before) / keys }

	for i := range 2 * keys {
		_ = l.Allow(fmt.Sprintf("%064d", i))
	}
	require.LessOrEqual(t, perKey(), int64(400), "a bucket is larger than promised")

	c.at = c.at.Add(time.Hour)
	for range keys / 2 {
		_ = l.Allow("k")
	}
	require.LessOrEqual(t, perKey(), int64(100), "events did not forget what was full")
	require.LessOrEqual(t, l.Len(), 1)

	before = heap()
	for i := range 200 {
		page := strings.Repeat(strconv.Itoa(i%10), 1<<20)
		_ = l.Allow(strconv.Itoa(i) + page)
		_ = l.Allow(page[:60-i/10])
	}
	require.LessOrEqual(t, heap()-before, int64(1<<20), "long keys, or the strings that keys were cut from, are kept")
	runtime.KeepAlive(l)
}

func heap() int64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

func BenchmarkLimiter_Allow(b *testing.B) {
	for _, n := range []int{1, 100_000} {
		keys := make([]string, n)
		for i := range keys {
			keys[i] = "user:" + strconv.Itoa(i)
		}
		fresh := func() *limit.Limiter {
			l, err := limit.New(&limit.Options{Rate: 10, Burst: 100_000_000})
			require.NoError(b, err)
			for _, k := range keys {
				_ = l.Allow(k)
			}
			return l
		}
		b.Run(fmt.Sprintf("%d keys", n), func(b *testing.B) {
			l := fresh()
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				_ = l.Allow(keys[i%n])
			}
		})
		b.Run(fmt.Sprintf("%d keys, parallel", n), func(b *testing.B) {
			l := fresh()
			var start atomic.Int64
			b.RunParallel(func(pb *testing.PB) {
				for i := int(start.Add(int64(n / 3))); pb.Next(); i++ {
					_ = l.Allow(keys[i%n])
				}
			})
		})
	}
	b.Run("1 key, refused", func(b *testing.B) {
		l, _ := newLimiter(b, limit.Options{})
		b.ReportAllocs()
		for b.Loop() {
			_ = l.Allow("k")
		}
	})
	b.Run("new keys, as fast as they are forgotten", func(b *testing.B) {
		c := &hands{at: time.Unix(0, 0)}
		l, err := limit.New(&limit.Options{Rate: 1, Burst: 50, Clock: c})
		require.NoError(b, err)
		b.ReportAllocs()
		for i := 0; b.Loop(); i++ {
			c.at = c.at.Add(20 * time.Microsecond) // so that 50,000 are kept
			_ = l.Allow(strconv.Itoa(i))
		}
	})
	b.Run("new keys, no room", func(b *testing.B) {
		l, _ := newLimiter(b, limit.Options{MaxKeys: 100_000})
		for i := range 100_000 {
			_ = l.Allow(strconv.Itoa(i))
		}
		b.ReportAllocs()
		for b.Loop() {
			_ = l.Allow("new")
		}
	})
}
