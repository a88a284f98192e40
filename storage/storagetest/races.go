package storagetest

import (
	"fmt"

	"github.com/chatelaine-go/chatelaine/access"
	"github.com/chatelaine-go/chatelaine/accounts"
	"github.com/chatelaine-go/chatelaine/roles"
	"github.com/chatelaine-go/chatelaine/storage"
)

// raceChecks prove that of several at once the right number wins. Each race is
// run by goroutines, and as a fixed order of reads and writes too, because
// timing alone may never meet the bad moment.
func raceChecks() []check {
	const once = "what can be done once must be done once, however many try (A01, A45)"
	const quotas = "a limit that concurrency gets past is no limit (A79, I-14)"
	const owners = "an account must keep an active owner at every commit (A35, I-01)"
	const secret = "each rotation must leave exactly one living secret (A60, I-18)"
	return []check{
		{"of many who connect the same pair one wins", once, raceConnect},
		{"of two who read that a pair is not connected one wins", once, fixedConnect},
		{"of many spends exactly as many as the limit win", quotas, raceQuota},
		{"of two who read the same rest of a quota one gets it", quotas, fixedQuota},
		{"of two owners who demote each other at once one stays", owners, raceOwners},
		{"of two who read two owners one demotes", owners, fixedOwners},
		{"of many rotations of a session at once one wins", secret, raceRotation},
		{"of two rotations that read the same session one wins", secret, fixedRotation},
		{"of many who take one idempotency key one executes", "a repeated call has one effect (A97, I-27)", raceReply},
		{"readers beside writers see whole changes", "each answer is of one moment; half a change is no moment (A39)", raceReaders},
	}
}

func raceConnect(e *env) {
	st := e.open()
	e.put(st, account("a"), agency("g"), account("b"))
	for round := range 4 {
		client := fmt.Sprint("client-", round)
		e.put(st, account(client))
		errs := together(16, func(i int) error {
			c := connection(client, "g", roles.Admin)
			c.Request = accounts.RequestID(fmt.Sprint("by-", i))
			return apply(e.ctx, st, build(accounts.OpID(fmt.Sprintf("%s-%d", client, i)), c))
		})
		e.holds(e.won(errs) == 1, "%d of 16 connected the same pair, want 1", e.won(errs))
		l, err := st.Linked(e.ctx, accounts.LinkedQuery{ConnectionKey: pair(client, "g"), Top: roles.Owner})
		e.ok(err, "Linked")
		for i, err := range errs {
			e.holds((err == nil) == (l.Connection.Request == accounts.RequestID(fmt.Sprint("by-", i))),
				"the stored connection is not the winner's: %s", text(l.Connection))
		}
	}
}

func fixedConnect(e *env) {
	st := e.open()
	e.put(st, account("a"), agency("g"))
	read := func() accounts.Connection {
		l, err := st.Linked(e.ctx, accounts.LinkedQuery{ConnectionKey: pair("a", "g"), Top: roles.Owner})
		e.ok(err, "Linked")
		c := connection("a", "g", roles.Admin)
		c.Version = l.Connection.Version
		return c
	}
	first, second := read(), read()
	second.Cap = roles.Viewer
	e.put(st, first)
	e.refused(st, "the second connection of a pair", second)
	again, late := read(), read()
	again.EndedAt = minutes(1)
	e.put(st, again)
	e.refused(st, "a new cap for a connection that ended meanwhile", late)
}

// used reads the counter of the agency g.
func (e *env) used(st storage.Storage) int {
	e.Helper()
	d, err := st.Drafting(e.ctx, access.DraftingQuery{Agency: "g", Day: accounts.DayOf(start)})
	e.ok(err, "Drafting")
	return d.Used
}

