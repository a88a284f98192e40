package accounts_test

import (
	"context"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/chatelaine-go/chatelaine/accounts"
	"github.com/chatelaine-go/chatelaine/mail"
	"github.com/chatelaine-go/chatelaine/roles"
)

// A client record is made with what was asked for, with its sites and completed
// permissions, one event for each, and no mail; it is found by what it says, and
// nobody can come in by it (C1, C3, C4, A105).
func TestClients_Create(t *testing.T) {
	t.Parallel()

	w := studio(t)
	ctx := t.Context()
	version := w.account("studio").Version
	in := accounts.CreateClient{
		Account: "studio", FirstName: "Nóra", LastName: "O'Hara-Łęcka", Email: " Nora.New@BÜCHER.example ", Company: "Bücher & Co; GmbH",
		Postal: "Straße 1\n10115 Berlin", Phone: "+49 (30) 12-34", Notes: "pays late\nlikes tea", Locale: "de",
		Sites: []accounts.SiteChoice{choice("two", "EDIT"), choice("one")},
	}
	got := w.create(in)
	c := got.Client
	require.NotEmpty(t, c.ID)
	require.Equal(t, accounts.Client{
		ClientState: accounts.ClientState{ClientKey: accounts.ClientKey{Account: "studio", ID: c.ID}, Epoch: 1}, Version: 1,
		FirstName: "Nóra", LastName: "O'Hara-Łęcka", Email: "nora.new@xn--bcher-kva.example", Address: "Nora.New@BÜCHER.example",
		Company: "Bücher & Co; GmbH", Postal: "Straße 1\n10115 Berlin", Phone: "+49 (30) 12-34", Notes: "pays late\nlikes tea", Locale: "de",
		CreatedAt: start, UpdatedAt: start,
	}, c)
	require.Equal(t, []accounts.SiteGrant{
		{Site: "one", Name: "Site one", Permissions: []roles.Permission{}},
		{Site: "two", Name: "Site two", Permissions: []roles.Permission{"EDIT", "BLOG", "LIMITED_EDITING"}},
	}, got.Sites, "by site, completed with what they need")
	require.Equal(t, accounts.ClientSiteAssigned, got.Status())
	require.Equal(t, version+1, w.account("studio").Version, "whoever adds a member at the same moment notices")

	stored, err := w.recs.Client(ctx, w.as("mia"), c.ClientKey)
	require.NoError(t, err)
	require.Equal(t, got.Client, stored.Client)
	require.Len(t, stored.Sites, 2)
	require.Equal(t, got.Sites[1], stored.Sites[1])

	var kinds []accounts.EventKind
	for i, e := range w.feed() {
		kinds = append(kinds, e.Kind)
		require.Equal(t, []any{i + 1, accounts.AccountID("studio"), c.ID, accounts.UserID("mia"), start}, []any{e.Seq, e.Account, e.Client, e.By.User, e.At})
	}
	require.Equal(t, []accounts.EventKind{accounts.EventClientCreated, accounts.EventSiteAssigned, accounts.EventSiteAssigned}, kinds)
	require.Empty(t, w.mails(""))
	for _, search := range []string{"nora", "łęcka", "NEW@bücher", "3012", "berlin", "& co", "gmbh"} {
		list, err := w.recs.List(ctx, w.as("mia"), "studio", accounts.ClientPage{Search: search})
		require.NoError(t, err)
		require.Len(t, list, 1, search)
		require.Equal(t, c.ID, list[0].Client.ID)
	}
	list, err := w.recs.List(ctx, w.as("mia"), "studio", accounts.ClientPage{Search: "late"})
	require.NoError(t, err)
	require.Empty(t, list, "notes are not searched")
}

