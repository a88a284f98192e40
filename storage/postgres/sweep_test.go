package postgres_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	"github.com/chatelaine-go/chatelaine/access"
	"github.com/chatelaine-go/chatelaine/access/token"
	"github.com/chatelaine-go/chatelaine/accounts"
	"github.com/chatelaine-go/chatelaine/mail"
	"github.com/chatelaine-go/chatelaine/storage"
	"github.com/chatelaine-go/chatelaine/storage/postgres"
)

// sweeping is a row that a sweep would erase, and what somebody does with it at that
// moment.
type sweeping struct {
	name  string
	given []any
	table string // of the row
	first func(t *testing.T, st storage.Storage) writer
	want  string // what is there after it
	next  int    // how many rows the next sweep erases
}

// sweepings are one of each kind that others still write when its time is over.
func sweepings() []sweeping {
	ticket := access.Ticket{
		TicketKey: access.TicketKey{User: "u", Purpose: token.Reset}, Hash: secret("old"), Email: "u@example.com", Address: "u@example.com",
		CreatedAt: dawn, ExpiresAt: later(1),
	}
	fresh := ticket
	fresh.Version, fresh.Hash, fresh.CreatedAt, fresh.ExpiresAt = 1, secret("new"), later(9), later(10)
	used := ticket
	used.Version, used.UsedAt = 1, dawn
	challenge := accounts.Challenge{
		ChallengeKey: accounts.ChallengeKey{User: "u", Session: "s", Action: accounts.EventOwnershipTransferred, Account: "a"},
		Hash:         secret("code"), To: "+34600000001", CreatedAt: dawn, ExpiresAt: later(1),
	}
	anew := challenge
	anew.Version, anew.Hash, anew.CreatedAt, anew.ExpiresAt = 1, secret("other"), later(9), later(10)
	reply := accounts.Reply{
		ReplyKey: accounts.ReplyKey{Actor: "user/u", Account: "a", Key: "k"}, Input: secret("x"), Answer: []byte(`{}`),
		CreatedAt: dawn, ExpiresAt: later(1),
	}
	kept := reply
	kept.CreatedAt, kept.ExpiresAt = later(9), later(33)
	guesses := access.Guesses{Email: "u@example.com", Count: 2, LastAt: dawn}
	more := guesses
	more.Version, more.Count, more.LastAt = 1, 3, later(9)
	view := access.ViewAs{ViewAsState: access.ViewAsState{
		ID: "v", Viewer: "u", ClientKey: accounts.ClientKey{Account: "a", ID: "c"}, CreatedAt: dawn, ExpiresAt: later(1),
	}}
	prolonged := view
	prolonged.Version, prolonged.ExpiresAt = 1, later(100)
	late := someMail("m", "r")
	late.NotAfter = later(2)
	writes := func(rows ...any) func(*testing.T, storage.Storage) writer {
		return func(*testing.T, storage.Storage) writer { return applies(of(rows...)) }
	}
	claimed := func(t *testing.T, st storage.Storage) mail.Delivery {
		t.Helper()
		list, err := st.ClaimMail(t.Context(), mail.Claim{Channel: mail.Email, At: dawn, Lease: time.Hour, Limit: 1})
		require.NoError(t, err)
		require.Len(t, list, 1)
		return list[0]
	}
	return []sweeping{
		{"a ticket that is sent anew stays", []any{ticket}, "tickets", writes(fresh), "tickets", 0},
		{"a ticket that is used goes", []any{ticket}, "tickets", writes(used), "tickets WHERE used_at > 0", 1},
		{"a code that is sent anew stays", []any{challenge}, "challenges", writes(anew), "challenges", 0},
		{"a reply in the place of an expired one stays", []any{reply}, "replies", writes(kept), "replies", 0},
		{"a reply that a host looked at goes", []any{reply}, "replies", func(*testing.T, storage.Storage) writer {
			return func(ctx context.Context, st storage.Storage) error {
				_, err := st.Reply(ctx, reply.ReplyKey)
				return err
			}
		}, "replies", 1},
		{"wrong passwords that go on are counted on", []any{guesses}, "guesses", writes(more), "guesses WHERE tries = 3", 0},
		{"a view that is prolonged stays", []any{someClient("c"), view}, "views", writes(prolonged), "views", 0},
		{"dead mail that is sent again stays", []any{someMail("m", "r")}, "mails", func(t *testing.T, st storage.Storage) writer {
			t.Helper()
			d := claimed(t, st)
			require.NoError(t, st.SettleMail(t.Context(), mail.Outcome{ID: "m", Fence: d.Fence, State: mail.Dead, At: later(1), Error: "no"}))
			return func(ctx context.Context, st storage.Storage) error {
				_, err := st.RequeueMail(ctx, []string{"m"}, later(9))
				return err
			}
		}, "mails WHERE state = 'queued'", 0},
		{"mail that is sent when its time is over stays sent", []any{late}, "mails", func(t *testing.T, st storage.Storage) writer {
			t.Helper()
			d := claimed(t, st)
			return func(ctx context.Context, st storage.Storage) error {
				return st.SettleMail(ctx, mail.Outcome{ID: "m", Fence: d.Fence, State: mail.Sent, At: later(9)})
			}
		}, "mails WHERE state = 'sent'", 0},
	}
}

// sweeps erases what was over some hours after dawn, and says how much that was.
func sweeps(n *int) writer {
	at := later(8)
	before := storage.SweepBefore{Tickets: at, Replies: at, Guesses: at, Views: at, Mail: at, Texts: at}
	return func(ctx context.Context, st storage.Storage) (err error) {
		*n, err = st.Sweep(ctx, before, 0)
		return err
	}
}

