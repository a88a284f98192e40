package storagetest

import (
	"fmt"
	"slices"
	"strings"

	"github.com/chatelaine-go/chatelaine/access"
	"github.com/chatelaine-go/chatelaine/accounts"
	"github.com/chatelaine-go/chatelaine/invites"
	"github.com/chatelaine-go/chatelaine/roles"
	"github.com/chatelaine-go/chatelaine/storage"
)

// searchChecks prove that a search finds a part of a name, and that nothing
// in it means anything else.
func searchChecks() []check {
	const inert = "text that people type must not be read as a pattern or as a statement (A104)"
	return []check{
		{"a search finds exactly the names that contain it", inert, func(e *env) {
			st := e.open()
			e.named(st)
			for _, term := range terms() {
				e.finds(st, term, contains(term))
			}
		}},
		{"a search finds exactly the addresses that contain it", inert, func(e *env) {
			st := e.open()
			e.addressed(st)
			for _, term := range append(terms(), "@", "@example", ".com", "+", "x+", "EXAMPLE.COM", "  o'hara@ ", "xn--") {
				e.findsAddresses(st, term)
			}
		}},
		{"a search is taken as people type it", "case, width and spaces are no part of a name key", func(e *env) {
			st := e.open()
			e.named(st)
			for typed, key := range map[string]string{
				"WOOL": "wool", "  100%  Wool ": "100% wool", "ＷＯＯＬ": "wool", "STRAẞE": "straße", "\tünÏ": "ünï", " ": "",
			} {
				e.finds(st, typed, contains(key))
			}
		}},
		{"a search and a page go together", inert, func(e *env) {
			st := e.open()
			e.named(st)
			want := contains("o")
			var got []string
			q := accounts.ReachQuery{User: "u", Proof: accounts.AnyLogin(), Search: "o", Limit: 2}
			for {
				page, err := st.Reach(e.ctx, q)
				e.ok(err, "Reach")
				e.holds(len(page) <= 2, "a page of at most 2 has %d entries", len(page))
				if len(page) == 0 {
					break
				}
				for _, r := range page {
					got = append(got, r.Name)
				}
				q.After = page[len(page)-1].Cursor()
			}
			e.same(got, want, "names with an o, in pages of two")
		}},
	}
}

// names are accounts', as people choose them.
func names() []string {
	return []string{
		"100% Wool", "100 Wools", "a_b", "axb", `back\slash`, "backslash", "O'Hara", "OHara", "Ünï Straße", "[ok]", "k",
		`say "hi"`, "say hi", "wool AND silk", "wool* silk", "Near(wool)", "x!y", "-1", "日本語の名前", "\U0001f600 smile",
	}
}

