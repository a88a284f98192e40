package password

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"fmt"

	"golang.org/x/crypto/argon2"
)

// maxStored is the longest stored hash that is looked at, in bytes.
const maxStored = 1_024

// Match is what came of a comparison. The zero Match is no match.
type Match struct {
	// OK says that the password is the one that the stored hash was made of.
	OK bool

	// Stale says that the stored hash should be replaced by a new one of the same password: it was imported, or made
	// with other parameters or another pepper than today's. It is never set without OK.
	Stale bool
}

// Hasher makes and checks the hashes of passwords. It is safe for use by several goroutines. The zero Hasher is not
// usable; [New] makes one. Make one for the whole process: each bounds its own hashes alone.
type Hasher struct {
	cost      cost
	keyID     string // of the pepper of new hashes, "" without one
	peppers   map[string]func(tag []byte) []byte
	verifiers []Verifier
	gate      gate
	dummy     phc // of no password, with the parameters of new hashes

	// derive is argon2.IDKey.
	derive func(password, salt []byte, time, memory uint32, threads uint8, keyLen uint32) []byte
}

// New returns a Hasher. A nil o means all defaults; a bad option is refused with an [*OptionError]. It starts nothing.
func New(o *Options) (*Hasher, error) {
	p, err := o.withDefaults()
	if err != nil {
		return nil, err
	}
	h := &Hasher{
		cost:      cost{memory: p.Memory, time: p.Time, threads: p.Threads},
		peppers:   map[string]func([]byte) []byte{},
		verifiers: p.Verifiers,
		gate:      newGate(p.Parallel, p.Queue),
		derive:    argon2.IDKey,
	}
	for i, k := range p.Pepper {
		if i == 0 {
			h.keyID = k.ID
		}
		// A function, unlike a slice, does not print when a Hasher is printed.
		h.peppers[k.ID] = func(tag []byte) []byte {
			m := hmac.New(sha256.New, k.Key)
			m.Write(tag)
			return m.Sum(nil)
		}
	}
	h.dummy = phc{cost: h.cost, keyID: h.keyID}
	fill(h.dummy.salt[:])
	fill(h.dummy.tag[:])
	return h, nil
}

// Hash returns the PHC string to store for password.
//
// It returns a [*RefusedError] for a password that is empty, too long or not text, at once; [ErrBusy] when nobody more
// may wait; and an error that wraps ctx's when ctx ends before the hash began. It judges no more than that: ask a
// [Policy] first.
func (h *Hasher) Hash(ctx context.Context, password string) (string, error) {
	text, err := normalise(password)
	if err != nil {
		return "", err
	}
	if err := h.gate.enter(ctx); err != nil {
		return "", err
	}
	defer h.gate.leave()

	p := phc{cost: h.cost, keyID: h.keyID}
	fill(p.salt[:])
	copy(p.tag[:], h.tag(&p, text))
	return string(p.append(nil)), nil
}

// Verify compares password with a stored hash. Where there is none, because nobody has that name or they have no
// password, pass an empty stored: it costs what a real one costs and never matches.
//
// It returns [ErrStored] when stored cannot be used, after the same cost; [ErrBusy] when nobody more may wait; and an
// error that wraps ctx's when ctx ends before the comparison began. There is no match together with an error. A password
// that is empty or above [MaxBytes] matches nothing, at once.
func (h *Hasher) Verify(ctx context.Context, stored, password string) (Match, error) {
	// The same for every stored, so that it tells nothing about it.
	if password == "" || len(password) > MaxBytes {
		return Match{}, nil
	}
	p, v, err := h.read(stored)
	if enter := h.gate.enter(ctx); enter != nil {
		return Match{}, enter
	}
	defer h.gate.leave()

	if v != nil {
		ok, wrong := v.Verify(stored, password)
		if wrong == nil {
			return Match{OK: ok, Stale: ok}, nil
		}
		err = fmt.Errorf("%w: %w", ErrStored, wrong)
	}
	ours := p != nil
	if !ours {
		p = &h.dummy
	}
	text, bad := normalise(password)
	if bad != nil {
		text = password // hashed all the same, for the time that it takes
	}
	same := subtle.ConstantTimeCompare(p.tag[:], h.tag(p, text)) == 1
	if !ours || bad != nil || !same {
		return Match{}, err
	}
	return Match{OK: true, Stale: p.cost != h.cost || p.keyID != h.keyID}, nil
}

// read returns our own hash in stored, or the verifier that handles it, or an error that matches ErrStored, or none of
// them when stored is empty.
func (h *Hasher) read(stored string) (*phc, Verifier, error) {
	if stored == "" {
		return nil, nil, nil
	}
	if len(stored) > maxStored {
		return nil, nil, unusable("it is longer than 1,024 bytes")
	}
	p, wrong := parsePHC(stored)
	if wrong == "" {
		if _, ok := h.peppers[p.keyID]; !ok && p.keyID != "" {
			return nil, nil, unusable("its pepper is not among the options")
		}
		return &p, nil, nil
	}
	for _, v := range h.verifiers {
		if v.Handles(stored) {
			return nil, v, nil
		}
	}
	return nil, nil, unusable(wrong)
}

// tag returns what p's tag is if text is its password.
func (h *Hasher) tag(p *phc, text string) []byte {
	t := h.derive([]byte(text), p.salt[:], p.time, p.memory, p.threads, tagSize)
	if key, ok := h.peppers[p.keyID]; ok {
		return key(t)
	}
	return t
}

// fill makes b random. crypto/rand does not fail; a system without randomness ends the process.
func fill(b []byte) { _, _ = rand.Read(b) }