// What breaks a rule is refused by the name of its field before anything is
// read, and nothing of it is stored (C1, A23, A42).
func TestClients_Create_input(t *testing.T) {
	t.Parallel()

	for _, tt := range []struct {
		name, field string
		set         func(in *accounts.CreateClient)
	}{
		{"no account", "account", func(in *accounts.CreateClient) { in.Account = "" }},
		{"an id with a space", "id", func(in *accounts.CreateClient) { in.ID = "a b" }},
		{"no first name", "firstName", func(in *accounts.CreateClient) { in.FirstName = " " }},
		{"a first name that is too long", "firstName", func(in *accounts.CreateClient) { in.FirstName = strings.Repeat("ä", 101) }},
		{"no last name", "lastName", func(in *accounts.CreateClient) { in.LastName = "" }},
		{"a name of two lines", "lastName", func(in *accounts.CreateClient) { in.LastName = "a\nb" }},
		{"no address", "email", func(in *accounts.CreateClient) { in.Email = "" }},
		{"two addresses", "email", func(in *accounts.CreateClient) { in.Email = "a@b.example,c@d.example" }},
		{"a company that is too long", "company", func(in *accounts.CreateClient) { in.Company = strings.Repeat("c", 201) }},
		{"a postal address that is too long", "postal", func(in *accounts.CreateClient) { in.Postal = strings.Repeat("c", 501) }},
		{"a postal address with a control character", "postal", func(in *accounts.CreateClient) { in.Postal = "a\x00b" }},
		{"a phone number that is too long", "phone", func(in *accounts.CreateClient) { in.Phone = strings.Repeat("1", 51) }},
		{"notes that are too long", "notes", func(in *accounts.CreateClient) { in.Notes = strings.Repeat("n", 10_001) }},
		{"notes that are no text", "notes", func(in *accounts.CreateClient) { in.Notes = "\xff" }},
		{"a language that is none", "locale", func(in *accounts.CreateClient) { in.Locale = "!" }},
		{"a key with a line break", "key", func(in *accounts.CreateClient) { in.Key = "a\n" }},
		{"a site without an id", "sites.site", func(in *accounts.CreateClient) { in.Sites = []accounts.SiteChoice{choice("")} }},
		{"a site twice", "sites", func(in *accounts.CreateClient) { in.Sites = []accounts.SiteChoice{choice("one"), choice("one")} }},
		{"a site that there is not", "sites.site", func(in *accounts.CreateClient) { in.Sites = []accounts.SiteChoice{choice("nowhere")} }},
		{"a site that was removed", "sites.site", func(in *accounts.CreateClient) { in.Sites = []accounts.SiteChoice{choice("gone")} }},
		{"another account's site", "sites.site", func(in *accounts.CreateClient) { in.Sites = []accounts.SiteChoice{choice("other")} }},
		{"a permission that there is not", "sites.permissions", func(in *accounts.CreateClient) { in.Sites = []accounts.SiteChoice{choice("one", "clients.manage")} }},
		{"more sites than a client can have", "sites", func(in *accounts.CreateClient) {
			for len(in.Sites) < 501 {
				in.Sites = append(in.Sites, choice("s"+strings.Repeat("x", len(in.Sites)%50)+string(rune('a'+len(in.Sites)%26))))
			}
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			w := studio(t)
			before := w.records("studio")
			in := newClient("new")
			tt.set(&in)
			_, err := w.recs.Create(t.Context(), w.as("mia"), in)
			require.Equal(t, tt.field, field(t, err))
			require.Equal(t, before, w.records("studio"), "and nothing is on record")
		})
	}
}

