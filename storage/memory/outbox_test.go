package memory_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/chatelaine-go/chatelaine/access"
	"github.com/chatelaine-go/chatelaine/access/token"
	"github.com/chatelaine-go/chatelaine/accounts"
	"github.com/chatelaine-go/chatelaine/mail"
	"github.com/chatelaine-go/chatelaine/storage"
	"github.com/chatelaine-go/chatelaine/storage/memory"
)

func claim(t *testing.T, st storage.Storage, at time.Time, limit int) []mail.Delivery {
	t.Helper()
	list, err := st.ClaimMail(t.Context(), mail.Claim{Channel: mail.Email, At: at, Lease: time.Minute, Limit: limit})
	require.NoError(t, err)
	return list
}

// Mail whose reason has gone is not sent, even by somebody who holds it
// already, and its text is gone (A87, A92, I-24).
func TestStore_cancelledMail(t *testing.T) {
	t.Parallel()
	st := memory.New()
	put(t, st, "setup", letter("a", "agency/4"), letter("b", "agency/4/request/1"), letter("c", "agency/42"), letter("d", ""),
		letter("dead", "agency/4/x"), letter("sent", "agency/4"))
	held := claim(t, st, start, 10)
	require.Len(t, held, 6)
	fences := map[string]int64{}
	for _, d := range held {
		fences[d.Message.ID] = d.Fence
	}
	require.NoError(t, st.SettleMail(t.Context(), mail.Outcome{ID: "dead", Fence: fences["dead"], State: mail.Dead, At: start}))
	require.NoError(t, st.SettleMail(t.Context(), mail.Outcome{ID: "sent", Fence: fences["sent"], State: mail.Sent, At: start}))

	put(t, st, "end", mail.Reason("agency/4"), mail.Reason(""), letter("new", "agency/4/again"))
	states := map[string]mail.State{}
	records, err := st.Mails(t.Context(), mail.Query{})
	require.NoError(t, err)
	for _, r := range records {
		states[r.ID] = r.State
	}
	require.Equal(t, map[string]mail.State{
		"a": mail.Cancelled, "b": mail.Cancelled, "c": mail.Queued, "d": mail.Queued, "dead": mail.Cancelled, "sent": mail.Sent,
		"new": mail.Queued,
	}, states, "a change cancels what was there before it, and not its own mail")
	for id, want := range map[string]error{"a": mail.ErrFenced, "b": mail.ErrFenced, "c": nil, "d": nil} {
		require.ErrorIs(t, st.SettleMail(t.Context(), mail.Outcome{ID: id, Fence: fences[id], State: mail.Sent, At: start}), want, id)
	}
	n, err := st.RequeueMail(t.Context(), []string{"dead", "a", "none"}, start)
	require.NoError(t, err)
	require.Zero(t, n, "what lost its reason does not come back")
	require.Len(t, claim(t, st, start.Add(time.Hour), 10), 1)
}

func TestStore_ClaimMail(t *testing.T) {
	t.Parallel()
	t.Run("mail goes by priority, then due time, then id, when it is due and not leased", func(t *testing.T) {
		t.Parallel()
		st := memory.New()
		var rows []any
		for _, m := range []struct {
			id       string
			priority mail.Priority
			due      int
		}{{"c", 9, 0}, {"a", 1, 1}, {"b", 1, 0}, {"e", 1, 0}, {"late", 0, 9}, {"z", 0, 2}} {
			l := letter(m.id, "")
			l.Priority, l.Due = m.priority, start.Add(time.Duration(m.due)*time.Minute)
			rows = append(rows, l)
		}
		put(t, st, "setup", rows...)
		ids := func(list []mail.Delivery) string {
			var all []string
			for _, d := range list {
				all = append(all, fmt.Sprintf("%s%d", d.Message.ID, d.Attempt))
			}
			return strings.Join(all, " ")
		}
		require.Empty(t, ids(claim(t, st, start.Add(-time.Microsecond), 9)))
		require.Empty(t, ids(claim(t, st, start, 0)))
		at := start.Add(2 * time.Minute)
		require.Equal(t, "z1 b1", ids(claim(t, st, at, 2)))
		require.Equal(t, "e1 a1 c1", ids(claim(t, st, at, 9)))
		require.Empty(t, ids(claim(t, st, at.Add(time.Minute-time.Microsecond), 9)))
		require.Equal(t, "z2 b2 e2 a2 c2", ids(claim(t, st, at.Add(time.Minute), 9)))
	})
	t.Run("a delivery settles once, also after its lease, unless somebody claimed it since", func(t *testing.T) {
		t.Parallel()
		st := memory.New()
		put(t, st, "setup", letter("m", ""))
		first := claim(t, st, start, 1)[0]
		second := claim(t, st, start.Add(time.Hour), 1)[0]
		sent := mail.Outcome{ID: "m", Fence: first.Fence, State: mail.Sent, At: start}
		require.ErrorIs(t, st.SettleMail(t.Context(), sent), mail.ErrFenced)
		sent.Fence = second.Fence
		require.NoError(t, st.SettleMail(t.Context(), sent))
		require.ErrorIs(t, st.SettleMail(t.Context(), sent), mail.ErrFenced)
		sent.State = mail.Cancelled
		require.NotErrorIs(t, st.SettleMail(t.Context(), sent), mail.ErrFenced)
	})
	t.Run("a message whose id is there is not written again", func(t *testing.T) {
		t.Parallel()
		st := memory.New()
		put(t, st, "setup", letter("m", ""))
		again := letter("m", "")
		again.Text = "other"
		put(t, st, "again", again)
		require.Equal(t, "Text\n", claim(t, st, start, 9)[0].Message.Text)
	})
}

