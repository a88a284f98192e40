package storagetest

import (
	"fmt"

	"github.com/chatelaine-go/chatelaine/access/token"
	"github.com/chatelaine-go/chatelaine/accounts"
	"github.com/chatelaine-go/chatelaine/invites"
	"github.com/chatelaine-go/chatelaine/roles"
	"github.com/chatelaine-go/chatelaine/storage"
)

// clientRaceChecks prove that of several at once who record, set up, end and
// view clients the right number wins.
func clientRaceChecks() []check {
	const address = "an address is used once in an account, over clients and members (C4)"
	const once = "a setup link is one login, however many hold it (A01, A09)"
	const ends = "what was ended must be ended for everybody, at once (C7, C8, A73)"
	const view = "a view is one browser's, and lives no longer than what it rests on (A66, A67)"
	return []check{
		{"of many who record a client with one address one wins", address, raceRecord},
		{"of two who read that an address is free one records it", address, fixedRecord},
		{"of a client and a member of one address at once one comes in", address, raceRecordMember},
		{"of a client and a member of one address, read at one moment, one comes in", address, fixedRecordMember},
		{"of many who use one setup link one sets up", once, raceSetUp},
		{"of two who read the same setup link one uses it", once, fixedSetUp},
		{"a setup link that was replaced since it was read is not used", "only the newest link works, whoever was faster (A03, I-05)", fixedNewerSetUp},
		{"of a suspension and a setup each sees which was first", ends, fixedSuspendSetUp},
		{"of many suspensions and setups at once nobody is in who was suspended first", ends, raceSuspendSetUp},
		{"an access that is given to a client who was deleted meanwhile gives nothing", ends, fixedAssignDelete},
		{"of many who open one view one opens it", view, raceOpenView},
		{"of two who read the same view one opens it, and an end is an end", view, fixedOpenView},
		{"a view is not begun by somebody who was removed meanwhile", view, fixedViewRemoval},
		{"readers beside writers see whole clients", "each answer is of one moment; half a change is no moment (A39)", raceClientReaders},
	}
}

// enlist is what records a client: the change of somebody who read that the
// address is free, or nil.
func (e *env) enlist(st storage.Storage, id string, to accounts.Email) ([]any, error) {
	r, err := st.Recording(e.ctx, accounts.RecordingQuery{Account: "a", Email: to})
	if err != nil || r.Taken.There() || r.Member {
		return nil, err
	}
	c := record("a", id)
	c.Email = to
	return []any{c, accounts.Guard{Account: "a", Version: r.Account.Version, Move: true}}, nil
}

// engage is what makes a user with an address a member of account a.
func (e *env) engage(st storage.Storage, id string) ([]any, error) {
	r, err := st.Recording(e.ctx, accounts.RecordingQuery{Account: "a", Email: address(id), User: accounts.UserID(id)})
	if err != nil || r.Taken.There() || r.Member {
		return nil, err
	}
	return []any{member("a", id, roles.Viewer), accounts.Guard{Account: "a", Version: r.Account.Version, Move: true}}, nil
}

func raceRecord(e *env) {
	st := e.open()
	e.put(st, account("a"))
	for round := range 4 {
		to := address(fmt.Sprint("round-", round))
		errs := together(16, func(i int) error {
			c := record("a", fmt.Sprintf("%d-%d", round, i)) // no guard: the address alone decides
			c.Email = to
			return apply(e.ctx, st, build(accounts.OpID(fmt.Sprintf("record-%d-%d", round, i)), c))
		})
		e.holds(e.won(errs) == 1, "%d of 16 recorded a client with one address, want 1", e.won(errs))
		r := e.recording(st, accounts.RecordingQuery{Account: "a", Email: to})
		for i, err := range errs {
			e.holds((err == nil) == (r.Taken.ID == accounts.ClientID(fmt.Sprintf("%d-%d", round, i))), "the client is not the winner's: %s", text(r.Taken))
		}
	}
	e.holds(len(e.records(st, accounts.ClientRecordQuery{Account: "a"})) == 4, "losers left clients")
}

func fixedRecord(e *env) {
	st := e.open()
	e.put(st, account("a"), user("w"))
	first, err := e.enlist(st, "first", "to@example.com")
	e.ok(err, "reading")
	second, err := e.enlist(st, "second", "to@example.com")
	e.ok(err, "reading")
	e.put(st, first...)
	e.refusedEach(st, attempt{"the second client of an address", second}, attempt{"the same without a guard", second[:1]})
	again, err := e.enlist(st, "third", "to@example.com")
	e.ok(err, "reading")
	e.holds(again == nil, "an address that a client has reads as free")
	mine, theirs := recordOf("a", "mine", "w"), recordOf("a", "theirs", "w")
	e.put(st, mine)
	e.refused(st, "the second client of a user", theirs)
}

