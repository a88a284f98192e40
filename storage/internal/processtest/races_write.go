package processtest

import (
	"errors"
	"fmt"

	"github.com/chatelaine-go/chatelaine/access"
	"github.com/chatelaine-go/chatelaine/accounts"
)

func writes() []race {
	return []race{
		{"a quota of 35 gives 35 to eight processes that spend it together", raceSpend},
		{"of those who hold a guard and one who moves it, nobody writes behind the move", raceGuards},
		{"what was answered is there when the process that was answered is killed", killWrites},
	}
}

func writeJobs() map[string]job {
	return map[string]job{
		"spend": spends, // twenty times, and says how often it could
		"hold":  holds,  // an account, or moves it, and says whether it could
		"busy":  busy,   // until it is killed, and says what was answered with success
	}
}

func spendOne(op, subject string, limit int) access.Change {
	return change(op, func(c *access.Change) {
		c.Spend = []accounts.Spend{{QuotaKey: quota(subject), N: 1, Limit: limit}}
	})
}

func quota(subject string) accounts.QuotaKey {
	return accounts.QuotaKey{Kind: accounts.QuotaRequests, Subject: subject, Day: accounts.DayOf(noon)}
}

func spends(p *process) (func(string) error, error) {
	st, err := p.open()
	return func(subject string) error {
		spent := 0
		for i := range 20 {
			switch err := st.ApplyAccess(p.ctx, spendOne(fmt.Sprintf("%s-%d-%d", subject, p.number, i), subject, 35)); {
			case err == nil:
				spent++
			case !errors.Is(err, accounts.ErrConflict):
				return err
			}
		}
		p.say(spent)
		return nil
	}, err
}

// A quota of 35 gives 35 to eight processes that spend it together, not one
// more and not one less (A79).
func raceSpend(e *env) {
	s := e.scene()
	c := s.crowd("spend")
	c.races(
		func(turn int) func(int) string { return same(fmt.Sprint("agency-", turn)) },
		func(turn int, list []answer) {
			subject := fmt.Sprint("agency-", turn)
			e.holds(e.sum(list) == 35, "%d were spent of 35", e.sum(list))
			e.is(s.st.ApplyAccess(e.ctx, spendOne("last-"+subject, subject, 35)), accounts.ErrConflict, "one more")
			n, err := s.st.Spent(e.ctx, quota(subject))
			e.ok(err, "Spent")
			equal(e, n, 35, "the counter")
		})
	c.dismiss()
}

// holds relies on an account as it has read it, and the first of the processes
// moves it. It tries once.
func holds(p *process) (func(string) error, error) {
	st, err := p.open()
	return func(id string) error {
		a, err := st.Account(p.ctx, accounts.AccountID(id))
		if err != nil {
			return err
		}
		err = st.ApplyAccess(p.ctx, change(fmt.Sprint(id, "-", p.number), func(c *access.Change) {
			c.Guards = []accounts.Guard{{Account: a.ID, Version: a.Version, Move: p.number == 0}}
		}))
		if err != nil && !errors.Is(err, accounts.ErrConflict) {
			return err
		}
		p.say(err == nil)
		return nil
	}, err
}

// Seven processes rely on an account that an eighth moves, and all have read it
// before anybody writes. Who relies on it runs beside others who do, and is
// refused once it has moved; who moves it is not refused for others having relied
// on it (A15, A35).
func raceGuards(e *env) {
	s := e.scene()
	c := s.crowd("hold")
	mover, holders := []int{0}, []int{1, 2, 3, 4, 5, 6, 7}
	stage := func(turn int) func(int) string {
		id := fmt.Sprint("account-", turn)
		e.ok(s.st.ApplyAccess(e.ctx, change(id, func(c *access.Change) { c.Accounts = []accounts.Account{account(id)} })), "an account")
		return same(id)
	}
	judge := func(turn int, list []answer, least, most int) {
		equal(e, list[0].lines[0], "true", "who moves")
		held := said(list[1:], "true")
		e.holds(held >= least && held <= most, "%d relied on what had moved or not, want %d to %d", held, least, most)
		a, err := s.st.Account(e.ctx, accounts.AccountID(fmt.Sprint("account-", turn)))
		e.ok(err, "Account")
		equal(e, a.Version, 2, "the version of an account that moved once")
	}
	judge(-1, c.inOrder(stage(-1), mover, holders), 0, 0)
	judge(-2, c.inOrder(stage(-2), holders, mover), 7, 7)
	c.races(stage, func(turn int, list []answer) { judge(turn, list, 0, 7) })
	c.dismiss()
}

func busy(p *process) (func(string) error, error) {
	st, err := p.open()
	return func(string) error {
		for i := 0; ; i++ {
			op := fmt.Sprintf("%d-%d", p.number, i)
			if err := until(p.ctx, func() error { return st.ApplyAccess(p.ctx, change(op, nil)) }); err != nil {
				return err
			}
			p.say(op)
		}
	}, err
}

// Processes are killed while they write: everything that was answered with
// success is there, and the database is whole (A98, I-29).
func killWrites(e *env) {
	s := e.scene()
	c := s.crew("busy", "busy", "busy", "busy")
	for _, m := range c.members {
		m.tell(wordFree, "")
	}
	acked := make(chan []string)
	for i, m := range c.members {
		go func() {
			var ops []string
			for line := range m.out {
				if ops = append(ops, line[len(wordSays)+1:]); len(ops) == 20+10*i {
					_ = m.cmd.Process.Kill()
				}
			}
			acked <- ops
		}()
	}
	var ops []string
	for range c.members {
		ops = append(ops, <-acked...)
	}
	for _, m := range c.members {
		m.kill()
	}
	e.holds(len(ops) >= 4*20, "only %d changes were answered", len(ops))
	e.Sound(e.TB, s.place)
	for _, op := range ops {
		done, err := s.st.Applied(e.ctx, accounts.OpID(op))
		e.ok(err, "Applied")
		e.holds(done, "the operation %s was answered, and is not there", op)
	}
}
