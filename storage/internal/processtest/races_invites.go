package processtest

import (
	"errors"
	"fmt"
	"strings"

	"github.com/chatelaine-go/chatelaine/accounts"
	"github.com/chatelaine-go/chatelaine/invites"
	"github.com/chatelaine-go/chatelaine/roles"
)

func offers() []race {
	return []race{
		{"eight processes join by one link, each as somebody new, and one does", raceJoin},
		{"eight processes accept one invitation as one person, and it is written once", raceAccept},
		{"eight processes have four links each, and as many join as there are seats", raceSeats},
		{"an invitation that was revoked in one process is refused by the others at once", raceRevoked},
		{"of those who accept an invitation and who revokes it, one wins", raceRevoke},
		{"eight processes invite one address, and one invitation is pending", raceInvite},
	}
}

func offerJobs() map[string]job {
	return map[string]job{
		"join":   joins,
		"accept": accepts,
		"revoke": revokes,
		"invite": invite,
	}
}

const acme = accounts.AccountID("acme")

// hall is a place with an account of olga's, and with ben, who is no member.
func (e *env) hall() *scene {
	e.Helper()
	s := e.scene()
	s.found(acme, "olga")
	s.put("ben")
	return s
}

// invited has olga invite somebody, and returns the invitation and its link.
func (s *scene) invited(to string) (invites.Invitation, string) {
	s.Helper()
	i, err := s.invites.Invite(s.ctx, s.who("olga", acme), invites.Invite{Account: acme, Email: to, Role: roles.Viewer})
	s.ok(err, "Invite")
	return i, s.link(to, "cinv_")
}

func (s *scene) seats() accounts.Seats {
	s.Helper()
	got, err := s.st.Seats(s.ctx, acme, noon)
	s.ok(err, "Seats")
	return got
}

// joins by each of the links, as somebody new, and says by how many it could.
func joins(p *process) (func(string) error, error) {
	h, err := p.host()
	if err != nil {
		return nil, err
	}
	turn := 0
	return func(links string) error {
		turn++
		joined := 0
		for i, link := range strings.Split(links, ",") {
			id := accounts.UserID(fmt.Sprintf("new-%d-%d-%d", p.number, turn, i))
			_, err := h.invites.AcceptNew(p.ctx, invites.NewLogin{Link: link, ID: id, Kept: true})
			switch {
			case err == nil:
				joined++
			case !errors.Is(err, accounts.ErrNotFound) && !errors.Is(err, accounts.ErrSeats):
				return err
			}
		}
		p.say(joined)
		return nil
	}, nil
}

// Eight processes join by one link, each as somebody new: one new user and one
// membership, one event, one mail (A01, I-02, I-04).
func raceJoin(e *env) {
	s := e.hall()
	c := s.crowd("join")
	c.races(
		func(turn int) func(int) string {
			_, link := s.invited(fmt.Sprintf("new-%d@example.com", turn))
			return same(link)
		},
		func(turn int, list []answer) {
			equal(e, e.sum(list), 1, "joined")
			equal(e, s.told(acme, invites.EventInvitationAccepted), turn+1, "events")
			equal(e, s.mails(address("olga")), turn+1, "mails that tell of it")
			equal(e, s.seats(), accounts.Seats{Members: turn + 2}, "the seats")
			e.holds(s.news(turn+1) == 1, "%d new users", s.news(turn+1))
		})
	c.dismiss()
}

// news counts the users that processes made in a turn of joining.
func (s *scene) news(turn int) int {
	s.Helper()
	n := 0
	for i := range crowd {
		_, err := s.st.User(s.ctx, accounts.UserKey{ID: accounts.UserID(fmt.Sprintf("new-%d-%d-0", i, turn))})
		if err == nil {
			n++
		} else {
			s.is(err, accounts.ErrNotFound, "User")
		}
	}
	return n
}

// accepts the invitation of a link as a user, and says which version of a
// membership came of it.
func accepts(p *process) (func(string) error, error) {
	h, err := p.host()
	if err != nil {
		return nil, err
	}
	return func(arg string) error {
		var who accounts.UserID
		var link string
		if _, err := fmt.Sscan(arg, &who, &link); err != nil {
			return err
		}
		actor, err := h.as(p.ctx, who, "")
		if err != nil {
			return err
		}
		m, err := h.invites.Accept(p.ctx, actor, invites.Answer{Link: link})
		if errors.Is(err, accounts.ErrNotFound) || errors.Is(err, invites.ErrUsed) {
			p.say("refused")
			return nil
		}
		p.say(m.Version)
		return err
	}, nil
}

// Eight processes accept one invitation as the same person: each is told of the
// same membership, which was written once, with one event and one mail (A01, I-04).
func raceAccept(e *env) {
	s := e.hall()
	c := s.crowd("accept")
	c.races(
		func(turn int) func(int) string {
			who := accounts.UserID(fmt.Sprint("guest-", turn))
			s.put(who)
			_, link := s.invited(address(who))
			return same(fmt.Sprint(who, " ", link))
		},
		func(turn int, list []answer) {
			equal(e, said(list, "1"), crowd, "told of the first version")
			equal(e, s.told(acme, invites.EventInvitationAccepted), turn+1, "events")
			equal(e, s.mails(address("olga")), turn+1, "mails that tell of it")
			equal(e, s.seats(), accounts.Seats{Members: turn + 2}, "the seats")
		})
	c.dismiss()
}

