package accounts_test

import (
	"bytes"
	"cmp"
	"encoding/csv"
	"errors"
	"fmt"
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/chatelaine-go/chatelaine/accounts"
	"github.com/chatelaine-go/chatelaine/roles"
)

// life is a plain model of an account's clients, their sites and its members,
// beside the service that it is compared with.
type life struct {
	w       *world
	clients map[accounts.ClientID]*lifeClient
	sites   map[accounts.SiteID]bool // live or not
	members map[string]bool          // addresses
	users   []accounts.UserID        // who came in, in order; each with one login
}

type lifeClient struct {
	email                               string
	user                                accounts.UserID
	invited, active, suspended, deleted bool
	barred                              bool // a login of before the reactivation
	epoch                               int64
	made                                time.Time
	sites                               map[accounts.SiteID]int // how many permissions; not there: taken away
}

var errTaken, errInvalid, errMissing = accounts.ErrTaken, accounts.ErrInvalid, accounts.ErrNotFound

func newLife(t testing.TB) *life {
	t.Helper()
	w := newWorld(t)
	w.put(agency("studio"), user("abe"), member("studio", "abe", roles.Owner), user("nick"))
	return &life{
		w: w, clients: map[accounts.ClientID]*lifeClient{}, sites: map[accounts.SiteID]bool{},
		members: map[string]bool{"abe@people.example": true},
	}
}

// agreed compares how a call ended with what the model says.
func agreed(t *rapid.T, got, want error) bool {
	if !errors.Is(got, want) {
		t.Fatalf("got %v, want %v", got, want)
	}
	return want == nil
}

func (l *life) actor() accounts.Actor { return l.w.as("abe") }

func (l *life) id(t *rapid.T) accounts.ClientID {
	return accounts.ClientID(fmt.Sprintf("c%d", rapid.IntRange(0, 3).Draw(t, "client")))
}

func (l *life) site(t *rapid.T) accounts.SiteID {
	return accounts.SiteID(fmt.Sprintf("s%d", rapid.IntRange(0, 2).Draw(t, "site")))
}

func (l *life) there(id accounts.ClientID) (*lifeClient, error) {
	if c := l.clients[id]; c != nil && !c.deleted {
		return c, nil
	}
	return &lifeClient{}, errMissing
}

// taken reports whether a client that is there, or a member, has an address.
func (l *life) taken(email string) bool {
	for _, c := range l.clients {
		if !c.deleted && c.email == email {
			return true
		}
	}
	return l.members[email]
}

func (l *life) create(t *rapid.T) {
	id := l.id(t)
	email := rapid.SampledFrom([]string{"a@c.example", "b@c.example", "c@c.example", "abe@people.example", "nick@people.example"}).Draw(t, "email")
	choices, chosen := []accounts.SiteChoice(nil), map[accounts.SiteID]int{}
	var want error
	if rapid.Bool().Draw(t, "with a site") {
		site := l.site(t)
		choices = []accounts.SiteChoice{{Site: site, Permissions: []roles.Permission{"EDIT"}}}
		chosen[site] = 3
		if !l.sites[site] {
			want = errInvalid
		}
	}
	if l.clients[id] != nil || l.taken(email) {
		want = errTaken
	}
	_, err := l.w.recs.Create(l.w.t.Context(), l.actor(), accounts.CreateClient{
		Account: "studio", ID: id, FirstName: "F", LastName: "L", Email: email, Sites: choices,
	})
	if agreed(t, err, want) {
		l.clients[id] = &lifeClient{email: email, epoch: 1, made: l.w.env.Now(), sites: chosen}
	}
}

func (l *life) edit(t *rapid.T) {
	id, company := l.id(t), rapid.SampledFrom([]string{"", "Acme"}).Draw(t, "company")
	_, want := l.there(id)
	_, err := l.w.recs.Edit(l.w.t.Context(), l.actor(), accounts.EditClient{ClientKey: record("studio", string(id)), Company: &company})
	agreed(t, err, want)
}

func (l *life) suspend(t *rapid.T) {
	id := l.id(t)
	c, want := l.there(id)
	if agreed(t, l.w.recs.Suspend(l.w.t.Context(), l.actor(), record("studio", string(id))), want) && !c.suspended {
		c.suspended = true
		c.epoch++
	}
}

func (l *life) reactivate(t *rapid.T) {
	id := l.id(t)
	var out []accounts.ClientID // rarely anybody's turn comes by chance alone
	for other, c := range l.clients {
		if c.suspended && !c.deleted {
			out = append(out, other)
		}
	}
	if slices.Sort(out); len(out) > 0 && rapid.Bool().Draw(t, "one who is suspended") {
		id = rapid.SampledFrom(out).Draw(t, "suspended")
	}
	c, want := l.there(id)
	if agreed(t, l.w.recs.Reactivate(l.w.t.Context(), l.actor(), record("studio", string(id))), want) && c.suspended {
		c.suspended, c.barred = false, c.user != ""
	}
}

