package storagetest

import (
	"context"
	"flag"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/chatelaine-go/chatelaine/access/token"
	"github.com/chatelaine-go/chatelaine/accounts"
	"github.com/chatelaine-go/chatelaine/mail"
	"github.com/chatelaine-go/chatelaine/storage"
)

//nolint:gochecknoglobals // flags of a test binary are global
var (
	seedFlag = flag.Uint64("storagetest.seed", 0, "seed of the random operations; 0 takes a fresh one")
	opsFlag  = flag.Int("storagetest.ops", 10_000, "number of random operations")
)

// rounds is how many fresh stores share the random operations.
const rounds = 10

// modelChecks compare a store with the plain model over random operations:
// every answer, and every kind of error.
func modelChecks() []check {
	const alike = "every store must give the same answers in the same order to the same operations (A99, I-30)"
	var checks []check
	for n := range uint64(rounds) {
		checks = append(checks, check{fmt.Sprintf("random operations agree with the plain model, round %d", n+1), alike, func(e *env) {
			seed := *seedFlag
			if seed == 0 {
				seed = rand.Uint64() //nolint:gosec // a seed of a test
			}
			count := max(1, *opsFlag/rounds/slowly)
			if testing.Short() {
				count = max(1, count/10)
			}
			e.play(seed, n, count)
		}})
	}
	return checks
}

// game is one run of random operations on a store and on the model.
type game struct {
	e   *env
	st  storage.Storage
	m   *model
	r   *rand.Rand
	now time.Time
	n   int // the operation's number

	letters []heldLetter
	events  []heldEvent
	done    []change // changes that were applied, to be applied again
	books   books
	log     []string
}

// heldLetter is a delivery as both sides gave it out, with fences of their own.
type heldLetter struct{ real, plain mail.Delivery }

type heldEvent struct{ real, plain accounts.EventDelivery }

func (e *env) play(seed, round uint64, count int) {
	e.Helper()
	e.Logf("%d operations; repeat with -storagetest.seed=%d -storagetest.ops=%d", count, seed, count*rounds)
	g := &game{
		e: e, st: e.open(), m: newModel(), now: start, books: newBooks(),
		r: rand.New(rand.NewPCG(seed, round)), //nolint:gosec // a repeatable test
	}
	rule := e.why
	e.why = fmt.Sprintf("%s\nseed %d: repeat with -storagetest.seed=%d -storagetest.ops=%d", rule, seed, seed, count*rounds)
	for g.n = range count {
		g.now = g.now.Add(time.Duration(g.r.IntN(600_000_000)) * time.Microsecond)
		g.step()
		g.invariants(g.m.shared.now())
		if g.n%250 == 249 || g.n == count-1 {
			e.agrees(g.st, g.m)
		}
	}
	g.drain()
}

// step makes one operation.
func (g *game) step() {
	switch n := g.r.IntN(100); {
	case n < 55:
		g.apply(g.st, g.m, g.change())
	case n < 58:
		if len(g.done) > 0 {
			g.apply(g.st, g.m, g.done[g.r.IntN(len(g.done))])
		}
	case n < 61:
		g.transaction()
	case n < 78:
		g.read()
	case n < 83:
		g.claimMail()
	case n < 89:
		g.settleMail()
	case n < 91:
		g.requeue()
	case n < 95:
		g.claimEvents()
	case n < 99:
		g.settleEvents()
	default:
		g.sweep()
	}
}

// both compares what the two sides answered.
func (g *game) both(what string, got any, gotErr error, want any, wantErr error) {
	g.e.Helper()
	a, b := text(got), text(want)
	if gotErr != nil {
		a = ""
	}
	if wantErr != nil {
		b = ""
	}
	g.log = append(g.log, fmt.Sprintf("%4d %s -> %s", g.n, strings.Join(strings.Fields(what), " "), kind(wantErr)))
	if kind(gotErr) != kind(wantErr) || a != b {
		g.e.failf("operation %d, %s:\n got %s %v\nwant %s %v\n%s\nbefore that:\n%s", g.n, what,
			kind(gotErr), gotErr, kind(wantErr), wantErr, differ(a, b), strings.Join(g.log[max(0, len(g.log)-8):], "\n"))
	}
}

