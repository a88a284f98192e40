package accounts_test

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"github.com/chatelaine-go/chatelaine/accounts"
	"github.com/chatelaine-go/chatelaine/mail"
	"github.com/chatelaine-go/chatelaine/roles"
	"github.com/chatelaine-go/chatelaine/storage/memory"
)

func (w *world) desk() *accounts.Desk {
	w.t.Helper()
	d, err := accounts.NewDesk(w.st, w.env)
	require.NoError(w.t, err)
	return d
}

// mail returns the record of a message.
func (w *world) record(id string) mail.Record {
	w.t.Helper()
	list, err := w.st.Mails(w.t.Context(), mail.Query{ID: id})
	require.NoError(w.t, err)
	require.Len(w.t, list, 1)
	return list[0]
}

// A provider's webhook reports that a message which was sent did not arrive: its
// record says so from then on, when and why, and the account's audit by whom it was
// told. Telling it again is nothing new (A86, A105, D8).
func TestDesk_Bounced(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.put(user("ann"), account("orbit"), member("orbit", "ann", roles.Owner))
	w.mailed("m", time.Time{}, mail.Sent)
	w.clock.Add(time.Hour)
	before, n := w.record("m"), len(w.feed())
	webhook := accounts.System("webhook")

	require.NoError(t, w.desk().Bounced(t.Context(), webhook, "m", "5.1.1 no such mailbox"))
	want := before
	want.State, want.SettledAt, want.Error = mail.Bounced, w.env.Now(), "5.1.1 no such mailbox"
	require.Equal(t, want, w.record("m"))
	e := w.one(n)
	require.Equal(t, accounts.Event{
		Op: e.Op, Seq: 1, At: w.env.Now(), Kind: accounts.EventMailBounced, By: webhook.By(), Account: "orbit", Mail: "m",
	}, e)
	list, err := w.svc.Events(t.Context(), w.as("ann"), accounts.EventQuery{Account: "orbit", Kinds: []accounts.EventKind{accounts.EventMailBounced}})
	require.NoError(t, err)
	require.Len(t, list, 1, "the account reads it in its audit")

	w.clock.Add(time.Hour)
	for _, actor := range []accounts.Actor{webhook, staff()} {
		require.NoError(t, w.desk().Bounced(t.Context(), actor, "m", "other words"))
	}
	require.Equal(t, want, w.record("m"))
	w.one(n)
	require.Equal(t, "mail", field(t, w.desk().Requeue(t.Context(), staff(), "m")), "what came back is not sent again as it was")
}

// Only what was sent comes back. A message whose sending is not on record yet is
// waited for, and what was never sent stays as it is, whatever is told (A86).
func TestDesk_Bounced_refused(t *testing.T) {
	t.Parallel()
	for state, want := range map[mail.State]error{mail.Queued: accounts.ErrConflict, mail.Dead: nil, mail.Cancelled: nil} {
		w := newWorld(t, func(o *accounts.EnvOptions) { o.Limits.Retry = 20 * time.Millisecond })
		w.put(account("orbit"))
		w.mailed("m", time.Time{}, state)
		before, n := w.record("m"), len(w.feed())
		err := w.desk().Bounced(t.Context(), staff(), "m", "why")
		require.ErrorIs(t, err, want)
		require.Equal(t, before, w.record("m"))
		require.Len(t, w.feed(), n)
	}
	w := newWorld(t)
	require.Equal(t, accounts.ErrNotFound, w.desk().Bounced(t.Context(), staff(), "nothing", "why"))
	for _, id := range []string{"", strings.Repeat("x", 201), "a\nb"} {
		require.Equal(t, "mail", field(t, w.desk().Bounced(t.Context(), staff(), id, "why")))
	}
	require.Empty(t, w.feed())
}

