package customstore

import (
	"context"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/chatelaine-go/chatelaine/access"
	"github.com/chatelaine-go/chatelaine/accounts"
	"github.com/chatelaine-go/chatelaine/invites"
	"github.com/chatelaine-go/chatelaine/mail"
)

// ApplyAccounts implements [accounts.Store].
func (s *Store) ApplyAccounts(ctx context.Context, c accounts.Change) error {
	return s.apply(ctx, change{Change: access.Change{Change: c}})
}

// ApplyAccess implements [access.RequestStore] and [access.SessionStore].
func (s *Store) ApplyAccess(ctx context.Context, c access.Change) error {
	return s.apply(ctx, change{Change: c})
}

// ApplyInvites implements [invites.Store].
func (s *Store) ApplyInvites(ctx context.Context, c invites.Change) error {
	return s.apply(ctx, change{access.Change{Change: c.Change}, c.Invitations, c.SetupLinks})
}

// change is a change of any of the packages that make some.
type change struct {
	access.Change
	Invitations []invites.Invitation
	SetupLinks  []invites.SetupLink
}

func (s *Store) apply(ctx context.Context, c change) error {
	_, err := do(ctx, s, func(x *txn) struct{} {
		rows := x.rows(&c)
		if x.check(&c, rows); x.err == nil {
			x.write(&c, rows)
		}
		return struct{}{}
	})
	return err
}

// rows returns the rows with versions of a change, kind by kind, what others
// keep something of first: names before what is sorted by them. There is one
// writer, so the order cannot make two wait for each other.
func (x *txn) rows(c *change) []batch {
	return []batch{
		of(&x.users, c.Users), of(&x.accounts, c.Accounts),
		of(&x.members, wrap(c.Memberships, func(r accounts.Membership) member { return member{Row: r} })),
		of(&x.connections, wrap(c.Connections, func(r accounts.Connection) connection { return connection{Row: r} })),
		of(&x.assignments, wrap(c.Assignments, func(r accounts.Assignment) assignment { return assignment{Row: r} })),
		of(&x.clients, wrap(c.Clients, func(r accounts.Client) client { return client{Row: r} })),
		of(&x.sites, c.Sites), of(&x.accesses, c.SiteAccess), of(&x.setups, c.SetupLinks),
		of(&x.views, wrap(c.Views, func(r access.ViewAs) view { return view{Row: r, Of: r.ClientKey} })),
		of(&x.credentials, c.Credentials), of(&x.challenges, c.Challenges),
		of(&x.tickets, c.Tickets), of(&x.guesses, c.Guesses), of(&x.sessions, c.Sessions),
		of(&x.requests, c.Requests), of(&x.invitations, c.Invitations),
	}
}

// batch is the rows of one kind in a change.
type batch interface {
	keys() []ref
	check()                   // versions and uniqueness
	refer(comes map[ref]bool) // what the rows refer to is there, or comes
	write()
}

type rowsOf[R any] struct {
	*table[R]
	rows []R
}

func of[R any](t *table[R], rows []R) batch { return rowsOf[R]{t, rows} }

func wrap[N, R any](nouns []N, row func(N) R) (rows []R) {
	for _, n := range nouns {
		rows = append(rows, row(n))
	}
	return rows
}

func (b rowsOf[R]) keys() (all []ref) {
	for i := range b.rows {
		all = append(all, ref{b.name, b.key(&b.rows[i])})
	}
	return all
}

func (b rowsOf[R]) check() {
	written := map[string]bool{}
	for i := range b.rows {
		r := &b.rows[i]
		key, stored := b.key(r), int64(0)
		if was := b.get(key); was != nil {
			stored = *b.version(was)
		}
		if written[key] || *b.version(r) != stored {
			b.x.fail(conflict("the version of a row of " + b.name))
		}
		written[key] = true
	}
	// Uniqueness is judged on what will be: a stored holder that the change
	// writes counts as what it becomes, and that is among the rows.
	for _, ix := range b.indexes {
		if !ix.unique {
			continue
		}
		held := b.bucket(ix.name)
		taken := map[string]bool{}
		for i := range b.rows {
			for _, e := range ix.keys(&b.rows[i]) {
				if holder := held.Get([]byte(e)); taken[e] || holder != nil && !written[string(holder)] {
					b.x.fail(conflict("the " + ix.name + " of a row of " + b.name))
				}
				taken[e] = true
			}
		}
	}
}

func (b rowsOf[R]) refer(comes map[ref]bool) {
	if b.refs == nil {
		return
	}
	for i := range b.rows {
		for _, to := range b.refs(&b.rows[i]) {
			if !comes[to] && b.x.bucket(to.table).Get([]byte(to.key)) == nil {
				b.x.fail(fault("a row of %s refers to one of %s that does not exist", b.name, to.table))
			}
		}
	}
}

