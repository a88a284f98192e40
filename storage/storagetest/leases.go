package storagetest

import (
	"fmt"
	"sync"
	"time"

	"github.com/chatelaine-go/chatelaine/accounts"
	"github.com/chatelaine-go/chatelaine/mail"
)

// leaseChecks prove that no message has two senders at once, and that none is
// forgotten.
func leaseChecks() []check {
	const two = "two dispatchers that hold one message send it twice (A85, I-22)"
	const forgotten = "a dispatcher that died must not take its mail with it (A85, A98)"
	return []check{
		{"a lease hides a message until it ends, and no longer", two, checkLease},
		{"a lease that ran out gives the message to the next, and the first one's word counts no more", two, checkLeaseOver},
		{"a lease that ran out still settles while nobody else claimed", "a late word that it was sent spares a second copy", checkLateWord},
		{"a delivery is settled once", two, checkSettledOnce},
		{"what is to be tried again waits for its time", "back-off must hold (A86)", checkNext},
		{"an error is kept until another one or success replaces it", "support must see why", checkErrors},
		{"eight dispatchers at once never share a delivery, and lose none", two, raceClaim},
		{"dispatchers of both channels, cancellations and bounces at once keep each message's one way", two, racePost},
		{"a cancellation beside eight dispatchers ends each message once", forgotten, raceCancel},
	}
}

func checkLease(e *env) {
	st := e.open()
	for _, channel := range []mail.Channel{mail.Email, mail.SMS} {
		m := letter("by "+string(channel), "r")
		m.Channel = channel
		e.put(st, m)
		claim := func(at time.Time) []mail.Delivery { return e.claimOn(st, channel, at, all) }
		first := claim(start)
		e.same(ids(first), []string{m.ID}, "the first claim")
		for _, at := range []time.Time{start, minutes(5), minutes(10).Add(-time.Microsecond)} {
			e.same(ids(claim(at)), nil, "a claim at %s while the lease runs", at)
		}
		second := claim(minutes(10))
		e.same(ids(second), []string{m.ID}, "a claim at the end of the lease")
		e.holds(second[0].Attempt == 2 && second[0].Fence > first[0].Fence, "the second claim has attempt %d and fence %d after %d",
			second[0].Attempt, second[0].Fence, first[0].Fence)
		e.same(second[0].Message, first[0].Message, "the second delivery: the same message, with the same id")
	}
}

func checkLeaseOver(e *env) {
	st := e.open()
	e.put(st, letter("m", "r"))
	first := e.claim(st, start, all)[0]
	second := e.claim(st, minutes(10), all)[0]
	e.fenced(st, first, "that somebody else has claimed since")
	e.settle(st, second, mail.Outcome{State: mail.Sent, At: minutes(11)})
	e.fenced(st, first, "that somebody else has settled")
	e.fenced(st, mail.Delivery{Message: letter("unknown", "r"), Fence: 1}, "of a message that is not there")
}

func checkLateWord(e *env) {
	st := e.open()
	e.put(st, letter("m", "r"))
	d := e.claim(st, start, all)[0]
	e.settle(st, d, mail.Outcome{State: mail.Sent, At: minutes(60)})
	e.same(ids(e.claim(st, minutes(61), all)), nil, "after it was sent")
}

func checkSettledOnce(e *env) {
	st := e.open()
	for _, state := range []mail.State{mail.Sent, mail.Dead, mail.Queued} {
		id := "m-" + string(state)
		e.put(st, letter(id, "r"))
		d := e.claim(st, start, 1)[0]
		o := mail.Outcome{State: state, At: minutes(1)}
		if state == mail.Queued {
			o.Next = minutes(700)
		}
		e.settle(st, d, o)
		e.fenced(st, d, "a second time, after "+string(state))
	}
}

func checkNext(e *env) {
	st := e.open()
	e.put(st, letter("m", "r"))
	d := e.claim(st, start, all)[0]
	e.settle(st, d, mail.Outcome{State: mail.Queued, At: minutes(1), Next: minutes(5), Error: "busy"})
	e.same(ids(e.claim(st, minutes(5).Add(-time.Microsecond), all)), nil, "before its time")
	again := e.claim(st, minutes(5), all)
	e.same(ids(again), []string{"m"}, "at its time, though the first lease would still run")
	e.holds(again[0].Attempt == 2, "attempt %d, want 2", again[0].Attempt)
	e.holds(again[0].Message.Due.Equal(minutes(5)), "the delivery is due at %s, want when it is tried again", again[0].Message.Due)
}

