package storagetest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/chatelaine-go/chatelaine/access"
	"github.com/chatelaine-go/chatelaine/access/password"
	"github.com/chatelaine-go/chatelaine/access/token"
	"github.com/chatelaine-go/chatelaine/accounts"
	"github.com/chatelaine-go/chatelaine/invites"
	"github.com/chatelaine-go/chatelaine/mail"
	"github.com/chatelaine-go/chatelaine/roles"
	"github.com/chatelaine-go/chatelaine/storage"
)

// office is a house where people log in, invite and join. No limit of a day is
// in anybody's way, and a password costs next to nothing to compare.
type office struct {
	*house
	logins  *access.Logins
	codes   *access.Confirmations
	invites *invites.Service
	clients *accounts.Clients
	setups  *invites.SetupLinks
	views   *access.Views
	hasher  *password.Hasher
	tally   *tally
	staged  int

	// Whom and what the checks made: the invariants are asked of these.
	people  []accounts.UserID
	places  []accounts.AccountID
	records []accounts.ClientKey
	looks   []*look
}

// Plans of the office's accounts. Without one there are seats for everybody.
const (
	planTen = "ten"
	planTwo = "two"
)

// Passwords that may be chosen.
const (
	words  = "six wandering llamas eat"
	others = "seven purple mountain goats"
)

// chosen is read once for all checks: reading its lists is slow.
//
//nolint:gochecknoglobals // a constant in all but name
var chosen = sync.OnceValues(func() (*password.Policy, error) { return password.NewPolicy(nil) })

// texts are parsed once for all checks.
//
//nolint:gochecknoglobals // a constant in all but name
var texts = sync.OnceValues(func() (*mail.Templates, error) { return mail.NewTemplates(nil) })

func newOffice(e *env) *office {
	e.Helper()
	const plenty = 100_000
	all := []roles.Role{roles.Admin, roles.Manager, roles.Author, roles.Viewer}
	templates, err := texts()
	e.ok(err, "NewTemplates")
	policy, err := chosen()
	e.ok(err, "NewPolicy")
	o := &office{tally: &tally{}}
	o.house = furnish(e, e.open(), accounts.EnvOptions{
		Templates: templates,
		Limits: accounts.Limits{
			InvitationsPerDay: plenty, SetupMailsPerDay: plenty, MailsPerRecipient: plenty, LinksPerDay: plenty, CodesPerDay: plenty, SitesPerClient: fewSites,
		},
		Policy: accounts.PlanTable{Plans: map[string]accounts.Plan{"": {Roles: all}, planTen: {Roles: all, Seats: 10}, planTwo: {Roles: all, Seats: 2}}},
	})
	o.hasher, err = password.New(&password.Options{Memory: 8, Time: 1, Queue: 1000, Verifiers: []password.Verifier{o.tally}})
	e.ok(err, "password.New")
	o.logins, err = access.NewLogins(o.st, o.rules, &access.LoginOptions{Hasher: o.hasher, Passwords: policy})
	e.ok(err, "NewLogins")
	o.codes, err = access.NewConfirmations(o.st, o.rules)
	e.ok(err, "NewConfirmations")
	entry := &invites.Options{Hasher: o.hasher, Passwords: policy}
	o.invites, err = invites.New(o.st, o.rules, entry)
	e.ok(err, "invites.New")
	o.setups, err = invites.NewSetupLinks(o.st, o.rules, entry)
	e.ok(err, "NewSetupLinks")
	o.clients, err = accounts.NewClients(o.st, o.rules)
	e.ok(err, "NewClients")
	o.views, err = access.NewViews(o.st, o.rules)
	e.ok(err, "NewViews")
	return o
}

// on returns the office's services on another store, such as one that holds
// them up.
func (o *office) on(st storage.Storage) *office {
	at, h := *o, *o.house
	h.graph, h.requests, h.sessions = h.graph.With(st), h.requests.With(st), h.sessions.With(st)
	at.house = &h
	at.logins, at.codes, at.invites = at.logins.With(st), at.codes.With(st), at.invites.With(st)
	at.clients, at.setups, at.views = at.clients.With(st), at.setups.With(st), at.views.With(st)
	return &at
}

