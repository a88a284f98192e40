package access

import (
	"net/netip"
	"time"

	"github.com/chatelaine-go/chatelaine/access/limit"
	"github.com/chatelaine-go/chatelaine/accounts"
)

// The wait after a wrong password: a second at first, doubled with each try,
// and never longer than this until [accounts.Limits.TriesMost].
const longestWait = 15 * time.Minute

// wait returns how long nobody may try the password of this address.
func (g Guesses) wait(at time.Time, l accounts.Limits) time.Duration {
	n := g.counted(at, l)
	var pause time.Duration
	switch {
	case n < l.TriesFree:
		return 0
	case n >= l.TriesMost:
		pause = l.TriesBlock
	default:
		pause = min(time.Second<<min(n-l.TriesFree, 20), longestWait)
	}
	ahead := g.LastAt.Sub(at)
	if ahead > l.TriesBlock {
		// The last try lies further in the future than any wait is long: a clock
		// ran ahead and was set right. One try puts that right here too.
		return 0
	}
	return ahead + pause
}

// counted returns how many tries still count.
func (g Guesses) counted(at time.Time, l accounts.Limits) int {
	if at.Sub(g.LastAt) >= l.KeepGuesses {
		return 0
	}
	return g.Count
}

// admit decides whether a password may be tried at all, and counts it: before
// anybody looks at the password, and alike for every address.
func admit(at time.Time, l accounts.Limits, f Entering, from source) (Change, error) {
	if wait := f.Guesses.wait(at, l); wait > 0 {
		return Change{}, &limit.LimitedError{RetryAfter: wait}
	}
	spend, err := from.spend(at, l, f.Tries)
	if err != nil {
		return Change{}, err
	}
	g := f.Guesses
	g.Count, g.LastAt = g.counted(at, l)+1, at
	c := Change{Guesses: []Guesses{g}}
	c.Spend = spend
	return c, nil
}

// forgiven returns the row that says that nobody is guessing, if there is
// anything to forgive.
func (g Guesses) forgiven() []Guesses {
	if g.Version == 0 || g.Count == 0 {
		return nil
	}
	g.Count = 0
	return []Guesses{g}
}

// source is the network that somebody comes from: the subject of
// accounts.QuotaSource, or "" when the host does not tell.
type source string

// network returns the network of the device's address: of version 6, where one
// customer has many addresses, the first 64 bits. A port is no part of it, or
// each connection would count on its own.
func (d Device) network() source {
	address := d.clipped().Source
	ip, err := netip.ParseAddr(address)
	if err != nil {
		with, err := netip.ParseAddrPort(address)
		if err != nil {
			return source(address)
		}
		ip = with.Addr()
	}
	ip = ip.Unmap().WithZone("")
	if ip.Is6() {
		if p, err := ip.Prefix(64); err == nil {
			return source(p.String())
		}
	}
	return source(ip.String())
}

// spend returns what one try takes from the source's counter, or refuses when
// nothing is left today.
func (s source) spend(at time.Time, l accounts.Limits, used int) ([]accounts.Spend, error) {
	if s == "" {
		return nil, nil
	}
	q := accounts.Quota{
		Key:  accounts.QuotaKey{Kind: accounts.QuotaSource, Subject: string(s), Day: accounts.DayOf(at)},
		Used: used, Limit: l.TriesPerSource,
	}
	if q.Left() == 0 {
		return nil, &limit.LimitedError{RetryAfter: q.ResetAt().Sub(at)}
	}
	return []accounts.Spend{q.Spend(1)}, nil
}

// lift decides whether the wait of an address ends before its time.
func lift(op accounts.Operation, f Entering) (Change, error) {
	if err := op.ByOperator(""); err != nil || len(f.Guesses.forgiven()) == 0 {
		return Change{}, err
	}
	c := Change{Change: op.Change(), Guesses: f.Guesses.forgiven()}
	op.Record(&c.Change, accounts.Event{Kind: EventLoginLifted, User: f.Means.User.ID})
	return c, nil
}
