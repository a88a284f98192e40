package invites_test

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"reflect"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/chatelaine-go/chatelaine/accounts"
	"github.com/chatelaine-go/chatelaine/invites"
	"github.com/chatelaine-go/chatelaine/roles"
)

var update = flag.Bool("update", false, "write the golden files in testdata anew")

// relation is one way in which the user "me" can be tied to the account acme,
// which the agency orbit has access to, or to an invitation to it.
type relation struct {
	name  string
	rows  []any
	actor func(w *world) accounts.Actor
}

func relations() []relation {
	me := func(w *world) accounts.Actor { return w.as("me") }
	owner := []any{user("me"), member("acme", "me", roles.Owner)}
	suspended, former := member("acme", "me", roles.Owner), member("acme", "me", roles.Owner)
	suspended.SuspendedAt, former.EndedAt = start(), start()
	barred, invited, unproven := user("me"), user("me"), user("me")
	barred.SuspendedAt = start()
	invited.Email, unproven.Email, unproven.Proven = "guest@example.com", "guest@example.com", false
	confirming := invited
	confirming.Confirms, confirming.Phone = true, "+491701234567"
	gone := invited
	gone.SuspendedAt = start()
	var all []relation
	for _, r := range []roles.Role{roles.Owner, roles.Admin, roles.Manager, roles.Author, roles.Viewer} {
		all = append(all, relation{string(r), []any{user("me"), member("acme", "me", r)}, me})
	}
	all = append(all,
		relation{"owner who logged in 10 minutes ago", owner, func(w *world) accounts.Actor {
			return w.since("me", w.env.Now().Add(-10*time.Minute))
		}},
		relation{"owner admitted to another account", owner, func(w *world) accounts.Actor {
			return accounts.Admitted(accounts.Admission{User: "me", Epoch: 1, Proof: accounts.Proof{Login: 1}, AuthAt: w.env.Now(), Account: "nova"})
		}},
		relation{"owner with a session of an ended epoch", owner, func(w *world) accounts.Actor {
			return accounts.Admitted(accounts.Admission{User: "me", Epoch: 7, Proof: accounts.Proof{Login: 1}, AuthAt: w.env.Now()})
		}},
		relation{"owner without a proof", owner, func(w *world) accounts.Actor {
			return accounts.Admitted(accounts.Admission{User: "me", Epoch: 1, AuthAt: w.env.Now()})
		}},
		relation{"suspended owner", []any{user("me"), suspended}, me},
		relation{"former owner", []any{user("me"), former}, me},
		relation{"owner suspended by an operator", []any{barred, member("acme", "me", roles.Owner)}, me})
	for _, r := range []roles.Role{roles.Admin, roles.Viewer} {
		all = append(all, relation{"delegate " + string(r), []any{user("me"), member("orbit", "me", roles.Owner), assigned("me", r)}, me})
	}
	return append(all,
		relation{"agency owner", []any{user("me"), member("orbit", "me", roles.Owner)}, me},
		relation{"outsider", []any{user("me")}, me},
		relation{"invited", []any{invited, credential("me")}, me},
		relation{"invited, unproven", []any{unproven, credential("me")}, me},
		relation{"invited, with identity confirmation", []any{confirming, credential("me")}, me},
		relation{"invited, suspended by an operator", []any{gone, credential("me")}, me},
		relation{"unknown user", nil, func(w *world) accounts.Actor {
			return accounts.Admitted(accounts.Admission{User: "me", Epoch: 1, Proof: accounts.Proof{Login: 1}, AuthAt: w.env.Now()})
		}},
		relation{"system", nil, func(*world) accounts.Actor { return job }},
		relation{"operator", nil, func(*world) accounts.Actor { return staff }},
		relation{"nobody", nil, func(*world) accounts.Actor { return accounts.Actor{} }})
}

