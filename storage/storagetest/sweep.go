package storagetest

import (
	"slices"
	"time"

	"github.com/chatelaine-go/chatelaine/access"
	"github.com/chatelaine-go/chatelaine/access/token"
	"github.com/chatelaine-go/chatelaine/accounts"
	"github.com/chatelaine-go/chatelaine/invites"
	"github.com/chatelaine-go/chatelaine/mail"
	"github.com/chatelaine-go/chatelaine/storage"
)

// sweepChecks prove that a sweep erases what it says, and decides nothing.
func sweepChecks() []check {
	const only = "what a sweep erases beyond what it says is lost for good; the audit must stay (A76)"
	return []check{
		{"a sweep erases the kinds it is told, up to their moments, and nothing else", only, checkSweep},
		{"a sweep without moments erases nothing", only, checkSweepNothing},
		{"a sweep stops at its limit, and goes on with the next call", "a sweep must not hold up the work", checkSweepLimit},
		{"the texts of dead mail past its time are blanked", "a link that nobody needs must not lie about (A92)", checkSweepTexts},
		{
			"queued mail past its time that nobody is sending is given up by a sweep, and says nothing any more",
			"a queue that no dispatcher serves must not keep phones and codes for ever (A92, I-26)", checkSweepLate,
		},
		{
			"tickets, challenges and guesses are erased when their time is strictly over, used or not",
			"one that is erased early lets in again, or counts from nothing (A31)", checkSweepLogins,
		},
		{
			"counters of every kind are erased with their day",
			"a counter tells what somebody did, and to whom; once its day is over no rule needs it (A76)", checkSweepCounters,
		},
		{
			"views are erased once they ended or expired strictly before, opened or not",
			"a view that is erased early is a session that ends by a sweep (A67)", checkSweepViews,
		},
		{"addresses and user agents are blanked, and their sessions live on", "nobody is logged out by a sweep", checkSweepSources},
	}
}

// swept is one row of each kind that a sweep can erase, of which the moment is
// given.
func (e *env) swept(st storage.Storage, id string, at time.Time) {
	e.Helper()
	s := session(id, "u")
	s.CreatedAt, s.AuthAt, s.SeenAt, s.Source, s.UserAgent = at, at, at, "192.0.2.1", "Browser"
	r := reply("user/u", "a", id)
	r.CreatedAt, r.ExpiresAt = at.Add(-time.Hour), at
	spent := accounts.Spend{
		QuotaKey: accounts.QuotaKey{Kind: accounts.QuotaRequests, Subject: "a", Day: accounts.DayOf(at)}, N: 1, Limit: 35,
	}
	t, c, g := ticket("u", token.Purpose(id)), challenge("u", id), guesses(address(id))
	t.CreatedAt, c.CreatedAt, t.ExpiresAt, c.ExpiresAt, g.LastAt = at.Add(-time.Hour), at.Add(-time.Hour), at, at, at
	v := view(id, "a", "seen", "u")
	v.ExpiresAt = at
	e.put(st, s, r, spent, t, c, g, v, letter("sent-"+id, "r"), letter("dead-"+id, "r"))
	for _, d := range e.claim(st, start, all) {
		state := mail.Sent
		if d.Message.ID == "dead-"+id {
			state = mail.Dead
		}
		e.settle(st, d, mail.Outcome{State: state, At: at})
	}
}

func days(n int) time.Time { return start.AddDate(0, 0, n) }

// sweptFixture has rows of four days, and some that no sweep may touch.
func (e *env) sweptFixture() storage.Storage {
	st := e.open()
	e.put(st, user("u"), account("a"), record("a", "seen"), event("audited", 1, "a", days(-99)))
	for n := range 4 {
		e.swept(st, string(rune('a'+n)), days(n))
	}
	e.put(st, letter("queued", "r"))
	return st
}

