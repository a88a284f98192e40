package accounts

import (
	"context"
	"errors"
	"time"
)

// Feed hands every event to the host at least once and without gaps, however
// late the transaction that wrote it commits. Events come roughly in the order
// of time; those of one operation keep theirs unless one has to be tried
// again. Tell repeats by Op and Seq.
//
// Several processes may run feeds on one store: each event is leased to one of
// them at a time. There is one feed for a program, so fan out in the handler.
type Feed struct {
	st     Store
	env    *Env
	handle func(ctx context.Context, e Event) error
	o      FeedOptions
}

// FeedOptions configures [NewFeed]. Every field may be left zero.
type FeedOptions struct {
	Lease time.Duration // how long an event is kept from other processes: 1 minute
	Batch int           // events taken at a time: 50
	Poll  time.Duration // how long Run waits when there was nothing: 1 second
	Retry time.Duration // how long an event waits after its handler failed: 10 seconds
}

// NewFeed returns a feed that calls handle for each event, one after the
// other. An event whose handler returns an error is offered again later; the
// others go on. A nil environment takes every default. It starts nothing: call
// Run or Flush.
func NewFeed(st Store, env *Env, handle func(ctx context.Context, e Event) error, o *FeedOptions) (*Feed, error) {
	s, err := New(st, env)
	if err != nil {
		return nil, err
	}
	f := &Feed{st: st, env: s.env, handle: handle}
	if o != nil {
		f.o = *o
	}
	if handle == nil {
		return nil, &InvalidError{Field: "handle", Reason: "is missing"}
	}
	for _, d := range []struct {
		name   string
		at     *time.Duration
		preset time.Duration
	}{
		{"lease", &f.o.Lease, time.Minute},
		{"poll", &f.o.Poll, time.Second},
		{"retry", &f.o.Retry, 10 * time.Second},
	} {
		if *d.at < 0 {
			return nil, &InvalidError{Field: d.name, Reason: "is negative"}
		} else if *d.at == 0 {
			*d.at = d.preset
		}
	}
	if f.o.Batch < 0 {
		return nil, &InvalidError{Field: "batch", Reason: "is negative"}
	} else if f.o.Batch == 0 {
		f.o.Batch = 50
	}
	return f, nil
}

// Flush hands over what is waiting now and returns how many events were
// taken. Handlers' errors are logged and do not end it; a failing store does.
func (f *Feed) Flush(ctx context.Context) (int, error) {
	taken := 0
	for {
		n, more, err := f.batch(ctx)
		taken += n
		if err != nil || !more {
			return taken, err
		}
	}
}

// Run is Flush and waiting, until the context ends, and then returns nil. A
// failing store is logged and tried again.
func (f *Feed) Run(ctx context.Context) error {
	for {
		if _, err := f.Flush(ctx); err != nil && ctx.Err() == nil {
			f.env.Logger().WarnContext(ctx, "chatelaine: event feed", "error", err)
		}
		t := time.NewTimer(f.o.Poll) //nolint:forbidigo // waiting for work is real time, whatever clock decides
		select {
		case <-ctx.Done():
			t.Stop()
			return nil
		case <-t.C:
		}
	}
}

// batch hands over one claim. It stops early when the lease of the rest runs
// out, which another process may have taken over by then.
func (f *Feed) batch(ctx context.Context) (taken int, more bool, err error) {
	at := f.env.Now()
	list, err := f.st.ClaimEvents(ctx, EventClaim{At: at, Lease: f.o.Lease, Limit: f.o.Batch})
	if err != nil {
		return 0, false, err
	}
	receipts := make([]EventReceipt, 0, len(list))
	for _, d := range list {
		if now := f.env.Now(); ctx.Err() != nil || now.Sub(at) >= f.o.Lease {
			break
		}
		r := EventReceipt{Op: d.Event.Op, Seq: d.Event.Seq, Fence: d.Fence, Taken: true}
		if herr := f.call(ctx, d.Event); herr != nil {
			r.Taken, r.Next = false, f.env.Now().Add(f.o.Retry)
			f.env.Logger().WarnContext(ctx, "chatelaine: event handler failed", "op", d.Event.Op, "seq", d.Event.Seq,
				"kind", d.Event.Kind, "attempt", d.Attempt, "error", herr)
		} else {
			taken++
		}
		receipts = append(receipts, r)
	}
	if len(receipts) == 0 {
		return 0, false, ctx.Err()
	}
	// What was handed over is settled even when the caller leaves now.
	done, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	if _, err := f.st.SettleEvents(done, receipts); err != nil {
		return 0, false, err
	}
	return taken, len(receipts) == len(list) && len(list) == f.o.Batch, ctx.Err()
}

var errPanic = errors.New("the handler panicked")

// call keeps a handler's panic from taking the feed with it.
func (f *Feed) call(ctx context.Context, e Event) (err error) {
	defer func() {
		if recover() != nil {
			err = errPanic
		}
	}()
	return f.handle(ctx, e)
}
