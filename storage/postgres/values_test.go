package postgres_test

import (
	"fmt"
	"math"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/chatelaine-go/chatelaine/access"
	"github.com/chatelaine-go/chatelaine/accounts"
	"github.com/chatelaine-go/chatelaine/mail"
	"github.com/chatelaine-go/chatelaine/storage"
	"github.com/chatelaine-go/chatelaine/storage/internal/pgtest"
	"github.com/chatelaine-go/chatelaine/storage/postgres"
)

// What a change spends of one counter in several places is spent in all, or not at all.
func TestStore_spends(t *testing.T) {
	t.Parallel()
	st := newSpaces(t, nil).take(t)
	key := accounts.QuotaKey{Kind: accounts.QuotaRequests, Subject: "a", Day: accounts.DayOf(dawn)}
	spend := func(n, limit int) accounts.Spend { return accounts.Spend{QuotaKey: key, N: n, Limit: limit} }
	for _, test := range []struct { //nolint:paralleltest // one counter
		name  string
		given []any
		want  int   // what is spent then
		err   error // what the change is told
	}{
		{"two under one limit", []any{spend(1, 5), spend(1, 5)}, 2, nil},
		{"two that together pass it", []any{spend(2, 5), spend(2, 5)}, 2, accounts.ErrConflict},
		{"two under limits of their own", []any{spend(1, 9), spend(1, 5)}, 4, nil},
		{"two of which one passes its own", []any{spend(1, 9), spend(2, 5)}, 4, accounts.ErrConflict},
		{"two without a limit", []any{spend(1, math.MaxInt), spend(1, math.MaxInt)}, 6, nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			require.ErrorIs(t, st.ApplyAccess(t.Context(), of(test.given...)), test.err)
			n, err := st.Spent(t.Context(), key)
			require.NoError(t, err)
			require.Equal(t, test.want, n)
		})
	}
}

// However many rows a caller is ready to take, there is a page of them.
func TestStore_limits(t *testing.T) {
	t.Parallel()
	st := newSpaces(t, nil).take(t)
	put(t, st, someAccount("a"), someUser("u"), someMember("a", "u"), someMail("m", "r"),
		access.Guesses{Email: "u@example.com", Count: 1, LastAt: dawn})
	for name, ask := range map[string]func() (int, error){
		"claimed mail": func() (int, error) {
			list, err := st.ClaimMail(t.Context(), mail.Claim{Channel: mail.Email, At: dawn, Lease: time.Hour, Limit: math.MaxInt})
			return len(list), err
		},
		"claimed events": func() (int, error) {
			list, err := st.ClaimEvents(t.Context(), accounts.EventClaim{At: dawn, Lease: time.Hour, Limit: math.MaxInt})
			return len(list), err
		},
		"members": func() (int, error) {
			list, err := st.Members(t.Context(), accounts.MemberQuery{Account: "a", Limit: math.MaxInt})
			return len(list), err
		},
		"mail": func() (int, error) {
			list, err := st.Mails(t.Context(), mail.Query{Limit: math.MaxInt})
			return len(list), err
		},
		"rows to sweep": func() (int, error) {
			return st.Sweep(t.Context(), storage.SweepBefore{Guesses: later(1)}, math.MaxInt)
		},
	} {
		n, err := ask()
		require.NoError(t, err, name)
		require.Equal(t, 1, n, name)
	}
}

// No value is taken for SQL, or for part of an array, in any way to send it and under
// whatever name of a schema: each comes back as it was, and finds what is its own.
func TestStore_values(t *testing.T) {
	t.Parallel()
	values := []string{
		`"`, `\`, `{}`, `{`, `NULL`, `$1`, `'; DROP TABLE x; --`, `a,b`, `\"`, `\\x00`, `\x00`, ` `, " a ", "tab\t", "new\nline", `(SELECT 1)`, `?`, `{p}`, "é\u2028",
		`E'\''`, `$$x$$`, "\u00a0", `/*`, `%_!`,
	}
	dsn := pgtest.Database(t)
	o := &postgres.Options{Schema: `we"ird $1 {p} 'x' ;--`}
	for _, mode := range []pgx.QueryExecMode{ //nolint:paralleltest // one schema
		pgx.QueryExecModeCacheStatement, pgx.QueryExecModeCacheDescribe, pgx.QueryExecModeDescribeExec, pgx.QueryExecModeExec, pgx.QueryExecModeSimpleProtocol,
	} {
		t.Run(mode.String(), func(t *testing.T) {
			p := pooled(t, dsn, inMode(mode))
			st, err := postgres.New(t.Context(), p, o)
			require.NoError(t, err)
			rows := []any{someAccount("a")}
			var keys []accounts.StandingKey
			var messages []mail.Message
			var reasons []mail.Reason
			for i, v := range values {
				u, m := someUser(fmt.Sprint(i)), someMail(v, mail.Reason(v))
				u.ID, u.Name = accounts.UserID(v), v
				m.Account, m.To, m.Subject, m.Text, m.Data.Agency = v, v, v, v, v
				rows, messages = append(rows, u, m), append(messages, m)
				keys, reasons = append(keys, accounts.StandingKey{User: u.ID, Account: "a"}), append(reasons, m.Reason)
			}
			put(t, st, rows...)
			said := map[string]mail.Message{}
			claimed, err := st.ClaimMail(t.Context(), mail.Claim{Channel: mail.Email, At: dawn, Lease: time.Hour, Limit: 99})
			require.NoError(t, err)
			for _, d := range claimed {
				said[d.Message.ID] = d.Message
			}
			got, err := st.Standings(t.Context(), keys)
			require.NoError(t, err)
			newest, err := st.Newest(t.Context(), reasons)
			require.NoError(t, err)
			for i, v := range values {
				require.Equal(t, accounts.UserID(v), got[i].User.ID)
				require.Equal(t, v, got[i].User.Name)
				require.Equal(t, v, newest[i].ID)
				list, err := st.Mails(t.Context(), mail.Query{Account: v, To: v, Reason: mail.Reason(v), State: mail.Queued})
				require.NoError(t, err)
				require.Len(t, list, 1)
				require.Equal(t, messages[i], said[v])
				none(t, st, v)
			}
			run(t, p, emptied(o.Schema))
		})
	}
}

// none asks for what nothing is called.
func none(t *testing.T, st storage.Storage, v string) {
	t.Helper()
	mails, err := st.Mails(t.Context(), mail.Query{State: mail.State(v)})
	require.NoError(t, err)
	clients, err := st.Clients(t.Context(), access.ClientsQuery{Agency: "a", Search: v, States: []access.ClientState{access.ClientState(v)}})
	require.NoError(t, err)
	records, err := st.ClientRecords(t.Context(), accounts.ClientRecordQuery{Account: accounts.AccountID(v), Search: v, Statuses: []accounts.ClientStatus{accounts.ClientStatus(v)}})
	require.NoError(t, err)
	events, err := st.Events(t.Context(), accounts.EventQuery{Account: "a", User: accounts.UserID(v), Kinds: []accounts.EventKind{accounts.EventKind(v)}})
	require.NoError(t, err)
	require.Zero(t, len(mails)+len(clients)+len(records)+len(events))
}
