package processtest

import (
	"errors"
	"fmt"

	"github.com/chatelaine-go/chatelaine/accounts"
	"github.com/chatelaine-go/chatelaine/roles"
)

func people() []race {
	return []race{
		{"eight owners step down, leave and remove each other in eight processes, and one stays", raceOwners},
		{"eight processes put users with one address, and one user has it", raceAddress},
	}
}

func peopleJobs() map[string]job {
	return map[string]job{"oust": ousts, "user": users}
}

// ousts takes an owner away from an account, each process in its own way, and says
// whether it could.
func ousts(p *process) (func(string) error, error) {
	h, err := p.host()
	if err != nil {
		return nil, err
	}
	return func(at string) error {
		id := accounts.AccountID(at)
		me := owner(id, p.number)
		actor, err := h.as(p.ctx, me, id)
		switch {
		case err != nil: // somebody was faster
		case p.number == 4:
			err = h.graph.SuspendMember(p.ctx, accounts.System("members"), id, me)
		case p.number%4 == 0:
			err = h.graph.ChangeRole(p.ctx, actor, id, me, roles.Viewer)
		case p.number%4 == 1:
			err = h.graph.Leave(p.ctx, actor, id)
		default: // 2 and 3, 6 and 7: each other
			err = h.graph.RemoveMember(p.ctx, actor, id, owner(id, p.number^1))
		}
		for _, lost := range []error{accounts.ErrLastOwner, roles.ErrDenied, accounts.ErrNotFound, accounts.ErrStepUp} {
			if errors.Is(err, lost) {
				p.say(false)
				return nil
			}
		}
		p.say(err == nil)
		return err
	}, nil
}

func owner(at accounts.AccountID, i int) accounts.UserID {
	return accounts.UserID(fmt.Sprint("owner-", i, "-of-", at))
}

// Eight owners of an account step down, leave, and remove and suspend each other,
// in eight processes that have all read eight owners: at least one stays (A35, I-01).
func raceOwners(e *env) {
	s := e.scene()
	c := s.crowd("oust")
	c.races(
		func(turn int) func(int) string {
			at := accounts.AccountID(fmt.Sprint("realm-", turn))
			s.found(at, owner(at, 0))
			for i := 1; i < crowd; i++ {
				s.join(at, owner(at, i), roles.Admin)
				s.ok(s.graph.ChangeRole(s.ctx, s.who(owner(at, 0), at), at, owner(at, i), roles.Owner), "ChangeRole")
			}
			return same(string(at))
		},
		func(turn int, list []answer) {
			left, err := s.st.Owners(e.ctx, accounts.AccountID(fmt.Sprint("realm-", turn)), roles.Owner)
			e.ok(err, "Owners")
			won := said(list, "true")
			e.holds(len(left) >= 1 && len(left) == crowd-won, "%d owners are left after %d of %d were taken away", len(left), won, crowd)
		})
	c.dismiss()
}

// users puts a user of its own with the address, and says whether it could.
func users(p *process) (func(string) error, error) {
	h, err := p.host()
	if err != nil {
		return nil, err
	}
	return func(to string) error {
		id := accounts.UserID(fmt.Sprint(p.number, ".", to))
		_, err := h.graph.PutUser(p.ctx, accounts.System("sync"), accounts.PutUser{ID: id, Name: "Somebody", Email: to, Proven: true})
		if err != nil && !errors.Is(err, accounts.ErrTaken) {
			return err
		}
		p.say(err == nil)
		return nil
	}, nil
}

// Eight processes put a user each with one address: one user has it (A21, I-03).
func raceAddress(e *env) {
	s := e.scene()
	c := s.crowd("user")
	c.races(
		func(turn int) func(int) string { return same(fmt.Sprintf("to-%d@example.com", turn)) },
		func(turn int, list []answer) {
			equal(e, said(list, "true"), 1, "users")
			to := fmt.Sprintf("to-%d@example.com", turn)
			for i, a := range list {
				id := accounts.UserID(fmt.Sprint(i, ".", to))
				u, err := s.st.User(e.ctx, accounts.UserKey{ID: id})
				if a.lines[0] != "true" {
					e.is(err, accounts.ErrNotFound, "a user that was refused")
					continue
				}
				e.ok(err, "User")
				holder, err := s.st.User(e.ctx, accounts.UserKey{Email: u.Email})
				e.ok(err, "User")
				equal(e, holder.ID, id, "who has the address")
			}
		})
	c.dismiss()
}
