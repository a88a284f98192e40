package invites_test

import (
	"errors"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/chatelaine-go/chatelaine/access/token"
	"github.com/chatelaine-go/chatelaine/accounts"
	"github.com/chatelaine-go/chatelaine/invites"
	"github.com/chatelaine-go/chatelaine/mail"
	"github.com/chatelaine-go/chatelaine/mail/mailtest"
	"github.com/chatelaine-go/chatelaine/roles"
)

// ownBrand is the Links of a host that lets acme write in its own name, and
// gives its clients pages on acme's domain.
type ownBrand struct {
	accounts.Links
	sender mail.Sender
}

func (b ownBrand) SetUp(a accounts.AccountID, secret string) string {
	if a == "acme" {
		return "https://clients.acme.example/set-up/" + secret
	}
	return b.Links.SetUp(a, secret)
}

func (b ownBrand) Sender(a accounts.AccountID) mail.Sender {
	if a == "acme" {
		return b.sender
	}
	return b.Links.Sender(a)
}

func whiteLabel(sender mail.Sender) func(*accounts.EnvOptions) {
	return func(o *accounts.EnvOptions) {
		o.Links = ownBrand{sure(accounts.NewLinks("https://app.example", "")), sender}
	}
}

// Mail to a white-label account's clients comes from it and leads to it: the
// domain and the sender are those that the host configured for that account, and
// the product is not named. Invitations make logins that are good everywhere, and
// stay the product's (A90).
func TestBrand(t *testing.T) {
	t.Parallel()
	w := newWorld(t, whiteLabel(mail.Sender{Name: "Acme Studio\r\nBcc: x@example.com\u202e", Address: "Hello@Acme.example"}))
	w.invite("amy", "guest@example.com", roles.Viewer)
	_, err := w.links.Send(t.Context(), w.as("max"), invites.SendSetup{ClientKey: mailed})
	require.NoError(t, err)

	seen := map[string]int{}
	for _, m := range w.letters() {
		seen[m.Kind]++
		if m.Kind == mail.Invited {
			require.Zero(t, m.From)
			require.Contains(t, m.Text, "https://app.example/invitations/cinv_")
			continue
		}
		require.Equal(t, mail.Sender{Name: "Acme StudioBcc: x example.com", Address: "hello@acme.example"}, m.From, "one header, whatever the name is")
		require.Contains(t, m.Text, "https://clients.acme.example/set-up/cset_")
		require.NotContains(t, m.Subject+m.Text, "Letterbird")
		require.NotContains(t, m.Text, "app.example")
	}
	require.Equal(t, map[string]int{mail.Invited: 1, mail.SetupInvitation: 1}, seen)
}

// A link whose page is on an account's own domain proves no mailbox: whoever
// holds the domain can read what is asked for there. So it gives nobody who is
// there a login (A07, A13).
func TestBrand_provesNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t, whiteLabel(mail.Sender{}))
	link, err := w.links.Send(t.Context(), w.as("max"), invites.SendSetup{ClientKey: mailed})
	require.NoError(t, err)
	require.Equal(t, []bool{true, false}, []bool{link.Mailed, link.Proves})
	url, found := mailtest.Link(w.letters()[0], "https://clients.acme.example/set-up/")
	require.True(t, found)
	in, err := w.setUp(strings.TrimPrefix(url, "https://clients.acme.example/set-up/"))
	require.NoError(t, err)
	require.False(t, w.user(in.Client.User).Proven)

	own := newWorld(t)
	in, err = own.setUp(own.send("cleo"))
	require.NoError(t, err)
	require.True(t, own.user(in.Client.User).Proven, "a page of the product's own is another matter")
}

// A sender that is no plain mailbox is the host's mistake: the call fails, not as
// if the caller had typed it, and nothing is changed.
func TestBrand_senderThatIsNone(t *testing.T) {
	t.Parallel()
	w := newWorld(t, whiteLabel(mail.Sender{Address: "Acme <hello@acme.example>"}))
	before := w.dump()
	_, err := w.links.Send(t.Context(), w.as("max"), invites.SendSetup{ClientKey: mailed})
	require.ErrorContains(t, err, "sender of account acme")
	require.NotErrorIs(t, err, accounts.ErrInvalid)
	require.Equal(t, before, w.dump())
}

