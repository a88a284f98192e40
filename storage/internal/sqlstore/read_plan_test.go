package sqlstore_test

import (
	"context"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/chatelaine-go/chatelaine/access"
	"github.com/chatelaine-go/chatelaine/access/token"
	"github.com/chatelaine-go/chatelaine/accounts"
	"github.com/chatelaine-go/chatelaine/mail"
	"github.com/chatelaine-go/chatelaine/roles"
	"github.com/chatelaine-go/chatelaine/storage/internal/sqlstore"
)

// plan returns how SQLite would run the statement that went by.
func plan(t *testing.T, f *fixture, l *last) []string {
	t.Helper()
	rows, err := f.db.QueryContext(t.Context(), "EXPLAIN QUERY PLAN "+l.text, l.args...)
	require.NoError(t, err)
	defer func() { require.NoError(t, rows.Close()) }()
	var steps []string
	for rows.Next() {
		var id, parent, unused int
		var step string
		require.NoError(t, rows.Scan(&id, &parent, &unused, &step))
		steps = append(steps, step)
	}
	require.NoError(t, rows.Err())
	return steps
}

// replanned finds what has SQLite plan a prepared statement again each time a
// value is bound: LIMIT and LIKE with a bare parameter.
var replanned = regexp.MustCompile(`(LIMIT|LIKE) \?\d+( [^+|]|\s*\)|$)`)

// worded is an index of words that is asked for some of them, and walked in its
// own order from a place on: what is in it is not read from end to end.
var worded = regexp.MustCompile(`^w VIRTUAL TABLE INDEX 64:M\d<>$`)

// question is what one question may do.
type question struct {
	name string
	ask  func(r *sqlstore.Reads) error
	uses []string // indexes that it must use
	// scans are the only steps that may read something from end to end:
	// the keys of the question, and a branch that is one page long.
	scans []string
	sorts int // how many sorts it may have
}

