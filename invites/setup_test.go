package invites_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/chatelaine-go/chatelaine/access/limit"
	"github.com/chatelaine-go/chatelaine/accounts"
	"github.com/chatelaine-go/chatelaine/invites"
	"github.com/chatelaine-go/chatelaine/mail"
	"github.com/chatelaine-go/chatelaine/roles"
)

func TestNewSetupLinks(t *testing.T) {
	t.Parallel()
	_, err := invites.NewSetupLinks(nil, nil, nil)
	require.Equal(t, "store", field(t, err))
	w := newWorld(t)
	links, err := invites.NewSetupLinks(w.mem, nil, nil)
	require.NoError(t, err)
	require.ErrorIs(t, ignore(links.Peek(t.Context(), "")), accounts.ErrNotFound)
}

// A link that is generated is shown once, to whoever made it, with its URL; it
// is good for 30 days, and the client is invited from then on. Nothing is mailed
// (C6).
func TestSetupLinks_Generate(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	out, err := w.links.Generate(t.Context(), w.as("max"), invites.GenerateSetup{ClientKey: shown})
	require.NoError(t, err)
	require.Equal(t, setupTop+out.Secret.Reveal(), out.URL.Reveal())
	require.True(t, strings.HasPrefix(out.Secret.Reveal(), "cset_"))
	require.Equal(t, invites.SetupLink{
		ClientKey: shown, Version: 1, Epoch: 1, Maker: "max", CreatedAt: start(), ExpiresAt: start().Add(30 * day),
	}, out.Link)
	require.Equal(t, start(), w.client("dora").InvitedAt)
	require.Equal(t, accounts.ClientInvited, w.client("dora").Status(false))
	require.Empty(t, w.letters())
	require.Equal(t, 1, w.count(invites.EventSetupGenerated))
	require.Zero(t, w.used(accounts.QuotaRecipient, "dora@example.com"))

	v := must(w.links.Peek(t.Context(), out.Secret.Reveal()))(t)
	require.Equal(t, invites.SetupView{
		Account: "acme", Client: "dora", AccountName: "Acme", Name: "Dora Park", Address: "dora@example.com", Email: "dora@example.com",
		ExpiresAt: start().Add(30 * day),
	}, v)
	require.NotContains(t, fmt.Sprintf("%+v %#v", out, out), out.Secret.Reveal()[5:], "nothing prints it")
}

// A link that is mailed goes to the client's address as it is stored, with the
// URL and the user name; the secret is shown to nobody (C6, A18, A22).
func TestSetupLinks_Send(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	out, err := w.links.Send(t.Context(), w.as("max"), invites.SendSetup{ClientKey: mailed})
	require.NoError(t, err)
	require.Equal(t, invites.SetupLink{
		ClientKey: mailed, Version: 1, Epoch: 1, Maker: "max", Mailed: true, Proves: true, CreatedAt: start(), ExpiresAt: start().Add(30 * day),
	}, out)
	require.Len(t, w.letters(), 1)
	m := w.letters()[0]
	require.Equal(t, "cleo@example.com", m.To)
	require.Equal(t, "Cleo Park", m.ToName)
	require.Equal(t, mail.SetupInvitation, m.Kind)
	require.Equal(t, "acme", m.Account)
	require.Equal(t, "Your access to Acme on Letterbird", m.Subject)
	require.Equal(t, mail.Awaited, m.Priority)
	require.Equal(t, out.ExpiresAt, m.NotAfter)
	require.True(t, accounts.AccountReason("acme").Covers(m.Reason))
	require.True(t, mail.ReasonFor("account", "acme", "record", "cleo").Covers(m.Reason), "what ends the record ends it")
	for _, part := range []string{
		"Hello Cleo Park,", "Max at Acme gives you access", "Cleo@Example.com\n", "April 2026, 09:00 UTC", setupTop + w.setupLink("cleo") + "\n",
		"This mail was sent by Acme through Letterbird.",
	} {
		require.Contains(t, m.Text, part)
	}
	require.Equal(t, 1, w.used(accounts.QuotaRecipient, "cleo@example.com"))
	require.Equal(t, accounts.ClientInvited, w.client("cleo").Status(true))
	require.NoError(t, ignore(w.links.Peek(t.Context(), w.setupLink("cleo"))))
}

