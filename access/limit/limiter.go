package limit

import (
	"container/heap"
	"crypto/sha256"
	"encoding/hex"
	"math"
	"strings"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

const (
	// sweepStep is how many due buckets a call looks at when it needs no room. Each call makes at most one bucket and
	// moves at most one, so that more than one is enough to catch up, and no call pays for all.
	sweepStep = 4

	maxKey = 64
)

// Limiter allows each key its own number of events, as [Options] say. It is safe for use by several goroutines. The
// zero Limiter is not usable; [New] makes one.
type Limiter struct {
	o Options

	mu      sync.Mutex
	now     time.Time // the latest time ever read
	buckets map[string]*bucket
	queue   queue
}

// bucket is what one key has left. It is full at due, or later where it is spent: then it keeps its place in the queue
// until it comes to the head, so that an event on a known key costs no sorting.
type bucket struct {
	key   string
	left  *rate.Limiter
	due   time.Time
	spent bool // since due was found
}

// New returns a Limiter without any bucket. A nil o means all defaults; a bad option is refused with an [*OptionError].
// It starts nothing.
func New(o *Options) (*Limiter, error) {
	p, err := o.withDefaults()
	if err != nil {
		return nil, err
	}
	return &Limiter{o: p, buckets: map[string]*bucket{}}, nil
}

// Allow spends one event of key. It returns a [*LimitedError] when there is none left, or when a new key finds no room.
func (l *Limiter) Allow(key string) error { return l.AllowN(key, 1) }

// AllowN spends n events of key, all or none.
//
// It returns a [*LimitedError] when there are fewer left, or when a new key finds no room, and a [*CountError] when n is
// below 1 or above Burst. A refusal spends nothing.
func (l *Limiter) AllowN(key string, n int) error {
	if n < 1 || n > l.o.Burst {
		return &CountError{N: n, Burst: l.o.Burst}
	}
	key = bounded(key)
	at := l.o.Clock.Now()

	l.mu.Lock()
	defer l.mu.Unlock()
	at = l.advance(at)
	l.sweep(at, sweepStep)
	b, ok := l.buckets[key]
	if !ok {
		return l.admit(key, n, at)
	}
	if !b.left.AllowN(at, n) {
		return &LimitedError{RetryAfter: wait(b.left, at, n)}
	}
	b.spent = true
	return nil
}

// Len forgets every bucket that is full and returns how many are left: the keys that have spent something they have not
// yet got back. It is never above MaxKeys.
func (l *Limiter) Len() int {
	at := l.o.Clock.Now()

	l.mu.Lock()
	defer l.mu.Unlock()
	l.sweep(l.advance(at), math.MaxInt)
	return len(l.buckets)
}

// advance returns at, or the latest time known where at lies before it: rate.Limiter would pay twice for time that
// passes twice.
func (l *Limiter) advance(at time.Time) time.Time {
	if at.After(l.now) {
		l.now = at
	}
	return l.now
}

// admit makes a bucket for a new key and spends n of it.
func (l *Limiter) admit(key string, n int, at time.Time) error {
	for len(l.buckets) >= l.o.MaxKeys {
		switch head := l.queue[0]; {
		case l.sweepOne(at):
		case head.spent:
			l.requeue(head, at)
		default:
			return &LimitedError{RetryAfter: head.due.Sub(at)}
		}
	}
	b := &bucket{key: strings.Clone(key), left: rate.NewLimiter(rate.Limit(l.o.Rate), l.o.Burst)}
	b.left.AllowN(at, n)
	b.due = l.full(b, at)
	l.buckets[b.key] = b
	heap.Push(&l.queue, b)
	return nil
}

// sweep looks at no more than n due buckets.
func (l *Limiter) sweep(at time.Time, n int) {
	for ; n > 0 && l.sweepOne(at); n-- {
	}
}

// sweepOne forgets the head of the queue if it is due and full, or moves it to where it will be. It reports whether it
// was due.
func (l *Limiter) sweepOne(at time.Time) bool {
	if len(l.queue) == 0 || l.queue[0].due.After(at) {
		return false
	}
	b := l.queue[0]
	if l.full(b, at).After(at) {
		l.requeue(b, at)
		return true
	}
	heap.Pop(&l.queue)
	delete(l.buckets, b.key)
	return true
}

// requeue moves the head of the queue to where it will be full.
func (l *Limiter) requeue(b *bucket, at time.Time) {
	b.due, b.spent = l.full(b, at), false
	heap.Fix(&l.queue, 0)
}

// full returns when b will be full, or at if it is.
func (l *Limiter) full(b *bucket, at time.Time) time.Time {
	return at.Add(wait(b.left, at, l.o.Burst))
}

// wait returns how long after at b holds n events: 0 if it does already. It is never too short, and too long by no more
// than rounding needs.
func wait(b *rate.Limiter, at time.Time, n int) time.Duration {
	missing := float64(n) - b.TokensAt(at)
	if missing <= 0 {
		return 0
	}
	d := time.Duration(missing / float64(b.Limit()) * float64(time.Second))
	for step := time.Duration(1); b.TokensAt(at.Add(d)) < float64(n); step *= 2 {
		d += step
	}
	return d
}

// bounded returns key, or for a long one its hash, which is longer than any key that is kept as it is.
func bounded(key string) string {
	if len(key) <= maxKey {
		return key
	}
	h := sha256.Sum256([]byte(key))
	return "#" + hex.EncodeToString(h[:])
}