func raceRecordMember(e *env) {
	st := e.open()
	e.put(st, account("a"))
	for round := range 4 {
		id := fmt.Sprint("u", round)
		e.put(st, user(id))
		errs := together(8, func(i int) error {
			return until(e.ctx, func() error {
				read := func() ([]any, error) { return e.enlist(st, fmt.Sprintf("%s-%d", id, i), address(id)) }
				if i%2 == 0 {
					read = func() ([]any, error) { return e.engage(st, id) }
				}
				rows, err := read()
				if err != nil || rows == nil {
					return err
				}
				return apply(e.ctx, st, build(accounts.OpID(fmt.Sprintf("%s-%d", id, i)), rows...))
			})
		})
		for _, err := range errs {
			e.ok(err, "a client or a member")
		}
		r := e.recording(st, accounts.RecordingQuery{Account: "a", Email: address(id)})
		e.holds(r.Member != r.Taken.There(), "the address is a member's: %v, and a client's: %v", r.Member, r.Taken.There())
	}
}

func fixedRecordMember(e *env) {
	for _, clientFirst := range []bool{true, false} {
		st := e.open()
		e.put(st, account("a"), user("u"))
		c, err := e.enlist(st, "c", address("u"))
		e.ok(err, "reading")
		m, err := e.engage(st, "u")
		e.ok(err, "reading")
		if clientFirst {
			e.put(st, c...)
			e.refused(st, "a member with the address of a client who was recorded meanwhile", m...)
			m, err = e.engage(st, "u")
			e.ok(err, "reading")
			e.holds(m == nil, "a client's address reads as free for a member")
			continue
		}
		e.put(st, m...)
		e.refused(st, "a client with the address of a member who joined meanwhile", c...)
		c, err = e.enlist(st, "c", address("u"))
		e.ok(err, "reading")
		e.holds(c == nil, "a member's address reads as free for a client")
	}
}

// settable is account a with a client c and its setup link.
func (e *env) settable() storage.Storage {
	st := e.open()
	e.put(st, user("u"), account("a"), manages("a", "u"), record("a", "c"), site("a", "p"), given("a", "c", "p", "site.see"), session("of-u", "u"))
	e.put(st, setup("a", "c"))
	return st
}

// setUp is what a new login makes of a setup link: the change of somebody who
// read that it counts, or nil.
func (e *env) setUp(st storage.Storage, h token.Hash, id string) ([]any, error) {
	got, err := st.SettingUp(e.ctx, invites.SettingUpQuery{Hash: h})
	if err != nil || !got.Link.Counts(minutes(5), got.Client.ClientState, got.Maker) || got.Holder.User.ID != "" {
		return nil, err
	}
	u := user(id)
	u.Email = got.Client.Email
	got.Link.UsedAt, got.Client.User, got.Client.ActiveAt = minutes(5), u.ID, minutes(5)
	return []any{u, credential(id), got.Client, got.Link}, nil
}

// pause is what suspends the client.
func (e *env) pause(st storage.Storage) ([]any, error) {
	r, err := st.Recording(e.ctx, accounts.RecordingQuery{Account: "a", Client: "c"})
	if err != nil || !r.Client.Active() {
		return nil, err
	}
	r.Client.SuspendedAt = minutes(4)
	r.Client.Epoch++
	return []any{r.Client}, nil
}

func raceSetUp(e *env) {
	for round := range 3 {
		st := e.settable()
		errs := together(16, func(i int) error {
			rows, err := e.setUp(st, setup("a", "c").Hash, fmt.Sprint("new-", i))
			if err != nil {
				return err
			}
			if rows == nil {
				return accounts.ErrConflict // it was used when this one came to read it
			}
			return apply(e.ctx, st, build(accounts.OpID(fmt.Sprintf("set-up-%d-%d", round, i)), rows...))
		})
		e.holds(e.won(errs) == 1, "%d of 16 used one setup link, want 1", e.won(errs))
		r := e.recording(st, accounts.RecordingQuery{Account: "a", Client: "c"})
		for i, err := range errs {
			e.holds((err == nil) == (r.Client.User == accounts.UserID(fmt.Sprint("new-", i))), "the client's user is not the winner: %s", text(r.Client))
			_, uerr := st.User(e.ctx, accounts.UserKey{ID: accounts.UserID(fmt.Sprint("new-", i))})
			e.holds((err == nil) == (uerr == nil), "user %d is there although the setup link was another's", i)
		}
	}
}

func fixedSetUp(e *env) {
	st := e.settable()
	first, err := e.setUp(st, setup("a", "c").Hash, "first")
	e.ok(err, "reading")
	second, err := e.setUp(st, setup("a", "c").Hash, "second")
	e.ok(err, "reading")
	e.put(st, first...)
	free, _ := second[0].(accounts.User)
	free.Email = "free@example.com" // not even with another address
	e.refusedEach(st, attempt{"the second use of a setup link", second},
		attempt{"the second use of a setup link alone", []any{second[3]}},
		attempt{"the second use, for another address", []any{free, second[1], second[2], second[3]}},
		attempt{"another user for the client", []any{free, second[2]}})
	again, err := e.setUp(st, setup("a", "c").Hash, "third")
	e.ok(err, "reading")
	e.holds(again == nil, "a setup link that was used reads as unused")
}

