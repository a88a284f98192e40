package storagetest

import (
	"time"

	"github.com/chatelaine-go/chatelaine/accounts"
	"github.com/chatelaine-go/chatelaine/mail"
	"github.com/chatelaine-go/chatelaine/storage"
)

// outboxChecks prove which mail goes out, and what is kept of it.
func outboxChecks() []check {
	const gone = "mail whose reason has gone must not be sent (A87, I-24)"
	const erased = "a body can hold a live link: nobody sees it but the dispatcher, and not for longer (A18, A92, I-26)"
	return []check{
		{"mail that is due is claimed by priority, then due, then id", "who sits and waits for a link goes first (A86)", checkDue},
		{"a reason that is cancelled takes back what it covers, and no neighbour", gone, checkCancel},
		{"the empty reason takes back nothing", "a reason that somebody forgot to fill in must not take back all mail", checkCancelEmpty},
		{"cancelled mail is never sent, also when it was leased", gone, checkCancelLeased},
		{"what was sent stays sent when its reason goes, and what is dead does not come back", gone, checkCancelSettled},
		{"a change cancels before it queues", "a resent request takes back the old link's mail and keeps the new one's (A03)", checkCancelThenQueue},
		{"a change queues dead mail again, with its record", "what an operator does must be on record with its effect (A105)", checkRequeue},
		{"bodies are erased once sent or cancelled, and never listed", erased, checkErased},
		{
			"dead mail is listed with its error, queued again on demand, and carries its body",
			"permanent failures must be visible and repairable (A86)", checkDead,
		},
		{"dead mail past its time stays dead and loses its body", erased, checkDeadTooLate},
		{"mail past its time is delivered as it is", "the dispatcher settles it as dead, so that somebody sees it (A86)", checkNotAfter},
		{"a channel's messages are claimed on it, and on no other", "what is slow or down on one way must not hold up the other, or go out on it", checkChannels},
		{"what a message says comes back as it was, byte for byte", "a link that lost a letter lets nobody in, and what is sealed opens whole or not at all", checkSays},
		{"an attempt that was not begun does not count", "a deploy in the middle of a batch must not bring mail nearer to its end (A86)", checkUntried},
		{"a bounce marks mail that was sent, and no other", "whoever waits for an answer must see that nothing arrived", checkBounced},
		{"a bounce stays, whatever comes afterwards, until it is swept", "a late success must not hide a failure", checkBouncedStays},
		{"the newest record of each reason is found, in the order asked", "a page shows for each row how far its own mail has come", checkNewest},
		{"the newest record is asked for at most 1,000 reasons", "one question must not hold up all others", checkNewestMany},
		{"records are found by state, account, address and reason", "support must find a person's mail", checkRecords},
	}
}

// claim leases up to limit mails for ten minutes.
func (e *env) claim(st storage.Storage, at time.Time, limit int) []mail.Delivery {
	e.Helper()
	return e.claimOn(st, mail.Email, at, limit)
}

// claimOn is claim on a channel.
func (e *env) claimOn(st storage.Storage, channel mail.Channel, at time.Time, limit int) []mail.Delivery {
	e.Helper()
	got, err := st.ClaimMail(e.ctx, mail.Claim{Channel: channel, At: at, Lease: 10 * time.Minute, Limit: limit})
	e.ok(err, "ClaimMail")
	return got
}

// settle settles a delivery, which must still be the caller's.
func (e *env) settle(st storage.Storage, d mail.Delivery, o mail.Outcome) {
	e.Helper()
	o.ID, o.Fence = d.Message.ID, d.Fence
	e.ok(st.SettleMail(e.ctx, o), "SettleMail")
}

// fenced settles a delivery that must not be the caller's any more.
func (e *env) fenced(st storage.Storage, d mail.Delivery, why string) {
	e.Helper()
	before := e.dump(st)
	for _, state := range []mail.State{mail.Sent, mail.Dead, mail.Queued} {
		o := mail.Outcome{ID: d.Message.ID, Fence: d.Fence, State: state, At: minutes(500), Error: "late"}
		if state == mail.Queued {
			o.Next = minutes(501)
		}
		e.is(st.SettleMail(e.ctx, o), mail.ErrFenced, "settling a delivery %s", why)
	}
	e.unchanged(before, e.dump(st), "settling a delivery "+why+" changed something")
}

