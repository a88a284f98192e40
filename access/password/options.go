package password

import (
	"bytes"
	"fmt"
	"runtime"
	"slices"
)

// The defaults of [Options]. Memory, time and threads are the least that OWASP recommends for argon2id.
const (
	DefaultMemory  = 19_456 // KiB
	DefaultTime    = 2
	DefaultThreads = 1

	// DefaultQueue is how many callers may wait for each hash that runs. A hash takes about 35 ms, so the last of a full
	// queue waits 2 seconds: longer, and the people whose passwords are hashed have gone.
	DefaultQueue = 64
)

const (
	maxParallel = 1_024
	maxQueue    = 1 << 20
	minKey      = 32 // bytes
)

// Options sets up a [Hasher]. A field left zero has its default.
type Options struct {
	// Memory is what one hash takes in KiB, from 8 for each of Threads to 262,144 (256 MiB). Default 19,456. Less than
	// the default, without a higher Time, is good for tests alone.
	Memory uint32

	// Time is the number of passes over the memory, 1 to 10. Default 2.
	Time uint32

	// Threads is the number of lanes, and of goroutines, of one hash, 1 to 8. Default 1.
	Threads uint8

	// Parallel is how many hashes run at once, 1 to 1,024. Default the processors that this process may use, and never
	// more than the machine has: more at once are slower, and each takes Memory.
	Parallel int

	// Queue is how many callers may wait for their turn, at least 1. Default 64 for each of Parallel.
	Queue int

	// Pepper holds keys that are not in the database, so that the database alone does not let anybody guess. The first
	// makes new hashes; all verify. Rotate by putting the new one first, and keep the old as long as a stored hash names
	// it. Without any, hashes have no pepper.
	Pepper []Pepper

	// Verifiers check the stored hashes that are not argon2id of our form, asked in order. Default Bcrypt alone; an empty
	// slice that is not nil means none.
	Verifiers []Verifier
}

// Pepper is a secret key by which hashes are keyed once more: HMAC-SHA-256 over what argon2id gave. It prints and
// marshals without its key.
type Pepper struct {
	// ID is what stored hashes say of the key, 1 to 16 of A–Z, a–z, 0–9, '.' and '-'. It never names another key.
	ID string

	// Key is secret and random, at least 32 bytes. It is copied.
	Key []byte
}

// Format writes the id without the key, whatever the verb.
func (p Pepper) Format(f fmt.State, _ rune) { _, _ = fmt.Fprintf(f, "%s [redacted]", p.ID) }

// MarshalText returns what Format writes, and no error.
func (p Pepper) MarshalText() ([]byte, error) { return []byte(p.ID + " [redacted]"), nil }

// withDefaults returns o with every field set, or the first bad one as an *OptionError.
func (o *Options) withDefaults() (Options, error) {
	var p Options
	if o != nil {
		p = *o
	}
	if p.Memory == 0 {
		p.Memory = DefaultMemory
	}
	if p.Time == 0 {
		p.Time = DefaultTime
	}
	if p.Threads == 0 {
		p.Threads = DefaultThreads
	}
	if p.Parallel == 0 {
		// A container's share of the machine is in GOMAXPROCS, not in NumCPU.
		p.Parallel = min(runtime.NumCPU(), runtime.GOMAXPROCS(0), maxParallel)
	}
	if p.Queue == 0 {
		p.Queue = DefaultQueue * max(p.Parallel, 0)
	}
	if p.Verifiers == nil {
		p.Verifiers = []Verifier{Bcrypt()}
	}
	switch {
	case p.Threads > maxThreads:
		return Options{}, &OptionError{Field: "Threads", Reason: "must be at most 8"}
	case p.Memory < 8*uint32(p.Threads):
		return Options{}, &OptionError{Field: "Memory", Reason: "must be at least 8 KiB for each of Threads"}
	case p.Memory > maxMemory:
		return Options{}, &OptionError{Field: "Memory", Reason: "must be at most 262,144 KiB"}
	case p.Time > maxTime:
		return Options{}, &OptionError{Field: "Time", Reason: "must be at most 10"}
	case p.Parallel < 1 || p.Parallel > maxParallel:
		return Options{}, &OptionError{Field: "Parallel", Reason: "must be 1 to 1,024"}
	case p.Queue < 1 || p.Queue > maxQueue:
		return Options{}, &OptionError{Field: "Queue", Reason: "must be 1 to 1,048,576"}
	case slices.Contains(p.Verifiers, nil):
		return Options{}, &OptionError{Field: "Verifiers", Reason: "must not hold nil"}
	}
	p.Verifiers = slices.Clone(p.Verifiers)
	if err := p.checkPepper(); err != nil {
		return Options{}, err
	}
	return p, nil
}

// checkPepper refuses a bad key or id, and copies the keys.
func (o *Options) checkPepper() error {
	o.Pepper = slices.Clone(o.Pepper)
	seen := map[string]struct{}{}
	for i, p := range o.Pepper {
		if !validKeyID(p.ID) {
			return &OptionError{Field: "Pepper", Reason: "must have ids of 1 to 16 letters, digits, '.' and '-'"}
		}
		if _, ok := seen[p.ID]; ok {
			return &OptionError{Field: "Pepper", Reason: "must not have one id twice"}
		}
		if len(p.Key) < minKey {
			return &OptionError{Field: "Pepper", Reason: "must have keys of at least 32 bytes"}
		}
		seen[p.ID] = struct{}{}
		o.Pepper[i].Key = bytes.Clone(p.Key)
	}
	return nil
}
