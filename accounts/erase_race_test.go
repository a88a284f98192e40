package accounts_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/chatelaine-go/chatelaine/access"
	"github.com/chatelaine-go/chatelaine/access/password"
	"github.com/chatelaine-go/chatelaine/accounts"
	"github.com/chatelaine-go/chatelaine/invites"
	"github.com/chatelaine-go/chatelaine/roles"
	"github.com/chatelaine-go/chatelaine/storage"
)

// What is made once for all worlds: it is slow to make, and never changes.
var (
	cheap = sync.OnceValues(func() (*password.Hasher, error) {
		return password.New(&password.Options{Memory: 8, Time: 1, Queue: 1000})
	})
	rules = sync.OnceValues(func() (*password.Policy, error) { return password.NewPolicy(nil) })
)

const secretWords = "six wandering llamas eat"

func (w *world) logins(st storage.Storage) *access.Logins {
	w.t.Helper()
	h, err := cheap()
	require.NoError(w.t, err)
	p, err := rules()
	require.NoError(w.t, err)
	s, err := access.NewLogins(st, w.env, &access.LoginOptions{Hasher: h, Passwords: p})
	require.NoError(w.t, err)
	return s
}

func (w *world) requests(st storage.Storage) *access.Requests {
	w.t.Helper()
	s, err := access.NewRequests(st, w.env)
	require.NoError(w.t, err)
	return s
}

// session does something with a session of pia's that has just begun.
func (w *world) session(ctx context.Context, do func(s *access.Sessions, secret string) error) error {
	s, err := access.NewSessions(w.st, w.env)
	if err != nil {
		return err
	}
	secret, _, err := s.Start(ctx, accounts.Login{User: "pia"}, access.Device{UserAgent: "Browser of pia", Source: "net-of-pia"})
	if err != nil {
		return err
	}
	return do(s, secret.Reveal())
}

