package mail_test

import (
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"github.com/chatelaine-go/chatelaine/mail"
)

// kinds is every built-in kind, with the fields that it needs besides Product, those that it can do without, and what it
// has to say, with the lines joined.
var kinds = []struct {
	kind, needs, may string
	says             []string
}{
	{mail.AccessRequested, "Agency Sender Link ExpiresAt", "Role Message Guide", []string{"Nothing changes until you approve", "If you don't know Northlight Studio, ignore this mail."}},
	{mail.AccessApproved, "Agency Client Sender Role At", "Link Recipient", []string{"The highest role that anyone at Northlight Studio can have there is Manager."}},
	{mail.AccessDeclined, "Agency Client At", "Reason Recipient", []string{"its link no longer works"}},
	{mail.Assigned, "Agency Client Sender Role At", "Link Recipient", []string{"Your role there is Manager.", "You need no new password."}},
	{mail.ConnectionEnded, "Agency Client At", "Sender Recipient", []string{"Nobody at Northlight Studio can enter Willow Bakery"}},
	{mail.CapChanged, "Agency Client Sender Role At", "Recipient", []string{"It is now Manager."}},
	{mail.ProgrammeLeft, "Agency Client At", "Recipient", []string{"has left the agency programme"}},

	{mail.Invited, "Account Sender Link ExpiresAt", "Role Message", []string{
		"Jonas Weber invites you to join Juniper Press on Letterbird. Your role there would be Manager.", "already have a login", "make a new one",
		"The link is for you alone", "until 12 March 2026, 14:00 UTC", "If you don't know Jonas Weber, ignore this mail.",
	}},
	{mail.InvitationAccepted, "Account Sender Role At", "Recipient", []string{"Jonas Weber accepted your invitation", "with the role Manager", "If you did not send this invitation"}},
	{mail.InvitationDeclined, "Account Address At", "Recipient", []string{"maya.lund@juniper.example declined your invitation to join Juniper Press", "If you did not send this invitation"}},

	{mail.SetupInvitation, "Account Sender Address Link ExpiresAt", "Recipient", []string{
		"Jonas Weber at Juniper Press gives you access on Letterbird.", "Your user name is: maya.lund@juniper.example", "If you already have a login",
		"The link is for you alone", "until 12 March 2026, 14:00 UTC",
		"sent by Juniper Press through Letterbird", "If you don't know Juniper Press, ignore it. Nothing changes then.",
	}},
	{mail.SetupRefreshed, "Account Address Link ExpiresAt", "Recipient", []string{
		"Your user name is: maya.lund@juniper.example", "The older link no longer works.", "for you alone", "until 12 March 2026, 14:00 UTC", "ignore this mail. Nothing changes",
	}},

	{mail.SignUpKnown, "At", "Link Recipient", []string{"You already have a login", "log in as you always do", "reset it", "If it was not you", "Nothing has changed."}},
	{mail.PasswordReset, "Link ExpiresAt", "Recipient", []string{"All your other sessions end", "If you did not ask for this, ignore this mail. Nothing changes"}},
	{mail.LoginElsewhere, "At", "Recipient", []string{"has no password", "another service", "If it was not you", "Nothing has changed."}},
	{mail.NoLogin, "At", "", []string{"no login with this address", "If it was not you, ignore this mail. Nothing has changed."}},
	{mail.PasswordChanged, "At", "Recipient", []string{"All other sessions ended", "If it was not you, reset your password"}},
	{mail.IdentityLinked, "At", "Recipient", []string{"was added to your login", "If it was not you, log in at once, remove that service"}},
	{mail.IdentityUnlinked, "At", "Recipient", []string{"was removed from your login", "If it was not you, change your password"}},
	{mail.ConfirmationOn, "At", "Recipient", []string{"was turned on", "code, sent to your phone", "If it was not you, change your password"}},
	{mail.ConfirmationOff, "At", "Recipient", []string{"was turned off", "If it was not you, change your password"}},
	{mail.Code, "Code ExpiresAt", "", []string{"904718 ", "your code for Letterbird.", "until 12 March 2026, 14:00 UTC", "Give it to nobody"}},

	{mail.AddressProof, "Link ExpiresAt", "Recipient", []string{"Log in, and open this link", "The link is for you alone", "If you did not sign up for Letterbird, ignore this mail.", "nobody can use this address"}},
	{mail.AddressChange, "Link ExpiresAt", "Recipient", []string{"open this link", "The link is for you alone", "If you did not ask for this, ignore this mail."}},
	{mail.AddressChangeAsked, "Address At", "Recipient", []string{"to: maya.lund@juniper.example", "Nothing has changed yet.", "If it was not you, change your password at once"}},
	{mail.AddressChanged, "Address At", "Recipient", []string{"now: maya.lund@juniper.example", "If it was not you, let the people at Letterbird know at once"}},
}

