package storagetest

// clientBreakers break a change through what it has of clients.
func clientBreakers(stale func(version *int64)) []breaker {
	one := func(row any) []any { return []any{row} }
	return []breaker{
		{"Clients", "a stale client", func(id string) []any { c := record("hub", id); stale(&c.Version); return one(c) }},
		{"Clients", "a client that is there", func(id string) []any {
			c := record("hub", id)
			c.Email = "new@example.com"
			return one(c)
		}},
		{"Clients", "a client that is not there", func(id string) []any { c := record("hub", id+"-missing"); c.Version = 1; return one(c) }},
		{"Clients", "a client with another's address", func(id string) []any {
			c := record("hub", id+"-new")
			c.Email = address("m")
			return one(c)
		}},
		{"Clients", "a client with another's user", func(id string) []any { return one(recordOf("hub", id+"-new", "gone-m")) }},
		{"Sites", "a stale site", func(id string) []any { s := site("hub", id); stale(&s.Version); return one(s) }},
		{"Sites", "a site that is there", func(id string) []any { return one(site("hub", id)) }},
		{"Sites", "a site that is not there", func(id string) []any { s := site("hub", id+"-missing"); s.Version = 1; return one(s) }},
		{"SiteAccess", "a stale access to a site", func(id string) []any { a := given("hub", id, id); stale(&a.Version); return one(a) }},
		{"SiteAccess", "an access to a site that is there", func(id string) []any { return one(given("hub", id, id)) }},
		{"SiteAccess", "an access to a site that is not there", func(id string) []any {
			a := given("hub", id, "g")
			a.Version = 1
			return one(a)
		}},
		{"SetupLinks", "a stale setup link", func(id string) []any { l := setup("hub", id); stale(&l.Version); return one(l) }},
		{"SetupLinks", "a setup link that is there", func(id string) []any {
			l := setup("hub", id)
			l.Hash = hash(id)
			return one(l)
		}},
		{"SetupLinks", "a setup link that is not there", func(id string) []any {
			l := setup("hub", id+"-bare")
			l.Version = 1
			return one(l)
		}},
		{"SetupLinks", "a setup link with another's secret", func(id string) []any {
			l := setup("hub", id+"-bare")
			l.Hash = hash("setup hub/m")
			return one(l)
		}},
		{"Views", "a stale view", func(id string) []any { v := view(id, "hub", id, "hub"); stale(&v.Version); return one(v) }},
		{"Views", "a view that is there", func(id string) []any {
			v := view(id, "hub", id, "hub")
			v.Link, v.Hash = hash("link"+id), hash(id)
			return one(v)
		}},
		{"Views", "a view that is not there", func(id string) []any {
			v := view(id+"-missing", "hub", id, "hub")
			v.Version = 1
			return one(v)
		}},
		{"Views", "a view with another's link", func(id string) []any {
			v := view(id+"-new", "hub", id, "hub")
			v.Link = hash("view link m")
			return one(v)
		}},
		{"Views", "a view with another's secret", func(id string) []any {
			v := view(id+"-new", "hub", id, "hub")
			v.Hash = hash("view m")
			return one(v)
		}},
	}
}
