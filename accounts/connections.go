package accounts

import (
	"context"
	"errors"
	"slices"

	"github.com/chatelaine-go/chatelaine/roles"
)

// ConnectionPage asks for a page of connections.
type ConnectionPage struct {
	Search string           // a part of the other account's name; "": all
	After  ConnectionCursor // Connected.Cursor of the last one seen; zero: from the first
	Limit  int              // 0: 50; at most 500
}

// Agencies returns a page of the agencies connected to a client account, by
// name, to whoever may manage access requests there.
func (s *Service) Agencies(ctx context.Context, actor Actor, client AccountID, page ConnectionPage) ([]Connected, error) {
	return s.connections(ctx, actor, client, page, ConnectionQuery{Client: client})
}

// ConnectedClients returns a page of the client accounts connected to an
// agency, by name, to whoever may manage access requests there. The list with
// pending requests is access.Requests.Clients.
func (s *Service) ConnectedClients(ctx context.Context, actor Actor, agency AccountID, page ConnectionPage) ([]Connected, error) {
	return s.connections(ctx, actor, agency, page, ConnectionQuery{Agency: agency})
}

func (s *Service) connections(ctx context.Context, actor Actor, account AccountID, page ConnectionPage, q ConnectionQuery) ([]Connected, error) {
	if err := CheckID("account", account); err != nil {
		return nil, err
	}
	if err := CheckText("search", page.Search, maxName); err != nil {
		return nil, err
	}
	if err := s.mayRead(ctx, actor, account, roles.ManageRequests, "connections.list", nil); err != nil {
		return nil, err
	}
	q.Search, q.After, q.Limit = page.Search, page.After, s.env.Page(page.Limit)
	return s.st.Connections(ctx, q)
}

// ChangeCap sets the highest role that anybody of an agency can have in a
// client account: at most the actor's own, never Owner, else a
// [*roles.DeniedError]. It limits everyone at the next check; raising it does
// not lift an assignment that is lower. The agency's owners are told. A
// connection that has ended is [ErrNotFound]. The role that is set already
// changes nothing.
func (s *Service) ChangeCap(ctx context.Context, actor Actor, key ConnectionKey, highest roles.Role) error {
	return s.onConnection(ctx, actor, key.Client, key, EventCapChanged,
		func(op Operation, st Standing, l Linked) (Change, error) { return op.ChangeCap(st, l, highest) })
}

// EndConnection ends a connection from either side: account is the one for
// which the actor acts, the client or the agency. Everybody's access through
// it ends at the next check and does not come back with a new connection. The
// other side's owners are told. A connection that has ended is [ErrNotFound],
// and an account that is neither side an [*InvalidError] for the field
// "account".
func (s *Service) EndConnection(ctx context.Context, actor Actor, account AccountID, key ConnectionKey) error {
	if account != key.Client && account != key.Agency {
		return &InvalidError{Field: "account", Reason: "is neither the client nor the agency"}
	}
	return s.onConnection(ctx, actor, account, key, EventConnectionEnded, Operation.EndConnection)
}

func (s *Service) onConnection(ctx context.Context, actor Actor, account AccountID, key ConnectionKey, kind EventKind,
	decide func(Operation, Standing, Linked) (Change, error),
) error {
	if err := key.check(); err != nil {
		return err
	}
	op := s.env.Begin(actor)
	return s.run(ctx, op, kind, func(ctx context.Context) (Change, error) {
		st, err := standing(ctx, s.st, actor.user, account)
		if err != nil {
			return Change{}, err
		}
		l, err := s.st.Linked(ctx, LinkedQuery{ConnectionKey: key, Top: op.Rules.Ladder.Top()})
		if isNotFound(err) {
			// The other account does not exist, which is not the actor's to
			// know before it is known what they may do here.
			if err := op.May(st, roles.ManageConnections); err != nil {
				return Change{}, err
			}
			return Change{}, ErrNotFound
		}
		if err != nil {
			return Change{}, err
		}
		if v := l.version(account); v != st.Account.Version {
			return Change{}, ErrConflict
		}
		return decide(op, st, l)
	})
}

