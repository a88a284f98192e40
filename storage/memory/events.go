package memory

import (
	"cmp"
	"slices"
	"time"

	"github.com/chatelaine-go/chatelaine/accounts"
)

// event is an event and how far its delivery to the host has come.
type event struct {
	accounts.Event
	taken    bool
	due      time.Time
	attempts int
	fence    int64
}

func compareEvents(a, b accounts.EventCursor) int {
	return cmp.Or(a.At.Compare(b.At), cmp.Compare(a.Op, b.Op), cmp.Compare(a.Seq, b.Seq))
}

func byTime(a, b *event) int { return compareEvents(a.Cursor(), b.Cursor()) }

type eventKey struct {
	op  accounts.OpID
	seq int
}

func (s *state) event(key eventKey) *event {
	events := s.ops[key.op]
	// An operation numbers its events from 1, so this is nearly always a hit.
	if key.seq >= 1 && key.seq <= len(events) && events[key.seq-1].Seq == key.seq {
		return events[key.seq-1]
	}
	if i := slices.IndexFunc(events, func(e *event) bool { return e.Seq == key.seq }); i >= 0 {
		return events[i]
	}
	return nil
}

func (s *state) putEvent(e event) {
	trim(&e.At)
	e.Role, e.Was = s.role(e.Role), s.role(e.Was)
	x := &e
	s.ops[x.Op] = append(s.ops[x.Op], x)
	s.list(x, x.Account)
	if x.Agency != x.Account {
		s.list(x, x.Agency)
	}
	if !x.taken {
		s.feed.insert(x, byTime)
	}
}

// list puts an event into the audit of one of the accounts that read it.
func (s *state) list(x *event, account accounts.AccountID) {
	if account == "" {
		return
	}
	if s.audit[account] == nil {
		s.audit[account] = &ordered[*event]{}
	}
	s.audit[account].insert(x, byTime)
}

func (s *state) events(q accounts.EventQuery) []accounts.Event {
	list := s.audit[q.Account]
	if list == nil {
		return nil
	}
	before := func(e *event) bool {
		return q.Before == accounts.EventCursor{} || compareEvents(e.Cursor(), q.Before) < 0
	}
	limit := limited(q.Limit)
	var page []accounts.Event
	for e := range list.down(before) {
		if len(q.Kinds) > 0 && !slices.Contains(q.Kinds, e.Kind) || q.User != "" && e.User != q.User && e.By.User != q.User {
			continue
		}
		if page = append(page, e.Event); len(page) == limit {
			break
		}
	}
	return page
}

func (s *state) claimEvents(c accounts.EventClaim) []accounts.EventDelivery {
	var claimed []accounts.EventDelivery
	for e := range s.feed.all() {
		if len(claimed) >= c.Limit {
			break
		}
		if e.due.After(c.At) {
			continue
		}
		e.due = c.At.Add(c.Lease)
		trim(&e.due)
		e.attempts++
		e.fence++
		claimed = append(claimed, accounts.EventDelivery{Event: e.Event, Attempt: e.attempts, Fence: e.fence})
	}
	return claimed
}

func (s *state) settleEvents(receipts []accounts.EventReceipt) int {
	n := 0
	for _, r := range receipts {
		e := s.event(eventKey{r.Op, r.Seq})
		if e == nil || e.taken || e.fence != r.Fence {
			continue
		}
		n++
		e.fence++ // a delivery is settled once
		if r.Taken {
			e.taken = true
			s.feed.remove(e, byTime)
			continue
		}
		e.due = r.Next
		trim(&e.due)
	}
	return n
}
