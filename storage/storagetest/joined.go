package storagetest

import (
	"context"
	"errors"

	"github.com/chatelaine-go/chatelaine/accounts"
	"github.com/chatelaine-go/chatelaine/mail"
	"github.com/chatelaine-go/chatelaine/roles"
)

// joinedChecks prove that a change can be part of the host's own transaction.
func joinedChecks() []check {
	const part = "the host's own rows and our change become durable together or not at all (A84, A93)"
	return []check{
		{"what a joined store applied is seen inside, and outside from the commit on", part, checkJoinedCommit},
		{"what a joined store applied is gone after a rollback", part, checkJoinedRollback},
		{"a change that fails inside leaves the earlier ones, and later ones can follow", part, checkJoinedFailure},
		{
			"a conflict inside matches ErrConflict and ErrRepeat, and one outside never ErrRepeat",
			"the host must repeat its whole transaction; a service that retried inside would never succeed (A100)", checkRepeat,
		},
		{"mail and events of a transaction appear with its commit, and not before", part, checkJoinedMail},
		{"changes in one transaction build on each other", part, checkJoinedBuild},
		{"a claim in a transaction that is rolled back leased nothing", part, checkJoinedClaim},
		{
			"a cancelled call inside leaves the transaction whole",
			"a client that went away must not take the host's transaction along (A101)", checkJoinedCancel,
		},
	}
}

// outside returns an env whose calls end before the check does, for reading
// beside an open transaction: a reader that waits for it fails.
func (e *env) outside() (*env, context.CancelFunc) {
	out := *e
	var cancel context.CancelFunc
	out.ctx, cancel = context.WithTimeout(e.ctx, patience/2)
	return &out, cancel
}

func checkJoinedCommit(e *env) {
	forms := e.everyChange().forms()
	if slowly > 1 {
		forms = forms[:1] // each is asked about three times over, from inside a transaction too
	}
	for _, c := range forms {
		e.joinedCommit(c)
	}
}

func (e *env) joinedCommit(c change) {
	e.Helper()
	st, m := e.everyWorld()
	before := e.dump(m)
	e.ok(apply(e.ctx, m, c), "the model")

	tx := e.begin(st)
	out, cancel := e.outside()
	defer cancel()
	e.ok(apply(e.ctx, tx.Store(), c), "a valid change in a transaction")
	e.agrees(tx.Store(), m)
	out.unchanged(before, out.dump(st), "a change in an open transaction is seen outside")
	e.ok(tx.Commit(), "Commit")
	e.agrees(st, m)
	e.is(apply(e.ctx, st, c), accounts.ErrConflict, "the same change again, after the commit")
}

func checkJoinedRollback(e *env) {
	for _, c := range e.everyChange().forms() {
		st, m := e.everyWorld()
		tx := e.begin(st)
		e.ok(apply(e.ctx, tx.Store(), c), "a valid change in a transaction")
		e.ok(tx.Rollback(), "Rollback")
		e.still(st, m, "a change is there after its transaction was rolled back")
		e.nothingElse(st)
		e.ok(apply(e.ctx, st, c), "the same change, after its transaction was rolled back")
	}
}

func checkJoinedFailure(e *env) {
	st, m := e.everyWorld()
	first, last := e.change(user("first"), letter("first", "r")), e.change(user("last"), letter("last", "r"))
	tx := e.begin(st)
	e.ok(apply(e.ctx, tx.Store(), first), "a valid change in a transaction")
	for _, b := range breakers() {
		if b.rows == nil {
			continue
		}
		c := e.everyChange(b.rows("m")...).carry(b.field)[0]
		e.is(apply(e.ctx, tx.Store(), c), accounts.ErrConflict, "in a transaction, a change with %s", b.what)
	}
	e.ok(apply(e.ctx, tx.Store(), last), "a valid change in a transaction, after others that failed")
	e.ok(tx.Commit(), "Commit")
	e.ok(apply(e.ctx, m, first), "the model")
	e.ok(apply(e.ctx, m, last), "the model")
	e.agrees(st, m)
}

func checkRepeat(e *env) {
	st := e.open()
	e.put(st, account("a"), user("u"), session("s", "u"))
	held := e.guard(st, "a", false)
	e.put(st, e.guard(st, "a", true))
	stale := session("s", "u")
	stale.Version = 7
	changes := []change{
		e.change(held), e.change(user("u")), e.change(stale), e.change(spend("k", "s", 2, 1)), e.change(accounts.OpID("x"), event("op-0001", 1, "a", start)),
	}
	for _, c := range changes {
		err := apply(e.ctx, st, c)
		e.is(err, accounts.ErrConflict, "a conflict outside a transaction")
		e.holds(!errors.Is(err, accounts.ErrRepeat), "a conflict outside a transaction says that one is to be repeated: %v", err)
		tx := e.begin(st)
		err = apply(e.ctx, tx.Store(), c)
		e.is(err, accounts.ErrConflict, "a conflict in a transaction")
		e.is(err, accounts.ErrRepeat, "a conflict in a transaction")
		e.ok(tx.Rollback(), "Rollback")
	}
}

