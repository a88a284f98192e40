package storagetest_test

import (
	"context"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chatelaine-go/chatelaine/access"
	"github.com/chatelaine-go/chatelaine/access/token"
	"github.com/chatelaine-go/chatelaine/accounts"
	"github.com/chatelaine-go/chatelaine/invites"
	"github.com/chatelaine-go/chatelaine/roles"
	"github.com/chatelaine-go/chatelaine/storage"
	"github.com/chatelaine-go/chatelaine/storage/storagetest"
)

// every returns all clients of an account that fit a query but for its page.
func every(st storage.Storage, q accounts.ClientRecordQuery) ([]accounts.ClientEntry, error) {
	q.Before, q.Limit = accounts.ClientCursor{}, 10_000
	return st.ClientRecords(context.Background(), q)
}

// paged cuts a list of clients as the query asks.
func paged(list []accounts.ClientEntry, q accounts.ClientRecordQuery) []accounts.ClientEntry {
	if q.Before != (accounts.ClientCursor{}) {
		list = slices.DeleteFunc(list, func(x accounts.ClientEntry) bool {
			at := x.Cursor()
			return at.CreatedAt.After(q.Before.CreatedAt) || at.CreatedAt.Equal(q.Before.CreatedAt) && at.ID >= q.Before.ID
		})
	}
	if q.Limit <= 0 {
		q.Limit = 50
	}
	return list[:min(q.Limit, len(list))]
}

// sifted makes a mutant that searches in its own way.
func sifted(fits func(text, search string) bool) func() mutant {
	return broken(loose{records: func(st storage.Storage, q accounts.ClientRecordQuery) ([]accounts.ClientEntry, error) {
		whole := q
		whole.Search = ""
		list, err := every(st, whole)
		return paged(slices.DeleteFunc(list, func(x accounts.ClientEntry) bool { return !fits(x.Client.SearchText(), q.Search) }), q), err
	}})
}

func overwriteClients(ctx context.Context, st storage.Storage, c *storagetest.Change) {
	c.Clients = slices.Clone(c.Clients)
	for i, r := range c.Clients {
		got, _ := st.Recording(ctx, accounts.RecordingQuery{Account: r.Account, Client: r.ID})
		c.Clients[i].Version = got.Client.Version
	}
}

func overwriteSetupLinks(ctx context.Context, st storage.Storage, c *storagetest.Change) {
	c.SetupLinks = slices.Clone(c.SetupLinks)
	for i, r := range c.SetupLinks {
		got, _ := st.SettingUp(ctx, invites.SettingUpQuery{ClientKey: r.ClientKey})
		c.SetupLinks[i].Version = got.Link.Version
	}
}

func overwriteViews(ctx context.Context, st storage.Storage, c *storagetest.Change) {
	c.Views = slices.Clone(c.Views)
	for i, r := range c.Views {
		got, _ := st.Viewing(ctx, access.ViewKey{ID: r.ID})
		c.Views[i].Version = got.View.Version
	}
}

func overwriteSites(ctx context.Context, st storage.Storage, c *storagetest.Change) {
	c.Sites, c.SiteAccess = slices.Clone(c.Sites), slices.Clone(c.SiteAccess)
	for i, r := range c.Sites {
		got, _ := st.Recording(ctx, accounts.RecordingQuery{Account: r.Account, Site: r.ID})
		c.Sites[i].Version = got.Site.Version
	}
	for i, r := range c.SiteAccess {
		got, _ := st.Recording(ctx, accounts.RecordingQuery{Account: r.Account, Client: r.Client, Site: r.Site})
		c.SiteAccess[i].Version = got.Access.Version
	}
}