// Each event reaches the host, and none twice while it is being handled; one
// that is written late is found all the same.
func TestStore_feed(t *testing.T) {
	t.Parallel()
	st := memory.New()
	ask := func(at time.Time) string {
		list, err := st.ClaimEvents(t.Context(), accounts.EventClaim{At: at, Lease: time.Minute, Limit: 2})
		require.NoError(t, err)
		var all []string
		for _, d := range list {
			all = append(all, fmt.Sprintf("%s/%d#%d", d.Event.Op, d.Event.Seq, d.Fence))
		}
		return strings.Join(all, " ")
	}
	settle := func(r ...accounts.EventReceipt) int {
		n, err := st.SettleEvents(t.Context(), r)
		require.NoError(t, err)
		return n
	}
	put(t, st, "b", event("b", 1, "c", start), event("b", 2, "c", start))
	require.Equal(t, "b/1#1 b/2#1", ask(start))
	require.Empty(t, ask(start))
	put(t, st, "a", event("a", 1, "c", start.Add(-time.Hour))) // decided long ago, committed now
	require.Equal(t, "a/1#1", ask(start))
	require.Equal(t, 2, settle(
		accounts.EventReceipt{Op: "a", Seq: 1, Fence: 1, Taken: true}, accounts.EventReceipt{Op: "a", Seq: 1, Fence: 1, Taken: true},
		accounts.EventReceipt{Op: "b", Seq: 1, Fence: 1, Next: start.Add(time.Hour)}, accounts.EventReceipt{Op: "b", Seq: 2, Fence: 7, Taken: true},
		accounts.EventReceipt{Op: "x", Seq: 1},
	))
	require.Zero(t, settle(accounts.EventReceipt{Op: "b", Seq: 1, Fence: 1, Taken: true}), "a delivery is settled once")
	require.Equal(t, "b/2#2", ask(start.Add(time.Minute)))
	require.Equal(t, "b/1#3 b/2#3", ask(start.Add(time.Hour)))
}

func TestStore_Events(t *testing.T) {
	t.Parallel()
	st := memory.New()
	both, by := event("a", 2, "client", start), event("b", 1, "agency", start.Add(time.Second))
	both.Agency, both.User, by.By.User, by.Kind = "agency", "u", "u", accounts.EventMemberLeft
	put(t, st, "a", event("a", 1, "client", start), both)
	put(t, st, "b", by)
	put(t, st, "c", event("c", 1, "other", start))
	for _, c := range []struct {
		name string
		when accounts.EventQuery
		want string
	}{
		{"a client reads what happened in it, newest first", accounts.EventQuery{Account: "client"}, "a2 a1"},
		{"an agency reads its own and where it was the other party", accounts.EventQuery{Account: "agency"}, "b1 a2"},
		{"a kind narrows", accounts.EventQuery{Account: "agency", Kinds: []accounts.EventKind{accounts.EventMemberAdded}}, "a2"},
		{"a user narrows to what is about or by them", accounts.EventQuery{Account: "client", User: "u"}, "a2"},
		{"a page ends before the cursor", accounts.EventQuery{Account: "agency", Before: by.Cursor(), Limit: 1}, "a2"},
		{"nobody reads what has no account", accounts.EventQuery{}, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			list, err := st.Events(t.Context(), c.when)
			require.NoError(t, err)
			var all []string
			for _, e := range list {
				all = append(all, fmt.Sprintf("%s%d", e.Op, e.Seq))
			}
			require.Equal(t, c.want, strings.Join(all, " "))
		})
	}
}