// Every question is one statement, finds each table by an index, and pages
// that an index keeps in order are not sorted. So what an answer costs follows
// what is in it and not what is stored.
func TestReads_plans(t *testing.T) {
	t.Parallel()
	hash := token.Hash{1}
	emails := []accounts.Email{"a@example.com", "b@example.com", "c@example.com"}
	planned(t, []question{
		{name: "user by id", ask: drop(func(r *sqlstore.Reads) (accounts.User, error) {
			return r.User(t.Context(), accounts.UserKey{ID: "a"})
		})},
		{name: "user by address", uses: []string{"ch_users_email"}, ask: drop(func(r *sqlstore.Reads) (accounts.User, error) {
			return r.User(t.Context(), accounts.UserKey{Email: "a@example.com"})
		})},
		{name: "user by name", uses: []string{"ch_users_handle"}, ask: drop(func(r *sqlstore.Reads) (accounts.User, error) {
			return r.User(t.Context(), accounts.UserKey{Handle: "a"})
		})},
		{name: "user by identity", ask: drop(func(r *sqlstore.Reads) (accounts.User, error) {
			return r.User(t.Context(), accounts.UserKey{Identity: accounts.IdentityKey{Issuer: "i", Subject: "s"}})
		})},
		{name: "account", ask: drop(func(r *sqlstore.Reads) (accounts.Account, error) { return r.Account(t.Context(), "a") })},
		{name: "membership", ask: drop(func(r *sqlstore.Reads) (accounts.Membership, error) {
			return r.Membership(t.Context(), accounts.StandingKey{User: "u", Account: "a"})
		})},
		{name: "admission", uses: []string{"ch_sessions_hash"}, ask: drop(func(r *sqlstore.Reads) (access.Admission, error) {
			return r.Admission(t.Context(), hash, "a")
		})},
		{name: "standings", scans: []string{"k"}, ask: drop(func(r *sqlstore.Reads) ([]accounts.Standing, error) {
			return r.Standings(t.Context(), []accounts.StandingKey{{User: "a", Account: "a"}, {User: "b"}, {User: "c"}})
		})},
		{
			name: "reach", uses: []string{"ch_memberships_user", "ch_assignments_user", "ch_clients_user"}, scans: []string{"x", "y", "z"}, sorts: 4,
			ask: drop(func(r *sqlstore.Reads) ([]accounts.Reached, error) {
				return r.Reach(t.Context(), accounts.ReachQuery{User: "a", Proof: accounts.AnyLogin(), Search: "x"})
			}),
		},
		{name: "reachers", scans: []string{"k", "x", "y"}, sorts: 3, ask: drop(func(r *sqlstore.Reads) ([]accounts.Standing, error) {
			return r.Reachers(t.Context(), accounts.ReachersQuery{Account: "a"})
		})},
		{name: "reachers through an agency", scans: []string{"k"}, sorts: 1, ask: drop(func(r *sqlstore.Reads) ([]accounts.Standing, error) {
			return r.Reachers(t.Context(), accounts.ReachersQuery{Account: "a", Agency: "g"})
		})},
		{name: "owned", uses: []string{"ch_memberships_user"}, sorts: 1, ask: drop(func(r *sqlstore.Reads) ([]accounts.Account, error) {
			return r.Owned(t.Context(), "a", roles.Owner)
		})},
		{name: "owners", ask: drop(func(r *sqlstore.Reads) ([]accounts.Contact, error) {
			return r.Owners(t.Context(), "a", roles.Owner)
		})},
		{name: "linked", ask: drop(func(r *sqlstore.Reads) (accounts.Linked, error) {
			return r.Linked(t.Context(), accounts.LinkedQuery{ConnectionKey: accounts.ConnectionKey{Client: "a", Agency: "g"}, User: "u"})
		})},
		{name: "members, sorted by their labels", sorts: 1, ask: drop(func(r *sqlstore.Reads) ([]accounts.Member, error) {
			return r.Members(t.Context(), accounts.MemberQuery{Account: "a", Search: "x"})
		})},
		{name: "connections of an agency", uses: []string{"ch_connections_agency"}, ask: drop(func(r *sqlstore.Reads) ([]accounts.Connected, error) {
			return r.Connections(t.Context(), accounts.ConnectionQuery{Agency: "g", Search: "x"})
		})},
		{name: "connections of a client, few and sorted", sorts: 1, ask: drop(func(r *sqlstore.Reads) ([]accounts.Connected, error) {
			return r.Connections(t.Context(), accounts.ConnectionQuery{Client: "a"})
		})},
		{
			name: "events", uses: []string{"ch_events_account", "ch_events_agency"}, scans: []string{"x", "y"}, sorts: 2,
			ask: drop(func(r *sqlstore.Reads) ([]accounts.Event, error) {
				return r.Events(t.Context(), accounts.EventQuery{Account: "a"})
			}),
		},
		{
			name: "events of some kinds", uses: []string{"ch_events_account", "ch_events_agency"}, scans: []string{"x", "y"}, sorts: 2,
			ask: drop(func(r *sqlstore.Reads) ([]accounts.Event, error) {
				return r.Events(t.Context(), accounts.EventQuery{Account: "a", Kinds: []accounts.EventKind{"k", "l"}, User: "u"})
			}),
		},
		{name: "applied", ask: drop(func(r *sqlstore.Reads) (bool, error) { return r.Applied(t.Context(), "o") })},
		{name: "reply", ask: drop(func(r *sqlstore.Reads) (accounts.Reply, error) {
			return r.Reply(t.Context(), accounts.ReplyKey{Actor: "u", Account: "a", Key: "k"})
		})},
		{
			name: "drafting", scans: []string{"k"}, uses: []string{"ch_requests_pending", "ch_requests_approved", "ch_users_email"},
			ask: drop(func(r *sqlstore.Reads) (access.Drafting, error) {
				return r.Drafting(t.Context(), access.DraftingQuery{Agency: "g", Emails: emails, Day: 1})
			}),
		},
		{name: "deciding by hash", uses: []string{"ch_requests_hash"}, ask: drop(func(r *sqlstore.Reads) (access.Deciding, error) {
			return r.Deciding(t.Context(), access.DecidingQuery{Hash: hash, User: "u", Client: "a"})
		})},
		{name: "deciding by id", ask: drop(func(r *sqlstore.Reads) (access.Deciding, error) {
			return r.Deciding(t.Context(), access.DecidingQuery{Agency: "g", ID: "r"})
		})},
		{name: "clients", uses: []string{"ch_requests_made"}, ask: drop(func(r *sqlstore.Reads) ([]access.Client, error) {
			return r.Clients(t.Context(), access.ClientsQuery{Agency: "g"})
		})},
		{name: "clients, searched and filtered", uses: []string{"ch_requests_made"}, ask: drop(func(r *sqlstore.Reads) ([]access.Client, error) {
			return r.Clients(t.Context(), access.ClientsQuery{
				Agency: "g", Search: "x", States: []access.ClientState{access.ClientPending, access.ClientConnected},
			})
		})},
		{name: "addressed", uses: []string{"ch_requests_addressed"}, ask: drop(func(r *sqlstore.Reads) ([]access.Client, error) {
			return r.Addressed(t.Context(), "a@example.com", now, 0)
		})},
		{
			name: "ending", uses: []string{"ch_connections_agency", "ch_requests_pending"}, scans: []string{"k"}, sorts: 1,
			ask: drop(func(r *sqlstore.Reads) (access.Ending, error) { return r.Ending(t.Context(), "g", now, roles.Owner) }),
		},
		{name: "session by id", ask: drop(func(r *sqlstore.Reads) (access.Session, error) {
			return r.Session(t.Context(), access.SessionKey{ID: "s"})
		})},
		{name: "session by hash", uses: []string{"ch_sessions_hash"}, ask: drop(func(r *sqlstore.Reads) (access.Session, error) {
			return r.Session(t.Context(), access.SessionKey{Hash: hash})
		})},
		{name: "sessions that have not ended", uses: []string{"ch_sessions_open"}, ask: drop(func(r *sqlstore.Reads) ([]access.Session, error) {
			return r.Sessions(t.Context(), access.SessionsQuery{User: "u"})
		})},
		{
			name: "newest mails", uses: []string{"ch_mails_reason"}, scans: []string{"k"},
			ask: drop(func(r *sqlstore.Reads) ([]mail.Record, error) {
				return r.Newest(t.Context(), []mail.Reason{"a", "a/b", "c", "a"})
			}),
		},
		{name: "mails", ask: drop(func(r *sqlstore.Reads) ([]mail.Record, error) { return r.Mails(t.Context(), mail.Query{}) })},
		{name: "mails in a state", uses: []string{"ch_mails_state"}, ask: drop(func(r *sqlstore.Reads) ([]mail.Record, error) {
			return r.Mails(t.Context(), mail.Query{State: mail.Dead, Reason: "a"})
		})},
	})
}

