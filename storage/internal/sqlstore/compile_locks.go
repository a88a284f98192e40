package sqlstore

import (
	"cmp"
	"slices"

	"github.com/chatelaine-go/chatelaine/accounts"
)

// lock is an account or a user that a change relies on, or writes.
type lock struct {
	user    bool
	id      string
	written bool
	guard   accounts.Guard // unless written
}

// locks holds what the change relies on. Where others write at the same time it also
// locks, now, the accounts and users that it is about to write: all accounts and then
// all users, each in the order of their ids, with the strongest lock first. Two changes
// of which each relies on what the other one writes would wait for each other else, and
// two that rely on one user and write them too.
func (b *builder) locks(c *change) {
	list := make([]lock, 0, len(c.Guards)+len(c.Accounts)+len(c.Users))
	for _, g := range c.Guards {
		list = append(list, lock{user: g.User != "", id: cmp.Or(string(g.User), string(g.Account)), guard: g})
	}
	if b.t.d.Beside {
		for i := range c.Accounts {
			if a := &c.Accounts[i]; a.Version != 0 {
				list = append(list, lock{id: string(a.ID), written: true})
			}
		}
		for i := range c.Users {
			if u := &c.Users[i]; u.Version != 0 {
				list = append(list, lock{user: true, id: string(u.ID), written: true})
			}
		}
		slices.SortStableFunc(list, func(x, y lock) int {
			return cmp.Or(flagged(x.user, y.user), cmp.Compare(x.id, y.id), flagged(y.written, x.written))
		})
	}
	for _, l := range list {
		switch {
		case !l.written:
			b.guard(l.guard)
		case l.user:
			b.add(b.t.asking(`SELECT 1 FROM {p}users WHERE id = $1 FOR NO KEY UPDATE`), AnyRows, l.id)
		default:
			b.add(b.t.asking(`SELECT 1 FROM {p}accounts WHERE id = $1 FOR NO KEY UPDATE`), AnyRows, l.id)
		}
	}
}

// flagged compares truth values: false comes first.
func flagged(x, y bool) int { return cmp.Compare(flag(x), flag(y)) }

func (b *builder) guard(g accounts.Guard) {
	switch {
	case g.User != "":
		b.add(b.t.asking(`SELECT 1 FROM {p}users WHERE id = $1 AND epoch = $2{share}`), 1, string(g.User), g.Epoch)
	case g.Move:
		b.add(b.t.plain(`UPDATE {p}accounts SET version = version + 1 WHERE id = $1 AND version = $2`), 1,
			string(g.Account), g.Version)
	default:
		b.add(b.t.asking(`SELECT 1 FROM {p}accounts WHERE id = $1 AND version = $2{share}`), 1, string(g.Account), g.Version)
	}
}