func fixedNewerSetUp(e *env) {
	st := e.settable()
	late, err := e.setUp(st, setup("a", "c").Hash, "late")
	e.ok(err, "reading")
	newer := setup("a", "c")
	newer.Version, newer.Hash = 1, hash("newer")
	e.put(st, newer)
	e.refused(st, "the use of a setup link that was made anew meanwhile", late...)
	_, err = st.SettingUp(e.ctx, invites.SettingUpQuery{Hash: setup("a", "c").Hash})
	e.is(err, accounts.ErrNotFound, "a setup link that was replaced")
	right, err := e.setUp(st, hash("newer"), "right")
	e.ok(err, "reading")
	e.put(st, right...)
	newer.Version, newer.Hash = 2, hash("newest")
	e.refused(st, "a new setup link for a client who came in meanwhile", newer)
}

func fixedSuspendSetUp(e *env) {
	for _, suspendFirst := range []bool{true, false} {
		st := e.settable()
		in, err := e.setUp(st, setup("a", "c").Hash, "new")
		e.ok(err, "reading")
		out, err := e.pause(st)
		e.ok(err, "reading")
		if suspendFirst {
			e.put(st, out...)
			e.refused(st, "the setup of a client who was suspended meanwhile", in...)
			again, err := e.setUp(st, setup("a", "c").Hash, "new")
			e.ok(err, "reading")
			e.holds(again == nil, "the setup link of a suspended client counts")
			continue
		}
		e.put(st, in...)
		e.refused(st, "the suspension of a client who came in meanwhile, by somebody who did not see it", out...)
		out, err = e.pause(st)
		e.ok(err, "reading")
		e.put(st, out...)
		s, err := st.Standings(e.ctx, []accounts.StandingKey{{User: "new", Account: "a"}})
		e.ok(err, "Standings")
		e.holds(!s[0].AsClient(accounts.AnyLogin()) && s[0].Barred(accounts.AnyLogin()), "a suspended client is let in: %s", text(s[0]))
	}
}

func raceSuspendSetUp(e *env) {
	for round := range 6 {
		st := e.settable()
		errs := together(2, func(i int) error {
			return until(e.ctx, func() error {
				read := func() ([]any, error) { return e.setUp(st, setup("a", "c").Hash, "new") }
				if i == 0 {
					read = func() ([]any, error) { return e.pause(st) }
				}
				rows, err := read()
				if err != nil || rows == nil {
					return err
				}
				return apply(e.ctx, st, build(accounts.OpID(fmt.Sprintf("suspend-set-up-%d-%d", round, i)), rows...))
			})
		})
		for _, err := range errs {
			e.ok(err, "a suspension or a setup")
		}
		c := e.recording(st, accounts.RecordingQuery{Account: "a", Client: "c"}).Client
		in, err := st.Applied(e.ctx, accounts.OpID(fmt.Sprintf("suspend-set-up-%d-1", round)))
		e.ok(err, "Applied")
		e.holds(!c.SuspendedAt.IsZero() && (c.User == "new") == in, "after a suspension and a setup (applied: %v) the client is %s", in, text(c))
		s, err := st.Standings(e.ctx, []accounts.StandingKey{{User: "new", Account: "a"}})
		e.ok(err, "Standings")
		e.holds(!s[0].AsClient(accounts.AnyLogin()), "a suspended client is let in: %s", text(s[0]))
	}
}

func fixedAssignDelete(e *env) {
	st := e.settable()
	e.put(st, site("a", "q"))
	c := e.recording(st, accounts.RecordingQuery{Account: "a", Client: "c"}).Client
	g := e.recording(st, accounts.RecordingQuery{Account: "a", Client: "c", Site: "p"}).Access
	stale := c
	c.DeletedAt, c.Email, c.Epoch = minutes(4), "", c.Epoch+1
	e.put(st, c)
	g.Permissions = []roles.Permission{"site.see", "site.edit"}
	e.put(st, g, given("a", "c", "q", "site.see")) // the rows stay, and so may these
	e.refused(st, "an edit of a client who was deleted meanwhile", stale)
	r := e.recording(st, accounts.RecordingQuery{Account: "a", Client: "c", Site: "q"})
	e.holds(r.Access.Version == 1 && r.Assigned == 0, "a deleted client has %d sites", r.Assigned)
	s, err := st.SettingUp(e.ctx, invites.SettingUpQuery{ClientKey: recordKey("a", "c")})
	e.ok(err, "SettingUp")
	e.holds(s.Assigned == 0, "a deleted client has %d sites", s.Assigned)
	e.same(e.records(st, accounts.ClientRecordQuery{Account: "a"}), nil, "the clients after the only one was deleted")
}
