package storagetest

import (
	"fmt"
	"maps"
	"slices"

	"github.com/chatelaine-go/chatelaine/access"
	"github.com/chatelaine-go/chatelaine/access/token"
	"github.com/chatelaine-go/chatelaine/accounts"
	"github.com/chatelaine-go/chatelaine/invites"
	"github.com/chatelaine-go/chatelaine/mail"
	"github.com/chatelaine-go/chatelaine/roles"
	"github.com/chatelaine-go/chatelaine/storage"
)

// forgotten is the moment of a change that forgets.
//
//nolint:gochecknoglobals // a constant in all but name
var forgotten = minutes(20)

// requestStates and invitationStates are those that can be stored.
func requestStates() []access.RequestState {
	return []access.RequestState{access.Pending, access.Approved, access.Declined, access.Withdrawn, access.Expired, access.Ended}
}

func invitationStates() []invites.State {
	return []invites.State{invites.Pending, invites.Accepted, invites.Declined, invites.Revoked, invites.Expired, invites.Void}
}

// personRequest and personInvitation are a person's, in a state of the ones
// that can be stored.
func personRequest(id string, n int) access.Request {
	r := request("g", fmt.Sprintf("%s-%d", id, n), address(id), "w")
	r.State, r.Message, r.Reason, r.Client, r.Decider = requestStates()[n], "words", "a reason", "c", "w"
	return r
}

func personInvitation(id string, n int) invites.Invitation {
	i := invitation("a", fmt.Sprintf("%s-%d", id, n), address(id), "w")
	i.State, i.Message, i.User = invitationStates()[n], "words", accounts.UserID(id)
	return i
}

// persons puts everything that is kept about some users into a store, who are
// alike but for their ids, and returns the deliveries of mail that are leased.
func (e *env) persons(st storage.Storage, people ...string) []mail.Delivery {
	e.Helper()
	rows := []any{agency("g"), account("a"), account("c"), account("d"), account("k"), site("c", "p"), record("a", "seen")}
	var offers []any
	for _, id := range people {
		s := session("of-"+id, id)
		s.UserAgent, s.Source = "Browser", "192.0.2.1"
		rows = append(rows, user(id), manages("a", id), member("g", id, roles.Admin), credential(id), identity("1-"+id, id), identity("2-"+id, id),
			challenge(id, "a"), challenge(id, ""), ticket(id, token.Reset), ticket(id, token.Proof), s, guesses(address(id)),
			spend(accounts.QuotaLinks, string(address(id)), 2, 5), spend(accounts.QuotaRecipient, string(address(id)), 3, 5),
			spend(accounts.QuotaCodes, id, 2, 5), spend(accounts.QuotaAsks, id, 2, 5), reply("user/"+id, "a", "k"))
		rows = append(rows, personRecords(id)...)
		for n := range requestStates() {
			rows = append(rows, personRequest(id, n))
			offers = append(offers, personInvitation(id, n))
		}
		offers = append(offers, setup("c", "both-"+id), setup("d", "user-"+id), setup("k", "address-"+id))
	}
	e.put(st, rows...)
	e.put(st, offers...)
	var leased []mail.Delivery
	for _, id := range people {
		post := func(state string) mail.Message {
			m := letter(state+"-"+id, mail.ReasonFor(state, id))
			m.To, m.ToName = string(address(id)), "Name of "+id
			return m
		}
		e.put(st, post("sent"), post("dead"), post("cancelled"))
		for _, d := range e.claim(st, start, all) {
			switch d.Message.ID {
			case "sent-" + id:
				e.settle(st, d, mail.Outcome{State: mail.Sent, At: minutes(1)})
			case "dead-" + id:
				e.settle(st, d, mail.Outcome{State: mail.Dead, At: minutes(1), Error: "refused"})
			}
		}
		e.put(st, mail.ReasonFor("cancelled", id))
		e.put(st, post("leased"))
		leased = append(leased, e.claim(st, start, 1)...)
		e.put(st, post("queued"))
		leased = append(leased, e.codes(st, id)...)
	}
	return leased
}

// forget applies a change that forgets.
func (e *env) forget(st storage.Storage, rows ...any) {
	e.Helper()
	e.ops++
	e.put(st, append(rows, event(fmt.Sprintf("forget-%d", e.ops), 1, "", forgotten))...)
}