// forgetting is a store where forgetting somebody writes their client records,
// and deletes them or moves no more than their version.
func forgetting(whose func(f accounts.Forget) accounts.HeldQuery, deletes bool) mutant {
	return mutant{apply: func(ctx context.Context, st storage.Storage, c storagetest.Change) error {
		err := storagetest.Apply(ctx, st, c)
		rows := map[accounts.ClientKey]accounts.Client{}
		for _, f := range c.Forget {
			q := whose(f)
			q.Kind = accounts.HeldClient
			list, _ := st.Held(ctx, q)
			for _, h := range list {
				if r, ok := h.Row.(accounts.Client); ok && r.There() {
					if deletes {
						r.DeletedAt = r.CreatedAt
					}
					rows[r.ClientKey] = r
				}
			}
		}
		if err == nil && len(rows) > 0 {
			_ = storagetest.Apply(ctx, st, part(c, accounts.Change{Clients: slices.Collect(maps.Values(rows))}))
		}
		return err
	}}
}

const (
	ruleRecords   = "an account's clients are listed newest first, with their live sites, in any of the statuses asked for"
	ruleSites     = "an account's live sites are listed newest first"
	ruleRecording = "a client is recorded by the address, the user, the id and the site that are asked about"
	ruleGrants    = "a client record gives its user the sites that are live, and only while it is there"
	ruleStands    = "a standing holds the client record that is there, of that account alone"
	ruleReaches   = "a user reaches an account as a client while the record counts"
	ruleOffers    = "an invitation tells of a client with its address, and an answer of the joiner's"
	ruleSetupKeys = "a setup link is found by its client, or by the hash of its newest secret"
	ruleSettingUp = "a setup is decided by the client, who has the address, and who would join"
	ruleViewKeys  = "a view is found by its id, its link or its secret, whatever its state"
	ruleViewing   = "a view is decided by its viewer, their session and standing, and the client as they are"
	ruleFinds     = "a search finds exactly the clients and sites that it fits"
	ruleFields    = "a search looks into every field that is said, and into no other"
	ruleShort     = "one and two characters are found where a word begins"
	ruleRenamed   = "a search finds what a row says now, and not what it said"
	ruleMany      = "a word that many have and one that few have are paged alike"
	ruleTenants   = "a search of one account finds nothing of another, however alike they are"
	ruleLeft      = "forgetting leaves client records, and takes from views where their viewer came from"
	ruleViewed    = "views are erased once they ended or expired strictly before, opened or not"
	ruleField     = "every field of a written row comes back as it was"
	ruleWhole     = "a change that touches everything is applied as a whole"
)

