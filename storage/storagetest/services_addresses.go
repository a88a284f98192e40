package storagetest

import (
	"fmt"
	"slices"

	"github.com/chatelaine-go/chatelaine/access/token"
	"github.com/chatelaine-go/chatelaine/accounts"
	"github.com/chatelaine-go/chatelaine/invites"
	"github.com/chatelaine-go/chatelaine/roles"
)

// addressChecks record clients beside everybody else who comes to an account
// with the same address.
func addressChecks() []check {
	const one = "an address is used once in an account, over clients and members (C1, I-02)"
	list := slices.Concat(
		raced("of many clients with one address one is recorded", one, recordMany),
		[]check{
			{"nobody accepts an invitation whose address was recorded as a client's meanwhile", one, recordAgainstInvite},
			{"a client who is recorded beside the erasure of who has the address is gone with them, or comes after", "half a record of somebody who is gone is never ended by anybody (D7, I-20)", recordAgainstErasure},
			{"a client who is deleted beside the erasure of their person is deleted once", "a change has exactly one event (A105)", deleteAgainstErasure},
			{"a client who is recorded and comes in between what the erasure of their person read and its coming true is gone with them", "nothing that lives refers to somebody who is gone (D7, I-20)", comeInsideErasure},
		},
	)
	for _, a := range arrivals() {
		list = append(list, check{"of a client and " + a.name + " with one address one comes in", one, func(e *env) { a.against(newOffice(e)) }})
	}
	return list
}

func recordMany(o *office, meet meeting) {
	const many = 16
	s := o.stage()
	by := []accounts.Actor{o.actor(s.amy), o.actor(s.olga)}
	at := meet(o, many)
	errs := together(many, func(n int) error {
		_, err := at.clients.Create(o.ctx, by[n%2], s.draft(fmt.Sprint("client-", n), spelled("new@example.com", n)))
		return err
	})
	o.holds(o.only(errs, accounts.ErrTaken) == 1, "%d of %d recorded one address, want 1", o.only(errs, accounts.ErrTaken), many)
	r, err := o.st.Recording(o.ctx, accounts.RecordingQuery{Account: s.account, Email: "new@example.com"})
	o.ok(err, "Recording")
	for n, err := range errs {
		key := s.key(fmt.Sprint("client-", n))
		o.records = append(o.records, key)
		o.holds((err == nil) == (r.Taken.ClientKey == key), "the client that is stored is not the winner's: %s", text(r.Taken))
	}
	o.holds(o.events(s.account, accounts.EventClientCreated) == 1, "%d events tell of one client", o.events(s.account, accounts.EventClientCreated))
	o.sound()
}

// arrival is somebody who comes to an account with an address that a client is
// recorded with meanwhile.
type arrival struct {
	name string
	user bool // somebody who is a user already: ben
	// prepare does what comes before, and returns the arrival.
	prepare func(o *office, s stage, email accounts.Email) func(at *office) error
}

func arrivals() []arrival {
	accept := func(o *office, s stage, email accounts.Email) func(*office) error {
		i := o.invite(s, string(email), roles.Viewer)
		ben := o.actor(s.ben)
		return func(at *office) error {
			_, err := at.invites.Accept(o.ctx, ben, invites.Answer{Account: i.Account, Invitation: i.ID})
			return err
		}
	}
	return []arrival{
		{"another client", false, func(o *office, s stage, email accounts.Email) func(*office) error {
			olga := o.actor(s.olga)
			o.records = append(o.records, s.key("other"))
			return func(at *office) error {
				_, err := at.clients.Create(o.ctx, olga, s.draft("other", spelled(email, 1)))
				return err
			}
		}},
		{"a member whom the host adds", true, func(o *office, s stage, _ accounts.Email) func(*office) error {
			return func(at *office) error {
				return at.graph.AddMember(o.ctx, accounts.System("members"), s.account, s.ben, roles.Viewer)
			}
		}},
		{"a member whom the host imports", true, func(o *office, s stage, _ accounts.Email) func(*office) error {
			return func(at *office) error {
				out, err := at.graph.Import(o.ctx, accounts.System("import"), accounts.Import{
					Members: []accounts.ImportMember{{Account: s.account, User: s.ben, Role: roles.Viewer}},
				})
				if err != nil {
					return err
				}
				return out.Members[0].Err
			}
		}},
		{"a member who accepts", true, accept},
		{"somebody new who accepts", false, func(o *office, s stage, email accounts.Email) func(*office) error {
			o.invite(s, string(email), roles.Viewer)
			link, id := o.link(email, token.Invitation), accounts.UserID("new-"+s.account)
			o.people = append(o.people, id)
			return func(at *office) error {
				_, err := at.invites.AcceptNew(o.ctx, invites.NewLogin{Link: link, ID: id, Kept: true})
				return err
			}
		}},
	}
}