// What a preview showed is exactly what is sent, but for the link, whether
// somebody edited it or not; and a preview changes nothing, makes no secret, and
// puts no refusal on record (C6).
func TestSetupLinks_Preview(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name  string
		edits func(m invites.SetupMail) (subject, text string)
	}{
		{"as it is", func(m invites.SetupMail) (string, string) { return m.Subject, m.Text }},
		{"with another subject", func(m invites.SetupMail) (string, string) { return "Your new portal", m.Text }},
		{"with other words", func(invites.SetupMail) (string, string) {
			return "Hi", "Hi Cleo, here it is: " + mail.Placeholder + " Bye.\r\nhttps://evil.example {{.Link}} \u202ex"
		}},
		{"sent a day later", func(m invites.SetupMail) (string, string) { return m.Subject, m.Text }},
		{"with words that would be a page", func(invites.SetupMail) (string, string) {
			return "<b>Hi</b>", "<script>alert(1)</script> <a href=\"x\">y</a>\n\n&lt; -- \n-- \n> quoted\n\n" + mail.Placeholder + "\n\nCleo@Example.com\n\nhttps://setup.invalid/link"
		}},
		{"without any words of one's own", func(invites.SetupMail) (string, string) { return "", "" }},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			was := w.dump()
			in := invites.SendSetup{ClientKey: mailed}
			first := must(w.links.Preview(t.Context(), w.as("max"), in))(t)
			in.Subject, in.Text = tt.edits(first)
			shown := must(w.links.Preview(t.Context(), w.as("max"), in))(t)
			require.Equal(t, was, w.dump())
			require.Equal(t, 1, strings.Count(shown.Text, mail.Placeholder))
			require.NotContains(t, shown.Subject+shown.Text+shown.Closing, "://")
			if strings.Contains(tt.name, "later") {
				w.clock.Add(day)
			}
			if in.Text != "" {
				in.Subject, in.Text = shown.Subject, strings.ReplaceAll(shown.Text, "\n", "\r\n") // as a browser's form returns it
			}
			require.NoError(t, ignore(w.links.Send(t.Context(), w.as("max"), in)))
			m := w.letters()[0]
			require.Equal(t, shown.Subject, m.Subject)
			require.Equal(t, mail.JoinClosing(strings.Replace(shown.Text, mail.Placeholder, setupTop+w.setupLink("cleo"), 1), shown.Closing), m.Text)
			require.Equal(t, 1, strings.Count(m.Text, "://"))

			// So is the page: the message that is sent makes it, link and all.
			require.Equal(t, setupTop+w.setupLink("cleo"), m.Data.Link)
			require.Equal(t, strings.ReplaceAll(shown.HTML, "https://setup.invalid/link", m.Data.Link), page(t, m))
			require.Equal(t, 2, strings.Count(page(t, m), `href="`+m.Data.Link+`"`), "on the button, and below it to read")
			require.Equal(t, 2, strings.Count(page(t, m), "<a "), "no other link, whatever was written")
			require.NotContains(t, page(t, m), "https://setup.invalid")
			require.NotContains(t, shown.HTML, mail.Placeholder)
		})
	}
	t.Run("what cannot be sent is refused, in the preview and on sending, and changes nothing", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t)
		was := w.dump()
		for _, in := range []invites.SendSetup{
			{Text: "no placeholder"},
			{Text: mail.Placeholder + mail.Placeholder},
			{Text: mail.Placeholder + strings.Repeat("x", mail.MaxDraft)},
			{Subject: strings.Repeat("x", 151)},
			{Subject: "\u200b"},
			{Subject: mail.Placeholder},
		} {
			want := "subject"
			if in.Text != "" {
				want = "text"
			}
			in.ClientKey = mailed
			require.Equal(t, want, field(t, ignore(w.links.Preview(t.Context(), w.as("max"), in))))
			require.Equal(t, want, field(t, ignore(w.links.Send(t.Context(), w.as("max"), in))))
		}
		require.ErrorIs(t, ignore(w.links.Preview(t.Context(), w.as("vic"), invites.SendSetup{ClientKey: mailed})), roles.ErrDenied)
		require.Equal(t, was, w.dump())
	})
}

// page is what the dispatcher makes of a message.
func page(t testing.TB, m mail.Message) string {
	t.Helper()
	return must(templates().HTML(m))(t)
}