func checkForgetUser(e *env) {
	st := e.open()
	leased := e.persons(st, "u", "w")
	want, err := st.Mails(e.ctx, mail.Query{To: phone("u")})
	e.ok(err, "Mails")
	e.holds(len(want) == 6, "the fixture has %d text messages, want 6", len(want))
	e.forget(st, accounts.Forget{User: "u"})
	e.forgotCodes(st, want, leased[1])
	u := user("u")
	u.Version = 1
	means, err := st.Means(e.ctx, accounts.UserKey{ID: "u"})
	e.ok(err, "Means")
	e.same(means, accounts.Means{User: u, Credential: accounts.Credential{User: "u"}}, "how a forgotten user can log in")
	for _, id := range []string{"1-u", "2-u"} {
		_, err := st.User(e.ctx, accounts.UserKey{Identity: identity(id, "u").Key()})
		e.is(err, accounts.ErrNotFound, "a user by an identity that was forgotten")
	}
	for _, key := range []accounts.ChallengeKey{challengeKey("u", "a"), challengeKey("u", "")} {
		c, err := st.Challenge(e.ctx, key)
		e.ok(err, "Challenge")
		e.same(c, accounts.Challenge{ChallengeKey: key}, "a challenge that was forgotten")
	}
	for _, p := range []token.Purpose{token.Reset, token.Proof} {
		e.noTicket(st, access.TicketQuery{TicketKey: ticketKey("u", p)})
		e.noTicket(st, access.TicketQuery{Hash: ticket("u", p).Hash})
	}
	for _, kind := range []accounts.QuotaKind{accounts.QuotaCodes, accounts.QuotaAsks} {
		used, err := st.Spent(e.ctx, quota(kind, "u"))
		e.ok(err, "Spent")
		e.holds(used == 2, "the counter of %s was erased: only a sweep does that", kind)
	}
	s := session("of-u", "u")
	s.Version = 2
	got, err := st.Session(e.ctx, access.SessionKey{ID: s.ID})
	e.ok(err, "Session")
	e.same(got, s, "a session after its user was forgotten: without source and user agent, and with the next version, so that nobody writes them back")
	m := manages("a", "u")
	m.Version = 1
	there, err := st.Membership(e.ctx, accounts.StandingKey{User: "u", Account: "a"})
	e.ok(err, "Membership")
	e.same(there, m, "a membership is ended by its own row, not by forgetting")
	e.put(st, identity("1-u", "w"), credential("u"), challenge("u", "a"), ticket("u", token.Reset)) // nothing is in the way
}