func terms() []string {
	return []string{
		"%", "_", `\`, "'", `"`, "*", "[", "]", "!", "-", "(", "wool", "100% wool", "0%", "a_b", "_b", `k\s`, "o'h", "''",
		`"hi"`, "and", "wool and", "wool*", "near(", "ünï", "straße", "本", "日本語", "名前", "\U0001f600", "o", "k", "oo", "a",
		"nothing of the sort", "%%", "__", "%wool%", "' or '1'='1", "'; --", "?", "$1", ":a", "NULL", "{p}", strings.Repeat("x", 300),
	}
}

// contains returns the names that contain the term, in the order of their keys.
func contains(term string) []string {
	var found []string
	for _, name := range names() {
		if strings.Contains(accounts.NameKey(name), accounts.NameKey(term)) {
			found = append(found, name)
		}
	}
	slices.SortFunc(found, func(a, b string) int { return strings.Compare(accounts.NameKey(a), accounts.NameKey(b)) })
	return found
}

// named has, under each name, an account that u can enter, an agency, a client
// and a member. Addresses and user names hold no part of any term.
func (e *env) named(st storage.Storage) {
	e.Helper()
	u, one, hub := user("u"), account("1"), agency("2")
	u.Email, u.Name = "", "9"
	one.Name, hub.Name = "9", "9"
	rows := []any{u, one, hub}
	for i, name := range names() {
		id := fmt.Sprint("2", i)
		client, other, v := account("4"+id), agency("5"+id), user("6"+id)
		client.Name, other.Name, v.Name, v.Email, v.Address = name, name, name, "", ""
		r := request("2", "7"+id, accounts.Email(id+"@8.eu"), "u")
		r.State, r.Client = access.Approved, client.ID
		c := connection("4"+id, "2", roles.Admin)
		c.Request = r.ID
		rows = append(rows, client, other, v, r, c, connection("1", "5"+id, roles.Admin), member("1", "6"+id, roles.Viewer),
			member("4"+id, "u", roles.Viewer))
	}
	e.put(st, rows...)
}

// finds asks every reader that searches.
func (e *env) finds(st storage.Storage, term string, want []string) {
	e.Helper()
	var reached, members, clients, agencies, lines []string
	reach, err := st.Reach(e.ctx, accounts.ReachQuery{User: "u", Proof: accounts.AnyLogin(), Search: term, Limit: all})
	e.ok(err, "Reach, search %q", term)
	for _, r := range reach {
		reached = append(reached, r.Name)
	}
	e.same(reached, want, "Reach, search %q", term)
	list, err := st.Members(e.ctx, accounts.MemberQuery{Account: "1", Search: term, Limit: all})
	e.ok(err, "Members, search %q", term)
	for _, m := range list {
		members = append(members, m.User.Name)
	}
	e.same(members, want, "Members, search %q", term)
	connected, err := st.Connections(e.ctx, accounts.ConnectionQuery{Agency: "2", Search: term, Limit: all})
	e.ok(err, "Connections of an agency, search %q", term)
	for _, c := range connected {
		clients = append(clients, c.Other.Name)
	}
	e.same(clients, want, "Connections of an agency, search %q", term)
	connected, err = st.Connections(e.ctx, accounts.ConnectionQuery{Client: "1", Search: term, Limit: all})
	e.ok(err, "Connections of a client, search %q", term)
	for _, c := range connected {
		agencies = append(agencies, c.Other.Name)
	}
	e.same(agencies, want, "Connections of a client, search %q", term)
	found, err := st.Clients(e.ctx, access.ClientsQuery{Agency: "2", At: start, Search: term, Limit: all})
	e.ok(err, "Clients, search %q", term)
	for _, c := range found {
		lines = append(lines, c.Account.Name)
	}
	slices.SortFunc(lines, func(a, b string) int { return strings.Compare(accounts.NameKey(a), accounts.NameKey(b)) })
	e.same(lines, want, "Clients, search %q", term)
}

// localParts are those of canonical addresses.
func localParts() []string {
	return []string{
		"100%wool", "100wool", "a_b", "axb", "o'hara", "ohara", "b+x", "-", "$1", "?", "a!b", "{p}", "wool*", "null", "k", "x`y", "and",
	}
}

// addressed has an invitation, a request and a member for each local part.
// Names hold no part of any term.
func (e *env) addressed(st storage.Storage) {
	e.Helper()
	a, g := account("1"), agency("2")
	a.Name, g.Name = "\u0436", "\u0436"
	rows := []any{a, g}
	var offers []any
	for i, part := range localParts() {
		v := user(fmt.Sprint("3", i))
		v.Name, v.Email = "\u0436", accounts.Email(part+"@xn--80ak6aa92e.example.com")
		r, o := request("2", fmt.Sprint("4", i), v.Email, "5"), invitation("1", fmt.Sprint("6", i), v.Email, "5")
		v.Address, r.Address, o.Address = "\u0436", "\u0436", "\u0436" // as it was typed: nobody searches in it
		rows, offers = append(rows, v, r, member("1", string(v.ID), roles.Viewer)), append(offers, o)
	}
	e.put(st, rows...)
	e.put(st, offers...)
}

func (e *env) findsAddresses(st storage.Storage, term string) {
	e.Helper()
	var want []accounts.Email
	for _, part := range localParts() {
		email := accounts.Email(part + "@xn--80ak6aa92e.example.com")
		if strings.Contains(string(email), accounts.NameKey(term)) {
			want = append(want, email)
		}
	}
	slices.Sort(want)
	var invited, requested, members []accounts.Email
	list, err := st.Invitations(e.ctx, invites.ListQuery{Account: "1", At: start, Search: term, Limit: all})
	e.ok(err, "Invitations, search %q", term)
	for _, l := range list {
		invited = append(invited, l.Invitation.Email)
	}
	clients, err := st.Clients(e.ctx, access.ClientsQuery{Agency: "2", At: start, Search: term, Limit: all})
	e.ok(err, "Clients, search %q", term)
	for _, c := range clients {
		requested = append(requested, c.Request.Email)
	}
	found, err := st.Members(e.ctx, accounts.MemberQuery{Account: "1", Search: term, Limit: all})
	e.ok(err, "Members, search %q", term)
	for _, m := range found {
		members = append(members, m.User.Email)
	}
	for what, got := range map[string][]accounts.Email{"Invitations": invited, "Clients": requested, "Members": members} {
		slices.Sort(got)
		e.same(got, want, "%s, search %q", what, term)
	}
}