// What an edited mail was filled with goes along for a provider's own templates:
// the real link, and none of the editor's words. The page of it has the language and
// the sender of the mail (C6, A89).
func TestSetupLinks_Send_data(t *testing.T) {
	t.Parallel()
	plain := must(accounts.NewLinks("https://app.example", ""))(t)
	w := newWorld(t, func(o *accounts.EnvOptions) { o.Links = branded{plain} })
	w.change("cleo", func(c *accounts.Client) { c.Locale = "de-AT" })
	in := invites.SendSetup{ClientKey: mailed, Subject: "My own words", Text: "My own words & yours:\n" + mail.Placeholder}
	shown := must(w.links.Preview(t.Context(), w.as("max"), in))(t)
	require.NoError(t, ignore(w.links.Send(t.Context(), w.as("max"), in)))
	m := w.letters()[0]
	secret := strings.TrimPrefix(m.Data.Link, "https://acme.example/in?k=")
	require.Regexp(t, `^cset_[A-Z2-7]{52}$`, secret)
	require.Equal(t, mail.Data{
		Product: "Acme Care", Account: "Acme", Sender: "Max", Recipient: "Cleo Park", Address: "Cleo@Example.com", Link: m.Data.Link,
		ExpiresAt: start().Add(30 * day), At: start(),
	}, m.Data)
	require.Equal(t, "My own words", m.Subject)
	require.Contains(t, m.Text, "My own words & yours:\n\n"+m.Data.Link+"\n")
	html := page(t, m)
	for _, part := range []string{"<title>My own words</title>", "My own words &amp; yours:", "Acme Care", `href="` + m.Data.Link + `"`} {
		require.Contains(t, html, part)
	}
	require.NotContains(t, html, "Letterbird")
	require.Equal(t, strings.ReplaceAll(shown.HTML, "https://setup.invalid/link", m.Data.Link), html)
}

// The mail is in the client's language, else the account's, and comes from the
// account itself where the host lets it (C12, D4 of the product).
func TestSetupLinks_WhiteLabel(t *testing.T) {
	t.Parallel()
	plain := must(accounts.NewLinks("https://app.example", ""))(t)
	w := newWorld(t, func(o *accounts.EnvOptions) { o.Links = branded{plain} })
	out := must(w.links.Generate(t.Context(), w.as("max"), invites.GenerateSetup{ClientKey: shown}))(t)
	require.Equal(t, "https://acme.example/in?k="+out.Secret.Reveal(), out.URL.Reveal())
	w.change("cleo", func(c *accounts.Client) { c.Locale = "de-AT" })
	m := must(w.links.Preview(t.Context(), w.as("max"), invites.SendSetup{ClientKey: mailed}))(t)
	require.Contains(t, m.Subject, "Acme Care")
	require.Contains(t, m.HTML, `<html lang="de"`)
	require.NoError(t, ignore(w.links.Send(t.Context(), w.as("max"), invites.SendSetup{ClientKey: mailed})))
	l := w.letters()[0]
	require.Equal(t, mail.Sender{Name: "Acme Care", Address: "care@acme.example"}, l.From)
	require.Equal(t, "de-AT", l.Locale)
	require.Contains(t, l.Text, "\n\nhttps://acme.example/in?k=cset_")
	require.NotContains(t, l.Text+l.Subject, "Letterbird")
}

type branded struct{ accounts.Links }

func (branded) SetUp(a accounts.AccountID, secret string) string {
	return "https://" + string(a) + ".example/in?k=" + secret
}

func (branded) Sender(accounts.AccountID) mail.Sender {
	return mail.Sender{Name: "Acme Care", Address: "Care@acme.example"}
}

