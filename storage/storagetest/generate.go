package storagetest

import (
	"fmt"
	"slices"
	"time"

	"github.com/chatelaine-go/chatelaine/access"
	"github.com/chatelaine-go/chatelaine/accounts"
	"github.com/chatelaine-go/chatelaine/mail"
	"github.com/chatelaine-go/chatelaine/roles"
)

// The game is played with few ids, so that most changes meet each other.

func (g *game) pick(prefix string, n int) string { return fmt.Sprint(prefix, g.r.IntN(n)) }

func (g *game) letterID() string { return g.pick("m", 30) }

func (g *game) email() accounts.Email { return accounts.Email(g.pick("e", 9) + "@example.com") }

func (g *game) role() roles.Role {
	return []roles.Role{roles.Viewer, roles.Author, roles.Manager, roles.Admin, roles.Owner, roles.Owner}[g.r.IntN(6)]
}

func (g *game) capped() roles.Role {
	return []roles.Role{roles.Viewer, roles.Author, roles.Manager, roles.Admin}[g.r.IntN(4)]
}

// limitOf is low enough to be met within a day of the game.
func limitOf(kind accounts.QuotaKind) int {
	switch kind {
	case accounts.QuotaRequests, accounts.QuotaInvitations, accounts.QuotaSetupMails, accounts.QuotaSource:
		return 12
	case accounts.QuotaRecipient, accounts.QuotaResends, accounts.QuotaLinks, accounts.QuotaAsks, accounts.QuotaCodes:
	}
	return 3
}

// sometimes returns a moment near now once in n times, else zero.
func (g *game) sometimes(n int) time.Time {
	if g.r.IntN(n) > 0 {
		return time.Time{}
	}
	return g.now.Add(-time.Duration(g.r.IntN(3600)) * time.Second)
}

func (g *game) epoch() int64 { return int64(1 + g.r.IntN(2)) }

func (g *game) name() string {
	return []string{"Alpha", "alpha", "Beta 100%", "Gamma_Ray", "Ünï", "The  Alpha"}[g.r.IntN(6)]
}

// version returns what a change says of a row: mostly the truth.
func (g *game) version(stored int64) int64 {
	switch g.r.IntN(20) {
	case 0:
		return 0
	case 1:
		return stored + 1
	}
	return stored
}

// reason is one of few, at two levels, or somebody's login.
func (g *game) reason() mail.Reason {
	if g.r.IntN(5) == 0 {
		return accounts.LoginReason(accounts.UserID(g.pick("u", 12))) + []mail.Reason{"", "/code", "/code/1"}[g.r.IntN(3)]
	}
	if g.r.IntN(3) == 0 {
		return mail.ReasonFor(g.pick("r", 3))
	}
	return mail.ReasonFor(g.pick("r", 3), g.pick("s", 3))
}

func (g *game) change() change { return g.changeOf(g.m.shared.now()) }

// changeOf makes a change with one row each of some kinds, mostly one that
// holds. Rows refer only to what is there.
func (g *game) changeOf(w *world) change {
	op := fmt.Sprintf("op-%05d", g.e.ops)
	g.e.ops++
	rows := []any{accounts.Event{
		Op: accounts.OpID(op), Seq: 1, At: g.now, Kind: accounts.EventMemberAdded, Account: accounts.AccountID(g.pick("a", 8)),
		Agency: accounts.AccountID(g.pick("a", 8)), User: accounts.UserID(g.pick("u", 10)), Role: g.role(),
	}}
	kinds := []func(w *world) []any{
		g.putUser, g.putUser, g.putAccount, g.putAccount, g.putMembership, g.putMembership, g.putMembership, g.putConnection, g.putConnection,
		g.putAssignment, g.putAssignment, g.putRequest, g.putRequest, g.putRequest, g.putSession, g.putSession, g.putRest, g.putRest,
		g.putCredential, g.putChallenge, g.putTicket, g.putTicket, g.putGuesses, g.putInvitation, g.putInvitation, g.putInvitation,
		g.putUnlink, g.putForget, g.putRecord, g.putRecord, g.putRecord, g.putRecord, g.putSite, g.putSite, g.putSiteAccess, g.putSiteAccess,
		g.putSiteAccess, g.putSetupLink, g.putSetupLink, g.putView, g.putView,
	}
	seen := map[string]bool{}
	for range 1 + g.r.IntN(4) {
		for _, row := range kinds[g.r.IntN(len(kinds))](w) {
			if name := fmt.Sprintf("%T", row); !seen[name] {
				seen[name] = true // one of a kind: what two of them do to each other is not the contract's
				rows = append(rows, row)
			}
		}
	}
	c := alone(build("", rows...))
	if c.hasAccess() && c.hasInvites() { // they never go together
		if g.r.IntN(2) == 0 {
			c = c.access()
		} else {
			c = c.invites()
		}
	}
	if bare := c; g.r.IntN(2) == 0 { // notes and counts need no operation
		if bare.Op, bare.Events = "", nil; onlyNotes(bare) {
			return bare
		}
	}
	if len(c.Accounts) == 1 && len(c.Guards) == 1 && c.Guards[0].Account == c.Accounts[0].ID {
		c.Guards = nil // an account is written or relied on, not both
	}
	g.e.seen.add(c)
	return c
}

