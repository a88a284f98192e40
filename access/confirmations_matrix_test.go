package access_test

import (
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/chatelaine-go/chatelaine/access"
	"github.com/chatelaine-go/chatelaine/accounts"
	"github.com/chatelaine-go/chatelaine/roles"
)

// confirmCase is a user, carl, who is Admin of willow, before somebody calls, and
// who calls. Whatever they were asked before, they were asked as carl with a
// fresh session of his.
type confirmCase struct {
	name  string
	on    bool // identity confirmation is on
	given func(c *codes)
	actor func(c *codes, carl accounts.Actor) accounts.Actor
}

func confirmCases() []confirmCase {
	same := func(_ *codes, carl accounts.Actor) accounts.Actor { return carl }
	is := func(a accounts.Actor) func(*codes, accounts.Actor) accounts.Actor {
		return func(*codes, accounts.Actor) accounts.Actor { return a }
	}
	later := func(c *codes, carl accounts.Actor) accounts.Actor {
		c.clock.Add(10*time.Minute - time.Second) // before this second's codes expire
		return accounts.Admitted(accounts.Admission{
			User: "carl", Epoch: carl.Epoch(), Proof: carl.Proof(), Session: carl.Session(), AuthAt: c.env.Now().Add(-10 * time.Minute), Account: "willow",
		})
	}
	return []confirmCase{
		{"off", false, nil, same},
		{"on", true, nil, same},
		{"off, logged in 10 minutes ago", false, nil, later},
		{"on, logged in 10 minutes ago", true, nil, later},
		{"off, by a mailed link", false, nil, func(_ *codes, carl accounts.Actor) accounts.Actor {
			return accounts.Admitted(accounts.Admission{User: "carl", Epoch: 1, Proof: carl.Proof(), Session: carl.Session()})
		}},
		{"off, unproven", false, func(c *codes) {
			u := c.stored("carl")
			u.Proven = false
			c.put(access.Change{Change: accounts.Change{Users: []accounts.User{u}}})
		}, same},
		{"on, with another session", true, nil, func(c *codes, _ accounts.Actor) accounts.Actor { return c.as("carl", "willow") }},
		{"on, with a session of the host", true, nil, func(c *codes, _ accounts.Actor) accounts.Actor { return c.own("carl", "willow") }},
		{"on, with a session of an ended epoch", true, nil, func(c *codes, carl accounts.Actor) accounts.Actor {
			require.NoError(c, c.sessions.EndAll(c.Context(), carl, "carl"))
			return carl
		}},
		{"on, suspended", true, nil, func(c *codes, carl accounts.Actor) accounts.Actor {
			require.NoError(c, c.svc.SuspendUser(c.Context(), operator, "carl"))
			return carl
		}},
		{"on, erased", true, nil, func(c *codes, carl accounts.Actor) accounts.Actor {
			require.NoError(c, c.svc.EraseUser(c.Context(), operator, "carl"))
			return carl
		}},
		{"on, but somebody else calls", true, nil, func(c *codes, _ accounts.Actor) accounts.Actor { return c.as("cleo", "willow") }},
		{"on, but somebody else with it on calls", true, func(c *codes) { c.confirmed("cleo") }, func(c *codes, _ accounts.Actor) accounts.Actor {
			return c.as("cleo", "willow")
		}},
		{"on, but a job calls", true, nil, is(job)},
		{"on, but an operator calls", true, nil, is(operator)},
		{"on, but nobody calls", true, nil, is(accounts.Actor{})},
		{"off, but an operator calls", false, nil, is(operator)},
	}
}

// confirmAct is one thing that can be done.
type confirmAct struct {
	method, what string
	asked        *access.Ask // what carl was asked a code for before; nil: nothing
	passed       bool        // and passed
	run          func(c *codes, a accounts.Actor, page, digits string) error
}

