package invites_test

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/chatelaine-go/chatelaine/access/token"
	"github.com/chatelaine-go/chatelaine/accounts"
	"github.com/chatelaine-go/chatelaine/invites"
	"github.com/chatelaine-go/chatelaine/roles"
	"github.com/chatelaine-go/chatelaine/storage/storagetest"
)

var errBroken = errors.New("the store is broken")

// stage is a world in which every operation can be done once.
type stage struct {
	*world
	toBen, toNew, old invites.Invitation
	benLink, newLink  string

	setup, eveSetup, stale string // of the client cleo, by mail; of the client eve; and one too old
}

func newStage(t testing.TB) *stage {
	t.Helper()
	s := &stage{world: newWorld(t, strict(8*day))}
	s.put(client("acme", "eve", "eve@example.com"), client("acme", "old", "old@example.com"))
	s.stale = s.send("old")
	s.old = s.invite("amy", "other@example.com", roles.Viewer)
	s.clock.Add(week)
	s.toBen, s.benLink = s.invited("olga", "ben@example.com", roles.Owner)
	s.toNew, s.newLink = s.invited("amy", "new@example.com", roles.Admin)
	s.clock.Add(time.Hour + 23*time.Hour)
	s.setup, s.eveSetup = s.send("cleo"), s.generate("eve")
	u := s.user("ben")
	u.Confirms, u.Phone = true, "+491701234567"
	s.put(u, accounts.Challenge{
		ChallengeKey: accounts.ChallengeKey{User: "ben", Session: "session-ben", Action: invites.EventInvitationAccepted, Account: "acme"},
		Epoch:        1, To: u.Phone, CreatedAt: s.env.Now(), ExpiresAt: s.env.Now().Add(time.Minute), PassedAt: s.env.Now(),
	})
	return s
}

type operation struct {
	name   string
	refuse error // what it answers when nothing is broken
	run    func(ctx context.Context, s *stage, inv services) (any, error)
}