func (g *game) someUser(w *world) (accounts.User, bool) {
	u, found := w.users[accounts.UserID(g.pick("u", 10))]
	return u, found
}

func (g *game) someAccount(w *world) (accounts.Account, bool) {
	a, found := w.accounts[accounts.AccountID(g.pick("a", 8))]
	return a, found
}

func (g *game) someConnection(w *world) (accounts.Connection, bool) {
	for range 20 {
		if c, found := w.connections[pair(g.pick("a", 8), g.pick("a", 8))]; found {
			return c, true
		}
	}
	return accounts.Connection{}, false
}

func (g *game) putUser(w *world) []any {
	u := user(g.pick("u", 10))
	u.Name, u.Email, u.Address, u.Logins = g.name()+" "+string(u.ID), g.email(), "As Typed", int64(g.r.IntN(4))
	if g.r.IntN(4) == 0 {
		u.Name, u.Handle = "", "Handle "+g.pick("", 3)
	}
	if g.r.IntN(6) == 0 {
		u.Email = ""
	}
	u.SuspendedAt, u.DeletedAt, u.Suspensions, u.Confirms = g.sometimes(10), g.sometimes(15), g.epoch(), g.r.IntN(2) == 0
	u.Version = g.version(w.users[u.ID].Version)
	if w.users[u.ID].Version > 0 && g.r.IntN(3) == 0 {
		return []any{u, accounts.Identity{Issuer: "i", Subject: g.pick("", 6), User: u.ID, CreatedAt: g.now}}
	}
	return []any{u}
}

func (g *game) putAccount(w *world) []any {
	a := agency(g.pick("a", 8))
	a.Name, a.Epoch, a.UpdatedAt = g.name(), g.epoch(), g.now
	a.SuspendedAt, a.ClosedAt = g.sometimes(12), g.sometimes(20)
	if g.r.IntN(5) == 0 {
		a.ClientAccessAt = time.Time{}
	}
	a.Version = g.version(w.accounts[a.ID].Version)
	return []any{a}
}

func (g *game) putMembership(w *world) []any {
	u, hasUser := g.someUser(w)
	a, hasAccount := g.someAccount(w)
	if !hasUser || !hasAccount {
		return nil
	}
	if isClient(w, a.ID, u.ID) {
		return nil
	}
	m := member(string(a.ID), string(u.ID), g.role())
	m.Epoch, m.SuspendedAt, m.EndedAt = g.epoch(), g.sometimes(8), g.sometimes(8)
	m.After, m.AfterAt, m.Tenure, m.Reign = int64(g.r.IntN(3)), g.sometimes(3), g.epoch(), g.epoch()
	m.Version = g.version(w.memberships[accounts.StandingKey{User: u.ID, Account: a.ID}].Version)
	return []any{m, accounts.Guard{Account: a.ID, Version: g.version(a.Version), Move: g.r.IntN(2) == 0}}
}

func (g *game) putConnection(w *world) []any {
	client, ok := g.someAccount(w)
	other, _ := g.someAccount(w)
	if !ok || other.ID == "" || client.ID == other.ID {
		return nil
	}
	c := connection(string(client.ID), string(other.ID), g.capped())
	c.Epoch, c.AgencyEpoch, c.EndedAt = g.epoch(), g.epoch(), g.sometimes(8)
	c.Request = accounts.RequestID(g.pick("q", 40))
	c.Version = g.version(w.connections[c.ConnectionKey].Version)
	return []any{c}
}

func (g *game) putAssignment(w *world) []any {
	c, ok := g.someConnection(w)
	if !ok {
		return nil
	}
	u, _ := g.someUser(w)
	if _, member := w.memberships[accounts.StandingKey{User: u.ID, Account: c.Agency}]; !member {
		return nil
	}
	x := assignment(string(c.Client), string(c.Agency), string(u.ID), g.capped())
	x.ConnectionEpoch, x.MemberEpoch, x.EndedAt = g.epoch(), g.epoch(), g.sometimes(8)
	x.Version = g.version(w.assignments[assignmentKey{x.ConnectionKey, u.ID}].Version)
	return []any{x}
}

