package processtest

import (
	"errors"
	"fmt"

	"github.com/chatelaine-go/chatelaine/access"
	"github.com/chatelaine-go/chatelaine/accounts"
	"github.com/chatelaine-go/chatelaine/mail"
	"github.com/chatelaine-go/chatelaine/roles"
)

func decisions() []race {
	return []race{
		{"eight processes approve one request, and there is one connection", raceApprove},
		{"of approving, declining and withdrawing one request, one wins", raceDecide},
		{"a request that was withdrawn in one process is refused by the others at once", raceWithdrawn},
		{"client access is disabled while others approve, and nothing counts behind it", raceDisable},
		{"a right that one process withdraws is refused by the next check in another", withdraw},
	}
}

func decisionJobs() map[string]job {
	return map[string]job{
		"approve":  decides,
		"decline":  decides,
		"withdraw": decides,
		"disable":  disables,
		"look":     looks,
	}
}

// pending is a request of an agency for access to an account.
type pending struct {
	from accounts.AccountID
	at   accounts.AccountID
	id   accounts.RequestID
	link string
}

func (r pending) String() string { return fmt.Sprint(r.from, " ", r.at, " ", r.id, " ", r.link) }

// decides about the request that the argument names: its id, its link, and the
// account. It says whether it could.
func decides(p *process) (func(string) error, error) {
	h, err := p.host()
	if err != nil {
		return nil, err
	}
	return func(arg string) error {
		var r pending
		if _, err := fmt.Sscan(arg, &r.from, &r.at, &r.id, &r.link); err != nil {
			return err
		}
		carl, err := h.as(p.ctx, "carl", r.at)
		if err != nil {
			return err
		}
		mia, err := h.as(p.ctx, "mia", r.from)
		if err != nil {
			return err
		}
		in := access.Decision{Link: r.link, Account: r.at}
		switch p.job {
		case "approve":
			_, err = h.requests.Approve(p.ctx, carl, in, roles.Manager)
		case "decline":
			err = h.requests.Decline(p.ctx, carl, in, "no, thank you")
		default:
			err = h.requests.Withdraw(p.ctx, mia, r.from, r.id)
		}
		if err != nil && !errors.Is(err, accounts.ErrNotFound) && !errors.Is(err, access.ErrDecided) {
			return err
		}
		p.say(err == nil)
		return nil
	}, nil
}

// pending makes a client account where carl is an Admin, and asks its owner for
// access to it.
func (s *scene) pending(from accounts.AccountID, name string) pending {
	s.Helper()
	r := pending{from: from, at: accounts.AccountID(name)}
	owner := accounts.UserID("owner-of-" + name)
	s.found(r.at, owner)
	s.join(r.at, "carl", roles.Admin)
	r.id, r.link = s.asked(from, owner)
	return r
}

func (s *scene) linked(r pending) accounts.Linked {
	s.Helper()
	l, err := s.st.Linked(s.ctx, accounts.LinkedQuery{ConnectionKey: accounts.ConnectionKey{Client: r.at, Agency: r.from}, Top: roles.Owner})
	s.ok(err, "Linked")
	return l
}

// state is how a request stands.
func (s *scene) state(r pending) access.RequestState {
	s.Helper()
	d, err := s.st.Deciding(s.ctx, access.DecidingQuery{Agency: r.from, ID: r.id, Day: accounts.DayOf(noon), Top: roles.Owner})
	s.ok(err, "Deciding")
	return d.Request.State
}

// Eight processes approve one request by its link: one connection, one success, one
// event, and one mail to the agency's owner (A01, A45, A58, I-12).
func raceApprove(e *env) {
	s := e.town()
	c := s.crowd("approve")
	var r pending
	c.races(
		func(turn int) func(int) string {
			r = s.pending(agency, fmt.Sprint("client-", turn))
			return same(r.String())
		},
		func(turn int, list []answer) {
			equal(e, said(list, "true"), 1, "approvals")
			l := s.linked(r)
			e.holds(l.Counts(), "the connection does not count")
			equal(e, l.Connection.Epoch, 1, "the connection's epoch")
			equal(e, s.told(r.at, access.EventRequestApproved), 1, "events")
			equal(e, s.mails(address("ann")), turn+1, "mails to the agency's owner")
		})
	c.dismiss()
}