func raceQuota(e *env) {
	st := e.open()
	e.put(st, agency("g"))
	const limit, workers, each = 35, 16, 13 // 208 spends
	wins := make([]int, workers)
	errs := together(workers, func(i int) error {
		for n := range each {
			op := accounts.OpID(fmt.Sprintf("spend-%d-%d", i, n))
			err := until(e.ctx, func() error {
				err := apply(e.ctx, st, build(op, spend(accounts.QuotaRequests, "g", 1, limit)))
				if err == nil {
					wins[i]++
					return nil
				}
				d, derr := st.Drafting(e.ctx, access.DraftingQuery{Agency: "g", Day: accounts.DayOf(start)})
				if derr != nil {
					return derr
				}
				if d.Used > limit {
					return fmt.Errorf("%d spent of %d", d.Used, limit)
				}
				if d.Used == limit && kind(err) == "conflict" {
					return nil
				}
				return err
			})
			if err != nil {
				return err
			}
		}
		return nil
	})
	for _, err := range errs {
		e.ok(err, "a spend")
	}
	sum := 0
	for _, n := range wins {
		sum += n
	}
	e.holds(sum == limit, "%d spends of 1 succeeded, want exactly the limit of %d", sum, limit)
	e.holds(e.used(st) == limit, "the counter is %d, want %d", e.used(st), limit)
}

func fixedQuota(e *env) {
	st := e.open()
	e.put(st, agency("g"), spend(accounts.QuotaRequests, "g", 33, 35))
	first, second := 35-e.used(st), 35-e.used(st)
	e.put(st, spend(accounts.QuotaRequests, "g", first, 35))
	e.refused(st, "a spend of what was left before another took it", spend(accounts.QuotaRequests, "g", second, 35))
	e.refused(st, "a spend of 1 when nothing is left", spend(accounts.QuotaRequests, "g", 1, 35))
	e.holds(e.used(st) == 35, "the counter is %d, want 35", e.used(st))
	e.put(st, spend(accounts.QuotaRequests, "g", 1, 36)) // the limit is the decision's, not the counter's
	e.put(st, accounts.Spend{
		QuotaKey: accounts.QuotaKey{Kind: accounts.QuotaRequests, Subject: "g", Day: accounts.DayOf(start) + 1}, N: 35, Limit: 35,
	})
	e.put(st, spend(accounts.QuotaRecipient, "g", 5, 5))
}

// demote reads the account as a decision would, and returns the change that
// takes the owner's role from one who must not be the last.
func (e *env) demote(st storage.Storage, who accounts.UserID) ([]any, error) {
	a, err := st.Account(e.ctx, "a")
	if err != nil {
		return nil, err
	}
	owners, err := st.Owners(e.ctx, "a", roles.Owner)
	if err != nil || len(owners) < 2 {
		return nil, err
	}
	m, err := st.Membership(e.ctx, accounts.StandingKey{User: who, Account: "a"})
	if err != nil {
		return nil, err
	}
	m.Role = roles.Admin
	return []any{m, accounts.Guard{Account: "a", Version: a.Version, Move: true}}, nil
}

func (e *env) twoOwners() storage.Storage {
	st := e.open()
	e.put(st, user("u"), user("v"), account("a"), member("a", "u", roles.Owner), member("a", "v", roles.Owner))
	return st
}

func (e *env) oneOwner(st storage.Storage) {
	e.Helper()
	owners, err := st.Owners(e.ctx, "a", roles.Owner)
	e.ok(err, "Owners")
	e.holds(len(owners) == 1, "%d owners are left, want 1: %s", len(owners), text(owners))
}

func raceOwners(e *env) {
	for range 4 {
		st := e.twoOwners()
		errs := together(2, func(i int) error {
			return until(e.ctx, func() error {
				rows, err := e.demote(st, accounts.UserID("uv"[i:i+1]))
				if err != nil || rows == nil {
					return err
				}
				return apply(e.ctx, st, build(accounts.OpID(fmt.Sprint("demote-", i)), rows...))
			})
		})
		for _, err := range errs {
			e.ok(err, "a demotion")
		}
		e.oneOwner(st)
	}
}

func fixedOwners(e *env) {
	st := e.twoOwners()
	first, err := e.demote(st, "u")
	e.ok(err, "reading")
	second, err := e.demote(st, "v")
	e.ok(err, "reading")
	e.put(st, first...)
	e.refused(st, "the demotion of the last owner by somebody who read two", second...)
	e.oneOwner(st)
}

