package storagetest

import (
	"context"
	"fmt"

	"github.com/chatelaine-go/chatelaine/access"
	"github.com/chatelaine-go/chatelaine/accounts"
	"github.com/chatelaine-go/chatelaine/invites"
	"github.com/chatelaine-go/chatelaine/mail"
	"github.com/chatelaine-go/chatelaine/storage"
)

// change is every change of the library in one type. What package access adds
// and what package invites adds never go together to a store: see [change.forms].
type change struct {
	access.Change

	Invitations []invites.Invitation
	SetupLinks  []invites.SetupLink
}

// access is the part that is a change of package access.
func (c change) access() change { return change{Change: c.Change} }

// invites is the part that is a change of package invites.
func (c change) invites() change {
	return change{Change: access.Change{Change: c.Change.Change}, Invitations: c.Invitations, SetupLinks: c.SetupLinks}
}

// accounts is the part that is a change of package accounts.
func (c change) accounts() change { return change{Change: access.Change{Change: c.Change.Change}} }

// forms are the changes of each port that have the same part of accounts.
func (c change) forms() []change { return []change{c.access(), c.invites(), c.accounts()} }

func (c change) hasAccess() bool {
	return len(c.Requests)+len(c.Sessions)+len(c.Tickets)+len(c.Views)+len(c.Guesses)+len(c.Touches) > 0
}

func (c change) hasInvites() bool { return len(c.Invitations)+len(c.SetupLinks) > 0 }

// split returns the changes that put the same rows into a store, one after the
// other: an operation of its own is given to what package invites adds where it
// comes with what package access adds.
func (c change) split() []change {
	if !c.hasAccess() || !c.hasInvites() {
		return []change{c}
	}
	second := change{Invitations: c.Invitations, SetupLinks: c.SetupLinks}
	second.Op = c.Op + "-invitations"
	second.Events = []accounts.Event{{Op: second.Op, Seq: 1, At: start, Kind: accounts.EventUserUpdated}}
	return []change{c.access(), second}
}

// apply takes the narrowest method that the change fits, so that all are used.
func apply(ctx context.Context, st storage.Storage, c change) error {
	switch {
	case c.hasAccess() && c.hasInvites():
		panic("storagetest: a change of package access and of package invites: " + string(c.Op))
	case c.hasAccess():
		return st.ApplyAccess(ctx, c.Change)
	case c.hasInvites():
		return st.ApplyInvites(ctx, invites.Change{
			Change: c.Change.Change, Invitations: c.Invitations, SetupLinks: c.SetupLinks,
		})
	}
	return st.ApplyAccounts(ctx, c.Change.Change)
}

// applyAll applies rows of any kinds, if need be as two changes.
func applyAll(ctx context.Context, st storage.Storage, c change) error {
	for _, part := range c.split() {
		if err := apply(ctx, st, part); err != nil {
			return err
		}
	}
	return nil
}

// build puts rows of any kinds together to one change.
func build(op accounts.OpID, rows ...any) change {
	var c change
	c.Op = op
	for _, row := range rows {
		switch r := row.(type) {
		case accounts.OpID:
			c.Op = r
		case accounts.Guard:
			c.Guards = append(c.Guards, r)
		case accounts.User:
			c.Users = append(c.Users, r)
		case accounts.Identity:
			c.Identities = append(c.Identities, r)
		case accounts.IdentityKey:
			c.Unlink = append(c.Unlink, r)
		case accounts.Credential:
			c.Credentials = append(c.Credentials, r)
		case accounts.Challenge:
			c.Challenges = append(c.Challenges, r)
		case accounts.Account:
			c.Accounts = append(c.Accounts, r)
		case accounts.Membership:
			c.Memberships = append(c.Memberships, r)
		case accounts.Connection:
			c.Connections = append(c.Connections, r)
		case accounts.Assignment:
			c.Assignments = append(c.Assignments, r)
		case accounts.Client:
			c.Clients = append(c.Clients, r)
		case accounts.Site:
			c.Sites = append(c.Sites, r)
		case accounts.SiteAccess:
			c.SiteAccess = append(c.SiteAccess, r)
		case accounts.Spend:
			c.Spend = append(c.Spend, r)
		case accounts.Reply:
			c.Replies = append(c.Replies, r)
		case accounts.Event:
			c.Events = append(c.Events, r)
		case mail.Reason:
			c.CancelMail = append(c.CancelMail, r)
		case again:
			c.Requeue = append(c.Requeue, string(r))
		case mail.Bounce:
			c.Bounced = append(c.Bounced, r)
		case mail.Message:
			c.Mail = append(c.Mail, r)
		case accounts.Forget:
			c.Forget = append(c.Forget, r)
		default:
			c = c.with(row)
		}
	}
	if len(c.Events) == 0 {
		c.Events = []accounts.Event{{Op: c.Op, Seq: 1, At: start, Kind: accounts.EventUserUpdated}}
	}
	c.Op = c.Events[0].Op
	return c
}

// with takes the rows that are no part of an accounts.Change.
func (c change) with(row any) change {
	switch r := row.(type) {
	case access.Request:
		c.Requests = append(c.Requests, r)
	case access.Session:
		c.Sessions = append(c.Sessions, r)
	case access.Ticket:
		c.Tickets = append(c.Tickets, r)
	case access.ViewAs:
		c.Views = append(c.Views, r)
	case access.Guesses:
		c.Guesses = append(c.Guesses, r)
	case access.Touch:
		c.Touches = append(c.Touches, r)
	case invites.Invitation:
		c.Invitations = append(c.Invitations, r)
	case invites.SetupLink:
		c.SetupLinks = append(c.SetupLinks, r)
	default:
		panic(fmt.Sprintf("storagetest: %T is no part of a change", row))
	}
	return c
}

// again is the id of dead mail that a change sends again.
type again string
