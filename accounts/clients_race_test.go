package accounts_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/chatelaine-go/chatelaine/accounts"
	"github.com/chatelaine-go/chatelaine/roles"
	"github.com/chatelaine-go/chatelaine/storage"
)

func plainStudio(t testing.TB) *world {
	t.Helper()
	return studio(t)
}

// creating is a race's making of a client by somebody.
func creating(who, id, email string) deed {
	return func(ctx context.Context, w *world, st storage.Storage) error {
		in := newClient(id)
		in.Email = email
		return ignore(w.recs.With(st).Create(ctx, w.as(who), in))
	}
}

// oneTaken asks that exactly one of two succeeded, and the other was told that
// somebody has the address.
func oneTaken(t *testing.T, errs [2]error, fields ...string) (winner int) {
	t.Helper()
	if errs[0] != nil {
		winner = 1
	}
	require.NoError(t, errs[winner])
	require.Contains(t, fields, takenField(t, errs[1-winner]))
	return winner
}

// Of two clients with one address that are made at once there is one (C1, I-03).
func TestClients_race_twoOfOneAddress(t *testing.T) {
	t.Parallel()

	race(t, plainStudio, creating("mia", "a", "same@else.example"), creating("ada", "b", "Same@else.example"),
		func(t *testing.T, w *world, errs [2]error) {
			t.Helper()
			won := oneTaken(t, errs, "email")
			list := w.entries("studio", accounts.ClientRecordQuery{Search: "same@else"})
			require.Len(t, list, 1)
			require.Equal(t, []accounts.ClientID{"a", "b"}[won], list[0].Client.ID)
			w.one(0)
		})
}

// Nobody becomes a client and a member of one account at once: whichever is
// first, the other sees it, whoever makes the member (C1, D6).
func TestClients_race_clientAndMember(t *testing.T) {
	t.Parallel()

	for name, adding := range map[string]deed{
		"added": func(ctx context.Context, w *world, st storage.Storage) error {
			return w.graph(st).AddMember(ctx, job(), "studio", "nick", roles.Viewer)
		},
		"imported": func(ctx context.Context, w *world, st storage.Storage) error {
			out, err := w.graph(st).Import(ctx, job(), accounts.Import{Members: []accounts.ImportMember{importMember("studio", "nick", roles.Viewer)}})
			if err != nil {
				return err
			}
			return out.Members[0].Err
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			race(t, plainStudio, creating("mia", "a", "nick@people.example"), adding,
				func(t *testing.T, w *world, errs [2]error) {
					t.Helper()
					won := oneTaken(t, errs, "email", "user")
					require.Equal(t, won == 1, w.membership("studio", "nick").Active())
					require.Equal(t, won == 0, w.recording("studio", "a", "").Client.There())
				})
		})
	}
}

// A record that is linked to a user by an import, and a membership of the user,
// whose address is another one, exclude each other at once too.
func TestClients_race_linkedAndMember(t *testing.T) {
	t.Parallel()

	race(t, plainStudio,
		func(ctx context.Context, w *world, st storage.Storage) error {
			out, err := w.graph(st).Import(ctx, job(), accounts.Import{Clients: []accounts.ImportClient{{
				Account: "studio", ID: "lead", FirstName: "F", LastName: "L", Email: "lead@clients.example", User: "nick",
			}}})
			if err != nil {
				return err
			}
			return out.Clients[0].Err
		},
		func(ctx context.Context, w *world, st storage.Storage) error {
			return w.graph(st).AddMember(ctx, job(), "studio", "nick", roles.Viewer)
		},
		func(t *testing.T, w *world, errs [2]error) {
			t.Helper()
			won := oneTaken(t, errs, "user")
			require.Equal(t, won == 1, w.membership("studio", "nick").Active())
			require.Equal(t, won == 0, w.recording("studio", "lead", "").Client.User == "nick")
		})
}

