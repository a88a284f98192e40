package sqlstore

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/chatelaine-go/chatelaine/access"
	"github.com/chatelaine-go/chatelaine/accounts"
	"github.com/chatelaine-go/chatelaine/mail"
)

// plan is a change as statements. They run in order, in one transaction.
type plan struct {
	steps []Step

	// several is true when more than one row of a table with unique values is
	// updated: one may hold for a moment what another is about to get.
	several bool
}

// compile turns a change into statements: guards, spends, updates, identities
// taken away, inserts, replies, events, cancellations, mail requeued, bounced and new,
// notes of use, and people forgotten. With parked, rows that are updated first
// give up what must be unique, so that uniqueness is judged after the change.
func (w *Writes) compile(c change, parked bool) (plan, error) {
	if err := check(&c); err != nil {
		return plan{}, err
	}
	c = c.sorted()
	first := logsIn(&c)
	b := builder{t: w.texts, p: plan{steps: make([]Step, 0, 16)}}
	b.locks(&c)
	b.spend(c.Spend)
	b.lockSited(&c)

	update(&b, &users, c.Users, parked)
	update(&b, &credentials, c.Credentials, parked)
	update(&b, &challenges, c.Challenges, parked)
	b.updateAccounts(c.Accounts)
	update(&b, &memberships, c.Memberships, parked)
	update(&b, &connections, c.Connections, parked)
	update(&b, &assignments, c.Assignments, parked)
	updateWorded(&b, &clientRows, c.Clients, clientText, parked)
	b.sitesBack(c.Sites)
	updateWorded(&b, &sites, c.Sites, siteText, parked)
	update(&b, &siteAccess, c.SiteAccess, parked)
	update(&b, &requests, c.Requests, parked)
	update(&b, &invitations, c.Invitations, parked)
	update(&b, &setupLinks, c.SetupLinks, parked)
	update(&b, &sessions, c.Sessions, parked)
	update(&b, &views, c.Views, parked)
	update(&b, &tickets, c.Tickets, parked)
	update(&b, &guesses, c.Guesses, parked)
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
	insert(&b, &mails, c.Mail, AnyRows)
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
	b.p.steps = append(b.p.steps, Step{Stmt: s, Args: args, Want: want})
}

// skip passes over the next so many steps when the last one affects so many rows.
func (b *builder) skip(steps int, when int64) {
	last := &b.p.steps[len(b.p.steps)-1]
	last.Over, last.When = steps, when
}

// chunk is the greatest number of rows in one statement, and chunks the sizes
// that there are: few, so that each is prepared once and used often. Rows that
// are arrays need but one statement.
func (b *builder) chunk(n int) int {
	switch {
	case b.t.d.Together:
		return n
	case n >= 32:
		return 32
	case n >= 8:
		return 8
	}
	return 1
}

// spend puts counters with the same limit together: the limit stands once in a
// statement. The lowest limit comes first, so that all changes count in one order.
func (b *builder) spend(list []accounts.Spend) {
	for list = summed(list); len(list) > 0; {
		limit, same := list[0].Limit, 0
		for same < len(list) && list[same].Limit == limit {
			if list[same].N > limit {
				b.add(b.t.asking(`SELECT 1 WHERE 1 = 0`), 1) // a conflict that shows before it is asked for
				return
			}
			same++
		}
		n := b.chunk(same)
		args := make([]any, 0, n*4+1)
		for _, s := range list[:n] {
			args = append(args, s.Subject, string(s.Kind), int64(s.Day), int64(s.N))
		}
		b.add(b.t.spend(n), int64(n), append(b.columns(args, n), int64(limit))...)
		list = list[n:]
	}
}

