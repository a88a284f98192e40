package storagetest

import (
	"fmt"
	"testing"

	"github.com/chatelaine-go/chatelaine/access"
	"github.com/chatelaine-go/chatelaine/access/password"
	"github.com/chatelaine-go/chatelaine/accounts"
	"github.com/chatelaine-go/chatelaine/invites"
	"github.com/chatelaine-go/chatelaine/roles"
)

// people are those of a town who log in, choose, invite and join. They are put
// in when they are first needed.
type people struct {
	hasher  *password.Hasher
	logins  *access.Logins
	invites *invites.Service
	hash    string
	tried   int          // logins so far
	invited int          // invitations so far
	joined  int          // invitations that wait for somebody to accept them
	holders map[int]bool // who has so many accounts, and is there
}

// clerks are who log in, in turn, so that nobody has more than a few sessions.
const clerks = 5_000

func clerkID(i int) accounts.UserID { return accounts.UserID(fmt.Sprintf("clerk-%04d", i)) }

// add puts n times rows in, some hundred at a time.
func (t *town) add(b *testing.B, what string, n int, rows func(i int) []any) {
	b.Helper()
	const chunk = 500
	for from := 0; from < n; from += chunk {
		var list []any
		for i := from; i < min(from+chunk, n); i++ {
			list = append(list, rows(i)...)
		}
		if err := apply(b.Context(), t.st, build(accounts.OpID(fmt.Sprintf("add-%s-%d", what, from)), list...)); err != nil {
			b.Fatal(err)
		}
	}
}

// ready wires the services of people, with the cheapest hash there is.
func (t *town) ready(b *testing.B) *people {
	b.Helper()
	p := &t.people
	if p.hasher != nil {
		return p
	}
	must := func(err error) {
		b.Helper()
		if err != nil {
			b.Fatal(err)
		}
	}
	policy, err := chosen()
	must(err)
	p.hasher, err = password.New(&password.Options{Memory: 8, Time: 1})
	must(err)
	p.logins, err = access.NewLogins(t.st, t.env, &access.LoginOptions{Hasher: p.hasher, Passwords: policy})
	must(err)
	p.invites, err = invites.New(t.st, t.env, &invites.Options{Hasher: p.hasher, Passwords: policy})
	must(err)
	p.hash, err = p.hasher.Hash(b.Context(), words)
	must(err)
	t.add(b, "clerks", clerks, func(i int) []any {
		c := credential(string(clerkID(i)))
		c.Hash = p.hash
		return []any{user(string(clerkID(i))), c}
	})
	p.holders = map[int]bool{}
	return p
}

// hash compares a password with its hash, as a login does.
func (t *town) hash(b *testing.B) {
	p := t.ready(b)
	b.ReportAllocs()
	for b.Loop() {
		if m, err := p.hasher.Verify(b.Context(), p.hash, words); err != nil || !m.OK {
			b.Fatal(m, err)
		}
	}
}

// login opens sessions with the right password.
func (t *town) login(b *testing.B) {
	p := t.ready(b)
	b.ReportAllocs()
	for b.Loop() {
		in := access.LogIn{Email: string(address(string(clerkID(p.tried % clerks)))), Password: words}
		p.tried++
		if _, _, err := p.logins.LogIn(b.Context(), in, access.Device{}); err != nil {
			b.Fatal(err)
		}
	}
}

// actor is somebody who has logged in with the host.
func (t *town) actor(b *testing.B, u accounts.UserID) accounts.Actor {
	b.Helper()
	p, err := t.sessions.ForUser(b.Context(), accounts.Login{User: u, At: t.clock.Now()}, "")
	if err != nil {
		b.Fatal(err)
	}
	return p.Actor()
}

// chooser shows the first page of n accounts of which somebody is a member.
func (t *town) chooser(b *testing.B, n int) {
	b.Helper()
	p := t.ready(b)
	who := fmt.Sprint("holder-", n)
	if !p.holders[n] {
		t.add(b, who, 1, func(int) []any { return []any{user(who)} })
		t.add(b, who+"-of", n, func(i int) []any {
			id := fmt.Sprintf("%s-%04d", who, i)
			return []any{account(id), member(id, who, roles.Manager)}
		})
		p.holders[n] = true
	}
	actor := t.actor(b, accounts.UserID(who))
	b.ReportAllocs()
	for b.Loop() {
		page, err := t.sessions.Chooser(b.Context(), actor, access.ChoicePage{})
		if err != nil || len(page) != min(50, n) {
			b.Fatal(len(page), err)
		}
	}
}

// invite has owners invite somebody each.
func (t *town) invite(b *testing.B) {
	p := t.ready(b)
	actors := make([]accounts.Actor, b.N)
	first := p.invited
	p.invited += b.N
	for i := range actors {
		actors[i] = t.actor(b, ownerID((first+i)%t.all))
	}
	fromEight(b, "invitations", func(i int) error {
		_, err := p.invites.Invite(b.Context(), actors[i], invites.Invite{
			Account: clientID((first + i) % t.all), Email: fmt.Sprintf("invited-%d@example.com", first+i), Role: roles.Author,
		})
		return err
	})
}

// accept has people who are users accept an invitation each.
func (t *town) accept(b *testing.B) {
	p := t.ready(b)
	actors := make([]accounts.Actor, b.N)
	first := p.joined
	p.joined += b.N
	name := func(i int) string { return fmt.Sprintf("joiner-%d", first+i) }
	t.add(b, fmt.Sprint("joiners-", first), b.N, func(i int) []any {
		n := (first + i) % t.all
		offer := invitation(string(clientID(n)), name(i), address(name(i)), string(ownerID(n)))
		offer.Tenure, offer.Reign, offer.ExpiresAt = 0, 0, t.clock.Now().Add(t.env.Limits().InvitationTTL)
		joiner := user(name(i))
		joiner.Proven = true
		return []any{joiner, offer}
	})
	for i := range actors {
		actors[i] = t.actor(b, accounts.UserID(name(i)))
	}
	fromEight(b, "acceptances", func(i int) error {
		_, err := p.invites.Accept(b.Context(), actors[i], invites.Answer{
			Account: clientID((first + i) % t.all), Invitation: accounts.InvitationID(name(i)),
		})
		return err
	})
}