// A sweep waits for nobody: what somebody holds it leaves, and the next one takes it if
// it is still to go. So a ticket that was just sent works (A60), a repeated call has one
// effect (A97), and mail that was sent, or that is to be sent again, is not taken for
// given up.
func TestStore_Sweep_beside(t *testing.T) {
	t.Parallel()
	s := newSpaces(t, nil)
	for _, test := range sweepings() { //nolint:paralleltest // one after the other: waiters are counted
		t.Run(test.name, func(t *testing.T) {
			st := s.take(t)
			put(t, st, append([]any{someAccount("a"), someUser("u")}, test.given...)...)
			var n int
			waited, err := beside(t, s, st, test.first(t, st), sweeps(&n))
			require.NoError(t, err)
			require.False(t, waited, "the sweep waited")
			require.Zero(t, n)
			in := pgx.Identifier{st.schema}.Sanitize() + ".chatelaine_"
			require.Equal(t, 1, one[int](t, s.pool, "SELECT count(*) FROM "+in+test.want))
			require.NoError(t, sweeps(&n)(t.Context(), st))
			require.Equal(t, test.next, n)
		})
	}
}

// What is written and committed after a sweep has chosen it, and before it has the lock,
// is judged as it is then.
func TestStore_Sweep_chosen(t *testing.T) {
	t.Parallel()
	s := newSpaces(t, nil)
	for _, test := range sweepings() { //nolint:paralleltest // one after the other: waiters are counted
		t.Run(test.name, func(t *testing.T) {
			st := s.take(t)
			put(t, st, append([]any{someAccount("a"), someUser("u")}, test.given...)...)
			first := test.first(t, st)
			in := pgx.Identifier{st.schema}.Sanitize() + ".chatelaine_"
			sweeper, free := halted(t, s, st, in+test.table)
			var n int
			told := make(chan error, 1)
			go func() { told <- sweeps(&n)(t.Context(), sweeper) }()
			require.Eventually(t, func() bool { return waiters(t, s.pool) == 1 }, 20*time.Second, time.Millisecond, "it did not come to the row")
			require.NoError(t, first(t.Context(), st))
			free()
			require.NoError(t, <-told)
			require.Equal(t, test.next, n)
			require.Equal(t, 1-test.next, one[int](t, s.pool, "SELECT count(*) FROM "+in+test.want))
		})
	}
}

// halted returns a store whose questions stop at each row of a table that they have found,
// and have not locked yet, until they are let go: they find it in a view that waits.
func halted(t *testing.T, s *spaces, st *space, table string) (sweeper storage.Storage, free func()) {
	t.Helper()
	const name = "halted"
	in := pgx.Identifier{st.schema}.Sanitize()
	_, short, _ := strings.Cut(table, in+".")
	run(t, s.pool, `CREATE FUNCTION `+in+`.halts() RETURNS BOOLEAN LANGUAGE plpgsql AS 'BEGIN
			IF current_setting(''application_name'') = ''`+name+`'' THEN PERFORM pg_advisory_xact_lock_shared(1); END IF; RETURN true; END'`,
		`ALTER TABLE `+table+` RENAME TO halted_rows`,
		`CREATE VIEW `+table+` AS SELECT * FROM `+in+`.halted_rows WHERE `+in+`.halts()`)
	t.Cleanup(func() {
		_, err := s.pool.Exec(context.WithoutCancel(t.Context()), `DROP VIEW `+table+`; ALTER TABLE `+in+`.halted_rows RENAME TO `+short+`; DROP FUNCTION `+in+`.halts()`)
		require.NoError(t, err)
	})
	tx, err := s.pool.Begin(t.Context())
	require.NoError(t, err)
	t.Cleanup(func() { _ = tx.Rollback(context.WithoutCancel(t.Context())) })
	_, err = tx.Exec(t.Context(), "SELECT pg_advisory_xact_lock(1)")
	require.NoError(t, err)
	p := pooled(t, s.pool.Config().ConnString(), func(c *pgxpool.Config) { c.ConnConfig.RuntimeParams["application_name"] = name })
	return bare(t, p, postgres.Options{Schema: st.schema}), func() { require.NoError(t, tx.Rollback(t.Context())) }
}

// A sweep and a cancellation, which go through the same mail in different orders, do not
// wait for each other.
func TestStore_Sweep_cancelled(t *testing.T) {
	t.Parallel()
	s, deadlocks := newCountedSpaces(t)
	const all = 300
	st := s.take(t)
	rows := []any{someAccount("a")}
	for i := range all {
		m := someMail(fmt.Sprintf("m%03d", i), mail.ReasonFor("account", "a", fmt.Sprintf("%03d", i)))
		m.NotAfter = dawn.Add(time.Duration(all-i) * time.Minute)
		rows = append(rows, m)
	}
	put(t, st, rows...)
	var n int
	middle := applies(of(mail.ReasonFor("account", "a", fmt.Sprintf("%03d", all/2))))
	for _, err := range meet(t, s, st, middle, sweeps(&n), applies(of(mail.ReasonFor("account", "a")))) {
		require.NoError(t, err)
	}
	require.Zero(t, deadlocks.Load())
	require.Equal(t, all, one[int](t, s.pool, "SELECT count(*) FROM "+st.schema+".chatelaine_mails WHERE state IN ('cancelled', 'dead') AND body = ''"))
}
