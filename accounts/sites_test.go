package accounts_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/chatelaine-go/chatelaine/accounts"
	"github.com/chatelaine-go/chatelaine/roles"
)

// A site is made on the spot, once for a key, found by what it says, and never
// under an id that was used before (C4, D6, A97).
func TestClients_CreateSite(t *testing.T) {
	t.Parallel()

	w := studio(t)
	ctx := t.Context()
	w.clock.Add(time.Second)
	in := accounts.CreateSite{Account: "studio", Name: "Zoë's Bäckerei", Alias: "zb", URL: "https://zoe.example/shop?x=1#top", Domain: "bücher.example", Key: "k"}
	got, err := w.recs.CreateSite(ctx, w.as("mia"), in)
	require.NoError(t, err)
	want := accounts.Site{
		SiteKey: accounts.SiteKey{Account: "studio", ID: got.ID}, Version: 1, Name: in.Name, Alias: "zb", URL: in.URL, Domain: in.Domain,
		CreatedAt: w.env.Now(), UpdatedAt: w.env.Now(),
	}
	require.Equal(t, want, got)
	e := w.one(0)
	require.Equal(t, []any{accounts.EventSiteCreated, got.ID, accounts.AccountID("studio")}, []any{e.Kind, e.Site, e.Account})
	again, err := w.recs.CreateSite(ctx, w.as("mia"), in)
	require.NoError(t, err)
	require.Equal(t, want, again)
	w.one(0)
	in.Name = "Other"
	_, err = w.recs.CreateSite(ctx, w.as("mia"), in)
	require.ErrorIs(t, err, accounts.ErrKeyReused)
	for _, id := range []accounts.SiteID{"one", "gone"} {
		_, err = w.recs.CreateSite(ctx, w.as("mia"), accounts.CreateSite{Account: "studio", ID: id, Name: "N"})
		require.Equal(t, "id", takenField(t, err))
	}
	for _, search := range []string{"zoë's", "zb", "zoe.example", "BÜCHER", "bä"} {
		list, err := w.recs.Sites(ctx, w.as("mia"), "studio", accounts.SitePage{Search: search})
		require.NoError(t, err)
		require.Equal(t, []accounts.Site{want}, list, search)
	}
	w.one(0)
}

// What breaks a rule is refused by the name of its field. A URL is one that a
// page can link to: no scheme but http and https, and nobody's password.
func TestClients_CreateSite_input(t *testing.T) {
	t.Parallel()

	w := studio(t)
	for _, tt := range []struct {
		field string
		in    accounts.CreateSite
	}{
		{"account", accounts.CreateSite{Name: "N"}},
		{"id", accounts.CreateSite{Account: "studio", ID: "a b", Name: "N"}},
		{"name", accounts.CreateSite{Account: "studio"}},
		{"name", accounts.CreateSite{Account: "studio", Name: strings.Repeat("n", 101)}},
		{"alias", accounts.CreateSite{Account: "studio", Name: "N", Alias: "a\nb"}},
		{"url", accounts.CreateSite{Account: "studio", Name: "N", URL: "javascript:alert(1)"}},
		{"url", accounts.CreateSite{Account: "studio", Name: "N", URL: "//example.com"}},
		{"url", accounts.CreateSite{Account: "studio", Name: "N", URL: "https://"}},
		{"url", accounts.CreateSite{Account: "studio", Name: "N", URL: "https://:443/"}},
		{"url", accounts.CreateSite{Account: "studio", Name: "N", URL: "https://ann:secret@example.com"}},
		{"url", accounts.CreateSite{Account: "studio", Name: "N", URL: "https://example.com/" + strings.Repeat("x", 2048)}},
		{"domain", accounts.CreateSite{Account: "studio", Name: "N", Domain: "not a domain"}},
		{"domain", accounts.CreateSite{Account: "studio", Name: "N", Domain: strings.Repeat("d", 254)}},
		{"key", accounts.CreateSite{Account: "studio", Name: "N", Key: strings.Repeat("k", 65)}},
	} {
		_, err := w.recs.CreateSite(t.Context(), w.as("mia"), tt.in)
		require.Equal(t, tt.field, field(t, err), "%+v", tt.in)
	}
	_, err := w.recs.PutSite(t.Context(), job(), accounts.PutSite{Account: "studio", Name: "N"})
	require.Equal(t, "id", field(t, err))
	require.Equal(t, "site", field(t, w.recs.RemoveSite(t.Context(), job(), accounts.SiteKey{Account: "studio"})))
	_, err = w.recs.Sites(t.Context(), w.as("mia"), "studio", accounts.SitePage{Search: "\n"})
	require.Equal(t, "search", field(t, err))
	require.Empty(t, w.feed())
}