func assigned(who string, role roles.Role) accounts.Assignment {
	return accounts.Assignment{
		ConnectionKey: accounts.ConnectionKey{Client: "acme", Agency: "orbit"}, User: accounts.UserID(who),
		AssignmentState: accounts.AssignmentState{Role: role, ConnectionEpoch: 1, MemberEpoch: 1}, CreatedAt: start(), UpdatedAt: start(),
	}
}

// scene is the situation of every cell: amy invited guest@example.com and
// olga promised an owner to boss@example.com.
type scene struct {
	*world
	guest, boss invites.Invitation
	link        string
	setup       string // the setup link of a client, where there is one
}

func newScene(t testing.TB, r relation) *scene {
	t.Helper()
	s := &scene{world: newWorld(t)}
	orbit := account("orbit")
	orbit.Kind, orbit.ProgrammeAt, orbit.ClientAccessAt = accounts.KindAgency, start(), start()
	s.put(orbit, accounts.Connection{
		ConnectionKey:   accounts.ConnectionKey{Client: "acme", Agency: "orbit"},
		ConnectionState: accounts.ConnectionState{Cap: roles.Admin, Epoch: 1, AgencyEpoch: 1}, CreatedAt: start(), UpdatedAt: start(),
	})
	s.guest, s.link = s.invited("amy", "guest@example.com", roles.Viewer)
	s.boss = s.invite("olga", "boss@example.com", roles.Owner)
	s.put(r.rows...)
	s.clock.Add(time.Hour)
	return s
}

// act is one operation in one situation. Method is that of Service.
type act struct {
	method, what string
	run          func(s *scene, a accounts.Actor) error
}

func acts() []act {
	invite := func(account accounts.AccountID, role roles.Role) func(s *scene, a accounts.Actor) error {
		return func(s *scene, a accounts.Actor) error {
			return ignore(s.inv.Invite(s.Context(), a, invites.Invite{Account: account, Email: "new@example.com", Role: role}))
		}
	}
	resend := func(pick func(s *scene) invites.Invitation) func(s *scene, a accounts.Actor) error {
		return func(s *scene, a accounts.Actor) error {
			return ignore(s.inv.Resend(s.Context(), a, invites.Resend{Account: "acme", Invitation: pick(s).ID}))
		}
	}
	revoke := func(pick func(s *scene) invites.Invitation) func(s *scene, a accounts.Actor) error {
		return func(s *scene, a accounts.Actor) error { return s.inv.Revoke(s.Context(), a, "acme", pick(s).ID) }
	}
	guest := func(s *scene) invites.Invitation { return s.guest }
	boss := func(s *scene) invites.Invitation { return s.boss }
	link := func(s *scene) invites.Answer { return invites.Answer{Link: s.link} }
	id := func(s *scene) invites.Answer { return byID(s.guest) }
	return []act{
		{"Invite", "invite a Viewer to acme", invite("acme", roles.Viewer)},
		{"Invite", "invite an Admin to acme", invite("acme", roles.Admin)},
		{"Invite", "invite an owner to acme", invite("acme", roles.Owner)},
		{"Invite", "invite a Viewer to an account that is not there", invite("none", roles.Viewer)},
		{"Resend", "resend what promises a Viewer", resend(guest)},
		{"Resend", "resend what promises an owner", resend(boss)},
		{"Revoke", "revoke what promises a Viewer", revoke(guest)},
		{"Revoke", "revoke what promises an owner", revoke(boss)},
		{"List", "list the invitations of acme", func(s *scene, a accounts.Actor) error {
			return ignore(s.inv.List(s.Context(), a, "acme", invites.Page{}))
		}},
		{"Progress", "see how the mail of an invitation to acme comes along", func(s *scene, a accounts.Actor) error {
			return ignore(s.inv.Progress(s.Context(), a, "acme", s.guest.ID))
		}},
		{"Offer", "see what one can invite to at acme", func(s *scene, a accounts.Actor) error {
			return ignore(s.inv.Offer(s.Context(), a, "acme"))
		}},
		{"Mine", "list the invitations to oneself", func(s *scene, a accounts.Actor) error { return ignore(s.inv.Mine(s.Context(), a)) }},
		{"Peek", "open the link, which asks for nobody", func(s *scene, _ accounts.Actor) error {
			return ignore(s.inv.Peek(s.Context(), s.link))
		}},
		{"Accept", "accept by the link", func(s *scene, a accounts.Actor) error { return ignore(s.inv.Accept(s.Context(), a, link(s))) }},
		{"Accept", "accept by the id", func(s *scene, a accounts.Actor) error { return ignore(s.inv.Accept(s.Context(), a, id(s))) }},
		{"AcceptNew", "join with a new password by the link, which asks for nobody", func(s *scene, _ accounts.Actor) error {
			return ignore(s.inv.AcceptNew(s.Context(), invites.NewLogin{Link: s.link, Password: good}))
		}},
		{"Decline", "decline by the link", func(s *scene, a accounts.Actor) error { return s.inv.Decline(s.Context(), a, link(s)) }},
		{"Decline", "decline by the id", func(s *scene, a accounts.Actor) error { return s.inv.Decline(s.Context(), a, id(s)) }},
	}
}

