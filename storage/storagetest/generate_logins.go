package storagetest

import (
	"fmt"
	"time"

	"github.com/chatelaine-go/chatelaine/access"
	"github.com/chatelaine-go/chatelaine/access/token"
	"github.com/chatelaine-go/chatelaine/accounts"
	"github.com/chatelaine-go/chatelaine/invites"
)

// soon is a moment within two days, on either side of now.
func (g *game) soon() time.Time { return g.now.Add(time.Duration(g.r.IntN(48)-8) * time.Hour) }

// source is one of few networks.
func (g *game) source(n int) string { return []string{"192.0.2.1", "192.0.2.2", ""}[n%3] }

// counted is a spend of a few, today.
func (g *game) counted(kind accounts.QuotaKind, subject string) accounts.Spend {
	return accounts.Spend{
		QuotaKey: accounts.QuotaKey{Kind: kind, Subject: subject, Day: accounts.DayOf(g.now)}, N: 1 + g.r.IntN(2), Limit: limitOf(kind),
	}
}

func (g *game) putCredential(w *world) []any {
	u, ok := g.someUser(w)
	if !ok {
		return nil
	}
	c := credential(string(u.ID))
	c.Hash, c.UpdatedAt = g.pick("$", 9), g.now
	c.Version = g.version(w.credentials[u.ID].Version)
	return []any{c}
}

func (g *game) putChallenge(w *world) []any {
	u, ok := g.someUser(w)
	if !ok {
		return nil
	}
	c := challenge(string(u.ID), g.pick("a", 3))
	c.Action, c.Session = []accounts.EventKind{"x", "y"}[g.r.IntN(2)], accounts.SessionID(g.pick("s", 2))
	c.Hash, c.Tries, c.ExpiresAt = secret(g.r.IntN(9)), g.r.IntN(5), g.soon()
	c.PassedAt, c.UsedAt = g.sometimes(3), g.sometimes(4)
	c.Version = g.version(w.challenges[c.ChallengeKey].Version)
	return []any{c, g.counted(accounts.QuotaCodes, string(u.ID))}
}

func (g *game) putTicket(w *world) []any {
	u, ok := g.someUser(w)
	if !ok {
		return nil
	}
	t := ticket(string(u.ID), []token.Purpose{token.Proof, token.Reset, token.Address}[g.r.IntN(3)])
	t.Hash, t.Email, t.Epoch = secret(g.r.IntN(40)), g.email(), g.epoch()
	t.CreatedAt, t.ExpiresAt, t.UsedAt = g.now, g.soon(), g.sometimes(3)
	t.Version = g.version(w.tickets[t.TicketKey].Version)
	if t.Purpose == token.Address {
		return []any{t, g.counted(accounts.QuotaAsks, string(u.ID))}
	}
	return []any{t, g.counted(accounts.QuotaLinks, string(t.Email))}
}

func (g *game) putGuesses(w *world) []any {
	t := access.Guesses{Email: g.email(), LastAt: g.now}
	old := w.guesses[t.Email]
	t.Version, t.Count = g.version(old.Version), old.Count+1
	if source := g.source(g.r.IntN(3)); source != "" {
		return []any{t, g.counted(accounts.QuotaSource, source)}
	}
	return []any{t}
}

func (g *game) putInvitation(w *world) []any {
	a, ok := g.someAccount(w)
	if !ok {
		return nil
	}
	i := invitation(string(a.ID), g.pick("i", 30), g.email(), g.inviter(w, a.ID))
	for key, old := range w.invitations { // one account for each id, so that lists over accounts have one order
		if key.ID == i.ID {
			i = old
		}
	}
	if i.Email == "" { // it was forgotten
		i.Email = g.email()
	}
	stored := w.invitations[invitationKey{i.Account, i.ID}].Version
	i.Version = g.version(stored)
	if stored == 0 {
		i.CreatedAt, i.SentAt = g.now.Truncate(time.Hour), g.now
	}
	if g.r.IntN(4) == 0 || stored == 0 {
		i.Hash = secret(g.r.IntN(40))
	}
	m := w.memberships[accounts.StandingKey{User: i.Inviter, Account: i.Account}]
	i.Tenure, i.Reign, i.Suspensions = m.Tenure, m.Reign, w.users[i.Inviter].Suspensions
	if g.r.IntN(5) == 0 {
		i.Tenure, i.Suspensions = g.epoch(), g.epoch()
	}
	i.ExpiresAt, i.UpdatedAt, i.State = g.soon(), g.now, invites.Pending
	if g.r.IntN(2) == 0 {
		i.State = invitationStates()[g.r.IntN(6)]
	}
	return []any{i, g.counted(accounts.QuotaInvitations, string(i.Account))}
}

// inviter is mostly somebody who can invite.
func (g *game) inviter(w *world, account accounts.AccountID) string {
	for range 20 {
		u, _ := g.someUser(w)
		if m := w.memberships[accounts.StandingKey{User: u.ID, Account: account}]; m.Active() && u.Active() {
			return string(u.ID)
		}
	}
	return g.pick("u", 10)
}

// putUnlink takes out an identity, mostly one that is there, and sometimes
// gives it to somebody else.
func (g *game) putUnlink(w *world) []any {
	i := accounts.Identity{Issuer: "i", Subject: g.pick("", 6), CreatedAt: g.now}
	if u, ok := g.someUser(w); ok && g.r.IntN(2) == 0 {
		i.User = u.ID
		return []any{i.Key(), i}
	}
	if _, found := w.identities[i.Key()]; !found && g.r.IntN(4) > 0 {
		return nil
	}
	return []any{i.Key()}
}

func (g *game) putForget(*world) []any {
	f := accounts.Forget{User: accounts.UserID(g.pick("u", 10)), Email: g.email()}
	switch g.r.IntN(4) {
	case 0:
		f.User = ""
	case 1:
		f.Email = ""
	case 2:
		f.Email = accounts.Email(fmt.Sprintf("to-%s@example.com", g.letterID()))
	case 3:
		if g.r.IntN(2) == 0 {
			return nil // not too often, or nothing is left
		}
	}
	return []any{f}
}