// operations are all that the service can do, and what it refuses on record.
func operations() []operation {
	only := func(err error) (any, error) { return nil, err }
	return []operation{
		{"Invite", nil, func(ctx context.Context, s *stage, inv services) (any, error) {
			return inv.Invite(ctx, s.as("amy"), invites.Invite{Account: "acme", Email: "nick@example.com", Role: roles.Viewer})
		}},
		{"Invite with a key, after an expired one", nil, func(ctx context.Context, s *stage, inv services) (any, error) {
			return inv.Invite(ctx, s.as("amy"), invites.Invite{Account: "acme", Email: "other@example.com", Role: roles.Viewer, Key: "key"})
		}},
		{"Invite, refused", roles.ErrDenied, func(ctx context.Context, s *stage, inv services) (any, error) {
			return inv.Invite(ctx, s.as("vic"), invites.Invite{Account: "acme", Email: "nick@example.com", Role: roles.Viewer, Key: "key"})
		}},
		{"Resend", nil, func(ctx context.Context, s *stage, inv services) (any, error) {
			return inv.Resend(ctx, s.as("olga"), invites.Resend{Account: "acme", Invitation: s.old.ID, Key: "key"})
		}},
		{"Resend, refused", roles.ErrDenied, func(ctx context.Context, s *stage, inv services) (any, error) {
			return inv.Resend(ctx, s.as("amy"), invites.Resend{Account: "acme", Invitation: s.toBen.ID})
		}},
		{"Revoke", nil, func(ctx context.Context, s *stage, inv services) (any, error) {
			return only(inv.Revoke(ctx, s.as("adam"), "acme", s.toNew.ID))
		}},
		{"Accept", nil, func(ctx context.Context, s *stage, inv services) (any, error) {
			return inv.Accept(ctx, s.as("ben"), invites.Answer{Link: s.benLink})
		}},
		{"Accept by id", nil, func(ctx context.Context, s *stage, inv services) (any, error) {
			return inv.Accept(ctx, s.as("ben"), byID(s.toBen))
		}},
		{"Accept, refused", invites.ErrOtherAddress, func(ctx context.Context, s *stage, inv services) (any, error) {
			return inv.Accept(ctx, s.as("eve"), invites.Answer{Link: s.benLink})
		}},
		{"AcceptNew with a password", nil, func(ctx context.Context, s *stage, inv services) (any, error) {
			return inv.AcceptNew(ctx, invites.NewLogin{Link: s.newLink, Name: "New", Password: good})
		}},
		{"AcceptNew with an identity", nil, func(ctx context.Context, s *stage, inv services) (any, error) {
			return inv.AcceptNew(ctx, invites.NewLogin{Link: s.newLink, ID: "42", Identity: accounts.IdentityKey{Issuer: "i", Subject: "s"}})
		}},
		{"AcceptNew, kept", nil, func(ctx context.Context, s *stage, inv services) (any, error) {
			return inv.AcceptNew(ctx, invites.NewLogin{Link: s.newLink, ID: "42", Kept: true})
		}},
		{"Decline", nil, func(ctx context.Context, s *stage, inv services) (any, error) {
			return only(inv.Decline(ctx, s.as("ben"), byID(s.toBen)))
		}},
		{"Decline by link", nil, func(ctx context.Context, s *stage, inv services) (any, error) {
			return only(inv.Decline(ctx, accounts.Actor{}, invites.Answer{Link: s.newLink}))
		}},
		{"List", nil, func(ctx context.Context, s *stage, inv services) (any, error) {
			return inv.List(ctx, s.as("amy"), "acme", invites.Page{})
		}},
		{"List, refused", roles.ErrDenied, func(ctx context.Context, s *stage, inv services) (any, error) {
			return inv.List(ctx, s.as("max"), "acme", invites.Page{})
		}},
		{"Progress", nil, func(ctx context.Context, s *stage, inv services) (any, error) {
			return inv.Progress(ctx, s.as("amy"), "acme", s.toBen.ID, s.toNew.ID)
		}},
		{"Progress, refused", roles.ErrDenied, func(ctx context.Context, s *stage, inv services) (any, error) {
			return inv.Progress(ctx, s.as("max"), "acme", s.toBen.ID)
		}},
		{"Progress of setup mail", nil, func(ctx context.Context, s *stage, inv services) (any, error) {
			return inv.links.Progress(ctx, s.as("max"), "acme", "cleo", "eve")
		}},
		{"Offer", nil, func(ctx context.Context, s *stage, inv services) (any, error) {
			return inv.Offer(ctx, s.as("amy"), "acme")
		}},
		{"Revoke by the host", nil, func(ctx context.Context, s *stage, inv services) (any, error) {
			return only(inv.Revoke(ctx, staff, "acme", s.toBen.ID))
		}},
		{"Peek", nil, func(ctx context.Context, s *stage, inv services) (any, error) {
			return inv.Peek(ctx, s.benLink)
		}},
		{"Mine", nil, func(ctx context.Context, s *stage, inv services) (any, error) {
			return inv.Mine(ctx, s.as("ben"))
		}},
		{"Generate", nil, func(ctx context.Context, s *stage, inv services) (any, error) {
			out, err := inv.links.Generate(ctx, s.as("max"), invites.GenerateSetup{ClientKey: shown, Key: "key"})
			out.URL, out.Secret = token.Secret{}, token.Secret{} // they print alike, and are no two alike
			return out, err
		}},
		{"Generate, refused", roles.ErrDenied, func(ctx context.Context, s *stage, inv services) (any, error) {
			out, err := inv.links.Generate(ctx, s.as("vic"), invites.GenerateSetup{ClientKey: shown})
			return out, err
		}},
		{"Preview", nil, func(ctx context.Context, s *stage, inv services) (any, error) {
			return inv.links.Preview(ctx, s.as("max"), invites.SendSetup{ClientKey: shown})
		}},
		{"Send", nil, func(ctx context.Context, s *stage, inv services) (any, error) {
			return inv.links.Send(ctx, s.as("max"), invites.SendSetup{ClientKey: mailed, Subject: "Welcome", Key: "key"})
		}},
		{"Peek at a setup link", nil, func(ctx context.Context, s *stage, inv services) (any, error) {
			return inv.links.Peek(ctx, s.setup)
		}},
		{"SetUp with a password", nil, func(ctx context.Context, s *stage, inv services) (any, error) {
			return inv.links.SetUp(ctx, invites.NewLogin{Link: s.setup, Password: good})
		}},
		{"SetUp with an identity", nil, func(ctx context.Context, s *stage, inv services) (any, error) {
			return inv.links.SetUp(ctx, invites.NewLogin{Link: s.setup, ID: "42", Identity: accounts.IdentityKey{Issuer: "i", Subject: "s"}})
		}},
		{"Join", nil, func(ctx context.Context, s *stage, inv services) (any, error) {
			return inv.links.Join(ctx, s.as("eve"), s.eveSetup)
		}},
		{"Join, refused", invites.ErrOtherAddress, func(ctx context.Context, s *stage, inv services) (any, error) {
			return inv.links.Join(ctx, s.as("eve"), s.setup)
		}},
		{"Refresh", nil, func(ctx context.Context, s *stage, inv services) (any, error) {
			return only(inv.links.Refresh(ctx, s.stale))
		}},
	}
}

// services are the services of this package on one store.
type services struct {
	*invites.Service
	links *invites.SetupLinks
}