// One address is used once in an account, over its clients and its members,
// suspended ones included; other accounts' are their own business. Deleting a
// client, and the end of a membership, frees it (C1, A21, A36).
func TestClients_Create_taken(t *testing.T) {
	t.Parallel()

	w := studio(t)
	ctx := t.Context()
	suspended, ended := member("studio", "sue", roles.Viewer), member("studio", "eve", roles.Viewer)
	suspended.SuspendedAt, ended.EndedAt = start, start
	w.put(user("sue"), user("eve"), suspended, ended)
	before := len(w.feed())
	for name, email := range map[string]string{
		"a client's": "lead@clients.example", "a client's, spelled differently": "LEAD@Clients.Example",
		"a member's": "abe@people.example", "one's own": "mia@people.example", "a suspended member's": "sue@people.example",
	} {
		in := newClient("new")
		in.Email = email
		_, err := w.recs.Create(ctx, w.as("mia"), in)
		require.Equal(t, "email", takenField(t, err), name)
	}
	_, err := w.recs.Create(ctx, w.as("mia"), newClient("lead"))
	require.Equal(t, "id", takenField(t, err))
	require.Len(t, w.feed(), before, "it is no refusal of anybody")

	for id, email := range map[string]string{"former": "eve@people.example", "rivals": "ron@people.example", "stranger": "nick@people.example", "theirs": "carl@people.example"} {
		in := newClient(id)
		in.Email = email
		w.create(in)
	}
	require.NoError(t, w.recs.Delete(ctx, w.as("ada"), record("studio", "lead")))
	_, err = w.recs.Create(ctx, w.as("mia"), newClient("lead"))
	require.Equal(t, "id", takenField(t, err), "an id is never given again")
	in := newClient("again")
	in.Email = "lead@clients.example"
	require.Equal(t, accounts.ClientLead, w.create(in).Status(), "with nothing of the one before (A77)")
}

// The same key with the same input gives the same answer and one effect, with
// other input an error; what is kept for it names nobody, and whoever may not
// ask any more is not answered from it (D6, A97, I-27).
func TestClients_Create_once(t *testing.T) {
	t.Parallel()

	w := studio(t)
	ctx := t.Context()
	in := newClient("keyed")
	in.ID, in.Key, in.Notes, in.Sites = "", "k1", "Secret notes", []accounts.SiteChoice{choice("one", "SEO")}
	first := w.create(in)
	n := len(w.feed())
	again := w.create(in)
	require.Equal(t, first, again)
	require.Len(t, w.feed(), n)

	kept, err := w.st.Reply(ctx, accounts.ReplyKey{Actor: "user/mia", Account: "studio", Key: "k1"})
	require.NoError(t, err)
	require.True(t, json.Valid(kept.Answer))
	for _, s := range []string{"Nora", "clients.example", "Secret"} {
		require.NotContains(t, string(kept.Answer), s)
	}
	other := in
	other.LastName = "Other"
	_, err = w.recs.Create(ctx, w.as("mia"), other)
	require.ErrorIs(t, err, accounts.ErrKeyReused)

	require.NoError(t, w.recs.Delete(ctx, w.as("ada"), first.Client.ClientKey))
	again = w.create(in)
	require.Equal(t, first.Client.ID, again.Client.ID)
	require.Empty(t, again.Client.Email, "what was forgotten is not told")
	require.False(t, again.Client.DeletedAt.IsZero())

	require.NoError(t, w.svc.ChangeRole(ctx, w.as("abe"), "studio", "mia", roles.Author))
	_, err = w.recs.Create(ctx, w.as("mia"), in)
	require.ErrorIs(t, err, roles.ErrDenied)
}

// Details and notes change, the address never, and editing to what is there
// changes nothing (C1, C8).
func TestClients_Edit(t *testing.T) {
	t.Parallel()

	w := studio(t)
	ctx := t.Context()
	w.clock.Add(time.Minute)
	name, none, long := "Renamed", "", strings.Repeat("x", 201)
	got, err := w.recs.Edit(ctx, w.as("mia"), accounts.EditClient{ClientKey: record("studio", "guest"), LastName: &name, Company: &none})
	require.NoError(t, err)
	want := client("studio", "guest")
	want.LastName, want.Company, want.Version, want.UpdatedAt = "Renamed", "", 2, w.env.Now()
	require.Equal(t, want, got.Client)
	require.Len(t, got.Sites, 2)
	require.Equal(t, want, w.recording("studio", "guest", "").Client)
	require.Equal(t, accounts.EventClientUpdated, w.one(0).Kind)

	again, err := w.recs.Edit(ctx, w.as("mia"), accounts.EditClient{ClientKey: record("studio", "guest"), LastName: &name, Phone: &want.Phone})
	require.NoError(t, err)
	require.Equal(t, got, again)
	w.one(0)

	for _, tt := range []struct {
		field string
		in    accounts.EditClient
	}{
		{"client", accounts.EditClient{ClientKey: record("studio", "")}},
		{"firstName", accounts.EditClient{ClientKey: record("studio", "guest"), FirstName: &none}},
		{"lastName", accounts.EditClient{ClientKey: record("studio", "guest"), LastName: &none}},
		{"company", accounts.EditClient{ClientKey: record("studio", "guest"), Company: &long}},
		{"phone", accounts.EditClient{ClientKey: record("studio", "guest"), Phone: &long}},
		{"locale", accounts.EditClient{ClientKey: record("studio", "guest"), Locale: &long}},
	} {
		_, err := w.recs.Edit(ctx, w.as("mia"), tt.in)
		require.Equal(t, tt.field, field(t, err))
	}
	_, err = w.recs.Edit(ctx, w.as("mia"), accounts.EditClient{ClientKey: record("studio", "nobody"), LastName: &name})
	require.Equal(t, accounts.ErrNotFound, err)
	w.one(0)
}