func confirmActs() []confirmAct {
	on, off := access.Ask{Action: access.EventConfirmationOn}, access.Ask{Action: access.EventConfirmationOff}
	ask := func(in access.Ask) func(*codes, accounts.Actor, string, string) error {
		return func(c *codes, a accounts.Actor, _, _ string) error { return refuses(c.conf.Ask(c.Context(), a, in)) }
	}
	turnOn := func(number string) func(*codes, accounts.Actor, string, string) error {
		return func(c *codes, a accounts.Actor, _, _ string) error {
			return refuses(c.conf.TurnOn(c.Context(), a, number))
		}
	}
	turnOff := func(who accounts.UserID) func(*codes, accounts.Actor, string, string) error {
		return func(c *codes, a accounts.Actor, _, _ string) error { return c.conf.TurnOff(c.Context(), a, who) }
	}
	answer := func(in access.Ask, change func(page, digits string) (string, string)) func(*codes, accounts.Actor, string, string) error {
		return func(c *codes, a accounts.Actor, page, digits string) error {
			if page != "" {
				page, digits = change(page, digits)
			}
			return c.conf.Answer(c.Context(), a, in, page, digits)
		}
	}
	right := func(page, digits string) (string, string) { return page, digits }
	return []confirmAct{
		{method: "TurnOn", what: "begin to turn it on, or to change the phone", run: turnOn(otherPhone)},
		{method: "TurnOn", what: "begin to change the phone, after a code to the old one", asked: &off, passed: true, run: turnOn(otherPhone)},
		{method: "TurnOn", what: "begin with what is no phone", run: turnOn("0170")},
		{method: "Ask", what: "ask for a code to close willow", run: ask(closing)},
		{method: "Ask", what: "ask for a code to turn it off", run: ask(off)},
		{method: "Ask", what: "ask for a code to turn it on", run: ask(on)},
		{method: "Ask", what: "ask for a code for nothing", run: ask(access.Ask{})},
		{method: "Answer", what: "answer, when nothing was asked", run: answer(closing, right)},
		{method: "Answer", what: "answer right", asked: &closing, run: answer(closing, right)},
		{method: "Answer", what: "answer wrong", asked: &closing, run: answer(closing, func(page, digits string) (string, string) { return page, miss(digits, 1) })},
		{method: "Answer", what: "answer right, without the page", asked: &closing, run: answer(closing, func(_, digits string) (string, string) { return "", digits })},
		{method: "Answer", what: "answer right, for another account", asked: &closing, run: answer(access.Ask{Action: closing.Action, Account: "rose"}, right)},
		{method: "Answer", what: "answer right, once more", asked: &closing, passed: true, run: answer(closing, right)},
		{method: "Answer", what: "answer right, to a phone that turns it on", asked: &on, run: answer(on, right)},
		{method: "TurnOff", what: "turn it off for carl", run: turnOff("carl")},
		{method: "TurnOff", what: "turn it off for carl, after a code", asked: &off, passed: true, run: turnOff("carl")},
		{method: "TurnOff", what: "turn it off for nobody", run: turnOff("nobody")},
		{method: "TurnOff", what: "turn it off for no id", run: turnOff("")},
	}
}

// confirmOutcome names how a call ended, and what else it did.
func confirmOutcome(c *codes, events, sent int, err error) string {
	var bad *accounts.InvalidError
	var code *accounts.CodeError
	var wrong *access.WrongCodeError
	what := "fault: " + fmt.Sprint(err)
	switch {
	case err == nil:
		what = "allowed"
	case errors.As(err, &code):
		what = "code for " + string(code.Action)
	case errors.As(err, &wrong):
		what = fmt.Sprintf("wrong, %d left", wrong.Left)
	case errors.Is(err, accounts.ErrStepUp):
		what = "step-up"
	case errors.Is(err, accounts.ErrNotFound):
		what = "not found"
	case errors.Is(err, roles.ErrDenied):
		what = "denied"
	case errors.As(err, &bad):
		what = "invalid " + bad.Field
	}
	var also []string
	for _, e := range c.events()[events:] {
		also = append(also, string(e.Kind))
	}
	if written := c.phone.written(""); len(written) > sent {
		also = append(also, "code sent to "+written[len(written)-1].To)
	}
	if len(also) > 0 {
		what += " (" + strings.Join(also, ", ") + ")"
	}
	return what
}

// Who may do what with identity confirmation is exactly the table that everybody
// can read, with what each call writes and sends, denied unless it says
// otherwise. A method without a row fails (A32, A36, A105).
func TestConfirmations_matrix(t *testing.T) {
	t.Parallel()
	x := newTable(
		"Who may do what with access.Confirmations. The user is carl, whose identity confirmation is on or off.",
		"In parentheses: the events that the call wrote, and where a code went. What was asked before, carl was asked",
		"with a fresh session of his, and so was what he passed.",
	)
	for _, act := range confirmActs() {
		x.act(act.method, act.what, func(tell func(who, outcome string)) {
			for _, r := range confirmCases() {
				c := newCodes(t)
				if r.on {
					c.confirmed("carl")
				}
				carl := c.as("carl", "willow")
				page, digits := c.before(carl, act, r.on)
				if r.given != nil {
					r.given(c)
				}
				actor := r.actor(c, carl)
				events, sent := len(c.events()), c.phone.count()
				got := confirmOutcome(c, events, sent, act.run(c, actor, page, digits))
				tell(r.name, got)
			}
		})
	}
	x.check(t, "confirmations.golden")
	x.covers(t, reflect.TypeFor[*access.Confirmations]())
}

// before has carl asked for what an act wants to have been asked, where he can
// be asked at all.
func (c *codes) before(carl accounts.Actor, act confirmAct, on bool) (page, digits string) {
	c.Helper()
	switch {
	case act.asked == nil:
		return "", ""
	case act.asked.Action == access.EventConfirmationOn:
		if on {
			c.pass(carl, access.Ask{Action: access.EventConfirmationOff})
		}
		page = must(c.conf.TurnOn(c.Context(), carl, otherPhone))(c).Reveal()
		return page, c.phone.digits()
	case !on:
		return "", ""
	}
	page, digits = c.ask(carl, *act.asked)
	if act.passed {
		require.NoError(c, c.conf.Answer(c.Context(), carl, *act.asked, page, digits))
	}
	return page, digits
}