func ids(list []mail.Delivery) []string {
	var ids []string
	for _, d := range list {
		ids = append(ids, d.Message.ID)
	}
	return ids
}

// record returns what can be seen of a message.
func (e *env) record(st storage.Storage, id string) mail.Record {
	e.Helper()
	list, err := st.Mails(e.ctx, mail.Query{})
	e.ok(err, "Mails")
	for _, r := range list {
		if r.ID == id {
			return r
		}
	}
	e.failf("the message %s is not in the outbox", id)
	return mail.Record{}
}

func checkDue(e *env) {
	st := e.open()
	due := func(id string, p mail.Priority, at time.Time) mail.Message {
		m := letter(id, "r")
		m.Priority, m.Due = p, at
		return m
	}
	e.put(st, due("d", mail.Notice, minutes(1)), due("c", mail.Notice, minutes(2)), due("b", mail.Notice, minutes(2)),
		due("z", mail.Awaited, minutes(3)), due("y", mail.Awaited, minutes(1)), due("late", mail.Awaited, minutes(3).Add(time.Microsecond)),
		due("x", 200, minutes(0)), due("B", mail.Notice, minutes(2)))
	e.same(ids(e.claim(st, minutes(0).Add(-time.Microsecond), all)), nil, "before anything is due")
	for _, limit := range []int{0, -1} {
		e.same(ids(e.claim(st, minutes(3), limit)), nil, "a claim of less than one message")
	}
	e.same(ids(e.claim(st, minutes(3), 3)), []string{"y", "z", "d"}, "the first three")
	e.same(ids(e.claim(st, minutes(3), all)), []string{"B", "b", "c", "x"}, "the rest that is due")
	e.same(ids(e.claim(st, minutes(4), all)), []string{"late"}, "a microsecond is a difference")
}

func checkCancel(e *env) {
	reason := mail.ReasonFor
	st := e.open()
	for id, r := range map[string]mail.Reason{
		"exact": reason("agency", "4", "request", "7"), "below": reason("agency", "4", "request", "7", "note"),
		"above": reason("agency", "4", "request"), "sibling": reason("agency", "4", "request", "8"),
		"longer": reason("agency", "4", "request", "71"), "other": reason("agency", "42", "request", "7"),
		"none": "", "before": reason("agency", "4", "request", "7!"), "behind": reason("agency", "4", "request", "7~"),
		"upper": reason("Agency", "4", "request", "7"), "wild": reason("agency", "4", "request", "%"),
		"deep": reason("agency", "4", "request", "7", "a", "b", "c"),
	} {
		e.put(st, letter(id, r))
	}
	e.put(st, reason("agency", "4", "request", "7"), reason("nothing", "there"))
	e.same(ids(e.claim(st, start, all)), []string{
		"above", "before", "behind", "longer", "none", "other", "sibling", "upper", "wild",
	}, "what is left after its neighbours' reason went")
	for _, id := range []string{"exact", "below", "deep"} {
		r := e.record(st, id)
		e.holds(r.State == mail.Cancelled && !r.SettledAt.IsZero(), "the cancelled message is listed as %s", text(r))
	}
	e.put(st, reason("agency", "4"))
	for _, id := range []string{"above", "before", "behind", "longer", "sibling", "wild"} {
		e.holds(e.record(st, id).State == mail.Cancelled, "the broader reason left %s", id)
	}
	for _, id := range []string{"none", "other", "upper"} {
		e.holds(e.record(st, id).State == mail.Queued, "the broader reason took back %s", id)
	}
}

func checkCancelEmpty(e *env) {
	st := e.open()
	e.put(st, letter("m", "r"), letter("n", ""))
	e.put(st, mail.Reason(""))
	e.same(ids(e.claim(st, start, all)), []string{"m", "n"}, "after the empty reason was cancelled")
}