func (w *world) on(st invites.Store) services { return services{w.inv.With(st), w.links.With(st)} }

// salted is what differs from run to run in what is stored.
var salted = regexp.MustCompile(`\$argon2id\$\S+`)

func (s *stage) unsalted() string { return salted.ReplaceAllString(s.dump(), "HASH") }

// zero reports whether a value holds no answer.
func zero(v any) bool { return v == nil || reflect.ValueOf(v).IsZero() }

// sound runs an operation and returns the names of its calls to the store, its
// answer, and what was stored before and after.
func (o operation) sound(t *testing.T) (calls []string, answer any, before, after string) {
	t.Helper()
	s := newStage(t)
	before = s.unsalted()
	f := storagetest.Faults(s.mem)
	answer, err := o.run(t.Context(), s, s.on(f))
	require.ErrorIs(t, err, o.refuse)
	require.Equal(t, err != nil || answer == nil, zero(answer))
	return f.Calls(), answer, before, s.unsalted()
}

// Every operation of the service is among those that are broken below.
func TestFaults_All(t *testing.T) {
	t.Parallel()
	asked := map[string]bool{}
	for _, o := range operations() {
		calls, _, _, _ := o.sound(t)
		for _, c := range calls {
			asked[c] = true
		}
	}
	for _, call := range []string{
		"Standings", "Membership", "User", "Owned", "Challenge", "Reply", "Inviting", "Accepting", "Invitations", "InvitationsTo",
		"Account", "Seats", "Spent", "SettingUp", "Newest",
		"ApplyAccounts", "ApplyInvites",
	} {
		require.True(t, asked[call], call)
	}
}

// Whichever call to the store fails, before or after it took effect, there is
// an error that is no decision, no answer, and the state before. Where it was
// the commit whose answer was lost, the operation finds that out, and there is
// the state after and the answer; and if the store stays out of reach, the
// caller is told that the outcome is unknown (A93, A94, A95, A96, I-31).
func TestFaults_EveryCall(t *testing.T) {
	t.Parallel()
	decisions := []error{
		roles.ErrDenied, accounts.ErrNotFound, accounts.ErrStepUp, accounts.ErrTaken, accounts.ErrSeats, accounts.ErrExpired,
		invites.ErrUsed, invites.ErrVoid, invites.ErrOtherAddress, invites.ErrUnproven, invites.ErrHasLogin, invites.ErrSetUp, invites.ErrStale,
	}
	for _, o := range operations() {
		t.Run(o.name, func(t *testing.T) {
			t.Parallel()
			calls, answer, before, after := o.sound(t)
			require.NotEmpty(t, calls)
			for k, call := range calls {
				for _, effect := range []bool{false, true} {
					what := fmt.Sprintf("call %d, %s, with effect: %t", k+1, call, effect)
					s := newStage(t)
					f := storagetest.Faults(s.mem)
					if effect {
						f.FailAfter(k+1, errBroken)
					} else {
						f.FailBefore(k+1, errBroken)
					}
					got, err := o.run(t.Context(), s, s.on(f))
					require.True(t, f.Fired(), what)
					if effect && writes(call) {
						require.ErrorIs(t, err, o.refuse, what)
						require.Equal(t, o.refuse == nil, err == nil, what)
						require.Equal(t, after, s.unsalted(), what)
						require.Equal(t, answer, got, what)
						continue
					}
					require.ErrorIs(t, err, errBroken, what)
					for _, d := range decisions {
						require.NotErrorIs(t, err, d, "a fault never reads as a decision: "+what)
					}
					require.True(t, zero(got), what)
					require.Equal(t, before, s.unsalted(), what)
				}
			}
		})
	}
}

