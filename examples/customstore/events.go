package customstore

import (
	"cmp"
	"context"
	"slices"

	"github.com/chatelaine-go/chatelaine/accounts"
)

// page returns how many entries a page has.
func page(limit int) int {
	if limit <= 0 {
		return 50
	}
	return limit
}

// Events implements [accounts.Store].
func (s *Store) Events(ctx context.Context, q accounts.EventQuery) ([]accounts.Event, error) {
	return ask(ctx, s, func(x *txn) (list []accounts.Event) {
		before := ""
		if (q.Before != accounts.EventCursor{}) {
			before = key(q.Account, q.Before.At, q.Before.Op, q.Before.Seq)
		}
		for r := range x.events.down("audit", key(q.Account), before) {
			e := r.Row
			if len(q.Kinds) > 0 && !slices.Contains(q.Kinds, e.Kind) || q.User != "" && e.User != q.User && e.By.User != q.User {
				continue
			}
			if list = append(list, e); len(list) == page(q.Limit) {
				break
			}
		}
		return list
	})
}

// Applied implements [accounts.Applier].
func (s *Store) Applied(ctx context.Context, op accounts.OpID) (bool, error) {
	return ask(ctx, s, func(x *txn) bool { return firstOf(x.events.up("", key(op), "")) != nil })
}

// ClaimEvents implements [accounts.Store]. The index has what was never claimed
// first, by time, and then what was, by when it is due again. Of the first it
// takes a page, and of the rest what is due, so that the oldest of both are the
// oldest of all; what is leased or put off is behind, and never read.
func (s *Store) ClaimEvents(ctx context.Context, c accounts.EventClaim) ([]accounts.EventDelivery, error) {
	return do(ctx, s, func(x *txn) (claimed []accounts.EventDelivery) {
		var due []*event
		fresh := key(event{}.Due)
		for e := range x.events.up("feed", fresh, "") {
			if len(due) >= c.Limit {
				break
			}
			due = append(due, e)
		}
		for e := range x.events.up("feed", "", past(fresh)) {
			if e.Due.After(c.At) {
				break
			}
			due = append(due, e)
		}
		slices.SortFunc(due, func(a, b *event) int {
			return cmp.Or(a.Row.At.Compare(b.Row.At), cmp.Compare(a.Row.Op, b.Row.Op), cmp.Compare(a.Row.Seq, b.Row.Seq))
		})
		for _, e := range due[:max(0, min(c.Limit, len(due)))] {
			e.Due = c.At.Add(c.Lease)
			e.Attempts++
			e.Fence++
			x.events.put(*e)
			claimed = append(claimed, accounts.EventDelivery{Event: e.Row, Attempt: e.Attempts, Fence: e.Fence})
		}
		return claimed
	})
}

// SettleEvents implements [accounts.Store].
func (s *Store) SettleEvents(ctx context.Context, receipts []accounts.EventReceipt) (int, error) {
	return do(ctx, s, func(x *txn) (n int) {
		for _, r := range receipts {
			e := x.events.get(eventKey(r.Op, r.Seq))
			if e == nil || e.Taken || e.Fence != r.Fence {
				continue
			}
			e.Fence++ // a delivery is settled once
			if e.Taken = r.Taken; !e.Taken {
				e.Due = r.Next
			}
			x.events.put(*e)
			n++
		}
		return n
	})
}

// Reply implements [accounts.Store].
func (s *Store) Reply(ctx context.Context, k accounts.ReplyKey) (accounts.Reply, error) {
	return ask(ctx, s, func(x *txn) accounts.Reply { return found(x, x.replies.get(replyKey(k))) })
}

// found returns a row, or accounts.ErrNotFound.
func found[R any](x *txn, r *R) (none R) {
	if r == nil {
		x.fail(accounts.ErrNotFound)
		return none
	}
	return *r
}