func checkCancelLeased(e *env) {
	st := e.open()
	e.put(st, letter("leased", "r"), letter("waiting", "r"), letter("kept", "s"))
	leased := e.claim(st, start, 2)
	e.same(ids(leased), []string{"kept", "leased"}, "the first two")
	e.put(st, mail.Reason("r"))
	e.fenced(st, leased[1], "that was cancelled meanwhile")
	e.settle(st, leased[0], mail.Outcome{State: mail.Sent, At: minutes(1)})
	e.same(ids(e.claim(st, minutes(1000), all)), nil, "after everything was cancelled or sent")
}

func checkCancelSettled(e *env) {
	st := e.open()
	e.put(st, letter("sent", "r"), letter("dead", "r"))
	for _, d := range e.claim(st, start, all) {
		e.settle(st, d, mail.Outcome{State: mail.State(d.Message.ID), At: minutes(1)})
	}
	sent := e.record(st, "sent")
	e.put(st, mail.Reason("r"))
	e.same(e.record(st, "sent"), sent, "the record of a message that was sent before its reason went")
	e.holds(e.record(st, "dead").State == mail.Cancelled, "a dead message whose reason went is %s", e.record(st, "dead").State)
	n, err := st.RequeueMail(e.ctx, []string{"dead", "sent"}, minutes(2))
	e.ok(err, "RequeueMail")
	e.holds(n == 0, "%d messages came back by requeueing, want none", n)
	e.same(ids(e.claim(st, minutes(100), all)), nil, "after everything was sent or cancelled")
}

func checkCancelThenQueue(e *env) {
	st := e.open()
	e.put(st, letter("old", "r"))
	e.put(st, mail.Reason("r"), letter("new", "r"))
	e.same(ids(e.claim(st, start, all)), []string{"new"}, "after one change cancelled the reason and queued under it")
}

func checkRequeue(e *env) {
	st := e.open()
	late := letter("late", "r")
	late.NotAfter = start
	e.put(st, letter("dead", "r"), letter("sent", "r"), letter("taken-back", "s"), late)
	for _, d := range e.claim(st, start, all) {
		state := mail.Dead
		if d.Message.ID == "sent" {
			state = mail.Sent
		}
		e.settle(st, d, mail.Outcome{State: state, At: minutes(-1)})
	}
	e.put(st, mail.Reason("s"), again("dead"), again("sent"), again("taken-back"), again("late"), again("unknown"))
	due := e.claim(st, start, all)
	e.same(ids(due), []string{"dead"}, "due at the moment of the change that queued them again")
	e.holds(due[0].Attempt == 1 && due[0].Message.Text != "", "the message that was queued again is %s", text(due[0]))
	c := e.change(accounts.Guard{Account: "nowhere", Version: 1}, again("dead"))
	e.settle(st, due[0], mail.Outcome{State: mail.Dead, At: minutes(1)})
	e.is(apply(e.ctx, st, c), accounts.ErrConflict, "a change with a broken guard")
	e.holds(e.record(st, "dead").State == mail.Dead, "a change that failed queued mail again")
}

