package access_test

import (
	"fmt"
	"strings"

	"github.com/chatelaine-go/chatelaine/mail"
)

// letterRule is what holds for all mail of a kind.
type letterRule struct {
	reason  string // how its reason begins; "": it has none
	account bool   // it is sent on behalf of an account
	ends    bool   // it has a link or a code that expires
}

// letterRules are those of the kinds that this package writes.
var letterRules = map[string]letterRule{
	mail.AccessRequested: {"account/", true, true}, mail.AccessApproved: {"account/", true, false}, mail.AccessDeclined: {"account/", true, false},
	mail.ProgrammeLeft: {"", true, false}, mail.NoLogin: {"login", false, false},
	mail.AddressProof: {"login/", false, true}, mail.AddressChange: {"login/", false, true}, mail.PasswordReset: {"login/", false, true},
	mail.Code: {"login/", false, true}, mail.AddressChangeAsked: {"login/", false, false}, mail.AddressChanged: {"login/", false, false},
	mail.PasswordChanged: {"login/", false, false}, mail.LoginElsewhere: {"login/", false, false}, mail.SignUpKnown: {"login/", false, false},
	mail.IdentityLinked: {"login/", false, false}, mail.IdentityUnlinked: {"login/", false, false},
	mail.ConfirmationOn: {"login/", false, false}, mail.ConfirmationOff: {"login/", false, false},
}

// soundLetter reports what is wrong with a message that a change carries: every test of
// this package asks it of every message. What it says is what its template makes of
// its data, in its language; it goes where its kind goes, for the account that it is
// sent for; and what expires is awaited, and not sent later.
func soundLetter(m mail.Message) error {
	rule, ok := letterRules[m.Kind]
	bad := func(what string) error { return fmt.Errorf("%s %s: %s", m.Kind, m.ID, what) }
	if len(m.Sealed) > 0 {
		return nil // and nothing of it can be read
	}
	subject, text, err := templates().Render(m.Kind, m.Locale, m.Data)
	switch {
	case !ok:
		return bad("nobody says what holds for it")
	case err != nil:
		return err
	case m.Subject != subject || m.Text != text:
		return bad("it does not say what its data says")
	case m.HTML != "":
		return bad("its page is made when it is sent")
	case (m.Channel == mail.SMS) != (m.Kind == mail.Code), m.Channel == "":
		return bad("wrong channel")
	case (m.Channel == mail.SMS) != strings.HasPrefix(m.To, "+"):
		return bad("no recipient of its channel")
	case (m.Account != "") != rule.account:
		return bad("wrong account")
	case !strings.HasPrefix(string(m.Reason), rule.reason) || (m.Reason == "") != (rule.reason == ""):
		return bad("wrong reason")
	case m.NotAfter.IsZero() == rule.ends, !m.NotAfter.Equal(m.Data.ExpiresAt), (m.Priority == mail.Awaited) != rule.ends:
		return bad("it is sent too late")
	case !m.Data.At.Equal(m.CreatedAt), !m.Due.Equal(m.CreatedAt), m.Data.Product == "":
		return bad("not of its moment")
	}
	return nil
}