// The rules of what is written about clients have to be able to fail: each
// store here is broken in one of them.
func TestTest_ClientWriteMutants(t *testing.T) {
	t.Parallel()
	const nothing = "nothing of a change is there when it has "
	const races = "races of clients"
	list := []mutation{
		{"a store where the last to write a client wins", overwriting(overwriteClients), races, []string{
			"of a suspension and a setup each sees which was first", "an access that is given to a client who was deleted meanwhile gives nothing",
		}, true},
		{"a store where the last to use a setup link wins", overwriting(overwriteSetupLinks), races, []string{
			"of two who read the same setup link one uses it", "a setup link that was replaced since it was read is not used",
		}, true},
		{"a store where the last to open a view wins", overwriting(overwriteViews), races, []string{
			"of two who read the same view one opens it, and an end is an end",
		}, true},
		{
			"a store where the last to write a site wins", overwriting(overwriteSites), "versions",
			[]string{"a row that changed since it was read is not replaced"},
			true,
		},
		{"a store that ignores guards", changed(func(c *storagetest.Change) { c.Guards = nil }), races, []string{
			"of a client and a member of one address, read at one moment, one comes in", "a view is not begun by somebody who was removed meanwhile",
		}, false},
		{"a store that lets two clients have one address", func() mutant {
			return mutant{apply: func(ctx context.Context, st storage.Storage, c storagetest.Change) error {
				err := storagetest.Apply(ctx, st, c)
				if err != nil && len(c.Clients) > 0 {
					c.Clients = slices.Clone(c.Clients)
					for i := range c.Clients {
						c.Clients[i].Email = accounts.Email("free-" + string(c.Clients[i].ID))
					}
					err = storagetest.Apply(ctx, st, c)
				}
				return err
			}}
		}, "uniqueness", []string{"there is one client record of an account and address", "a deleted client frees address and user"}, true},
		{"a store that lets a user be two clients", func() mutant {
			return mutant{apply: func(ctx context.Context, st storage.Storage, c storagetest.Change) error {
				err := storagetest.Apply(ctx, st, c)
				if err != nil && len(c.Clients) > 0 {
					c.Clients = slices.Clone(c.Clients)
					for i := range c.Clients {
						c.Clients[i].User = ""
					}
					err = storagetest.Apply(ctx, st, c)
				}
				return err
			}}
		}, "uniqueness", []string{"there is one client record of an account and user"}, true},
		{"a store that says a link is taken that was never there", func() mutant {
			return mutant{apply: func(ctx context.Context, st storage.Storage, c storagetest.Change) error {
				for _, v := range c.Views {
					if v.Version == 0 && (v.Hash == token.Hash{}) {
						if _, err := st.Viewing(ctx, access.ViewKey{ID: "v2"}); err == nil {
							return accounts.ErrConflict
						}
					}
				}
				return storagetest.Apply(ctx, st, c)
			}}
		}, "uniqueness", []string{"there is one view of a secret"}, false},
		{"clients that are written apart", func() mutant {
			return mutant{apply: func(ctx context.Context, st storage.Storage, c storagetest.Change) error {
				rest := part(c, accounts.Change{Sites: c.Sites})
				c.Sites = nil
				err := storagetest.Apply(ctx, st, rest)
				if err == nil {
					err = storagetest.Apply(ctx, st, c)
				}
				return err
			}}
		}, "atomicity", []string{nothing + "a stale client", nothing + "a stale view"}, true},
		{"a store that deletes the clients of a user who is forgotten", func() mutant {
			return forgetting(func(f accounts.Forget) accounts.HeldQuery { return accounts.HeldQuery{User: f.User} }, true)
		}, "people", []string{ruleLeft, ruleLast}, true},
		{"a store that deletes the clients with an address that is forgotten", func() mutant {
			return forgetting(func(f accounts.Forget) accounts.HeldQuery { return accounts.HeldQuery{Email: f.Email} }, true)
		}, "people", []string{ruleLeft, ruleLast}, true},
		{"a store that moves the clients of somebody who is forgotten", func() mutant {
			return forgetting(func(f accounts.Forget) accounts.HeldQuery { return accounts.HeldQuery{User: f.User, Email: f.Email} }, false)
		}, "people", []string{ruleLeft, ruleLast}, true},
		{"a store that keeps where a viewer came from", changed(func(c *storagetest.Change) { c.Forget = nil }), "people", []string{ruleLeft}, true},
	}
	for field, drop := range map[string]func(c *storagetest.Change){
		"clients":     func(c *storagetest.Change) { c.Clients, c.SiteAccess, c.SetupLinks, c.Views = nil, nil, nil, nil },
		"sites":       func(c *storagetest.Change) { c.Sites, c.SiteAccess = nil, nil },
		"accesses":    func(c *storagetest.Change) { c.SiteAccess = nil },
		"setup links": func(c *storagetest.Change) { c.SetupLinks = nil },
		"views":       func(c *storagetest.Change) { c.Views = nil },
		"secrets of views": func(c *storagetest.Change) {
			c.Views = slices.Clone(c.Views)
			for i := range c.Views {
				c.Views[i].Hash = token.Hash{}
			}
		},
		"permissions in order": func(c *storagetest.Change) {
			c.SiteAccess = slices.Clone(c.SiteAccess)
			for i := range c.SiteAccess {
				c.SiteAccess[i].Permissions = slices.Sorted(slices.Values(c.SiteAccess[i].Permissions))
				slices.Reverse(c.SiteAccess[i].Permissions)
			}
		},
		"who acts as a client in events": func(c *storagetest.Change) {
			c.Events = slices.Clone(c.Events)
			for i := range c.Events {
				c.Events[i].By.Client = ""
			}
		},
		"the view of events": func(c *storagetest.Change) {
			c.Events = slices.Clone(c.Events)
			for i := range c.Events {
				c.Events[i].View = ""
			}
		},
	} {
		list = append(list, mutation{"a store that does not keep " + field, changed(drop), "rows", []string{ruleField}, false})
	}
	caught(t, list)
}