// left tells what of the swept rows is there.
func (e *env) left(st storage.Storage) map[string][]string {
	e.Helper()
	got := map[string][]string{}
	for n := range 4 {
		id := string(rune('a' + n))
		s, err := st.Session(e.ctx, access.SessionKey{ID: accounts.SessionID(id)})
		if err == nil {
			got["sessions"] = append(got["sessions"], id)
			if s.Source != "" && s.UserAgent != "" {
				got["sources"] = append(got["sources"], id)
			}
		}
		if _, err := st.Viewing(e.ctx, access.ViewKey{ID: accounts.ViewID(id)}); err == nil {
			got["views"] = append(got["views"], id)
		}
		if _, err := st.Reply(e.ctx, reply("user/u", "a", id).ReplyKey); err == nil {
			got["replies"] = append(got["replies"], id)
		}
		if _, err := st.Ticket(e.ctx, access.TicketQuery{TicketKey: ticketKey("u", token.Purpose(id))}); err == nil {
			got["tickets"] = append(got["tickets"], id)
		}
		c, err := st.Challenge(e.ctx, challengeKey("u", id))
		e.ok(err, "Challenge")
		if c.Version > 0 {
			got["challenges"] = append(got["challenges"], id)
		}
		tries, err := st.Entering(e.ctx, access.EnteringQuery{Email: address(id)})
		e.ok(err, "Entering")
		if tries.Guesses.Version > 0 {
			got["guesses"] = append(got["guesses"], id)
		}
		d, err := st.Drafting(e.ctx, access.DraftingQuery{Agency: "a", Day: accounts.DayOf(days(n))})
		e.ok(err, "Drafting")
		if d.Used > 0 {
			got["quotas"] = append(got["quotas"], id)
		}
	}
	list, err := st.Mails(e.ctx, mail.Query{})
	e.ok(err, "Mails")
	for _, r := range list {
		got["mail"] = append(got["mail"], r.ID)
	}
	return got
}

func (e *env) sweep(st storage.Storage, before storage.SweepBefore, limit int) int {
	e.Helper()
	n, err := st.Sweep(e.ctx, before, limit)
	e.ok(err, "Sweep")
	return n
}

func checkSweep(e *env) {
	abcd := []string{"a", "b", "c", "d"}
	letters := []string{"dead-a", "dead-b", "dead-c", "dead-d", "queued", "sent-a", "sent-b", "sent-c", "sent-d"}
	for _, x := range []struct {
		kind   string
		before storage.SweepBefore
		n      int
		left   []string
	}{
		{"sessions", storage.SweepBefore{Sessions: days(2)}, 2, abcd[2:]},
		{"sources", storage.SweepBefore{Sources: days(2)}, 2, abcd[2:]},
		{"views", storage.SweepBefore{Views: days(2)}, 2, abcd[2:]},
		{"replies", storage.SweepBefore{Replies: days(2)}, 2, abcd[2:]},
		{"quotas", storage.SweepBefore{Quotas: accounts.DayOf(days(2))}, 2, abcd[2:]},
		{"tickets", storage.SweepBefore{Tickets: days(2)}, 4, abcd[2:]}, // and challenges
		{"guesses", storage.SweepBefore{Guesses: days(2)}, 2, abcd[2:]},
		{"mail", storage.SweepBefore{Mail: days(2)}, 4, []string{"dead-c", "dead-d", "queued", "sent-c", "sent-d"}},
	} {
		st := e.sweptFixture()
		before := e.dump(st)
		n := e.sweep(st, x.before, 0)
		e.holds(n == x.n, "sweeping %s returned %d, want %d", x.kind, n, x.n)
		got := e.left(st)
		for kind, whole := range map[string][]string{
			"sessions": abcd, "sources": abcd, "replies": abcd, "quotas": abcd, "mail": letters,
			"tickets": abcd, "challenges": abcd, "guesses": abcd, "views": abcd,
		} {
			switch {
			case kind == x.kind:
				whole = x.left
			case kind == "sources" && x.kind == "sessions", kind == "challenges" && x.kind == "tickets":
				whole = x.left
			}
			e.same(got[kind], whole, "%s that are left after sweeping %s up to a moment: what is of that moment stays", kind, x.kind)
		}
		e.holds(e.sweep(st, x.before, 0) == 0, "sweeping %s a second time found more", x.kind)
		after := map[string]string{}
		for _, a := range e.dump(st) {
			after[a.question] = a.got
		}
		for _, a := range before { // the graph and the audit answer as before
			kept := slices.ContainsFunc([]string{"Means(", "User(", "Account(", "Reach(", "Standings(", "Events(", "Applied("}, func(p string) bool {
				return len(a.question) > len(p) && a.question[:len(p)] == p
			})
			e.holds(!kept || after[a.question] == a.got, "sweeping %s changed %s", x.kind, a.question)
		}
	}
}

