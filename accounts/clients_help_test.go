package accounts_test

import (
	"errors"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/chatelaine-go/chatelaine/accounts"
	"github.com/chatelaine-go/chatelaine/roles"
)

func record(account, id string) accounts.ClientKey {
	return accounts.ClientKey{Account: accounts.AccountID(account), ID: accounts.ClientID(id)}
}

// client is a record whose texts tell whose they are.
func client(account, id string) accounts.Client {
	return accounts.Client{
		ClientState: accounts.ClientState{ClientKey: record(account, id), Epoch: 1},
		FirstName:   "First " + id, LastName: "Last " + id, Email: accounts.Email(id + "@clients.example"), Address: id + "@clients.example",
		Company: "Company of " + id, Postal: "Street of " + id + "\nTown", Phone: "+49 30 " + id, Notes: "Notes on " + id, Locale: "de",
		CreatedAt: start, UpdatedAt: start,
	}
}

// joined is a client as which a user logs in.
func joined(account, id, user string) accounts.Client {
	c := client(account, id)
	c.User, c.InvitedAt, c.ActiveAt = accounts.UserID(user), start, start
	return c
}

func site(account, id string) accounts.Site {
	return accounts.Site{
		SiteKey: accounts.SiteKey{Account: accounts.AccountID(account), ID: accounts.SiteID(id)},
		Name:    "Site " + id, Alias: "alias-" + id, URL: "https://" + id + ".example/", Domain: id + ".example", CreatedAt: start, UpdatedAt: start,
	}
}

func mayOn(account, client, site string, may ...roles.Permission) accounts.SiteAccess {
	return accounts.SiteAccess{
		SiteAccessKey: accounts.SiteAccessKey{Account: accounts.AccountID(account), Client: accounts.ClientID(client), Site: accounts.SiteID(site)},
		Permissions:   may, CreatedAt: start, UpdatedAt: start,
	}
}

// studio is an agency that keeps client records: abe owns it, mia is a Manager
// and ada an Admin. The client lead has nothing, guest has two sites, of which
// one shows nothing, and in was here as the user carl. There are the sites one,
// two and three, and gone, which was removed. Another agency, rival, has a client
// for carl, and sites of its own.
func studio(t testing.TB, change ...func(*accounts.EnvOptions)) *world {
	t.Helper()
	w := newWorld(t, change...)
	gone := site("studio", "gone")
	gone.RemovedAt = start
	w.put(agency("studio"), agency("rival"), user("abe"), user("ada"), user("mia"), user("ron"), user("carl"), user("nick"),
		member("studio", "abe", roles.Owner), member("studio", "ada", roles.Admin), member("studio", "mia", roles.Manager),
		member("rival", "ron", roles.Owner),
		client("studio", "lead"), client("studio", "guest"), joined("studio", "in", "carl"), joined("rival", "in", "carl"),
		site("studio", "one"), site("studio", "two"), site("studio", "three"), gone, site("rival", "other"),
		mayOn("studio", "guest", "one", "BLOG"), mayOn("studio", "guest", "two"), mayOn("studio", "in", "one", "STATS_TAB"),
		mayOn("studio", "in", "gone", "STATS_TAB"), mayOn("rival", "in", "other", "SEO"))
	return w
}

// recording reads a client record with one of its sites.
func (w *world) recording(account, client, site string) accounts.Recording {
	w.t.Helper()
	r, err := w.st.Recording(w.t.Context(), accounts.RecordingQuery{
		Account: accounts.AccountID(account), Client: accounts.ClientID(client), Site: accounts.SiteID(site),
	})
	require.NoError(w.t, err)
	return r
}

// records writes down everything that is kept of the clients and sites of an
// account, with the audit of the world and its mail.
func (w *world) records(accountID string) string {
	w.t.Helper()
	ctx, id := w.t.Context(), accounts.AccountID(accountID)
	text := ""
	for _, e := range w.entries(accountID, accounts.ClientRecordQuery{}) {
		text += fmt.Sprintf("%+v\n", e)
	}
	for _, c := range []string{"lead", "guest", "in", "new"} {
		for _, s := range []string{"one", "two", "three", "gone", "fresh"} {
			r := w.recording(accountID, c, s)
			text += fmt.Sprintf("%s %s: %+v %+v %+v\n", c, s, r.Client, r.Site, r.Access)
		}
	}
	sites, err := w.st.Sites(ctx, accounts.SiteQuery{Account: id, Limit: 1000})
	require.NoError(w.t, err)
	return text + fmt.Sprintf("%+v\n%+v\n%+v\n", sites, w.feed(), w.mails(""))
}

func (w *world) entries(account string, q accounts.ClientRecordQuery) []accounts.ClientEntry {
	w.t.Helper()
	q.Account, q.Limit = accounts.AccountID(account), 1000
	list, err := w.st.ClientRecords(w.t.Context(), q)
	require.NoError(w.t, err)
	return list
}

// tappedRecords returns the service of client records on the tapped store.
func (w *world) tappedRecords(hook func(method string, after bool) error) *accounts.Clients {
	return w.recs.With(importTap{&tap{Store: w.st, hook: hook}})
}

// create makes a client as mia and asks that nothing fails.
func (w *world) create(in accounts.CreateClient) accounts.ClientEntry {
	w.t.Helper()
	if in.Account == "" {
		in.Account = "studio"
	}
	e, err := w.recs.Create(w.t.Context(), w.as("mia"), in)
	require.NoError(w.t, err)
	return e
}

func newClient(id string) accounts.CreateClient {
	return accounts.CreateClient{Account: "studio", ID: accounts.ClientID(id), FirstName: "Nora", LastName: "New", Email: id + "@clients.example"}
}

// takenField returns the field that is somebody else's.
func takenField(t testing.TB, err error) string {
	t.Helper()
	var taken *accounts.TakenError
	require.ErrorAs(t, err, &taken)
	require.ErrorIs(t, err, accounts.ErrTaken)
	return taken.Field
}

func choice(site string, may ...roles.Permission) accounts.SiteChoice {
	return accounts.SiteChoice{Site: accounts.SiteID(site), Permissions: may}
}

func assignSite(client, site string, may ...roles.Permission) accounts.AssignSite {
	return accounts.AssignSite{ClientKey: record("studio", client), SiteChoice: choice(site, may...)}
}

func accessKey(client, site string) accounts.SiteAccessKey {
	return accounts.SiteAccessKey{Account: "studio", Client: accounts.ClientID(client), Site: accounts.SiteID(site)}
}

// nothing is a writer that takes n bytes.
type nothing struct{ n int }

func (w *nothing) Write(p []byte) (int, error) {
	if w.n -= len(p); w.n < 0 {
		return 0, errFull
	}
	return len(p), nil
}

var errFull = errors.New("no space left")