// The rules of what is answered about clients have to be able to fail, too.
func TestTest_ClientMutants(t *testing.T) {
	t.Parallel()
	type R = accounts.Recording
	caught(t, []mutation{
		{"an address that is free as soon as no client has it", broken(loose{recording: func(_ storage.Storage, _ accounts.RecordingQuery, r *R) {
			r.Member = false
		}}), "clients", []string{ruleRecording}, true},
		{"a client that is found by the user first", broken(loose{recording: func(st storage.Storage, q accounts.RecordingQuery, r *R) {
			if q.User != "" && q.Email != "" {
				q.Email = ""
				if got, err := st.Recording(context.Background(), q); err == nil && got.Taken.There() {
					r.Taken = got.Taken
				}
			}
		}}), "clients", []string{ruleRecording}, true},
		{"a tombstone that nobody finds", broken(loose{recording: func(_ storage.Storage, _ accounts.RecordingQuery, r *R) {
			if !r.Client.DeletedAt.IsZero() {
				r.Client, r.User = accounts.Client{}, accounts.User{}
			}
		}}), "clients", []string{ruleRecording}, true},
		{"a count of the sites that show something", broken(loose{recording: func(st storage.Storage, q accounts.RecordingQuery, r *R) {
			list, _ := st.ClientRecords(context.Background(), accounts.ClientRecordQuery{Account: q.Account, Client: q.Client})
			for _, x := range list {
				if x.Client.ID == q.Client {
					r.Assigned = len(slices.DeleteFunc(x.Sites, func(g accounts.SiteGrant) bool { return len(g.Permissions) == 0 }))
				}
			}
		}}), "clients", []string{ruleRecording, ruleGrants}, true},
		{"a list that is oldest first", broken(loose{records: func(st storage.Storage, q accounts.ClientRecordQuery) ([]accounts.ClientEntry, error) {
			list, err := st.ClientRecords(context.Background(), q)
			slices.Reverse(list)
			return list, err
		}}), "clients", []string{ruleRecords}, true},
		{"a list that hides who has no site", broken(loose{records: func(st storage.Storage, q accounts.ClientRecordQuery) ([]accounts.ClientEntry, error) {
			list, err := every(st, q)
			return paged(slices.DeleteFunc(list, func(x accounts.ClientEntry) bool { return len(x.Sites) == 0 }), q), err
		}}), "clients", []string{ruleRecords}, true},
		{"a status that is that of the newest fact", broken(loose{records: func(st storage.Storage, q accounts.ClientRecordQuery) ([]accounts.ClientEntry, error) {
			whole := q
			whole.Statuses = nil
			list, err := every(st, whole)
			return paged(slices.DeleteFunc(list, func(x accounts.ClientEntry) bool {
				status := x.Status()
				if !x.Client.InvitedAt.IsZero() && status == accounts.ClientActive {
					status = accounts.ClientInvited
				}
				return len(q.Statuses) > 0 && !slices.Contains(q.Statuses, status)
			}), q), err
		}}), "clients", []string{ruleRecords}, true},
		{"sites in any order", broken(loose{sites: func(st storage.Storage, q accounts.SiteQuery) ([]accounts.Site, error) {
			list, err := st.Sites(context.Background(), q)
			slices.SortFunc(list, func(a, b accounts.Site) int { return strings.Compare(string(a.ID), string(b.ID)) })
			return list, err
		}}), "clients", []string{ruleSites}, true},
		{
			"a standing that knows no clients", broken(loose{standing: func(s *accounts.Standing) { s.Client = accounts.ClientState{} }}),
			"clients",
			[]string{ruleStands},
			true,
		},
		{"a standing that leaves out a suspended client", broken(loose{standing: func(s *accounts.Standing) {
			if !s.Client.Active() {
				s.Client = accounts.ClientState{}
			}
		}}), "clients", []string{ruleStands}, true},
		{"an admission without sites", broken(loose{admitted: func(a *access.Admission) { a.Sites = nil }}), "clients", []string{ruleGrants}, true},
		{"an admission that hides the sites of a suspended client", broken(loose{admitted: func(a *access.Admission) {
			if !a.Standing.Client.Active() {
				a.Sites = nil
			}
		}}), "clients", []string{ruleGrants}, false},
		{"a chooser that knows no clients", broken(loose{reach: func(list []accounts.Reached) []accounts.Reached {
			return slices.DeleteFunc(list, func(r accounts.Reached) bool { return r.Kind == accounts.RouteClient })
		}}), "clients", []string{ruleReaches}, true},
		{"a chooser that gives clients a role", broken(loose{reach: func(list []accounts.Reached) []accounts.Reached {
			for i := range list {
				if list[i].Kind == accounts.RouteClient {
					list[i].Role = roles.Viewer
				}
			}
			return list
		}}), "clients", []string{ruleReaches}, true},
		{"an offer that knows no clients", broken(loose{inviting: func(_ invites.InvitingQuery, x *invites.Inviting) { x.Client = false }}), "clients", []string{ruleOffers}, true},
		{
			"an answer that knows no clients", broken(loose{accepting: func(_ invites.AcceptingQuery, a *invites.Accepting) { a.Client = accounts.ClientState{} }}),
			"clients",
			[]string{ruleOffers},
			true,
		},
		{"a setup that does not see who has the address", broken(loose{settingUp: func(_ storage.Storage, _ invites.SettingUpQuery, got *invites.SettingUp, err error) error {
			got.Holder = accounts.Means{}
			return err
		}}), "clients", []string{ruleSettingUp}, true},
		{"a setup that does not see who is a client already", broken(loose{settingUp: func(_ storage.Storage, _ invites.SettingUpQuery, got *invites.SettingUp, err error) error {
			got.As = accounts.ClientState{}
			return err
		}}), "clients", []string{ruleSettingUp}, false},
		{"a setup link that hides once it was used", broken(loose{settingUp: func(_ storage.Storage, q invites.SettingUpQuery, got *invites.SettingUp, err error) error {
			if !got.Link.UsedAt.IsZero() && q.ID == "" {
				*got, err = invites.SettingUp{}, accounts.ErrNotFound
			}
			return err
		}}), "clients", []string{ruleSetupKeys}, true},
		{"a view that hides once it ended", broken(loose{viewing: func(_ storage.Storage, _ access.ViewKey, got *access.Viewing, err error) error {
			if !got.View.EndedAt.IsZero() {
				*got, err = access.Viewing{}, accounts.ErrNotFound
			}
			return err
		}}), "clients", []string{ruleViewKeys}, true},
		{"a view whose link hides once it was used", broken(loose{viewing: func(_ storage.Storage, key access.ViewKey, got *access.Viewing, err error) error {
			if !got.View.OpenedAt.IsZero() && key.ID == "" && (key.Hash == token.Hash{}) {
				*got, err = access.Viewing{}, accounts.ErrNotFound
			}
			return err
		}}), "clients", []string{ruleViewKeys}, true},
		{"a view that does not see the client's own logins", broken(loose{viewing: func(_ storage.Storage, _ access.ViewKey, got *access.Viewing, err error) error {
			got.Logins = 0
			return err
		}}), "clients", []string{ruleViewing}, true},
		{"a view that does not see its session", broken(loose{viewing: func(_ storage.Storage, _ access.ViewKey, got *access.Viewing, err error) error {
			got.Session = access.SessionState{}
			return err
		}}), "clients", []string{ruleViewing}, true},
		{"an export with the secrets of views", broken(loose{held: func(_ storage.Storage, _ accounts.HeldQuery, list []accounts.Held) []accounts.Held {
			for i := range list {
				if v, ok := list[i].Row.(access.ViewAs); ok {
					v.Link = token.Hash{1}
					list[i].Row = v
				}
			}
			return list
		}}), "people", []string{`what is held of the kind "view" is told whole, by its keys, without secrets`}, true},
		{"an export that leaves out deleted clients", broken(loose{held: func(_ storage.Storage, _ accounts.HeldQuery, list []accounts.Held) []accounts.Held {
			return slices.DeleteFunc(list, func(h accounts.Held) bool { c, ok := h.Row.(accounts.Client); return ok && !c.There() })
		}}), "people", []string{`what is held of the kind "client" is told whole, by its keys, without secrets`}, true},
		{"a sweep that takes a view of its moment", broken(loose{sweep: func(b *storage.SweepBefore) {
			b.Views = b.Views.Add(time.Microsecond)
		}}), "sweep", []string{ruleViewed}, false},
		{"a sweep that takes views with sessions", broken(loose{sweep: func(b *storage.SweepBefore) {
			if b.Views.IsZero() {
				b.Views = b.Sessions
			}
		}}), "sweep", []string{ruleViewed}, false},
	})
}

