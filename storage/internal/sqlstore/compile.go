package sqlstore

import (
	"slices"

	"github.com/chatelaine-go/chatelaine/access"
	"github.com/chatelaine-go/chatelaine/accounts"
	"github.com/chatelaine-go/chatelaine/mail"
)

// anyRows is how many rows a step expects that may affect none or several.
const anyRows = -1

// step is one statement of a change.
type step struct {
	stmt *Statement
	args []any
	want int64 // rows affected, or returned; anything else is a conflict

	// over is how many of the following steps are passed over when this one
	// affects as many rows as when says.
	over int
	when int64
}

// plan is a change as statements. They run in order, in one transaction.
type plan struct {
	steps []step

	// lost is a conflict that shows without asking the database.
	lost bool

	// several is true when more than one row of a table with unique values is
	// updated: one may hold for a moment what another is about to get.
	several bool
}

// compile turns a change into statements: guards, spends, updates, identities
// taken away, inserts, replies, events, cancellations, mail requeued, bounced and new,
// notes of use, and people forgotten. With park, rows that are updated first
// give up what must be unique, so that uniqueness is judged after the change.
func (w *Writes) compile(c change, park bool) (plan, error) {
	if err := check(&c); err != nil {
		return plan{}, err
	}
	c = c.sorted()
	first := logsIn(&c)
	b := builder{t: w.texts, p: plan{steps: make([]step, 0, 16)}}
	b.guards(c.Guards)
	b.spend(c.Spend)

	if park {
		b.park(&c)
	}
	update(&b, &users, c.Users, park)
	update(&b, &credentials, c.Credentials, park)
	update(&b, &challenges, c.Challenges, park)
	b.updateAccounts(c.Accounts)
	update(&b, &memberships, c.Memberships, park)
	update(&b, &connections, c.Connections, park)
	update(&b, &assignments, c.Assignments, park)
	updateWorded(&b, &clientRows, c.Clients, clientText, park)
	b.sitesBack(c.Sites)
	updateWorded(&b, &sites, c.Sites, siteText, park)
	update(&b, &siteAccess, c.SiteAccess, park)
	update(&b, &requests, c.Requests, park)
	update(&b, &invitations, c.Invitations, park)
	update(&b, &setupLinks, c.SetupLinks, park)
	update(&b, &sessions, c.Sessions, park)
	update(&b, &views, c.Views, park)
	update(&b, &tickets, c.Tickets, park)
	update(&b, &guesses, c.Guesses, park)
	b.unlink(c.Unlink)

	insert(&b, &users, c.Users, 1)
	b.logIn(first)
	insert(&b, &identities, c.Identities, 1)
	insert(&b, &credentials, c.Credentials, 1)
	insert(&b, &challenges, c.Challenges, 1)
	insert(&b, &accountRows, c.Accounts, 1)
	insert(&b, &memberships, c.Memberships, 1)
	insert(&b, &connections, c.Connections, 1)
	insert(&b, &assignments, c.Assignments, 1)
	insertWorded(&b, &clientRows, c.Clients, clientText)
	insertWorded(&b, &sites, c.Sites, siteText)
	insert(&b, &siteAccess, c.SiteAccess, 1)
	b.sited(&c)
	insert(&b, &requests, c.Requests, 1)
	insert(&b, &invitations, c.Invitations, 1)
	insert(&b, &setupLinks, c.SetupLinks, 1)
	insert(&b, &sessions, c.Sessions, 1)
	insert(&b, &views, c.Views, 1)
	insert(&b, &tickets, c.Tickets, 1)
	insert(&b, &guesses, c.Guesses, 1)

	b.reply(c.Replies)
	insert(&b, &events, c.Events, 1)
	b.cancel(&c)
	b.requeue(&c)
	b.bounce(c.Bounced)
	insert(&b, &mails, c.Mail, anyRows)
	b.touch(c.Touches)
	b.forget(&c)
	return b.p, nil
}

// builder collects the steps.
type builder struct {
	t *texts
	p plan
}

func (b *builder) add(s *Statement, want int64, args ...any) {
	b.p.steps = append(b.p.steps, step{stmt: s, args: args, want: want})
}

// skip passes over the next so many steps when the last one affects so many rows.
func (b *builder) skip(steps int, when int64) {
	last := &b.p.steps[len(b.p.steps)-1]
	last.over, last.when = steps, when
}

