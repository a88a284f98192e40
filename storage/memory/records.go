package memory

import (
	"cmp"
	"slices"
	"strings"

	"github.com/chatelaine-go/chatelaine/accounts"
	"github.com/chatelaine-go/chatelaine/roles"
)

// book is what an account keeps of its clients and their sites. Most accounts
// keep none, and have no book.
type book struct {
	records map[accounts.ClientID]*record
	listed  ordered[*record]                            // those that are there, by when they were made, and id
	shelves map[accounts.ClientStatus]*ordered[*record] // the same, by status
	words   finder[*record]                             // the same, by what their text holds

	sites map[accounts.SiteID]*site
	live  ordered[*site] // not removed, by when they were made, and id
	names finder[*site]  // the same, by what their text holds
}

// record is a client record.
type record struct {
	accounts.Client
	account  *account
	user     *user                 // who logs in as it; nil: nobody, or it is deleted
	text     string                // what a search looks into; "" once it is deleted
	shelf    accounts.ClientStatus // on which it lies; "" once it is deleted
	accesses ordered[*siteAccess]  // all it ever had, by id of the site
	granted  int                   // of which are live
}

// clientAddress is an address that somebody is a client with.
type clientAddress struct {
	account accounts.AccountID
	email   accounts.Email
}

func byRecorded(a, b *record) int {
	return cmp.Or(a.CreatedAt.Compare(b.CreatedAt), cmp.Compare(a.ID, b.ID))
}

// byKeeper orders the client records of one user. Two may be at one account
// while a change lets them exchange their users.
func byKeeper(a, b *record) int {
	return cmp.Or(cmp.Compare(a.account.key, b.account.key), cmp.Compare(a.account.ID, b.account.ID), cmp.Compare(a.ID, b.ID))
}

// kept returns the account's book, and begins it if there is none.
func (a *account) kept() *book {
	if a.book == nil {
		a.book = &book{
			records: map[accounts.ClientID]*record{}, shelves: map[accounts.ClientStatus]*ordered[*record]{},
			sites: map[accounts.SiteID]*site{},
		}
		for _, status := range accounts.ClientStatuses() {
			a.book.shelves[status] = &ordered[*record]{}
		}
	}
	return a.book
}

// record returns the client record of a key, deleted ones included; nil if
// there is none.
func (s *state) record(key accounts.ClientKey) *record {
	if a := s.accounts[key.Account]; a != nil && a.book != nil {
		return a.book.records[key.ID]
	}
	return nil
}

// record returns the record as which the user is a client of an account, nil
// if they are not. Nearly everybody is a client of nobody, or of one.
func (u *user) record(a *account) *record {
	if len(u.records.few) <= 8 && u.records.many == nil {
		for _, x := range u.records.few {
			if x.account == a {
				return x
			}
		}
		return nil
	}
	x, _ := u.records.find(func(x *record) int {
		return cmp.Or(strings.Compare(x.account.key, a.key), cmp.Compare(x.account.ID, a.ID))
	})
	return x
}

// joined returns the account's client records as which somebody logs in.
func (a *account) joined() []*record {
	if a.book == nil {
		return nil
	}
	var all []*record
	for x := range a.book.listed.all() {
		if x.user != nil {
			all = append(all, x)
		}
	}
	return all
}

// copyBook puts what another state's book holds. The account is there already.
func (s *state) copyBook(b *book) {
	for _, x := range b.records {
		s.putClient(x.Client)
	}
	for _, x := range b.sites {
		s.putSite(x.Site)
	}
	for _, x := range b.records {
		for y := range x.accesses.all() {
			s.putSiteAccess(y.SiteAccess)
		}
	}
}

// clientOf returns the state of the record that is there and has the address,
// or else of the one whose user it is. Either may be missing.
func (s *state) clientOf(a *account, email accounts.Email, u *user) accounts.ClientState {
	if x := s.recorded[clientAddress{a.ID, email}]; x != nil && email != "" {
		return x.ClientState
	}
	if u != nil {
		if x := u.record(a); x != nil {
			return x.ClientState
		}
	}
	return accounts.ClientState{}
}

func (s *state) putClient(r accounts.Client) {
	trim(&r.AfterAt, &r.SuspendedAt, &r.DeletedAt, &r.InvitedAt, &r.ActiveAt, &r.CreatedAt, &r.UpdatedAt)
	r.User = s.userID(r.User)
	a := s.accounts[r.Account]
	b := a.kept()
	x := b.records[r.ID]
	if x == nil {
		x = &record{account: a}
		b.records[r.ID] = x
	} else {
		s.unlistRecord(x)
	}
	text := ""
	if r.There() {
		text = r.SearchText()
	}
	gone, come := changed(x.text, text, x.CreatedAt.Equal(r.CreatedAt))
	b.words.remove(x, gone, byRecorded)
	x.Client, x.text = r, text
	b.words.insert(x, come, byRecorded)
	if !x.There() {
		return
	}
	s.recorded[clientAddress{x.Account, x.Email}] = x
	b.listed.insert(x, byRecorded)
	x.shelve()
	if x.user = s.users[x.User]; x.user != nil {
		x.user.records.insert(x, byKeeper)
	}
}

// unlistRecord takes a record out of the indexes that its columns decide, but
// for the words. What it leaves may be another's already, whose row was put
// first.
func (s *state) unlistRecord(x *record) {
	if !x.There() {
		return
	}
	if key := (clientAddress{x.Account, x.Email}); s.recorded[key] == x {
		delete(s.recorded, key)
	}
	x.account.book.listed.remove(x, byRecorded)
	x.unshelve()
	if x.user != nil {
		x.user.records.remove(x, byKeeper)
		x.user = nil
	}
}

func (x *record) shelve() {
	x.shelf = x.Status(x.granted > 0)
	x.account.book.shelves[x.shelf].insert(x, byRecorded)
}

func (x *record) unshelve() {
	if x.shelf != "" {
		x.account.book.shelves[x.shelf].remove(x, byRecorded)
		x.shelf = ""
	}
}

// grant adds to the live accesses of a record, which may give it another
// status.
func (x *record) grant(n int) {
	if x.granted += n; n != 0 && x.There() && x.Status(x.granted > 0) != x.shelf {
		x.unshelve()
		x.shelve()
	}
}

// grants returns the live sites of a client that is there, by site id, in two
// pieces of memory. The record may be missing.
func (x *record) grants() []accounts.SiteGrant {
	if x == nil || !x.There() || x.granted == 0 {
		return nil
	}
	n := 0
	for y := range x.accesses.all() {
		if y.live() {
			n += len(y.Permissions)
		}
	}
	all, permissions := make([]accounts.SiteGrant, 0, x.granted), make([]roles.Permission, 0, n)
	for y := range x.accesses.all() {
		if !y.live() {
			continue
		}
		g := accounts.SiteGrant{Site: y.site.ID, Name: y.site.Name}
		if has := len(permissions); len(y.Permissions) > 0 {
			permissions = append(permissions, y.Permissions...)
			g.Permissions = slices.Clip(permissions[has:])
		}
		all = append(all, g)
	}
	return all
}

// assigned returns how many live sites a client has that is there. The record
// may be missing.
func (x *record) assigned() int {
	if x == nil || !x.There() {
		return 0
	}
	return x.granted
}