func checkJoinedMail(e *env) {
	st := e.open()
	e.put(st, letter("old", "r"), event("first", 1, "a", start))
	tx := e.begin(st)
	e.ok(apply(e.ctx, tx.Store(), e.change(letter("new", "s"), event("second", 1, "a", start))), "a change in a transaction")
	out, cancel := e.outside()
	defer cancel()
	list, err := st.Mails(out.ctx, mail.Query{})
	out.ok(err, "Mails, beside a transaction")
	out.holds(len(list) == 1, "mail of an open transaction is listed outside: %s", text(list))
	applied, err := st.Applied(out.ctx, "second")
	out.ok(err, "Applied, beside a transaction")
	out.holds(!applied, "an operation of an open transaction is said to be durable")
	e.ok(tx.Commit(), "Commit")
	e.same(ids(e.claim(st, start, all)), []string{"new", "old"}, "mail after the commit")
	e.same(ops(e.events(st, start, all)), []string{"first/1", "second/1"}, "events after the commit")

	tx = e.begin(st)
	e.ok(apply(e.ctx, tx.Store(), e.change(letter("never", "s"), mail.Reason("r"))), "a change in a transaction")
	e.ok(tx.Rollback(), "Rollback")
	e.same(ids(e.claim(st, minutes(60), all)), []string{"new", "old"}, "mail after a rollback")
}

func checkJoinedBuild(e *env) {
	st := e.open()
	tx := e.begin(st)
	u, a, m := user("u"), account("a"), member("a", "u", roles.Owner)
	e.ok(apply(e.ctx, tx.Store(), e.change(u, a)), "the first change")
	g := e.guard(tx.Store(), "a", true)
	u.Version, u.Name = 1, "changed"
	e.ok(apply(e.ctx, tx.Store(), e.change(u, m, g)), "the second change, on what the first made")
	e.is(apply(e.ctx, tx.Store(), e.change(g)), accounts.ErrRepeat, "a change on what the second moved")
	owners, err := tx.Store().Owners(e.ctx, "a", roles.Owner)
	e.ok(err, "Owners")
	e.same(owners, []accounts.Contact{{User: "u", Name: "changed", Email: address("u")}}, "the owners inside")
	e.ok(tx.Commit(), "Commit")
	got, err := st.Account(e.ctx, "a")
	e.ok(err, "Account")
	e.holds(got.Version == 2, "after an insert and a move the account has version %d, want 2", got.Version)
}

func checkJoinedClaim(e *env) {
	st := e.open()
	e.put(st, letter("m", "r"), event("o", 1, "a", start))
	tx := e.begin(st)
	e.same(ids(e.claim(tx.Store(), start, all)), []string{"m"}, "a claim inside")
	e.same(ops(e.events(tx.Store(), start, all)), []string{"o/1"}, "a claim inside")
	e.ok(tx.Rollback(), "Rollback")
	for _, d := range e.claim(st, start, all) {
		e.holds(d.Attempt == 1, "a claim that was rolled back counts as an attempt")
		e.settle(st, d, mail.Outcome{State: mail.Sent, At: start})
	}
	e.holds(e.record(st, "m").State == mail.Sent, "a claim that was rolled back still hides its message")
	e.holds(e.taken(st, e.events(st, start, all)...) == 1, "a claim that was rolled back still hides its event")
}

func checkJoinedCancel(e *env) {
	st := e.open()
	first, lost, last := e.change(user("first")), e.change(user("lost"), letter("lost", "r")), e.change(user("last"))
	tx := e.begin(st)
	joined := tx.Store()
	e.ok(apply(e.ctx, joined, first), "a change in a transaction")
	gone, cancel := context.WithCancel(e.ctx)
	cancel()
	for _, c := range calls(lost, mail.Delivery{}, accounts.EventDelivery{}) {
		err := c.call(gone, joined)
		e.holds(err != nil, "%s in a transaction, with a context that is over, succeeded", c.name)
	}
	e.ok(apply(e.ctx, joined, last), "a change after calls that were cancelled")
	e.ok(tx.Commit(), "Commit")
	for id, want := range map[accounts.UserID]error{"first": nil, "last": nil, "lost": accounts.ErrNotFound} {
		_, err := st.User(e.ctx, accounts.UserKey{ID: id})
		e.holds(errors.Is(err, want), "user %s after the commit: %v, want %v", id, err, want)
	}
}