func checkErrors(e *env) {
	st := e.open()
	e.put(st, letter("m", "r"))
	for i, x := range []struct{ given, want string }{{"first", "first"}, {"", "first"}, {"second", "second"}} {
		d := e.claim(st, minutes(i), all)[0]
		e.settle(st, d, mail.Outcome{State: mail.Queued, At: minutes(i), Next: minutes(i + 1), Error: x.given})
		e.holds(e.record(st, "m").Error == x.want, "after the error %q the record says %q, want %q", x.given, e.record(st, "m").Error, x.want)
	}
	d := e.claim(st, minutes(9), all)[0]
	e.settle(st, d, mail.Outcome{State: mail.Sent, At: minutes(9)})
	e.holds(e.record(st, "m").Error == "", "a message that was sent keeps the error %q", e.record(st, "m").Error)
}

func raceClaim(e *env) {
	st := e.open()
	const messages, workers = 96, 8
	var rows []any
	for i := range messages {
		rows = append(rows, letter(fmt.Sprintf("m%03d", i), "r"))
	}
	e.put(st, rows...)
	var mu sync.Mutex
	seen := map[string]int{}
	errs := together(workers, func(i int) error {
		for n := 0; ; n++ {
			var got []mail.Delivery
			err := until(e.ctx, func() (err error) {
				got, err = st.ClaimMail(e.ctx, mail.Claim{Channel: mail.Email, At: minutes(1), Lease: time.Hour, Limit: 1 + (i+n)%5})
				return err
			})
			if err != nil {
				return err
			}
			if len(got) == 0 {
				return nil
			}
			for _, d := range got {
				mu.Lock()
				seen[d.Message.ID]++
				mu.Unlock()
				err := until(e.ctx, func() error {
					return st.SettleMail(e.ctx, mail.Outcome{ID: d.Message.ID, Fence: d.Fence, State: mail.Sent, At: minutes(2)})
				})
				if err != nil {
					return fmt.Errorf("settling an own delivery: %w", err)
				}
			}
		}
	})
	for _, err := range errs {
		e.ok(err, "a dispatcher")
	}
	e.holds(len(seen) == messages, "%d of %d messages were delivered", len(seen), messages)
	for id, n := range seen {
		e.holds(n == 1, "%s was delivered %d times", id, n)
	}
}

func raceCancel(e *env) {
	st := e.open()
	const messages, workers = 48, 8
	var rows []any
	for i := range messages {
		rows = append(rows, letter(fmt.Sprintf("m%03d", i), mail.ReasonFor("r", fmt.Sprint(i%6))))
	}
	e.put(st, rows...)
	var mu sync.Mutex
	ended := map[string]mail.State{}
	errs := together(workers+1, func(i int) error {
		if i == workers {
			for n := range 3 {
				c := build(accounts.OpID(fmt.Sprint("cancel-", n)), mail.ReasonFor("r", fmt.Sprint(2*n)))
				if err := until(e.ctx, func() error { return apply(e.ctx, st, c) }); err != nil {
					return err
				}
			}
			return nil
		}
		for {
			var got []mail.Delivery
			err := until(e.ctx, func() (err error) {
				got, err = st.ClaimMail(e.ctx, mail.Claim{Channel: mail.Email, At: minutes(1), Lease: time.Hour, Limit: 2})
				return err
			})
			if err != nil || len(got) == 0 {
				return err
			}
			for _, d := range got {
				err := until(e.ctx, func() error {
					return st.SettleMail(e.ctx, mail.Outcome{ID: d.Message.ID, Fence: d.Fence, State: mail.Sent, At: minutes(2)})
				})
				mu.Lock()
				if err == nil {
					ended[d.Message.ID] = mail.Sent
				} else if kind(err) == "fenced" {
					ended[d.Message.ID], err = mail.Cancelled, nil
				}
				mu.Unlock()
				if err != nil {
					return err
				}
			}
		}
	})
	for _, err := range errs {
		e.ok(err, "a dispatcher, or a change that cancels")
	}
	list, err := st.Mails(e.ctx, mail.Query{})
	e.ok(err, "Mails")
	e.holds(len(list) == messages, "%d records of %d messages", len(list), messages)
	for i, r := range list {
		want, claimed := ended[r.ID]
		if !claimed {
			want = mail.Cancelled
		}
		e.holds(r.State == want, "%s is %s, and its dispatcher was told that it is %s", r.ID, r.State, want)
		e.holds(want == mail.Sent || i%2 == 0, "%s was cancelled, and nobody took back its reason", r.ID)
	}
}
