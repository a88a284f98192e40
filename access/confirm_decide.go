package access

import (
	"crypto/sha256"
	"crypto/subtle"
	"fmt"

	"github.com/chatelaine-go/chatelaine/access/token"
	"github.com/chatelaine-go/chatelaine/accounts"
	"github.com/chatelaine-go/chatelaine/mail"
)

// codeHash is what is kept of a code: it goes with the secret of the page that
// asked, which is not kept, so that six digits cannot be guessed from a copy of
// the database. It goes with the phone number that the user has, too: once that
// is another, no code of before fits, neither one that was sent to the old
// number nor one that would replace the new number unasked.
func codeHash(secret token.Hash, digits, phone string) [32]byte {
	return sha256.Sum256(fmt.Appendf(nil, "%x\n%q\n%q", secret, digits, phone))
}

// askCode decides whether a code is sent before an action. The challenge takes
// the place of the one before.
func askCode(op accounts.Operation, u accounts.User, old accounts.Challenge, to string, spent int, digits string, hash [32]byte) (Change, error) {
	q := accounts.Quota{
		Key:  accounts.QuotaKey{Kind: accounts.QuotaCodes, Subject: string(u.ID), Day: accounts.DayOf(op.At)},
		Used: spent, Limit: op.Rules.Limits.CodesPerDay,
	}
	if q.Left() == 0 {
		return Change{}, q.Err()
	}
	c := Change{Change: op.Relying()}
	c.Spend = []accounts.Spend{q.Spend(1)}
	c.Challenges = append(c.Challenges, accounts.Challenge{
		ChallengeKey: old.ChallengeKey, Version: old.Version, Epoch: u.Epoch, Hash: hash, To: to,
		CreatedAt: op.At, ExpiresAt: op.At.Add(op.Rules.Limits.CodeTTL),
	})
	// Action and account stay out of the record: they are the asker's words
	// alone, and nobody writes what they like into an audit.
	op.Record(&c.Change, accounts.Event{Kind: EventCodeAsked, User: u.ID})
	// The code of before is worth nothing now.
	reason := codeReason(old.ChallengeKey)
	c.CancelMail = []mail.Reason{reason}
	proven := ""
	if u.Proven {
		proven = string(u.Email) // for a host that writes there instead
	}
	err := op.Write(&c.Change, accounts.Letter{
		Kind: mail.Code, Channel: mail.SMS, Phone: to, To: accounts.Contact{User: u.ID, Locale: u.Locale}, Reason: reason, Priority: mail.Awaited,
		NotAfter: c.Challenges[0].ExpiresAt,
		Data:     mail.Data{Code: digits, Address: proven, ExpiresAt: c.Challenges[0].ExpiresAt},
	})
	return c, err
}

// codesReason is why codes are sent to a user's phone. What ends all of the
// user's logins takes them back, and so does another phone.
func codesReason(user accounts.UserID) mail.Reason {
	return mail.ReasonFor("login", string(user), "code")
}

// sessionReason is why codes are sent for what is done with a session. Its end
// takes them back.
func sessionReason(s Session) mail.Reason {
	return mail.ReasonFor("login", string(s.User), "code", string(s.ID))
}

// codeReason is why a code is sent. The next one takes its place.
func codeReason(k accounts.ChallengeKey) mail.Reason {
	return mail.ReasonFor("login", string(k.User), "code", string(k.Session), string(k.Action), string(k.Account))
}

// answerCode decides what an answer to a challenge does. The answer is counted
// and judged in one change, and nobody learns the judgement before the count is
// durable. Left is how often a wrong answer may be followed by another.
func answerCode(op accounts.Operation, u accounts.User, ch accounts.Challenge, hash [32]byte) (c Change, left int, err error) {
	if ch.Epoch != u.Epoch || !ch.Open(op.At, op.Rules.Limits.CodeTries) {
		return Change{}, 0, accounts.ErrNotFound
	}
	if ch.Action == EventConfirmationOn {
		if err := hasProven(u); err != nil {
			return Change{}, 0, err
		}
	}
	right := subtle.ConstantTimeCompare(ch.Hash[:], hash[:]) == 1
	ch.Tries++
	c = Change{Change: op.Relying()}
	kind := EventCodeFailed
	if right {
		ch.PassedAt, kind = op.At, EventCodePassed
	}
	c.Challenges = []accounts.Challenge{ch}
	op.Record(&c.Change, accounts.Event{Kind: kind, User: u.ID})
	if !right {
		return c, op.Rules.Limits.CodeTries - ch.Tries, nil
	}
	if ch.Action != EventConfirmationOn {
		return c, 0, nil
	}
	// The phone is verified by the code that went there, and the same change
	// turns identity confirmation on.
	c.Challenges[0].UsedAt = op.At
	u.Confirms, u.Phone, u.UpdatedAt = true, ch.To, op.At
	c.Users = []accounts.User{u}
	c.CancelMail = []mail.Reason{codesReason(u.ID)} // none fits any more; see codeHash
	op.Record(&c.Change, accounts.Event{Kind: EventConfirmationOn, User: u.ID})
	err = op.Write(&c.Change, ownLetter(mail.ConfirmationOn, u, "", mail.Data{}))
	return c, 0, err
}

// mayTurnOn decides whether the acting user may turn identity confirmation on:
// with a fresh login, once their details are confirmed.
func mayTurnOn(op accounts.Operation, u accounts.User) error {
	if err := hasProven(u); err != nil {
		return err
	}
	// Another number for somebody who has one wants a code to that one.
	return op.Fresh(u.UserState, EventConfirmationOff, "")
}

// hasProven refuses a user whose address may be somebody else's.
func hasProven(u accounts.User) error {
	if u.Email == "" || !u.Proven {
		return &accounts.InvalidError{Field: "user", Reason: "has not proven their address; prove it first"}
	}
	return nil
}

// turnOff decides whether identity confirmation ends: by the user, with a code,
// or by an operator for somebody who has lost their phone.
func turnOff(op accounts.Operation, u accounts.User) (Change, error) {
	if !op.Actor.IsOperator() {
		if err := op.Self(u.UserState); err != nil {
			return Change{}, err
		}
	}
	if !u.Confirms {
		return Change{}, nil
	}
	c := Change{Change: op.Relying()}
	if !op.Actor.IsOperator() {
		if err := op.Confirmed(u.UserState, EventConfirmationOff, ""); err != nil {
			return Change{}, err
		}
	}
	u.Confirms, u.Phone, u.UpdatedAt = false, "", op.At
	c.Users = []accounts.User{u}
	c.CancelMail = []mail.Reason{codesReason(u.ID)}
	op.Record(&c.Change, accounts.Event{Kind: EventConfirmationOff, User: u.ID})
	err := op.Write(&c.Change, ownLetter(mail.ConfirmationOff, u, "", mail.Data{}))
	return c, err
}
