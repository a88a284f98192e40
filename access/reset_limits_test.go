package access_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/chatelaine-go/chatelaine/access"
	"github.com/chatelaine-go/chatelaine/access/limit"
	"github.com/chatelaine-go/chatelaine/accounts"
	"github.com/chatelaine-go/chatelaine/mail"
)

// exhaust has strangers ask for resets until the day's mails are used up.
func (e *entrance) exhaust(email string) {
	e.Helper()
	for range 5 {
		require.NoError(e, e.logins.AskReset(e.Context(), email, access.Device{}))
	}
	require.Equal(e, 5, e.entering(email, "").Links)
	e.kinds(email)
}

// Strangers who use up the day's mails about a login do not keep its owner out:
// one mail an hour goes out all the same, with a link that works and ends the
// one before, and nobody is told anything else (A03, A28, A31, A81).
func TestLogins_AskReset_beyondTheDay(t *testing.T) {
	t.Parallel()
	e := newEntrance(t)
	e.newcomer("nora")
	e.clock.Add(day)
	e.exhaust("nora@example.com")
	ask := func(want ...string) string {
		e.Helper()
		require.NoError(t, e.logins.AskReset(t.Context(), "nora@example.com", access.Device{}))
		link, _ := e.letter("nora@example.com", resetPage)
		require.Equal(t, want, e.kinds("nora@example.com"))
		return link
	}
	e.clock.Add(time.Hour - time.Microsecond)
	ask()
	e.clock.Add(time.Microsecond)
	older := ask(mail.PasswordReset)
	ask()
	e.clock.Add(time.Hour - time.Microsecond)
	ask()
	e.clock.Add(time.Microsecond)
	newest := ask(mail.PasswordReset)
	require.Equal(t, 5, e.entering("nora@example.com", "").Links, "beyond the day's mails nothing is taken from them")
	require.ErrorIs(t, e.reset(older, others), accounts.ErrNotFound)
	require.NoError(t, e.reset(newest, others))
	require.True(t, e.knows("nora@example.com", others))

	e.clock.Set(e.env.Now().Truncate(day).Add(day))
	e.kinds("nora@example.com")
	for range 5 {
		ask(mail.PasswordReset)
	}
	ask()
}

// Beyond the day's mails nobody gets one but a user whose password a mail can
// reset (A12), whoever asks is answered alike, and each ask is charged to the
// network: one whose tries are used up is told so, whatever the address is
// (A28, A83).
func TestLogins_AskReset_beyondTheDayForAll(t *testing.T) {
	t.Parallel()
	for _, s := range sorts() {
		e := newEntrance(t, func(o *accounts.EnvOptions) { o.Limits.TriesPerSource = 2 })
		s.make(e)
		e.clock.Add(day)
		e.exhaust(s.email)
		e.clock.Add(2 * time.Hour)
		from := access.Device{Source: "192.0.2.1"}
		resettable := s.name == sorts()[0].name || s.name == "somebody whose stored password is unreadable"
		want := []string{mail.PasswordReset}
		if !resettable {
			want = nil
		}
		require.NoError(t, e.logins.AskReset(t.Context(), s.email, from), s.name)
		require.Equal(t, want, e.kinds(s.email), s.name)
		require.NoError(t, e.logins.AskReset(t.Context(), s.email, from), s.name)
		require.Empty(t, e.kinds(s.email), s.name)
		require.Equal(t, 2, e.entering(s.email, "192.0.2.1").Tries, s.name)

		e.clock.Add(2 * time.Hour)
		was := e.all()
		var wait *limit.LimitedError
		require.ErrorAs(t, e.logins.AskReset(t.Context(), s.email, from), &wait, s.name)
		require.Equal(t, e.env.Now().Truncate(day).Add(day).Sub(e.env.Now()), wait.RetryAfter, s.name)
		require.Equal(t, was, e.all(), s.name)
	}
}

// Of many who ask at once beyond the day's mails all are answered alike, and one
// mail goes out (A81).
func TestRace_AskReset_beyondTheDay(t *testing.T) {
	t.Parallel()
	for name, h := range interleavings(8) {
		e := newEntrance(t)
		e.newcomer("nora")
		e.clock.Add(day)
		e.exhaust("nora@example.com")
		e.clock.Add(time.Hour)
		sent := len(must(e.mem.Mails(t.Context(), mail.Query{Limit: 1000}))(t))
		e.st.on(h)
		do := make([]func() error, 8)
		for i := range do {
			do[i] = func() error { return e.logins.AskReset(t.Context(), "nora@example.com", access.Device{}) }
		}
		for _, err := range together(do...) {
			require.NoError(t, err, name)
		}
		e.st.on(nil)
		require.Len(t, must(e.mem.Mails(t.Context(), mail.Query{Limit: 1000}))(t), sent+1, name)
	}
}

// Mail to an address of which no language is known speaks that of the page on
// which it was asked for.
func TestLogins_AskReset_language(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ name, given, want string }{
		{"a language", "de-AT", "de-AT"},
		{"none", "", ""},
		{"no language tag", "not a language", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			e := newEntrance(t)
			require.NoError(t, e.logins.AskReset(t.Context(), "nobody@example.com", access.Device{Language: tt.given}))
			e.flush()
			m, _ := e.inbox.Last("nobody@example.com")
			require.Equal(t, mail.NoLogin, m.Kind)
			require.Equal(t, tt.want, m.Locale)
		})
	}
}
