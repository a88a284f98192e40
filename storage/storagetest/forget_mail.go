package storagetest

import (
	"github.com/chatelaine-go/chatelaine/accounts"
	"github.com/chatelaine-go/chatelaine/mail"
	"github.com/chatelaine-go/chatelaine/storage"
)

// codes puts text messages about somebody's login into a store, in every state,
// and returns the delivery of the one that is leased.
func (e *env) codes(st storage.Storage, user string) []mail.Delivery {
	e.Helper()
	e.put(st, code("code-sent-"+user, user), code("code-dead-"+user, user), code("code-back-"+user, user), code("code-cancelled-"+user, user))
	for _, d := range e.claimOn(st, mail.SMS, start, all) {
		switch d.Message.ID {
		case "code-sent-" + user, "code-back-" + user:
			e.settle(st, d, mail.Outcome{State: mail.Sent, At: minutes(1)})
		case "code-dead-" + user:
			e.settle(st, d, mail.Outcome{State: mail.Dead, At: minutes(1), Error: "refused"})
		}
	}
	e.put(st, code("", user).Reason+mail.Reason("code-cancelled-"+user), mail.Bounce{ID: "code-back-" + user, At: minutes(2), Error: "no such phone"})
	e.put(st, code("code-leased-"+user, user))
	leased := e.claimOn(st, mail.SMS, start, 1)
	e.put(st, code("code-queued-"+user, user))
	return leased
}

// forgotCodes asks what is left of the text messages about a login that was
// forgotten.
func (e *env) forgotCodes(st storage.Storage, want []mail.Record, leased mail.Delivery) {
	e.Helper()
	var ids []string
	for _, r := range want {
		ids = append(ids, r.ID)
		r.To, r.Error = "", ""
		if r.State == mail.Queued || r.State == mail.Dead {
			r.State, r.SettledAt = mail.Cancelled, forgotten
		}
		e.same(e.record(st, r.ID), r, "the message %s about a login that was forgotten", r.ID)
	}
	e.fenced(st, leased, "of a message about a login that was forgotten")
	n, err := st.RequeueMail(e.ctx, ids, minutes(30))
	e.ok(err, "RequeueMail")
	e.holds(n == 0, "%d messages about a login that was forgotten came back", n)
	var left []string
	for _, d := range e.claimOn(st, mail.SMS, minutes(60), all) {
		left = append(left, d.Message.ID)
		e.same(says(d.Message), says(code(d.Message.ID, "w")), "the words of a message about another's login")
	}
	e.same(left, []string{"code-leased-w", "code-queued-w"}, "the text messages that are left to send")
}

// checkForgetMail has mail in every state for a user, to an address that was
// theirs once, and mail of others that looks like it.
func checkForgetMail(e *env) {
	st := e.open()
	const former = "former@example.com"
	states := []string{"sent", "dead", "back", "cancelled", "leased", "queued"}
	users := []string{"u", "U", "uu", "", "w"}
	of := func(state, user string) mail.Message {
		m := letter(state+"-of-"+user, mail.ReasonFor("account", "agency", state, user))
		if m.To, m.User = former, user; user == "" {
			m.Reason = code("", "u").Reason + mail.Reason(state) // about a login, and nobody's
		}
		return m
	}
	e.put(st, user("u"), user("w"))
	var leased, theirs []mail.Delivery
	for _, state := range states {
		for _, id := range users {
			e.put(st, of(state, id))
		}
		if state == "queued" {
			break
		}
		for _, d := range e.claim(st, start, all) {
			switch state {
			case "sent", "back":
				e.settle(st, d, mail.Outcome{State: mail.Sent, At: minutes(1)})
			case "dead":
				e.settle(st, d, mail.Outcome{State: mail.Dead, At: minutes(1), Error: "550 no " + former})
			case "leased":
				if leased = append(leased, d); d.Message.User != "u" {
					theirs = append(theirs, d)
				}
			}
			if state == "back" {
				e.put(st, mail.Bounce{ID: d.Message.ID, At: minutes(2), Error: "550 no " + former})
			}
		}
		for _, id := range users {
			if state == "cancelled" {
				e.put(st, of(state, id).Reason)
			}
		}
	}
	var want []mail.Record
	before, err := st.Mails(e.ctx, mail.Query{})
	e.ok(err, "Mails")
	e.holds(len(before) == len(states)*len(users), "the fixture has %d messages, want %d", len(before), len(states)*len(users))
	for _, r := range before {
		if len(r.ID) > 5 && r.ID[len(r.ID)-5:] == "-of-u" {
			r.To, r.Error = "", ""
			if r.State == mail.Queued || r.State == mail.Dead {
				r.State, r.SettledAt = mail.Cancelled, forgotten
			}
		}
		want = append(want, r)
	}
	e.forget(st, accounts.Forget{User: "u"})
	got, err := st.Mails(e.ctx, mail.Query{})
	e.ok(err, "Mails")
	e.same(got, want, "the mail after a user was forgotten")
	e.same(e.held(st, accounts.HeldQuery{Kind: accounts.HeldMail, User: "u"}), []accounts.Held{}, "mail of a user who was forgotten")
	for _, d := range leased {
		if d.Message.User == "u" {
			e.fenced(st, d, "of a user who was forgotten")
		}
	}
	for _, d := range theirs {
		e.settle(st, d, mail.Outcome{State: mail.Sent, At: minutes(30)})
	}
	e.same(ids(e.claim(st, minutes(60), all)), []string{"queued-of-", "queued-of-U", "queued-of-uu", "queued-of-w"}, "the mail that is left to send")
	e.forget(st, accounts.Forget{Email: former}, accounts.Forget{User: "nobody"})
	for _, id := range users[1:] {
		e.same(e.held(st, accounts.HeldQuery{Kind: accounts.HeldMail, User: accounts.UserID(id)}), []accounts.Held{},
			"mail of %q, whose only address was forgotten: it names nobody any more", id)
	}
}