// apply applies a change to both sides, and looks at all that it named.
func (g *game) apply(st storage.Storage, m *model, c change) {
	g.e.Helper()
	ctx := g.e.ctx
	err, want := apply(ctx, st, c), apply(ctx, m, c)
	g.both("apply "+text(c), nil, err, nil, want)
	if want == nil {
		if m.joined == nil {
			g.books.applied(c)
		}
		g.done = append(g.done, c)
	}
	for _, q := range g.touched(c) {
		g.ask(st, m, q)
	}
}

// transaction applies some changes in a transaction of the host.
func (g *game) transaction() {
	g.e.Helper()
	tx, plain := g.e.begin(g.st), g.m.begin()
	joined, _ := plain.Store().(*model)
	done := len(g.done)
	for range 1 + g.r.IntN(3) {
		g.apply(tx.Store(), joined, g.changeOf(plain.world))
	}
	if g.r.IntN(3) == 0 {
		g.both("rollback", nil, tx.Rollback(), nil, plain.Rollback())
		g.done = g.done[:done]
		return
	}
	g.both("commit", nil, tx.Commit(), nil, plain.Commit())
	for _, c := range g.done[done:] {
		g.books.applied(c)
	}
}

// question is one call of a reader.
type question struct {
	what string
	call func(ctx context.Context, st storage.Storage) (any, error)
}

func (g *game) ask(st storage.Storage, m *model, q question) {
	g.e.Helper()
	got, err := q.call(g.e.ctx, st)
	want, wantErr := q.call(g.e.ctx, m)
	g.both(q.what, got, err, want, wantErr)
}

func (g *game) claimMail() {
	channel := []mail.Channel{mail.Email, mail.Email, mail.SMS, mail.SMS, "", "email "}[g.r.IntN(6)]
	c := mail.Claim{Channel: channel, At: g.now, Lease: time.Duration(1+g.r.IntN(60)) * time.Minute, Limit: g.r.IntN(5)}
	got, err := g.st.ClaimMail(g.e.ctx, c)
	want, wantErr := g.m.ClaimMail(g.e.ctx, c)
	for i := range min(len(got), len(want)) {
		g.letters = append(g.letters, heldLetter{got[i], want[i]})
	}
	g.both(text(c), withoutFences(got), err, withoutFences(want), wantErr)
}

func withoutFences(list []mail.Delivery) []mail.Delivery {
	list = slices.Clone(list)
	for i := range list {
		list[i].Fence = 0 // fences are the store's own
	}
	return list
}

func (g *game) settleMail() {
	if len(g.letters) == 0 {
		return
	}
	from := 0
	if g.r.IntN(3) > 0 { // one that is mostly still theirs
		from = max(0, len(g.letters)-10)
	}
	h := g.letters[from+g.r.IntN(len(g.letters)-from)]
	o := mail.Outcome{ID: h.real.Message.ID, State: mail.Sent, At: g.now, Error: []string{"", "busy", "refused"}[g.r.IntN(3)]}
	switch g.r.IntN(3) {
	case 0:
		o.State = mail.Dead
	case 1:
		o.State, o.Next, o.Untried = mail.Queued, g.now.Add(time.Hour), g.r.IntN(2) == 0
	}
	mine, plain := o, o
	mine.Fence, plain.Fence = h.real.Fence, h.plain.Fence
	g.both(text(o), nil, g.st.SettleMail(g.e.ctx, mine), nil, g.m.SettleMail(g.e.ctx, plain))
}