// Processes approve, decline and withdraw one request: one winner, and its end is
// the request's; there is a connection exactly if it was approved (A45, I-12, I-13).
func raceDecide(e *env) {
	s := e.town()
	jobs := []string{"approve", "decline", "withdraw", "approve", "decline", "withdraw", "approve", "decline"}
	ends := map[string]access.RequestState{"approve": access.Approved, "decline": access.Declined, "withdraw": access.Withdrawn}
	c := s.crew(jobs...)
	var r pending
	c.races(
		func(turn int) func(int) string {
			r = s.pending(agency, fmt.Sprint("client-", turn))
			return same(r.String())
		},
		func(turn int, list []answer) {
			equal(e, said(list, "true"), 1, "decisions")
			for i, a := range list {
				if a.lines[0] == "true" {
					equal(e, s.state(r), ends[jobs[i]], "the request after %s", jobs[i])
				}
			}
			equal(e, s.linked(r).Counts(), s.state(r) == access.Approved, "a connection")
			equal(e, s.told(agency, access.EventRequestApproved)+s.told(agency, access.EventRequestDeclined)+s.told(agency, access.EventRequestWithdrawn),
				turn+1, "events")
		})
	c.dismiss()
}

// A request is withdrawn in one process, and approved in the others as soon as the
// call has returned: none of them can (A04).
func raceWithdrawn(e *env) {
	s := e.town()
	c := s.crowd("approve")
	for turn := range 3 {
		r := s.pending(agency, fmt.Sprint("client-", turn))
		e.ok(s.requests.Withdraw(e.ctx, s.who("mia", agency), agency, r.id), "Withdraw")
		equal(e, said(c.free(same(r.String())), "false"), crowd, "refusals")
		equal(e, s.state(r), access.Withdrawn, "the request")
		e.holds(!s.linked(r).Counts(), "a request that was withdrawn made a connection")
	}
	c.dismiss()
}

// disables an agency's client access, by the plan as it is, and says so.
func disables(p *process) (func(string) error, error) {
	h, err := p.host()
	if err != nil {
		return nil, err
	}
	return func(from string) error {
		id := accounts.AccountID(from)
		boss, err := h.as(p.ctx, ownerOf(id), id)
		if err != nil {
			return err
		}
		for {
			plan, err := h.requests.PlanDisableClientAccess(p.ctx, boss, id)
			if err != nil {
				return err
			}
			err = h.requests.DisableClientAccess(p.ctx, boss, id, plan.Confirm)
			if errors.Is(err, access.ErrPlanChanged) {
				continue
			}
			p.say(err == nil)
			return err
		}
	}, nil
}