// Lists show the account's own clients, newest first, page by page, with status
// and sites, filtered; a cursor of another account shows nothing of it (C2, A36,
// A104, I-28).
func TestClients_List(t *testing.T) {
	t.Parallel()

	w := studio(t)
	ctx := t.Context()
	w.clock.Add(time.Second)
	w.create(newClient("new"))
	var ids []accounts.ClientID
	page := accounts.ClientPage{Limit: 2}
	for {
		list, err := w.recs.List(ctx, w.as("mia"), "studio", page)
		require.NoError(t, err)
		for _, e := range list {
			ids = append(ids, e.Client.ID)
			require.Equal(t, accounts.AccountID("studio"), e.Client.Account)
		}
		if len(list) < 2 {
			break
		}
		page.Before = list[1].Cursor()
	}
	require.Equal(t, []accounts.ClientID{"new", "lead", "in", "guest"}, ids)
	for status, want := range map[accounts.ClientStatus]accounts.ClientID{
		accounts.ClientActive: "in", accounts.ClientSiteAssigned: "guest",
	} {
		list, err := w.recs.List(ctx, staff(), "studio", accounts.ClientPage{Statuses: []accounts.ClientStatus{status}})
		require.NoError(t, err)
		require.Len(t, list, 1, status)
		require.Equal(t, want, list[0].Client.ID)
		require.Equal(t, status, list[0].Status())
	}
	list, err := w.recs.List(ctx, job(), "studio", accounts.ClientPage{Statuses: []accounts.ClientStatus{accounts.ClientInvited, accounts.ClientSuspended}})
	require.NoError(t, err)
	require.Empty(t, list)
	for want, page := range map[string]accounts.ClientPage{
		"statuses": {Statuses: []accounts.ClientStatus{"deleted"}}, "search": {Search: "a\nb"},
	} {
		_, err := w.recs.List(ctx, w.as("mia"), "studio", page)
		require.Equal(t, want, field(t, err))
	}
	list, err = w.recs.List(ctx, w.as("ron"), "rival", accounts.ClientPage{Before: accounts.ClientCursor{CreatedAt: start.Add(time.Hour), ID: "new"}})
	require.NoError(t, err)
	require.Len(t, list, 1)
	require.Equal(t, accounts.AccountID("rival"), list[0].Client.Account)
	_, err = w.recs.Client(ctx, w.as("ron"), record("rival", "guest"))
	require.Equal(t, accounts.ErrNotFound, err, "another account's id names nothing here")
	_, err = w.recs.Client(ctx, w.as("ron"), record("studio", "guest"))
	require.Equal(t, accounts.ErrNotFound, err)
}

