package accounts

import (
	"strings"
	"time"

	"github.com/chatelaine-go/chatelaine/mail"
	"github.com/chatelaine-go/chatelaine/roles"
)

// ChangeCap decides whether a client sets the highest role that anybody of an
// agency can have in its account. It limits everyone at the next check; the
// agency's owners are told.
func (o Operation) ChangeCap(actor Standing, l Linked, limit roles.Role) (Change, error) {
	if err := o.checkRole(limit); err != nil {
		return Change{}, err
	}
	if err := o.May(actor, roles.ManageConnections); err != nil {
		return Change{}, err
	}
	if actor.Account.ID != l.Connection.Client || !l.lasts() {
		return Change{}, ErrNotFound
	}
	if err := o.Rules.Ladder.CanAssign(actor.Member.Role, limit, roles.Delegate); err != nil {
		return Change{}, o.Refuse(actor.Account.ID, RefusedDenied, err)
	}
	conn := l.Connection
	if conn.Cap == limit {
		return Change{}, nil
	}
	was := conn.Cap
	conn.Cap = limit
	c := o.connection(l, conn, Event{Kind: EventCapChanged, Role: limit, Was: was})
	for _, owner := range l.AgencyOwners {
		if err := o.Write(&c, Letter{
			Kind: mail.CapChanged, Account: l.Client.ID, Locale: l.Client.Locale, To: owner,
			Reason: connectionReason(conn.ConnectionKey), Priority: mail.Notice,
			Data: mail.Data{
				Agency: l.Agency.Name, Client: l.Client.Name, Recipient: owner.Name, Sender: o.name(actor),
				Role: RoleName(limit), Link: o.Rules.Links.Clients(l.Agency.ID),
			},
		}); err != nil {
			return Change{}, err
		}
	}
	return c, nil
}

// EndConnection decides whether either side ends a connection. Every
// assignment on it ends with it; the other side's owners are told.
func (o Operation) EndConnection(actor Standing, l Linked) (Change, error) {
	if err := o.May(actor, roles.ManageConnections); err != nil {
		return Change{}, err
	}
	client := actor.Account.ID == l.Client.ID
	if !client && actor.Account.ID != l.Agency.ID || !l.lasts() {
		return Change{}, ErrNotFound
	}
	conn := l.Connection
	conn.EndedAt = o.At
	conn.Epoch++
	c := o.connection(l, conn, Event{Kind: EventConnectionEnded, Was: conn.Cap})
	c.CancelMail = []mail.Reason{connectionReason(conn.ConnectionKey)}

	from, told, link := l.Agency, l.ClientOwners, o.Rules.Links.Connections(l.Client.ID)
	if client {
		from, told, link = l.Client, l.AgencyOwners, o.Rules.Links.Clients(l.Agency.ID)
	}
	for _, owner := range told {
		if err := o.Write(&c, Letter{
			Kind: mail.ConnectionEnded, Account: from.ID, Locale: from.Locale, To: owner, Priority: mail.Notice,
			// No reason: nothing takes it back, since it stays true.
			Data: mail.Data{
				Agency: l.Agency.Name, Client: l.Client.Name, Recipient: owner.Name, Sender: from.Name, Link: link,
			},
		}); err != nil {
			return Change{}, err
		}
	}
	return c, nil
}

// connection returns the change that writes one connection and says why. Both
// accounts are guarded: the actor's role and the owners who are told are those
// of the moment at which it becomes durable. The agency moves, since what ends
// when it disables client access is shown before.
func (o Operation) connection(l Linked, conn Connection, e Event) Change {
	c := o.Relying()
	c.Guards = append(c.Guards,
		Guard{Account: l.Client.ID, Version: l.Client.Version},
		Guard{Account: l.Agency.ID, Version: l.Agency.Version, Move: true},
	)
	conn.UpdatedAt = o.At
	c.Connections = []Connection{conn}
	e.Account, e.Agency = l.Client.ID, l.Agency.ID
	o.Record(&c, e)
	return c
}

// Assigning is what decides the place of a colleague on a connection: the
// actor's standing in the agency and in the client account, the connection,
// and the colleague.
type Assigning struct {
	AtAgency  Standing
	AtClient  Standing
	Linked    Linked // asked for the colleague
	Colleague User
}