// A link is made for a client who is there, not suspended, and has not come in;
// ids of another account are ids that do not exist (A36).
func TestSetupLinks_Wanted(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name  string
		given func(w *world)
		key   accounts.ClientKey
		want  error
	}{
		{"a client who is suspended", func(w *world) { w.suspendClient("cleo") }, mailed, accounts.ErrInvalid},
		{"a client who was deleted", func(w *world) { w.deleteClient("cleo") }, mailed, accounts.ErrNotFound},
		{"a client who has come in", func(w *world) { require.NoError(w, ignore(w.setUp(w.send("cleo")))) }, mailed, invites.ErrSetUp},
		{"a client of nobody", nil, accounts.ClientKey{Account: "acme", ID: "none"}, accounts.ErrNotFound},
		{"a client of another account", func(w *world) { w.put(client("nova", "theirs", "x@example.com")) }, accounts.ClientKey{Account: "acme", ID: "theirs"}, accounts.ErrNotFound},
		{"an id that is none", nil, accounts.ClientKey{Account: "acme"}, accounts.ErrInvalid},
		{"an account that is none", nil, accounts.ClientKey{ID: "cleo"}, accounts.ErrInvalid},
	} {
		t.Run(tt.name+" gets none", func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			if tt.given != nil {
				tt.given(w)
			}
			was := w.dump()
			manager := w.as("max")
			out, err := w.links.Generate(t.Context(), manager, invites.GenerateSetup{ClientKey: tt.key})
			require.ErrorIs(t, err, tt.want)
			require.Zero(t, out)
			require.ErrorIs(t, ignore(w.links.Send(t.Context(), manager, invites.SendSetup{ClientKey: tt.key})), tt.want)
			require.ErrorIs(t, ignore(w.links.Preview(t.Context(), manager, invites.SendSetup{ClientKey: tt.key})), tt.want)
			require.Equal(t, was, w.dump())
		})
	}
}

// One address gets 5 mails with a link in a UTC day from everybody together,
// setup links and invitations alike; the sixth is refused on record. What is
// generated is no mail (A81).
func TestSetupLinks_Recipient(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	require.NoError(t, ignore(w.inv.Invite(t.Context(), w.as("nick"), invites.Invite{Account: "nova", Email: "cleo@example.com", Role: roles.Viewer})))
	for range 4 {
		w.send("cleo")
	}
	was := w.without(accounts.EventRefused)
	var quota *accounts.QuotaError
	require.ErrorAs(t, ignore(w.links.Send(t.Context(), w.as("max"), invites.SendSetup{ClientKey: mailed})), &quota)
	require.Equal(t, accounts.QuotaRecipient, quota.Kind)
	require.Equal(t, was, w.without(accounts.EventRefused))
	require.Equal(t, []string{"setup-link.sent at acme by max: quota"}, w.refusals())
	require.NoError(t, ignore(w.links.Generate(t.Context(), w.as("max"), invites.GenerateSetup{ClientKey: mailed})))
	w.clock.Add(day)
	w.send("cleo")
}

// Too many links at once of one account are refused on record, and nobody
// outside uses up its turn; previews are limited too, and leave nothing behind.
func TestSetupLinks_Burst(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(o *accounts.EnvOptions) { o.Burst = nil })
	outsider, viewer := w.as("ben"), w.as("vic")
	for range 200 {
		require.Error(t, ignore(w.links.Generate(t.Context(), outsider, invites.GenerateSetup{ClientKey: shown})))
		require.Error(t, ignore(w.links.Generate(t.Context(), viewer, invites.GenerateSetup{ClientKey: shown})))
	}
	var err error
	n, before := 0, len(w.refusals())
	for ; err == nil && n < 1000; n++ {
		_, err = w.links.Generate(t.Context(), w.as("max"), invites.GenerateSetup{ClientKey: shown})
	}
	require.ErrorIs(t, err, limit.ErrLimited)
	require.Greater(t, n, 1)
	require.Len(t, w.refusals(), before+1)
	was := w.dump()
	for err, n = nil, 0; err == nil && n < 1000; n++ {
		_, err = w.links.Preview(t.Context(), w.as("max"), invites.SendSetup{ClientKey: mailed})
	}
	require.ErrorIs(t, err, limit.ErrLimited)
	require.Equal(t, was, w.dump())
}

