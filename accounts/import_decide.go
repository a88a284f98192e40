package accounts

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"github.com/chatelaine-go/chatelaine/roles"
)

// absent says who or what is not there.
func absent(what string) error { return fmt.Errorf("%w: %s", ErrNotFound, what) }

// created returns when a new row came to the host: as the row says, or now.
func (o Operation) created(at time.Time) time.Time {
	if at.IsZero() {
		return o.At
	}
	return at
}

// userRowFacts is what decides about a user of an import: what there is of the
// user, and whose the address and the user name are, where the row wants others
// than the user has, and the identities. Absent ones are zero.
type userRowFacts struct {
	Means
	byEmail    UserID
	byHandle   UserID
	byIdentity []UserID
}

// userDecision is the answer for a user. Holder is another user who has what
// the row wants: when they give it up, the row may be decided anew.
type userDecision struct {
	ImportResult
	holder UserID
}

// importUser decides what becomes of a user of an import, and adds it to a
// change.
func (o Operation) importUser(c *Change, r userRow, f userRowFacts) userDecision {
	refuse := func(err error) userDecision { return userDecision{ImportResult: notImported(err)} }
	u := f.User
	if !u.DeletedAt.IsZero() {
		return refuse(&InvalidError{Field: "id", Reason: "is that of a user who was erased; it is never given again"})
	}
	if r.want.CreatedAt.After(o.At) {
		return refuse(&InvalidError{Field: "createdAt", Reason: "is in the future"})
	}
	if r.wantsEmail(u) {
		if f.byEmail != "" {
			return userDecision{notImported(taken("email")), f.byEmail}
		}
		if r.contestedEmail {
			return refuse(taken("email"))
		}
		if u.Proven && !r.want.Proven {
			return refuse(&InvalidError{Field: "email", Reason: "is not proven, and would replace one that is"})
		}
	}
	if r.wantsHandle(u) {
		if f.byHandle != "" {
			return userDecision{notImported(taken("handle")), f.byHandle}
		}
		if r.contestedHandle {
			return refuse(taken("handle"))
		}
	}
	var links []Identity
	for i, owner := range f.byIdentity {
		switch {
		case owner == r.want.ID:
		case r.contestedIdentities[i]:
			return refuse(taken("identities"))
		case owner != "":
			return userDecision{notImported(taken("identities")), owner}
		default:
			links = append(links, Identity{
				Issuer: r.identities[i].Issuer, Subject: r.identities[i].Subject, User: r.want.ID, CreatedAt: o.At,
			})
		}
	}
	switch {
	case r.want.Kept && f.Credential.Hash != "":
		return refuse(&InvalidError{Field: "kept", Reason: "is set for a user who has a password here"})
	case r.hash != "" && u.Kept:
		return refuse(&InvalidError{Field: "password", Reason: "is given for a user whose login the host keeps"})
	}
	u.ID, u.Name, u.Locale, u.Kept = r.want.ID, r.want.Name, r.want.Locale, u.Kept || r.want.Kept
	u.Handle = cmp.Or(r.want.Handle, u.Handle)
	if r.want.Email != "" {
		u.Email, u.Address, u.Proven = r.want.Email, r.want.Address, u.Proven || r.want.Proven
	}
	// A stored credential without a hash is a password that was taken away. One
	// that only imports have written is the host's to replace; whatever else wrote
	// it left its moment there, and then it is the user's own.
	cred := f.Credential
	first := r.hash != "" && cred.Version == 0
	imported := r.hash != "" && cred.Hash != "" && cred.UpdatedAt.IsZero()
	again := imported && cred.Hash != r.hash
	if u == f.User && len(links) == 0 && !first && !again {
		return userDecision{ImportResult: ImportResult{Outcome: ImportUnchanged}}
	}
	outcome, kind := ImportUpdated, EventUserUpdated
	if u.Version == 0 {
		outcome, kind = ImportCreated, EventUserCreated
		u.Epoch, u.CreatedAt = 1, o.created(r.want.CreatedAt)
	}
	epoch, credentials := u.Epoch, len(c.Credentials)
	u = o.relogged(c, f.Means, u, r.identities)
	if imported {
		c.Credentials = c.Credentials[:credentials] // the row vouches for a password too
	}
	if again && u.Epoch == epoch {
		u.Epoch++
		u.EpochAt = o.At
		c.CancelMail = append(c.CancelMail, LoginReason(u.ID))
	}
	u.UpdatedAt = o.At
	c.Users = append(c.Users, u)
	c.Identities = append(c.Identities, links...)
	switch {
	case first:
		c.Credentials = append(c.Credentials, Credential{User: u.ID, Hash: r.hash, CreatedAt: o.At})
	case again:
		cred.Hash = r.hash
		c.Credentials = append(c.Credentials, cred)
	}
	o.Record(c, Event{Kind: kind, User: u.ID})
	return userDecision{ImportResult: ImportResult{Outcome: outcome}}
}

