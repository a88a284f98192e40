package storagetest

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/chatelaine-go/chatelaine/access"
	"github.com/chatelaine-go/chatelaine/access/limit"
	"github.com/chatelaine-go/chatelaine/access/token"
	"github.com/chatelaine-go/chatelaine/accounts"
	"github.com/chatelaine-go/chatelaine/mail"
	"github.com/chatelaine-go/chatelaine/roles"
)

// loginServiceChecks run sign-ups, logins, resets and codes from many
// goroutines.
func loginServiceChecks() []check {
	const counted = "no more guesses are ever looked at than are allowed: counting comes before comparing (A31)"
	const once = "a link or a code is good for one effect, however many hold it (A01, I-04)"
	const one = "an address is never two users (A21, I-03)"
	return slices.Concat(
		raced("of many guesses at a password no more are compared than are free", counted, guessMany),
		raced("of many guesses at an address that nobody has as many are answered", "an address that nobody has looks like any other (A28, A31)", guessNobody),
		raced("of many answers to one code as many are judged as are allowed", counted, answerMany),
		raced("of many resets by one link one sets the password", once, resetMany),
		raced("of many sign-ups of one address one makes a user", one, signUpMany),
		raced("of many acts that want a code one uses it", once, stepUpMany),
		raced("of many owners that one code would make one is made", once, stepUpOwners),
	)
}

// knows puts in somebody whose password is counted when it is compared.
func (o *office) knows(id accounts.UserID) accounts.User {
	o.Helper()
	c := credential(string(id))
	c.Hash = tallied + words
	o.settled(person(id), c)
	return person(id)
}

// guessed lets many guess at one address, and returns how many were told that
// it is wrong; all others were told to wait.
func (o *office) guessed(meet meeting, email string) int {
	o.Helper()
	many := crowd()
	at := meet(o, many)
	errs := together(many, func(n int) error {
		in := access.LogIn{Email: email, Password: fmt.Sprint("guess number ", n)}
		_, _, err := at.logins.LogIn(o.ctx, in, access.Device{Source: fmt.Sprintf("192.0.2.%d", n)})
		return err
	})
	o.holds(o.only(errs, limit.ErrLimited, access.ErrCredentials) == 0, "a wrong password opened a session")
	wrong := 0
	for _, err := range errs {
		if errors.Is(err, access.ErrCredentials) {
			wrong++
		}
	}
	canonical, err := accounts.ParseEmail(email)
	o.ok(err, "ParseEmail")
	got, err := o.st.Entering(o.ctx, access.EnteringQuery{Email: canonical, Day: accounts.DayOf(o.clock.Now())})
	o.ok(err, "Entering")
	o.holds(got.Guesses.Count == wrong, "%d guesses are counted, and %d were answered", got.Guesses.Count, wrong)
	return wrong
}

func guessMany(o *office, meet meeting) {
	u := o.knows("ann")
	free := o.rules.Limits().TriesFree
	wrong := o.guessed(meet, u.Address)
	o.holds(wrong == free && o.tally.compared.Load() == int64(free), "%d of many guesses were answered and %d compared, want %d",
		wrong, o.tally.compared.Load(), free)
	o.holds(o.did("ann", access.EventLoginFailed) == free, "%d wrong passwords are on record, want %d", o.did("ann", access.EventLoginFailed), free)

	// Nobody is kept out for good: after the wait the right one opens.
	right := access.LogIn{Email: u.Address, Password: words}
	_, _, err := o.logins.LogIn(o.ctx, right, access.Device{})
	o.is(err, limit.ErrLimited, "the right password before the wait is over")
	o.wait(time.Second)
	_, _, err = o.logins.LogIn(o.ctx, right, access.Device{})
	o.ok(err, "the right password after the wait")
	o.holds(o.tally.compared.Load() == int64(free)+1, "%d passwords were compared, want %d", o.tally.compared.Load(), free+1)
	o.sound()
}

// wait moves the clock.
func (o *office) wait(d time.Duration) { at := o.clock.Now().Add(d); o.clock.at.Store(&at) }