// A search has many ways to be wrong, and each is caught.
func TestTest_ClientSearchMutants(t *testing.T) {
	t.Parallel()
	const search = "search for clients"
	caught(t, []mutation{
		{"a search with wildcards", sifted(func(text, search string) bool {
			return accounts.SearchFits(text, strings.ReplaceAll(search, "%", ""))
		}), search, []string{ruleFinds}, true},
		{"a search that finds short terms anywhere", sifted(func(text, search string) bool {
			return strings.Contains(text, accounts.NameKey(search))
		}), search, []string{ruleFinds, ruleShort}, true},
		{"a search that finds only beginnings of words", sifted(func(text, search string) bool {
			i := strings.Index(text, accounts.NameKey(search))
			return i == 0 || i > 0 && strings.ContainsAny(text[i-1:i], " \n-'@.(\"")
		}), search, []string{ruleFinds}, true},
		{"a search that takes a byte for a character", sifted(func(text, search string) bool {
			if term := accounts.NameKey(search); len(term) > 2 {
				return strings.Contains(text, term)
			}
			return accounts.SearchFits(text, search)
		}), search, []string{ruleShort}, false},
		{"a search by words", sifted(func(text, search string) bool {
			for _, word := range strings.Fields(accounts.NameKey(search)) {
				if !strings.Contains(text, word) {
					return false
				}
			}
			return true
		}), search, []string{ruleFinds, ruleFields}, true},
		{"a search over the ends of fields", sifted(func(text, search string) bool {
			return accounts.SearchFits(strings.ReplaceAll(text, "\n", " "), search)
		}), search, []string{ruleFields}, false},
		{"a search by the grams of a term, which nobody verifies", sifted(func(text, search string) bool {
			term := []rune(accounts.NameKey(search))
			if len(term) <= 3 {
				return accounts.SearchFits(text, search)
			}
			for i := range len(term) - 2 {
				if !strings.Contains(text, string(term[i:i+3])) {
					return false
				}
			}
			return true
		}), search, []string{ruleFinds}, false},
		{"a search in what a client was called first", func() mutant {
			var mu sync.Mutex
			first := map[accounts.ClientKey]string{}
			return mutant{over: func(st storage.Storage) storage.Storage {
				return loose{Storage: st, records: func(st storage.Storage, q accounts.ClientRecordQuery) ([]accounts.ClientEntry, error) {
					whole := q
					whole.Search = ""
					list, err := every(st, whole)
					mu.Lock()
					defer mu.Unlock()
					return paged(slices.DeleteFunc(list, func(x accounts.ClientEntry) bool {
						if _, seen := first[x.Client.ClientKey]; !seen {
							first[x.Client.ClientKey] = x.Client.SearchText()
						}
						return !accounts.SearchFits(first[x.Client.ClientKey], q.Search)
					}), q), err
				}}
			}}
		}, search, []string{ruleRenamed}, true},
		{"a search that gives up after many", broken(loose{records: func(st storage.Storage, q accounts.ClientRecordQuery) ([]accounts.ClientEntry, error) {
			list, err := every(st, q)
			if q.Search != "" {
				list = list[:min(len(list), 200)]
			}
			return paged(list, q), err
		}}), search, []string{ruleMany}, false},
		{"a search that finds another account's", broken(loose{records: func(st storage.Storage, q accounts.ClientRecordQuery) ([]accounts.ClientEntry, error) {
			list, err := st.ClientRecords(context.Background(), q)
			if q.Account == "aa" && q.Search != "" && len(list) == 0 {
				q.Account = "b"
				return st.ClientRecords(context.Background(), q)
			}
			return list, err
		}}), search, []string{ruleTenants}, false},
		{"a search of sites that finds removed ones", broken(loose{sites: func(st storage.Storage, q accounts.SiteQuery) ([]accounts.Site, error) {
			list, err := st.Sites(context.Background(), q)
			if r, rerr := st.Recording(context.Background(), accounts.RecordingQuery{Account: q.Account, Site: "p"}); rerr == nil && r.Site.ID != "" &&
				!r.Site.Live() && q.Search != "" && accounts.SearchFits(r.Site.SearchText(), q.Search) {
				list = append(list, r.Site)
			}
			return list, err
		}}), search, []string{ruleRenamed}, false},
		{"a cursor that is gone with its entry", broken(loose{records: func(st storage.Storage, q accounts.ClientRecordQuery) ([]accounts.ClientEntry, error) {
			list, err := every(st, q)
			if i := slices.IndexFunc(list, func(x accounts.ClientEntry) bool { return x.Cursor() == q.Before }); i >= 0 {
				return list[i+1:][:min(len(list)-i-1, q.Limit)], err
			}
			q.Before = accounts.ClientCursor{}
			return paged(list, q), err
		}}), "pages", []string{"a cursor whose entry is gone still marks the place"}, true},
		{"a cursor that is a moment alone", broken(loose{records: func(st storage.Storage, q accounts.ClientRecordQuery) ([]accounts.ClientEntry, error) {
			q.Before.ID = ""
			return st.ClientRecords(context.Background(), q)
		}}), "pages", []string{"pages of an account's clients have no gaps and no repeats, whatever their size"}, true},
	})
}