func checkForgetAddress(e *env) {
	st := e.open()
	leased := e.persons(st, "u", "w")
	want := map[string]mail.Record{}
	before, err := st.Mails(e.ctx, mail.Query{To: string(address("u"))})
	e.ok(err, "Mails")
	e.holds(len(before) == 5, "the fixture has %d messages, want 5", len(before))
	for _, r := range before {
		r.To, r.Error = "", "" // a server's answer repeats the address
		if r.State == mail.Queued || r.State == mail.Dead {
			r.State, r.SettledAt = mail.Cancelled, forgotten
		}
		want[r.ID] = r
	}
	other, own := ticket("w", token.Address), ticket("w", token.Reset)
	other.Email, other.Address = address("u"), "u@Example.com" // who wanted that address for themselves
	e.put(st, other)
	e.forget(st, accounts.Forget{Email: address("u")})

	e.noTicket(st, access.TicketQuery{TicketKey: other.TicketKey})
	e.noTicket(st, access.TicketQuery{Hash: other.Hash})
	left, err := st.Ticket(e.ctx, access.TicketQuery{TicketKey: own.TicketKey})
	e.ok(err, "Ticket")
	e.holds(left.Hash == own.Hash, "a ticket to another address was forgotten")
	for n, state := range requestStates() {
		r := personRequest("u", n)
		r.Version, r.Email, r.Address, r.Message, r.Reason = 2, "", "", "", ""
		if state == access.Pending {
			r.State = access.Ended
		}
		for _, q := range []access.DecidingQuery{{Agency: "g", ID: r.ID}, {Hash: r.Hash}} {
			got, err := st.Deciding(e.ctx, q)
			e.ok(err, "Deciding")
			e.same(got.Request, r, "a request, %s, to an address that was forgotten", state)
		}
	}
	for n, state := range invitationStates() {
		i := personInvitation("u", n)
		i.Version, i.Email, i.Address, i.Message = 2, "", "", ""
		if state == invites.Pending {
			i.State = invites.Revoked
		}
		got, err := st.Accepting(e.ctx, invites.AcceptingQuery{Account: "a", ID: i.ID, At: forgotten})
		e.ok(err, "Accepting")
		e.same(got.Invitation, i, "an invitation, %s, to an address that was forgotten", state)
		e.same(got.Joiner, accounts.Means{}, "who would join by an invitation to nobody")
		e.same(got.Seats, accounts.Seats{Members: 2, Invited: 1}, "the seats, of which one came back")
	}
	entering, err := st.Entering(e.ctx, access.EnteringQuery{Email: address("u"), Day: accounts.DayOf(start)})
	e.ok(err, "Entering")
	e.same(entering.Guesses, access.Guesses{Email: address("u")}, "the guesses at an address that was forgotten")
	e.holds(entering.Links == 2, "a counter was erased: only a sweep does that")
	for id, r := range want {
		e.same(e.record(st, id), r, "the message %s to an address that was forgotten", id)
	}
	e.fenced(st, leased[0], "of a message to an address that was forgotten")
	n, err := st.RequeueMail(e.ctx, slices.Sorted(maps.Keys(want)), minutes(30))
	e.ok(err, "RequeueMail")
	e.holds(n == 0, "%d messages to an address that was forgotten came back", n)
	e.same(ids(e.claim(st, minutes(60), all)), []string{"leased-w", "queued-w"}, "the mail that is left to send")
	for _, kind := range []accounts.HeldKind{accounts.HeldRequest, accounts.HeldInvitation, accounts.HeldMail} {
		e.same(e.held(st, accounts.HeldQuery{Kind: kind, Email: address("u")}), []accounts.Held{}, "what is held of an address that was forgotten")
	}
	e.put(st, request("g", "new", address("u"), "w"), guesses(address("u"))) // nothing is in the way
	e.put(st, invitation("a", "new", address("u"), "w"))
}

func checkForgetOthers(e *env) {
	people := []string{"u", "w", "U", "uu", "u.", "0"}
	st, m := e.open(), newModel()
	for _, st := range []storage.Storage{st, m} {
		e.ops = 0
		e.persons(st, people...)
	}
	about := func() []string {
		var list []string
		for _, id := range people[1:] {
			for _, kind := range accounts.HeldKinds() {
				for _, q := range []accounts.HeldQuery{{Kind: kind, User: accounts.UserID(id)}, {Kind: kind, Email: address(id)}} {
					got := e.held(st, q)
					if kind == accounts.HeldRequest || kind == accounts.HeldInvitation { // w sent u's as well
						got = slices.DeleteFunc(got, func(h accounts.Held) bool { return h.Key[2:4] == "u-" })
					}
					list = append(list, text(q)+": "+text(got))
				}
			}
			means, err := st.Means(e.ctx, accounts.UserKey{ID: accounts.UserID(id)})
			e.ok(err, "Means")
			entering, err := st.Entering(e.ctx, access.EnteringQuery{Email: address(id), Day: accounts.DayOf(start)})
			e.ok(err, "Entering")
			list = append(list, text(means), text(entering))
			for _, p := range []token.Purpose{token.Reset, token.Proof} {
				t, err := st.Ticket(e.ctx, access.TicketQuery{TicketKey: ticketKey(id, p)})
				e.ok(err, "Ticket")
				list = append(list, text(t))
			}
		}
		return list
	}
	before := about()
	c := e.change(accounts.Forget{User: "u", Email: address("u")}, event("forget", 1, "a", forgotten))
	e.ok(apply(e.ctx, st, c), "a valid change was not applied")
	e.ok(apply(e.ctx, m, c), "the model")
	e.same(about(), before, "what is kept about others")
	e.agrees(st, m)
}