// Suspending keeps the client's user out of this account by every route at the
// next check, ends links and views by the epoch and takes back unsent mail; it
// touches neither the login nor another account's record. Reactivating revives
// neither sessions nor links (C9, A74, A75, D6, I-19).
func TestClients_Suspend(t *testing.T) {
	t.Parallel()

	w := studio(t)
	ctx := t.Context()
	w.put(connection("studio", "rival", roles.Manager), member("rival", "carl", roles.Viewer), assignment("studio", "rival", "carl", roles.Viewer))
	for id, reason := range map[string]mail.Reason{
		"mine": accounts.RecordReason(record("studio", "in")), "below": mail.ReasonFor("account", "studio", "record", "in", "setup"),
		"others": accounts.RecordReason(record("studio", "in2")), "theirs": accounts.RecordReason(record("rival", "in")),
	} {
		m := w.letter(user("carl"), id)
		m.Reason = reason
		w.put(m)
	}
	carl := w.means("carl")
	before := w.recording("rival", "in", "other")
	require.True(t, w.standing("carl", "studio").AsClient(accounts.Proof{Login: 1}))
	require.Equal(t, roles.Viewer, w.rights("carl", "studio").Delegated())
	w.clock.Add(time.Minute)

	require.NoError(t, w.recs.Suspend(ctx, w.as("ada"), record("studio", "in")))
	s := w.standing("carl", "studio")
	require.True(t, s.Barred(accounts.AnyLogin()))
	require.True(t, w.rights("carl", "studio").None(), "by every route")
	require.False(t, s.AsClient(accounts.AnyLogin()))
	require.Equal(t, int64(2), s.Client.Epoch)
	e := w.one(0)
	require.Equal(t, []any{accounts.EventClientSuspended, accounts.ClientID("in"), accounts.UserID("carl"), accounts.UserID("ada")}, []any{e.Kind, e.Client, e.User, e.By.User})
	states := map[string]mail.State{}
	for _, m := range w.mails("") {
		states[m.ID] = m.State
	}
	require.Equal(t, map[string]mail.State{"mine-carl": mail.Cancelled, "below-carl": mail.Cancelled, "others-carl": mail.Queued, "theirs-carl": mail.Queued}, states)
	require.Equal(t, carl, w.means("carl"), "the login is the person's own")
	require.Equal(t, before, w.recording("rival", "in", "other"))
	require.True(t, w.standing("carl", "rival").AsClient(accounts.AnyLogin()))

	require.NoError(t, w.recs.Suspend(ctx, w.as("ada"), record("studio", "in")))
	w.one(0)
	require.NoError(t, w.recs.Reactivate(ctx, w.as("ada"), record("studio", "in")))
	require.NoError(t, w.recs.Reactivate(ctx, w.as("ada"), record("studio", "in")))
	require.Equal(t, accounts.EventClientReactivated, w.one(1).Kind)
	c := w.standing("carl", "studio").Client
	require.Equal(t, []any{int64(2), int64(1), w.env.Now(), true}, []any{c.Epoch, c.After, c.AfterAt, c.SuspendedAt.IsZero()})
	require.False(t, w.standing("carl", "studio").AsClient(accounts.Proof{Login: 1}), "the login of before")
	require.False(t, w.standing("carl", "studio").AsClient(accounts.Proof{At: w.env.Now()}))
	require.True(t, w.standing("carl", "studio").AsClient(accounts.Proof{Login: 2}))
	require.True(t, w.standing("carl", "studio").AsClient(accounts.Proof{At: w.env.Now().Add(1)}))
}

// Suspending works before the first login, and reactivating leaves nobody behind
// whose login would not count.
func TestClients_Suspend_beforeLogin(t *testing.T) {
	t.Parallel()

	w := studio(t)
	ctx := t.Context()
	key := record("studio", "lead")
	require.NoError(t, w.recs.Suspend(ctx, w.as("abe"), key))
	e, err := w.recs.Client(ctx, w.as("mia"), key)
	require.NoError(t, err)
	require.Equal(t, accounts.ClientSuspended, e.Status())
	require.NoError(t, w.recs.Reactivate(ctx, w.as("abe"), key))
	e, err = w.recs.Client(ctx, w.as("mia"), key)
	require.NoError(t, err)
	require.Equal(t, accounts.ClientLead, e.Status())
	require.Equal(t, []any{int64(2), int64(0), true}, []any{e.Client.Epoch, e.Client.After, e.Client.AfterAt.IsZero()})
}

