package sqlstore_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/chatelaine-go/chatelaine/access"
	"github.com/chatelaine-go/chatelaine/access/token"
	"github.com/chatelaine-go/chatelaine/accounts"
	"github.com/chatelaine-go/chatelaine/invites"
	"github.com/chatelaine-go/chatelaine/storage/internal/sqlstore"
)

// A page of clients or sites is read in the order of an index, whatever it is
// filtered or searched by, and no search walks a list: what is sorted is a page
// of each part, and what waits for the index of words.
func TestReads_plans_of_clients(t *testing.T) {
	t.Parallel()
	hash := token.Hash{1}
	clients := func(q accounts.ClientRecordQuery) func(r *sqlstore.Reads) error {
		q.Account = "a"
		return drop(func(r *sqlstore.Reads) ([]accounts.ClientEntry, error) { return r.ClientRecords(t.Context(), q) })
	}
	sites := func(q accounts.SiteQuery) func(r *sqlstore.Reads) error {
		q.Account = "a"
		return drop(func(r *sqlstore.Reads) ([]accounts.Site, error) { return r.Sites(t.Context(), q) })
	}
	settingUp := func(q invites.SettingUpQuery) func(r *sqlstore.Reads) error {
		return drop(func(r *sqlstore.Reads) (invites.SettingUp, error) { return r.SettingUp(t.Context(), q) })
	}
	viewing := func(key access.ViewKey) func(r *sqlstore.Reads) error {
		return drop(func(r *sqlstore.Reads) (access.Viewing, error) { return r.Viewing(t.Context(), key) })
	}
	planned(t, []question{
		{name: "recording", uses: []string{"ch_clients_key", "ch_clients_email", "ch_clients_user", "ch_sites_key"}, ask: drop(func(r *sqlstore.Reads) (accounts.Recording, error) {
			return r.Recording(t.Context(), accounts.RecordingQuery{Account: "a", Client: "c", Email: "e@example.com", User: "u", Site: "s"})
		})},
		{name: "one client", uses: []string{"ch_clients_key"}, scans: []string{"k"}, sorts: 2, ask: clients(accounts.ClientRecordQuery{Client: "c"})},
		{name: "clients", uses: []string{"ch_clients_made"}, scans: []string{"k"}, sorts: 1, ask: clients(accounts.ClientRecordQuery{})},
		{name: "clients in a status", uses: []string{"ch_clients_status"}, scans: []string{"k", "x0"}, sorts: 1, ask: clients(accounts.ClientRecordQuery{Statuses: []accounts.ClientStatus{accounts.ClientActive}})},
		{name: "clients in three", uses: []string{"ch_clients_status"}, scans: []string{"k", "x0", "x1", "x2"}, sorts: 4, ask: clients(accounts.ClientRecordQuery{Statuses: []accounts.ClientStatus{accounts.ClientActive, accounts.ClientLead, accounts.ClientSuspended}})},
		{name: "clients without sites", uses: []string{"ch_clients_status"}, scans: []string{"x0"}, ask: clients(accounts.ClientRecordQuery{Statuses: []accounts.ClientStatus{accounts.ClientLead}})},
		{name: "clients with sites", uses: []string{"ch_clients_status"}, scans: []string{"x0"}, ask: clients(accounts.ClientRecordQuery{Statuses: []accounts.ClientStatus{accounts.ClientSiteAssigned}})},
		{name: "clients, searched", uses: []string{"ch_clients_late", "ch_clients_made"}, scans: searched("client"), sorts: 9, ask: clients(accounts.ClientRecordQuery{Search: "anna schmidt"})},
		{name: "clients, searched and filtered", uses: []string{"ch_clients_late", "ch_clients_made", "ch_clients_status"}, scans: searched("client"), sorts: 8, ask: clients(accounts.ClientRecordQuery{Search: "a", Statuses: []accounts.ClientStatus{accounts.ClientActive, accounts.ClientLead}})},
		{name: "sites", uses: []string{"ch_sites_made"}, scans: []string{"k"}, sorts: 1, ask: sites(accounts.SiteQuery{})},
		{name: "sites, searched", uses: []string{"ch_sites_late", "ch_sites_made"}, scans: searched("site"), sorts: 9, ask: sites(accounts.SiteQuery{Search: "anna schmidt"})},
		{name: "setting up, by client", uses: []string{"ch_clients_key", "ch_users_email", "ch_clients_user", "ch_identities_user"}, ask: settingUp(invites.SettingUpQuery{ClientKey: accounts.ClientKey{Account: "a", ID: "c"}, User: "u"})},
		{name: "setting up, by hash", uses: []string{"ch_setup_links_hash", "ch_clients_key"}, ask: settingUp(invites.SettingUpQuery{Hash: hash})},
		{name: "viewing by id", uses: []string{"ch_views_id"}, ask: viewing(access.ViewKey{ID: "v"})},
		{name: "viewing by link", uses: []string{"ch_views_link"}, ask: viewing(access.ViewKey{Link: hash})},
		{name: "viewing by hash", uses: []string{"ch_views_hash", "ch_clients_user"}, ask: viewing(access.ViewKey{Hash: hash})},
	})
}