// importAccount decides what becomes of an account of an import, and adds it to
// a change. Owners are the users whom the row of a new account names, zero where
// there is none.
func (o Operation) importAccount(c *Change, r accountRow, was Account, owners []User) ImportResult {
	switch {
	case !was.ClosedAt.IsZero():
		return notImported(&InvalidError{Field: "id", Reason: "is that of an account that was closed; no import opens it again"})
	case r.CreatedAt.After(o.At):
		return notImported(&InvalidError{Field: "createdAt", Reason: "is in the future"})
	}
	a := was
	a.ID, a.Name, a.Plan, a.Locale = r.ID, r.Name, r.Plan, r.Locale
	a.Kind = cmp.Or(r.Kind, was.Kind, KindStandard)
	if r.Agency && (a.ProgrammeAt.IsZero() || a.ClientAccessAt.IsZero()) {
		if was.Epoch > 1 {
			return notImported(&InvalidError{Field: "agency", Reason: "is set for an account that has left the agency programme; it joins again by itself"})
		}
		if a.ProgrammeAt.IsZero() {
			a.ProgrammeAt = o.At
		}
		a.ClientAccessAt = o.At
	}
	if was.ID == "" {
		return o.importNewAccount(c, r, a, owners)
	}
	if a == was {
		return ImportResult{Outcome: ImportUnchanged}
	}
	a.UpdatedAt = o.At
	c.Accounts = append(c.Accounts, a)
	o.Record(c, Event{Kind: EventAccountUpdated, Account: a.ID})
	return ImportResult{Outcome: ImportUpdated}
}

// importNewAccount adds an account with its owners to a change: an account that
// is open has an active owner from its first moment.
func (o Operation) importNewAccount(c *Change, r accountRow, a Account, owners []User) ImportResult {
	if len(owners) == 0 {
		return notImported(&InvalidError{Field: "owners", Reason: "is missing; a new account has an owner"})
	}
	for i, u := range owners {
		if u.ID == "" || !u.DeletedAt.IsZero() {
			return notImported(absent(fmt.Sprintf("the user in place %d of the owners", i+1)))
		}
	}
	a.Epoch, a.CreatedAt, a.UpdatedAt = 1, o.created(r.CreatedAt), o.At
	c.Accounts = append(c.Accounts, a)
	top := o.Rules.Ladder.Top()
	for i, u := range owners {
		o.importJoined(c, a.ID, u, top)
		kind := EventMemberAdded
		if i == 0 {
			kind = EventAccountCreated
		}
		o.Record(c, Event{Kind: kind, Account: a.ID, User: u.ID, Role: top})
	}
	return ImportResult{Outcome: ImportCreated}
}

// importJoined adds to a change what makes a user, who never was one, a member.
// Their row goes along, once, as in [Operation.Join]: whoever erases them
// meanwhile has to know of this membership.
func (o Operation) importJoined(c *Change, account AccountID, u User, role roles.Role) {
	c.Memberships = append(c.Memberships, Membership{
		Account: account, User: u.ID, MemberState: MemberState{Role: role, Epoch: 1}, CreatedAt: o.At, UpdatedAt: o.At,
	})
	if !slices.ContainsFunc(c.Users, func(w User) bool { return w.ID == u.ID }) {
		u.UpdatedAt = o.At
		c.Users = append(c.Users, u)
	}
}

// memberPlace is an account in which members are imported, with its active
// owners: first the stored ones, then as the change leaves them.
type memberPlace struct {
	account Account // zero: there is none
	owners  []Contact
}

