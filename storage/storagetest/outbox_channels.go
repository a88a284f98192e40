package storagetest

import (
	"time"

	"github.com/chatelaine-go/chatelaine/mail"
)

func checkChannels(e *env) {
	st := e.open()
	const both = "r"
	on := func(channel mail.Channel, id string, p mail.Priority, minute int) mail.Message {
		m := letter(id, both)
		m.Channel, m.Priority, m.Due = channel, p, minutes(minute)
		return m
	}
	e.put(st, on(mail.SMS, "a", mail.Awaited, 0), on(mail.Email, "b", mail.Awaited, 2), on(mail.SMS, "c", mail.Notice, 0),
		on(mail.Email, "d", mail.Notice, 0), on(mail.SMS, "e", mail.Awaited, 1), on(mail.Email, "f", mail.Awaited, 1),
		on(mail.SMS, "late", mail.Awaited, 50), on("other", "g", mail.Awaited, 0))
	for _, none := range []mail.Channel{"", "text", "EMAIL", "Sms", "email ", "emai", "%", "sm_"} {
		e.same(ids(e.claimOn(st, none, minutes(100), all)), nil, "a claim on the channel %q", none)
	}
	e.same(ids(e.claimOn(st, mail.SMS, minutes(5), 1)), []string{"a"}, "the first text message")
	got := e.claimOn(st, mail.Email, minutes(5), all)
	e.same(ids(got), []string{"f", "b", "d"}, "mail, who waits for it first")
	text := e.claimOn(st, mail.SMS, minutes(5), all)
	e.same(ids(text), []string{"e", "c"}, "the other text messages: mail takes none of their places")
	for _, d := range append(text, got...) {
		e.holds(e.record(st, d.Message.ID).Channel == d.Message.Channel, "the record of %s has the channel %q", d.Message.ID, e.record(st, d.Message.ID).Channel)
	}
	e.same(ids(e.claimOn(st, mail.Email, minutes(14), all)), nil, "mail while its leases run")
	e.same(ids(e.claimOn(st, mail.Email, minutes(15), all)), []string{"f", "b", "d"}, "mail when its leases are over")
	for _, d := range text {
		e.settle(st, d, mail.Outcome{State: mail.Dead, At: minutes(16)})
	}
	n, err := st.RequeueMail(e.ctx, []string{"e", "c"}, minutes(17))
	e.ok(err, "RequeueMail")
	e.holds(n == 2, "%d text messages were queued again, want 2", n)
	e.same(ids(e.claimOn(st, mail.Email, minutes(17), all)), nil, "mail while its leases run again")
	e.same(ids(e.claimOn(st, mail.SMS, minutes(17), all)), []string{"a", "e", "c"}, "text messages that are leased no more, or queued again")
	e.put(st, mail.Reason(both))
	for _, channel := range []mail.Channel{mail.Email, mail.SMS, "other"} {
		e.same(ids(e.claimOn(st, channel, minutes(1000), all)), nil, "a reason takes its messages back on every channel")
	}
	e.firstOfMany()
}

// firstOfMany looks for what is due among much that is put off or leased.
func (e *env) firstOfMany() {
	e.Helper()
	st := e.open()
	var rows []any
	for i := range 60 {
		m := letter("m"+string(rune('A'+i)), "r")
		m.Priority, m.Due = mail.Priority(i%3)*7, minutes(i)
		rows = append(rows, m)
	}
	e.put(st, rows...)
	held := e.claim(st, minutes(29), 25)
	e.same(len(held), 25, "what was claimed of 30 that are due")
	for i, d := range held[:5] {
		e.settle(st, d, mail.Outcome{State: mail.Queued, At: minutes(29), Next: minutes(30 + i)})
	}
	e.same(ids(e.claim(st, minutes(31), 4)), []string{"mA", "m_", "mD", "m`"}, "by priority, then due: some are put off, some leased, some new")
	rest := e.claim(st, minutes(39).Add(-time.Microsecond), all)
	e.same(len(rest), 15, "the rest that is due before the leases of the first are over")
	again := e.claim(st, minutes(39), all)
	e.same(len(again), 21, "those whose lease is over, and one that has come due")
	for i := range again[1:] {
		a, b := again[i].Message, again[i+1].Message
		e.holds(a.Priority < b.Priority || a.Priority == b.Priority && a.Due.Before(b.Due), "%s came before %s", a.ID, b.ID)
	}
}
