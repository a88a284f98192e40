package accounts

import "time"

// RecordingQuery asks about a client record, about whom an address is taken
// by, and about a site; each only where it is filled.
type RecordingQuery struct {
	Account AccountID
	Client  ClientID
	Email   Email
	User    UserID
	Site    SiteID
}

// Recording is what decides about a client record or a site.
type Recording struct {
	Account Account
	Client  Client // of the id, deleted ones included
	User    User   // who logs in as it

	// Taken is the record that is there and has the address, or else whose user
	// is the one of the query; Member tells that a member who has not ended has
	// the address.
	Taken  ClientState
	Member bool

	Assigned int        // live sites that the client has, whatever the permissions
	Site     Site       // removed ones included
	Access   SiteAccess // what the client may do on the site; with its key alone if there never was any
}

// ClientRecordQuery asks for a page of client records.
type ClientRecordQuery struct {
	Account  AccountID
	Client   ClientID       // only this one; "": all
	Statuses []ClientStatus // any of these; empty: all
	Search   string         // see SearchFits and Client.SearchText; "": all
	Before   ClientCursor   // the page starts behind this entry; zero: at the newest
	Limit    int
}

// ClientEntry is a line of an account's list of client records.
type ClientEntry struct {
	Client Client
	Sites  []SiteGrant // by site id
}

// Status returns the client's status.
func (e ClientEntry) Status() ClientStatus { return e.Client.Status(len(e.Sites) > 0) }

// ClientCursor is the place of a client record in a list: by when it was made,
// then id.
type ClientCursor struct {
	CreatedAt time.Time
	ID        ClientID
}

// Cursor returns the entry's place.
func (e ClientEntry) Cursor() ClientCursor {
	return ClientCursor{CreatedAt: e.Client.CreatedAt, ID: e.Client.ID}
}

// SiteQuery asks for a page of an account's live sites.
type SiteQuery struct {
	Account AccountID
	Search  string     // see SearchFits and Site.SearchText; "": all
	Before  SiteCursor // the page starts behind this site; zero: at the newest
	Limit   int
}

// SiteCursor is the place of a site in a list: by when it was made, then id.
type SiteCursor struct {
	CreatedAt time.Time
	ID        SiteID
}

// Cursor returns the site's place.
func (s Site) Cursor() SiteCursor { return SiteCursor{CreatedAt: s.CreatedAt, ID: s.ID} }
