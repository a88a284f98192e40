package accounts_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/chatelaine-go/chatelaine/accounts"
	"github.com/chatelaine-go/chatelaine/roles"
)

func importClient(id string) accounts.ImportClient {
	return accounts.ImportClient{
		Account: "studio", ID: accounts.ClientID(id), FirstName: "Ina", LastName: "Import", Email: id + "@clients.example", Company: "Co " + id,
		Postal: "Street\nTown", Phone: "1", Notes: "n", Locale: "de", CreatedAt: start.AddDate(-1, 0, 0),
	}
}

func importSite(id string) accounts.ImportSite {
	return accounts.ImportSite{Account: "studio", ID: accounts.SiteID(id), Name: "Imported " + id, Domain: id + ".example", CreatedAt: start.AddDate(-1, 0, 0)}
}

// Clients and sites come with an import, with who logs in and what they may do,
// without mail and quota; the same import again changes nothing and writes nothing
// (B11, A105).
func TestService_Import_clients(t *testing.T) {
	t.Parallel()

	w := studio(t)
	linked, plain := importClient("new"), importClient("other")
	linked.User = "nick"
	linked.Sites = []accounts.SiteChoice{choice("fresh", "EDIT"), choice("one")}
	in := accounts.Import{
		Users:   []accounts.ImportUser{importUser("ina")},
		Sites:   []accounts.ImportSite{importSite("fresh"), importSite("one")},
		Clients: []accounts.ImportClient{linked, plain},
	}
	version := w.account("studio").Version
	out := w.imports(in)
	require.Equal(t, []string{"created", "updated"}, outcomes(out.Sites))
	require.Equal(t, []string{"created", "created"}, outcomes(out.Clients))
	require.Equal(t, []int{4, 1, 0, 0}, []int{out.Created, out.Updated, out.Unchanged, out.Refused})
	require.Equal(t, version+1, w.account("studio").Version)

	e, err := w.recs.Client(t.Context(), job(), record("studio", "new"))
	require.NoError(t, err)
	require.Equal(t, accounts.Client{
		ClientState: accounts.ClientState{ClientKey: record("studio", "new"), User: "nick", Epoch: 1}, Version: 1,
		FirstName: "Ina", LastName: "Import", Email: "new@clients.example", Address: "new@clients.example", Company: "Co new", Postal: "Street\nTown",
		Phone: "1", Notes: "n", Locale: "de", ActiveAt: start, CreatedAt: start.AddDate(-1, 0, 0), UpdatedAt: start,
	}, e.Client)
	require.Len(t, e.Sites, 2)
	require.Equal(t, []roles.Permission{"EDIT", "BLOG", "LIMITED_EDITING"}, e.Sites[0].Permissions)
	require.Equal(t, accounts.ClientActive, e.Status())
	require.True(t, w.standing("nick", "studio").AsClient(accounts.Proof{Login: 1}))
	require.Equal(t, "Imported one", w.recording("studio", "", "one").Site.Name)
	require.Empty(t, w.mails(""))
	n, before := len(w.feed()), w.records("studio")

	out = w.imports(in)
	require.Equal(t, 5, out.Unchanged)
	require.Equal(t, before, w.records("studio"))
	require.Len(t, w.feed(), n)

	linked.User, linked.Company, linked.Sites = "", "Other", []accounts.SiteChoice{choice("one", "SEO")}
	out = w.imports(accounts.Import{Clients: []accounts.ImportClient{linked}})
	require.Equal(t, []string{"updated"}, outcomes(out.Clients))
	e, err = w.recs.Client(t.Context(), job(), record("studio", "new"))
	require.NoError(t, err)
	require.Equal(t, []any{"Other", accounts.UserID("nick"), 2}, []any{e.Client.Company, e.Client.User, len(e.Sites)}, "who logs in, and what is not named, stays")
	require.Len(t, w.feed(), n+2)
	require.Equal(t, accounts.EventSiteAssigned, w.feed()[n+1].Kind)
}