// ceiling returns the highest role that the actor may give on the connection,
// or the refusal: an agency's Admin gives up to the smaller of their role and
// the cap; who is assigned there themselves, and may assign colleagues in the
// agency or there, gives up to their own role there.
func (o Operation) ceiling(f Assigning) (roles.Role, error) {
	a := o.Actor
	if a.account != "" && a.account != f.Linked.Agency.ID && a.account != f.Linked.Client.ID {
		return "", &InvalidError{Field: "account", Reason: "is neither of those that the actor was admitted to"}
	}
	if a.user == "" || f.AtAgency.User.ID != a.user {
		return "", o.Refuse(f.Linked.Agency.ID, RefusedDenied, &roles.DeniedError{Action: roles.AssignColleagues, Why: "only a signed-in user may do this"})
	}
	if f.AtAgency.User.Epoch != a.epoch {
		return "", ErrStepUp
	}
	l := o.Rules.Ladder
	agency := f.AtAgency.Rights(l, a.proof)
	if agency.Direct() == "" {
		return "", o.Refuse(f.Linked.Agency.ID, RefusedOutsider, ErrNotFound)
	}
	if !f.Linked.Counts() {
		return "", ErrNotFound
	}
	if agency.Can(roles.AssignAnyone) {
		return l.Min(agency.Direct(), f.Linked.Connection.Cap), nil
	}
	there := f.AtClient.through(f.Linked.Agency.ID).Role(l, a.proof)
	if f.AtClient.barred(a.proof) != "" {
		there = ""
	}
	if there != "" && a.ownOnly {
		return "", ErrStepUp
	}
	if there != "" && (l.Rights(agency.Direct(), "").Can(roles.AssignColleagues) || l.Rights("", there).Can(roles.AssignColleagues)) {
		return there, nil
	}
	return "", o.Refuse(f.Linked.Agency.ID, RefusedDenied, agency.Check(roles.AssignAnyone))
}

// Assign decides whether a colleague is put on a connection with a role, or
// gets another one there. The colleague is told.
func (o Operation) Assign(f Assigning, role roles.Role) (Change, error) {
	if err := o.checkRole(role); err != nil {
		return Change{}, err
	}
	ceiling, err := o.mayPlace(f)
	if err != nil {
		return Change{}, err
	}
	if !f.Linked.Member.Active() || !f.Colleague.Active() {
		return Change{}, ErrNotFound
	}
	if err := o.Rules.Ladder.CanAssign(ceiling, role, roles.Delegate); err != nil {
		return Change{}, o.Refuse(f.Linked.Agency.ID, RefusedDenied, err)
	}
	a := f.Linked.Assignment
	var was roles.Role
	if f.assigned() {
		if was = a.Role; was == role {
			return Change{}, nil
		}
	}
	a = NewAssignment(f.Linked.Connection, f.Linked.Member, a, role, o.At)
	c := o.assignment(f, a, Event{Kind: EventAssigned, Role: role, Was: was})
	if a.User == o.Actor.user {
		return c, nil
	}
	err = o.Write(&c, Letter{
		Kind: mail.Assigned, Account: f.Linked.Agency.ID, Locale: f.Linked.Agency.Locale,
		To:     f.Colleague.Contact(),
		Reason: assignmentReason(a.ConnectionKey, a.User), Priority: mail.Notice,
		Data: mail.Data{
			Agency: f.Linked.Agency.Name, Client: f.Linked.Client.Name, Recipient: f.Colleague.Label(),
			Sender: o.name(f.AtAgency), Role: RoleName(o.Rules.Ladder.Min(role, f.Linked.Connection.Cap)),
			Link: o.Rules.Links.Clients(f.Linked.Agency.ID),
		},
	})
	return c, err
}

