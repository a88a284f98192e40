package storagetest

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/chatelaine-go/chatelaine/accounts"
	"github.com/chatelaine-go/chatelaine/mail"
	"github.com/chatelaine-go/chatelaine/storage"
)

// newest asks for the newest record of each reason.
func (e *env) newest(st storage.Storage, reasons ...mail.Reason) []mail.Record {
	e.Helper()
	got, err := st.Newest(e.ctx, reasons)
	e.ok(err, "Newest")
	e.holds(len(got) == len(reasons), "Newest returned %d records for %d reasons", len(got), len(reasons))
	return got
}

func checkNewest(e *env) {
	st := e.open()
	at := func(id string, r mail.Reason, minute int) mail.Message {
		m := letter(id, r)
		m.CreatedAt, m.Due = minutes(minute), minutes(100-minute) // what is due later was made first
		return m
	}
	other := at("code", "a/1", 2)
	other.Channel = mail.SMS
	e.put(st, at("z", "a/1", 1), other, at("b", "a/1", 0),
		at("tie-1", "tie", 5), at("tie-3", "tie", 5), at("tie-2", "tie", 5), at("tie-4", "tie", 4), at("tie-9", "tie", 3),
		at("below", "a/2/x", 9), at("above", "a", 9), at("longer", "a/22", 9), at("upper", "A/2", 9), at("none", "", 9),
		at("wild", "a/%", 9), at("alone", "a/3", 1))
	got := e.newest(st, "tie", "a/1", "a/2", "a/1", "a/3", "", "a/", "nobody", "a/_", "tie")
	var ids []string
	for _, r := range got {
		ids = append(ids, r.ID)
	}
	e.same(ids, []string{"tie-3", "code", "", "code", "alone", "", "", "", "", "tie-3"}, "the newest records, by CreatedAt and then ID")
	e.same(got[1], e.record(st, "code"), "a record among the newest")
	for i, id := range ids {
		if id == "" {
			e.same(got[i], mail.Record{}, "the record of a reason without mail")
		}
	}
	e.holds(len(e.newest(st)) == 0, "no reasons have records")

	// What is settled counts as well: a page tells how it ended.
	send := func(id string, o mail.Outcome) {
		for _, d := range e.claim(st, minutes(100), all) {
			if d.Message.ID == id {
				e.settle(st, d, o)
			} else {
				e.settle(st, d, mail.Outcome{State: mail.Queued, At: start, Next: d.Message.Due, Untried: true})
			}
		}
	}
	is := func(reason mail.Reason, id string, state mail.State) {
		e.Helper()
		r := e.newest(st, reason)[0]
		e.holds(r.ID == id && r.State == state, "the newest record of %s is %s, want %s, %s", reason, text(r), id, state)
		e.same(r, e.record(st, id), "a record among the newest")
	}
	send("alone", mail.Outcome{State: mail.Sent, At: minutes(6)})
	is("a/3", "alone", mail.Sent)
	e.put(st, mail.Bounce{ID: "alone", At: minutes(7), Error: "no such mailbox"})
	is("a/3", "alone", mail.Bounced)
	send("tie-3", mail.Outcome{State: mail.Dead, At: minutes(6), Error: "refused"})
	is("tie", "tie-3", mail.Dead)
	e.put(st, mail.Reason("tie"))
	is("tie", "tie-3", mail.Cancelled)
	e.put(st, at("tie-5", "tie", 5))
	is("tie", "tie-5", mail.Queued)
	e.put(st, accounts.Forget{Email: "to-tie-5@example.com"})
	is("tie", "tie-5", mail.Cancelled)
	_, err := st.Sweep(e.ctx, storage.SweepBefore{Mail: minutes(5)}, 0) // that cancelled at the moment of their change
	e.ok(err, "Sweep")
	e.same(e.newest(st, "tie"), []mail.Record{{}}, "the newest record once all are swept")
	is("a/3", "alone", mail.Bounced)
}