// outcome names how a call ended, and whether a refusal is on record.
func outcome(s *scene, events int, err error) string {
	var bad *accounts.InvalidError
	var code *accounts.CodeError
	var taken *accounts.TakenError
	what := "fault: " + fmt.Sprint(err)
	switch {
	case err == nil:
		what = "allowed"
	case errors.As(err, &code):
		what = "code"
	case errors.Is(err, accounts.ErrStepUp):
		what = "step-up"
	case errors.Is(err, accounts.ErrNotFound):
		what = "not found"
	case errors.Is(err, roles.ErrDenied):
		what = "denied"
	case errors.Is(err, invites.ErrOtherAddress):
		what = "other address"
	case errors.Is(err, invites.ErrUnproven):
		what = "unproven"
	case errors.Is(err, invites.ErrHasLogin):
		what = "has a login"
	case errors.As(err, &taken):
		what = "taken " + taken.Field
	case errors.As(err, &bad):
		what = "invalid " + bad.Field
	}
	list := s.events()[events:]
	refused := len(list) == 1 && list[0].Kind == accounts.EventRefused
	switch {
	case err == nil && refused, err != nil && len(list) > 0 && !refused:
		return "BROKEN: " + what
	case refused:
		return what + ", on record"
	}
	return what
}

// Who may do what is exactly the table that everybody can read: every operation
// of the service, as everybody who can be tied to the account or to the
// invitation in one way or another, denied unless it says otherwise. An
// operation without a row fails (A32, A34, A36, A52, A105).
func TestService_matrix(t *testing.T) {
	t.Parallel()
	x := newTable(
		"Who may do what with invites.Service, at the account acme and with an invitation of guest@example.com to it.",
		"owner to viewer: members of acme. delegate …: owners of the agency orbit with that role at acme.",
		"invited: a user whose address is guest@example.com. on record: the refusal is in the audit.",
	)
	for _, act := range acts() {
		x.act(act.method, act.what, func(tell func(who, outcome string)) {
			for _, r := range append(relations(), clientRelations()...) {
				s := newScene(t, r)
				actor, events := r.actor(s.world), len(s.events())
				got := outcome(s, events, act.run(s, actor))
				tell(r.name, got)
			}
		})
	}
	x.check(t, "operations.golden")
	x.covers(t, reflect.TypeFor[*invites.Service]())
}

// golden compares a text with a file, or writes it.
func golden(t *testing.T, file, got string) {
	t.Helper()
	file = "testdata/" + file
	if *update {
		require.NoError(t, os.MkdirAll("testdata", 0o755))
		require.NoError(t, os.WriteFile(file, []byte(got), 0o644))
	}
	want, err := os.ReadFile(file)
	require.NoError(t, err)
	require.Equal(t, string(want), got, "if the change is meant, run: go test ./invites -update")
}