func checkForgetLast(e *env) {
	st, m := e.open(), newModel()
	for _, st := range []storage.Storage{st, m} {
		e.ops = 0
		e.persons(st, "u", "w")
	}
	u, p, x, s := user("u"), credential("u"), challenge("u", "a"), session("of-u", "u")
	t, r, i, w := ticket("u", token.Reset), personRequest("u", 0), personInvitation("u", 0), guesses(address("u"))
	u.Version, p.Version, x.Version, s.Version, t.Version, r.Version, i.Version, w.Version = 1, 1, 1, 1, 1, 1, 2, 1
	u.DeletedAt, s.Source, s.UserAgent, r.Message, i.Message = forgotten, "198.51.100.1", "Another", "more words", "more words"
	made, replacedRecord, ended := record("f", "new"), personRecord("c", "both-u", "u", address("u")), erasedClient(personRecord("d", "user-u", "u", ""))
	made.Email, replacedRecord.Version, replacedRecord.Notes, ended.Version = address("u"), 1, "more words", 1
	late := letter("late", mail.ReasonFor("late"))
	late.To = string(address("u"))
	lateCode := code("late-code", "u")
	both := accounts.Forget{User: "u", Email: address("u")}
	wide := e.change(u, p, x, s, t, r, w, session("new", "u"), ticket("u", token.Address), request("f", "new", address("u"), "w"), agency("f"),
		identity("1-u", "u").Key(), identity("3-u", "u"), challenge("u", "c"), late, lateCode, made, replacedRecord, ended, view("late", "a", "seen", "u"), again("dead-u"), mail.ReasonFor("queued", "w"),
		both, event("last", 1, "a", forgotten))
	second := e.change(i, invitation("c", "new", address("u"), "w"), both, event("last-2", 1, "a", forgotten))
	for _, c := range []change{wide, second} {
		e.ok(apply(e.ctx, st, c), "a valid change was not applied")
		e.ok(apply(e.ctx, m, c), "the model")
	}
	inserted, err := st.Deciding(e.ctx, access.DecidingQuery{Agency: "f", ID: "new"})
	e.ok(err, "Deciding")
	e.holds(inserted.Request.State == access.Ended && inserted.Request.Email == "" && inserted.Request.Version == 2,
		"a request that is made and forgotten by one change: %s", text(inserted.Request))
	for _, c := range []accounts.Client{made, replacedRecord, ended} {
		got := e.recording(st, accounts.RecordingQuery{Account: c.Account, Client: c.ID}).Client
		c.Version++
		e.same(got, c, "a client that is written by a change that forgets its person: as it was written")
	}
	looked, err := st.Viewing(e.ctx, access.ViewKey{ID: "late"})
	e.ok(err, "Viewing")
	e.holds(looked.View.Version == 2 && looked.View.Source == "" && looked.View.UserAgent == "",
		"a view that is made and forgotten by one change: %s", text(looked.View))
	replaced, err := st.Accepting(e.ctx, invites.AcceptingQuery{Account: "a", ID: i.ID, At: forgotten})
	e.ok(err, "Accepting")
	e.holds(replaced.Invitation.State == invites.Revoked && replaced.Invitation.Message == "" && replaced.Invitation.Version == 4,
		"an invitation that was forgotten, replaced and forgotten again: %s", text(replaced.Invitation))
	means, err := st.Means(e.ctx, accounts.UserKey{ID: "u"})
	e.ok(err, "Means")
	e.holds(means.Credential.Hash == "" && len(means.Identities) == 0 && !means.User.DeletedAt.IsZero(),
		"a user who was changed and forgotten by one change: %s", text(means))
	e.noTicket(st, access.TicketQuery{TicketKey: ticketKey("u", token.Address)})
	e.refused(st, "a request beside a pending one that the same change forgets: it makes no room",
		request("g", "clash", address("w"), "w"), accounts.Forget{Email: address("w")})
	e.refused(st, "an identity that is there and that the same change forgets", identity("1-w", "u"), accounts.Forget{User: "w"})
	for _, id := range []string{"late", "late-code", "dead-u", "code-queued-u"} {
		e.holds(e.record(st, id).State == mail.Cancelled && e.record(st, id).To == "", "mail that the change queued: %s", text(e.record(st, id)))
	}
	e.agrees(st, m)
}