// Erasing a user beside anything that would give them something, or that rests
// on them, ends as if one had come after the other: nothing live refers to a
// user who is gone, nothing of theirs is left, and every account keeps an owner
// (I-20, I-01, A35, A76, A100).
func TestService_EraseUser_beside(t *testing.T) {
	t.Parallel()

	erase := func(ctx context.Context, w *world, st storage.Storage) error {
		return w.graph(st).EraseUser(ctx, staff(), "pia")
	}
	owners := func(t testing.TB, w *world) {
		t.Helper()
		m := w.membership("acme", "pia")
		m.Role = roles.Owner
		w.put(m)
	}
	for _, tt := range []struct {
		name  string
		given func(t testing.TB, w *world) // beside the estate
		when  deed
		one   bool // only one of the two can be right
	}{
		{name: "being added to an account", when: func(ctx context.Context, w *world, st storage.Storage) error {
			return w.graph(st).AddMember(ctx, job(), "nova", "pia", roles.Viewer)
		}},
		{name: "getting another role", when: func(ctx context.Context, w *world, st storage.Storage) error {
			return w.graph(st).ChangeRole(ctx, w.as("ann"), "acme", "pia", roles.Viewer)
		}},
		{name: "becoming an owner", when: func(ctx context.Context, w *world, st storage.Storage) error {
			return w.graph(st).ChangeRole(ctx, w.as("ann"), "acme", "pia", roles.Owner)
		}},
		{name: "becoming the only owner", one: true, when: func(ctx context.Context, w *world, st storage.Storage) error {
			return w.graph(st).TransferOwnership(ctx, w.as("ann"), "acme", "pia")
		}},
		{name: "getting an account of their own", one: true, when: func(ctx context.Context, w *world, st storage.Storage) error {
			return ignore(w.graph(st).CreateAccount(ctx, job(), accounts.CreateAccount{ID: "own", Name: "Own", Owner: "pia"}))
		}},
		{name: "the other owner leaving", given: owners, one: true, when: func(ctx context.Context, w *world, st storage.Storage) error {
			return w.graph(st).Leave(ctx, w.as("ann"), "acme")
		}},
		{name: "taking the other owner's role", given: owners, one: true, when: func(ctx context.Context, w *world, st storage.Storage) error {
			return w.graph(st).ChangeRole(ctx, w.as("pia"), "acme", "ann", roles.Viewer)
		}},
		{name: "the other owner's erasure", one: true, given: func(t testing.TB, w *world) {
			t.Helper()
			owners(t, w)
			for _, id := range []accounts.AccountID{"nova", "shop", "rest", "past"} {
				require.NoError(t, w.svc.CloseAccount(t.Context(), w.as("ann"), id))
			}
		}, when: func(ctx context.Context, w *world, st storage.Storage) error {
			return w.graph(st).EraseUser(ctx, w.as("ann"), "ann")
		}},
		{name: "their own erasure", one: true, when: func(ctx context.Context, w *world, st storage.Storage) error {
			return w.graph(st).EraseUser(ctx, w.as("pia"), "pia")
		}},
		{name: "being let in again", when: func(ctx context.Context, w *world, st storage.Storage) error {
			return w.graph(st).ReactivateMember(ctx, w.as("ann"), "rest", "pia")
		}},
		{name: "being removed", when: func(ctx context.Context, w *world, st storage.Storage) error {
			return w.graph(st).RemoveMember(ctx, w.as("ann"), "acme", "pia")
		}},
		{name: "being kept in step by the host", when: func(ctx context.Context, w *world, st storage.Storage) error {
			u := person("pia")
			return ignore(w.graph(st).PutUser(ctx, job(), accounts.PutUser{ID: u.ID, Name: u.Name + "!", Handle: u.Handle, Email: u.Address, Proven: true}))
		}},
		{name: "being assigned at a client", when: func(ctx context.Context, w *world, st storage.Storage) error {
			return ignore(w.graph(st).Assign(ctx, w.as("olga"), accounts.Assign{Agency: "orbit", Client: "shop", User: "pia", Role: roles.Manager}))
		}},
		{name: "their request being approved", given: func(t testing.TB, w *world) {
			t.Helper()
			w.put(user("carl"), account("mart"), member("mart", "carl", roles.Owner))
			list, err := w.st.Clients(t.Context(), access.ClientsQuery{Agency: "orbit", At: start, Search: "client-pia", Limit: 1})
			require.NoError(t, err)
			r := list[0].Request
			r.Email, r.Address = "carl@people.example", "carl@people.example"
			w.putAccess(access.Change{Requests: []access.Request{r}})
		}, when: func(ctx context.Context, w *world, st storage.Storage) error {
			return ignore(w.requests(st).Approve(ctx, w.as("carl"),
				access.Decision{Agency: "orbit", Request: "request-by-pia", Account: "mart"}, roles.Manager))
		}},
		{name: "accepting an invitation", when: func(ctx context.Context, w *world, st storage.Storage) error {
			return ignore(w.invitations(st).Accept(ctx, w.as("pia"), invites.Answer{Account: "nova", Invitation: "invitation-to-pia"}))
		}},
		{name: "declining one", when: func(ctx context.Context, w *world, st storage.Storage) error {
			return w.invitations(st).Decline(ctx, w.as("pia"), invites.Answer{Account: "nova", Invitation: "invitation-to-pia"})
		}},
		{name: "logging in", given: func(t testing.TB, w *world) {
			t.Helper()
			h, err := cheap()
			require.NoError(t, err)
			stored, err := h.Hash(t.Context(), secretWords)
			require.NoError(t, err)
			w.put(accounts.Credential{User: "pia", Version: 1, Hash: stored, CreatedAt: start, UpdatedAt: start})
		}, when: func(ctx context.Context, w *world, st storage.Storage) error {
			secret, _, err := w.logins(st).LogIn(ctx, access.LogIn{Email: person("pia").Address, Password: secretWords},
				access.Device{UserAgent: "Browser of pia", Source: "192.0.2.1"})
			if err == nil && secret.IsZero() {
				return errBroken
			}
			return err
		}},
		{name: "logging in through the host", when: func(ctx context.Context, w *world, st storage.Storage) error {
			s, err := access.NewSessions(st, w.env)
			if err != nil {
				return err
			}
			_, _, err = s.Start(ctx, accounts.Login{Identity: accounts.IdentityKey{Issuer: "https://issuer.example", Subject: "subject-pia"}},
				access.Device{UserAgent: "Browser of pia", Source: "net-of-pia"})
			return err
		}},
		{name: "switching to another account", when: func(ctx context.Context, w *world, st storage.Storage) error {
			return w.session(ctx, func(s *access.Sessions, secret string) error {
				_, _, err := s.With(st).Switch(ctx, secret, "acme")
				return err
			})
		}},
		{name: "signing out", when: func(ctx context.Context, w *world, st storage.Storage) error {
			return w.session(ctx, func(s *access.Sessions, secret string) error { return s.With(st).SignOut(ctx, secret) })
		}},
		{name: "linking another login", when: func(ctx context.Context, w *world, st storage.Storage) error {
			u := person("pia")
			return w.logins(st).Link(ctx, w.as("pia"), access.HostLogin{
				Identity: accounts.IdentityKey{Issuer: "https://other.example", Subject: "subject-pia"}, Email: u.Address, Verified: true,
			})
		}},
		{name: "asking for another address", when: func(ctx context.Context, w *world, st storage.Storage) error {
			return w.logins(st).AskAddress(ctx, w.as("pia"), "elsewhere@else.example")
		}},
		{name: "asking for a code", when: func(ctx context.Context, w *world, st storage.Storage) error {
			s, err := access.NewConfirmations(st, w.env)
			if err != nil {
				return err
			}
			return ignore(s.TurnOn(ctx, w.as("pia"), "+4917000999999"))
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			race(t, func(t testing.TB) *world {
				t.Helper()
				w := estate(t)
				if tt.given != nil {
					tt.given(t, w)
				}
				return w
			}, erase, tt.when, func(t *testing.T, w *world, errs [2]error) {
				t.Helper()
				if tt.one {
					require.NotEqual(t, errs[0] == nil, errs[1] == nil, "%v", errs)
				} else {
					require.NoError(t, errs[0], "nothing here keeps anybody from being erased")
				}
				for _, err := range errs {
					require.False(t, errors.Is(err, errBroken) || errors.Is(err, accounts.ErrConflict), "%v", err)
				}
				w.consistent(t)
			})
		})
	}
}