// A job keeps sites in step: putting replaces the whole site, the same again
// changes nothing, and what was removed gives nobody anything and never comes
// back, nor does what clients had there (C4, A77, A41).
func TestClients_PutSite(t *testing.T) {
	t.Parallel()

	w := studio(t)
	ctx := t.Context()
	w.clock.Add(time.Minute)
	fresh := accounts.PutSite{Account: "studio", ID: "fresh", Name: "Fresh", URL: "http://fresh.example"}
	got, err := w.recs.PutSite(ctx, job(), fresh)
	require.NoError(t, err)
	require.Equal(t, w.recording("studio", "", "fresh").Site, got)
	require.Equal(t, accounts.EventSiteCreated, w.one(0).Kind)
	got, err = w.recs.PutSite(ctx, job(), accounts.PutSite{Account: "studio", ID: "one", Name: "Other name"})
	require.NoError(t, err)
	require.Equal(t, accounts.Site{
		SiteKey: accounts.SiteKey{Account: "studio", ID: "one"}, Version: 2, Name: "Other name", CreatedAt: start, UpdatedAt: w.env.Now(),
	}, got)
	require.Equal(t, w.recording("studio", "", "one").Site, got)
	require.Equal(t, accounts.EventSiteUpdated, w.one(1).Kind)
	same, err := w.recs.PutSite(ctx, job(), accounts.PutSite{Account: "studio", ID: "one", Name: "Other name"})
	require.NoError(t, err)
	require.Equal(t, got, same)
	w.one(1)

	require.Equal(t, 2, w.recording("studio", "guest", "one").Assigned)
	require.NoError(t, w.recs.RemoveSite(ctx, job(), got.SiteKey))
	require.NoError(t, w.recs.RemoveSite(ctx, job(), got.SiteKey))
	e := w.one(2)
	require.Equal(t, []any{accounts.EventSiteRemoved, accounts.SiteID("one"), "sync"}, []any{e.Kind, e.Site, e.By.System})
	require.Equal(t, 1, w.recording("studio", "guest", "one").Assigned)
	_, err = w.recs.PutSite(ctx, job(), accounts.PutSite{Account: "studio", ID: "one", Name: "Back"})
	require.Equal(t, "id", takenField(t, err))
	require.Equal(t, accounts.ErrNotFound, w.recs.RemoveSite(ctx, job(), accounts.SiteKey{Account: "studio", ID: "never"}))
	require.Equal(t, accounts.ErrNotFound, w.recs.RemoveSite(ctx, job(), accounts.SiteKey{Account: "rival", ID: "two"}), "another account's")
	require.Equal(t, accounts.ErrNotFound, w.recs.RemoveSite(ctx, job(), accounts.SiteKey{Account: "nowhere", ID: "two"}))
	require.NoError(t, w.svc.CloseAccount(ctx, job(), "rival"))
	require.Equal(t, accounts.ErrNotFound, ignore(w.recs.PutSite(ctx, job(), accounts.PutSite{Account: "rival", ID: "late", Name: "L"})))
	e4 := w.feed()
	require.Equal(t, accounts.EventAccountClosed, e4[len(e4)-1].Kind)
}

// Saving overwrites what a client may do on a site, completed with what it needs;
// an empty set keeps the site and shows nothing; the answer tells how the client
// stands. It holds at once, without another invitation (C3, C4, C5, A105).
func TestClients_Assign(t *testing.T) {
	t.Parallel()

	type ps = []roles.Permission
	for _, tt := range []struct {
		name  string
		given accounts.AssignSite
		want  accounts.ClientSites
		none  bool // nothing changes
	}{
		{"a lead gets a site", assignSite("lead", "one", "EDIT"), accounts.ClientSites{
			Status: accounts.ClientSiteAssigned, Permissions: ps{"EDIT", "BLOG", "LIMITED_EDITING"}, Sites: 1, Seen: 1,
		}, false},
		{"a lead gets a site with nothing on it", assignSite("lead", "one"), accounts.ClientSites{
			Status: accounts.ClientSiteAssigned, Permissions: ps{}, Sites: 1,
		}, false},
		{"another set replaces the one before", assignSite("guest", "one", "SEO", "STATS_TAB"), accounts.ClientSites{
			Status: accounts.ClientSiteAssigned, Permissions: ps{"STATS_TAB", "EDIT", "SEO", "BLOG", "LIMITED_EDITING"}, Sites: 2, Seen: 1,
		}, false},
		{"nothing is left on a site", assignSite("guest", "one"), accounts.ClientSites{
			Status: accounts.ClientSiteAssigned, Permissions: ps{}, Sites: 2,
		}, false},
		{"the same again", assignSite("guest", "one", "BLOG", "BLOG"), accounts.ClientSites{
			Status: accounts.ClientSiteAssigned, Permissions: ps{"BLOG"}, Sites: 2, Seen: 1,
		}, true},
		{"nothing again", assignSite("guest", "two"), accounts.ClientSites{
			Status: accounts.ClientSiteAssigned, Permissions: ps{}, Sites: 2, Seen: 1,
		}, true},
		{"an active client gets another site", assignSite("in", "two", "BLOG"), accounts.ClientSites{
			Status: accounts.ClientActive, Permissions: ps{"BLOG"}, Sites: 2, Seen: 2,
		}, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			w := studio(t)
			w.clock.Add(time.Second)
			before := w.recording("studio", string(tt.given.ID), string(tt.given.Site))
			got, err := w.recs.Assign(t.Context(), w.as("mia"), tt.given)
			require.NoError(t, err)
			require.Equal(t, tt.want, got)
			after := w.recording("studio", string(tt.given.ID), string(tt.given.Site))
			if tt.none {
				require.Equal(t, before, after)
				require.Empty(t, w.feed())
				return
			}
			e := w.one(0)
			require.Equal(t, []any{accounts.EventSiteAssigned, tt.given.ID, tt.given.Site, before.Client.User}, []any{e.Kind, e.Client, e.Site, e.User})
			require.Equal(t, before.Access.Version+1, after.Access.Version)
			require.Equal(t, before.Client.Version+1, after.Client.Version, "whoever counts or ends what they have notices")
			if len(got.Permissions) > 0 {
				require.Equal(t, got.Permissions, after.Access.Permissions)
			}
			require.Equal(t, before.Client.Epoch, after.Client.Epoch, "no link and no view ends")
			require.Empty(t, w.mails(""))
		})
	}
}