// A deleted client is gone for good: no field, no site, no unsent mail, no way
// in; the audit and the id stay. The login and another account's record of the
// person are untouched (C10, A75, A76, A77, I-20).
func TestClients_Delete(t *testing.T) {
	t.Parallel()

	for name, id := range map[string]string{"one who was here": "in", "one who never was": "guest"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := studio(t)
			ctx := t.Context()
			key := record("studio", id)
			m := w.letter(user("carl"), "mine")
			m.Reason = accounts.RecordReason(key)
			w.put(m)
			carl, other := w.means("carl"), w.recording("rival", "in", "other")
			was := w.recording("studio", id, "one").Client
			w.clock.Add(time.Minute)
			require.NoError(t, w.recs.Delete(ctx, w.as("ada"), key))

			c := w.recording("studio", id, "one").Client
			require.Equal(t, accounts.Client{
				ClientState: accounts.ClientState{ClientKey: key, Epoch: 2, DeletedAt: w.env.Now()}, Version: 2, Locale: "de",
				InvitedAt: was.InvitedAt, ActiveAt: was.ActiveAt, CreatedAt: start, UpdatedAt: w.env.Now(),
			}, c)
			require.False(t, w.standing("carl", "studio").Client.There() && id == "in")
			require.Equal(t, mail.Cancelled, w.mails("")[0].State)
			require.Equal(t, []any{carl, other}, []any{w.means("carl"), w.recording("rival", "in", "other")})
			e := w.one(0)
			require.Equal(t, []any{accounts.EventClientDeleted, accounts.ClientID(id), was.User}, []any{e.Kind, e.Client, e.User})
			for _, entry := range w.entries("studio", accounts.ClientRecordQuery{}) {
				require.NotEqual(t, key, entry.Client.ClientKey)
			}
			for what, err := range map[string]error{
				"delete":     w.recs.Delete(ctx, w.as("ada"), key),
				"suspend":    w.recs.Suspend(ctx, w.as("ada"), key),
				"reactivate": w.recs.Reactivate(ctx, w.as("ada"), key),
				"read":       ignore(w.recs.Client(ctx, w.as("ada"), key)),
				"edit":       ignore(w.recs.Edit(ctx, w.as("ada"), accounts.EditClient{ClientKey: key})),
				"assign":     ignore(w.recs.Assign(ctx, w.as("ada"), assignSite(id, "three"))),
				"unassign":   ignore(w.recs.Unassign(ctx, w.as("ada"), accessKey(id, "one"))),
			} {
				require.Equal(t, accounts.ErrNotFound, err, what)
			}
			w.one(0)
		})
	}
}

// A suspended record bars its user from the account by every route. Deleting it
// would lift that, so while they have another way in it is refused: what is
// deleted never lets anybody in (A41).
func TestClients_Delete_keepsOut(t *testing.T) {
	t.Parallel()

	w := studio(t)
	ctx := t.Context()
	carl := record("studio", "in")
	w.put(connection("studio", "rival", roles.Manager), member("rival", "carl", roles.Viewer), assignment("studio", "rival", "carl", roles.Viewer))
	require.Equal(t, roles.Viewer, w.rights("carl", "studio").Delegated())
	out := func() {
		t.Helper()
		err := w.recs.Delete(ctx, w.as("ada"), carl)
		require.ErrorContains(t, err, "end that connection first")
		require.Equal(t, "client", field(t, err))
	}
	require.NoError(t, w.recs.Suspend(ctx, w.as("ada"), carl))
	out()
	require.True(t, w.rights("carl", "studio").None())
	require.NoError(t, w.recs.Reactivate(ctx, w.as("ada"), carl))
	out() // a login of before is kept out still
	w.clock.Add(24*time.Hour - time.Microsecond)
	require.ErrorContains(t, w.recs.Delete(ctx, admitted("ada", w.env.Now()), carl), "end that connection first")
	w.clock.Add(time.Microsecond)
	require.NoError(t, w.recs.Delete(ctx, admitted("ada", w.env.Now()), carl), "none of these is left")
	require.Equal(t, roles.Viewer, w.rights("carl", "studio").Delegated(), "what they had before it, they have")
}