// One process disables an agency's client access while seven approve a request of
// its each. All have read and decided before anybody writes. An approval that comes
// behind it is refused; one that came before it made a connection, which is over.
// In the end nothing of the agency's counts: no connection, assignment, pending
// request, or unsent mail (A37, A55, A87, I-10, I-12).
func raceDisable(e *env) {
	s := e.town()
	jobs := []string{"disable"}
	for range crowd - 1 {
		jobs = append(jobs, "approve")
	}
	c := s.crew(jobs...)
	var list []pending
	stage := func(turn int) func(int) string {
		from := accounts.AccountID(fmt.Sprint("agency-", turn))
		s.agency(from)
		list = list[:0]
		for i := range crowd - 1 {
			list = append(list, s.pending(from, fmt.Sprint("client-", turn, "-", i)))
		}
		_, err := s.requests.Send(e.ctx, s.who("mia", from), access.Batch{Agency: from, Addresses: fmt.Sprint("unsent@", from, ".example")})
		e.ok(err, "Send")
		return func(i int) string {
			if i == 0 {
				return string(from)
			}
			return list[i-1].String()
		}
	}
	judge := func(turn int, got []answer, least, most int) {
		equal(e, got[0].lines[0], "true", "client access was disabled")
		won := said(got[1:], "true")
		e.holds(won >= least && won <= most, "%d approved, want %d to %d", won, least, most)
		secret, _, err := s.sessions.Start(e.ctx, accounts.Login{User: "mia", At: noon}, access.Device{})
		e.ok(err, "Start")
		for i, r := range list {
			approved := got[i+1].lines[0] == "true"
			equal(e, s.state(r) == access.Approved, approved, "the request is %s", s.state(r))
			e.holds(s.state(r) != access.Pending, "a request is pending")
			equal(e, s.told(r.at, access.EventRequestApproved) == 1, approved, "an event")
			l := s.linked(r)
			e.holds(!l.Counts(), "a connection counts")
			equal(e, l.Connection.Version > 0, approved, "a connection was made")
			equal(e, s.told(r.at, accounts.EventConnectionEnded) > 0 || !l.Connection.EndedAt.IsZero(), approved, "it has ended")
			who, err := s.sessions.Principal(e.ctx, secret.Reveal(), r.at)
			e.holds(errors.Is(err, accounts.ErrNotFound) || err == nil && who.Role() == "", "mia is %q at a client's (%v)", who.Role(), err)
		}
		mails, err := s.st.Mails(e.ctx, mail.Query{To: fmt.Sprint("unsent@agency-", turn, ".example"), Limit: 10})
		e.ok(err, "Mails")
		e.holds(len(mails) == 1 && mails[0].State == mail.Cancelled, "mail that was not sent is %v", mails)
	}
	disabler, approvers := []int{0}, []int{1, 2, 3, 4, 5, 6, 7}
	judge(101, c.inOrder(stage(101), disabler, approvers), 0, 0)
	judge(102, c.inOrder(stage(102), approvers, disabler), crowd-1, crowd-1)
	c.races(stage, func(turn int, got []answer) { judge(turn, got, 0, crowd-1) })
	c.dismiss()
}

// looks at what the holder of a secret is at an account.
func looks(p *process) (func(string) error, error) {
	h, err := p.host()
	if err != nil {
		return nil, err
	}
	return func(arg string) error {
		var secret string
		var at accounts.AccountID
		if _, err := fmt.Sscan(arg, &secret, &at); err != nil {
			return err
		}
		who, err := h.sessions.Principal(p.ctx, secret, at)
		if err != nil && !errors.Is(err, accounts.ErrNotFound) && !errors.Is(err, access.ErrNoSession) {
			return err
		}
		p.say(fmt.Sprintf("%q", who.Role()))
		return nil
	}, nil
}

// A right that one process withdraws is refused by the next check in another,
// as soon as the call has returned (A37, A50, I-09).
func withdraw(e *env) {
	s := e.town()
	carl := s.who("carl", client)
	_, link := s.asked(agency, "carl")
	_, err := s.requests.Approve(e.ctx, carl, access.Decision{Link: link, Account: client}, roles.Admin)
	e.ok(err, "Approve")
	secret, _, err := s.sessions.Start(e.ctx, accounts.Login{User: "mia"}, access.Device{})
	e.ok(err, "Start")
	c := s.crew("look", "look")
	seen := func(want string, why ...any) {
		e.Helper()
		for _, a := range c.free(same(fmt.Sprint(secret.Reveal(), " ", client))) {
			equal(e, a.lines[0], fmt.Sprintf("%q", want), "what another process sees %s", fmt.Sprint(why...))
		}
	}

	seen("admin")
	key := accounts.ConnectionKey{Client: client, Agency: agency}
	for _, highest := range []roles.Role{roles.Viewer, roles.Manager, roles.Author} {
		e.ok(s.graph.ChangeCap(e.ctx, carl, key, highest), "ChangeCap")
		seen(string(highest))
	}
	staff := accounts.Operator("kim", "ticket 7")
	e.ok(s.graph.SuspendAccount(e.ctx, staff, agency), "SuspendAccount")
	seen("")
	e.ok(s.graph.ReactivateAccount(e.ctx, staff, agency), "ReactivateAccount")
	seen("author", "(a pause ages nothing)")
	e.ok(s.graph.RemoveMember(e.ctx, s.who("ann", agency), agency, "mia"), "RemoveMember")
	seen("")
	e.ok(s.graph.AddMember(e.ctx, accounts.System("test"), agency, "mia", roles.Admin), "AddMember")
	seen("", "(coming back brings no assignment back)")
	c.dismiss()
}