// summed puts what is spent of one counter under one limit together, for a statement
// touches a row once, and the lowest limit first.
func summed(list []accounts.Spend) []accounts.Spend {
	sums := make([]accounts.Spend, 0, len(list))
	for _, s := range list {
		if n := len(sums); n > 0 && sums[n-1].QuotaKey == s.QuotaKey && sums[n-1].Limit == s.Limit {
			sums[n-1].N += min(s.N, math.MaxInt-sums[n-1].N)
			continue
		}
		sums = append(sums, s)
	}
	slices.SortStableFunc(sums, func(x, y accounts.Spend) int { return cmp.Compare(x.Limit, y.Limit) })
	return sums
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
		n := b.chunk(fresh)
		fresh -= n
		args := make([]any, 0, n*width)
		for left := n; left > 0; next++ {
			r := &rows[next]
			if t.version != nil && t.version(r) != 0 {
				continue
			}
			left--
			at := len(args)
			args = t.values(args, r)
			for _, d := range t.derived {
				if n == 1 || !b.t.d.Together {
					args = append(args, args[at+d.account])
				}
			}
		}
		w := want
		if w != AnyRows {
			w *= int64(n)
		}
		b.add(b.t.insert(&t.layout, n, t.like), w, b.columns(args, n)...)
	}
}

// columns turns the values of several rows into one array for each column, where
// that is how they go out.
func (b *builder) columns(args []any, rows int) []any {
	if !b.t.d.Together || rows < 2 {
		return args
	}
	return arrays(args, len(args)/rows)
}

// update adds a compare-and-swap for each row of a list that is not new.
func update[T any](b *builder, t *table[T], rows []T, parked bool) {
	if parked {
		park(b, t, rows)
	}
	count := 0
	for i := range rows {
		if r := &rows[i]; t.version(r) != 0 {
			count++
			args := swap(t, r)
			if len(t.steady) > 0 && !parked && !b.t.d.Together {
				b.add(b.t.updateSteady(&t.layout), AnyRows, steadyLast(&t.layout, args)...)
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

// renames rewrites what repeats an account's name key, while the account still has
// another one: most changes leave the name, and an agency has thousands of rows
// that repeat it.
var renames = [...]string{ //nolint:gochecknoglobals // a constant list
	`UPDATE {p}memberships SET account_key = $1 WHERE account_id = $2` + renamed,
	`UPDATE {p}connections SET client_key = $1 WHERE client_id = $2` + renamed,
	`UPDATE {p}connections SET agency_key = $1 WHERE agency_id = $2` + renamed,
	`UPDATE {p}assignments SET client_key = $1 WHERE client_id = $2` + renamed,
}

const renamed = ` AND EXISTS (SELECT 1 FROM {p}accounts a WHERE a.id = $3 AND a.name_key <> $4)`

// updateAccounts is update, and renames first.
func (b *builder) updateAccounts(list []accounts.Account) {
	for i := range list {
		r := &list[i]
		if r.Version == 0 {
			continue
		}
		key, id := accounts.NameKey(r.Name), string(r.ID)
		for _, text := range renames {
			b.add(b.t.plain(text), AnyRows, key, id, id, key)
		}
		b.add(b.t.update(&accountRows.layout), 1, swap(&accountRows, r)...)
	}
}

// park has the rows that are about to be updated give up what must be unique. What
// stands in for a hash is the row's own key, which nobody hashes to.
func park[T any](b *builder, t *table[T], rows []T) {
	for i := range rows {
		if r := &rows[i]; t.parked != "" && t.version(r) != 0 {
			key := t.keyOf(nil, r)
			args := key
			if strings.Contains(t.parked, "hash = $1") {
				args = append([]any{fmt.Appendln(nil, key...)}, key...)
			}
			b.add(b.t.plain(t.parked), AnyRows, args...)
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
			b.add(b.t.plain(cancelMail), AnyRows, covered([]any{micros(c.Events[0].At)}, r)...)
		}
	}
}

// requeue sends dead mail again; what is not dead is passed over.
func (b *builder) requeue(c *change) {
	for _, id := range c.Requeue {
		at := micros(c.Events[0].At)
		b.add(b.t.plain(requeueMail), AnyRows, at, id, at)
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
		b.add(b.t.plain(`UPDATE {p}sessions SET seen_at = $1 WHERE id = $2 AND seen_at < $3`), AnyRows,
			micros(t.At), string(t.Session), micros(t.At))
	}
}