func (l *life) remove(t *rapid.T) {
	id := l.id(t)
	c, want := l.there(id)
	if agreed(t, l.w.recs.Delete(l.w.t.Context(), l.actor(), record("studio", string(id))), want) {
		c.deleted = true
		c.epoch++
	}
}

func (l *life) assign(t *rapid.T) {
	id, site := l.id(t), l.site(t)
	c, want := l.there(id)
	if want == nil && !l.sites[site] {
		want = errInvalid
	}
	set := rapid.SampledFrom([][]roles.Permission{nil, {"EDIT"}, {"STATS_TAB"}}).Draw(t, "permissions")
	in := accounts.AssignSite{ClientKey: record("studio", string(id)), SiteChoice: accounts.SiteChoice{Site: site, Permissions: set}}
	got, err := l.w.recs.Assign(l.w.t.Context(), l.actor(), in)
	if agreed(t, err, want) {
		c.sites[site] = len(got.Permissions)
		l.answers(t, c, got)
	}
}

func (l *life) unassign(t *rapid.T) {
	id, site := l.id(t), l.site(t)
	if c := l.clients[id]; c != nil && len(c.sites) > 0 && rapid.Bool().Draw(t, "one that they have") {
		site = slices.Sorted(maps.Keys(c.sites))[0]
	}
	c, want := l.there(id)
	if _, has := c.sites[site]; want == nil && !has {
		want = errMissing
	}
	got, err := l.w.recs.Unassign(l.w.t.Context(), l.actor(), accounts.SiteAccessKey{Account: "studio", Client: id, Site: site})
	if agreed(t, err, want) {
		delete(c.sites, site)
		l.answers(t, c, got)
	}
}

// answers compares what the service says of a client's sites with the model.
func (l *life) answers(t *rapid.T, c *lifeClient, got accounts.ClientSites) {
	sites, seen := 0, 0
	for id, n := range c.sites {
		if l.sites[id] {
			sites++
			if n > 0 {
				seen++
			}
		}
	}
	if got.Sites != sites || got.Seen != seen || got.Status != l.status(c) {
		t.Fatalf("got %+v, want %d sites, %d seen, %s", got, sites, seen, l.status(c))
	}
}

func (l *life) putSite(t *rapid.T) {
	id := l.site(t)
	live, known := l.sites[id]
	var want error
	if known && !live {
		want = errTaken
	}
	_, err := l.w.recs.PutSite(l.w.t.Context(), job(), accounts.PutSite{Account: "studio", ID: id, Name: "Site " + string(id)})
	if agreed(t, err, want) {
		l.sites[id] = true
	}
}

func (l *life) removeSite(t *rapid.T) {
	id := l.site(t)
	var want error
	if _, known := l.sites[id]; !known {
		want = errMissing
	}
	if agreed(t, l.w.recs.RemoveSite(l.w.t.Context(), job(), accounts.SiteKey{Account: "studio", ID: id}), want) {
		l.sites[id] = false
	}
}

// invite and enter write what a setup link writes.
func (l *life) invite(t *rapid.T) {
	id := l.id(t)
	if c, err := l.there(id); err == nil && !c.suspended && c.user == "" {
		row := l.w.recording("studio", string(id), "").Client
		row.InvitedAt = l.w.env.Now()
		l.w.put(row)
		c.invited = true
	}
}

func (l *life) enter(t *rapid.T) {
	id := l.id(t)
	if c, err := l.there(id); err == nil && c.invited && !c.suspended && c.user == "" {
		row := l.w.recording("studio", string(id), "").Client
		c.user, c.active = accounts.UserID(fmt.Sprintf("u%d", len(l.users))), true
		l.users = append(l.users, c.user)
		row.User, row.ActiveAt = c.user, l.w.env.Now()
		l.w.put(user(string(c.user)), row)
	}
}

func (l *life) addMember(t *rapid.T) {
	var want error
	if l.members["nick@people.example"] {
		want = nil
	} else if l.taken("nick@people.example") {
		want = errTaken
	}
	if agreed(t, l.w.svc.AddMember(l.w.t.Context(), job(), "studio", "nick", roles.Viewer), want) {
		l.members["nick@people.example"] = true
	}
}

func (l *life) removeMember(t *rapid.T) {
	if l.members["nick@people.example"] {
		agreed(t, l.w.svc.RemoveMember(l.w.t.Context(), l.actor(), "studio", "nick"), nil)
		delete(l.members, "nick@people.example")
	}
}

func (l *life) status(c *lifeClient) accounts.ClientStatus {
	live := false
	for id := range c.sites {
		live = live || l.sites[id]
	}
	switch {
	case c.suspended:
		return accounts.ClientSuspended
	case c.active:
		return accounts.ClientActive
	case c.invited:
		return accounts.ClientInvited
	case live:
		return accounts.ClientSiteAssigned
	}
	return accounts.ClientLead
}