// A row is refused for what it says, or for what there is: it never undoes an
// end, never changes an address, and takes nobody else's (B11, A16, A77).
func TestService_Import_clientsRefused(t *testing.T) {
	t.Parallel()

	type set = func(w *world, c *accounts.ImportClient)
	for _, tt := range []struct {
		name, want string
		set        set
	}{
		{"no id", "refused invalid id", func(_ *world, c *accounts.ImportClient) { c.ID = "" }},
		{"no name", "refused invalid firstName", func(_ *world, c *accounts.ImportClient) { c.FirstName = "" }},
		{"no address", "refused invalid email", func(_ *world, c *accounts.ImportClient) { c.Email = "" }},
		{"a user's id that is none", "refused invalid user", func(_ *world, c *accounts.ImportClient) { c.User = "a b" }},
		{"too many sites", "refused invalid sites", func(_ *world, c *accounts.ImportClient) {
			for i := range 501 {
				c.Sites = append(c.Sites, choice(fmt.Sprint("s", i)))
			}
		}},
		{"a site twice", "refused invalid sites", func(_ *world, c *accounts.ImportClient) {
			c.Sites = []accounts.SiteChoice{choice("one"), choice("one")}
		}},
		{"a permission that there is not", "refused invalid sites", func(_ *world, c *accounts.ImportClient) {
			c.Sites = []accounts.SiteChoice{choice("one", "nothing")}
		}},
		{"before 1970", "refused invalid createdAt", func(_ *world, c *accounts.ImportClient) { c.CreatedAt = time.Unix(-1, 0) }},
		{"in the future", "refused invalid createdAt", func(_ *world, c *accounts.ImportClient) { c.CreatedAt = start.Add(time.Hour) }},
		{"an account that there is not", "refused not found", func(_ *world, c *accounts.ImportClient) { c.Account = "nowhere" }},
		{"an account that is closed", "refused invalid account", func(w *world, _ *accounts.ImportClient) {
			a := w.account("studio")
			a.ClosedAt = start
			w.put(a)
		}},
		{"a client who was deleted", "refused invalid id", func(w *world, c *accounts.ImportClient) {
			require.NoError(w.t, w.recs.Delete(context.Background(), w.as("ada"), record("studio", "guest")))
			c.ID = "guest"
		}},
		{"a client who is suspended", "refused invalid id", func(w *world, c *accounts.ImportClient) {
			require.NoError(w.t, w.recs.Suspend(context.Background(), w.as("ada"), record("studio", "guest")))
			c.ID, c.Email = "guest", "guest@clients.example"
		}},
		{"another address", "refused invalid email", func(_ *world, c *accounts.ImportClient) { c.ID = "guest" }},
		{"another client's address", "refused taken email", func(_ *world, c *accounts.ImportClient) { c.Email = "guest@clients.example" }},
		{"a member's address", "refused taken email", func(_ *world, c *accounts.ImportClient) { c.Email = "Abe@People.example" }},
		{"a user that there is not", "refused not found", func(_ *world, c *accounts.ImportClient) { c.User = "nobody" }},
		{"a user who is a member", "refused taken user", func(_ *world, c *accounts.ImportClient) { c.User = "abe" }},
		{"a user who is a client already", "refused taken user", func(_ *world, c *accounts.ImportClient) { c.User = "carl" }},
		{"another user than who logs in", "refused invalid user", func(_ *world, c *accounts.ImportClient) {
			c.ID, c.Email, c.User = "in", "in@clients.example", "nick"
		}},
		{"a site that was removed", "refused invalid sites", func(_ *world, c *accounts.ImportClient) {
			c.Sites = []accounts.SiteChoice{choice("gone")}
		}},
		{"another account's site", "refused invalid sites", func(_ *world, c *accounts.ImportClient) {
			c.Sites = []accounts.SiteChoice{choice("other")}
		}},
		{"a site that was taken away", "refused invalid sites", func(w *world, c *accounts.ImportClient) {
			_, err := w.recs.Unassign(context.Background(), w.as("mia"), accessKey("guest", "one"))
			require.NoError(w.t, err)
			c.ID, c.Email, c.Sites = "guest", "guest@clients.example", []accounts.SiteChoice{choice("one", "SEO")}
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			w := studio(t)
			row := importClient("row")
			tt.set(w, &row)
			before := w.records("studio")
			out := w.imports(accounts.Import{Clients: []accounts.ImportClient{row}})
			require.Equal(t, []string{tt.want}, outcomes(out.Clients))
			require.Equal(t, before, w.records("studio"), "nothing of the row was done")
		})
	}
}