// Deleting wants a fresh login, or with identity confirmation on a code for this
// act at this account, which is used up by it (A71).
func TestClients_Delete_stepUp(t *testing.T) {
	t.Parallel()

	w := studio(t)
	ctx := t.Context()
	old := admitted("ada", start.Add(-10*time.Minute))
	require.Equal(t, accounts.ErrStepUp, w.recs.Delete(ctx, old, record("studio", "in")))
	require.NoError(t, w.recs.Suspend(ctx, old, record("studio", "in")), "what can be undone does not")

	u := confirming("dot")
	w.put(u, member("studio", "dot", roles.Admin), passed("dot", accounts.EventClientDeleted, "rival"))
	err := w.recs.Delete(ctx, w.as("dot"), record("studio", "in"))
	require.Equal(t, &accounts.CodeError{Action: accounts.EventClientDeleted, Account: "studio"}, err)
	w.put(passed("dot", accounts.EventClientDeleted, "studio"))
	require.NoError(t, w.recs.Suspend(ctx, w.as("dot"), record("studio", "guest")), "and uses up no code")
	require.NoError(t, w.recs.Delete(ctx, w.as("dot"), record("studio", "in")))
	require.ErrorIs(t, w.recs.Delete(ctx, w.as("dot"), record("studio", "guest")), accounts.ErrStepUp, "a code is good once")
}

// A client is told why they see an account, and who does not any more learns no
// more of it; a client of one account is a stranger at another. Whoever reads the
// audit is told too (D2, A36).
func TestService_Explain_clients(t *testing.T) {
	t.Parallel()

	w := studio(t)
	ctx := t.Context()
	key := accounts.StandingKey{User: "carl", Account: "studio"}
	for _, actor := range []accounts.Actor{w.as("carl"), w.as("ada"), staff()} {
		list, err := w.svc.Explain(ctx, actor, key)
		require.NoError(t, err)
		require.Equal(t, []any{accounts.ClientID("in"), true, "STUDIO"}, []any{list[0].Client, list[0].Rights.None(), list[0].Account.Name})
	}
	require.NoError(t, w.recs.Suspend(ctx, w.as("ada"), record("studio", "in")))
	list, err := w.svc.Explain(ctx, w.as("carl"), key)
	require.NoError(t, err)
	require.Equal(t, []any{accounts.ClientID(""), accounts.WhyClientSuspended, accounts.AccountState{ID: "studio"}}, []any{list[0].Client, list[0].Barred, list[0].Account})
	require.NoError(t, w.recs.Delete(ctx, w.as("ada"), record("studio", "in")))
	require.Equal(t, accounts.ErrNotFound, ignore(w.svc.Explain(ctx, w.as("carl"), key)))
	require.Equal(t, accounts.ErrNotFound, ignore(w.svc.Explain(ctx, w.as("nick"), accounts.StandingKey{User: "nick", Account: "studio"})))

	routes, err := w.svc.Reach(ctx, w.as("carl"), "carl", accounts.ReachPage{})
	require.NoError(t, err)
	require.Equal(t, []accounts.Reached{{Account: "rival", Name: "RIVAL", Kind: accounts.RouteClient, Client: "in"}}, routes)
}

// A service without a store is refused, and one without an environment takes
// the defaults.
func TestNewClients(t *testing.T) {
	t.Parallel()

	_, err := accounts.NewClients(nil, nil)
	require.Equal(t, "store", field(t, err))
	w := studio(t)
	s, err := accounts.NewClients(w.st, nil)
	require.NoError(t, err)
	list, err := s.List(context.WithoutCancel(t.Context()), job(), "studio", accounts.ClientPage{})
	require.NoError(t, err)
	require.Len(t, list, 3)
}