// tally is a verifier of hashes of its own form, which hold the password. It
// counts how often a password is compared with one.
type tally struct{ compared atomic.Int64 }

const tallied = "tally:"

// Handles implements password.Verifier.
func (*tally) Handles(stored string) bool { return strings.HasPrefix(stored, tallied) }

// Verify implements password.Verifier.
func (t *tally) Verify(stored, given string) (bool, error) {
	t.compared.Add(1)
	return stored == tallied+given, nil
}

// digits returns the last code that was sent to somebody's phone, as whoever
// sends text messages reads it.
func (o *office) digits(user accounts.UserID) string {
	o.Helper()
	got, err := o.st.ClaimMail(o.ctx, mail.Claim{Channel: mail.SMS, At: o.clock.Now(), Limit: all})
	o.ok(err, "ClaimMail")
	got = slices.DeleteFunc(got, func(d mail.Delivery) bool { return !accounts.LoginReason(user).Covers(d.Message.Reason) })
	o.holds(len(got) > 0 && got[len(got)-1].Message.Kind == mail.Code, "no code waits for the phone of %s: %s", user, text(got))
	return got[len(got)-1].Message.Data.Code // they come in the order of when they were due
}

// door is a store whose changes go through something first.
type door struct {
	storage.Storage

	pass func(change func() error) error
}

// ApplyAccounts implements [accounts.Store].
func (d *door) ApplyAccounts(ctx context.Context, c accounts.Change) error {
	return d.pass(func() error { return d.Storage.ApplyAccounts(ctx, c) })
}

// ApplyAccess implements [access.RequestStore].
func (d *door) ApplyAccess(ctx context.Context, c access.Change) error {
	return d.pass(func() error { return d.Storage.ApplyAccess(ctx, c) })
}

// ApplyInvites implements [invites.Store].
func (d *door) ApplyInvites(ctx context.Context, c invites.Change) error {
	return d.pass(func() error { return d.Storage.ApplyInvites(ctx, c) })
}

// interrupted returns the office on a store that does something else, once,
// between what an operation read and its n-th change: read, the other
// operation as a whole, write.
func (o *office) interrupted(n int, other func()) *office {
	return o.on(&door{o.st, func(change func() error) error {
		if n--; n == 0 {
			other()
		}
		return change()
	}})
}

// meeting is how n who race come together.
type meeting func(o *office, n int) *office

// byChance lets the machine decide.
func byChance(o *office, _ int) *office { return o }

// afterReading holds all of them in front of their first changes until each
// has read and decided: whoever relies on luck has none.
func afterReading(o *office, n int) *office {
	var mu sync.Mutex
	here := 0
	full := make(chan struct{})
	return o.on(&door{o.st, func(change func() error) error {
		mu.Lock()
		here++
		waits := here <= n
		if here == n {
			close(full)
		}
		mu.Unlock()
		if waits {
			select {
			case <-full:
			case <-o.ctx.Done():
				return o.ctx.Err()
			}
		}
		return change()
	}})
}

// raced returns the two checks of one race.
func raced(rule, why string, run func(o *office, meet meeting)) []check {
	return []check{
		{rule, why, func(e *env) { run(newOffice(e), byChance) }},
		{rule + ", also when all have read before the first writes", why, func(e *env) { run(newOffice(e), afterReading) }},
	}
}

// times returns how often something is tried by chance: fewer times where each
// takes longer.
func times(n int) int {
	if testing.Short() {
		n /= 10
	}
	return max(2, n/slowly)
}

// crowd is how many do one thing at once.
func crowd() int {
	if slowly > 1 || testing.Short() {
		return 16
	}
	return 50
}

// person returns an active user with a proven address.
func person(id accounts.UserID) accounts.User {
	u := user(string(id))
	u.Epoch, u.Proven = 1, true
	return u
}

// settle puts people and accounts in as they are, with other rows.
func (o *office) settled(rows ...any) {
	o.Helper()
	for _, row := range rows {
		switch r := row.(type) {
		case accounts.User:
			o.people = append(o.people, r.ID)
		case accounts.Account:
			o.places = append(o.places, r.ID)
		}
	}
	o.put(o.st, rows...)
}