func checkNewestMany(e *env) {
	st := e.open()
	const most = 1000
	var rows []any
	for i := range 40 {
		rows = append(rows, letter(fmt.Sprintf("m%03d", i), mail.ReasonFor("r", fmt.Sprint(i*25))))
	}
	e.put(st, rows...)
	var reasons []mail.Reason
	for i := range most {
		reasons = append(reasons, mail.ReasonFor("r", fmt.Sprint(i)))
	}
	slices.Reverse(reasons)
	for i, r := range e.newest(st, reasons...) {
		n := most - 1 - i
		if n%25 != 0 {
			e.same(r, mail.Record{}, "the record of a reason without mail")
			continue
		}
		e.holds(r.ID == fmt.Sprintf("m%03d", n/25) && r.Reason == reasons[i], "the newest record of %s is %s", reasons[i], text(r))
	}
	for _, n := range []int{1, 2, 3, 7, 50, 51, 99, 999} {
		e.newest(st, reasons[:n]...)
	}
	got, err := st.Newest(e.ctx, append(reasons, "r/1"))
	e.holds(err != nil && len(got) == 0 && !errors.Is(err, accounts.ErrNotFound) && !errors.Is(err, accounts.ErrConflict),
		"Newest for %d reasons: want a fault, got %d records and %v", most+1, len(got), err)
}

func checkUntried(e *env) {
	st := e.open()
	e.put(st, letter("m", "r"))
	at := 0
	try := func(attempt int, o mail.Outcome) {
		e.Helper()
		d := e.claim(st, minutes(at), all)[0]
		e.holds(d.Attempt == attempt, "attempt %d, want %d", d.Attempt, attempt)
		e.holds(e.record(st, "m").Attempts == attempt, "the record says attempt %d, want %d", e.record(st, "m").Attempts, attempt)
		o.State, o.At = mail.Queued, minutes(at)
		at++
		o.Next = minutes(at)
		e.settle(st, d, o)
		e.fenced(st, d, "a second time")
		want := attempt
		if o.Untried {
			want--
		}
		r := e.record(st, "m")
		e.holds(r.Attempts == want && r.Due.Equal(o.Next), "after the attempt the record is %s, want %d attempts", text(r), want)
	}
	for range 3 {
		try(1, mail.Outcome{Untried: true})
	}
	try(1, mail.Outcome{Error: "busy"})
	try(2, mail.Outcome{Untried: true})
	e.holds(e.record(st, "m").Error == "busy", "an attempt that was not begun took the error away")
	try(2, mail.Outcome{})
	try(3, mail.Outcome{Untried: true, Error: "stopped"})
	e.holds(e.record(st, "m").Error == "stopped", "an error was not kept")
	d := e.claim(st, minutes(at), all)[0]
	e.settle(st, d, mail.Outcome{State: mail.Sent, At: minutes(at)})
	e.holds(e.record(st, "m").Attempts == 3, "a message that was sent at its third attempt has %d", e.record(st, "m").Attempts)
}

