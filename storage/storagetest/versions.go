package storagetest

import (
	"github.com/chatelaine-go/chatelaine/access"
	"github.com/chatelaine-go/chatelaine/access/token"
	"github.com/chatelaine-go/chatelaine/accounts"
	"github.com/chatelaine-go/chatelaine/invites"
	"github.com/chatelaine-go/chatelaine/roles"
)

// versionChecks prove that a row is replaced only by somebody who knows it.
func versionChecks() []check {
	const blind = "two decisions that read the same row would both stand, the second blind to the first (A01, A45)"
	return []check{
		{"an inserted row has version 1, and every replacement the next", blind, checkVersions},
		{"a row that changed since it was read is not replaced", blind, checkStale},
		{"a row that is not there is not replaced", "what was erased would come back half-filled", checkAbsent},
		{"a row that is there is not inserted again", blind, checkInsertedTwice},
		{
			"a touch moves last use forward, never back, and no version",
			"a page view would otherwise make the next switch or logout fail, or shorten a session", checkTouch,
		},
		{
			"a touch of a session that is gone is no conflict",
			"notes ride along with decisions and must not fail them", checkTouchGone,
		},
	}
}

// versioned are the rows of one small world, each of which has a version.
func versioned(version int64) []any {
	u, a, g := user("u"), account("a"), agency("g")
	m, c, x := member("g", "u", roles.Owner), connection("a", "g", roles.Admin), assignment("a", "g", "u", roles.Admin)
	r, s, i := request("g", "r", "to@example.com", "u"), session("s", "u"), invitation("a", "i", "to@example.com", "u")
	p, q, t, w := credential("u"), challenge("u", "a"), ticket("u", token.Reset), guesses("to@example.com")
	u.Version, a.Version, g.Version, m.Version, c.Version, x.Version = version, version, version, version, version, version
	r.Version, s.Version, i.Version, p.Version, q.Version, t.Version, w.Version = version, version, version, version, version, version, version
	y, z, b, l, v := record("a", "c"), site("a", "p"), given("a", "c", "p"), setup("a", "c"), view("v", "a", "c", "u")
	y.Version, z.Version, b.Version, l.Version, v.Version = version, version, version, version, version
	return []any{u, a, g, m, c, x, r, s, i, p, q, t, w, y, z, b, v, l}
}

// marked returns the row with something changed that would be seen.
func marked(row any) any {
	switch r := row.(type) {
	case accounts.User:
		r.Name = "marked"
		return r
	case accounts.Account:
		r.Plan = "marked"
		return r
	case accounts.Membership:
		r.Role = roles.Viewer
		return r
	case accounts.Connection:
		r.Cap = roles.Viewer
		return r
	case accounts.Assignment:
		r.Role = roles.Viewer
		return r
	case accounts.Credential:
		r.Hash = "marked"
		return r
	case accounts.Challenge:
		r.To = "marked"
		return r
	case access.Request:
		r.Message = "marked"
		return r
	case access.Ticket:
		r.Address = "marked"
		return r
	case access.Guesses:
		r.Count = 77
		return r
	case invites.Invitation:
		r.Message = "marked"
		return r
	case access.Session:
		r.UserAgent = "marked"
		return r
	case accounts.Client:
		r.Notes = "marked"
		return r
	case accounts.Site:
		r.Alias = "marked"
		return r
	case accounts.SiteAccess:
		r.Permissions = []roles.Permission{"marked"}
		return r
	case invites.SetupLink:
		r.Maker = "marked"
		return r
	case access.ViewAs:
		r.UserAgent = "marked"
		return r
	}
	panic("storagetest: not a row with a version")
}

func checkVersions(e *env) {
	st, m := e.open(), newModel()
	for version := range int64(4) {
		c := e.change(versioned(version)...)
		e.ok(applyAll(e.ctx, st, c), "replacing every row at version %d", version)
		e.ok(applyAll(e.ctx, m, c), "the model")
		e.agrees(st, m)
	}
	a, err := st.Account(e.ctx, "a")
	e.ok(err, "Account")
	e.holds(a.Version == 4, "an account has version %d after one insert and three replacements, want 4", a.Version)
}

func checkStale(e *env) {
	st := e.open()
	e.put(st, versioned(0)...)
	e.put(st, versioned(1)...)
	var stale []attempt
	for _, version := range []int64{1, 3, 99, -1} {
		for _, row := range versioned(version) {
			stale = append(stale, attempt{text(row) + " in place of a row of version 2", []any{marked(row)}})
		}
	}
	e.refusedEach(st, stale...)
	for _, row := range versioned(2) {
		e.put(st, marked(row))
	}
}

func checkAbsent(e *env) {
	st := e.open()
	const never = "a replacement of what never was there"
	var first, rest []attempt
	for _, row := range versioned(1)[:3] {
		first = append(first, attempt{never, []any{row}})
	}
	e.refusedEach(st, first...)
	e.put(st, versioned(0)[:3]...)
	for _, row := range versioned(1)[3:] {
		switch row.(type) {
		case accounts.Assignment, accounts.SiteAccess, invites.SetupLink, access.ViewAs:
			continue // what they refer to has to be there first
		}
		rest = append(rest, attempt{never, []any{row}})
	}
	e.refusedEach(st, rest...)
	e.put(st, versioned(0)[3:5]...)
	e.refused(st, "a replacement of an assignment that never was there", versioned(1)[5])
	e.put(st, versioned(0)[13:15]...)
	for _, row := range versioned(1)[15:] {
		e.refused(st, never, row)
	}
}

func checkInsertedTwice(e *env) {
	st := e.open()
	e.put(st, versioned(0)...)
	var second []attempt
	for _, row := range versioned(0) {
		second = append(second, attempt{text(row) + " beside a row with the same key", []any{marked(row)}})
	}
	e.refusedEach(st, second...)
}

func checkTouch(e *env) {
	st := e.open()
	s := session("s", "u")
	e.put(st, user("u"), s)
	seen := func() access.Session {
		got, err := st.Session(e.ctx, access.SessionKey{ID: "s"})
		e.ok(err, "Session")
		return got
	}
	e.put(st, access.Touch{Session: "s", At: minutes(5)})
	s.Version, s.SeenAt = 1, minutes(5)
	e.same(seen(), s, "after a touch")
	e.put(st, access.Touch{Session: "s", At: minutes(4)})
	e.same(seen(), s, "after a touch with an earlier moment")
	e.ok(st.ApplyAccess(e.ctx, access.Change{Touches: []access.Touch{{Session: "s", At: minutes(6)}}}),
		"a change of a touch alone, without operation or event")
	s.SeenAt = minutes(6)
	e.same(seen(), s, "after a touch on its own")
	e.put(st, s) // still version 1
	s.Version = 2
	e.same(seen(), s, "replaced after touches")
}

func checkTouchGone(e *env) {
	st := e.open()
	e.put(st, user("u"), session("s", "u"), access.Touch{Session: "nobody's", At: minutes(5)})
	e.put(st, access.Touch{Session: "nobody's", At: minutes(6)})
	_, err := st.Session(e.ctx, access.SessionKey{ID: "nobody's"})
	e.is(err, accounts.ErrNotFound, "a touch made a session")
}