// An idempotency key makes one link, and one mail; the answer that is kept has
// no secret and names nobody, so what was shown is shown once. Other input with
// the same key is refused (A96, A97, I-27, A18).
func TestSetupLinks_Once(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ctx, manager := t.Context(), w.as("max")
	first := must(w.links.Generate(ctx, manager, invites.GenerateSetup{ClientKey: shown, Key: "key"}))(t)
	was := w.dump()
	again := must(w.links.Generate(ctx, manager, invites.GenerateSetup{ClientKey: shown, Key: "key"}))(t)
	require.Equal(t, invites.HandOver{Link: first.Link}, again)
	require.Equal(t, was, w.dump())
	require.NoError(t, ignore(w.links.Peek(ctx, first.Secret.Reveal())), "the first link goes on")
	require.ErrorIs(t, ignore(w.links.Generate(ctx, manager, invites.GenerateSetup{ClientKey: mailed, Key: "key"})), accounts.ErrKeyReused)

	in := invites.SendSetup{ClientKey: mailed, Subject: "Hush", Key: "send"}
	sent := must(w.links.Send(ctx, manager, in))(t)
	require.Equal(t, sent, must(w.links.Send(ctx, manager, in))(t))
	require.Len(t, w.letters(), 1)
	for _, other := range []invites.SendSetup{
		{ClientKey: mailed, Subject: "Other", Key: "send"}, {ClientKey: mailed, Key: "send"}, {ClientKey: shown, Subject: "Hush", Key: "send"},
	} {
		require.ErrorIs(t, ignore(w.links.Send(ctx, manager, other)), accounts.ErrKeyReused)
	}
	for _, key := range []string{"key", "send"} {
		r := must(w.mem.Reply(ctx, accounts.ReplyKey{Actor: "user/max", Account: "acme", Key: key}))(t)
		var kept invites.SetupLink
		require.NoError(t, json.Unmarshal(r.Answer, &kept))
		require.Zero(t, kept.Hash)
		for _, word := range []string{"cset_", "example.com", "Park", "Hush"} {
			require.NotContains(t, string(r.Answer), word)
		}
	}
	require.ErrorIs(t, ignore(w.links.Send(ctx, w.as("olga"), invites.SendSetup{ClientKey: mailed, Key: "bad\nkey"})), accounts.ErrInvalid)
	// Another actor's key is another key, and a right that was lost is asked for first.
	require.NoError(t, ignore(w.links.Send(ctx, w.as("olga"), in)))
	require.NoError(t, w.graph.ChangeRole(ctx, w.as("olga"), "acme", "max", roles.Viewer))
	require.ErrorIs(t, ignore(w.links.Send(ctx, manager, in)), roles.ErrDenied)
	w.clock.Add(day)
	require.NoError(t, ignore(w.links.Send(ctx, w.as("olga"), in)), "after a day the key is new")
}

// Two calls at once with one key make one link, and one of them shows it: the
// other has the same answer without it (A97).
func TestSetupLinks_OnceAtOnce(t *testing.T) {
	t.Parallel()
	for name, chance := range chances(8) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			ctx, manager := patient(t), w.as("max")
			got := make([]invites.HandOver, 8)
			w.st.on(chance())
			for _, err := range together(times(8, func(n int) (err error) {
				got[n], err = w.links.Generate(ctx, manager, invites.GenerateSetup{ClientKey: shown, Key: "key"})
				return err
			})...) {
				require.NoError(t, err)
			}
			w.st.on(nil)
			seen := 0
			for _, out := range got {
				require.Equal(t, got[0].Link, out.Link)
				if !out.Secret.IsZero() {
					seen++
					require.NoError(t, ignore(w.links.Peek(ctx, out.Secret.Reveal())), "what is shown works")
				}
			}
			require.Equal(t, 1, seen)
			require.Equal(t, 1, w.count(invites.EventSetupGenerated))
		})
	}
}

// A newer link kills the older, whichever way each was made, also one that still
// waits in unsent mail (A03, I-05, C6).
func TestSetupLinks_Newest(t *testing.T) {
	t.Parallel()
	ways := map[string]func(w *world) string{
		"generated": func(w *world) string { return w.generate("cleo") },
		"mailed":    func(w *world) string { return w.send("cleo") },
	}
	for first, older := range ways {
		for second, newer := range ways {
			t.Run("a link that was "+first+" dies by one that is "+second, func(t *testing.T) {
				t.Parallel()
				w := newWorld(t)
				old := older(w)
				w.clock.Add(time.Minute)
				link := newer(w)
				w.deadSetup(old)
				require.NoError(t, ignore(w.links.Peek(t.Context(), link)))
				require.Equal(t, start().Add(30*day+time.Minute), w.setting("cleo").Link.ExpiresAt)
				require.LessOrEqual(t, len(w.letters()), 1, "the older mail is not sent")
				for _, m := range w.letters() {
					require.NotContains(t, m.Text, old)
				}
			})
		}
	}
}