// Eight processes have four links each where the plan, since they were sent,
// has ten seats: ten members, and nobody lost a seat that was free (B8).
func raceSeats(e *env) {
	s := e.hall()
	var links []string
	for i := range 4 * crowd {
		_, link := s.invited(fmt.Sprintf("to-%d@example.com", i))
		links = append(links, link)
	}
	ten := planTen
	e.ok(s.graph.UpdateAccount(e.ctx, accounts.System("billing"), accounts.UpdateAccount{ID: acme, Plan: &ten}), "UpdateAccount")
	c := s.crowd("join")
	list := c.held(func(i int) string { return strings.Join(links[4*i:4*i+4], ",") })
	c.dismiss()
	e.holds(c.met, "no two processes were under way at one moment")
	equal(e, e.sum(list), 9, "joined, and olga")
	equal(e, s.told(acme, invites.EventInvitationAccepted), 9, "events")
	equal(e, s.seats(), accounts.Seats{Members: 10, Invited: 23}, "the seats")
}

// An invitation is revoked in one process, and accepted in the others as soon as
// the call has returned: none of them can (A04).
func raceRevoked(e *env) {
	s := e.hall()
	c := s.crew("accept", "accept", "accept", "accept", "join", "join", "join", "join")
	for turn := range 3 {
		i, link := s.invited(address("ben"))
		e.ok(s.invites.Revoke(e.ctx, s.who("olga", acme), acme, i.ID), "Revoke")
		list := c.free(func(i int) string { return map[bool]string{true: "ben " + link, false: link}[i < 4] })
		equal(e, said(list, "refused")+said(list, "0"), crowd, "refusals")
		equal(e, s.seats(), accounts.Seats{Members: 1}, "the seats after turn %d", turn)
	}
	c.dismiss()
}

// revokes the invitation of which the argument has the id, and says whether it could.
func revokes(p *process) (func(string) error, error) {
	h, err := p.host()
	if err != nil {
		return nil, err
	}
	return func(id string) error {
		olga, err := h.as(p.ctx, "olga", acme)
		if err != nil {
			return err
		}
		err = h.invites.Revoke(p.ctx, olga, acme, accounts.InvitationID(id))
		if err != nil && !errors.Is(err, invites.ErrUsed) {
			return err
		}
		p.say(map[bool]string{true: "revoked", false: "used"}[err == nil])
		return nil
	}, nil
}

// Four processes accept an invitation as one person, and four revoke it: either all
// of the first are told of one membership, or they are refused and there is none
// (A01, A04, I-05).
func raceRevoke(e *env) {
	s := e.hall()
	c := s.crew("accept", "accept", "accept", "accept", "revoke", "revoke", "revoke", "revoke")
	members := 1
	c.races(
		func(turn int) func(int) string {
			who := accounts.UserID(fmt.Sprint("guest-", turn))
			s.put(who)
			offer, link := s.invited(address(who))
			return func(i int) string {
				return map[bool]string{true: fmt.Sprint(who, " ", link), false: string(offer.ID)}[i < 4]
			}
		},
		func(turn int, list []answer) {
			m, err := s.st.Membership(e.ctx, accounts.StandingKey{User: accounts.UserID(fmt.Sprint("guest-", turn)), Account: acme})
			e.ok(err, "Membership")
			if m.Version > 0 {
				members++
				equal(e, said(list, "1"), 4, "told of the membership")
				equal(e, said(list, "used"), 4, "told that it is accepted")
			} else {
				equal(e, said(list, "refused"), 4, "told that it is revoked")
				e.holds(said(list, "revoked") >= 1, "nobody revoked it")
			}
			equal(e, s.told(acme, invites.EventInvitationAccepted)+s.told(acme, invites.EventInvitationRevoked), turn+1, "events")
			equal(e, s.seats(), accounts.Seats{Members: members}, "the seats")
		})
	c.dismiss()
}

// invite invites an address, and says whether it could.
func invite(p *process) (func(string) error, error) {
	h, err := p.host()
	if err != nil {
		return nil, err
	}
	return func(to string) error {
		olga, err := h.as(p.ctx, "olga", acme)
		if err != nil {
			return err
		}
		_, err = h.invites.Invite(p.ctx, olga, invites.Invite{Account: acme, Email: to, Role: roles.Viewer})
		var pending *invites.PendingError
		if err != nil && !errors.As(err, &pending) {
			return err
		}
		p.say(err == nil)
		return nil
	}, nil
}

// Eight processes invite one address to one account: one invitation, one mail (I-02).
func raceInvite(e *env) {
	s := e.hall()
	c := s.crowd("invite")
	c.races(
		func(turn int) func(int) string { return same(fmt.Sprintf("to-%d@example.com", turn)) },
		func(turn int, list []answer) {
			equal(e, said(list, "true"), 1, "invitations")
			equal(e, s.mails(fmt.Sprintf("to-%d@example.com", turn)), 1, "mails")
			equal(e, s.told(acme, invites.EventInvited), turn+1, "events")
			equal(e, s.seats(), accounts.Seats{Members: 1, Invited: turn + 1}, "the seats")
		})
	c.dismiss()
}