// What cannot be given is refused by its field: a site that is not the account's
// or was removed, a permission that the catalogue does not have, one site too
// many (A36, A42).
func TestClients_Assign_refused(t *testing.T) {
	t.Parallel()

	w := studio(t, func(o *accounts.EnvOptions) { o.Limits.SitesPerClient = 2 })
	ctx := t.Context()
	for _, tt := range []struct {
		field string
		in    accounts.AssignSite
	}{
		{"client", assignSite("", "one")},
		{"site", assignSite("guest", "")},
		{"site", assignSite("guest", "gone")},
		{"site", assignSite("guest", "other")},
		{"site", assignSite("guest", "three", "SEO")},
		{"permissions", assignSite("guest", "one", "clients.manage")},
	} {
		_, err := w.recs.Assign(ctx, w.as("mia"), tt.in)
		require.Equal(t, tt.field, field(t, err), "%+v", tt.in)
	}
	_, err := w.recs.Assign(ctx, w.as("mia"), assignSite("nobody", "one"))
	require.Equal(t, accounts.ErrNotFound, err)
	require.Empty(t, w.feed())
	_, err = w.recs.Assign(ctx, w.as("mia"), assignSite("guest", "two", "SEO"))
	require.NoError(t, err, "it is no other one")
	_, err = w.recs.Unassign(ctx, w.as("mia"), accessKey("guest", "two"))
	require.NoError(t, err)
	_, err = w.recs.Assign(ctx, w.as("mia"), assignSite("guest", "three", "SEO"))
	require.NoError(t, err)
}

// Taking away a site tells what is left. An active client without a site stays
// active, and whoever gets the site again has what is given then, and no more
// (C3, C8, A56, A77).
func TestClients_Unassign(t *testing.T) {
	t.Parallel()

	w := studio(t)
	ctx := t.Context()
	got, err := w.recs.Unassign(ctx, w.as("mia"), accessKey("in", "one"))
	require.NoError(t, err)
	require.Equal(t, accounts.ClientSites{Status: accounts.ClientActive}, got, "sees no site, and suspending is an option")
	e := w.one(0)
	require.Equal(t, []any{accounts.EventSiteUnassigned, accounts.ClientID("in"), accounts.SiteID("one"), accounts.UserID("carl")}, []any{e.Kind, e.Client, e.Site, e.User})
	_, err = w.recs.Unassign(ctx, w.as("mia"), accessKey("in", "one"))
	require.Equal(t, accounts.ErrNotFound, err)
	_, err = w.recs.Unassign(ctx, w.as("mia"), accessKey("in", "two"))
	require.Equal(t, accounts.ErrNotFound, err)
	got, err = w.recs.Assign(ctx, w.as("mia"), assignSite("in", "one"))
	require.NoError(t, err)
	require.Equal(t, accounts.ClientSites{Status: accounts.ClientActive, Permissions: []roles.Permission{}, Sites: 1}, got)
	require.Empty(t, w.recording("studio", "in", "one").Access.Permissions, "nothing comes back")
	r := w.recording("studio", "in", "one")
	require.Equal(t, []any{1, true, int64(3)}, []any{r.Assigned, r.Access.EndedAt.IsZero(), r.Access.Version}, "but the site does")

	got, err = w.recs.Unassign(ctx, w.as("mia"), accessKey("guest", "one"))
	require.NoError(t, err)
	require.Equal(t, accounts.ClientSites{Status: accounts.ClientSiteAssigned, Sites: 1}, got)
	got, err = w.recs.Unassign(ctx, w.as("mia"), accessKey("guest", "two"))
	require.NoError(t, err)
	require.Equal(t, accounts.ClientSites{Status: accounts.ClientLead}, got)
}
