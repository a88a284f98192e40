package invites_test

import (
	"reflect"
	"testing"

	"github.com/chatelaine-go/chatelaine/accounts"
	"github.com/chatelaine-go/chatelaine/invites"
	"github.com/chatelaine-go/chatelaine/roles"
)

// clientRelations are the ways in which the user "me" can be tied to the account
// acme as a client, or to the client record "guest" that a setup link is for.
func clientRelations() []relation {
	me := func(w *world) accounts.Actor { return w.as("me") }
	active, suspended := client("acme", "mine", "me@example.com"), client("acme", "mine", "me@example.com")
	active.User, suspended.User, suspended.SuspendedAt = "me", "me", start()
	guest := user("me")
	guest.Email = "guest@example.com"
	manager := member("acme", "me", roles.Manager)
	viewing := func(*world) accounts.Actor { return accounts.Viewing("olga", "view-1", "acme", "mine") }
	return []relation{
		{"client", []any{user("me"), active}, me},
		{"suspended client", []any{user("me"), suspended}, me},
		{"client, and an agency's delegate Admin", []any{user("me"), active, member("orbit", "me", roles.Owner), assigned("me", roles.Admin)}, me},
		{"owner who views as a client", []any{user("me"), active}, viewing},
		{"invited, a member already", []any{guest, credential("me"), manager}, me},
		{"invited, a client already", []any{guest, credential("me"), active}, me},
	}
}

func setupActs() []act {
	key := accounts.ClientKey{Account: "acme", ID: "guest"}
	return []act{
		{"Generate", "generate a link for a client of acme", func(s *scene, a accounts.Actor) error {
			return ignore(s.links.Generate(s.Context(), a, invites.GenerateSetup{ClientKey: key}))
		}},
		{"Generate", "generate a link for a client of an account that is not there", func(s *scene, a accounts.Actor) error {
			return ignore(s.links.Generate(s.Context(), a, invites.GenerateSetup{ClientKey: accounts.ClientKey{Account: "none", ID: "guest"}}))
		}},
		{"Preview", "preview the mail of a link", func(s *scene, a accounts.Actor) error {
			return ignore(s.links.Preview(s.Context(), a, invites.SendSetup{ClientKey: key}))
		}},
		{"Send", "mail a link to a client of acme", func(s *scene, a accounts.Actor) error {
			return ignore(s.links.Send(s.Context(), a, invites.SendSetup{ClientKey: key}))
		}},
		{"Latest", "look at the newest link of a client of acme", func(s *scene, a accounts.Actor) error {
			return ignore(s.links.Latest(s.Context(), a, key))
		}},
		{"Progress", "see how the mail to a client of acme comes along", func(s *scene, a accounts.Actor) error {
			return ignore(s.links.Progress(s.Context(), a, "acme", "guest"))
		}},
		{"Peek", "open the link, which asks for nobody", func(s *scene, _ accounts.Actor) error {
			return ignore(s.links.Peek(s.Context(), s.setup))
		}},
		{"SetUp", "come in with a new password by the link, which asks for nobody", func(s *scene, _ accounts.Actor) error {
			return ignore(s.setUp(s.setup))
		}},
		{"Join", "come in with one's login by the link", func(s *scene, a accounts.Actor) error {
			return ignore(s.links.Join(s.Context(), a, s.setup))
		}},
		{"Refresh", "ask for a fresh link, which asks for nobody", func(s *scene, _ accounts.Actor) error {
			return s.links.Refresh(s.Context(), s.setup)
		}},
	}
}

// Who may do what is exactly the table that everybody can read: every operation
// of the service, as everybody who can be tied to the account or to the client in
// one way or another, denied unless it says otherwise. An operation without a row
// fails (A32, A36, A52, A105).
func TestSetupLinks_matrix(t *testing.T) {
	t.Parallel()
	x := newTable(
		"Who may do what with invites.SetupLinks, at the account acme and with a mailed link of its client guest@example.com.",
		"owner to viewer: members of acme. delegate …: owners of the agency orbit with that role at acme. client …: of acme.",
		"invited: a user whose address is guest@example.com. on record: the refusal is in the audit.",
	)
	for _, act := range setupActs() {
		x.act(act.method, act.what, func(tell func(who, outcome string)) {
			for _, r := range append(relations(), clientRelations()...) {
				s := newScene(t, r)
				s.put(client("acme", "guest", "guest@example.com"))
				s.setup = s.send("guest")
				actor, events := r.actor(s.world), len(s.events())
				got := outcome(s, events, act.run(s, actor))
				tell(r.name, got)
			}
		})
	}
	x.check(t, "setup-links.golden")
	x.covers(t, reflect.TypeFor[*invites.SetupLinks]())
}