func (b *builder) guards(list []accounts.Guard) {
	for _, g := range list {
		if g.User != "" {
			b.add(b.t.asking(`SELECT 1 FROM {p}users WHERE id = $1 AND epoch = $2`), 1, string(g.User), g.Epoch)
			continue
		}
		if g.Move {
			b.add(b.t.plain(`UPDATE {p}accounts SET version = version + 1 WHERE id = $1 AND version = $2`), 1,
				string(g.Account), g.Version)
			continue
		}
		b.add(b.t.asking(`SELECT 1 FROM {p}accounts WHERE id = $1 AND version = $2`), 1, string(g.Account), g.Version)
	}
}

// chunk is the greatest number of rows in one statement, and chunks the sizes
// that there are: few, so that each is prepared once and used often.
func chunk(n int) int {
	switch {
	case n >= 32:
		return 32
	case n >= 8:
		return 8
	}
	return 1
}

// spend puts counters with the same limit together: the limit stands once in
// a statement.
func (b *builder) spend(list []accounts.Spend) {
	done := make([]bool, len(list))
	var same []int
	for i := range list {
		if list[i].N > list[i].Limit {
			b.p.lost = true
			return
		}
		if done[i] {
			continue
		}
		same = same[:0]
		for j := i; j < len(list); j++ {
			if list[j].Limit == list[i].Limit && !done[j] {
				done[j] = true
				same = append(same, j)
			}
		}
		for len(same) > 0 {
			n := chunk(len(same))
			args := make([]any, 0, n*4+1)
			for _, j := range same[:n] {
				s := list[j]
				args = append(args, s.Subject, string(s.Kind), int64(s.Day), int64(s.N))
			}
			args = append(args, int64(list[i].Limit))
			b.add(b.t.spend(n), int64(n), args...)
			same = same[n:]
		}
	}
}

// insert adds the new rows of a list. want is what each must affect.
func insert[T any](b *builder, t *table[T], rows []T, want int64) {
	fresh := 0
	for i := range rows {
		if t.version == nil || t.version(&rows[i]) == 0 {
			fresh++
		}
	}
	width := len(t.key) + len(t.cols) + len(t.derived)
	for next := 0; fresh > 0; {
		n := chunk(fresh)
		fresh -= n
		args := make([]any, 0, n*width)
		for left := n; left > 0; next++ {
			r := &rows[next]
			if t.version != nil && t.version(r) != 0 {
				continue
			}
			left--
			at := len(args)
			args = t.rowOf(t.keyOf(args, r), r)
			for _, d := range t.derived {
				args = append(args, args[at+d.account])
			}
		}
		w := want
		if w != anyRows {
			w *= int64(n)
		}
		b.add(b.t.insert(&t.layout, n), w, args...)
	}
}

// update adds a compare-and-swap for each row of a list that is not new.
func update[T any](b *builder, t *table[T], rows []T, park bool) {
	count := 0
	for i := range rows {
		if r := &rows[i]; t.version(r) != 0 {
			count++
			args := swap(t, r)
			if len(t.steady) > 0 && !park {
				b.add(b.t.updateSteady(&t.layout), anyRows, steadyLast(&t.layout, args)...)
				b.skip(1, 1)
			}
			b.add(b.t.update(&t.layout), 1, args...)
		}
	}
	b.p.several = b.p.several || count > 1
}

// steadyLast moves the values of the steady columns behind all others.
func steadyLast(l *layout, args []any) []any {
	moved := make([]any, 0, len(args))
	for i, a := range args {
		if i >= len(l.cols) || !slices.Contains(l.steady, l.cols[i]) {
			moved = append(moved, a)
		}
	}
	for i, c := range l.cols {
		if slices.Contains(l.steady, c) {
			moved = append(moved, args[i])
		}
	}
	return moved
}

func swap[T any](t *table[T], r *T) []any {
	args := make([]any, 0, len(t.cols)+len(t.key)+1)
	return append(t.keyOf(t.rowOf(args, r), r), t.version(r))
}

// renames rewrites what repeats an account's name key.
var renames = [...]string{ //nolint:gochecknoglobals // a constant list
	`UPDATE {p}memberships SET account_key = $1 WHERE account_id = $2`,
	`UPDATE {p}connections SET client_key = $1 WHERE client_id = $2`,
	`UPDATE {p}connections SET agency_key = $1 WHERE agency_id = $2`,
	`UPDATE {p}assignments SET client_key = $1 WHERE client_id = $2`,
}

// updateAccounts is update, and finds out first whether the name is another:
// most changes of an account leave it, and an agency has thousands of rows
// that repeat it.
func (b *builder) updateAccounts(list []accounts.Account) {
	for i := range list {
		r := &list[i]
		if r.Version == 0 {
			continue
		}
		key := accounts.NameKey(r.Name)
		b.add(b.t.plain(`UPDATE {p}accounts SET name_key = $1 WHERE id = $2 AND name_key <> $3`), anyRows,
			key, string(r.ID), key)
		b.skip(len(renames), 0)
		for _, text := range renames {
			b.add(b.t.plain(text), anyRows, key, string(r.ID))
		}
		b.add(b.t.update(&accountRows.layout), 1, swap(&accountRows, r)...)
	}
}