// What a provider says is kept on one line of at most 200 characters, without the
// address and anybody else's, and none of it in the audit (A107).
func TestDesk_Bounced_words(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ name, given, want string }{
		{"nothing", "", ""},
		{"lines and controls", "550\r\n5.1.1\tno\x00 such\u2028mailbox\u200b", "550 5.1.1 no such mailbox"},
		{"the address, in any case", "<MIA@people.Example> is unknown", "<[recipient]> is unknown"},
		{"the address with what is not seen in it", "mia@\u200bpeople.example is unknown", "[recipient] is unknown"},
		{"somebody else's", "mia@people.example forwards to <mia.home@else.example>: full", "[recipient] forwards to <[address]>: full"},
		{"the secret of a link", "rejected: https://app.example/in/cinv_ABCDEFGHIJKLMNOP", "rejected: https://app.example/in/[redacted]"},
		{"bytes that are no text", "a\xffb", "a\ufffdb"},
		{"very much", strings.Repeat("word ", 1000), strings.TrimRight(strings.Repeat("word ", 40)[:199], " ") + "…"},
		{"very much of an address", strings.Repeat("a@b ", 100_000), ""},
	} {
		w := newWorld(t)
		w.put(account("orbit"))
		w.mailed("m", time.Time{}, mail.Sent)
		require.NoError(t, w.desk().Bounced(t.Context(), staff(), "m", tt.given), tt.name)
		got := w.record("m").Error
		if tt.want != "" || tt.given == "" {
			require.Equal(t, tt.want, got, tt.name)
		}
		require.LessOrEqual(t, utf8.RuneCountInString(got), 200, tt.name)
		require.NotContains(t, got, "@", tt.name)
		event := fmt.Sprintf("%+v", w.feed()[len(w.feed())-1])
		for word := range strings.FieldsSeq(tt.given) {
			if len(word) > 3 {
				require.NotContains(t, event, word, tt.name)
			}
		}
	}

	// Of somebody who was forgotten nobody knows which words are the address.
	w := newWorld(t)
	w.put(account("orbit"))
	w.mailed("m", time.Time{}, mail.Sent)
	require.NoError(t, w.svc.ForgetAddress(t.Context(), staff(), "mia@people.example"))
	require.NoError(t, w.desk().Bounced(t.Context(), staff(), "m", "mia at people dot example is unknown"))
	require.Equal(t, mail.Bounced, w.record("m").State)
	require.Empty(t, w.record("m").Error)
}

// The words about a text message have no phone number, however it is written
// (A107).
func TestOperation_Bounced_phone(t *testing.T) {
	t.Parallel()
	op := newWorld(t).env.Begin(staff())
	r := mail.Record{ID: "m", Channel: mail.SMS, State: mail.Sent, To: "+4917012345678"}
	for given, want := range map[string]string{
		"+4917012345678 is unreachable":       "[recipient] is unreachable",
		"to 0049 170 123-456 78: unreachable": "to [number]: unreachable",
		"4917012345678: error 30006":          "[number]: error 30006",
	} {
		c, err := op.Bounced(r, given)
		require.NoError(t, err)
		require.Equal(t, []mail.Bounce{{ID: "m", At: op.At, Error: want}}, c.Bounced)
		require.Len(t, c.Events, 1)
		again, err := op.Bounced(r, given)
		require.NoError(t, err)
		require.Equal(t, c, again, "a decision is the same each time")
	}
	require.Equal(t, mail.Sent, r.State)
}

// Many who report the same at once make one bounce, and none of them fails (A100).
func TestDesk_Bounced_together(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.put(account("orbit"))
	w.mailed("m", time.Time{}, mail.Sent)
	n := len(w.feed())
	errs := make([]error, 8)
	var all sync.WaitGroup
	for i := range errs {
		all.Go(func() { errs[i] = w.desk().Bounced(t.Context(), staff(), "m", "why") })
	}
	all.Wait()
	require.NoError(t, errors.Join(errs...))
	require.Equal(t, mail.Bounced, w.record("m").State)
	require.Equal(t, accounts.EventMailBounced, w.one(n).Kind)
}