// stage is an account for one round of a race: olga owns it, amy is an Admin,
// and ben is nobody there yet.
type stage struct {
	account        accounts.AccountID
	olga, amy, ben accounts.UserID
}

func (o *office) stage() stage {
	o.Helper()
	o.staged++
	n := o.staged
	s := stage{
		account: accounts.AccountID(fmt.Sprint("acme-", n)),
		olga:    accounts.UserID(fmt.Sprint("olga-", n)), amy: accounts.UserID(fmt.Sprint("amy-", n)), ben: accounts.UserID(fmt.Sprint("ben-", n)),
	}
	o.settled(person(s.olga), person(s.amy), person(s.ben), account(string(s.account)),
		member(string(s.account), string(s.olga), roles.Owner), member(string(s.account), string(s.amy), roles.Admin))
	return s
}

// actor is a user who has just logged in with the host, and acts at any
// account.
func (o *office) actor(u accounts.UserID) accounts.Actor {
	o.Helper()
	p, err := o.sessions.ForUser(o.ctx, accounts.Login{User: u, At: o.clock.Now()}, "")
	o.ok(err, "ForUser of %s", u)
	return p.Actor()
}

// invite has amy invite somebody.
func (o *office) invite(s stage, to string, role roles.Role) invites.Invitation {
	o.Helper()
	i, err := o.invites.Invite(o.ctx, o.actor(s.amy), invites.Invite{Account: s.account, Email: to, Role: role})
	o.ok(err, "Invite")
	return i
}

// links empties the outbox, and returns the newest link of a purpose in it by
// address.
func (o *office) links(p token.Purpose) map[string]string {
	o.Helper()
	got := map[string]string{}
	for {
		due, err := o.st.ClaimMail(o.ctx, mail.Claim{Channel: mail.Email, At: o.clock.Now(), Lease: 10_000 * time.Hour, Limit: 500})
		o.ok(err, "ClaimMail")
		if len(due) == 0 {
			return got
		}
		for _, d := range due {
			if i := strings.Index(d.Message.Text, string(p)); i >= 0 {
				got[d.Message.To] = strings.Fields(d.Message.Text[i:])[0]
			}
		}
	}
}

// link is the newest link of a purpose to an address.
func (o *office) link(to accounts.Email, p token.Purpose) string {
	o.Helper()
	l := o.links(p)[string(to)]
	o.holds(l != "", "no mail to %s has a link of the purpose %s", to, p)
	return l
}

// mails counts what was ever queued for an address, of one kind.
func (o *office) mails(to accounts.Email, kind string) int {
	o.Helper()
	list, err := o.st.Mails(o.ctx, mail.Query{To: string(to), Limit: 1000})
	o.ok(err, "Mails")
	return len(slices.DeleteFunc(list, func(r mail.Record) bool { return r.Kind != kind }))
}

// did counts the events of a kind that are about a user, or by them.
func (o *office) did(u accounts.UserID, k accounts.EventKind) int {
	o.Helper()
	list, err := o.st.Held(o.ctx, accounts.HeldQuery{Kind: accounts.HeldEvent, User: u, Limit: 500})
	o.ok(err, "Held events of %s", u)
	return len(slices.DeleteFunc(list, func(h accounts.Held) bool {
		e, ok := h.Row.(accounts.Event)
		return !ok || e.Kind != k
	}))
}

// member reads a membership.
func (o *office) member(u accounts.UserID, at accounts.AccountID) accounts.Membership {
	o.Helper()
	m, err := o.st.Membership(o.ctx, accounts.StandingKey{User: u, Account: at})
	o.ok(err, "Membership")
	return m
}

// offer reads an invitation with its inviter, and how many seats are taken.
func (o *office) offer(i invites.Invitation) invites.Accepting {
	o.Helper()
	f, err := o.st.Accepting(o.ctx, invites.AcceptingQuery{Account: i.Account, ID: i.ID, At: o.clock.Now()})
	o.ok(err, "Accepting")
	return f
}

// lost ends the check unless an error is one of those that a loser is told.
func (o *office) lost(err error, what string, allowed ...error) {
	o.Helper()
	if !slices.ContainsFunc(allowed, func(a error) bool { return errors.Is(err, a) }) {
		o.failf("%s was answered with %v", what, err)
	}
}
