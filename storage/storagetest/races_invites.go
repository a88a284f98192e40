package storagetest

import (
	"fmt"

	"github.com/chatelaine-go/chatelaine/accounts"
	"github.com/chatelaine-go/chatelaine/invites"
	"github.com/chatelaine-go/chatelaine/roles"
	"github.com/chatelaine-go/chatelaine/storage"
)

// invited is an account with an invitation that expired, and its inviter.
func (e *env) invited(ids ...string) storage.Storage {
	st := e.open()
	e.put(st, user("boss"), account("a"), manages("a", "boss"))
	var rows []any
	for _, id := range ids {
		i := invitation("a", id, address(id), "boss")
		i.ExpiresAt = minutes(5)
		rows = append(rows, user(id), i)
	}
	e.put(st, rows...)
	return st
}

// follow ends what is pending for an address, and offers anew.
func (e *env) follow(st storage.Storage, to, id string) ([]any, error) {
	got, err := st.Inviting(e.ctx, invites.InvitingQuery{Account: "a", Email: address(to), At: minutes(10)})
	if err != nil {
		return nil, err
	}
	next := invitation("a", id, address(to), "boss")
	if got.Invitation.Version == 0 {
		return []any{next}, nil
	}
	if got.Invitation.StateAt(minutes(10), got.Inviter) == invites.Pending {
		return nil, nil
	}
	got.Invitation.State = invites.Expired
	return []any{got.Invitation, next}, nil
}

// answer accepts an invitation that is stored as pending.
func (e *env) answer(st storage.Storage, id string, seats int) ([]any, error) {
	got, err := st.Accepting(e.ctx, invites.AcceptingQuery{Account: "a", ID: accounts.InvitationID(id), At: minutes(1)})
	if err != nil || got.Invitation.State != invites.Pending || got.Seats.Members >= seats {
		return nil, err
	}
	got.Invitation.State, got.Invitation.User, got.Invitation.Given = invites.Accepted, got.Joiner.User.ID, roles.Author
	got.Member.Role, got.Member.Epoch = roles.Author, 1
	guard := accounts.Guard{Account: "a", Version: got.Account.Version, Move: true}
	return []any{got.Invitation, got.Member, guard}, nil
}

// pendings returns the ids of the stored pending invitations to an address.
func (e *env) pendings(st storage.Storage, to string) []accounts.InvitationID {
	e.Helper()
	list, err := st.Invitations(e.ctx, invites.ListQuery{Account: "a", At: start, Limit: all})
	e.ok(err, "Invitations")
	var ids []accounts.InvitationID
	for _, l := range list {
		if l.Invitation.State == invites.Pending && l.Invitation.Email == address(to) {
			ids = append(ids, l.Invitation.ID)
		}
	}
	return ids
}

func raceSuccessor(e *env) {
	st := e.invited("u")
	errs := together(16, func(i int) error {
		rows, err := e.follow(st, "u", fmt.Sprint("next-", i))
		if err != nil {
			return err
		}
		if rows == nil {
			return accounts.ErrConflict // somebody was faster, and that one counts
		}
		return apply(e.ctx, st, build(accounts.OpID(fmt.Sprint("follow-", i)), rows...))
	})
	e.holds(e.won(errs) == 1, "%d of 16 followed one invitation, want 1", e.won(errs))
	for i, err := range errs {
		if err == nil {
			e.same(e.pendings(st, "u"), []accounts.InvitationID{accounts.InvitationID(fmt.Sprint("next-", i))}, "the pending invitations")
		}
	}
}

func raceAnswer(e *env) {
	for round := range 4 {
		st := e.invited("u")
		errs := together(8, func(i int) error {
			var rows []any
			var err error
			if i%2 == 0 {
				rows, err = e.answer(st, "u", 99)
			} else {
				rows, err = e.follow(st, "u", fmt.Sprint("next-", i))
			}
			if err != nil {
				return err
			}
			if rows == nil || len(rows) == 1 { // answered or followed by then
				return accounts.ErrConflict
			}
			return apply(e.ctx, st, build(accounts.OpID(fmt.Sprintf("%d-%d", round, i)), rows...))
		})
		e.holds(e.won(errs) == 1, "%d of 8 answered or followed one invitation, want 1", e.won(errs))
		m, err := st.Membership(e.ctx, accounts.StandingKey{User: "u", Account: "a"})
		e.ok(err, "Membership")
		for i, err := range errs {
			if err == nil {
				e.holds((i%2 == 0) == (m.Version == 1) && (i%2 == 1) == (len(e.pendings(st, "u")) == 1),
					"the winner is %d, the membership has version %d, and %d are pending", i, m.Version, len(e.pendings(st, "u")))
			}
		}
	}
}

func fixedAnswer(e *env) {
	st := e.invited("u", "w")
	read := func(to string) (answer, next []any) {
		answer, err := e.answer(st, to, 99)
		e.ok(err, "reading")
		next, err = e.follow(st, to, "next-"+to)
		e.ok(err, "reading")
		return answer, next
	}
	answer, next := read("u")
	late, _ := read("u")
	e.put(st, answer...)
	e.refused(st, "the successor of an invitation that was accepted meanwhile", next...)
	e.refused(st, "the second answer to an invitation", late...)
	answer, next = read("w")
	_, second := read("w")
	e.put(st, next...)
	e.refused(st, "the answer to an invitation that was followed meanwhile", answer...)
	e.refused(st, "the second successor of an invitation", second...)
	e.same(e.pendings(st, "w"), []accounts.InvitationID{"next-w"}, "the pending invitations")
}

func raceSeats(e *env) {
	var people []string
	for i := range 12 {
		people = append(people, fmt.Sprint("u", i))
	}
	st := e.invited(people...)
	const seats = 5 // one of them is the inviter's
	errs := together(len(people), func(i int) error {
		return until(e.ctx, func() error {
			rows, err := e.answer(st, people[i], seats)
			if err != nil || rows == nil {
				return err
			}
			return apply(e.ctx, st, build(accounts.OpID("join-"+people[i]), rows...))
		})
	})
	for _, err := range errs {
		e.ok(err, "an answer")
	}
	got, err := st.Seats(e.ctx, "a", minutes(1))
	e.ok(err, "Seats")
	e.same(got, accounts.Seats{Members: seats, Invited: len(people) - seats + 1}, "the seats after twelve tried to take four")
}
