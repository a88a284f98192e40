package accounts_test

import (
	"context"
	"testing"

	"github.com/chatelaine-go/chatelaine/accounts"
	"github.com/chatelaine-go/chatelaine/roles"
)

// operations are calls of every shape in the world of agencies.
func operations() map[string]drilled[*accounts.Service] {
	return map[string]drilled[*accounts.Service]{
		"JoinProgramme": {call: func(ctx context.Context, s *accounts.Service, w *world) error {
			return s.JoinProgramme(ctx, w.as("ann"), "acme")
		}},
		"CloseAccount": {call: func(ctx context.Context, s *accounts.Service, w *world) error {
			return s.CloseAccount(ctx, w.as("olga"), "orbit")
		}},
		"SuspendAccount": {call: func(ctx context.Context, s *accounts.Service, _ *world) error {
			return s.SuspendAccount(ctx, staff(), "orbit")
		}},
		"SuspendUser": {call: func(ctx context.Context, s *accounts.Service, _ *world) error {
			return s.SuspendUser(ctx, staff(), "oda")
		}},
		"CreateAccount": {call: func(ctx context.Context, s *accounts.Service, w *world) error {
			return ignore(s.CreateAccount(ctx, w.as("oda"), accounts.CreateAccount{ID: "new", Name: "New", Key: "k"}))
		}},
		"PutUser": {call: func(ctx context.Context, s *accounts.Service, _ *world) error {
			return ignore(s.PutUser(ctx, job(), accounts.PutUser{
				ID: "oda", Name: "Oda", Handle: "oda", Email: "oda@new.example",
				Identities: []accounts.IdentityKey{{Issuer: "i", Subject: "s"}},
			}))
		}},
		"AddMember": {call: func(ctx context.Context, s *accounts.Service, _ *world) error {
			return s.AddMember(ctx, job(), "acme", "oda", roles.Viewer)
		}},
		"ChangeRole": {call: func(ctx context.Context, s *accounts.Service, w *world) error {
			return s.ChangeRole(ctx, w.as("ann"), "acme", "amy", roles.Owner)
		}},
		"RemoveMember": {call: func(ctx context.Context, s *accounts.Service, w *world) error {
			return s.RemoveMember(ctx, w.as("ann"), "acme", "amy")
		}},
		"SuspendMember": {call: func(ctx context.Context, s *accounts.Service, w *world) error {
			return s.SuspendMember(ctx, w.as("ann"), "acme", "amy")
		}},
		"TransferOwnership": {call: func(ctx context.Context, s *accounts.Service, w *world) error {
			return s.TransferOwnership(ctx, w.as("ann"), "acme", "amy")
		}},
		"ChangeCap": {call: func(ctx context.Context, s *accounts.Service, w *world) error {
			return s.ChangeCap(ctx, w.as("ann"), accounts.ConnectionKey{Client: "acme", Agency: "orbit"}, roles.Viewer)
		}},
		"EndConnection": {call: func(ctx context.Context, s *accounts.Service, w *world) error {
			return s.EndConnection(ctx, w.as("olga"), "orbit", pair("acme", "orbit"))
		}},
		"Assign": {call: func(ctx context.Context, s *accounts.Service, w *world) error {
			return ignore(s.Assign(ctx, w.as("olga"), accounts.Assign{Agency: "orbit", Client: "acme", User: "Ms oda", Role: roles.Author, Key: "k"}))
		}},
		"Members": {call: func(ctx context.Context, s *accounts.Service, w *world) error {
			return ignore(s.Members(ctx, w.as("amy"), "acme", accounts.MemberPage{}))
		}},
		"Explain": {call: func(ctx context.Context, s *accounts.Service, w *world) error {
			return ignore(s.Explain(ctx, w.as("amy"), accounts.StandingKey{User: "ann", Account: "acme"}))
		}},
		"Account, refused": {want: accounts.ErrNotFound, call: func(ctx context.Context, s *accounts.Service, w *world) error {
			return ignore(s.Account(ctx, w.as("nick"), "acme"))
		}},
		"RemoveMember, refused": {want: roles.ErrDenied, call: func(ctx context.Context, s *accounts.Service, w *world) error {
			return s.RemoveMember(ctx, w.as("amy"), "acme", "ann")
		}},
		"Assign, refused": {want: roles.ErrDenied, call: func(ctx context.Context, s *accounts.Service, w *world) error {
			return ignore(s.Assign(ctx, w.as("oda"), accounts.Assign{Agency: "orbit", Client: "acme", User: "otto", Role: roles.Author}))
		}},
	}
}

func (w *world) all() string {
	return w.dump([]string{"ann", "amy", "olga", "otto", "oda", "nick"}, []string{"acme", "orbit", "nova", "new"})
}

func TestService_faults(t *testing.T) {
	t.Parallel()

	drill[*accounts.Service]{
		ops: operations(), state: (*world).all,
		world: func(t testing.TB) *world {
			t.Helper()
			return agencies(t)
		},
		on:     func(w *world, st accounts.Store) *accounts.Service { return w.svc.With(st) },
		tapped: (*world).tapped,
	}.run(t)
}