// Rows that want one thing are all refused but for the one who has it: an id, an
// address, a user (B11).
func TestService_Import_clientsContested(t *testing.T) {
	t.Parallel()

	w := studio(t)
	with := func(id, email, user string) accounts.ImportClient {
		c := importClient(id)
		c.Email, c.User = email, accounts.UserID(user)
		return c
	}
	away := with("a", "same@else.example", "")
	away.Account = "rival"
	out := w.imports(accounts.Import{Clients: []accounts.ImportClient{
		with("a", "same@else.example", ""), with("b", "SAME@else.example", ""), away,
		with("guest", "guest@clients.example", ""), with("c", "guest@clients.example", ""),
		with("twice", "t1@else.example", ""), with("twice", "t2@else.example", ""),
		with("d", "d@else.example", "nick"), with("e", "e@else.example", "nick"),
		with("in", "in@clients.example", "carl"), with("f", "f@else.example", "carl"),
	}})
	require.Equal(t, []string{
		"refused taken email", "refused taken email", "created", "updated", "refused taken email", "refused invalid id", "refused invalid id",
		"refused taken user", "refused taken user", "updated", "refused taken user",
	}, outcomes(out.Clients))

	in := accounts.Import{
		Members: []accounts.ImportMember{importMember("studio", "nick", roles.Viewer), importMember("studio", "carl", roles.Viewer)},
		Clients: []accounts.ImportClient{with("g", "nick@people.example", "")},
	}
	out = w.imports(in)
	require.Equal(t, []string{"created", "refused taken user"}, outcomes(out.Members), "a client becomes no member")
	require.Equal(t, []string{"refused taken email"}, outcomes(out.Clients), "nor a member a client")
}

// Sites are refused for what breaks a rule, and never come back.
func TestService_Import_sitesRefused(t *testing.T) {
	t.Parallel()

	w := studio(t)
	bad := func(set func(s *accounts.ImportSite)) accounts.ImportSite {
		s := importSite("row")
		set(&s)
		return s
	}
	out := w.imports(accounts.Import{Sites: []accounts.ImportSite{
		bad(func(s *accounts.ImportSite) { s.ID = "" }), bad(func(s *accounts.ImportSite) { s.ID, s.Name = "r1", "" }),
		bad(func(s *accounts.ImportSite) { s.ID, s.URL = "r2", "ftp://x" }), bad(func(s *accounts.ImportSite) { s.ID, s.CreatedAt = "r3", start.Add(1000) }),
		bad(func(s *accounts.ImportSite) { s.ID, s.Account = "r4", "nowhere" }), bad(func(s *accounts.ImportSite) { s.ID = "gone" }),
		importSite("same"), importSite("same"),
	}})
	require.Equal(t, []string{
		"refused invalid id", "refused invalid name", "refused invalid url", "refused invalid createdAt", "refused not found", "refused invalid id",
		"refused invalid id", "refused invalid id",
	}, outcomes(out.Sites))
	require.Empty(t, w.feed())
	_, err := w.svc.Import(t.Context(), job(), accounts.Import{Clients: []accounts.ImportClient{{Sites: make([]accounts.SiteChoice, accounts.MaxImport)}}})
	require.Equal(t, "rows", field(t, err), "sites in rows count")
	_, err = w.svc.Import(t.Context(), w.as("abe"), accounts.Import{Sites: []accounts.ImportSite{importSite("x")}})
	require.ErrorIs(t, err, roles.ErrDenied)
}

// Whichever call of the store fails while clients are imported, what is there is
// what was before or what is after each group, and repeating the import completes
// it (A93, A96).
func TestService_Import_clientsFaults(t *testing.T) {
	t.Parallel()

	linked := importClient("new")
	linked.User, linked.Sites = "nick", []accounts.SiteChoice{choice("fresh", "EDIT"), choice("one")}
	in := accounts.Import{Sites: []accounts.ImportSite{importSite("fresh")}, Clients: []accounts.ImportClient{linked}}
	ref := studio(t)
	calls := 0
	_, err := ref.importing(func(string, bool) error { calls++; return nil }).Import(t.Context(), job(), in)
	require.NoError(t, err)
	for k := range calls {
		for _, fault := range []error{errBroken, accounts.ErrConflict} {
			w := studio(t)
			n := 0
			_, err := w.importing(func(string, bool) error {
				if n++; n == k+1 {
					return fault
				}
				return nil
			}).Import(t.Context(), job(), in)
			if errors.Is(fault, errBroken) {
				require.ErrorIs(t, err, errBroken)
			}
			out := w.imports(in)
			require.Zero(t, out.Refused)
			require.Equal(t, ref.entries("studio", accounts.ClientRecordQuery{}), w.entries("studio", accounts.ClientRecordQuery{}))
		}
	}
}
