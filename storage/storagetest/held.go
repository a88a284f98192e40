package storagetest

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/chatelaine-go/chatelaine/access"
	"github.com/chatelaine-go/chatelaine/access/token"
	"github.com/chatelaine-go/chatelaine/accounts"
	"github.com/chatelaine-go/chatelaine/invites"
	"github.com/chatelaine-go/chatelaine/mail"
	"github.com/chatelaine-go/chatelaine/roles"
	"github.com/chatelaine-go/chatelaine/storage"
)

// personChecks prove what is told about a person, and what is erased.
func personChecks() []check {
	const told = "an export tells a person everything that is kept about them, and nothing about others (D7)"
	const erased = "what is forgotten is gone in every table, what is of others stays, and the audit stays (D7)"
	checks := []check{
		{"an empty user and an empty address hold nothing", "rows without a user or an address are many people's", checkHeldNobody},
		{"a kind of row that nobody knows is a fault", "an export that leaves a kind out in silence reads as complete", checkHeldUnknown},
		{"what is held of a user who was deleted is told", told, checkHeldDeleted},
		{"forgetting a user takes out what lets them in, and where they came from", erased, checkForgetUser},
		{"forgetting a user takes their mail along, wherever it went and why", erased, checkForgetMail},
		{"forgetting an address ends and blanks what was sent to it, and its mail", erased, checkForgetAddress},
		{"forgetting leaves client records, and takes from views where their viewer came from", "a client record ends once, by its own row, with its own event (A105, D7)", checkForgetClients},
		{"forgetting touches nobody else's rows", erased, checkForgetOthers},
		{"forgetting comes after everything else of its change", erased, checkForgetLast},
		{"forgetting what is not there is passed over, and so is forgetting twice", "an erasure is repeated until it succeeds", checkForgetNothing},
		{"forgetting a user alone, or an address alone, leaves the other", "a user and an address are not always of one person", checkForgetHalf},
		{"a change that fails forgets nothing", "an erasure that is half done is found too late (A93)", checkForgetFails},
	}
	for _, kind := range accounts.HeldKinds() {
		checks = append(checks, check{fmt.Sprintf("what is held of the kind %q is told whole, by its keys, without secrets", kind), told, func(e *env) {
			checkHeld(e, kind)
		}})
	}
	return checks
}