// A change whose answer was lost before it took effect, and one that met
// others, is made once in the end, with the same answer (A96, A100).
func TestFaults_Again(t *testing.T) {
	t.Parallel()
	for _, o := range operations() {
		t.Run(o.name, func(t *testing.T) {
			t.Parallel()
			calls, answer, _, after := o.sound(t)
			last := len(calls)
			if !writes(calls[last-1]) {
				return // it changes nothing
			}
			for name, plan := range map[string]func(f *storagetest.Faulty){
				"an answer that is lost":      func(f *storagetest.Faulty) { f.FailBefore(last, accounts.ErrUnknown) },
				"a conflict in the writing":   func(f *storagetest.Faulty) { f.FailBefore(last, accounts.ErrConflict) },
				"a conflict in the reading":   func(f *storagetest.Faulty) { f.FailBefore(1, accounts.ErrConflict) },
				"an answer lost with effect":  func(f *storagetest.Faulty) { f.FailAfter(last, accounts.ErrUnknown) },
				"a conflict, then a loss":     func(f *storagetest.Faulty) { f.FailBefore(last, accounts.ErrConflict); f.FailAfter(2*last, nil) },
				"a loss, and nobody to ask":   func(f *storagetest.Faulty) { f.FailBefore(last, accounts.ErrUnknown); f.FailBefore(last+1, nil) },
				"an effect, and nobody there": func(f *storagetest.Faulty) { f.FailAfter(last, nil); f.FailBefore(last+1, nil) },
			} {
				if name == "a conflict in the reading" && !strings.Contains("Standings Accepting SettingUp", calls[0]) {
					continue
				}
				if calls[0] != "Standings" && calls[1] == calls[0] && name == "a conflict in the reading" {
					continue // looked at once before anything is hashed, and not retried
				}
				s := newStage(t)
				f := storagetest.Faults(s.mem)
				plan(f)
				got, err := o.run(t.Context(), s, s.on(f))
				require.ErrorIs(t, err, o.refuse, name)
				require.Equal(t, o.refuse == nil, err == nil, name)
				require.Equal(t, answer, got, name)
				require.Equal(t, after, s.unsalted(), name)
			}
		})
	}
}

// A store that stays out of reach leaves the outcome unknown, and conflicts
// that do not end are an error that says to try again; there is no answer, and
// the state before.
func TestFaults_NoEnd(t *testing.T) {
	t.Parallel()
	for _, lasting := range []error{accounts.ErrUnknown, accounts.ErrConflict} {
		s, tries := newStage(t), 0
		was := s.unsalted()
		ctx, cancel := context.WithCancel(t.Context())
		s.st.on(func(call string, do func() error) error {
			if writes(call) || call == "Applied" {
				if tries++; tries == 4 {
					cancel()
				}
				return lasting
			}
			return do()
		})
		m, err := s.inv.Accept(ctx, s.as("ben"), byID(s.toBen))
		cancel()
		require.ErrorIs(t, err, lasting)
		require.Zero(t, m)
		require.Equal(t, was, s.unsalted())
	}
}

// A caller that goes away at any moment leaves the state before or after, and
// never an answer without its effect (A101).
func TestFaults_Cancelled(t *testing.T) {
	t.Parallel()
	for _, o := range operations() {
		t.Run(o.name, func(t *testing.T) {
			t.Parallel()
			calls, _, before, after := o.sound(t)
			for k := range calls {
				s := newStage(t)
				ctx, cancel := context.WithCancel(t.Context())
				n := 0
				s.st.on(func(_ string, do func() error) error {
					if n++; n == k+1 {
						cancel()
					}
					return do()
				})
				got, err := o.run(ctx, s, s.on(s.st))
				cancel()
				if err == nil || o.refuse != nil && errors.Is(err, o.refuse) {
					require.Equal(t, after, s.unsalted(), calls[k])
					continue
				}
				require.ErrorIs(t, err, context.Canceled, calls[k])
				require.True(t, zero(got))
				require.Equal(t, before, s.unsalted(), calls[k])
			}
		})
	}
}

// What an operation does in a transaction of the host is there when the host
// commits, and never was if it rolls back (D1 of the product, A84).
func TestFaults_Joined(t *testing.T) {
	t.Parallel()
	for _, o := range operations() {
		t.Run(o.name, func(t *testing.T) {
			t.Parallel()
			_, answer, before, after := o.sound(t)
			for _, commit := range []bool{false, true} {
				s := newStage(t)
				tx := s.mem.Begin()
				got, err := o.run(t.Context(), s, s.on(tx.Store()))
				require.ErrorIs(t, err, o.refuse)
				require.Equal(t, answer, got)
				require.Equal(t, before, s.unsalted(), "nothing is seen before the commit")
				if commit {
					require.NoError(t, tx.Commit())
					require.Equal(t, after, s.unsalted())
					continue
				}
				require.NoError(t, tx.Rollback())
				require.Equal(t, before, s.unsalted())
			}
		})
	}
}

// A source of secrets that is broken makes no weak link: nothing is sent.
func TestFaults_Secrets(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(o *accounts.EnvOptions) { o.Secrets = func() string { return "short" } })
	was := w.dump()
	_, err := w.inv.Invite(t.Context(), w.as("amy"), invites.Invite{Account: "acme", Email: "new@example.com", Role: roles.Viewer})
	require.Error(t, err)
	require.Error(t, ignore(w.links.Generate(t.Context(), w.as("amy"), invites.GenerateSetup{ClientKey: mailed})))
	require.Error(t, ignore(w.links.Send(t.Context(), w.as("amy"), invites.SendSetup{ClientKey: mailed})))
	require.Equal(t, was, w.dump())
}