func planned(t *testing.T, tests []question) {
	t.Helper()
	f := newFixture(t)
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			l := &last{Querier: f.Q}
			if err := tt.ask(sqlstore.NewReads(l, f.D)); err != nil {
				require.ErrorIs(t, err, accounts.ErrNotFound)
			}
			require.Equal(t, 1, l.asked, "one question is one statement")
			require.NotRegexp(t, replanned, l.text)
			steps := plan(t, f, l)
			all := strings.Join(steps, "\n")
			sorts := 0
			for _, s := range steps {
				what, is := strings.CutPrefix(s, "SCAN ")
				if is && !strings.Contains(what, "CONSTANT ROW") && !worded.MatchString(what) {
					require.Contains(t, tt.scans, what, all)
				}
				require.NotContains(t, s, "AUTOMATIC", all)
				if strings.HasPrefix(s, "USE TEMP B-TREE") {
					sorts++
				}
			}
			require.LessOrEqual(t, sorts, tt.sorts, all)
			for _, index := range tt.uses {
				require.Contains(t, all, "INDEX "+index+" ", all)
			}
		})
	}
}

// spy is a transaction that runs nothing and remembers the statement.
type spy struct{ last }

func (s *spy) Apply(_ context.Context, steps []sqlstore.Step) ([]int64, error) {
	for _, x := range steps {
		s.text, s.args = x.Stmt.Text, x.Args
	}
	return make([]int64, len(steps)), nil
}

func (s *spy) Ask(_ context.Context, x *sqlstore.Statement, args []any) ([][]any, error) {
	s.text, s.args = x.Text, args
	return nil, nil
}

// A host that looks for events reads what is due in the order of an index,
// however much it took before.
func TestWrites_plans_of_the_feed(t *testing.T) {
	t.Parallel()
	f, s := newFixture(t), &spy{}
	_, err := sqlstore.NewWrites(s, f.D).ClaimEvents(t.Context(), accounts.EventClaim{At: now, Lease: time.Minute, Limit: 10})
	require.NoError(t, err)
	all := strings.Join(plan(t, f, &s.last), "\n")
	require.Contains(t, all, "INDEX ch_events_feed")
	require.NotRegexp(t, replanned, s.text)
	require.NotContains(t, all, "ORDER BY")
	for line := range strings.SplitSeq(all, "\n") {
		require.False(t, strings.HasPrefix(line, "SCAN ") && !strings.Contains(line, "INDEX ch_events_feed"), all)
	}
}

// drop drops an answer.
func drop[T any](f func(r *sqlstore.Reads) (T, error)) func(r *sqlstore.Reads) error {
	return func(r *sqlstore.Reads) error {
		_, err := f(r)
		return err
	}
}