// heldFixture has rows of every kind about u and about others, and returns
// those about u, and those about the address of u, in the order of their keys.
func (e *env) heldFixture(st storage.Storage) (byUser, byEmail map[accounts.HeldKind][]accounts.Held) {
	e.Helper()
	byUser, byEmail = map[accounts.HeldKind][]accounts.Held{}, map[accounts.HeldKind][]accounts.Held{}
	held := func(list map[accounts.HeldKind][]accounts.Held, kind accounts.HeldKind, row any, key ...string) {
		list[kind] = append(list[kind], accounts.Held{Key: strings.Join(key, "\n"), Row: row})
	}
	rows := []any{
		user("u"), user("w"), agency("g"), agency("f"), account("a"), account("c"), credential("u"), credential("w"),
		identity("9", "w"), challenge("w", "a"), member("a", "w", roles.Owner), session("of-w", "w"),
		connection("c", "g", roles.Admin), connection("c", "f", roles.Admin), connection("a", "g", roles.Admin),
		member("g", "w", roles.Owner), assignment("c", "g", "w", roles.Viewer),
	}
	me := user("u")
	me.Version = 1
	held(byUser, accounts.HeldUser, me, "u")
	mine := credential("u")
	mine.Version, mine.Hash = 1, ""
	held(byUser, accounts.HeldCredential, mine, "u")
	for _, i := range []accounts.Identity{
		{Issuer: "A", Subject: "2"}, {Issuer: "a", Subject: "10"}, {Issuer: "a", Subject: "2"}, {Issuer: "b", Subject: "1"},
	} {
		i.User, i.CreatedAt = "u", minutes(len(i.Subject))
		rows = append(rows, i)
		held(byUser, accounts.HeldIdentity, i, i.Issuer, i.Subject)
	}
	for _, key := range []accounts.ChallengeKey{
		{Session: "", Account: "", Action: "b"},
		{Session: "", Account: "a", Action: "a"},
		{Session: "S", Account: "", Action: "z"},
		{Session: "s", Account: "a", Action: "a"},
		{Session: "s", Account: "a", Action: "b"},
		{Session: "s", Account: "b", Action: "a"},
	} {
		c := challenge("u", "a")
		key.User = "u"
		c.ChallengeKey = key
		rows = append(rows, c)
		c.Version, c.Hash = 1, [32]byte{}
		held(byUser, accounts.HeldChallenge, c, string(key.Session), string(key.Account), string(key.Action))
	}
	for _, id := range []string{"a", "f", "g"} {
		m := manages(id, "u")
		if id == "f" {
			m.EndedAt = minutes(1)
		}
		rows = append(rows, m)
		m.Version = 1
		held(byUser, accounts.HeldMembership, m, id)
	}
	for _, x := range []accounts.Assignment{
		assignment("a", "g", "u", roles.Viewer), assignment("c", "f", "u", roles.Author), assignment("c", "g", "u", roles.Viewer),
	} {
		if x.Agency == "f" {
			x.EndedAt = minutes(1)
		}
		rows = append(rows, x)
		x.Version = 1
		held(byUser, accounts.HeldAssignment, x, string(x.Client), string(x.Agency))
	}
	for _, id := range []string{"S1", "s1", "s2"} {
		s := session(id, "u")
		s.UserAgent, s.Source = "Browser", "192.0.2.1"
		if id == "s1" {
			s.EndedAt = minutes(1)
		}
		rows = append(rows, s)
		s.Version, s.Hash = 1, token.Hash{}
		held(byUser, accounts.HeldSession, s, id)
	}
	var offers []any
	for i, key := range [][2]string{{"a", "R"}, {"a", "q"}, {"f", "q"}, {"g", "p"}, {"g", "r"}} {
		to, by := [...]string{"u", "x", "u", "u", "y"}[i], [...]string{"w", "u", "u", "w", "u"}[i]
		r := request(key[0], key[1], address(to), by)
		o := invitation(key[0], key[1], address(to), by)
		if i == 3 {
			r.State, o.State = access.Declined, invites.Accepted
		}
		rows, offers = append(rows, r), append(offers, o)
		r.Version, o.Version, r.Hash, o.Hash = 1, 1, token.Hash{}, token.Hash{}
		for _, list := range []struct {
			is   bool
			held map[accounts.HeldKind][]accounts.Held
		}{{by == "u", byUser}, {to == "u", byEmail}} {
			if list.is {
				held(list.held, accounts.HeldRequest, r, key[0], key[1])
				held(list.held, accounts.HeldInvitation, o, key[0], key[1])
			}
		}
	}
	rows = append(rows, request("g", "others", address("z"), "w"))
	offers = append(offers, invitation("g", "others", address("z"), "w"))
	for _, id := range []string{"M", "m1", "m2", "other"} {
		m := letter(id, "r")
		if id != "other" {
			m.To = string(address("u"))
			held(byEmail, accounts.HeldMail, waiting(m), id)
		}
		rows = append(rows, m)
	}
	rows = append(rows, e.heldElsewhere(byUser)...)
	e.put(st, rows...)
	e.put(st, offers...)
	e.heldEvents(st, byUser)
	e.heldClients(st, byUser, byEmail)
	return byUser, byEmail
}

// heldElsewhere is mail that is somebody's though it goes to no address of theirs,
// or is about their login though it is not theirs.
func (e *env) heldElsewhere(byUser map[accounts.HeldKind][]accounts.Held) (rows []any) {
	former, stray, about := letter("former", "account/agency/request/1"), letter("stray", "r"), code("about", "w")
	former.User, stray.User, about.Reason = "u", "u ", code("", "u").Reason
	for _, m := range []mail.Message{
		code("c1", "u"), code("c2", "u"), former, stray, about, code("x", "uu"), code("y", "u0"), code("z", ""),
	} {
		if m.User == "u" {
			byUser[accounts.HeldMail] = append(byUser[accounts.HeldMail], accounts.Held{Key: m.ID, Row: waiting(m)})
		}
		rows = append(rows, m)
	}
	return rows
}

// waiting is the record of a message that nobody has claimed.
func waiting(m mail.Message) mail.Record {
	return mail.Record{
		ID: m.ID, Channel: m.Channel, Kind: m.Kind, Account: m.Account, To: m.To, Reason: m.Reason, Priority: m.Priority, State: mail.Queued,
		Due: m.Due, NotAfter: m.NotAfter, CreatedAt: m.CreatedAt,
	}
}

// heldEvents has operations with events about and by u, and of others.
func (e *env) heldEvents(st storage.Storage, byUser map[accounts.HeldKind][]accounts.Held) {
	e.Helper()
	for i, op := range []string{"by", "of", "x"} {
		var events []any
		for n := 1; n <= 12; n++ {
			ev := event(op, n, "a", minutes(n))
			ev.User, ev.By.User = "w", "w"
			switch about := n%2 == 0; {
			case about && i == 0:
				ev.By.User = "u"
			case about && i == 1:
				ev.User = "u"
			case about && n == 12:
				ev.User, ev.By.User, ev.Invitation = "u", "u", "i"
			}
			if ev.User == "u" || ev.By.User == "u" {
				byUser[accounts.HeldEvent] = append(byUser[accounts.HeldEvent], accounts.Held{Key: fmt.Sprintf("%s\n%010d", op, n), Row: ev})
			}
			events = append(events, ev)
		}
		e.put(st, events...)
	}
}