func (g *game) requeue() {
	ids := []string{g.letterID(), g.letterID(), g.letterID(), g.letterID()}
	got, err := g.st.RequeueMail(g.e.ctx, ids, g.now)
	want, wantErr := g.m.RequeueMail(g.e.ctx, ids, g.now)
	g.both("requeue "+text(ids), got, err, want, wantErr)
}

func (g *game) claimEvents() {
	c := accounts.EventClaim{At: g.now, Lease: time.Duration(1+g.r.IntN(60)) * time.Minute, Limit: 1 + g.r.IntN(20)}
	got, err := g.st.ClaimEvents(g.e.ctx, c)
	want, wantErr := g.m.ClaimEvents(g.e.ctx, c)
	var a, b []accounts.EventDelivery
	for i := range min(len(got), len(want)) {
		g.events = append(g.events, heldEvent{got[i], want[i]})
	}
	for _, d := range got {
		d.Fence = 0
		a = append(a, d)
	}
	for _, d := range want {
		d.Fence = 0
		b = append(b, d)
	}
	g.both(text(c), a, err, b, wantErr)
}

func (g *game) settleEvents() {
	var mine, plain []accounts.EventReceipt
	for range g.r.IntN(6) {
		if len(g.events) == 0 {
			return
		}
		h := g.events[g.r.IntN(len(g.events))]
		a, b := receipt(h.real), receipt(h.plain)
		if g.r.IntN(4) == 0 {
			a.Taken, b.Taken, a.Next, b.Next = false, false, g.now.Add(time.Minute), g.now.Add(time.Minute)
		}
		mine, plain = append(mine, a), append(plain, b)
	}
	got, err := g.st.SettleEvents(g.e.ctx, mine)
	want, wantErr := g.m.SettleEvents(g.e.ctx, plain)
	g.both(fmt.Sprintf("settle %d events", len(mine)), got, err, want, wantErr)
}

func (g *game) sweep() {
	before := storage.SweepBefore{
		Sessions: g.now.Add(-20 * time.Hour), Sources: g.now.Add(-2 * time.Hour), Views: g.now.Add(-time.Hour), Replies: g.now.Add(-time.Hour),
		Quotas: accounts.DayOf(g.now), Mail: g.now.Add(-20 * time.Hour), Tickets: g.now, Guesses: g.now.Add(-5 * time.Hour),
		Texts: g.now.Add(-time.Duration(g.r.IntN(12)) * time.Hour),
	}
	got, err := g.st.Sweep(g.e.ctx, before, 0)
	want, wantErr := g.m.Sweep(g.e.ctx, before, 0)
	g.both("sweep", got, err, want, wantErr)
	g.books.swept(g.m.shared.now(), accounts.DayOf(g.now))
}

// drain takes everything that is left, so that what was never claimed is
// compared as well.
func (g *game) drain() {
	g.now = g.now.Add(1000 * time.Hour)
	for _, channel := range []mail.Channel{mail.Email, mail.SMS} {
		c := mail.Claim{Channel: channel, At: g.now, Lease: time.Hour, Limit: all}
		got, err := g.st.ClaimMail(g.e.ctx, c)
		want, wantErr := g.m.ClaimMail(g.e.ctx, c)
		g.both("the last claim", withoutFences(got), err, withoutFences(want), wantErr)
	}
	events := func(st storage.Storage) (list []accounts.Event, err error) {
		claimed, err := st.ClaimEvents(g.e.ctx, accounts.EventClaim{At: g.now, Lease: time.Hour, Limit: 100_000})
		for _, d := range claimed {
			list = append(list, d.Event)
		}
		return list, err
	}
	a, err := events(g.st)
	b, wantErr := events(g.m)
	g.both("the last events", a, err, b, wantErr)
}

func only[T ~string](when bool, v T) T {
	if when {
		return v
	}
	return ""
}

// secret is the hash that a number stands for.
func secret(n int) token.Hash { return hash(fmt.Sprint("secret ", n)) }