func checkErased(e *env) {
	st := e.open()
	e.put(st, letter("sent", "a"), letter("cancelled", "b"), letter("dead", "c"), letter("again", "d"))
	for _, d := range e.claim(st, start, all) {
		e.holds(d.Message.Text == "Body of "+d.Message.ID+"\n", "a delivery carries its body: %q", d.Message.Text)
		switch d.Message.ID {
		case "sent":
			e.settle(st, d, mail.Outcome{State: mail.Sent, At: minutes(1)})
		case "dead":
			e.settle(st, d, mail.Outcome{State: mail.Dead, At: minutes(1), Error: "refused"})
		case "again":
			e.settle(st, d, mail.Outcome{State: mail.Queued, At: minutes(1), Next: minutes(2), Error: "later"})
		}
	}
	e.put(st, mail.Reason("b"))
	list, err := st.Mails(e.ctx, mail.Query{})
	e.ok(err, "Mails")
	want := func(id string, r mail.Record) mail.Record {
		r.ID, r.Channel, r.Kind, r.Account, r.To = id, mail.Email, "access-requested", "agency", "to-"+id+"@example.com"
		r.Priority, r.Attempts, r.CreatedAt = mail.Notice, 1, start
		return r
	}
	e.same(list, []mail.Record{
		want("again", mail.Record{Reason: "d", State: mail.Queued, Due: minutes(2), Error: "later"}),
		want("cancelled", mail.Record{Reason: "b", State: mail.Cancelled, Due: start, SettledAt: start}),
		want("dead", mail.Record{Reason: "c", State: mail.Dead, Due: start, SettledAt: minutes(1), Error: "refused"}),
		want("sent", mail.Record{Reason: "a", State: mail.Sent, Due: start, SettledAt: minutes(1)}),
	}, "the records; a cancelled message is settled at the moment of the change's events")
	again := e.claim(st, minutes(2), all)
	e.same(ids(again), []string{"again"}, "what is left to send")
	e.holds(again[0].Message.Text == "Body of again\n" && again[0].Message.Subject == "Subject of again",
		"a message that is tried again keeps its body: %s", text(again[0].Message))
}

func checkDead(e *env) {
	st := e.open()
	m := letter("m", "r")
	m.NotAfter = minutes(100)
	e.put(st, m, letter("n", "r"))
	first := e.claim(st, start, 1)[0]
	e.settle(st, first, mail.Outcome{State: mail.Queued, At: minutes(1), Next: minutes(2), Error: "try 1"})
	second := e.claim(st, minutes(2), 2)
	e.same(ids(second), []string{"n", "m"}, "in the order of when they are due")
	e.holds(second[1].Attempt == 2, "the second attempt is number %d", second[1].Attempt)
	e.settle(st, second[1], mail.Outcome{State: mail.Dead, At: minutes(3), Error: "refused"})
	dead, err := st.Mails(e.ctx, mail.Query{State: mail.Dead})
	e.ok(err, "Mails")
	e.holds(len(dead) == 1 && dead[0].ID == "m" && dead[0].Error == "refused" && dead[0].Attempts == 2 && dead[0].SettledAt.Equal(minutes(3)),
		"the dead message is listed as %s", text(dead))
	e.same(ids(e.claim(st, minutes(4), all)), nil, "a dead message is not due")

	n, err := st.RequeueMail(e.ctx, []string{"m", "m", "n", "unknown"}, minutes(5))
	e.ok(err, "RequeueMail")
	e.holds(n == 1, "%d messages were queued again, want 1: one dead one, named twice", n)
	want := mail.Record{
		ID: "m", Channel: mail.Email, Kind: m.Kind, Account: m.Account, To: m.To, Reason: "r", Priority: mail.Notice, State: mail.Queued,
		Due: minutes(5), NotAfter: m.NotAfter, CreatedAt: start, Error: "refused",
	}
	e.same(e.record(st, "m"), want, "the record of a message that was queued again: attempts from 0, the last error kept")
	e.fenced(st, second[1], "that was requeued meanwhile")
	third := e.claim(st, minutes(5), all)
	e.same(ids(third), []string{"m"}, "at the moment of requeueing")
	m.Due = minutes(5)
	e.same(third[0].Message, m, "the requeued message, with its body")
	e.holds(third[0].Attempt == 1 && third[0].Fence > second[1].Fence, "a requeued delivery has attempt %d and fence %d after %d",
		third[0].Attempt, third[0].Fence, second[1].Fence)
	e.settle(st, third[0], mail.Outcome{State: mail.Sent, At: minutes(6)})
	e.holds(e.record(st, "m").Error == "", "a message that was sent keeps an error: %s", text(e.record(st, "m")))
	n, err = st.RequeueMail(e.ctx, []string{"m"}, minutes(7))
	e.ok(err, "RequeueMail")
	e.holds(n == 0, "a message that was sent was queued again")
}

