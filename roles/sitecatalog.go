package roles

import "sync"

//nolint:gochecknoglobals // immutable, and made once so that SiteCatalog() == SiteCatalog()
var siteCatalog = sync.OnceValue(func() *Catalog {
	c, err := NewCatalog(siteEntries()...)
	if err != nil {
		panic(err) // siteEntries is a constant in all but name
	}
	return c
})

// SiteCatalog returns the ready catalogue of 22 permissions that a client can
// have on a site. It is the same one each time. For a longer one, add to its
// [Catalog.Entries] and hand them to [NewCatalog].
func SiteCatalog() *Catalog { return siteCatalog() }

// siteEntries is what SiteCatalog is made of.
func siteEntries() []Entry {
	const (
		blog    Permission = "BLOG"
		limited Permission = "LIMITED_EDITING"
		edit    Permission = "EDIT"
		library Permission = "CONTENT_LIBRARY"
		data    Permission = "EDIT_CONNECTED_DATA"
	)
	needs := func(all ...Permission) []Permission { return all }
	return []Entry{
		{"STATS_TAB", nil},
		{edit, needs(blog, limited)},
		{"ADD_FLEX", needs(edit)},
		{"E_COMMERCE", nil},
		{"PUBLISH", nil},
		{"REPUBLISH", needs(edit)},
		{"DEV_MODE", needs(edit)},
		{"INSITE", needs(edit)},
		{"SEO", needs(edit)},
		{"BACKUPS", needs(limited)},
		{"CUSTOM_DOMAIN", needs(edit)},
		{"RESET", needs(limited)},
		{blog, nil},
		{"PUSH_NOTIFICATIONS", nil},
		{limited, nil},
		{"SITE_COMMENTS", nil},
		{library, needs(limited)},
		{data, nil},
		{"MANAGE_CONNECTED_DATA", needs(edit, data, library)},
		{"USE_APP", needs(limited)},
		{"CLIENT_MANAGE_FREE_APPS", needs(limited)},
		{"AI_ASSISTANT", nil},
	}
}