func checkBounced(e *env) {
	st := e.open()
	for _, id := range []string{"sent", "dead", "leased", "cancelled", "again"} {
		e.put(st, letter(id, mail.ReasonFor(id)))
	}
	late := letter("queued", "queued")
	late.Due = minutes(10)
	e.put(st, late)
	held := map[string]mail.Delivery{}
	for _, d := range e.claim(st, start, all) {
		held[d.Message.ID] = d
	}
	e.settle(st, held["sent"], mail.Outcome{State: mail.Sent, At: minutes(1)})
	e.settle(st, held["dead"], mail.Outcome{State: mail.Dead, At: minutes(1), Error: "refused"})
	e.settle(st, held["again"], mail.Outcome{State: mail.Queued, At: minutes(1), Next: minutes(9), Error: "busy"})
	e.put(st, mail.ReasonFor("cancelled"))
	sent := e.record(st, "sent")
	word := func(id string) mail.Bounce { return mail.Bounce{ID: id, At: minutes(3), Error: "no such mailbox"} }
	attempts := []attempt{{"two bounces of one message", []any{word("sent"), word("sent")}}}
	for _, id := range []string{"dead", "leased", "cancelled", "again", "queued", "unknown", "", "SENT", "sen", "sent "} {
		attempts = append(attempts,
			attempt{fmt.Sprintf("a bounce of what was not sent (%q)", id), []any{word(id)}},
			attempt{fmt.Sprintf("a bounce of what was not sent (%q) beside one of what was", id), []any{word("sent"), word(id)}})
	}
	e.refusedEach(st, attempts...)
	e.settle(st, held["leased"], mail.Outcome{State: mail.Sent, At: minutes(4)}) // its fence stays
	e.refused(st, "a bounce beside a stale guard", mail.Bounce{ID: "sent", At: minutes(3)}, accounts.Guard{Account: "nowhere", Version: 1})

	e.put(st, mail.Bounce{ID: "sent", At: minutes(5).Add(time.Microsecond), Error: "no such mailbox"}, mail.ReasonFor("sent"))
	sent.State, sent.SettledAt, sent.Error = mail.Bounced, minutes(5).Add(time.Microsecond), "no such mailbox"
	e.same(e.record(st, "sent"), sent, "the record of a message that came back")
	e.put(st, mail.Bounce{ID: "leased", At: minutes(6)})
	e.holds(e.record(st, "leased").State == mail.Bounced, "a bounce without a reason left the message %s", e.record(st, "leased").State)
	for state, want := range map[mail.State]int{mail.Bounced: 2, mail.Sent: 0, mail.Queued: 2, mail.Dead: 1, mail.Cancelled: 1} {
		list, err := st.Mails(e.ctx, mail.Query{State: state})
		e.ok(err, "Mails")
		e.holds(len(list) == want, "%d records are %s, want %d: %s", len(list), state, want, text(list))
	}
}

func checkBouncedStays(e *env) {
	st := e.open()
	e.put(st, letter("m", "r"))
	d := e.claim(st, start, all)[0]
	e.settle(st, d, mail.Outcome{State: mail.Sent, At: minutes(1)})
	e.put(st, mail.Bounce{ID: "m", At: minutes(5), Error: "no such mailbox"})
	before := e.dump(st)
	e.put(st, mail.Reason("r"), again("m"), letter("m", "r"))
	e.unchanged(before, e.dump(st), "a cancellation, a requeue or the same message again changed what came back")
	e.refused(st, "another bounce of what came back", mail.Bounce{ID: "m", At: minutes(6), Error: "another word"})
	n, err := st.RequeueMail(e.ctx, []string{"m"}, minutes(7))
	e.ok(err, "RequeueMail")
	e.holds(n == 0, "a message that came back was queued again")
	for fence := d.Fence - 1; fence <= d.Fence+3; fence++ {
		late := d
		late.Fence = fence
		e.fenced(st, late, "of a message that came back")
	}
	e.same(ids(e.claim(st, minutes(1000), all)), nil, "what is due after a bounce")
	for _, at := range []time.Time{minutes(1).Add(time.Microsecond), minutes(5)} {
		n, err := st.Sweep(e.ctx, storage.SweepBefore{Mail: at, Texts: minutes(1000)}, 0)
		e.ok(err, "Sweep")
		e.holds(n == 0, "a sweep of what was settled before %s took a message that came back at %s", at, minutes(5))
	}
	n, err = st.Sweep(e.ctx, storage.SweepBefore{Mail: minutes(5).Add(time.Microsecond)}, 0)
	e.ok(err, "Sweep")
	e.holds(n == 1, "a sweep of settled mail took %d messages that came back, want 1", n)
	e.same(e.newest(st, "r"), []mail.Record{{}}, "the newest record after the sweep")
}