func (a arrival) against(o *office) {
	for n := range 2 + times(6) {
		s := o.stage()
		email := address("new-" + string(s.account))
		if a.user {
			email = address(string(s.ben))
		}
		arrive := a.prepare(o, s, email)
		amy := o.actor(s.amy)
		o.records = append(o.records, s.key("client"))
		record := func(at *office) error {
			_, err := at.clients.Create(o.ctx, amy, s.draft("client", string(email)))
			return err
		}
		errs := make([]error, 2)
		switch n {
		case 0:
			errs[0] = record(o.interrupted(1, func() { errs[1] = arrive(o) }))
			o.ok(errs[1], "%s, before a client is recorded", a.name)
		case 1:
			errs[1] = arrive(o.interrupted(1, func() { errs[0] = record(o) }))
			o.ok(errs[0], "a client, before %s comes in", a.name)
		default:
			errs = together(2, func(k int) error { return []func(*office) error{record, arrive}[k](o) })
		}
		o.holds(o.only(errs, accounts.ErrTaken) == 1, "round %d: recording was answered %v, and %s %v", n, errs[0], a.name, errs[1])
		r, err := o.st.Recording(o.ctx, accounts.RecordingQuery{Account: s.account, Client: "client", Email: email})
		o.ok(err, "Recording")
		o.holds(r.Client.There() == (errs[0] == nil), "recording was answered %v, and the client is %s", errs[0], text(r.Client))
		o.holds(r.Taken.There() != r.Member, "one address is a client's (%v) and a member's (%v)", r.Taken.There(), r.Member)
	}
	o.sound()
}

func recordAgainstInvite(e *env) {
	o := newOffice(e)
	for n := range 2 + times(6) {
		s := o.stage()
		email, id := "new-"+string(s.account)+"@example.com", accounts.UserID("new-"+s.account)
		o.people, o.records = append(o.people, id), append(o.records, s.key("client"))
		amy, olga := o.actor(s.amy), o.actor(s.olga)
		invite := func(at *office) error {
			_, err := at.invites.Invite(o.ctx, olga, invites.Invite{Account: s.account, Email: email, Role: roles.Viewer})
			return err
		}
		record := func(at *office) error {
			_, err := at.clients.Create(o.ctx, amy, s.draft("client", email))
			return err
		}
		errs := make([]error, 2)
		switch n {
		case 0:
			errs[0] = record(o.interrupted(1, func() { errs[1] = invite(o) }))
			o.ok(errs[1], "an invitation, before a client is recorded")
		case 1:
			errs[1] = invite(o.interrupted(1, func() { errs[0] = record(o) }))
			o.is(errs[1], accounts.ErrTaken, "an invitation to somebody who was recorded as a client since it was read that nobody was")
		default:
			errs = together(2, func(k int) error { return []func(*office) error{record, invite}[k](o) })
		}
		o.ok(errs[0], "a client: an invitation promises nothing to a client")
		if errs[1] != nil {
			o.is(errs[1], accounts.ErrTaken, "an invitation to a client")
			continue
		}
		_, err := o.invites.AcceptNew(o.ctx, invites.NewLogin{Link: o.link(accounts.Email(email), token.Invitation), ID: id, Kept: true})
		o.is(err, accounts.ErrTaken, "an acceptance by somebody who was recorded as a client since they were invited")
	}
	o.sound()
}

// erasedLast is the round of besideErasure in which the erasure comes second.
const erasedLast = 2

