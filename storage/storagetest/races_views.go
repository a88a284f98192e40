package storagetest

import (
	"fmt"

	"github.com/chatelaine-go/chatelaine/access"
	"github.com/chatelaine-go/chatelaine/accounts"
	"github.com/chatelaine-go/chatelaine/roles"
	"github.com/chatelaine-go/chatelaine/storage"
)

// openView is what opens the view v: the change of somebody who read that
// nobody has, or nil.
func (e *env) openView(st storage.Storage, secret string) ([]any, error) {
	got, err := st.Viewing(e.ctx, access.ViewKey{Link: unopened("v", "a", "c", "u").Link})
	if err != nil || !got.View.OpenedAt.IsZero() || !got.View.EndedAt.IsZero() {
		return nil, err
	}
	got.View.OpenedAt, got.View.Hash = minutes(1), hash(secret)
	return []any{got.View}, nil
}

func raceOpenView(e *env) {
	for round := range 3 {
		st := e.settable()
		e.put(st, unopened("v", "a", "c", "u"))
		errs := together(16, func(i int) error {
			rows, err := e.openView(st, fmt.Sprint(i))
			if err != nil {
				return err
			}
			if rows == nil {
				return accounts.ErrConflict
			}
			return apply(e.ctx, st, build(accounts.OpID(fmt.Sprintf("open-%d-%d", round, i)), rows...))
		})
		e.holds(e.won(errs) == 1, "%d of 16 opened one view, want 1", e.won(errs))
		for i, err := range errs {
			_, verr := st.Viewing(e.ctx, access.ViewKey{Hash: hash(fmt.Sprint(i))})
			e.holds((err == nil) == (verr == nil), "the secret %d lives: %v, and its opening: %v", i, verr == nil, err)
		}
	}
}

func fixedOpenView(e *env) {
	st := e.settable()
	e.put(st, unopened("v", "a", "c", "u"))
	read := func(secret string) []any {
		rows, err := e.openView(st, secret)
		e.ok(err, "reading")
		return rows
	}
	first, second := read("first"), read("second")
	e.put(st, first...)
	e.refused(st, "the second opening of a view", second...)
	_, err := st.Viewing(e.ctx, access.ViewKey{Hash: hash("second")})
	e.is(err, accounts.ErrNotFound, "the secret of an opening that was refused")
	e.holds(read("third") == nil, "a view that was opened reads as unopened")

	other := unopened("w", "a", "c", "u")
	e.put(st, other)
	other.Version, other.EndedAt = 1, minutes(1)
	open := other
	open.EndedAt, open.OpenedAt, open.Hash = open.OpenedAt, minutes(1), hash("late")
	e.put(st, other)
	e.refused(st, "the opening of a view that was ended meanwhile", open)
}

func fixedViewRemoval(e *env) {
	st := e.settable()
	a, err := st.Account(e.ctx, "a")
	e.ok(err, "Account")
	u, err := st.User(e.ctx, accounts.UserKey{ID: "u"})
	e.ok(err, "User")
	rely := []any{accounts.Guard{Account: "a", Version: a.Version}, accounts.Guard{User: "u", Epoch: u.Epoch}}
	e.put(st, append(rely, view("before", "a", "c", "u"))...)
	m := manages("a", "u")
	m.Version, m.EndedAt, m.Tenure, m.Epoch = 1, minutes(2), m.Tenure+1, m.Epoch+1
	e.put(st, m, accounts.Guard{Account: "a", Version: a.Version, Move: true})
	e.refused(st, "a view by somebody who was removed meanwhile", append(rely, view("late", "a", "c", "u"))...)
	v, err := st.Viewing(e.ctx, access.ViewKey{ID: "before"})
	e.ok(err, "Viewing")
	e.holds(v.Standing.Rights(roles.Standard(), accounts.AnyLogin()).None() && v.Tenure == m.Tenure, "the viewer stands as %s", text(v.Standing))
	u.Epoch++
	u.SuspendedAt = minutes(3)
	e.put(st, u)
	a.Version++
	e.refused(st, "a view by somebody who was suspended everywhere meanwhile",
		accounts.Guard{Account: "a", Version: a.Version}, rely[1], view("later", "a", "c", "u"))
}

func raceClientReaders(e *env) {
	st := e.open()
	e.put(st, user("u"), account("a"), recordOf("a", "c", "u"), site("a", "p"), given("a", "c", "p"), session("s", "u"), view("v", "a", "c", "u"))
	const rounds = 30
	errs := together(4, func(i int) error {
		for n := range int64(rounds) {
			if i == 0 { // every row says which change it is of
				c, s, g, u := recordOf("a", "c", "u"), site("a", "p"), given("a", "c", "p", roles.Permission(fmt.Sprint(n+1))), user("u")
				c.Version, s.Version, g.Version, u.Version = n+1, n+1, n+1, n+1
				c.Epoch, u.Epoch, s.Name, c.Company = n+1, n+1, fmt.Sprint(n+1), fmt.Sprint("number", n+1)
				if err := apply(e.ctx, st, build(accounts.OpID(fmt.Sprint("n-", n)), c, s, g, u)); err != nil {
					return err
				}
				continue
			}
			at, err := st.Admission(e.ctx, hash("session s"), "a")
			if err != nil {
				return err
			}
			list, err := st.ClientRecords(e.ctx, accounts.ClientRecordQuery{Account: "a", Search: "number"})
			if err != nil {
				return err
			}
			v, err := st.Viewing(e.ctx, access.ViewKey{ID: "v"})
			if err != nil {
				return err
			}
			seen := []struct {
				epoch, other int64
				sites        []accounts.SiteGrant
				company      string
			}{
				{at.Standing.Client.Epoch, at.Standing.User.Epoch, at.Sites, ""}, {v.Client.Epoch, v.User.Epoch, v.Sites, v.Client.Company},
			}
			for _, x := range list {
				seen = append(seen, seen[0])
				last := &seen[len(seen)-1]
				last.epoch, last.other, last.sites, last.company = x.Client.Epoch, x.Client.Epoch, x.Sites, x.Client.Company
			}
			for _, x := range seen {
				want := fmt.Sprint(x.epoch)
				if len(x.sites) != 1 || len(x.sites[0].Permissions) == 0 { // before the first change there were no permissions
					if x.epoch == 2 && x.other <= 2 && len(x.sites) == 1 {
						continue
					}
					return fmt.Errorf("an answer of two moments: %s", text(x.sites))
				}
				if x.other != x.epoch || x.sites[0].Name != want || string(x.sites[0].Permissions[0]) != want ||
					x.company != "" && x.company != "number"+want {
					return fmt.Errorf("an answer of two moments: %s", text(x.sites))
				}
			}
		}
		return nil
	})
	for _, err := range errs {
		e.ok(err, "reading beside writing")
	}
}