// Whoever is no job and no operator may do nothing at the desk, whatever they are
// in the account (A32, A36, A105).
func TestDesk_matrix(t *testing.T) {
	t.Parallel()
	x := newTable("Who may do what with accounts.Desk: with the mail of the agency orbit. The people are those of operations.golden.")
	for _, act := range []struct {
		method, what string
		run          func(ctx context.Context, d *accounts.Desk, a accounts.Actor) error
	}{
		{"Mails", "look at the records of mail", func(ctx context.Context, d *accounts.Desk, a accounts.Actor) error {
			return ignore(d.Mails(ctx, a, mail.Query{}))
		}},
		{"Requeue", "send dead mail again", func(ctx context.Context, d *accounts.Desk, a accounts.Actor) error { return d.Requeue(ctx, a, "dead") }},
		{"Requeue", "send mail again that is not there", func(ctx context.Context, d *accounts.Desk, a accounts.Actor) error {
			return d.Requeue(ctx, a, "nothing")
		}},
		{"Bounced", "report that sent mail came back", func(ctx context.Context, d *accounts.Desk, a accounts.Actor) error {
			return d.Bounced(ctx, a, "sent", "why")
		}},
		{"Bounced", "report that dead mail came back", func(ctx context.Context, d *accounts.Desk, a accounts.Actor) error {
			return d.Bounced(ctx, a, "dead", "why")
		}},
		{"Bounced", "report that mail came back that is not there", func(ctx context.Context, d *accounts.Desk, a accounts.Actor) error {
			return d.Bounced(ctx, a, "nothing", "why")
		}},
	} {
		x.act(act.method, act.what, func(tell func(who, outcome string)) {
			for _, r := range relations() {
				w := matrixWorld(t)
				w.put(r.rows...)
				for id, state := range map[string]mail.State{"dead": mail.Dead, "sent": mail.Sent} {
					w.mailed(id, time.Time{}, state)
				}
				tell(r.name, outcome(w, act.run(t.Context(), w.desk(), r.actor(w))))
			}
		})
	}
	x.check(t, "desk.golden")
	x.covers(t, reflect.TypeFor[*accounts.Desk]())
}

// deskTap is a tap for the desk.
type deskTap struct {
	*tap
	st accounts.MailStore
}

func (s deskTap) Mails(ctx context.Context, q mail.Query) ([]mail.Record, error) {
	return via(s.tap, "Mails", func() ([]mail.Record, error) { return s.st.Mails(ctx, q) })
}

// Whatever fails below the desk, at whichever call, what is stored is the state
// before or the state after, and no fault reads as a decision (A84, A93, A96, A101).
func TestDesk_faults(t *testing.T) {
	t.Parallel()
	made := func(w *world, st accounts.MailStore) *accounts.Desk {
		d, err := accounts.NewDesk(st, w.env)
		require.NoError(w.t, err)
		return d
	}
	drill[*accounts.Desk]{
		ops: map[string]drilled[*accounts.Desk]{
			"Requeue": {call: func(ctx context.Context, d *accounts.Desk, _ *world) error { return d.Requeue(ctx, staff(), "dead") }},
			"Bounced": {call: func(ctx context.Context, d *accounts.Desk, _ *world) error {
				return d.Bounced(ctx, staff(), "sent", "5.1.1 no such mailbox")
			}},
			"Bounced, again": {call: func(ctx context.Context, d *accounts.Desk, _ *world) error {
				return d.Bounced(ctx, staff(), "back", "5.1.1 no such mailbox")
			}},
			"Bounced, dead": {call: func(ctx context.Context, d *accounts.Desk, _ *world) error {
				return d.Bounced(ctx, staff(), "dead", "5.1.1 no such mailbox")
			}},
			"Bounced, nothing": {want: accounts.ErrNotFound, call: func(ctx context.Context, d *accounts.Desk, _ *world) error {
				return d.Bounced(ctx, staff(), "nothing", "5.1.1 no such mailbox")
			}},
		},
		world: func(t testing.TB) *world {
			t.Helper()
			w := agencies(t)
			for _, id := range []string{"sent", "back"} {
				w.mailed(id, time.Time{}, mail.Sent)
			}
			w.mailed("dead", time.Time{}, mail.Dead)
			require.NoError(t, w.desk().Bounced(t.Context(), staff(), "back", "why"))
			return w
		},
		state: (*world).all,
		on: func(w *world, st accounts.Store) *accounts.Desk {
			return made(w, st.(accounts.MailStore))
		},
		tapped: func(w *world, hook func(method string, after bool) error) *accounts.Desk {
			return made(w, deskTap{&tap{Store: w.st, hook: hook}, w.st})
		},
	}.run(t)
}

var _ accounts.MailStore = (*memory.Store)(nil)