// Of the parts of a search, three look up the rows whose words fit: those in
// order, those that wait, and those that came late, where they are few. The
// fourth walks the late ones, and another, where a status is looked for, its
// rows. None takes the way of another.
func TestReads_plan_of_search(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	for _, tt := range []struct {
		name     string
		statuses []accounts.ClientStatus
		want     map[string]int
	}{
		{name: "the whole list is searched", want: map[string]int{
			"INTEGER PRIMARY KEY (rowid=?)": 3, "INDEX ch_clients_late (account_id=? AND (created_at,id)<(?,?))": 1,
		}},
		{name: "a status is searched", statuses: []accounts.ClientStatus{accounts.ClientLead, accounts.ClientActive}, want: map[string]int{
			"INTEGER PRIMARY KEY (rowid=?)": 3, "INDEX ch_clients_late (account_id=? AND (created_at,id)<(?,?))": 1,
			"INDEX ch_clients_status (account_id=? AND status=? AND (created_at,id)<(?,?))": 1,
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			l := &last{Querier: f.Q}
			_, err := sqlstore.NewReads(l, f.D).ClientRecords(t.Context(), accounts.ClientRecordQuery{Account: "a", Search: "anna", Statuses: tt.statuses})
			require.NoError(t, err)
			all := strings.Join(plan(t, f, l), "\n")
			for how, n := range tt.want {
				require.Equal(t, n, strings.Count(all, "SEARCH o USING "+how), "%s\n%s", how, all)
			}
		})
	}
}

// Who has a site that is given, taken or removed is found by an index.
func TestWrites_plans_of_sites(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	c := least()
	c.Sites = []accounts.Site{{Version: 1}, {SiteKey: accounts.SiteKey{ID: "b"}, Version: 1, RemovedAt: now}}
	c.SiteAccess = []accounts.SiteAccess{{}}
	texts, err := sqlstore.Texts(sqlstore.NewWrites(nil, f.D), c, false)
	require.NoError(t, err)
	found := 0
	for _, text := range texts {
		if !strings.Contains(text, "SET sited") {
			continue
		}
		found++
		all := strings.Join(plan(t, f, &last{text: text, args: []any{"a", "a", "s", "a", "s"}[:strings.Count(text, "?")]}), "\n")
		require.NotContains(t, all, "SCAN", text)
		require.Contains(t, all, "SEARCH ch_clients USING INDEX ch_clients_key (account_id=? AND id=?)")
		if strings.Contains(text, "site_id = ?") {
			require.Contains(t, all, "INDEX ch_site_access_site (account_id=? AND site_id=?)")
		}
	}
	require.Equal(t, 3, found, "a site comes back, one is removed, one is given")
}

// searched is what a search may read from end to end: pages, its own pieces,
// as many rows of each as it is compared by, what it keeps of the rows that came
// late, and the rows that wait for the index of words. There are few of any.
func searched(of string) []string {
	return []string{
		"k", "x", "y", "z", "v", "n", "g", "p", "q", "r", "s", "json_each VIRTUAL TABLE INDEX 1:",
		"ch_" + of + "_words VIRTUAL TABLE INDEX 0:M1<", "ch_" + of + "_words VIRTUAL TABLE INDEX 0:M1>", "w VIRTUAL TABLE INDEX 0:M1>",
		"w USING COVERING INDEX sqlite_autoindex_ch_" + of + "_fresh_1",
	}
}