func checkForgetNothing(e *env) {
	st := e.open()
	e.persons(st, "u", "w")
	e.seen.emails.add("nobody@example.com")
	before := e.dump(st)
	e.forget(st, accounts.Forget{User: "nobody", Email: "nobody@example.com"}, accounts.Forget{User: "x"}, accounts.Forget{})
	e.unchanged(before, e.dump(st), "forgetting nobody changed something")
	both := accounts.Forget{User: "u", Email: address("u")}
	e.forget(st, both, accounts.Forget{Email: address("u")}, both)
	once := e.dump(st)
	e.forget(st, both)
	e.unchanged(once, e.dump(st), "forgetting a second time changed something")
	got, err := st.Accepting(e.ctx, invites.AcceptingQuery{Account: "a", ID: "u-0", At: forgotten})
	e.ok(err, "Accepting")
	e.holds(got.Invitation.Version == 2, "an invitation that was forgotten four times has version %d, want 2", got.Invitation.Version)
	e.forget(st, accounts.Forget{User: "w"})
	got, err = st.Accepting(e.ctx, invites.AcceptingQuery{Account: "a", ID: "u-0", At: forgotten})
	e.ok(err, "Accepting")
	e.holds(got.Invitation.Version == 2, "forgetting a user without an address touched what has none")
}

func checkForgetHalf(e *env) {
	questions := func(st storage.Storage, kinds ...accounts.HeldKind) string {
		var all [][]accounts.Held
		for _, kind := range kinds {
			q := accounts.HeldQuery{Kind: kind, User: "u", Email: address("u")}
			if kind == accounts.HeldMail {
				q.User = "" // whose codes go with the user
			}
			all = append(all, e.held(st, q))
		}
		means, err := st.Means(e.ctx, accounts.UserKey{ID: "u"})
		e.ok(err, "Means")
		entering, err := st.Entering(e.ctx, access.EnteringQuery{Email: address("u")})
		e.ok(err, "Entering")
		if kinds[0] == accounts.HeldRequest {
			means = accounts.Means{}
		} else {
			entering.Guesses = access.Guesses{}
		}
		return text(all) + text(means.Credential) + text(means.Identities) + text(entering.Guesses)
	}
	ofAddress := []accounts.HeldKind{accounts.HeldRequest, accounts.HeldInvitation, accounts.HeldMail}
	ofUser := []accounts.HeldKind{
		accounts.HeldUser, accounts.HeldIdentity, accounts.HeldCredential, accounts.HeldChallenge, accounts.HeldSession, accounts.HeldView,
	}
	st := e.open()
	e.persons(st, "u", "w")
	before := questions(st, ofAddress...)
	e.forget(st, accounts.Forget{User: "u"})
	e.same(questions(st, ofAddress...), before, "what is kept of an address whose user was forgotten")
	st = e.open()
	e.persons(st, "u", "w")
	before = questions(st, ofUser...)
	e.forget(st, accounts.Forget{Email: address("u")})
	e.same(questions(st, ofUser...), before, "what is kept of a user whose address was forgotten")
	e.noTicket(st, access.TicketQuery{TicketKey: ticketKey("u", token.Reset)}) // it was sent to that address
	elsewhere := ticket("u", token.Reset)
	elsewhere.Email, elsewhere.Address = "else@example.com", "else@example.com"
	e.put(st, elsewhere)
	e.forget(st, accounts.Forget{User: "u", Email: address("w")})
	e.noTicket(st, access.TicketQuery{TicketKey: ticketKey("u", token.Reset)})
	e.same(e.held(st, accounts.HeldQuery{Kind: accounts.HeldMail, Email: address("w")}), []accounts.Held{}, "mail to another address that was forgotten")
}

func checkForgetFails(e *env) {
	st := e.open()
	e.persons(st, "u", "w")
	both := accounts.Forget{User: "u", Email: address("u")}
	before, held := e.dump(st), e.dumpHeld(st)
	e.refused(st, "a change that forgets beside a stale guard", both, accounts.Guard{Account: "a", Version: 7})
	tx := e.begin(st)
	e.ok(apply(e.ctx, tx.Store(), e.change(both, event("joined", 1, "a", forgotten))), "a change in a transaction")
	e.ok(tx.Rollback(), "Rollback")
	e.unchanged(before, e.dump(st), "a change that was rolled back forgot something")
	e.unchanged(held, e.dumpHeld(st), "a change that was rolled back forgot something")
	for _, d := range e.claim(st, minutes(60), all) {
		e.holds(d.Message.Text != "" && d.Message.ToName != "", "a change that failed erased the words of %s", d.Message.ID)
	}
}