func TestStore_Sweep(t *testing.T) {
	t.Parallel()
	st := memory.New()
	old, ended := session("old", "u"), session("ended", "u")
	old.UserAgent, old.Source, ended.EndedAt = "browser", "::1", start.Add(time.Hour)
	put(t, st, "setup", user("u"), old, ended, letter("m", ""), accounts.Reply{ReplyKey: accounts.ReplyKey{Key: "k"}, ExpiresAt: start},
		accounts.Spend{QuotaKey: accounts.QuotaKey{Kind: accounts.QuotaRecipient, Subject: "s", Day: 5}, N: 1, Limit: 1})
	d := claim(t, st, start, 1)[0]
	require.NoError(t, st.SettleMail(t.Context(), mail.Outcome{ID: "m", Fence: d.Fence, State: mail.Sent, At: start}))
	sweep := func(b storage.SweepBefore, limit int) int {
		n, err := st.Sweep(t.Context(), b, limit)
		require.NoError(t, err)
		return n
	}
	later := start.Add(time.Microsecond)
	require.Zero(t, sweep(storage.SweepBefore{}, 0), "a zero time spares the kind")
	require.Zero(t, sweep(storage.SweepBefore{Sessions: start, Sources: start, Replies: start, Quotas: 5, Mail: start}, 0))
	require.Equal(t, 1, sweep(storage.SweepBefore{Sources: later}, 0))
	s, err := st.Session(t.Context(), access.SessionKey{ID: "old"})
	require.NoError(t, err)
	require.Empty(t, s.UserAgent+s.Source)
	all := storage.SweepBefore{Sessions: later, Sources: later, Replies: later, Quotas: 6, Mail: later}
	require.Equal(t, 2, sweep(all, 2))
	require.Equal(t, 3, sweep(all, 0))
	require.Zero(t, sweep(all, 0))
	_, err = st.Session(t.Context(), access.SessionKey{Hash: old.Hash})
	require.ErrorIs(t, err, accounts.ErrNotFound)
	records, err := st.Mails(t.Context(), mail.Query{})
	require.NoError(t, err)
	require.Empty(t, records)
}

// A use moves the last-seen time forward only, needs no session to be there,
// and no version: it never makes a decision fail.
func TestStore_touches(t *testing.T) {
	t.Parallel()
	st := memory.New()
	put(t, st, "setup", user("u"), session("s", "u"))
	for _, at := range []time.Time{start.Add(time.Hour), start.Add(time.Minute)} {
		require.NoError(t, st.ApplyAccess(t.Context(), access.Change{Touches: []access.Touch{{Session: "s", At: at}, {Session: "gone", At: at}}}))
	}
	s, err := st.Session(t.Context(), access.SessionKey{ID: "s"})
	require.NoError(t, err)
	require.Equal(t, start.Add(time.Hour), s.SeenAt)
	require.EqualValues(t, 1, s.Version)
}

// A hash of nothing finds nothing, whatever is stored (A09).
func TestStore_zeroHash(t *testing.T) {
	t.Parallel()
	st := memory.New()
	s, r := session("s", "u"), request("ag", "r", "a@example.com")
	s.Hash, r.Hash = token.Hash{}, token.Hash{}
	put(t, st, "setup", user("u"), agency("ag"), s, r)
	a, err := st.Admission(t.Context(), token.Hash{}, "ag")
	require.NoError(t, err)
	require.Zero(t, a)
	_, err = st.Session(t.Context(), access.SessionKey{})
	require.ErrorIs(t, err, accounts.ErrNotFound)
	_, err = st.Deciding(t.Context(), access.DecidingQuery{})
	require.ErrorIs(t, err, accounts.ErrNotFound)
}