func checkSweepCounters(e *env) {
	st := e.open()
	kinds := []accounts.QuotaKind{
		accounts.QuotaRequests, accounts.QuotaRecipient, accounts.QuotaResends, accounts.QuotaInvitations, accounts.QuotaLinks,
		accounts.QuotaAsks, accounts.QuotaSource, accounts.QuotaCodes, accounts.QuotaSetupMails,
	}
	var rows []any
	var keys []accounts.QuotaKey
	for _, kind := range kinds {
		past, today := quota(kind, "u"), quota(kind, "u")
		past.Day--
		for _, key := range []accounts.QuotaKey{past, today} {
			keys, rows = append(keys, key), append(rows, accounts.Spend{QuotaKey: key, N: 1, Limit: 1})
		}
	}
	e.put(st, rows...)
	n := e.sweep(st, storage.SweepBefore{Quotas: accounts.DayOf(start)}, 0)
	e.holds(n == len(kinds), "a sweep erased %d counters of a day that is over, want %d", n, len(kinds))
	for i, key := range keys {
		used, err := st.Spent(e.ctx, key)
		e.ok(err, "Spent")
		e.holds(used == i%2, "after a sweep the counter %s says %d, want %d", text(key), used, i%2)
	}
}

func checkSweepNothing(e *env) {
	st := e.sweptFixture()
	before := e.dump(st)
	e.holds(e.sweep(st, storage.SweepBefore{}, 0) == 0, "a sweep without moments erased rows")
	e.unchanged(before, e.dump(st), "a sweep without moments changed something")
	ended := session("ended", "u")
	ended.CreatedAt, ended.EndedAt = days(-9), days(-8)
	e.put(st, ended)
	e.holds(e.sweep(st, storage.SweepBefore{Sessions: days(-20)}, 0) == 0, "a sweep erased a session that ended after its moment")
	e.holds(e.sweep(st, storage.SweepBefore{Sessions: days(-1)}, 0) == 1, "a sweep left a session that ended before its moment")
}

func checkSweepLimit(e *env) {
	st := e.sweptFixture()
	far := days(100)
	before := storage.SweepBefore{
		Sessions: far, Sources: far, Views: far, Replies: far, Tickets: far, Guesses: far, Quotas: accounts.DayOf(far), Mail: far,
	}
	sum := 0
	for {
		n := e.sweep(st, before, 3)
		e.holds(n <= 3, "a sweep of at most 3 rows erased %d", n)
		if n == 0 {
			break
		}
		sum += n
		e.holds(sum < 100, "a sweep never ends")
	}
	got := e.left(st)
	e.same(got["mail"], []string{"queued"}, "mail that is left")
	for _, kind := range []string{"sessions", "views", "replies", "quotas", "tickets", "challenges", "guesses"} {
		e.same(got[kind], nil, "%s that are left", kind)
	}
	e.holds(sum >= 36 && sum <= 40, "%d rows were swept, want 36, and at most 40 with sessions that were blanked first", sum)
	events, err := st.Events(e.ctx, accounts.EventQuery{Account: "a", Limit: all})
	e.ok(err, "Events")
	e.holds(len(events) == 1, "a sweep erased from the audit")
}

