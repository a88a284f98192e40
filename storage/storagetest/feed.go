package storagetest

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/chatelaine-go/chatelaine/accounts"
	"github.com/chatelaine-go/chatelaine/storage"
)

// feedChecks prove that the host gets every event.
func feedChecks() []check {
	const gap = "the host receives every event at least once and without gaps, however late a transaction commits (I-25)"
	return []check{
		{"events are claimed oldest first, and hidden while their lease runs", gap, checkFeedLease},
		{"events that were taken never come again", "what was delivered must not be delivered for ever", checkFeedTaken},
		{"a delivery of an event is settled once, by whoever holds it", gap, checkFeedFence},
		{"an event that was not taken comes again at its time", gap, checkFeedNext},
		{"an event that commits late behind one that was taken is delivered", gap, checkFeedLate},
		{"an event of a transaction that commits behind a later one is delivered, and each once", gap, checkFeedJoined},
		{"eight takers at once never share a delivery, and lose none", gap, raceFeed},
	}
}

// events leases up to limit events for ten minutes.
func (e *env) events(st storage.Storage, at time.Time, limit int) []accounts.EventDelivery {
	e.Helper()
	got, err := st.ClaimEvents(e.ctx, accounts.EventClaim{At: at, Lease: 10 * time.Minute, Limit: limit})
	e.ok(err, "ClaimEvents")
	return got
}

// taken settles deliveries and returns how many counted.
func (e *env) taken(st storage.Storage, list ...accounts.EventDelivery) int {
	e.Helper()
	var receipts []accounts.EventReceipt
	for _, d := range list {
		receipts = append(receipts, receipt(d))
	}
	n, err := st.SettleEvents(e.ctx, receipts)
	e.ok(err, "SettleEvents")
	return n
}

func receipt(d accounts.EventDelivery) accounts.EventReceipt {
	return accounts.EventReceipt{Op: d.Event.Op, Seq: d.Event.Seq, Fence: d.Fence, Taken: true}
}

func ops(list []accounts.EventDelivery) []string {
	var ids []string
	for _, d := range list {
		ids = append(ids, fmt.Sprintf("%s/%d", d.Event.Op, d.Event.Seq))
	}
	return ids
}

func checkFeedLease(e *env) {
	st := e.open()
	e.put(st, event("c", 1, "a", minutes(1)), event("c", 2, "a", minutes(1)))
	e.put(st, event("a", 1, "a", minutes(2)))
	e.put(st, event("b", 1, "", minutes(0)))
	e.put(st, event("B", 1, "a", minutes(1)))
	for _, limit := range []int{0, -1} {
		e.same(ops(e.events(st, minutes(5), limit)), nil, "a claim of less than one event")
	}
	first := e.events(st, minutes(5), 2)
	e.same(ops(first), []string{"b/1", "B/1"}, "the two oldest")
	rest := e.events(st, minutes(5), all)
	e.same(ops(rest), []string{"c/1", "c/2", "a/1"}, "the others, by time, operation and number")
	e.same(ops(e.events(st, minutes(15).Add(-time.Microsecond), all)), nil, "while the leases run")
	again := e.events(st, minutes(15), all)
	e.same(ops(again), []string{"b/1", "B/1", "c/1", "c/2", "a/1"}, "when the leases are over")
	for i, d := range again {
		was := append(first, rest...)[i]
		e.holds(d.Attempt == 2 && d.Fence > was.Fence, "the second delivery has attempt %d and fence %d after %d", d.Attempt, d.Fence, was.Fence)
		e.same(d.Event, was.Event, "the second delivery")
	}
}

func checkFeedTaken(e *env) {
	st := e.open()
	e.put(st, account("a"), event("o", 1, "a", start), event("o", 2, "a", start), event("o", 3, "a", start))
	got := e.events(st, minutes(1), all)
	e.holds(e.taken(st, got[0], got[2]) == 2, "two events were taken")
	e.same(ops(e.events(st, minutes(1000), all)), []string{"o/2"}, "what was not taken")
	audit, err := st.Events(e.ctx, accounts.EventQuery{Account: "a", Limit: all})
	e.ok(err, "Events")
	e.holds(len(audit) == 3, "the audit has %d events after two were taken, want 3", len(audit))
	applied, err := st.Applied(e.ctx, "o")
	e.ok(err, "Applied")
	e.holds(applied, "an operation whose events were taken is said not to be durable")
	e.refused(st, "the same operation after its events were taken", event("o", 1, "a", start))
}

