package invites_test

import (
	"fmt"
	"strings"

	"github.com/chatelaine-go/chatelaine/mail"
)

// soundLetter reports what is wrong with a message that a change carries: every test
// of this package asks it of every message. What it says is what its template makes of
// its data, in its language, or what somebody made of it around its link; it is taken
// back with its account; and what has a link that expires is awaited, and not sent
// later.
func soundLetter(m mail.Message) error {
	bad := func(what string) error { return fmt.Errorf("%s %s: %s", m.Kind, m.ID, what) }
	if len(m.Sealed) > 0 {
		return nil // and nothing of it can be read
	}
	subject, text, err := templates().Render(m.Kind, m.Locale, m.Data)
	link := m.Kind == mail.Invited || m.Kind == mail.SetupInvitation || m.Kind == mail.SetupRefreshed
	_, closing := mail.SplitClosing(text)
	_, own := mail.SplitClosing(m.Text)
	switch {
	case err != nil:
		return err
	case m.Kind != mail.SetupInvitation && (m.Subject != subject || m.Text != text):
		return bad("it does not say what its data says")
	case own != closing:
		return bad("its closing is not the template's")
	case link && strings.Count(m.Text, "\n"+m.Data.Link+"\n") != 1:
		return bad("it does not have its link once, alone")
	case m.HTML != "":
		return bad("its page is made when it is sent")
	case m.Channel != mail.Email, m.Account == "":
		return bad("wrong channel or account")
	case !mail.ReasonFor("account", m.Account).Covers(m.Reason):
		return bad("wrong reason")
	case link == m.NotAfter.IsZero(), m.NotAfter.Before(m.Data.ExpiresAt), (m.Priority == mail.Awaited) != link:
		return bad("it is sent too late")
	case !m.Data.At.Equal(m.CreatedAt), !m.Due.Equal(m.CreatedAt), m.Data.Product == "":
		return bad("not of its moment")
	}
	return nil
}
