package storagetest

import (
	"errors"

	"github.com/chatelaine-go/chatelaine/access"
	"github.com/chatelaine-go/chatelaine/access/token"
	"github.com/chatelaine-go/chatelaine/accounts"
	"github.com/chatelaine-go/chatelaine/invites"
	"github.com/chatelaine-go/chatelaine/mail"
	"github.com/chatelaine-go/chatelaine/roles"
)

// sound ends the check unless what has to hold whatever happened does hold, for
// everybody and everything that the check made: every open account has an
// active owner (I-01); nobody is a member of one account twice, and an address
// has at most one pending invitation there (I-02); an address has at most one
// user who is not deleted (I-03); an invitation has one end, and tells of it
// once (I-04, I-05); and nothing that lives refers to a user who is deleted
// (I-20).
func (o *office) sound() {
	o.Helper()
	deleted := map[accounts.UserID]bool{}
	for _, id := range o.people {
		u, err := o.st.User(o.ctx, accounts.UserKey{ID: id})
		if errors.Is(err, accounts.ErrNotFound) {
			continue // they never came
		}
		o.ok(err, "User")
		if !u.DeletedAt.IsZero() {
			deleted[id] = true
			o.gone(u)
			continue
		}
		o.alone(u)
	}
	for _, id := range o.places {
		a, err := o.st.Account(o.ctx, id)
		if errors.Is(err, accounts.ErrNotFound) {
			continue // it was never made
		}
		o.ok(err, "Account")
		o.kept(a, deleted)
		o.offersOf(id, deleted)
	}
	o.clientsSound(deleted)
}

// alone ends the check unless a user is the only one with their address (I-03).
func (o *office) alone(u accounts.User) {
	o.Helper()
	if u.Email == "" {
		return
	}
	email, err := accounts.ParseEmail(u.Address)
	o.holds(err == nil && email == u.Email, "the canonical form of %q is %q (%v), and %q is stored (I-03)", u.Address, email, err, u.Email)
	holder, err := o.st.User(o.ctx, accounts.UserKey{Email: u.Email})
	o.ok(err, "User")
	o.holds(holder.ID == u.ID, "%s and %s have one address (I-03)", holder.ID, u.ID)
}

// kept ends the check unless an account that is open has an active owner, and
// whoever is a member is one once and not deleted (I-01, I-02, I-20).
func (o *office) kept(a accounts.Account, deleted map[accounts.UserID]bool) {
	o.Helper()
	owners, err := o.st.Owners(o.ctx, a.ID, roles.Owner)
	o.ok(err, "Owners")
	o.holds(len(owners) > 0 || !a.ClosedAt.IsZero(), "%s has no owner (I-01)", a.ID)
	found := 0
	seen := map[accounts.UserID]bool{}
	q := accounts.MemberQuery{Account: a.ID, Limit: 200}
	for {
		page, err := o.st.Members(o.ctx, q)
		o.ok(err, "Members")
		for _, m := range page {
			id := m.Membership.User
			o.holds(!seen[id], "%s is a member of %s twice (I-02)", id, a.ID)
			o.holds(!deleted[id], "%s is deleted, and a member of %s (I-20)", id, a.ID)
			seen[id] = true
			if m.Membership.Active() && m.Membership.Role == roles.Owner {
				found++
			}
		}
		if len(page) < q.Limit {
			break
		}
		q.After = page[len(page)-1].Cursor()
	}
	o.holds(found == len(owners), "%d members of %s are owners, and %d are told (I-01)", found, a.ID, len(owners))
}