// importMember decides what becomes of a member of an import, and adds it to a
// change. User, and the client record that keeps them out, are asked for only
// where there never was a membership.
func (o Operation) importMember(c *Change, p *memberPlace, m Membership, user User, client ClientState, role roles.Role) ImportResult {
	switch {
	case p.account.ID == "":
		return notImported(absent("the account"))
	case !p.account.ClosedAt.IsZero():
		return notImported(&InvalidError{Field: "account", Reason: "is closed"})
	case m.Role == "" && (user.ID == "" || !user.DeletedAt.IsZero()):
		return notImported(absent("the user"))
	case client.There():
		return notImported(taken("user"))
	case !m.EndedAt.IsZero():
		return notImported(&InvalidError{Field: "user", Reason: "was a member, and left or was removed; add or invite them"})
	case !m.SuspendedAt.IsZero():
		return notImported(&InvalidError{Field: "user", Reason: "is a member who is suspended; reactivate the membership"})
	case m.Role == role:
		return ImportResult{Outcome: ImportUnchanged}
	}
	if err := o.keepsOwner(m, p.owners); err != nil {
		return notImported(err)
	}
	outcome, e := ImportCreated, Event{Kind: EventMemberAdded, Account: p.account.ID, User: m.User, Role: role, Was: m.Role}
	if m.Role == "" {
		o.importJoined(c, p.account.ID, user, role)
	} else {
		outcome, e.Kind = ImportUpdated, EventMemberRoleChanged
		m = o.changed(m, role)
		m.UpdatedAt = o.At
		c.Memberships = append(c.Memberships, m)
	}
	p.owners = slices.DeleteFunc(p.owners, func(w Contact) bool { return w.User == m.User })
	if role == o.Rules.Ladder.Top() {
		p.owners = append(p.owners, Contact{User: m.User})
	}
	o.importRelies(c, p.account, true)
	o.Record(c, e)
	return ImportResult{Outcome: outcome}
}

// importRelies adds the guard of an account to a change: one for all rows about
// it, which moves it if one of them has to. It has the version that the first of
// them saw, so it does not hold if a later one saw another.
func (o Operation) importRelies(c *Change, a Account, move bool) {
	i := slices.IndexFunc(c.Guards, func(g Guard) bool { return g.Account == a.ID })
	if i < 0 {
		c.Guards = append(c.Guards, Guard{Account: a.ID, Version: a.Version, Move: move})
		return
	}
	c.Guards[i].Move = c.Guards[i].Move || move
}

// importConnection decides what becomes of a connection of an import with its
// assignments, and adds them to a change. Linked has an entry for each
// colleague of the row, or one if there are none; it is empty when an account is
// not there.
func (o Operation) importConnection(c *Change, r connectionRow, linked []Linked) ImportResult {
	if len(linked) == 0 {
		return notImported(absent("the client or the agency"))
	}
	l := linked[0]
	conn := l.Connection
	was := conn.Cap
	switch {
	case was != "" && !l.lasts():
		return notImported(&InvalidError{Field: "agency", Reason: "was connected, and the connection ended; the agency asks for access again"})
	case !l.Client.ClosedAt.IsZero():
		return notImported(&InvalidError{Field: "client", Reason: "is closed"})
	case !l.Agency.ClosedAt.IsZero() || l.Agency.ProgrammeAt.IsZero() || l.Agency.ClientAccessAt.IsZero():
		return notImported(&InvalidError{Field: "agency", Reason: "has not joined the agency programme and enabled client access"})
	case was == "":
		conn.ConnectionKey = r.key()
		conn.ConnectionState = ConnectionState{Epoch: 1, AgencyEpoch: l.Agency.Epoch}
		conn.CreatedAt = o.At
	}
	outcome := ImportUnchanged
	var assignments []Assignment
	var events []Event
	if was != r.Cap {
		e := Event{Kind: EventCapChanged, Role: r.Cap, Was: was}
		if outcome = ImportUpdated; was == "" {
			outcome, e.Kind = ImportCreated, EventConnectionImported
		}
		conn.Cap, conn.UpdatedAt = r.Cap, o.At
		events = append(events, e)
	}
	for i, want := range r.Assigned {
		f := Assigning{Linked: linked[i]}
		a := linked[i].Assignment
		switch {
		case !linked[i].Member.Active():
			return notImported(inPlace("assigned", i, "a user who is not an active member of the agency"))
		case a.Role != "" && !f.assigned():
			return notImported(inPlace("assigned", i, "a user who was taken off the connection; assign them again"))
		case a.Role == want.Role:
			continue
		}
		if outcome == ImportUnchanged {
			outcome = ImportUpdated
		}
		events = append(events, Event{Kind: EventAssigned, User: want.User, Role: want.Role, Was: a.Role})
		assignments = append(assignments, NewAssignment(conn, linked[i].Member, a, want.Role, o.At))
	}
	if outcome == ImportUnchanged {
		return ImportResult{Outcome: outcome}
	}
	// The agency moves: what ends with it is shown before. The client can keep
	// the agency out, and is held.
	o.importRelies(c, l.Agency, true)
	o.importRelies(c, l.Client, false)
	if was != r.Cap {
		c.Connections = append(c.Connections, conn)
	}
	c.Assignments = append(c.Assignments, assignments...)
	for _, e := range events {
		e.Account, e.Agency = r.Client, r.Agency
		o.Record(c, e)
	}
	return ImportResult{Outcome: outcome}
}