// park frees the unique values of the rows that are about to be updated. What
// stands in for a hash is the row's own key, which nobody hashes to.
func (b *builder) park(c *change) {
	for i := range c.Users {
		if c.Users[i].Version != 0 {
			b.add(b.t.plain(`UPDATE {p}users SET email = '', handle_key = '' WHERE id = $1`), anyRows,
				string(c.Users[i].ID))
		}
	}
	for i := range c.Requests {
		if r := &c.Requests[i]; r.Version != 0 {
			b.add(b.t.plain(`UPDATE {p}requests SET state = '', hash = $1 WHERE agency_id = $2 AND id = $3`), anyRows,
				[]byte(string(r.Agency)+" "+string(r.ID)), string(r.Agency), string(r.ID))
		}
	}
	for i := range c.Invitations {
		if r := &c.Invitations[i]; r.Version != 0 {
			b.add(b.t.plain(`UPDATE {p}invitations SET state = '', hash = $1 WHERE account_id = $2 AND id = $3`), anyRows,
				[]byte(string(r.Account)+" "+string(r.ID)), string(r.Account), string(r.ID))
		}
	}
	for i := range c.Clients {
		if r := &c.Clients[i]; r.Version != 0 {
			b.add(b.t.plain(`UPDATE {p}clients SET email = $1, user_id = NULL WHERE account_id = $2 AND id = $3`), anyRows,
				" "+string(r.ID), string(r.Account), string(r.ID))
		}
	}
	for i := range c.SetupLinks {
		if l := &c.SetupLinks[i]; l.Version != 0 {
			b.add(b.t.plain(`UPDATE {p}setup_links SET hash = NULL WHERE account_id = $1 AND client_id = $2`), anyRows,
				string(l.Account), string(l.ID))
		}
	}
	for i := range c.Views {
		if v := &c.Views[i]; v.Version != 0 {
			b.add(b.t.plain(`UPDATE {p}views SET link = NULL, hash = NULL WHERE id = $1`), anyRows, string(v.ID))
		}
	}
	for i := range c.Sessions {
		if s := &c.Sessions[i]; s.Version != 0 {
			b.add(b.t.plain(`UPDATE {p}sessions SET hash = $1 WHERE id = $2`), anyRows,
				[]byte(" "+string(s.ID)), string(s.ID))
		}
	}
	for i := range c.Tickets {
		if t := &c.Tickets[i]; t.Version != 0 {
			b.add(b.t.plain(`UPDATE {p}tickets SET hash = $1 WHERE user_id = $2 AND purpose = $3`), anyRows,
				[]byte(string(t.User)+" "+string(t.Purpose)), string(t.User), string(t.Purpose))
		}
	}
}

// unlink takes identities away. One that is not there is a conflict.
func (b *builder) unlink(list []accounts.IdentityKey) {
	for _, k := range list {
		b.add(b.t.plain(`DELETE FROM {p}identities WHERE issuer = $1 AND subject = $2`), 1, k.Issuer, k.Subject)
	}
}

func (b *builder) reply(list []accounts.Reply) {
	for i := range list {
		r := &list[i]
		b.add(b.t.reply(), 1, replies.rowOf(replies.keyOf(nil, r), r)...)
	}
}

// cancel takes back unsent mail.
func (b *builder) cancel(c *change) {
	for _, r := range c.CancelMail {
		if r != "" { // which covers nothing
			b.add(b.t.plain(cancelMail), anyRows, covered([]any{micros(c.Events[0].At)}, r)...)
		}
	}
}

// requeue sends dead mail again; what is not dead is passed over.
func (b *builder) requeue(c *change) {
	for _, id := range c.Requeue {
		at := micros(c.Events[0].At)
		b.add(b.t.plain(requeueMail), anyRows, at, id, at)
	}
}

// bounce notes that sent mail came back; what is not sent is a conflict.
func (b *builder) bounce(list []mail.Bounce) {
	for _, x := range list {
		b.add(b.t.plain(bounceMail), 1, micros(x.At), x.Error, x.ID)
	}
}

func (b *builder) touch(list []access.Touch) {
	for _, t := range list {
		b.add(b.t.plain(`UPDATE {p}sessions SET seen_at = $1 WHERE id = $2 AND seen_at < $3`), anyRows,
			micros(t.At), string(t.Session), micros(t.At))
	}
}
