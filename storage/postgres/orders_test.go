package postgres_test

import (
	"context"
	"fmt"
	"sync/atomic"
	"testing"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	"github.com/chatelaine-go/chatelaine/accounts"
	"github.com/chatelaine-go/chatelaine/storage"
)

// newCountedSpaces returns spaces, and how many deadlocks the server told their pool
// of. A service would try again and say nothing, a second later.
func newCountedSpaces(t *testing.T) (*spaces, *atomic.Int64) {
	t.Helper()
	deadlocks := new(atomic.Int64)
	return newSpaces(t, func(c *pgxpool.Config) {
		next := c.ConnConfig.OnPgError
		c.ConnConfig.OnPgError = func(conn *pgconn.PgConn, err *pgconn.PgError) bool {
			if err.Code == "40P01" {
				deadlocks.Add(1)
			}
			return next(conn, err)
		}
	}), deadlocks
}

// Changes that need the same rows take them in one order, whichever of them they rely
// on and whichever they write: they wait one for the other, and none for each other.
func TestStore_orders(t *testing.T) {
	t.Parallel()
	guard := func(user string) accounts.Guard { return accounts.Guard{User: accounts.UserID(user)} }
	relies := func(account string) accounts.Guard {
		return accounts.Guard{Account: accounts.AccountID(account), Version: 1}
	}
	user := func(id string) accounts.User { return withVersion(someUser(id), 1) }
	account := func(id string) accounts.Account { a := someAccount(id); a.Version = 1; return a }
	client := func(id string) accounts.Client { c := someClient(id); c.Version = 1; return c }
	given := func(id string) accounts.SiteAccess { x := someAccess(id, "p"); x.Version = 1; return x }
	member := func(user string) accounts.Membership { m := someMember("a", user); m.Version = 1; return m }
	self := []any{guard("x"), user("x")}
	s, deadlocks := newCountedSpaces(t)
	for _, test := range []struct { //nolint:paralleltest // one after the other: waiters are counted
		name    string
		given   []any
		host    []any // what all of them come to
		changes [][]any
		through int // how many of them, at least; others have a conflict
	}{
		{"several rely on a user, and write them", []any{someUser("x")}, []any{guard("x")}, [][]any{self, self, self, self}, 1},
		{
			"x acts on y while y acts on x",
			[]any{someUser("x"), someUser("y")},
			[]any{guard("x"), guard("y")},
			[][]any{{guard("x"), user("y")}, {guard("y"), user("x")}},
			2,
		},
		{
			"x acts on y while y acts on x, and both rely on another",
			[]any{someUser("m"), someUser("x"), someUser("y")},
			[]any{user("m")},
			[][]any{{guard("m"), guard("x"), user("y")}, {guard("m"), guard("y"), user("x")}},
			2,
		},
		{
			"each relies on the account that the other one writes",
			[]any{someAccount("b")},
			[]any{relies("a"), relies("b")},
			[][]any{{relies("a"), account("b")}, {relies("b"), account("a")}},
			1,
		},
		{
			"a user acts on an account while it acts on the user",
			[]any{someUser("x")},
			[]any{guard("x"), relies("a")},
			[][]any{{guard("x"), account("a")}, {relies("a"), user("x")}},
			1,
		},
		{
			"each writes the record of the client to whom the other one gives a site",
			[]any{someUser("x"), someUser("y"), someMember("a", "x"), someMember("a", "y"), someSite("p"), someClient("c"), someClient("d"), someAccess("c", "p"), someAccess("d", "p")},
			[]any{member("x"), member("y")},
			[][]any{{given("c"), client("d"), member("x")}, {given("d"), client("c"), member("y")}},
			2,
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			st := s.take(t)
			put(t, st, append([]any{someAccount("a")}, test.given...)...)
			var writers []writer
			for _, rows := range test.changes {
				writers = append(writers, applies(of(rows...)))
			}
			through := 0
			told := meet(t, s, st, applies(of(test.host...)), writers...)
			require.Zero(t, deadlocks.Swap(0))
			for _, err := range told {
				if err == nil {
					through++
				} else {
					require.ErrorIs(t, err, accounts.ErrConflict)
				}
			}
			require.GreaterOrEqual(t, through, test.through)
		})
	}
}

// A person who sends their profile several times at once has each of them taken.
func TestService_profiles(t *testing.T) {
	t.Parallel()
	s, deadlocks := newCountedSpaces(t)
	st := s.take(t)
	put(t, st, someUser("u"))
	env, err := accounts.NewEnv(&accounts.EnvOptions{Clock: clockAt{later(1)}})
	require.NoError(t, err)
	service, err := accounts.New(st, env)
	require.NoError(t, err)
	actor := accounts.Admitted(accounts.Admission{User: "u", Proof: accounts.Proof{At: later(99)}, AuthAt: dawn})
	var writers []writer
	for i := range 4 {
		writers = append(writers, func(ctx context.Context, _ storage.Storage) error {
			name := fmt.Sprint("Name ", i)
			_, err := service.UpdateUser(ctx, actor, accounts.UpdateUser{ID: "u", Name: &name})
			return err
		})
	}
	for _, err := range meet(t, s, st, applies(of(accounts.Guard{User: "u"})), writers...) {
		require.NoError(t, err)
	}
	require.Zero(t, deadlocks.Load())
	u, err := st.User(t.Context(), accounts.UserKey{ID: "u"})
	require.NoError(t, err)
	require.EqualValues(t, 5, u.Version)
}