// A link that its maker was shown is worth what the maker may do: once they
// lost the right, be it for a moment, whoever has the copy comes in by none of
// it. One that was mailed was shown to nobody, and stays (A15).
func TestSetUp_MakerLostTheRight(t *testing.T) {
	t.Parallel()
	system := accounts.System("host")
	for _, tt := range []struct {
		name string
		when func(w *world) error
	}{
		{"removed", func(w *world) error { return w.graph.RemoveMember(w.Context(), w.as("olga"), "acme", "max") }},
		{"removed, and back", func(w *world) error {
			return errors.Join(w.graph.RemoveMember(w.Context(), w.as("olga"), "acme", "max"), w.graph.AddMember(w.Context(), system, "acme", "max", roles.Manager))
		}},
		{"made a viewer, and a manager again", func(w *world) error {
			return errors.Join(w.graph.ChangeRole(w.Context(), w.as("olga"), "acme", "max", roles.Viewer), w.graph.ChangeRole(w.Context(), w.as("olga"), "acme", "max", roles.Manager))
		}},
		{"suspended in the account", func(w *world) error { return w.graph.SuspendMember(w.Context(), w.as("olga"), "acme", "max") }},
		{"suspended everywhere, and back", func(w *world) error {
			return errors.Join(w.graph.SuspendUser(w.Context(), staff, "max"), w.graph.ReactivateUser(w.Context(), staff, "max"))
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			shown, sent := w.generate("dora"), w.send("cleo")
			require.NoError(t, tt.when(w))
			w.deadSetup(shown)
			_, err := w.setUp(sent)
			require.NoError(t, err)
		})
	}
	t.Run("while the link is used", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t)
		shown := w.generate("dora")
		once := sync.OnceFunc(func() { require.NoError(t, w.graph.SuspendUser(t.Context(), staff, "max")) })
		w.st.on(func(call string, do func() error) error {
			if call == "ApplyInvites" {
				once()
			}
			return do()
		})
		_, err := w.setUp(shown)
		require.ErrorIs(t, err, accounts.ErrNotFound)
		require.Zero(t, w.count(invites.EventClientJoined))
	})
}

// An account mails at most 100 setup links a UTC day, to whomever: nobody mails
// lists of strangers with it (A81). Handing links over is not mail.
func TestSetupLinks_DayOfAnAccount(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(o *accounts.EnvOptions) { o.Limits.SetupMailsPerDay = 2 })
	w.put(client("acme", "fred", "fred@example.com"))
	send := func(id accounts.ClientID) error {
		return ignore(w.links.Send(t.Context(), w.as("max"), invites.SendSetup{ClientKey: accounts.ClientKey{Account: "acme", ID: id}}))
	}
	require.NoError(t, send("cleo"))
	require.NoError(t, send("dora"))
	var quota *accounts.QuotaError
	require.ErrorAs(t, send("fred"), &quota)
	require.Equal(t, []any{accounts.QuotaSetupMails, 2, 2}, []any{quota.Kind, quota.Limit, quota.Used})
	require.Equal(t, 2, w.used(accounts.QuotaSetupMails, "acme"))
	require.NotEmpty(t, w.generate("fred"))
	w.clock.Set(quota.ResetAt)
	require.NoError(t, send("fred"))
}

// Whoever manages clients sees how the newest link stands, without its secret, and
// nobody who does not is told anything (A18, A36).
func TestSetupLinks_Latest(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	latest := func(who accounts.UserID) (invites.LatestSetup, error) {
		return w.links.Latest(t.Context(), w.as(who), mailed)
	}
	require.ErrorIs(t, ignore(latest("max")), accounts.ErrNotFound, "there never was one")
	secret := w.generate("cleo")
	got, err := latest("amy")
	require.NoError(t, err)
	require.Equal(t, []any{accounts.UserID("max"), false, true, token.Hash{}}, []any{got.Maker, got.Mailed, got.Live, got.Hash})
	require.ErrorIs(t, ignore(latest("vic")), roles.ErrDenied)
	require.ErrorIs(t, ignore(latest("nick")), accounts.ErrNotFound)
	require.NoError(t, w.graph.ChangeRole(t.Context(), w.as("olga"), "acme", "max", roles.Viewer))
	got, err = latest("amy")
	require.NoError(t, err)
	require.False(t, got.Live, "its maker lost the right")
	w.deadSetup(secret)
	w.deleteClient("cleo")
	require.ErrorIs(t, ignore(latest("amy")), accounts.ErrNotFound)
}

// The address of a client changes hands while a link is used: what is decided is
// decided about who has it then, and a member of the account never comes in as its
// client.
func TestSetUp_addressChangesHands(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	was, next := user("was"), user("next")
	was.Email, was.Address = "cleo@example.com", "cleo@example.com"
	w.put(was, next, member("acme", "next", roles.Viewer))
	link := w.send("cleo")
	reads := 0
	w.st.on(func(call string, do func() error) error {
		if call == "SettingUp" {
			if reads++; reads == 3 { // before anything is hashed, and then who has the address and what they are
				a, b := w.user("was"), w.user("next")
				a.Email, b.Email = "elsewhere@example.com", a.Email
				w.put(a)
				w.put(b)
			}
		}
		return do()
	})
	_, err := w.setUp(link)
	require.ErrorIs(t, err, accounts.ErrTaken)
	require.Greater(t, reads, 3)
	require.Empty(t, w.client("cleo").User)
	require.Zero(t, w.count(invites.EventClientJoined))
}

// A name can be anything, also what stands for the link of a mail: the link is
// there once.
func TestSetupLinks_Preview_names(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.change("cleo", func(c *accounts.Client) { c.FirstName = mail.Placeholder })
	m, err := w.links.Preview(t.Context(), w.as("max"), invites.SendSetup{ClientKey: mailed})
	require.NoError(t, err)
	require.Equal(t, 1, strings.Count(m.Text, mail.Placeholder))
	require.NotEmpty(t, w.send("cleo"))
}
