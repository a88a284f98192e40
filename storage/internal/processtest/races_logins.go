package processtest

import (
	"errors"
	"fmt"
	"strings"

	"github.com/chatelaine-go/chatelaine/access"
	"github.com/chatelaine-go/chatelaine/access/limit"
	"github.com/chatelaine-go/chatelaine/accounts"
	"github.com/chatelaine-go/chatelaine/roles"
)

func logins() []race {
	return []race{
		{"eight processes guess at one password, and five guesses are compared", raceGuess},
		{"eight processes reset a password by one link, and one password is set", raceReset},
		{"eight processes switch one session, and one secret lives", raceSwitch},
	}
}

func loginJobs() map[string]job {
	return map[string]job{"guess": guess, "reset": resets, "switch": switches}
}

// lobby is a place with ben, who has a password.
func (e *env) lobby() *scene {
	e.Helper()
	s := e.scene()
	s.secret("ben")
	return s
}

// secret makes a user with a password.
func (s *scene) secret(id string) {
	s.Helper()
	s.ok(s.st.ApplyAccess(s.ctx, change("user-"+id, func(c *access.Change) {
		c.Users = []accounts.User{{
			UserState: accounts.UserState{ID: accounts.UserID(id), Name: id}, Proven: true,
			Email: accounts.Email(id + "@example.com"), Address: id + "@example.com", CreatedAt: noon, UpdatedAt: noon,
		}}
		c.Credentials = []accounts.Credential{{User: accounts.UserID(id), Hash: tallied + "the right one", CreatedAt: noon, UpdatedAt: noon}}
	})), "a user with a password")
}

// guess tries ten passwords of the user, from a network of its own, and says how
// many were compared.
func guess(p *process) (func(string) error, error) {
	h, err := p.host()
	if err != nil {
		return nil, err
	}
	return func(user string) error {
		before := h.tally.compared.Load()
		for i := range 10 {
			_, _, err := h.logins.LogIn(p.ctx,
				access.LogIn{Email: address(accounts.UserID(user)), Password: fmt.Sprint("guess ", i)},
				access.Device{Source: fmt.Sprint("192.0.2.", p.number)})
			if !errors.Is(err, access.ErrCredentials) && !errors.Is(err, limit.ErrLimited) {
				return fmt.Errorf("a wrong password was answered with %w", err)
			}
		}
		p.say(h.tally.compared.Load() - before)
		return nil
	}, nil
}

// Eight processes guess ten times each at one password, from networks of their
// own: five guesses are compared in all of them together, and each of these is
// on record (A31).
func raceGuess(e *env) {
	s := e.lobby()
	c := s.crowd("guess")
	name := func(turn int) string { return fmt.Sprint("user-", turn) }
	c.races(
		func(turn int) func(int) string {
			s.secret(name(turn))
			return same(name(turn))
		},
		func(turn int, list []answer) {
			equal(e, e.sum(list), 5, "guesses that were compared")
			f, err := s.st.Entering(e.ctx, access.EnteringQuery{Email: accounts.Email(name(turn) + "@example.com"), Day: accounts.DayOf(noon)})
			e.ok(err, "Entering")
			equal(e, f.Guesses.Count, 5, "guesses that were counted")
			held, err := s.st.Held(e.ctx, accounts.HeldQuery{Kind: accounts.HeldEvent, User: accounts.UserID(name(turn)), Limit: 500})
			e.ok(err, "Held")
			equal(e, len(held), 5, "guesses on record")
			_, _, err = s.logins.LogIn(e.ctx, access.LogIn{Email: name(turn) + "@example.com", Password: "the right one"}, access.Device{})
			e.is(err, limit.ErrLimited, "the right one, behind them")
		})
	c.dismiss()
}

// fresh is the password that a process sets.
func fresh(n int) string { return fmt.Sprint("seven marching walruses, number ", n) }

// resets the password by a link, and says whether it could.
func resets(p *process) (func(string) error, error) {
	h, err := p.host()
	if err != nil {
		return nil, err
	}
	return func(link string) error {
		_, err := h.logins.ResetPassword(p.ctx, link, fresh(p.number))
		if err != nil && !errors.Is(err, accounts.ErrNotFound) {
			return err
		}
		p.say(err == nil)
		return nil
	}, nil
}