func (l Linked) version(account AccountID) int64 {
	if account == l.Client.ID {
		return l.Client.Version
	}
	return l.Agency.Version
}

func (k ConnectionKey) check() error {
	if err := CheckID("client", k.Client); err != nil {
		return err
	}
	return CheckID("agency", k.Agency)
}

// Colleagues returns a page of the standings, in a client account, of those of
// an agency's users who are or ever were assigned there, by user id. Account is
// the one for which the actor acts: the client or the agency, else an
// [*InvalidError]. To the agency a connection that has ended is [ErrNotFound].
func (s *Service) Colleagues(ctx context.Context, actor Actor, account AccountID, key ConnectionKey, after UserID, limit int) ([]Standing, error) {
	if err := key.check(); err != nil {
		return nil, err
	}
	if account != key.Client && account != key.Agency {
		return nil, &InvalidError{Field: "account", Reason: "is neither the client nor the agency"}
	}
	if err := s.mayRead(ctx, actor, account, roles.ManageRequests, "colleagues.list", nil); err != nil {
		return nil, err
	}
	if account == key.Agency {
		l, err := s.st.Linked(ctx, LinkedQuery{ConnectionKey: key, Top: s.env.Ladder().Top()})
		if err != nil {
			return nil, err
		}
		if !l.lasts() {
			return nil, ErrNotFound // whoever was let in once learns nothing of the account any more
		}
	}
	list, err := s.st.Reachers(ctx, ReachersQuery{Account: key.Client, Agency: key.Agency, After: after, Limit: s.env.Page(limit)})
	if err != nil {
		return nil, err
	}
	for i := range list {
		// What the colleagues do through others is not the asker's to know.
		list[i].Routes = slices.DeleteFunc(list[i].Routes, func(r Route) bool { return r.Agency.ID != key.Agency })
		if account != key.Client {
			list[i].Member = MemberState{}
		}
	}
	return list, nil
}

// Assign is the input of [Service.Assign].
type Assign struct {
	Agency AccountID
	Client AccountID
	User   string     // the colleague: a user id, address, user name or display name
	Role   roles.Role // at most the actor's own there, and the cap
	Key    string     // optional idempotency key
}

// Assign puts a colleague on a client account, or changes their role there.
// The colleague must be an active member of the agency, else an [*InvalidError]
// for the field "user"; a display name that fits several is refused with the
// candidates, as an [*AmbiguousError]. A role above the actor's own there, and a
// colleague who has one, is a [*roles.DeniedError]; a connection that does not
// count, [ErrNotFound]; a key that was used with other input, [ErrKeyReused].
// The role that they have already changes nothing. The colleague is told by
// mail. It returns the colleague's id.
func (s *Service) Assign(ctx context.Context, actor Actor, in Assign) (UserID, error) {
	op := s.env.Begin(actor)
	keyed := in
	keyed.Key = ""
	once, err := NewOnce(op, in.Agency, in.Key, EventAssigned, keyed)
	if err != nil {
		return "", err
	}
	return s.onAssignment(ctx, op, in.Agency, in.Client, in.User, EventAssigned, once,
		func(f Assigning) (Change, error) { return op.Assign(f, in.Role) })
}

// Unassign takes a colleague off a client account, named as in [Service.Assign]
// and refused like there. Everybody may take themselves off. A colleague who is
// not assigned is [ErrNotFound].
func (s *Service) Unassign(ctx context.Context, actor Actor, key ConnectionKey, user string) (UserID, error) {
	op := s.env.Begin(actor)
	return s.onAssignment(ctx, op, key.Agency, key.Client, user, EventUnassigned, Once{}, op.Unassign)
}