// consistent checks that nothing live refers to a deleted user, that nothing of
// theirs is left, and that every open account has an owner.
func (w *world) consistent(t *testing.T) {
	t.Helper()
	ctx := t.Context()
	for _, id := range []accounts.AccountID{"acme", "nova", "shop", "rest", "past", "orbit", "own", "mart"} {
		a, err := w.st.Account(ctx, id)
		if errors.Is(err, accounts.ErrNotFound) || !a.ClosedAt.IsZero() {
			continue
		}
		require.NoError(t, err)
		list, err := w.st.Owners(ctx, id, roles.Owner)
		require.NoError(t, err)
		require.NotEmpty(t, list, "%s has no owner", id)
		members, err := w.st.Members(ctx, accounts.MemberQuery{Account: id, Limit: 100})
		require.NoError(t, err)
		for _, m := range members {
			require.Zero(t, m.User.DeletedAt, "%s is gone and a member of %s", m.User.ID, id)
		}
	}
	u, err := w.st.User(ctx, accounts.UserKey{ID: "pia"})
	require.NoError(t, err)
	if u.DeletedAt.IsZero() {
		return
	}
	require.Empty(t, w.traces("pia"))
	for _, id := range []string{"acme", "nova", "shop", "rest", "past", "orbit", "own", "mart"} {
		require.True(t, w.rights("pia", id).None(), id)
	}
	list, err := w.st.Reach(ctx, accounts.ReachQuery{User: "pia", Proof: accounts.AnyLogin(), Limit: 100})
	require.NoError(t, err)
	require.Empty(t, list)
	for _, h := range w.held("pia", "")[accounts.HeldSession] {
		s := h.Row.(access.Session)
		require.NotEqual(t, u.Epoch, s.UserEpoch, "a session counts for a user who is gone")
		require.Empty(t, s.Source)
	}
	tx := w.st.Begin()
	defer func() { _ = tx.Rollback() }()
	c := w.stamped(accounts.Change{})
	c.Users = []accounts.User{u}
	c.Users[0].UpdatedAt = start.Add(time.Hour)
	require.NoError(t, tx.Store().ApplyAccounts(ctx, c), "what is stored is whole")
}
