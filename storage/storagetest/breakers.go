package storagetest

import (
	"github.com/chatelaine-go/chatelaine/access/token"
	"github.com/chatelaine-go/chatelaine/accounts"
	"github.com/chatelaine-go/chatelaine/mail"
	"github.com/chatelaine-go/chatelaine/roles"
)

// breaker is one way to make a change fail. The rows take the place in the
// order that their id gives them.
type breaker struct {
	field string // of the change
	what  string
	rows  func(id string) []any
}

// breakers break a change through each of its fields that can fail, in each
// way that it can. What they run into is in everyFixture.
func breakers() []breaker {
	stale := func(version *int64) { *version = 7 }
	return append(clientBreakers(stale), []breaker{
		{"Guards", "a stale guard", func(id string) []any { return []any{accounts.Guard{Account: accounts.AccountID(id), Version: 7}} }},
		{"Guards", "a stale guard that moves", func(id string) []any {
			return []any{accounts.Guard{Account: accounts.AccountID(id), Version: 7, Move: true}}
		}},
		{"Guards", "a guard on no account", func(id string) []any {
			return []any{accounts.Guard{Account: accounts.AccountID(id + "-missing"), Version: 1}}
		}},
		{"Guards", "a guard with version 0 on no account", func(id string) []any {
			return []any{accounts.Guard{Account: accounts.AccountID(id + "-missing")}}
		}},
		{"Guards", "a guard on a user of another epoch", func(id string) []any {
			return []any{accounts.Guard{User: accounts.UserID(id), Epoch: 77}}
		}},
		{"Guards", "a guard on no user", func(id string) []any {
			return []any{accounts.Guard{User: accounts.UserID(id + "-missing")}}
		}},
		{"Users", "a stale user", func(id string) []any { u := user(id); stale(&u.Version); return []any{u} }},
		{"Users", "a user that is there", func(id string) []any { u := user(id); u.Email = ""; return []any{u} }},
		{"Users", "a user that is not there", func(id string) []any { u := user(id + "-missing"); u.Version = 1; return []any{u} }},
		{"Users", "a user with another's address", func(id string) []any { u := user(id + "-new"); u.Email = address("m"); return []any{u} }},
		{"Users", "a user with another's user name", func(id string) []any { u := user(id + "-new"); u.Handle = "HANDLE-m"; return []any{u} }},
		{"Identities", "an identity that is there", func(id string) []any {
			return []any{identity(id, "g")}
		}},
		{"Unlink", "an identity to take out that is not there", func(id string) []any {
			return []any{identity(id+"-missing", "g").Key()}
		}},
		{"Credentials", "a stale credential", func(id string) []any { c := credential(id); stale(&c.Version); return []any{c} }},
		{"Credentials", "a credential that is there", func(id string) []any { return []any{credential(id)} }},
		{"Credentials", "a credential that is not there", func(string) []any {
			c := credential("other")
			c.Version = 1
			return []any{c}
		}},
		{"Challenges", "a stale challenge", func(id string) []any {
			c := challenge(id, "hub")
			stale(&c.Version)
			return []any{c}
		}},
		{"Challenges", "a challenge that is there", func(id string) []any { return []any{challenge(id, "hub")} }},
		{"Challenges", "a challenge that is not there", func(id string) []any {
			c := challenge(id, "elsewhere")
			c.Version = 1
			return []any{c}
		}},
		{"Accounts", "a stale account", func(id string) []any { a := account(id + "-row"); stale(&a.Version); return []any{a} }},
		{"Accounts", "an account that is there", func(id string) []any { return []any{account(id + "-row")} }},
		{"Accounts", "an account that is not there", func(id string) []any { a := account(id + "-missing"); a.Version = 1; return []any{a} }},
		{"Memberships", "a stale membership", func(id string) []any { m := member(id, id, roles.Viewer); stale(&m.Version); return []any{m} }},
		{"Memberships", "a membership that is there", func(id string) []any { return []any{member(id, id, roles.Viewer)} }},
		{"Memberships", "a membership that is not there", func(id string) []any {
			m := member(id, "other", roles.Viewer)
			m.Version = 1
			return []any{m}
		}},
		{"Connections", "a stale connection", func(id string) []any { c := connection(id, "hub", roles.Viewer); stale(&c.Version); return []any{c} }},
		{"Connections", "a connection that is there", func(id string) []any { return []any{connection(id, "hub", roles.Viewer)} }},
		{"Assignments", "a stale assignment", func(id string) []any {
			x := assignment(id, "hub", "hub", roles.Viewer)
			stale(&x.Version)
			return []any{x}
		}},
		{"Assignments", "an assignment that is there", func(id string) []any { return []any{assignment(id, "hub", "hub", roles.Viewer)} }},
		{"Spend", "a quota spent over its limit", func(id string) []any { return []any{spend("kind", id, 2, 10)} }},
		{"Spend", "more spent at once than the limit allows", func(id string) []any { return []any{spend("kind", id+"-new", 11, 10)} }},
		{"Replies", "an idempotency key that is taken", func(id string) []any { return []any{reply("user/u", "hub", id)} }},
		{"Events", "an event that is there", nil},
		{"Bounced", "a bounce of mail that was not sent", func(id string) []any { return []any{mail.Bounce{ID: id}} }},
		{"Bounced", "a bounce of mail that is not there", func(id string) []any { return []any{mail.Bounce{ID: id + "-missing"}} }},
		{"Bounced", "two bounces of one message", func(string) []any { return []any{mail.Bounce{ID: "sent-g"}} }},
		{"Requests", "a stale request", func(id string) []any {
			r := request("hub", id, address(id), "hub")
			stale(&r.Version)
			return []any{r}
		}},
		{"Requests", "a request that is there", func(id string) []any { return []any{request("hub", id, "new@example.com", "hub")} }},
		{"Requests", "a request that is not there", func(id string) []any {
			r := request("hub", id+"-missing", "new@example.com", "hub")
			r.Version = 1
			return []any{r}
		}},
		{"Requests", "a request with another's link", func(id string) []any {
			r := request("hub", id+"-new", "new@example.com", "hub")
			r.Hash = hash("request hub/m")
			return []any{r}
		}},
		{"Requests", "a second pending request to an address", func(id string) []any {
			return []any{request("hub", id+"-new", address("m"), "hub")}
		}},
		{"Sessions", "a stale session", func(id string) []any { s := session(id, "hub"); stale(&s.Version); return []any{s} }},
		{"Sessions", "a session that is there", func(id string) []any { s := session(id, "hub"); s.Hash = hash(id); return []any{s} }},
		{"Sessions", "a session that is not there", func(id string) []any {
			s := session(id+"-missing", "hub")
			s.Version = 1
			return []any{s}
		}},
		{"Sessions", "a session with another's secret", func(id string) []any {
			s := session(id+"-new", "hub")
			s.Hash = hash("session m")
			return []any{s}
		}},
		{"Tickets", "a stale ticket", func(id string) []any { t := ticket(id, token.Reset); stale(&t.Version); return []any{t} }},
		{"Tickets", "a ticket that is there", func(id string) []any {
			t := ticket(id, token.Reset)
			t.Hash = hash(id)
			return []any{t}
		}},
		{"Tickets", "a ticket that is not there", func(id string) []any {
			t := ticket(id, token.Address)
			t.Version = 1
			return []any{t}
		}},
		{"Tickets", "a ticket with another's link", func(id string) []any {
			t := ticket(id, token.Address)
			t.Hash = ticket("m", token.Reset).Hash
			return []any{t}
		}},
		{"Guesses", "a stale count of guesses", func(id string) []any {
			g := guesses(address(id))
			stale(&g.Version)
			return []any{g}
		}},
		{"Guesses", "a count of guesses that is there", func(id string) []any { return []any{guesses(address(id))} }},
		{"Guesses", "a count of guesses that is not there", func(id string) []any {
			g := guesses(address(id + "-missing"))
			g.Version = 1
			return []any{g}
		}},
		{"Invitations", "a stale invitation", func(id string) []any {
			i := invitation("hub", id, address(id), "hub")
			stale(&i.Version)
			return []any{i}
		}},
		{"Invitations", "an invitation that is there", func(id string) []any {
			i := invitation("hub", id, "new@example.com", "hub")
			i.Hash = hash(id)
			return []any{i}
		}},
		{"Invitations", "an invitation that is not there", func(id string) []any {
			i := invitation("hub", id+"-missing", "new@example.com", "hub")
			i.Version = 1
			return []any{i}
		}},
		{"Invitations", "an invitation with another's link", func(id string) []any {
			i := invitation("hub", id+"-new", "new@example.com", "hub")
			i.Hash = hash("invitation hub/m")
			return []any{i}
		}},
		{"Invitations", "a second pending invitation to an address", func(id string) []any {
			return []any{invitation("hub", id+"-new", address("m"), "hub")}
		}},
	}...)
}