func checkSweepSources(e *env) {
	st := e.sweptFixture()
	before, err := st.Session(e.ctx, access.SessionKey{ID: "a"})
	e.ok(err, "Session")
	e.holds(e.sweep(st, storage.SweepBefore{Sources: days(1)}, 0) == 1, "one session's source is to be blanked")
	want := before
	want.Source, want.UserAgent = "", ""
	got, err := st.Session(e.ctx, access.SessionKey{ID: "a"})
	e.ok(err, "Session")
	e.same(got, want, "the session after its source was blanked, with the same version")
	want.Hash = hash("rotated")
	e.put(st, want)
	a, err := st.Admission(e.ctx, hash("rotated"), "a")
	e.ok(err, "Admission")
	e.holds(a.Session.ID == "a", "a session whose source was blanked does not count any more")
}

func checkSweepTexts(e *env) {
	st := e.open()
	var rows []any
	for id, m := range onlyOne() {
		m.NotAfter = minutes(10)
		rows = append(rows, m, again(id))
	}
	for i, id := range []string{"kept", "past", "young"} {
		m := letter(id, "r")
		if i > 0 {
			m.NotAfter = minutes(10 * i)
		}
		rows = append(rows, m, again(id))
	}
	e.put(st, rows...)
	for _, d := range e.claim(st, start, all) {
		e.settle(st, d, mail.Outcome{State: mail.Dead, At: minutes(1)})
	}
	n, err := st.Sweep(e.ctx, storage.SweepBefore{Texts: minutes(10)}, 0)
	e.ok(err, "Sweep")
	e.holds(n == 5, "a sweep of texts touched %d messages, want 5", n)
	n, err = st.Sweep(e.ctx, storage.SweepBefore{Texts: minutes(10)}, 0)
	e.ok(err, "Sweep")
	e.holds(n == 0, "a second sweep of texts touched %d messages, want none", n)
	// Nothing shows the words of a dead message, so they are sent again, as if
	// no time had passed.
	e.put(st, slices.DeleteFunc(rows, func(row any) bool { _, is := row.(mail.Message); return is })...)
	left := e.claim(st, start, all)
	e.holds(len(left) == 7, "%d of 7 messages were queued again", len(left))
	for _, d := range left {
		if d.Message.ID == "kept" || d.Message.ID == "young" {
			e.same(says(d.Message), says(letter(d.Message.ID, "r")), "the words of %s after the sweep", d.Message.ID)
		} else {
			e.same(says(d.Message), mail.Message{}, "the words of %s after the sweep", d.Message.ID)
		}
	}
}

