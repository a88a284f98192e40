package storagetest

import (
	"fmt"

	"github.com/chatelaine-go/chatelaine/access"
	"github.com/chatelaine-go/chatelaine/access/token"
	"github.com/chatelaine-go/chatelaine/accounts"
	"github.com/chatelaine-go/chatelaine/storage"
)

// loginRaceChecks prove that of several at once who redeem, answer, guess or
// succeed the right number wins.
func loginRaceChecks() []check {
	const once = "a link is good for one effect, however many hold it (A01, I-04)"
	const newest = "only the newest link works, whoever was faster (A03, I-05)"
	const counted = "a guess that is not counted is a guess too many (A31)"
	const live = "an address has at most one live invitation in an account, and one that is answered stays answered (I-02, I-05)"
	return []check{
		{"of fifty who redeem one ticket one wins", once, raceTicket},
		{"of two who read the same ticket one redeems it", once, fixedTicket},
		{"a ticket that was replaced since it was read is not redeemed", newest, fixedNewerTicket},
		{"a ticket and a credential that were forgotten since they were read are not written", "what was erased must not come back half-filled (D7)", fixedForgotten},
		{"of many who set a first credential one wins", once, raceCredential},
		{"of many who use one passed challenge one wins", "whoever passes a challenge may act once", raceChallenge},
		{"of many guesses at one address each is counted", counted, raceGuesses},
		{"of two who read the same guesses one counts, and the other counts again", counted, fixedGuesses},
		{"of many who follow one expired invitation one wins", live, raceSuccessor},
		{"of an answer to an invitation and its successor one wins", live, raceAnswer},
		{"of two who read the same invitation one answers or follows it", live, fixedAnswer},
		{"of many who accept at once as many join as there are seats", "the plan's seats are a limit that concurrency must not get past (B4)", raceSeats},
		{"of many who take out one identity one wins", once, raceUnlink},
	}
}

// redeem is what sets a password by a ticket: the change of somebody who read
// it unused, or nil.
func (e *env) redeem(st storage.Storage, h token.Hash, password string) ([]any, error) {
	t, err := st.Ticket(e.ctx, access.TicketQuery{Hash: h})
	if err != nil || !t.UsedAt.IsZero() {
		return nil, err
	}
	m, err := st.Means(e.ctx, accounts.UserKey{ID: t.User})
	if err != nil {
		return nil, err
	}
	t.UsedAt, m.User.Epoch, m.Credential.Hash = minutes(1), m.User.Epoch+1, password
	return []any{t, m.User, m.Credential}, nil
}

func raceTicket(e *env) {
	st := e.open()
	e.put(st, user("u"))
	for round := range 3 {
		t := ticket("u", token.Purpose(fmt.Sprint("purpose-", round)))
		e.put(st, t)
		read := together(50, func(i int) error {
			rows, err := e.redeem(st, t.Hash, fmt.Sprintf("%d-%d", round, i))
			if err != nil {
				return err
			}
			if rows == nil {
				return accounts.ErrConflict // it was used when this one came to read it
			}
			return apply(e.ctx, st, build(accounts.OpID(fmt.Sprintf("redeem-%d-%d", round, i)), rows...))
		})
		e.holds(e.won(read) == 1, "%d of 50 redeemed one ticket, want 1", e.won(read))
		m, err := st.Means(e.ctx, accounts.UserKey{ID: "u"})
		e.ok(err, "Means")
		for i, err := range read {
			e.holds((err == nil) == (m.Credential.Hash == fmt.Sprintf("%d-%d", round, i)),
				"the stored credential is not the winner's: %s", text(m.Credential))
		}
		e.holds(m.User.Epoch == int64(round+1), "after %d tickets the epoch moved %d times", round+1, m.User.Epoch)
	}
}

func fixedTicket(e *env) {
	st := e.open()
	t := ticket("u", token.Reset)
	e.put(st, user("u"), t)
	first, err := e.redeem(st, t.Hash, "first")
	e.ok(err, "reading")
	second, err := e.redeem(st, t.Hash, "second")
	e.ok(err, "reading")
	e.put(st, first...)
	e.refused(st, "the second redemption of a ticket", second...)
	again, err := e.redeem(st, t.Hash, "third")
	e.ok(err, "reading")
	e.holds(again == nil, "a ticket that was redeemed reads as unused")
}

func fixedNewerTicket(e *env) {
	st := e.open()
	t := ticket("u", token.Reset)
	e.put(st, user("u"), t)
	rows, err := e.redeem(st, t.Hash, "late")
	e.ok(err, "reading")
	other, err := e.redeem(st, t.Hash, "resent over")
	e.ok(err, "reading")
	newer := t
	newer.Version, newer.Hash = 1, hash("newer")
	e.put(st, newer)
	e.refused(st, "the redemption of a ticket that was sent anew meanwhile", rows...)
	e.noTicket(st, access.TicketQuery{Hash: t.Hash})
	rows, err = e.redeem(st, newer.Hash, "right")
	e.ok(err, "reading")
	e.put(st, rows...)
	newer.Hash = hash("newest")
	e.refused(st, "sending anew a ticket that was redeemed meanwhile", newer)
	e.refused(st, "the redemption of a ticket from long ago", other...)
}