func checkDeadTooLate(e *env) {
	st := e.open()
	m, n := letter("m", "r"), letter("n", "r")
	m.NotAfter, n.NotAfter = minutes(10), minutes(20)
	e.put(st, m, n)
	for _, d := range e.claim(st, start, all) {
		e.settle(st, d, mail.Outcome{State: mail.Dead, At: minutes(10), Error: "too late"})
	}
	e.erasedAtOnce()
	count, err := st.RequeueMail(e.ctx, []string{"m", "n"}, minutes(20))
	e.ok(err, "RequeueMail")
	e.holds(count == 0, "%d messages past their time were queued again", count)
	count, err = st.RequeueMail(e.ctx, []string{"m", "n"}, minutes(20).Add(-time.Microsecond))
	e.ok(err, "RequeueMail")
	e.holds(count == 1, "%d messages were queued again a moment before one's time is over, want 1", count)
	e.same(ids(e.claim(st, minutes(30), all)), []string{"n"}, "what was queued again in time")
}

// erasedAtOnce lets messages die at their NotAfter, and queues them again as of
// before, since nothing else shows what is left of their words.
func (e *env) erasedAtOnce() {
	e.Helper()
	st := e.open()
	for id, m := range onlyOne() {
		m.NotAfter = minutes(10)
		e.put(st, m)
		e.settle(st, e.claim(st, start, all)[0], mail.Outcome{State: mail.Dead, At: minutes(10)})
		n, err := st.RequeueMail(e.ctx, []string{id}, minutes(1))
		e.ok(err, "RequeueMail")
		got := e.claim(st, minutes(1), all)
		e.holds(n == 1 && len(got) == 1, "%d messages were queued again, and %d are due, want 1", n, len(got))
		e.same(says(got[0].Message), mail.Message{}, "the words of %s, which died at its NotAfter", id)
	}
}

func checkNotAfter(e *env) {
	st := e.open()
	m := letter("m", "r")
	m.NotAfter = minutes(10)
	e.put(st, m)
	got := e.claim(st, minutes(60), all)
	e.holds(len(got) == 1, "%d deliveries of a message past its time, want 1", len(got))
	e.same(got[0].Message, m, "the delivery of a message past its time")
}

func checkRecords(e *env) {
	st := e.open()
	a, b, c := letter("a", "x/1"), letter("b", "x"), letter("c", "y")
	a.Account, b.Account, a.To, c.To = "one", "two", "same@example.com", "same@example.com"
	e.put(st, a, b, c, account("one"))
	for _, x := range []struct {
		q    mail.Query
		want []string
	}{
		{mail.Query{}, []string{"a", "b", "c"}},
		{mail.Query{State: mail.Queued}, []string{"a", "b", "c"}},
		{mail.Query{State: mail.Sent}, nil},
		{mail.Query{Account: "one"}, []string{"a"}},
		{mail.Query{To: "same@example.com"}, []string{"a", "c"}},
		{mail.Query{To: "SAME@example.com"}, nil},
		{mail.Query{Reason: "x"}, []string{"a", "b"}},
		{mail.Query{Reason: "x/1"}, []string{"a"}},
		{mail.Query{Reason: "x", To: "same@example.com", Account: "one", State: mail.Queued}, []string{"a"}},
		{mail.Query{Reason: "x", Account: "agency"}, nil},
		{mail.Query{After: "a"}, []string{"b", "c"}},
		{mail.Query{After: "a", Limit: 1}, []string{"b"}},
	} {
		got, err := st.Mails(e.ctx, x.q)
		e.ok(err, "Mails")
		var ids []string
		for _, r := range got {
			ids = append(ids, r.ID)
		}
		e.same(ids, x.want, "records for %s", text(x.q))
	}
	var many []any
	for i := range 110 {
		many = append(many, letter("many-"+string(rune('a'+i/26))+string(rune('a'+i%26)), accountReason(i)))
	}
	e.put(st, many...)
	got, err := st.Mails(e.ctx, mail.Query{})
	e.ok(err, "Mails")
	e.holds(len(got) == 100, "a query without a limit returned %d records, want 100", len(got))
}

func accountReason(i int) mail.Reason {
	return mail.ReasonFor("account", string(accounts.AccountID(rune('a'+i%26))))
}