// write stores the rows with their next version. The rows are a copy of what
// the caller handed in only where they were wrapped, so each is copied.
func (b rowsOf[R]) write() {
	for _, r := range b.rows {
		*b.version(&r)++
		b.put(r)
	}
}

// fault returns an error that says that a caller, and not the moment, is wrong.
func fault(format string, args ...any) error { return fmt.Errorf("customstore: "+format, args...) }

// conflict returns an error that matches accounts.ErrConflict.
func conflict(what string) error { return fmt.Errorf("%w (%s)", accounts.ErrConflict, what) }

// check finds everything that can be wrong with a change, and writes nothing,
// so that what comes afterwards cannot fail. Conflicts come before references:
// who reads again and decides anew makes another change, which may be sound.
func (x *txn) check(c *change, rows []batch) {
	x.fail(wellFormed(c))
	x.checkGuards(c.Guards)
	comes := map[ref]bool{}
	for _, b := range rows {
		b.check()
		for _, k := range b.keys() {
			comes[k] = true
		}
	}
	x.checkSpend(c.Spend)
	x.checkKeys(c)
	for _, b := range append(rows, of(&x.identities, c.Identities)) {
		b.refer(comes)
	}
}

// wellFormed refuses what no store could make sense of, whatever it holds.
func wellFormed(c *change) error {
	decided := false
	for _, name := range filled(reflect.ValueOf(*c)) {
		if !slices.Contains(strings.Fields(known), name) { // one of a later release of the library
			return fault("the store does not know Change.%s, and would lose it", name)
		}
		decided = decided || !slices.Contains(strings.Fields(notes), name)
	}
	switch {
	case c.Op == "" && decided:
		return fault("the change has no operation; only touches, guesses and counters go without")
	case c.Op != "" && len(c.Events) == 0:
		return fault("the operation %q has no event", c.Op)
	case slices.ContainsFunc(c.Events, func(e accounts.Event) bool { return e.Op != c.Op }):
		return fault("an event of the operation %q carries another's id", c.Op)
	case slices.ContainsFunc(c.Guards, func(g accounts.Guard) bool { return (g.Account == "") == (g.User == "") }):
		return fault("a guard names an account or a user, and not both or neither")
	case slices.ContainsFunc(c.Spend, func(p accounts.Spend) bool { return p.N < 0 }):
		return fault("a counter never falls")
	case slices.ContainsFunc(c.Mail, func(m mail.Message) bool { return m.Channel == "" }):
		return fault("a message has no channel, so nobody would ever send it")
	}
	for _, g := range c.Guards {
		if slices.ContainsFunc(c.Accounts, func(a accounts.Account) bool { return a.ID == g.Account }) {
			return fault("the change guards the account %q and writes it too; its own version is its guard", g.Account)
		}
	}
	return nil
}

// known are the fields of a change that this store writes. Notes are those that
// nobody decided, which go without an operation.
const (
	known = "Op Guards Users Identities Unlink Credentials Challenges Accounts Memberships Connections Assignments " +
		"Clients Sites SiteAccess Spend Replies Events CancelMail Requeue Bounced Mail Forget " +
		"Requests Sessions Tickets Views Guesses Touches Invitations SetupLinks"
	notes = "Touches Guesses Spend"
)

// filled returns the names of the fields of a change that are not empty, but for
// the change that it is a part of.
func filled(change reflect.Value) (names []string) {
	for i := range change.NumField() {
		switch f := change.Type().Field(i); {
		case f.Anonymous:
			names = append(names, filled(change.Field(i))...)
		case change.Field(i).Kind() == reflect.Slice && change.Field(i).Len() > 0, change.Field(i).Kind() != reflect.Slice && !change.Field(i).IsZero():
			names = append(names, f.Name)
		}
	}
	return names
}

// checkGuards compares, and needs no lock: nobody else writes until we are done.
func (x *txn) checkGuards(guards []accounts.Guard) {
	moved := map[accounts.AccountID]int64{}
	for _, g := range guards {
		if g.User != "" {
			if u := x.users.get(userKey(g.User)); u == nil || u.Epoch != g.Epoch {
				x.fail(conflict("the epoch of a guarded user"))
			}
			continue
		}
		if a := x.accounts.get(accountKey(g.Account)); a == nil || a.Version+moved[g.Account] != g.Version {
			x.fail(conflict("the version of a guarded account"))
		}
		if g.Move {
			moved[g.Account]++
		}
	}
}

func (x *txn) checkSpend(spend []accounts.Spend) {
	spent := map[accounts.QuotaKey]int{}
	for _, p := range spend {
		spent[p.QuotaKey] += p.N
		if x.spent(p.QuotaKey)+spent[p.QuotaKey] > p.Limit {
			x.fail(conflict("a counter"))
		}
	}
}