func (s *Service) onAssignment(ctx context.Context, op Operation, agency, client AccountID, ref string, kind EventKind,
	once Once, decide func(Assigning) (Change, error),
) (UserID, error) {
	if err := (ConnectionKey{Client: client, Agency: agency}).check(); err != nil {
		return "", err
	}
	if err := checkText("user", ref, 1, MaxEmail); err != nil {
		return "", err
	}
	var out UserID
	err := s.run(ctx, op, kind, func(ctx context.Context) (Change, error) {
		var c Change
		f, err := s.assigning(ctx, op, agency, client, ref)
		if err == nil && once.Keyed() {
			// An answer that was kept is for somebody who may still ask.
			_, err = op.ceiling(f)
		}
		if err != nil {
			return Change{}, err
		}
		err = once.Do(ctx, s.st, &out, func() (bool, error) {
			var err error
			out = f.Colleague.ID
			if c, err = decide(f); err != nil || len(c.Events) == 0 {
				return false, err
			}
			return true, once.Keep(&c, out)
		})
		return c, err
	})
	if err != nil {
		return "", err
	}
	return out, nil
}

// assigning reads what decides about one colleague. Who the actor is comes
// first: an outsider learns nothing of who works for an agency.
func (s *Service) assigning(ctx context.Context, op Operation, agency, client AccountID, ref string) (Assigning, error) {
	var f Assigning
	actor := op.Actor.user
	list, err := s.st.Standings(ctx, []StandingKey{{User: actor, Account: agency}, {User: actor, Account: client}})
	if err != nil {
		return f, err
	}
	f.AtAgency, f.AtClient = list[0], list[1]
	q := LinkedQuery{ConnectionKey: ConnectionKey{Client: client, Agency: agency}, Top: op.Rules.Ladder.Top()}
	if f.AtAgency.Account.ID == "" || f.AtClient.Account.ID == "" {
		f.Linked.Agency.AccountState = f.AtAgency.Account
		_, err := op.ceiling(f)
		if err == nil {
			err = ErrNotFound
		}
		return f, err
	}
	var unclear *AmbiguousError
	if f.Colleague, err = s.colleague(ctx, agency, ref); err != nil && !isNotFound(err) && !errors.As(err, &unclear) {
		return f, err
	}
	q.User = f.Colleague.ID
	if f.Linked, err = s.st.Linked(ctx, q); err != nil {
		return f, err
	}
	if f.Linked.Agency.Version != f.AtAgency.Account.Version {
		return f, ErrConflict
	}
	if f.Colleague.ID == "" {
		if _, err := op.ceiling(f); err != nil {
			return f, err
		}
		if unclear != nil {
			return f, unclear
		}
		return f, &InvalidError{Field: "user", Reason: "is not a member of the agency"}
	}
	return f, nil
}

// namesakes is how many people with one display name are looked at.
const namesakes = 100

// colleague finds the one active member whom ref fits: by id, else address,
// else user name, else display name. The exact ways come first, so that nobody
// can be hidden behind a display name.
func (s *Service) colleague(ctx context.Context, agency AccountID, ref string) (User, error) {
	match := MemberRef{Handle: NameKey(ref)}
	if CheckID("user", UserID(ref)) == nil {
		match.ID = UserID(ref)
	}
	if email, err := ParseEmail(ref); err == nil {
		match.Email = email
	}
	active := func(match MemberRef) ([]Member, error) {
		list, err := s.st.Members(ctx, MemberQuery{Account: agency, Match: match, Limit: s.env.Page(namesakes)})
		return slices.DeleteFunc(list, func(m Member) bool { return !m.Membership.Active() || !m.User.Active() }), err
	}
	list, err := active(match)
	if err != nil {
		return User{}, err
	}
	for _, fits := range []func(User) bool{
		func(u User) bool { return match.ID != "" && u.ID == match.ID },
		func(u User) bool { return match.Email != "" && u.Email == match.Email },
		func(u User) bool { return u.Handle != "" && NameKey(u.Handle) == match.Handle },
	} {
		if i := slices.IndexFunc(list, func(m Member) bool { return fits(m.User) }); i >= 0 {
			return list[i].User, nil
		}
	}
	if list, err = active(MemberRef{NameKey: NameKey(ref)}); err != nil {
		return User{}, err
	}
	switch len(list) {
	case 0:
		return User{}, ErrNotFound
	case 1:
		return list[0].User, nil
	}
	e := &AmbiguousError{Field: "user"}
	for _, m := range list {
		e.Candidates = append(e.Candidates, Candidate{User: m.User.ID, Name: m.User.Name, Handle: m.User.Handle, Address: m.User.Address})
	}
	return User{}, e
}