func guessNobody(o *office, meet meeting) {
	wrong := o.guessed(meet, "nobody@example.com")
	o.holds(wrong == o.rules.Limits().TriesFree, "%d of many guesses at nobody's password were answered, want %d", wrong, o.rules.Limits().TriesFree)
}

// confirming puts in somebody who has identity confirmation on.
func (o *office) confirming(id accounts.UserID, rows ...any) {
	o.Helper()
	u := person(id)
	u.Confirms, u.Phone = true, "+34600000001"
	o.settled(append([]any{u}, rows...)...)
}

// passed has somebody asked for a code, and answer it.
func (o *office) passed(by accounts.Actor, in access.Ask) {
	o.Helper()
	page, err := o.codes.Ask(o.ctx, by, in)
	o.ok(err, "Ask")
	o.ok(o.codes.Answer(o.ctx, by, in, page.Reveal(), o.digits(by.User())), "Answer")
}

func answerMany(o *office, meet meeting) {
	o.confirming("ann")
	ann := o.actor("ann")
	in := access.Ask{Action: accounts.EventUserExported}
	page, err := o.codes.Ask(o.ctx, ann, in)
	o.ok(err, "Ask")
	many := crowd()
	at := meet(o, many)
	errs := together(many, func(int) error {
		return at.codes.Answer(o.ctx, ann, in, page.Reveal(), "a guess")
	})
	o.holds(o.only(errs, access.ErrCode, accounts.ErrNotFound) == 0, "a wrong code was right")
	judged := 0
	for _, err := range errs {
		if errors.Is(err, access.ErrCode) {
			judged++
		}
	}
	most := o.rules.Limits().CodeTries
	o.holds(judged == most, "%d of many answers to one code were judged, want %d", judged, most)
	ch, err := o.st.Challenge(o.ctx, accounts.ChallengeKey{User: "ann", Action: in.Action})
	o.ok(err, "Challenge")
	o.holds(ch.Tries == most && ch.PassedAt.IsZero(), "after many answers the challenge is %s", text(ch))
	o.is(o.codes.Answer(o.ctx, ann, in, page.Reveal(), o.digits("ann")), accounts.ErrNotFound, "the right code, too late")
	o.sound()
}

func resetMany(o *office, meet meeting) {
	const many = 12
	u := o.knows("ann")
	o.ok(o.logins.AskReset(o.ctx, u.Address, access.Device{}), "AskReset")
	link := o.link(u.Email, token.Reset)
	at := meet(o, many)
	errs := together(many, func(n int) error {
		_, err := at.logins.ResetPassword(o.ctx, link, fmt.Sprintf("%s %d", others, n))
		return err
	})
	o.holds(o.only(errs, accounts.ErrNotFound) == 1, "%d of %d set a password by one link, want 1", o.only(errs, accounts.ErrNotFound), many)
	m, err := o.st.Means(o.ctx, accounts.UserKey{ID: "ann"})
	o.ok(err, "Means")
	for n, err := range errs {
		match, verr := o.hasher.Verify(o.ctx, m.Credential.Hash, fmt.Sprintf("%s %d", others, n))
		o.ok(verr, "Verify")
		o.holds(match.OK == (err == nil), "the password that is stored is not the winner's")
	}
	o.holds(m.User.Epoch == u.Epoch+1, "one reset moved the epoch from %d to %d", u.Epoch, m.User.Epoch)
	o.holds(o.did("ann", access.EventPasswordReset) == 1, "%d events tell of one reset", o.did("ann", access.EventPasswordReset))
	o.holds(o.mails(u.Email, mail.PasswordChanged) == 1, "%d mails tell of one reset", o.mails(u.Email, mail.PasswordChanged))
	t, err := o.st.Ticket(o.ctx, access.TicketQuery{TicketKey: access.TicketKey{User: "ann", Purpose: token.Reset}})
	o.ok(err, "Ticket")
	o.holds(!t.UsedAt.IsZero(), "a link that was used does not say so")
	o.sound()
}