// A setup link that was replaced must be dead (A03), and answers must not share
// what they hold (A99).
func TestTest_OldSetupLink(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	old := map[token.Hash]accounts.ClientKey{}
	shared := map[accounts.SiteAccessKey][]roles.Permission{}
	caught(t, []mutation{
		{"a store that finds a setup link by an older secret", func() mutant {
			return mutant{
				apply: func(ctx context.Context, st storage.Storage, c storagetest.Change) error {
					mu.Lock()
					defer mu.Unlock()
					for _, l := range c.SetupLinks {
						old[l.Hash] = l.ClientKey
					}
					return storagetest.Apply(ctx, st, c)
				},
				over: func(st storage.Storage) storage.Storage {
					return loose{Storage: st, settingUp: func(st storage.Storage, q invites.SettingUpQuery, got *invites.SettingUp, err error) error {
						mu.Lock()
						defer mu.Unlock()
						if key, found := old[q.Hash]; found && q.ID == "" && err != nil {
							*got, err = st.SettingUp(context.Background(), invites.SettingUpQuery{ClientKey: key})
						}
						return err
					}}
				},
			}
		}, "clients", []string{ruleSetupKeys}, false},
		{"a store that hands out its own permissions", broken(loose{recording: func(_ storage.Storage, _ accounts.RecordingQuery, r *accounts.Recording) {
			mu.Lock()
			defer mu.Unlock()
			if len(r.Access.Permissions) > 0 {
				if shared[r.Access.SiteAccessKey] == nil {
					shared[r.Access.SiteAccessKey] = r.Access.Permissions
				}
				r.Access.Permissions = shared[r.Access.SiteAccessKey]
			}
		}}), "rows", []string{"what is returned belongs to the caller"}, false},
	})
}