// checkKeys checks what has a key and no version.
func (x *txn) checkKeys(c *change) {
	unlinked, seen := map[accounts.IdentityKey]bool{}, map[any]bool{}
	once := func(key any, what string) {
		if seen[key] {
			x.fail(conflict(what + " twice"))
		}
		seen[key] = true
	}
	for _, k := range c.Unlink {
		if unlinked[k] || x.identities.get(identityKey(k)) == nil {
			x.fail(conflict("an identity that is taken away"))
		}
		unlinked[k] = true
	}
	for i := range c.Identities {
		k := c.Identities[i].Key()
		once(k, "an identity")
		if !unlinked[k] && x.identities.get(identityKey(k)) != nil {
			x.fail(conflict("an identity"))
		}
	}
	for i := range c.Replies {
		r := &c.Replies[i]
		once(r.ReplyKey, "an idempotency key")
		if old := x.replies.get(replyKey(r.ReplyKey)); old != nil && old.ExpiresAt.After(micros(r.CreatedAt)) {
			x.fail(conflict("an idempotency key"))
		}
	}
	for i := range c.Events {
		k := eventKey(c.Events[i].Op, c.Events[i].Seq)
		once(k, "an event")
		if x.events.get(k) != nil {
			x.fail(conflict("an event"))
		}
	}
	for _, b := range c.Bounced {
		once(mail.Bounce{ID: b.ID}, "a message that came back")
		if l := x.letters.get(key(b.ID)); l == nil || l.State != mail.Sent {
			x.fail(conflict("a message that came back"))
		}
	}
}

// write makes a change that was checked, in the order of the contract.
func (x *txn) write(c *change, rows []batch) {
	at := decidedAt(c.Events)
	for _, g := range c.Guards {
		if g.Move && g.Account != "" {
			a := x.accounts.need(accountKey(g.Account))
			a.Version++
			x.accounts.put(*a)
		}
	}
	for _, p := range c.Spend {
		x.counters.put(counter{p.QuotaKey, x.spent(p.QuotaKey) + p.N})
	}
	for _, b := range rows {
		b.write()
	}
	for _, k := range c.Unlink {
		x.identities.drop(identityKey(k))
	}
	for _, r := range c.Identities {
		x.identities.put(r)
	}
	for _, t := range c.Touches {
		if s := x.sessions.get(key(t.Session)); s != nil && micros(t.At).After(s.SeenAt) {
			s.SeenAt = t.At
			x.sessions.put(*s)
		}
	}
	for _, r := range c.Replies {
		x.replies.put(r)
	}
	for _, e := range c.Events {
		x.events.put(event{Row: e})
	}
	for _, r := range c.CancelMail {
		x.cancel(r, at)
	}
	x.requeue(c.Requeue, at)
	for _, b := range c.Bounced {
		l := x.letters.need(key(b.ID))
		l.State, l.Settled, l.Error = mail.Bounced, b.At, b.Error
		x.letters.put(*l)
	}
	for _, m := range c.Mail {
		x.enqueue(m)
	}
	for _, f := range c.Forget {
		x.forget(f, at)
	}
}

// decidedAt returns the moment of a change, which is that of its first event.
func decidedAt(events []accounts.Event) (at time.Time) {
	if len(events) > 0 {
		at = micros(events[0].At)
	}
	return at
}

// userMoved brings the memberships up to date with what they keep of a user.
func (x *txn) userMoved(was, is *accounts.User) {
	if was != nil && (accounts.NameKey(was.Label()) != accounts.NameKey(is.Label()) || was.DeletedAt.IsZero() != is.DeletedAt.IsZero()) {
		for _, m := range x.members.list("user", userKey(is.ID)) {
			x.members.touch(m)
		}
	}
}

// accountMoved brings everything up to date that is sorted by the account's
// name.
func (x *txn) accountMoved(was, is *accounts.Account) {
	if was == nil || accounts.NameKey(was.Name) == accounts.NameKey(is.Name) {
		return
	}
	own := accountKey(is.ID)
	for _, m := range x.members.list("", own) {
		x.members.touch(m)
	}
	for _, c := range slices.Concat(x.connections.list("", own), x.connections.list("clients", own)) {
		x.connections.touch(c)
	}
	for _, a := range x.assignments.list("", own) {
		x.assignments.touch(a)
	}
	for _, c := range x.clients.list("user", own) {
		x.clients.touch(c)
	}
}

// siteMoved and accessMoved bring the clients up to date with how many live
// sites they have, by which their status goes.
func (x *txn) siteMoved(was, is *accounts.Site) {
	if was != nil && was.Live() != is.Live() {
		for _, a := range x.accesses.list("site", siteKey(is.SiteKey)) {
			x.accessMoved(nil, a)
		}
	}
}

func (x *txn) accessMoved(_, is *accounts.SiteAccess) {
	x.clients.touch(x.clients.need(clientKey(accounts.ClientKey{Account: is.Account, ID: is.Client})))
}

// nameKey returns that of an account's name, by which lists sort.
func (x *txn) nameKey(id accounts.AccountID) string {
	return accounts.NameKey(x.accounts.need(accountKey(id)).Name)
}