func raceRotation(e *env) {
	st := e.open()
	s := session("s", "u")
	e.put(st, user("u"), s)
	s.Version = 1
	for round := range 4 {
		errs := together(16, func(i int) error {
			next := s
			next.Hash = hash(fmt.Sprintf("%d-%d", round, i))
			return apply(e.ctx, st, build(accounts.OpID(fmt.Sprintf("rotate-%d-%d", round, i)), next))
		})
		e.holds(e.won(errs) == 1, "%d of 16 rotations of one session won, want 1", e.won(errs))
		living := 0
		for i, err := range errs {
			a, aerr := st.Admission(e.ctx, hash(fmt.Sprintf("%d-%d", round, i)), "")
			e.ok(aerr, "Admission")
			if a.Session.ID != "" {
				living++
				e.ok(err, "the living secret is of a rotation that failed")
				s.Hash = hash(fmt.Sprintf("%d-%d", round, i))
			}
		}
		e.holds(living == 1, "%d secrets live after a rotation, want 1", living)
		s.Version++
	}
}

func fixedRotation(e *env) {
	st := e.open()
	e.put(st, user("u"), session("s", "u"))
	read := func(secret string) access.Session {
		s, err := st.Session(e.ctx, access.SessionKey{ID: "s"})
		e.ok(err, "Session")
		s.Hash = hash(secret)
		return s
	}
	first, second, end := read("first"), read("second"), read("end")
	end.EndedAt = minutes(1)
	e.put(st, first)
	e.refused(st, "the rotation of a session that was rotated meanwhile", second)
	e.refused(st, "the end of a session as it was before its rotation", end)
	for secret, lives := range map[string]bool{"session s": false, "first": true, "second": false, "end": false} {
		a, err := st.Admission(e.ctx, hash(secret), "")
		e.ok(err, "Admission")
		e.holds((a.Session.ID == "s") == lives, "the secret %q lives: %v, want %v", secret, !lives, lives)
	}
}

func raceReply(e *env) {
	st := e.open()
	e.put(st, agency("g"))
	errs := together(16, func(i int) error {
		r := reply("user/u", "g", "key")
		r.Answer = []byte(fmt.Sprint(i))
		return apply(e.ctx, st, build(accounts.OpID(fmt.Sprint("keyed-", i)), r, spend(accounts.QuotaRequests, "g", 1, 35)))
	})
	e.holds(e.won(errs) == 1, "%d of 16 took the same idempotency key, want 1", e.won(errs))
	e.holds(e.used(st) == 1, "the effect is there %d times, want once", e.used(st))
	got, err := st.Reply(e.ctx, reply("user/u", "g", "key").ReplyKey)
	e.ok(err, "Reply")
	for i, err := range errs {
		e.holds((err == nil) == (string(got.Answer) == fmt.Sprint(i)), "the answer kept is not the winner's: %s", got.Answer)
	}
}

func raceReaders(e *env) {
	st := e.open()
	e.put(st, user("u"), account("a"), agency("g"), member("g", "u", roles.Owner), member("a", "u", roles.Owner),
		connection("a", "g", roles.Admin), assignment("a", "g", "u", roles.Admin), session("s", "u"))
	const rounds = 40
	errs := together(5, func(i int) error {
		for n := range int64(rounds) {
			if i == 0 { // every row says which change it is of
				u, a, m, x := user("u"), account("a"), member("a", "u", roles.Owner), assignment("a", "g", "u", roles.Admin)
				c := connection("a", "g", roles.Admin)
				u.Version, a.Version, m.Version, x.Version, c.Version = n+1, n+1, n+1, n+1, n+1
				u.Epoch, a.Epoch, m.Epoch, x.MemberEpoch, c.Epoch = n+1, n+1, n+1, n+1, n+1
				if err := apply(e.ctx, st, build(accounts.OpID(fmt.Sprint("n-", n)), u, a, m, x, c)); err != nil {
					return err
				}
				continue
			}
			s, err := st.Standings(e.ctx, []accounts.StandingKey{{User: "u", Account: "a"}, {User: "u", Account: "a"}})
			if err != nil {
				return err
			}
			at, err := st.Admission(e.ctx, hash("session s"), "a")
			if err != nil {
				return err
			}
			for _, s := range append(s, at.Standing) {
				n := s.User.Epoch
				if n > 0 && (s.Account.Epoch != n || s.Member.Epoch != n || s.Routes[0].Assignment.MemberEpoch != n ||
					s.Routes[0].Connection.Epoch != n) {
					return fmt.Errorf("an answer of two moments: %s", text(s))
				}
			}
			if s[0].User.Epoch != s[1].User.Epoch {
				return fmt.Errorf("two standings of one answer are of two moments")
			}
		}
		return nil
	})
	for _, err := range errs {
		e.ok(err, "reading beside writing")
	}
}
