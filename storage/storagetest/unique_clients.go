package storagetest

import (
	"time"

	"github.com/chatelaine-go/chatelaine/access"
	"github.com/chatelaine-go/chatelaine/accounts"
	"github.com/chatelaine-go/chatelaine/invites"
	"github.com/chatelaine-go/chatelaine/storage"
)

// uniqueClientFixture is what the rows of uniqueClientKeys run into. It follows
// uniqueFixture.
func (e *env) uniqueClientFixture(st storage.Storage) {
	e.Helper()
	e.put(st, recordOf("a", "c", "w"), record("a", "d"), record("b", "c"), record("b", "d"), site("a", "p"), site("a", "q"), site("b", "p"),
		given("a", "c", "p"), view("v", "a", "c", "u"), unopened("v2", "a", "c", "u"))
	e.put(st, setup("a", "c"), setup("b", "c"))
}

func uniqueClientKeys() []uniqueKey {
	client := func(account, id, to, user string, change func(c *accounts.Client)) accounts.Client {
		c := record(account, id)
		c.Email, c.User = accounts.Email(to), accounts.UserID(user)
		change(&c)
		return c
	}
	as := func(*accounts.Client) {}
	deleted := func(c *accounts.Client) { c.DeletedAt = minutes(1) }
	suspended := func(c *accounts.Client) { c.SuspendedAt = minutes(1) }
	viewing := func(id, link, secret string) access.ViewAs {
		v := view(id, "a", "c", "u")
		v.Link, v.Hash = hash(link), hash(secret)
		return v
	}
	linked := func(account, id, secret string) invites.SetupLink {
		l := setup(account, id)
		l.Hash = hash(secret)
		return l
	}
	unhashed := func(account, id string) invites.SetupLink {
		l := setup(account, id)
		l.Hash = [32]byte{}
		return l
	}
	bare := unopened("v3", "a", "d", "u")
	bare.Link = [32]byte{}
	bare2 := bare
	bare2.ID = "v4"
	taken := record("a", "d")
	taken.Version, taken.Email = 1, address("c")
	return []uniqueKey{
		{"client record of an account and id", []any{client("a", "c", "x@example.com", "", as)}, []any{
			client("a", "C", "x@example.com", "", as), client("b", "C", "x@example.com", "", as),
		}},
		{"client record of an account and address", []any{client("a", "n", "c@example.com", "", as)}, []any{
			client("a", "n", "c2@example.com", "", as), client("b", "n", "w@example.com", "", as), client("a", "gone", "c@example.com", "", deleted),
			client("a", "gone too", "c@example.com", "w", deleted),
		}},
		{"client record of an account and address, also when one is suspended", []any{client("a", "n", "c@example.com", "", suspended)}, nil},
		{"client record of an account and address, also when a client gets another's", []any{taken}, nil},
		{"client record of an account and user", []any{client("a", "n", "x@example.com", "w", as)}, []any{
			client("a", "n", "x@example.com", "", as), client("a", "n2", "y@example.com", "", as), client("a", "n3", "z@example.com", "u", as),
			client("b", "n", "x@example.com", "w", as),
		}},
		{"site of an account and id", []any{site("a", "p")}, []any{site("a", "P"), site("b", "q")}},
		{"access of a client to a site", []any{given("a", "c", "p", "site.see")}, []any{
			given("a", "c", "q"), given("a", "d", "p"), given("b", "c", "p"),
		}},
		{"setup link of a client", []any{linked("a", "c", "other")}, []any{unhashed("a", "d"), unhashed("b", "d")}},
		{"setup link of a secret", []any{linked("b", "d", "setup a/c")}, []any{linked("b", "d", "setup b/d")}},
		{"view of an id", []any{viewing("v", "other link", "other")}, []any{view("V", "a", "c", "u")}},
		{"view of a link", []any{viewing("n", "view link v", "other")}, []any{viewing("n", "view link", "other"), bare, bare2}},
		{"view of a secret", []any{viewing("n", "other link", "view v")}, []any{unopened("n", "a", "c", "u"), unopened("n2", "a", "c", "u")}},
	}
}

// checkDeletedClientFrees deletes a client, and lets another have the address
// and the user.
func checkDeletedClientFrees(e *env) {
	st := e.open()
	c := recordOf("a", "c", "w")
	e.put(st, user("w"), account("a"), c)
	next := recordOf("a", "next", "w")
	next.Email = c.Email
	c.Version, c.SuspendedAt = 1, minutes(1)
	e.put(st, c)
	e.refused(st, "the address and the user of a suspended client", next)
	c.Version, c.DeletedAt = 2, minutes(2)
	e.put(st, c)
	e.put(st, next)
	for _, q := range []accounts.RecordingQuery{{Email: c.Email}, {User: "w"}, {Email: c.Email, User: "w"}} {
		q.Account = "a"
		got, err := st.Recording(e.ctx, q)
		e.ok(err, "Recording")
		e.holds(got.Taken.ID == "next", "the address or the user leads to %s", text(got.Taken))
	}
	s, err := st.Standings(e.ctx, []accounts.StandingKey{{User: "w", Account: "a"}})
	e.ok(err, "Standings")
	e.holds(s[0].Client.ID == "next", "the standing is that of the client %s", text(s[0].Client))
	c.Version, c.DeletedAt = 3, time.Time{}
	e.refused(st, "the return of a deleted client whose address and user were taken", c)
	c.Email = "free@example.com"
	e.refused(st, "the return of a deleted client whose user was taken", c)
	c.Email, c.User = next.Email, ""
	e.refused(st, "the return of a deleted client whose address was taken", c)
	next.Version, next.DeletedAt = 1, minutes(3)
	c.User = "w"
	e.put(st, next, c)
}

// exchangeClients lets rows of clients hand each other what is unique.
func exchangeClients(e *env) {
	world := []any{user("u"), user("w"), account("a")}
	version := func(c *accounts.Client) *int64 { return &c.Version }
	c, d := recordOf("a", "c", "u"), recordOf("a", "d", "w")
	exchanged(e, "two clients who exchange address and user", c, d, version, func(a, b *accounts.Client) {
		a.Email, b.Email, a.User, b.User = b.Email, a.Email, b.User, a.User
	}, world...)
	d.Email, d.User, d.DeletedAt = c.Email, c.User, minutes(1)
	exchanged(e, "a client who comes back and one who is deleted, of one address and user", c, d, version,
		func(a, b *accounts.Client) { a.DeletedAt, b.DeletedAt = b.DeletedAt, a.DeletedAt }, world...)

	world = append(world, record("a", "c"), record("a", "d"))
	exchanged(e, "two setup links that exchange secrets", setup("a", "c"), setup("a", "d"),
		func(l *invites.SetupLink) *int64 { return &l.Version },
		func(a, b *invites.SetupLink) { a.Hash, b.Hash = b.Hash, a.Hash }, world...)
	exchanged(e, "two views that exchange links and secrets", view("v", "a", "c", "u"), view("w", "a", "c", "u"),
		func(v *access.ViewAs) *int64 { return &v.Version },
		func(a, b *access.ViewAs) { a.Link, b.Link, a.Hash, b.Hash = b.Link, a.Link, b.Hash, a.Hash }, world...)
}