// keep returns d with only those of its fields.
func keep(d mail.Data, fields ...string) mail.Data {
	v := reflect.ValueOf(&d).Elem()
	for i := range v.NumField() {
		if !slices.Contains(fields, v.Type().Field(i).Name) {
			v.Field(i).SetZero()
		}
	}
	return d
}

func TestTemplates_Render_kinds(t *testing.T) {
	t.Parallel()
	ts := templates(t, nil)
	render := func(t *testing.T, kind string, d mail.Data) string {
		t.Helper()
		subject, text, err := ts.Render(kind, "", d)
		require.NoError(t, err)
		require.NotRegexp(t, `  | \.|^\n|\n\n\n|1 January 0001|<no value>`, subject+"\n"+text, "nothing is left out in the middle")
		for line := range strings.Lines(text) {
			require.True(t, utf8.RuneCountInString(line) <= 73 || strings.HasPrefix(line, "https://"), line)
		}
		return subject + "\n\n" + text
	}
	for _, k := range kinds {
		needs, may := append(strings.Fields(k.needs), "Product"), strings.Fields(k.may)
		whole := slices.Concat(needs, may)
		t.Run(k.kind+" says what it has to", func(t *testing.T) {
			t.Parallel()
			text := render(t, k.kind, data())
			_, closing := mail.SplitClosing(text)
			require.Equal(t, k.kind == mail.Code, closing == "", "mail says who sends it and why; a text message has no room")
			for _, want := range k.says {
				require.Contains(t, strings.Join(strings.Fields(text), " "), want)
			}
			for _, link := range []string{data().Link, data().Guide} {
				require.LessOrEqual(t, strings.Count(text, link), 1)
				require.Equal(t, strings.Count(text, link), strings.Count(text, "\n\n"+link+"\n\n"), "a link stands alone")
			}
		})
		t.Run(k.kind+" uses all its fields and no others", func(t *testing.T) {
			t.Parallel()
			text := render(t, k.kind, data())
			require.Equal(t, text, render(t, k.kind, keep(data(), whole...)))
			for _, name := range may {
				rest := slices.DeleteFunc(slices.Clone(whole), func(f string) bool { return f == name })
				require.NotEqual(t, text, render(t, k.kind, keep(data(), rest...)), name)
			}
		})
		t.Run(k.kind+" is whole with the fields that it needs", func(t *testing.T) {
			t.Parallel()
			render(t, k.kind, keep(data(), needs...))
		})
		for _, name := range needs {
			t.Run(k.kind+" without "+name+" is refused", func(t *testing.T) {
				t.Parallel()
				rest := slices.DeleteFunc(slices.Clone(whole), func(f string) bool { return f == name })
				_, _, err := ts.Render(k.kind, "", keep(data(), rest...))
				require.EqualError(t, err, "mail: "+k.kind+" needs "+name)
			})
		}
	}
	t.Run("every template is of one of these kinds", func(t *testing.T) {
		t.Parallel()
		files, err := os.ReadDir("templates/en")
		require.NoError(t, err)
		var have, want []string
		for _, f := range files {
			have = append(have, f.Name())
		}
		for _, k := range kinds {
			want = append(want, k.kind+".txt")
		}
		want = append(want, "words.txt")
		require.ElementsMatch(t, want, have)
	})
	t.Run("access from nobody in particular is the account's", func(t *testing.T) {
		t.Parallel()
		text := render(t, mail.SetupInvitation, data(func(d *mail.Data) { d.Sender = d.Account }))
		require.Contains(t, text, "\n\nJuniper Press gives you access on Letterbird.")
	})
	t.Run("mail that comes from the account itself names it once", func(t *testing.T) {
		t.Parallel()
		text := render(t, mail.SetupInvitation, data(func(d *mail.Data) { d.Product = d.Account }))
		require.Contains(t, text, "\n\n-- \nThis mail was sent by Juniper Press. If you")
	})
	t.Run("an invitation from nobody in particular is the account's", func(t *testing.T) {
		t.Parallel()
		text := render(t, mail.Invited, data(func(d *mail.Data) { d.Sender = d.Account }))
		require.Contains(t, text, "\n\nYou are invited to join Juniper Press on Letterbird.")
		require.Contains(t, text, "Juniper Press wrote:")
	})
}