func (g *game) putRequest(w *world) []any {
	u, hasUser := g.someUser(w)
	a, hasAccount := g.someAccount(w)
	if !hasUser || !hasAccount {
		return nil
	}
	r := request(string(a.ID), g.pick("q", 40), g.email(), string(u.ID))
	for key, old := range w.requests { // one agency for each id, so that lists over agencies have one order
		if key.ID == r.ID {
			r = old
		}
	}
	if r.Email == "" { // it was forgotten
		r.Email = g.email()
	}
	stored := w.requests[requestKey{r.Agency, r.ID}].Version
	r.Version = g.version(stored)
	r.AgencyEpoch, r.ExpiresAt, r.UpdatedAt = g.epoch(), g.now.Add(time.Duration(g.r.IntN(48))*time.Hour), g.now
	if stored == 0 {
		r.CreatedAt, r.SentAt = g.now.Truncate(time.Hour), g.now
	}
	if g.r.IntN(5) == 0 {
		r.Hash = secret(g.r.IntN(30))
	}
	r.State, r.Client = access.Pending, ""
	if g.r.IntN(2) == 0 {
		states := []access.RequestState{access.Approved, access.Approved, access.Declined, access.Withdrawn, access.Expired}
		r.State = states[g.r.IntN(len(states))]
		if client, ok := g.someAccount(w); ok && r.State == access.Approved && client.ID != r.Agency {
			r.Client = client.ID
		} else if r.State == access.Approved {
			r.State = access.Withdrawn
		}
	}
	day := accounts.DayOf(g.now)
	return []any{r, accounts.Spend{
		QuotaKey: accounts.QuotaKey{Kind: accounts.QuotaRequests, Subject: string(r.Agency), Day: day}, N: 1 + g.r.IntN(4), Limit: limitOf(accounts.QuotaRequests),
	}}
}

func (g *game) putSession(w *world) []any {
	u, ok := g.someUser(w)
	if !ok {
		return nil
	}
	s := session(g.pick("s", 12), string(u.ID))
	old, found := w.sessions[s.ID]
	if found {
		s = old
	} else {
		s.CreatedAt, s.AuthAt, s.SeenAt = g.now, g.now, g.now
	}
	s.Version, s.Hash, s.UserEpoch = g.version(old.Version), secret(g.r.IntN(60)), g.epoch()
	s.Source = []string{"", "192.0.2.1"}[g.r.IntN(2)]
	if s.EndedAt = g.sometimes(6); s.EndedAt.Before(s.CreatedAt) {
		s.EndedAt = time.Time{}
	}
	return []any{s}
}

func (g *game) putRest(w *world) []any {
	switch g.r.IntN(7) {
	case 0:
		return []any{accounts.Spend{
			QuotaKey: accounts.QuotaKey{Kind: accounts.QuotaRecipient, Subject: string(g.email()), Day: accounts.DayOf(g.now)},
			N:        1, Limit: limitOf(accounts.QuotaRecipient),
		}}
	case 1:
		r := reply("user/"+g.pick("u", 2), g.pick("a", 2), g.pick("k", 2))
		r.CreatedAt, r.ExpiresAt, r.Answer = g.now, g.now.Add(time.Duration(g.r.IntN(12))*time.Hour), []byte(g.pick("", 100))
		return []any{r}
	case 2:
		return []any{access.Touch{Session: accounts.SessionID(g.pick("s", 12)), At: g.now.Add(-time.Duration(g.r.IntN(9)) * time.Minute)}}
	case 3:
		return []any{g.reason()}
	case 4:
		return []any{mail.Bounce{ID: g.sentID(w), At: g.now, Error: []string{"", "no such mailbox"}[g.r.IntN(2)]}}
	}
	return []any{g.letter()}
}

// sentID is mostly that of mail that was sent, or else came back.
func (g *game) sentID(w *world) string {
	var ids []string
	for id, m := range w.mails {
		if m.state == mail.Sent || m.state == mail.Bounced && g.r.IntN(9) == 0 {
			ids = append(ids, id)
		}
	}
	if len(ids) == 0 || g.r.IntN(5) == 0 {
		return g.letterID()
	}
	slices.Sort(ids)
	return ids[g.r.IntN(len(ids))]
}

// letter is a mail or a text message, open, sealed or both.
func (g *game) letter() mail.Message {
	m := letter(g.letterID(), g.reason())
	switch g.r.IntN(4) {
	case 0, 1:
		m.To = string(g.email())
	case 2:
		m.Channel, m.To = mail.SMS, phone(g.pick("u", 3))
	}
	if g.r.IntN(3) > 0 {
		m.User = g.pick("u", 10)
	}
	if g.r.IntN(3) == 0 {
		m.Sealed = nil
	}
	if g.r.IntN(3) == 0 {
		m.Subject, m.Text, m.Data = "", "", mail.Data{}
	}
	m.Priority, m.Due, m.CreatedAt = []mail.Priority{mail.Awaited, mail.Notice, 9}[g.r.IntN(3)], g.now.Add(time.Duration(g.r.IntN(3)-1)*time.Hour), g.now
	if g.r.IntN(2) == 0 {
		m.NotAfter = m.Due.Add(time.Duration(g.r.IntN(10)) * time.Hour)
	}
	return m
}
