package access_test

import (
	"fmt"
	"slices"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/chatelaine-go/chatelaine/access"
	"github.com/chatelaine-go/chatelaine/accounts"
	"github.com/chatelaine-go/chatelaine/mail"
)

const (
	phone      = "+4917012345678"
	otherPhone = "+442079460000"
)

// pocket has the phones that codes go to: it takes what waits to be sent there.
type pocket struct {
	w   *world
	got []mail.Message
}

// look returns what has come so far, the oldest first.
func (p *pocket) look() []mail.Message {
	p.w.Helper()
	ctx, at := p.w.Context(), p.w.env.Now()
	for _, d := range must(p.w.mem.ClaimMail(ctx, mail.Claim{Channel: mail.SMS, At: at, Lease: time.Minute, Limit: 1000}))(p.w) {
		require.NoError(p.w, p.w.mem.SettleMail(ctx, mail.Outcome{ID: d.Message.ID, Fence: d.Fence, State: mail.Sent, At: at}))
		p.got = append(p.got, d.Message)
	}
	return p.got
}

// digits are those of the newest code.
func (p *pocket) digits() string {
	got := p.look()
	return got[len(got)-1].Data.Code
}

// written are the codes that were ever to be sent, those that another took the
// place of included.
func (p *pocket) written(state mail.State) []mail.Record {
	p.w.Helper()
	list := must(p.w.mem.Mails(p.w.Context(), mail.Query{State: state, Limit: 1000}))(p.w)
	return slices.DeleteFunc(list, func(r mail.Record) bool { return r.Channel != mail.SMS })
}

func (p *pocket) count() int { return len(p.written("")) }

// miss is a code of six digits that is n off.
func miss(digits string, n int) string {
	var was int
	_, _ = fmt.Sscanf(digits, "%d", &was)
	return fmt.Sprintf("%06d", (was+n)%1_000_000)
}

// codes is an entrance with identity confirmation.
type codes struct {
	*entrance
	conf  *access.Confirmations
	phone *pocket
}

func newCodes(t tester, set ...func(*accounts.EnvOptions)) *codes {
	t.Helper()
	c := &codes{entrance: newEntrance(t, set...)}
	c.phone = &pocket{w: c.world}
	c.conf = must(access.NewConfirmations(c.doors, c.env))(t)
	return c
}

// confirmed turns identity confirmation on for a user, as an import would.
func (c *codes) confirmed(ids ...accounts.UserID) {
	c.Helper()
	for _, id := range ids {
		u := c.stored(id)
		u.Confirms, u.Phone = true, phone
		c.put(access.Change{Change: accounts.Change{Users: []accounts.User{u}}})
	}
}

// ask asks for a code and returns the secret of the page, and the digits.
func (c *codes) ask(a accounts.Actor, in access.Ask) (page, digits string) {
	c.Helper()
	n := c.phone.count()
	secret := must(c.conf.Ask(c.Context(), a, in))(c)
	require.Equal(c, n+1, c.phone.count(), "one code for one question")
	return secret.Reveal(), c.phone.digits()
}

// pass asks for a code and answers it.
func (c *codes) pass(a accounts.Actor, in access.Ask) {
	c.Helper()
	page, digits := c.ask(a, in)
	require.NoError(c, c.conf.Answer(c.Context(), a, in, page, digits))
}

// wants requires that an error asks for a code, and returns for what.
func (c *codes) wants(err error, action accounts.EventKind, account accounts.AccountID) access.Ask {
	c.Helper()
	var code *accounts.CodeError
	require.ErrorAs(c, err, &code)
	require.ErrorIs(c, err, accounts.ErrStepUp)
	require.Equal(c, accounts.CodeError{Action: action, Account: account}, *code)
	return access.Ask{Action: code.Action, Account: code.Account}
}

// wrong requires that an error says that a code is wrong, and how often it may
// still be tried.
func (c *codes) wrong(err error, left int) {
	c.Helper()
	require.Equal(c, &access.WrongCodeError{Left: left}, err)
	require.ErrorIs(c, err, access.ErrCode)
}

// challenge is what is stored of a code.
func (c *codes) challenge(a accounts.Actor, in access.Ask) accounts.Challenge {
	c.Helper()
	return must(c.mem.Challenge(c.Context(), accounts.ChallengeKey{
		User: a.User(), Session: a.Session(), Action: in.Action, Account: in.Account,
	}))(c)
}

// own returns the actor of a user of a host with sessions of its own, who
// logged in just now.
func (c *codes) own(user accounts.UserID, account accounts.AccountID) accounts.Actor {
	c.Helper()
	return must(c.sessions.ForUser(c.Context(), accounts.Login{User: user, At: c.env.Now()}, account))(c).Actor()
}

// everything tells what is stored, codes included.
func (c *codes) everything(users ...accounts.UserID) string {
	c.Helper()
	out := c.all()
	for _, id := range users {
		list := must(c.mem.Held(c.Context(), accounts.HeldQuery{Kind: accounts.HeldChallenge, User: id, Limit: 1000}))(c)
		spent := must(c.mem.Spent(c.Context(), accounts.QuotaKey{
			Kind: accounts.QuotaCodes, Subject: string(id), Day: accounts.DayOf(c.env.Now()),
		}))(c)
		out += fmt.Sprintf("%s %+v %d\n", id, list, spent)
	}
	return out
}
