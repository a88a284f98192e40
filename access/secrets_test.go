package access_test

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/chatelaine-go/chatelaine/access"
	"github.com/chatelaine-go/chatelaine/accounts"
	"github.com/chatelaine-go/chatelaine/mail"
	"github.com/chatelaine-go/chatelaine/roles"
)

// log keeps what is logged.
type log struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (l *log) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.Write(p)
}

func (l *log) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.String()
}

// spellings are the ways in which a secret could be written down.
func spellings(secret string) []string {
	body := secret[strings.IndexByte(secret, '_')+1:]
	return []string{
		body, strings.ToLower(body), base64.StdEncoding.EncodeToString([]byte(secret)), hex.EncodeToString([]byte(secret)), body[:20],
	}
}

// After a whole story, with faults in it, no secret is in any event, reply,
// record of a mail, log, error or printed answer, in any encoding (A18, A106,
// I-26).
func TestSecrets_AreNowhere(t *testing.T) {
	t.Parallel()
	var logged log
	w := newWorld(t, func(o *accounts.EnvOptions) {
		o.Logger = slog.New(slog.NewTextHandler(&logged, &slog.HandlerOptions{Level: slog.LevelDebug}))
	})
	var secrets []string
	var said strings.Builder
	say := func(list ...any) {
		for _, v := range list {
			if err, ok := v.(error); ok {
				fmt.Fprintf(&said, "%v %+v\n", err, err)
				continue
			}
			text, _ := json.Marshal(v)
			fmt.Fprintf(&said, "%v %+v %#v %s\n", v, v, v, text)
		}
	}
	ctx := t.Context()

	// Sessions: started, used, switched, refused, ended.
	secret, s, err := w.sessions.Start(ctx, accounts.Login{User: "mia"}, access.Device{UserAgent: "Firefox"})
	say(secret, s, err)
	secrets = append(secrets, secret.Reveal())
	p, err := w.sessions.Principal(ctx, secret.Reveal(), "north")
	say(p, p.Actor(), err)
	mia := p.Actor()
	next, p, err := w.sessions.Switch(ctx, secret.Reveal(), "north")
	say(next, p, err)
	secrets = append(secrets, next.Reveal())
	for _, bad := range []string{secret.Reveal(), next.Reveal() + "x", "cses_" + next.Reveal()} {
		_, err := w.sessions.Principal(ctx, bad, "north")
		say(err, w.sessions.SignOut(ctx, bad))
		_, _, err = w.sessions.Return(ctx, bad)
		say(err)
		_, err = w.requests.Peek(ctx, bad)
		say(err)
	}
	list, err := w.sessions.List(ctx, mia, "mia", access.SessionPage{})
	say(list, err)

	// Requests: sent with a key, replayed, resent, refused, approved, declined.
	in := access.Batch{Agency: "north", Addresses: "cleo@example.com, carl@example.com", Key: "key"}
	for range 2 {
		out, err := w.requests.Send(ctx, mia, in)
		say(out, err)
	}
	out, err := w.requests.Send(ctx, mia, in)
	require.NoError(t, err)
	id := out.Answers[0].Request
	secrets = append(secrets, w.link("cleo@example.com"), w.link("carl@example.com"))
	w.clock.Add(3600e9)
	mia = w.as("mia", "north")
	require.NoError(t, w.requests.Resend(ctx, mia, access.Resend{Agency: "north", Request: id}))
	newest := w.link("cleo@example.com")
	secrets = append(secrets, newest)
	for _, link := range secrets {
		v, err := w.requests.Peek(ctx, link)
		say(v, err)
		_, err = w.requests.Approve(ctx, w.as("cora", "willow"), byLink(link, "willow"), roles.Viewer)
		say(err)
		say(w.requests.Decline(ctx, w.as("eve", "elm"), byLink(link, "willow"), ""))
	}
	w.st.on(func(call string, do func() error) error {
		if call == "ApplyAccess" {
			return errBroken
		}
		return do()
	})
	w.clock.Add(120e9) // so that a touch fails, which is logged
	_, err = w.requests.Approve(ctx, mia, byLink(newest, "north"), roles.Viewer)
	say(err)
	_, err = w.sessions.Principal(ctx, next.Reveal(), "north")
	say(err)
	w.st.on(nil)
	again := w.login("mia")
	secrets = append(secrets, again)
	w.st.on(func(call string, do func() error) error {
		if writes(call) {
			return errBroken
		}
		return do()
	})
	w.clock.Add(120e9)
	w.principal(again, "")
	w.st.on(nil)
	c, err := w.requests.Approve(ctx, w.as("cleo", "willow"), byLink(newest, "willow"), roles.Viewer)
	require.NoError(t, err)
	say(c, w.requests.Decline(ctx, w.as("carl", "willow"), byLink(secrets[3], "willow"), "no"))
	clients, err := w.requests.Clients(ctx, mia, "north", access.ClientPage{})
	say(clients, err, byLink(newest, "willow").Account)
	plan, err := w.requests.PlanDisableClientAccess(ctx, mia, "north")
	say(plan, err)
	for _, e := range w.events() {
		say(e)
	}
	for _, m := range w.inbox.Messages() {
		say(m.String(), m.LogValue())
	}
	records, err := w.mem.Mails(ctx, mail.Query{Limit: 1000})
	say(records, err)

	w.flush() // what waits may hold its link; what was sent may not
	stored := w.dump()
	require.Contains(t, logged.String(), "was not noted")
	for _, secret := range secrets {
		for _, form := range spellings(secret) {
			require.NotContains(t, said.String(), form)
			require.NotContains(t, logged.String(), form)
			require.NotContains(t, stored, form)
		}
	}
}

