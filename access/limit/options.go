package limit

import (
	"math"
	"time"
)

// The defaults of [Options].
const (
	DefaultRate    = 5.0
	DefaultBurst   = 50
	DefaultMaxKeys = 100_000
)

const (
	maxRate = 1e6
	maxFill = 365 * 24 * time.Hour
)

// Options sets up a [Limiter]. A field left zero has its default.
type Options struct {
	// Rate is how many events a second each key gets back, above 0 and at most 1,000,000. Default 5.
	Rate float64

	// Burst is how many events a key may spend at once, at least 1. An empty bucket must be full again, Burst / Rate
	// seconds later, within 365 days. Default 50.
	Burst int

	// MaxKeys is how many buckets are kept at once, at least 1. Default 100,000.
	MaxKeys int

	// Clock tells the time. It must be safe for use by several goroutines. Default the system's.
	Clock interface{ Now() time.Time }
}

// withDefaults returns o with every field set, or the first bad one as an *OptionError.
func (o *Options) withDefaults() (Options, error) {
	var p Options
	if o != nil {
		p = *o
	}
	if p.Rate == 0 {
		p.Rate = DefaultRate
	}
	if p.Burst == 0 {
		p.Burst = DefaultBurst
	}
	if p.MaxKeys == 0 {
		p.MaxKeys = DefaultMaxKeys
	}
	if p.Clock == nil {
		p.Clock = systemClock{}
	}
	switch {
	case math.IsNaN(p.Rate) || p.Rate < 0:
		return Options{}, &OptionError{Field: "Rate", Reason: "must be above 0"}
	case p.Rate > maxRate:
		return Options{}, &OptionError{Field: "Rate", Reason: "must be at most 1,000,000 events a second"}
	case p.Burst < 0:
		return Options{}, &OptionError{Field: "Burst", Reason: "must be at least 1"}
	case float64(p.Burst)/p.Rate > maxFill.Seconds():
		return Options{}, &OptionError{Field: "Burst", Reason: "must be regained at Rate within 365 days"}
	case p.MaxKeys < 0:
		return Options{}, &OptionError{Field: "MaxKeys", Reason: "must be at least 1"}
	}
	return p, nil
}

type systemClock struct{}

// Now returns the system's time, with its monotonic reading.
func (systemClock) Now() time.Time {
	return time.Now() //nolint:forbidigo // the default clock is the one place that reads the system's
}
