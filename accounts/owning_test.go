package accounts_test

import (
	"context"
	"errors"
	"regexp"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/chatelaine-go/chatelaine/access/token"
	"github.com/chatelaine-go/chatelaine/accounts"
	"github.com/chatelaine-go/chatelaine/invites"
	"github.com/chatelaine-go/chatelaine/mail"
	"github.com/chatelaine-go/chatelaine/roles"
	"github.com/chatelaine-go/chatelaine/storage"
)

// oneEach lets nobody own two accounts, of whatever kind.
type oneEach struct{ accounts.DefaultPolicy }

func (oneEach) MayOwn([]accounts.Account, accounts.Account) error { return errBroken }

// Whether somebody may come to own another account the policy decides, however
// they come to own it; it is not asked about a first one, nor about the one
// that they own already (B8).
func TestMembers_mayOwn(t *testing.T) {
	t.Parallel()

	owns := func(id string, change ...func(*accounts.Account, *accounts.Membership)) []any {
		a, m := account(id), member(id, "bob", roles.Owner)
		for _, f := range change {
			f(&a, &m)
		}
		return []any{a, m}
	}
	for _, tt := range []struct {
		name  string
		given []any
		when  func(*accounts.EnvOptions)
		want  func(err error) bool
	}{
		{"a first account is nobody's business", nil, withOneEach, nil},
		{"a second one the policy refuses", owns("shop"), withOneEach, func(err error) bool { return errors.Is(err, errBroken) }},
		{"by default a second standard account is refused", owns("shop"), nil, func(err error) bool { return field(t, err) == "kind" }},
		{
			"by default one beside an agency is not",
			owns("shop", func(a *accounts.Account, _ *accounts.Membership) { a.Kind = accounts.KindAgency }), nil, nil,
		},
		{
			"one that was left counts for nothing",
			owns("shop", func(_ *accounts.Account, m *accounts.Membership) { m.EndedAt = start }), withOneEach, nil,
		},
		{
			"nor one that was closed",
			owns("shop", func(a *accounts.Account, _ *accounts.Membership) { a.ClosedAt = start }), withOneEach, nil,
		},
		{
			"nor one where they are Admin",
			owns("shop", func(_ *accounts.Account, m *accounts.Membership) { m.Role = roles.Admin }), withOneEach, nil,
		},
	} {
		for name, act := range map[string]func(w *world) error{
			"by a role": func(w *world) error { return w.svc.ChangeRole(t.Context(), w.as("ann"), "acme", "bob", roles.Owner) },
			"by a transfer": func(w *world) error {
				return w.svc.TransferOwnership(t.Context(), w.as("ann"), "acme", "bob")
			},
		} {
			t.Run(tt.name+", "+name, func(t *testing.T) {
				t.Parallel()
				var w *world
				if w = office(t); tt.when != nil {
					w = office(t, tt.when)
				}
				w.put(tt.given...)
				before := w.dump([]string{"ann", "bob"}, []string{"acme", "shop"})
				err := act(w)
				if tt.want == nil {
					require.NoError(t, err)
					require.Equal(t, roles.Owner, w.membership("acme", "bob").Role)
					return
				}
				require.Error(t, err)
				require.True(t, tt.want(err), "%v", err)
				require.Equal(t, before, w.dump([]string{"ann", "bob"}, []string{"acme", "shop"}), "nothing happened")
			})
		}
	}
	t.Run("a transfer to somebody who owns the account too", func(t *testing.T) {
		t.Parallel()
		w := office(t, withOneEach)
		require.NoError(t, w.svc.ChangeRole(t.Context(), w.as("ann"), "acme", "bob", roles.Owner))
		require.NoError(t, w.svc.TransferOwnership(t.Context(), w.as("ann"), "acme", "bob"))
		require.Equal(t, roles.Admin, w.membership("acme", "ann").Role)
	})
	t.Run("an owner who was suspended while they got another", func(t *testing.T) {
		t.Parallel()
		w := office(t, withOneEach)
		ann := w.as("ann")
		require.NoError(t, w.svc.ChangeRole(t.Context(), ann, "acme", "bob", roles.Owner))
		require.NoError(t, w.svc.SuspendMember(t.Context(), ann, "acme", "bob"))
		require.NoError(t, ignore(w.svc.CreateAccount(t.Context(), w.as("bob"), accounts.CreateAccount{Name: "Own"})), "a suspended owner owns nothing")
		require.ErrorIs(t, w.svc.ReactivateMember(t.Context(), ann, "acme", "bob"), errBroken)
		require.NoError(t, w.svc.ChangeRole(t.Context(), ann, "acme", "bob", roles.Admin))
		require.NoError(t, w.svc.ReactivateMember(t.Context(), ann, "acme", "bob"))
	})
	t.Run("a lower role asks nobody", func(t *testing.T) {
		t.Parallel()
		w := office(t, withOneEach)
		w.put(owns("shop")...)
		require.NoError(t, w.svc.ChangeRole(t.Context(), w.as("ann"), "acme", "bob", roles.Manager))
	})
}