func fixedForgotten(e *env) {
	st := e.open()
	t := ticket("u", token.Reset)
	e.put(st, user("u"), t, credential("u"), challenge("u", "a"), guesses(address("u")))
	rows, err := e.redeem(st, t.Hash, "late")
	e.ok(err, "reading")
	c, g := challenge("u", "a"), guesses(address("u"))
	c.Version, g.Version = 1, 1
	e.put(st, accounts.Forget{User: "u", Email: address("u")})
	var late []attempt
	for _, row := range []any{rows[0], rows[2], c, g} {
		late = append(late, attempt{"the replacement of a row that was forgotten meanwhile", []any{row}})
	}
	e.refusedEach(st, late...)
}

func raceCredential(e *env) {
	st := e.open()
	e.put(st, user("u"))
	errs := together(16, func(i int) error {
		c := credential("u")
		c.Hash = fmt.Sprint(i)
		return apply(e.ctx, st, build(accounts.OpID(fmt.Sprint("set-", i)), c))
	})
	e.holds(e.won(errs) == 1, "%d of 16 set the first credential, want 1", e.won(errs))
	m, err := st.Means(e.ctx, accounts.UserKey{ID: "u"})
	e.ok(err, "Means")
	for i, err := range errs {
		e.holds((err == nil) == (m.Credential.Hash == fmt.Sprint(i)), "the stored credential is not the winner's: %s", text(m.Credential))
	}
}

func raceChallenge(e *env) {
	st := e.open()
	c := challenge("u", "a")
	c.PassedAt = minutes(1)
	e.put(st, user("u"), account("a"), c)
	errs := together(16, func(i int) error {
		used, err := st.Challenge(e.ctx, c.ChallengeKey)
		if err != nil {
			return err
		}
		if !used.UsedAt.IsZero() {
			return accounts.ErrConflict
		}
		used.UsedAt = minutes(2)
		return apply(e.ctx, st, build(accounts.OpID(fmt.Sprint("use-", i)), used, spend(accounts.QuotaRequests, "a", 1, 35)))
	})
	e.holds(e.won(errs) == 1, "%d of 16 used one challenge, want 1", e.won(errs))
	d, err := st.Drafting(e.ctx, access.DraftingQuery{Agency: "a", Day: accounts.DayOf(start)})
	e.ok(err, "Drafting")
	e.holds(d.Used == 1, "the action was done %d times, want once", d.Used)
}

// guess counts one more try at an address, as a login does before it looks at
// the password.
func (e *env) guess(st storage.Storage, email accounts.Email) (access.Change, error) {
	got, err := st.Entering(e.ctx, access.EnteringQuery{Email: email})
	if err != nil {
		return access.Change{}, err
	}
	got.Guesses.Count++
	got.Guesses.LastAt = minutes(got.Guesses.Count)
	return access.Change{Guesses: []access.Guesses{got.Guesses}}, nil
}

func raceGuesses(e *env) {
	st := e.open()
	const workers, each = 10, 8
	errs := together(workers, func(int) error {
		for range each {
			err := until(e.ctx, func() error {
				c, err := e.guess(st, "nobody@example.com")
				if err != nil {
					return err
				}
				return st.ApplyAccess(e.ctx, c)
			})
			if err != nil {
				return err
			}
		}
		return nil
	})
	for _, err := range errs {
		e.ok(err, "a guess")
	}
	got, err := st.Entering(e.ctx, access.EnteringQuery{Email: "nobody@example.com"})
	e.ok(err, "Entering")
	e.holds(got.Guesses.Count == workers*each && got.Guesses.Version == workers*each,
		"after %d guesses the count is %d, at version %d", workers*each, got.Guesses.Count, got.Guesses.Version)
}

func fixedGuesses(e *env) {
	st := e.open()
	for n := range 2 { // once where there is no row yet, and once where there is one
		first, err := e.guess(st, "nobody@example.com")
		e.ok(err, "reading")
		second, err := e.guess(st, "nobody@example.com")
		e.ok(err, "reading")
		e.ok(st.ApplyAccess(e.ctx, first), "the first guess")
		e.is(st.ApplyAccess(e.ctx, second), accounts.ErrConflict, "a guess that did not see the one before")
		got, err := st.Entering(e.ctx, access.EnteringQuery{Email: "nobody@example.com"})
		e.ok(err, "Entering")
		e.holds(got.Guesses.Count == n+1, "after %d guesses the count is %d", n+1, got.Guesses.Count)
	}
}

func raceUnlink(e *env) {
	st := e.open()
	e.put(st, user("u"), user("w"), identity("1", "u"))
	errs := together(16, func(i int) error {
		rows := []any{identity("1", "u").Key()}
		if i%2 == 0 { // half of them give it to somebody else
			next := identity("1", "w")
			next.CreatedAt = minutes(i)
			rows = append(rows, next)
		}
		return apply(e.ctx, st, build(accounts.OpID(fmt.Sprint("unlink-", i)), append(rows, spend("unlinked", "u", 1, 1))...))
	})
	e.holds(e.won(errs) == 1, "%d of 16 took out one identity, want 1", e.won(errs))
	m, err := st.Means(e.ctx, accounts.UserKey{ID: "w"})
	e.ok(err, "Means")
	for i, err := range errs {
		if err == nil {
			e.holds((i%2 == 0) == (len(m.Identities) == 1), "the winner is %d, and w has %s", i, text(m.Identities))
		}
	}
}