func signUpMany(o *office, meet meeting) {
	const many = 12
	spelled := []string{"new@example.com", "NEW@example.com", " New@Example.COM "}
	at := meet(o, many)
	users := make([]accounts.User, many)
	errs := together(many, func(n int) (err error) {
		users[n], err = at.logins.SignUp(o.ctx, access.SignUp{
			Email: spelled[n%3], Name: "New", Password: fmt.Sprintf("%s %d", words, n),
		}, access.Device{Source: "192.0.2.1"})
		return err
	})
	o.holds(o.only(errs) == many, "a sign-up was refused: whoever signs up is told the same")
	m, err := o.st.Means(o.ctx, accounts.UserKey{Email: "new@example.com"})
	o.ok(err, "Means")
	o.people = append(o.people, m.User.ID)
	made := 0
	for n, u := range users {
		if u.ID == "" {
			continue
		}
		made++
		match, err := o.hasher.Verify(o.ctx, m.Credential.Hash, fmt.Sprintf("%s %d", words, n))
		o.ok(err, "Verify")
		o.holds(u.ID == m.User.ID && match.OK, "the user that is stored is not the winner's: %s", text(m))
	}
	o.holds(made == 1, "%d of %d sign-ups of one address made a user, want 1", made, many)
	o.holds(o.did(m.User.ID, accounts.EventUserCreated) == 1 && o.did(m.User.ID, access.EventSignUpRepeated) == many-1,
		"%d events tell of users and %d of repeats", o.did(m.User.ID, accounts.EventUserCreated), o.did(m.User.ID, access.EventSignUpRepeated))
	o.holds(o.mails("new@example.com", mail.AddressProof) == 1 && o.mails("new@example.com", mail.SignUpKnown) == many-1,
		"%d mails hold a link and %d tell of a login", o.mails("new@example.com", mail.AddressProof), o.mails("new@example.com", mail.SignUpKnown))
	o.sound()
}

// Nothing but the code is written twice by these acts, so nothing else can keep
// the second one out.
func stepUpMany(o *office, meet meeting) {
	const many = 12
	o.confirming("ann")
	ann := o.actor("ann")
	o.passed(ann, access.Ask{Action: accounts.EventUserExported})
	at := meet(o, many)
	errs := together(many, func(int) error {
		return at.graph.ExportUser(o.ctx, ann, "ann", func(accounts.HeldKind, any) error { return nil })
	})
	o.holds(o.only(errs, accounts.ErrStepUp) == 1, "%d of %d acted with one code, want 1", o.only(errs, accounts.ErrStepUp), many)
	o.holds(o.did("ann", accounts.EventUserExported) == 1, "%d events tell of one act", o.did("ann", accounts.EventUserExported))
	ch, err := o.st.Challenge(o.ctx, accounts.ChallengeKey{User: "ann", Action: accounts.EventUserExported})
	o.ok(err, "Challenge")
	o.holds(!ch.UsedAt.IsZero(), "a code that was used does not say so")
	o.sound()
}

func stepUpOwners(o *office, meet meeting) {
	const many = 6
	rows := []any{account("realm"), member("realm", "ann", roles.Owner)}
	for n := range many {
		id := fmt.Sprint("heir-", n)
		rows = append(rows, person(accounts.UserID(id)), member("realm", id, roles.Admin))
	}
	o.confirming("ann", rows...)
	ann := o.actor("ann")
	o.passed(ann, access.Ask{Action: accounts.EventMemberRoleChanged, Account: "realm"})
	at := meet(o, many)
	errs := together(many, func(n int) error {
		return at.graph.ChangeRole(o.ctx, ann, "realm", accounts.UserID(fmt.Sprint("heir-", n)), roles.Owner)
	})
	o.holds(o.only(errs, accounts.ErrStepUp) == 1, "one code made %d owners, want 1", o.only(errs, accounts.ErrStepUp))
	owners, err := o.st.Owners(o.ctx, "realm", roles.Owner)
	o.ok(err, "Owners")
	o.holds(len(owners) == 2, "after one code there are %d owners, want 2", len(owners))
	o.sound()
}