// An operator ends the pause of an account whatever the host's policy would say
// of its owners, members and seats by now: the pause took nothing away (B8, A74).
func TestService_ReactivateAccount_asksNothing(t *testing.T) {
	t.Parallel()

	w := office(t, func(o *accounts.EnvOptions) { o.Policy = closedPolicy{} })
	require.NoError(t, w.svc.SuspendAccount(t.Context(), staff(), "acme"))
	w.put(account("mine"), member("mine", "ann", roles.Owner))
	require.NoError(t, w.svc.ReactivateAccount(t.Context(), staff(), "acme"))
	for user, want := range map[string]roles.Role{"ann": roles.Owner, "bob": roles.Admin, "cid": roles.Viewer} {
		require.Equal(t, want, w.rights(user, "acme").Direct())
	}
	owned, err := w.st.Owned(t.Context(), "ann", roles.Owner)
	require.NoError(t, err)
	require.Len(t, owned, 2)
}

func withOneEach(o *accounts.EnvOptions) { o.Policy = oneEach{} }

// Two ownerships that come to one person at the same moment know of each other,
// whichever ways they come: where one is allowed, one of them is refused
// (A35, B8).
func TestMembers_twoOwnershipsAtOnce(t *testing.T) {
	t.Parallel()

	given := func(t testing.TB) *world {
		t.Helper()
		w := newWorld(t, withOneEach)
		w.put(user("x"), user("olga"), user("omar"), account("one"), account("two"),
			member("one", "olga", roles.Owner), member("one", "x", roles.Admin), member("two", "omar", roles.Owner), member("two", "x", roles.Viewer))
		return w
	}
	role := func(account accounts.AccountID, owner string) deed {
		return func(ctx context.Context, w *world, st storage.Storage) error {
			return w.graph(st).ChangeRole(ctx, w.as(owner), account, "x", roles.Owner)
		}
	}
	transfer := func(account accounts.AccountID, owner string) deed {
		return func(ctx context.Context, w *world, st storage.Storage) error {
			return w.graph(st).TransferOwnership(ctx, w.as(owner), account, "x")
		}
	}
	create := func(ctx context.Context, w *world, st storage.Storage) error {
		return ignore(w.graph(st).CreateAccount(ctx, w.as("x"), accounts.CreateAccount{ID: "own", Name: "Own"}))
	}
	then := func(t *testing.T, w *world, errs [2]error) {
		t.Helper()
		require.NotEqual(t, errs[0] == nil, errs[1] == nil, "%v", errs)
		for _, err := range errs {
			require.True(t, err == nil || errors.Is(err, errBroken), "%v", err)
		}
		owned, err := w.st.Owned(t.Context(), "x", roles.Owner)
		require.NoError(t, err)
		require.Len(t, owned, 1)
		for _, id := range []accounts.AccountID{"one", "two"} {
			owners, err := w.st.Owners(t.Context(), id, roles.Owner)
			require.NoError(t, err)
			require.NotEmpty(t, owners)
		}
	}
	for name, two := range map[string][2]deed{
		"two roles":                {role("one", "olga"), role("two", "omar")},
		"two transfers":            {transfer("one", "olga"), transfer("two", "omar")},
		"a role and a transfer":    {role("one", "olga"), transfer("two", "omar")},
		"a transfer and a new one": {transfer("one", "olga"), create},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			race(t, given, two[0], two[1], then)
		})
	}
	t.Run("a role and an invitation", func(t *testing.T) {
		t.Parallel()
		accept := func(ctx context.Context, w *world, st storage.Storage) error {
			return ignore(w.invitations(st).Accept(ctx, w.as("x"), invites.Answer{Link: w.secret(token.Invitation)}))
		}
		race(t, func(t testing.TB) *world {
			t.Helper()
			w := given(t)
			w.put(account("three"), user("otto"), member("three", "otto", roles.Owner))
			_, err := w.invitations(w.st).Invite(t.Context(), w.as("otto"), invites.Invite{Account: "three", Email: "x@people.example", Role: roles.Owner})
			require.NoError(t, err)
			return w
		}, accept, role("one", "olga"), then)
	})
}

// secret returns the secret of the one link of a purpose that is in the outbox.
func (w *world) secret(p token.Purpose) string {
	w.t.Helper()
	tx := w.st.Begin()
	defer func() { require.NoError(w.t, tx.Rollback()) }()
	list, err := tx.Store().ClaimMail(w.t.Context(), mail.Claim{Channel: mail.Email, At: w.env.Now(), Lease: 1, Limit: 100})
	require.NoError(w.t, err)
	for _, d := range list {
		if m := regexp.MustCompile(string(p) + `[A-Z2-7]{52}`).FindString(d.Message.Text); m != "" {
			return m
		}
	}
	require.Fail(w.t, "no such link in the outbox")
	return ""
}