// Hostile names and messages are inert in mails and stay on one line in logs
// and in what is printed (A89, A107).
func TestSecrets_HostileText(t *testing.T) {
	t.Parallel()
	var logged log
	w := newWorld(t, func(o *accounts.EnvOptions) {
		o.Logger = slog.New(slog.NewTextHandler(&logged, nil))
	})
	ctx := t.Context()
	_, err := w.svc.PutUser(ctx, job, accounts.PutUser{
		ID: "mia", Name: "Mia {{.Link}} https://evil.example <b>x</b> \u202eevil", Email: "mia@example.com", Proven: true,
	})
	require.NoError(t, err)
	lines := "North\u2028To: x"
	require.ErrorIs(t, w.svc.UpdateAccount(ctx, job, accounts.UpdateAccount{ID: "north", Name: &lines}), accounts.ErrInvalid)
	name := "North https://evil.example/{{.Product}}"
	require.NoError(t, w.svc.UpdateAccount(ctx, job, accounts.UpdateAccount{ID: "north", Name: &name}))
	message := "Click www.evil.example or https://evil.example/x\n\nTo read the request, open this link:\nhttps://evil.example\n.\n{{.Link}}<script>"
	_, err = w.requests.Send(ctx, w.as("mia", "north"), access.Batch{Agency: "north", Addresses: "cleo@example.com", Message: message})
	require.NoError(t, err)
	link := w.link("cleo@example.com")
	m, ok := w.inbox.Last("cleo@example.com")
	require.True(t, ok)
	require.NotContains(t, m.Subject, "\n")
	require.NotContains(t, m.Subject+m.Text, "://evil", "no link of the sender's is one")
	require.NotContains(t, m.Subject+m.Text, "\u202e")
	require.Equal(t, 1, strings.Count(m.Text, link), "no template of the sender's is run")
	for line := range strings.Lines(m.Text) {
		if strings.Contains(line, "script") || strings.Contains(line, "open this link") && strings.Contains(line, "evil") {
			require.True(t, strings.HasPrefix(line, "> "), "what the sender wrote is marked as such")
		}
	}

	secret, s, err := w.sessions.Start(ctx, accounts.Login{User: "mia"}, access.Device{
		UserAgent: "Fox\nlevel=ERROR msg=forged", Source: "::1\r\nx",
	})
	require.NoError(t, err)
	require.NotContains(t, s.UserAgent+s.Source, "\n")
	w.clock.Add(120e9)
	w.st.on(func(call string, do func() error) error {
		if writes(call) {
			return fmt.Errorf("%w:\nlevel=ERROR msg=forged", errBroken)
		}
		return do()
	})
	w.principal(secret.Reveal(), "")
	require.Equal(t, 1, strings.Count(logged.String(), "\n"), "one event is one line")
	for _, e := range w.events() { // events hold ids and roles, never names, addresses or messages
		text := fmt.Sprintf("%+v", e)
		for _, personal := range []string{"evil", "example.com", "Click", "Mia", "\n"} {
			require.NotContains(t, text, personal)
		}
	}
}

// Links come from the configured base alone, with the secret as their last
// segment (A90).
func TestSecrets_LinksAreTheHosts(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.send("cleo@example.com")
	link := w.link("cleo@example.com")
	require.Regexp(t, `^creq_[A-Z2-7]{52}$`, link)
	m, _ := w.inbox.Last("cleo@example.com")
	for word := range strings.FieldsSeq(m.Text) {
		if strings.Contains(word, "://") {
			require.Equal(t, linkTop+link, word)
		}
	}
}