// Eight processes set a password each by one link: one of them does, that password
// and no other opens a session, and those from before are over (A01, A14, I-04).
func raceReset(e *env) {
	s := e.lobby()
	c := s.crowd("reset")
	name := func(turn int) string { return fmt.Sprint("user-", turn) }
	var before string
	c.races(
		func(turn int) func(int) string {
			s.secret(name(turn))
			secret, _, err := s.sessions.Start(e.ctx, accounts.Login{User: accounts.UserID(name(turn)), At: noon}, access.Device{})
			e.ok(err, "Start")
			before = secret.Reveal()
			e.ok(s.logins.AskReset(e.ctx, name(turn)+"@example.com", access.Device{}), "AskReset")
			return same(s.link(name(turn)+"@example.com", "crst_"))
		},
		func(turn int, list []answer) {
			equal(e, said(list, "true"), 1, "passwords set")
			for i, a := range list {
				_, err := s.logins.Verify(e.ctx, access.LogIn{Email: name(turn) + "@example.com", Password: fresh(i)}, access.Device{})
				equal(e, err == nil, a.lines[0] == "true", "the password of process %d (%v)", i, err)
				e.ok(s.logins.Lift(e.ctx, accounts.Operator("kim", "ticket 7"), name(turn)+"@example.com"), "Lift")
			}
			_, err := s.sessions.Principal(e.ctx, before, "")
			e.is(err, access.ErrNoSession, "a session from before the reset")
			held, err := s.st.Held(e.ctx, accounts.HeldQuery{Kind: accounts.HeldEvent, User: accounts.UserID(name(turn)), Limit: 500})
			e.ok(err, "Held")
			done := 0
			for _, h := range held {
				if ev, ok := h.Row.(accounts.Event); ok && ev.Kind == access.EventPasswordReset {
					done++
				}
			}
			equal(e, done, 1, "events")
		})
	c.dismiss()
}

// switches the session of a secret to an account, and says the new secret.
func switches(p *process) (func(string) error, error) {
	h, err := p.host()
	if err != nil {
		return nil, err
	}
	return func(secret string) error {
		next, _, err := h.sessions.Switch(p.ctx, secret, accounts.AccountID(fmt.Sprint("place-", p.number)))
		if errors.Is(err, access.ErrNoSession) {
			p.say("lost")
			return nil
		}
		p.say(next.Reveal())
		return err
	}, nil
}

// Eight processes switch one session to an account each: one has a new secret, the
// old one is dead, and the session is at the winner's account (A60, A63, I-18).
func raceSwitch(e *env) {
	s := e.scene()
	for i := range crowd {
		id := accounts.AccountID(fmt.Sprint("place-", i))
		s.found(id, accounts.UserID("owner-of-"+id))
		s.join(id, "ivy", roles.Viewer)
	}
	c := s.crowd("switch")
	var old string
	var id accounts.SessionID
	c.races(
		func(int) func(int) string {
			secret, session, err := s.sessions.Start(e.ctx, accounts.Login{User: "ivy", At: noon}, access.Device{})
			e.ok(err, "Start")
			old, id = secret.Reveal(), session.ID
			return same(old)
		},
		func(_ int, list []answer) {
			equal(e, said(list, "lost"), crowd-1, "processes whose secret was dead")
			_, err := s.sessions.Principal(e.ctx, old, "")
			e.is(err, access.ErrNoSession, "the old secret")
			for i, a := range list {
				if !strings.HasPrefix(a.lines[0], "cses_") {
					continue
				}
				_, err := s.sessions.Principal(e.ctx, a.lines[0], accounts.AccountID(fmt.Sprint("place-", i)))
				e.ok(err, "the new secret")
				kept, err := s.st.Session(e.ctx, access.SessionKey{ID: id})
				e.ok(err, "Session")
				equal(e, kept.Account, accounts.AccountID(fmt.Sprint("place-", i)), "where the session is")
				equal(e, kept.Version, 2, "the session's version")
			}
		})
	c.dismiss()
}