func checkFeedFence(e *env) {
	st := e.open()
	e.put(st, event("o", 1, "a", start), event("o", 2, "a", start))
	first := e.events(st, minutes(1), all)
	second := e.events(st, minutes(11), all)
	e.holds(e.taken(st, first...) == 0, "deliveries that somebody else has claimed since were settled")
	mixed := []accounts.EventDelivery{first[0], second[1], {Event: event("unknown", 1, "a", start), Fence: 1}}
	e.holds(e.taken(st, mixed...) == 1, "of three receipts one is of a delivery that is still held")
	e.holds(e.taken(st, second[1]) == 0, "a delivery was settled twice")
	back := receipt(second[0])
	back.Taken, back.Next = false, minutes(12)
	for i := range 2 {
		n, err := st.SettleEvents(e.ctx, []accounts.EventReceipt{back})
		e.ok(err, "SettleEvents")
		e.holds(n == 1-i, "giving a delivery back for the %d. time settled %d, want %d: it is settled once", i+1, n, 1-i)
	}
	e.holds(e.taken(st, second[0]) == 0, "a delivery that was given back was taken")
	e.same(ops(e.events(st, minutes(12), all)), []string{"o/1"}, "what was given back")
}

func checkFeedNext(e *env) {
	st := e.open()
	e.put(st, event("o", 1, "a", start))
	e.put(st, event("p", 1, "a", minutes(1)))
	d := e.events(st, minutes(1), 1)[0]
	r := receipt(d)
	r.Taken, r.Next = false, minutes(5)
	n, err := st.SettleEvents(e.ctx, []accounts.EventReceipt{r})
	e.ok(err, "SettleEvents")
	e.holds(n == 1, "a delivery that is still held was not settled")
	e.same(ops(e.events(st, minutes(5).Add(-time.Microsecond), 1)), []string{"p/1"}, "before its time")
	again := e.events(st, minutes(5), all)
	e.same(ops(again), []string{"o/1"}, "at its time, though the first lease would still run")
	e.holds(again[0].Attempt == 2, "attempt %d, want 2", again[0].Attempt)
}

func checkFeedLate(e *env) {
	st := e.open()
	e.put(st, event("z-later", 1, "a", minutes(9)))
	e.holds(e.taken(st, e.events(st, minutes(10), all)...) == 1, "the later event was not taken")
	e.put(st, event("a-earlier", 1, "a", minutes(1)))
	got := e.events(st, minutes(10), all)
	e.same(ops(got), []string{"a-earlier/1"}, "an event that is older than one that was taken")
}

func checkFeedJoined(e *env) {
	st := e.open()
	tx := e.begin(st)
	e.ok(apply(e.ctx, tx.Store(), build("a-early", event("a-early", 1, "a", minutes(1)))), "a change in a transaction")
	later := make(chan error, 1)
	ctx, cancel := context.WithTimeout(e.ctx, patience/3)
	defer cancel()
	go func() { // a store with one writer at a time lets it in only after the transaction
		later <- until(ctx, func() error { return apply(ctx, st, build("z-late", event("z-late", 1, "a", minutes(2)))) })
	}()
	delivered := map[string]int{}
	drain := func() {
		got := e.events(st, minutes(3), all)
		for _, id := range ops(got) {
			delivered[id]++
		}
		e.holds(e.taken(st, got...) == len(got), "events that are held were not taken")
	}
	var err error
	select {
	case err = <-later:
		drain()
		e.holds(delivered["z-late/1"] == 1 && len(delivered) == 1, "beside an open transaction these events were delivered: %v", delivered)
		e.ok(tx.Commit(), "Commit")
	case <-time.After(100 * time.Millisecond):
		e.ok(tx.Commit(), "Commit")
		err = <-later
	}
	e.ok(err, "a change beside a transaction")
	drain()
	e.holds(len(delivered) == 2 && delivered["a-early/1"] == 1 && delivered["z-late/1"] == 1,
		"of two events, the earlier of which committed last, these were delivered: %v", delivered)
}

func raceFeed(e *env) {
	st := e.open()
	const changes, workers = 32, 8
	for i := range changes {
		op := fmt.Sprintf("o%02d", i)
		e.put(st, event(op, 1, "a", minutes(i)), event(op, 2, "a", minutes(i)), event(op, 3, "a", minutes(i)))
	}
	var mu sync.Mutex
	seen := map[string]int{}
	errs := together(workers, func(i int) error {
		for n := 0; ; n++ {
			var got []accounts.EventDelivery
			err := until(e.ctx, func() (err error) {
				got, err = st.ClaimEvents(e.ctx, accounts.EventClaim{At: minutes(100), Lease: time.Hour, Limit: 1 + (i+n)%7})
				return err
			})
			if err != nil || len(got) == 0 {
				return err
			}
			var receipts []accounts.EventReceipt
			mu.Lock()
			for _, d := range got {
				seen[ops([]accounts.EventDelivery{d})[0]]++
				receipts = append(receipts, receipt(d))
			}
			mu.Unlock()
			var settled int
			err = until(e.ctx, func() (err error) { settled, err = st.SettleEvents(e.ctx, receipts); return err })
			if err == nil && settled != len(got) {
				err = fmt.Errorf("%d of %d own deliveries were settled", settled, len(got))
			}
			if err != nil {
				return err
			}
		}
	})
	for _, err := range errs {
		e.ok(err, "a taker")
	}
	e.holds(len(seen) == 3*changes, "%d of %d events were delivered", len(seen), 3*changes)
	for id, n := range seen {
		e.holds(n == 1, "%s was delivered %d times", id, n)
	}
}