// besideErasure sets something about a client with ben's address against ben's
// erasure: within each other, one after the other, and by chance.
func besideErasure(o *office, prepare func(s stage), act func(at *office, s stage, amy accounts.Actor) error) {
	for n := range erasedLast + 1 + times(6) {
		s := o.stage()
		prepare(s)
		amy := o.actor(s.amy)
		erase := func(at *office) error { return at.graph.EraseUser(o.ctx, staff(), s.ben) }
		switch n {
		case 0:
			err := act(o.interrupted(1, func() { o.ok(erase(o), "an erasure") }), s, amy)
			if err != nil {
				o.is(err, accounts.ErrNotFound, "what is done about a client who is gone")
			}
		case 1:
			var between error
			o.ok(erase(o.interrupted(1, func() { between = act(o, s, amy) })), "an erasure")
			o.ok(between, "what is done about a client before an erasure comes true")
		case erasedLast:
			o.ok(act(o, s, amy), "what is done about a client before an erasure begins")
			o.ok(erase(o), "an erasure")
		default:
			errs := together(2, func(k int) error {
				if k == 0 {
					return act(o, s, amy)
				}
				return erase(o)
			})
			o.ok(errs[1], "an erasure")
			if errs[0] != nil {
				o.is(errs[0], accounts.ErrNotFound, "what is done about a client who is gone")
			}
		}
	}
	o.sound()
}

// recordAgainstErasure rests on nothing of the person's: a record that is made
// between what an erasure read and its coming true stays, as one that is made a
// moment later does.
func recordAgainstErasure(e *env) {
	o := newOffice(e)
	var stages []stage
	besideErasure(o, func(s stage) {
		stages, o.records = append(stages, s), append(o.records, s.key("client"))
	}, func(at *office, s stage, amy accounts.Actor) error {
		_, err := at.clients.Create(o.ctx, amy, s.draft("client", string(s.ben)+"@example.com"))
		return err
	})
	for n, s := range stages {
		c, ends := o.setting(s.key("client")).Client, o.events(s.account, accounts.EventClientDeleted)
		if c.There() && n != erasedLast {
			o.holds(c.Email == address(string(s.ben)) && c.User == "" && c.Epoch == 1 && c.Version == 1 && ends == 0,
				"a client who came after an erasure is %s, and %d events tell of their end", text(c), ends)
		} else {
			o.once(s)
		}
	}
}

func deleteAgainstErasure(e *env) {
	o := newOffice(e)
	var stages []stage
	besideErasure(o, func(s stage) {
		o.recorded(s, string(s.ben)+"@example.com")
		stages = append(stages, s)
	}, func(at *office, s stage, amy accounts.Actor) error {
		return at.clients.Delete(o.ctx, amy, s.key("client"))
	})
	for _, s := range stages {
		o.once(s)
	}
}

// comeInsideErasure rests on the user's row alone: the erasure did not read the
// record, and whoever comes to log in as one writes their own row.
func comeInsideErasure(e *env) {
	o := newOffice(e)
	join := func(s stage) {
		_, err := o.setups.Join(o.ctx, o.actor(s.ben), o.handed(s, o.recorded(s, string(s.ben)+"@example.com")))
		o.ok(err, "Join")
	}
	load := func(s stage) {
		o.records = append(o.records, s.key("client"))
		out, err := o.graph.Import(o.ctx, accounts.System("import"), accounts.Import{Clients: []accounts.ImportClient{{
			Account: s.account, ID: "client", FirstName: "Ben", LastName: "Client", Email: "other-" + string(s.account) + "@example.com", User: s.ben,
		}}})
		o.ok(err, "Import")
		o.ok(out.Clients[0].Err, "Import of a client")
	}
	for _, come := range []func(s stage){join, load} {
		s := o.stage()
		inside := o.interrupted(1, func() {
			come(s)
			o.holds(o.isClient(s.ben, s.account), "%s came in, and is not let in", s.ben)
		})
		o.ok(inside.graph.EraseUser(o.ctx, staff(), s.ben), "an erasure")
		o.once(s)
	}
	o.sound()
}

// once ends the check unless a stage's client was deleted, once.
func (o *office) once(s stage) {
	o.Helper()
	c, ends := o.setting(s.key("client")).Client, o.events(s.account, accounts.EventClientDeleted)
	o.holds(!c.There() && c.Email == "" && c.Address == "" && c.Name() == "" && c.User == "" && c.Epoch == 2 && ends == 1,
		"a client who is gone with their person is %s, and %d events tell of it (A105)", text(c), ends)
}