func (e *env) held(st storage.Storage, q accounts.HeldQuery) []accounts.Held {
	e.Helper()
	if q.Limit == 0 {
		q.Limit = all
	}
	got, err := st.Held(e.ctx, q)
	e.ok(err, "Held")
	return got
}

func checkHeld(e *env, kind accounts.HeldKind) {
	st := e.open()
	byUser, byEmail := e.heldFixture(st)
	e.same(e.held(st, accounts.HeldQuery{Kind: kind, User: "u"}), byUser[kind], "held of the user")
	e.same(e.held(st, accounts.HeldQuery{Kind: kind, Email: address("u")}), byEmail[kind], "held of the address")
	both := slices.Clone(byUser[kind])
	for _, h := range byEmail[kind] {
		if !slices.ContainsFunc(both, func(x accounts.Held) bool { return x.Key == h.Key }) {
			both = append(both, h)
		}
	}
	slices.SortFunc(both, func(a, b accounts.Held) int { return strings.Compare(a.Key, b.Key) })
	whole := e.held(st, accounts.HeldQuery{Kind: kind, User: "u", Email: address("u")})
	e.same(whole, both, "held of both")
	for _, q := range []accounts.HeldQuery{{User: "nobody"}, {User: "U"}, {Email: "nobody@example.com"}, {Email: "U@example.com"}} {
		q.Kind = kind
		e.same(e.held(st, q), []accounts.Held{}, "held of nobody: %s", text(q))
	}
	for size := 1; size <= len(whole)+1; size++ {
		var got []accounts.Held
		for after := ""; ; {
			page := e.held(st, accounts.HeldQuery{Kind: kind, User: "u", Email: address("u"), After: after, Limit: size})
			e.holds(len(page) <= size, "a page of at most %d has %d entries", size, len(page))
			if len(page) == 0 {
				break
			}
			got, after = append(got, page...), page[len(page)-1].Key
			e.holds(len(got) <= len(whole), "in pages of %d there are more entries than in one", size)
		}
		e.same(got, whole, "held, in pages of %d", size)
	}
	for after, want := range map[string][]accounts.Held{"\x01": whole, "~": {}} { // places where no entry ever was
		e.same(e.held(st, accounts.HeldQuery{Kind: kind, User: "u", Email: address("u"), After: after}), want, "held behind %q", after)
	}
}

func checkHeldNobody(e *env) {
	st := e.open()
	bare := user("bare")
	bare.Email = ""
	nameless := letter("m", "r")
	nameless.To = ""
	blanked := invitation("g", "i", "", "")
	blanked.State = invites.Revoked
	tombstone := record("g", "c")
	tombstone.Email, tombstone.DeletedAt = "", minutes(1)
	ended := request("g", "r", "", "")
	ended.State = access.Ended
	e.put(st, bare, agency("g"), ended, nameless, tombstone, event("o", 1, "g", start))
	e.put(st, blanked)
	for _, kind := range accounts.HeldKinds() {
		for _, q := range []accounts.HeldQuery{{}, {User: "nobody"}, {Email: "nobody@example.com"}} {
			q.Kind = kind
			e.same(e.held(st, q), []accounts.Held{}, "held of nobody: %s", text(q))
		}
	}
}

func checkHeldUnknown(e *env) {
	st := e.open()
	e.heldFixture(st)
	for _, kind := range []accounts.HeldKind{"", "ticket", "USER"} {
		got, err := st.Held(e.ctx, accounts.HeldQuery{Kind: kind, User: "u", Email: address("u"), Limit: all})
		e.holds(err != nil && !errors.Is(err, accounts.ErrNotFound), "held of the kind %q: want a fault, got %v", kind, err)
		e.same(got, []accounts.Held{}, "what came beside a fault")
	}
}

func checkHeldDeleted(e *env) {
	st, m := e.open(), newModel()
	e.heldFixture(st)
	e.ops = 0
	e.heldFixture(m)
	u := user("u")
	u.Version, u.Name, u.Email, u.Address, u.DeletedAt = 1, "", "", "", minutes(5)
	c := e.change(u)
	e.ok(apply(e.ctx, st, c), "a valid change was not applied")
	e.ok(apply(e.ctx, m, c), "the model")
	u.Version = 2
	e.same(e.held(st, accounts.HeldQuery{Kind: accounts.HeldUser, User: "u"}), []accounts.Held{{Key: "u", Row: u}}, "a deleted user")
	e.agrees(st, m)
}