// check compares everything that can be asked with the model.
func (l *life) check(t *rapid.T) {
	l.w.clock.Add(time.Second)
	var want []accounts.ClientID
	for id, c := range l.clients {
		if !c.deleted {
			want = append(want, id)
		}
	}
	slices.SortFunc(want, func(a, b accounts.ClientID) int {
		return cmp.Or(l.clients[b].made.Compare(l.clients[a].made), cmp.Compare(b, a))
	})
	all, err := l.w.recs.List(l.w.t.Context(), l.actor(), "studio", accounts.ClientPage{})
	if err != nil || len(all) != len(want) {
		t.Fatalf("%d entries, want %d: %v", len(all), len(want), err)
	}
	for i, e := range all {
		c := l.clients[want[i]]
		if e.Client.ID != want[i] || string(e.Client.Email) != c.email || e.Client.User != c.user || e.Client.Epoch != c.epoch || e.Status() != l.status(c) {
			t.Fatalf("entry %d is %+v, want %s %+v", i, e, want[i], *c)
		}
		live := 0
		for _, g := range e.Sites {
			if n, has := c.sites[g.Site]; !has || !l.sites[g.Site] || n != len(g.Permissions) || roles.SiteCatalog().Valid(g.Permissions) != nil {
				t.Fatalf("%s has %+v", e.Client.ID, g)
			}
			live++
		}
		for id := range c.sites {
			if l.sites[id] {
				live--
			}
		}
		if live != 0 {
			t.Fatalf("%s has %+v, want %v of %v", e.Client.ID, e.Sites, c.sites, l.sites)
		}
	}
	for _, status := range accounts.ClientStatuses() {
		some, err := l.w.recs.List(l.w.t.Context(), l.actor(), "studio", accounts.ClientPage{Statuses: []accounts.ClientStatus{status}})
		if err != nil || !slices.EqualFunc(some, slices.DeleteFunc(slices.Clone(want), func(id accounts.ClientID) bool { return l.status(l.clients[id]) != status }),
			func(e accounts.ClientEntry, id accounts.ClientID) bool { return e.Client.ID == id }) {
			t.Fatalf("%s: %+v %v", status, some, err)
		}
	}
	for id, c := range l.clients {
		if c.deleted {
			if row := l.w.recording("studio", string(id), "").Client; row.There() || row.Email != "" || row.FirstName != "" || row.User != "" || row.Epoch != c.epoch {
				t.Fatalf("deleted: %+v", row)
			}
		}
		if c.user == "" {
			continue
		}
		s := l.w.standing(string(c.user), "studio")
		if in := !c.deleted && !c.suspended && !c.barred; s.AsClient(accounts.Proof{Login: 1}) != in || !s.Rights(roles.Standard(), accounts.AnyLogin()).None() {
			t.Fatalf("%s comes in: %v, %+v", id, !in, s)
		}
	}
	var b bytes.Buffer
	if err := l.w.recs.Export(l.w.t.Context(), job(), accounts.ExportClients{Account: "studio"}, &b); err != nil {
		t.Fatal(err)
	}
	if rows, err := csv.NewReader(&b).ReadAll(); err != nil || len(rows) != len(want)+1 {
		t.Fatalf("%d lines: %v", len(rows), err)
	}
}

// Over long random lives of clients, sites and members, every answer and
// everything that can be asked is what a plain model says: one address once, the
// status from its facts, nothing back after an end, nobody in who is barred (C1,
// C3, C4, C9, C10, A41, A74, A76, A77, I-19, I-20).
func TestClients_life(t *testing.T) {
	t.Parallel()

	done := map[string]int{}
	rapid.Check(t, func(r *rapid.T) {
		l := newLife(t)
		r.Repeat(map[string]func(*rapid.T){
			"": l.check, "create": l.create, "create another": l.create, "put another site": l.putSite, "edit": l.edit, "suspend": l.suspend, "reactivate": l.reactivate,
			"delete": l.remove, "assign": l.assign, "unassign": l.unassign, "put a site": l.putSite, "remove a site": l.removeSite,
			"invite": l.invite, "enter": l.enter, "add a member": l.addMember, "remove a member": l.removeMember,
		})
		for _, e := range l.w.feed() {
			done[string(e.Kind)]++
		}
	})
	if testing.Short() {
		return
	}
	for _, kind := range []accounts.EventKind{
		accounts.EventClientCreated, accounts.EventClientUpdated, accounts.EventClientSuspended, accounts.EventClientReactivated, accounts.EventClientDeleted,
		accounts.EventSiteCreated, accounts.EventSiteRemoved, accounts.EventSiteAssigned, accounts.EventSiteUnassigned, accounts.EventMemberAdded,
	} {
		require.Positive(t, done[string(kind)], "the walk comes everywhere: %s", kind)
	}
}
