package accounts

import (
	"time"

	"github.com/chatelaine-go/chatelaine/roles"
)

// Site is something of an account that a client can be given: a web site, a
// shop, a project. The host keeps it in step, or somebody makes it on the spot.
type Site struct {
	SiteKey
	Version int64 // 0 inserts; any other must still be the stored one

	Name   string
	Alias  string // the host's short name, such as "a1b2c3"; or ""
	URL    string // where it can be seen, or ""
	Domain string // such as "bakery.example", or ""

	RemovedAt time.Time // gone for good: it gives nobody anything
	CreatedAt time.Time
	UpdatedAt time.Time
}

// SiteKey names a site. The id is unique within the account.
type SiteKey struct {
	Account AccountID
	ID      SiteID
}

// Live reports whether the site exists and was not removed.
func (s Site) Live() bool { return s.ID != "" && s.RemovedAt.IsZero() }

// SearchText returns what a search for a site looks into: name, alias, URL and
// domain, each as its [NameKey], one a line. A store's index is made of it.
func (s Site) SearchText() string { return searchText(s.Name, s.Alias, s.URL, s.Domain) }

// SiteAccess is what a client may do on a site. There is one row for each
// client and site, for ever.
type SiteAccess struct {
	SiteAccessKey
	Version int64

	// Permissions are a valid set of the catalogue, in its order. None is no
	// access: the site is the client's, and nothing of it is seen.
	Permissions []roles.Permission

	EndedAt   time.Time // taken away; zero: not
	CreatedAt time.Time
	UpdatedAt time.Time
}

// SiteAccessKey names what a client may do on a site.
type SiteAccessKey struct {
	Account AccountID
	Client  ClientID
	Site    SiteID
}

// SiteGrant is what a client may do on a site that is live, as lists and
// principals show it.
type SiteGrant struct {
	Site        SiteID
	Name        string
	Permissions []roles.Permission
}

// Can reports whether a permission is among those of the grant.
func (g SiteGrant) Can(p roles.Permission) bool {
	for _, has := range g.Permissions {
		if has == p {
			return true
		}
	}
	return false
}