// offersOf ends the check unless the invitations of an account are each in one
// state that the audit tells of once, and an address has at most one that is
// pending (I-02, I-04, I-05, I-20).
func (o *office) offersOf(at accounts.AccountID, deleted map[accounts.UserID]bool) {
	o.Helper()
	audit := o.told(at)
	pending := map[accounts.Email]bool{}
	q := invites.ListQuery{Account: at, At: o.clock.Now(), Limit: 200}
	for {
		page, err := o.st.Invitations(o.ctx, q)
		o.ok(err, "Invitations")
		for _, l := range page {
			i := l.Invitation
			n := func(is bool) int {
				if is {
					return 1
				}
				return 0
			}
			t := audit[i.ID]
			o.holds(t[invites.EventInvited] == 1 && t[invites.EventInvitationAccepted] == n(i.State == invites.Accepted) &&
				t[invites.EventInvitationDeclined] == n(i.State == invites.Declined) && t[invites.EventInvitationRevoked] <= n(i.State == invites.Revoked),
				"the invitation %s is %s, and the audit tells of %v (I-04, I-05)", i.ID, i.State, t)
			switch i.State {
			case invites.Pending:
				o.holds(!pending[i.Email], "%s has two pending invitations in %s (I-02)", i.Email, at)
				pending[i.Email] = true
				o.holds(l.StateAt(q.At) != invites.Pending || !deleted[i.Inviter],
					"an invitation of %s counts, who is deleted (I-20)", i.Inviter)
				for id := range deleted {
					o.holds(i.Email != address(string(id)), "an invitation to %s is pending, who is deleted (I-20)", id)
				}
			case invites.Accepted:
				o.holds(o.member(i.User, at).Version > 0 && !i.DecidedAt.Before(i.SentAt) && i.DecidedAt.Before(i.ExpiresAt),
					"the invitation %s says accepted, and is no membership of its time (I-04, I-06)", i.ID)
			case invites.Declined, invites.Revoked, invites.Expired, invites.Void:
			}
		}
		if len(page) < q.Limit {
			return
		}
		q.Before = page[len(page)-1].Cursor()
	}
}

// told counts what the audit of an account tells of its invitations.
func (o *office) told(at accounts.AccountID) map[accounts.InvitationID]map[accounts.EventKind]int {
	o.Helper()
	all := map[accounts.InvitationID]map[accounts.EventKind]int{}
	q := accounts.EventQuery{
		Account: at, Limit: 500,
		Kinds: []accounts.EventKind{
			invites.EventInvited, invites.EventInvitationAccepted, invites.EventInvitationDeclined, invites.EventInvitationRevoked,
		},
	}
	for {
		page, err := o.st.Events(o.ctx, q)
		o.ok(err, "Events")
		for _, e := range page {
			if all[e.Invitation] == nil {
				all[e.Invitation] = map[accounts.EventKind]int{}
			}
			all[e.Invitation][e.Kind]++
		}
		if len(page) < q.Limit {
			return all
		}
		q.Before = page[len(page)-1].Cursor()
	}
}

// gone ends the check unless nothing that lives refers to a user who is deleted
// (I-20): no membership, client record, way to log in, session, link, code or mail
// of theirs.
func (o *office) gone(u accounts.User) {
	o.Helper()
	o.holds(u.Email == "" && u.Address == "" && u.Name == "" && u.Handle == "" && u.Phone == "", "%s is deleted, and has %s", u.ID, text(u))
	for _, kind := range []accounts.HeldKind{accounts.HeldIdentity, accounts.HeldCredential, accounts.HeldChallenge, accounts.HeldMembership, accounts.HeldSession, accounts.HeldClient} {
		list, err := o.st.Held(o.ctx, accounts.HeldQuery{Kind: kind, User: u.ID, Limit: 500})
		o.ok(err, "Held")
		for _, h := range list {
			live := true
			switch row := h.Row.(type) {
			case accounts.Membership:
				live = row.EndedAt.IsZero()
			case access.Session:
				live = row.EndedAt.IsZero() && row.UserEpoch == u.Epoch
			}
			o.holds(!live, "%s is deleted, and this %s lives: %s (I-20)", u.ID, kind, text(h.Row))
		}
	}
	for _, p := range []token.Purpose{token.Proof, token.Reset, token.Address} {
		_, err := o.st.Ticket(o.ctx, access.TicketQuery{TicketKey: access.TicketKey{User: u.ID, Purpose: p}})
		o.is(err, accounts.ErrNotFound, "a link %s of %s, who is deleted (I-20)", p, u.ID)
	}
	queued, err := o.st.Mails(o.ctx, mail.Query{State: mail.Queued, Reason: mail.ReasonFor("login", string(u.ID)), Limit: 10})
	o.ok(err, "Mails")
	o.holds(len(queued) == 0, "%s is deleted, and mail about their login is queued: %s (I-20)", u.ID, text(queued))
	reached, err := o.st.Reach(o.ctx, accounts.ReachQuery{User: u.ID, Proof: accounts.AnyLogin(), Limit: 10})
	o.ok(err, "Reach")
	o.holds(len(reached) == 0, "%s is deleted, and reaches %s (I-20)", u.ID, text(reached))
}