// Unassign decides whether a colleague is taken off a connection. Everybody
// may take themselves off.
func (o Operation) Unassign(f Assigning) (Change, error) {
	if f.Linked.Assignment.User != o.Actor.user {
		if _, err := o.mayPlace(f); err != nil {
			return Change{}, err
		}
	} else if err := o.self(f); err != nil {
		return Change{}, err
	}
	if !f.assigned() {
		return Change{}, ErrNotFound
	}
	a := f.Linked.Assignment
	a.EndedAt = o.At
	return o.assignment(f, a, Event{Kind: EventUnassigned, Was: a.Role}), nil
}

// self decides whether a colleague acts on their own place.
func (o Operation) self(f Assigning) error {
	a := o.Actor
	switch {
	case a.account != "" && a.account != f.Linked.Agency.ID && a.account != f.Linked.Client.ID:
		return &InvalidError{Field: "account", Reason: "is neither of those that the actor was admitted to"}
	case a.user == "" || !f.AtAgency.User.Active() || f.AtAgency.User.Epoch != a.epoch:
		return ErrStepUp
	}
	return nil
}

// mayPlace returns the actor's ceiling, or refuses to act on a colleague who
// stands higher than that.
func (o Operation) mayPlace(f Assigning) (roles.Role, error) {
	ceiling, err := o.ceiling(f)
	if err != nil {
		return "", err
	}
	if f.assigned() {
		have := o.Rules.Ladder.Min(f.Linked.Assignment.Role, f.Linked.Connection.Cap)
		if !o.Rules.Ladder.AtLeast(ceiling, have) {
			return "", o.Refuse(f.Linked.Agency.ID, RefusedDenied, &roles.DeniedError{
				Action: roles.AssignColleagues, Have: ceiling, Need: have, Why: "the colleague's role there is higher than yours",
			})
		}
	}
	return ceiling, nil
}

// assigned reports whether the colleague is on the connection at this moment.
func (f Assigning) assigned() bool {
	a := f.Linked.Assignment
	return a.Role != "" && a.EndedAt.IsZero() && f.Linked.Member.Active() &&
		a.ConnectionEpoch == f.Linked.Connection.Epoch && a.MemberEpoch == f.Linked.Member.Epoch
}

// assignment returns the change that writes one assignment and says why. The
// agency is guarded, since the actor's and the colleague's places in it count,
// and moves, since the actor's own assignment may be what is being changed. The
// client is held: it can keep the actor out. The connection needs no guard: an
// assignment on one that ended meanwhile carries an old epoch, and a lower cap
// limits it at every check.
func (o Operation) assignment(f Assigning, a Assignment, e Event) Change {
	c := o.Relying()
	c.Guards = append(c.Guards,
		Guard{Account: f.Linked.Agency.ID, Version: f.Linked.Agency.Version, Move: true},
		Guard{Account: f.Linked.Client.ID, Version: f.AtClient.Account.Version},
	)
	a.UpdatedAt = o.At
	c.Assignments = []Assignment{a}
	c.CancelMail = []mail.Reason{assignmentReason(a.ConnectionKey, a.User)}
	e.Account, e.Agency, e.User = a.Client, a.Agency, a.User
	o.Record(&c, e)
	return c
}

// NewAssignment returns the row that puts a member of the agency on a
// connection: the stored one in its next life, or a first one.
func NewAssignment(conn Connection, m Membership, stored Assignment, role roles.Role, at time.Time) Assignment {
	a := stored
	a.ConnectionKey, a.User = conn.ConnectionKey, m.User
	a.AssignmentState = AssignmentState{Role: role, ConnectionEpoch: conn.Epoch, MemberEpoch: m.Epoch}
	if a.CreatedAt.IsZero() {
		a.CreatedAt = at
	}
	a.UpdatedAt = at
	return a
}

// through returns the route through an agency, zero if there is none.
func (s Standing) through(agency AccountID) Route {
	for _, r := range s.Routes {
		if r.Agency.ID == agency {
			return r
		}
	}
	return Route{}
}

// name is what people are shown of the acting user.
func (o Operation) name(s Standing) string {
	if s.User.Name != "" {
		return s.User.Name
	}
	return s.Account.Name
}

// RoleName returns a role as people read it: "Manager" for "manager".
func RoleName(r roles.Role) string {
	if r == "" {
		return ""
	}
	return strings.ToUpper(string(r[:1])) + string(r[1:])
}