// However many sites are given at once, a client never has more than the limit.
func TestClients_race_sites(t *testing.T) {
	t.Parallel()

	giving := func(who, site string) deed {
		return func(ctx context.Context, w *world, st storage.Storage) error {
			return ignore(w.recs.With(st).Assign(ctx, w.as(who), assignSite("lead", site, "SEO")))
		}
	}
	race(t, func(t testing.TB) *world {
		t.Helper()
		return studio(t, func(o *accounts.EnvOptions) { o.Limits.SitesPerClient = 1 })
	}, giving("mia", "one"), giving("ada", "two"), func(t *testing.T, w *world, errs [2]error) {
		t.Helper()
		won := 0
		if errs[0] != nil {
			won = 1
		}
		require.NoError(t, errs[won])
		require.Equal(t, "site", field(t, errs[1-won]))
		require.Equal(t, 1, w.recording("studio", "lead", "").Assigned)
	})
}

// Giving a site and deleting the client at once ends with a client who has
// nothing, and no gift after the end (C10, A76).
func TestClients_race_assignAndDelete(t *testing.T) {
	t.Parallel()

	race(t, plainStudio,
		func(ctx context.Context, w *world, st storage.Storage) error {
			return ignore(w.recs.With(st).Assign(ctx, w.as("mia"), assignSite("in", "two", "SEO")))
		},
		func(ctx context.Context, w *world, st storage.Storage) error {
			return w.recs.With(st).Delete(ctx, w.as("ada"), record("studio", "in"))
		},
		func(t *testing.T, w *world, errs [2]error) {
			t.Helper()
			require.NoError(t, errs[1])
			r := w.recording("studio", "in", "two")
			require.False(t, r.Client.There())
			require.Equal(t, errs[0] == nil, r.Access.Version == 1)
			if errs[0] != nil {
				require.Equal(t, accounts.ErrNotFound, errs[0])
				w.one(0)
			}
			require.Equal(t, int64(2), r.Client.Epoch)
			require.False(t, w.standing("carl", "studio").AsClient(accounts.AnyLogin()))
		})
}

// Suspending while somebody edits loses neither, and a client is never left with
// less than what was said last (I-19).
func TestClients_race_suspendAndEdit(t *testing.T) {
	t.Parallel()

	name := "Renamed"
	race(t, plainStudio,
		func(ctx context.Context, w *world, st storage.Storage) error {
			return w.recs.With(st).Suspend(ctx, w.as("ada"), record("studio", "in"))
		},
		func(ctx context.Context, w *world, st storage.Storage) error {
			return ignore(w.recs.With(st).Edit(ctx, w.as("mia"), accounts.EditClient{ClientKey: record("studio", "in"), FirstName: &name}))
		},
		func(t *testing.T, w *world, errs [2]error) {
			t.Helper()
			require.Equal(t, [2]error{}, errs)
			c := w.recording("studio", "in", "").Client
			require.Equal(t, []any{"Renamed", int64(2), false}, []any{c.FirstName, c.Epoch, c.SuspendedAt.IsZero()})
			require.True(t, w.standing("carl", "studio").Barred(accounts.AnyLogin()))
			w.one(1)
		})
}

// A login at the moment of the reactivation is either before it, and counts no
// more, or after it, and counts: never is one lost count between the two (A74).
func TestClients_race_reactivateAndLogin(t *testing.T) {
	t.Parallel()

	login := func(ctx context.Context, w *world, st storage.Storage) error {
		for {
			u, err := st.User(ctx, accounts.UserKey{ID: "nick"})
			if err != nil {
				return err
			}
			u.Logins++
			c := accounts.Change{Op: accounts.OpID(w.env.NewID(start)), Users: []accounts.User{u}}
			c.Events = []accounts.Event{{Op: c.Op, Seq: 1, At: start, Kind: "put", By: accounts.By{System: "test"}}}
			if err = st.ApplyAccounts(ctx, c); err == nil || ctx.Err() != nil {
				return err
			}
		}
	}
	race(t, faulty, func(ctx context.Context, w *world, st storage.Storage) error {
		return w.recs.With(st).Reactivate(ctx, w.as("ada"), record("studio", "out"))
	}, login, func(t *testing.T, w *world, errs [2]error) {
		t.Helper()
		require.Equal(t, [2]error{}, errs)
		u, c := w.means("nick").User, w.recording("studio", "out", "").Client
		require.Equal(t, int64(3), u.Version, "both wrote the row")
		require.Equal(t, int64(2), u.Logins)
		require.Contains(t, []int64{1, 2}, c.After)
		require.Equal(t, c.After == 1, w.standing("nick", "studio").AsClient(accounts.Proof{Login: 2}))
	})
}