func checkSweepLate(e *env) {
	st := e.open()
	texts := func(at time.Time, limit int) int { return e.sweep(st, storage.SweepBefore{Texts: at}, limit) }
	until := func(id string, end time.Time) mail.Message {
		m := code(id, "u")
		m.NotAfter = end
		return m
	}
	early := until("before-it-is-due", minutes(5))
	early.Due = minutes(50)
	plain := letter("plain", "r")
	plain.Erase()
	plain.NotAfter = minutes(10)
	e.put(st, until("leased", minutes(10)), until("free", minutes(10)), until("tried", minutes(10)))
	held := map[string]mail.Delivery{}
	for _, d := range e.claimOn(st, mail.SMS, start, all) { // for ten minutes
		held[d.Message.ID] = d
	}
	e.settle(st, held["tried"], mail.Outcome{State: mail.Queued, At: minutes(1), Next: minutes(2), Error: "busy"})
	e.put(st, until("waits", minutes(10)), until("young", minutes(10).Add(time.Microsecond)), code("for-ever", "u"), early, plain)
	var before []mail.Record
	for _, id := range []string{"before-it-is-due", "free", "leased", "plain", "tried", "waits"} {
		before = append(before, e.record(st, id))
	}
	e.holds(texts(minutes(5).Add(-time.Microsecond), 0) == 0, "a sweep gave up mail before its time was over")
	e.holds(texts(minutes(9), 0) == 1, "a sweep left what was over, due or not")
	left := e.dump(st)
	e.holds(texts(minutes(9), 0) == 0, "a second sweep found more")
	e.unchanged(left, e.dump(st), "a second sweep changed something")

	late := minutes(10)
	e.settle(st, held["free"], mail.Outcome{State: mail.Queued, At: minutes(3), Next: minutes(4), Untried: true})
	first := until("taken", late)
	first.Priority = mail.Awaited
	e.put(st, first)
	taken := e.claimOn(st, mail.SMS, minutes(5), 1) // until minute 15
	e.holds(len(taken) == 1 && taken[0].Message.ID == "taken", "the message that is due first is %s", text(taken))
	e.holds(texts(late, 2) == 2, "a sweep of at most two")
	e.holds(texts(late, 0) == 3, "what the sweep left for the next call")
	for _, was := range before {
		was.State, was.SettledAt, was.Error = mail.Dead, late, storage.TooLate
		if was.ID == "before-it-is-due" {
			was.SettledAt = minutes(9)
		}
		if was.ID == "free" {
			was.Attempts, was.Due = 0, minutes(4)
		}
		e.same(e.record(st, was.ID), was, "the record of a message that a sweep gave up")
	}
	e.fenced(st, held["leased"], "whose lease was over when a sweep gave it up")
	for _, id := range []string{"taken", "young", "for-ever"} {
		e.holds(e.record(st, id).State == mail.Queued, "a sweep gave up %s", text(e.record(st, id)))
	}
	e.settle(st, taken[0], mail.Outcome{State: mail.Sent, At: minutes(11)})
	// Nothing shows the words of dead mail, so it is queued again, as of before.
	n, err := st.RequeueMail(e.ctx, []string{"free", "leased", "plain", "tried", "waits"}, minutes(6))
	e.ok(err, "RequeueMail")
	e.holds(n == 5, "%d messages were queued again as of before their time was over, want 5", n)
	e.fenced(st, held["leased"], "that a sweep gave up, and that was queued again")
	for _, d := range append(e.claimOn(st, mail.SMS, minutes(6), all), e.claim(st, minutes(6), all)...) {
		if d.Message.ID != "young" && d.Message.ID != "for-ever" {
			e.same(says(d.Message), mail.Message{}, "the words of %s after the sweep", d.Message.ID)
			n--
		}
	}
	e.holds(n == 0, "%d messages that were queued again are not due", n)
	e.holds(texts(days(1), 0) == 6, "a sweep when every lease is over takes all but what has no end")
	e.holds(e.sweep(st, storage.SweepBefore{Mail: days(2)}, 0) == 8, "a sweep of settled mail takes what a sweep gave up")
}

func checkSweepLogins(e *env) {
	st := e.open()
	t, c, g := ticket("u", token.Reset), challenge("u", "a"), guesses(address("u"))
	t.ExpiresAt, c.ExpiresAt, g.LastAt = minutes(10), minutes(10), minutes(10)
	t.UsedAt, c.PassedAt, c.UsedAt = minutes(1), minutes(1), minutes(2)
	waiting := invitation("a", "i", "to@example.com", "u")
	waiting.ExpiresAt = minutes(1)
	e.put(st, user("u"), account("a"), manages("a", "u"), t, c, g)
	e.put(st, waiting)
	tickets := func(at time.Time) int { return e.sweep(st, storage.SweepBefore{Tickets: at}, 0) }
	guessed := func(at time.Time) int { return e.sweep(st, storage.SweepBefore{Guesses: at}, 0) }
	before := e.dump(st)
	for _, at := range []time.Time{start, minutes(10)} {
		e.holds(tickets(at) == 0, "a sweep of tickets and challenges erased before their time was over")
		e.holds(guessed(at) == 0, "a sweep of guesses erased what was counted at its moment")
	}
	e.unchanged(before, e.dump(st), "a sweep that erased nothing changed something")
	e.holds(guessed(minutes(10).Add(time.Microsecond)) == 1, "a sweep left guesses from before its moment")
	e.holds(tickets(minutes(10).Add(time.Microsecond)) == 2, "a sweep left a ticket or a challenge from before its moment")
	g.Count = 1
	e.put(st, t, c, g) // as if they had never been: version 0 inserts
	got, err := st.Accepting(e.ctx, invites.AcceptingQuery{Account: "a", ID: "i", At: days(99)})
	e.ok(err, "Accepting")
	e.holds(got.Invitation.Version == 1, "a sweep took an invitation, which stays listed: %s", text(got.Invitation))
}
