package access_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/chatelaine-go/chatelaine/access"
	"github.com/chatelaine-go/chatelaine/access/token"
	"github.com/chatelaine-go/chatelaine/accounts"
	"github.com/chatelaine-go/chatelaine/mail"
)

func TestLogins_Prove(t *testing.T) {
	t.Parallel()

	t.Run("the link proves the address of the user who is signed in, for a day", func(t *testing.T) { // A02
		t.Parallel()
		e := newEntrance(t)
		e.signUp("nora")
		link := e.mailed("nora@example.com", proofPage)
		e.clock.Add(day - time.Microsecond)
		actor := e.self(e.in("nora", words))
		require.NoError(t, e.logins.Prove(t.Context(), actor, link))
		require.True(t, e.stored("nora").Proven)
		require.Equal(t, 1, e.count(access.EventAddressProven))
		was := e.all()
		require.ErrorIs(t, e.logins.Prove(t.Context(), actor, link), accounts.ErrNotFound, "it is used up (A01)")
		require.NoError(t, e.logins.AskProof(t.Context(), actor), "who has proven it is sent none")
		require.Equal(t, was, e.all())

		e.signUp("otto")
		link = e.mailed("otto@example.com", proofPage)
		actor = e.self(e.in("otto", words))
		e.clock.Add(day)
		require.ErrorIs(t, e.logins.Prove(t.Context(), e.self(e.in("otto", words)), link), accounts.ErrNotFound)
		require.ErrorIs(t, e.logins.Prove(t.Context(), actor, link), accounts.ErrNotFound)
		require.False(t, e.stored("otto").Proven)
	})

	t.Run("the link in any other hands proves nothing, for them or for the user", func(t *testing.T) { // A26
		t.Parallel()
		e := newEntrance(t)
		e.signUp("nora")
		link := e.mailed("nora@example.com", proofPage)
		e.signUp("otto")
		was := e.all()
		otto := e.self(e.in("otto", words))
		for _, actor := range []accounts.Actor{{}, job, operator, otto, e.as("ann", "north")} {
			require.Equal(t, accounts.ErrNotFound, e.logins.Prove(t.Context(), actor, link))
		}
		require.False(t, e.stored("nora").Proven)
		require.False(t, e.stored("otto").Proven)
		require.NotEqual(t, was, e.all(), "the logins")
		require.NoError(t, e.logins.Prove(t.Context(), e.self(e.in("nora", words)), link))
	})

	t.Run("a newer link takes the place of the older, which is not sent any more", func(t *testing.T) { // A03
		t.Parallel()
		e := newEntrance(t)
		e.signUp("nora")
		first := e.mailed("nora@example.com", proofPage)
		actor := e.self(e.in("nora", words))
		require.NoError(t, e.logins.AskProof(t.Context(), actor))
		e.inbox.Reset()
		require.NoError(t, e.logins.AskProof(t.Context(), actor))
		require.Equal(t, []string{mail.AddressProof}, e.kinds("nora@example.com"))
		require.ErrorIs(t, e.logins.Prove(t.Context(), actor, first), accounts.ErrNotFound)
		require.NoError(t, e.logins.AskProof(t.Context(), actor))
		require.NoError(t, e.logins.Prove(t.Context(), actor, e.mailed("nora@example.com", proofPage)))
		require.NoError(t, e.logins.AskProof(t.Context(), actor))
	})

	t.Run("it opens nothing that the session did not open, and leaves it as it is", func(t *testing.T) {
		t.Parallel()
		e := newEntrance(t)
		e.signUp("nora")
		secret := e.in("nora", words)
		e.clock.Add(20 * time.Minute)
		require.NoError(t, e.logins.Prove(t.Context(), e.self(secret), e.mailed("nora@example.com", proofPage)))
		p := e.principal(secret, "")
		require.Equal(t, start(), p.AuthAt, "a mailed link is no fresh login")
		require.ErrorIs(t, e.logins.AskAddress(t.Context(), p.Actor(), "new@example.com"), accounts.ErrStepUp)
	})

	t.Run("without an address there is nothing to prove", func(t *testing.T) {
		t.Parallel()
		e := newEntrance(t)
		login := must(e.logins.Arrive(t.Context(), access.HostLogin{ID: "nora", Identity: accounts.IdentityKey{Issuer: "i", Subject: "s"}}))(t)
		secret, _, err := e.sessions.Start(t.Context(), login, access.Device{})
		require.NoError(t, err)
		require.ErrorIs(t, e.logins.AskProof(t.Context(), e.self(secret.Reveal())), accounts.ErrInvalid)
	})
}

// Changing an address takes a fresh login, a notice to the old one, and the
// proof of the new one; then links that went to the old one are dead (A27).
func TestLogins_AskAddress(t *testing.T) {
	t.Parallel()

	t.Run("the whole way", func(t *testing.T) {
		t.Parallel()
		e := newEntrance(t)
		secret, actor := e.newcomer("nora")
		reset := e.resetLink("nora")
		e.kinds("nora@example.com")
		e.clock.Add(10 * time.Minute)
		require.ErrorIs(t, e.logins.AskAddress(t.Context(), actor, "new@example.com"), accounts.ErrStepUp)
		login := must(e.logins.Verify(t.Context(), access.LogIn{Email: "nora@example.com", Password: words}, access.Device{}))(t)
		secret = must(e.sessions.Renew(t.Context(), secret, login))(t).Reveal()
		actor = e.self(secret)

		require.NoError(t, e.logins.AskAddress(t.Context(), actor, " New@Example.com "))
		require.Equal(t, accounts.Email("nora@example.com"), e.stored("nora").Email, "nothing has changed yet")
		link := e.mailed("new@example.com", changePage)
		m, _ := e.inbox.Last("nora@example.com")
		require.Equal(t, mail.AddressChangeAsked, m.Kind)
		require.Contains(t, m.Text, "New@Example.com")
		m, _ = e.inbox.Last("new@example.com")
		require.Empty(t, m.ToName, "the name is a stranger's to whoever has that address")
		require.NotContains(t, m.Text, "Mx nora")
		e.inbox.Reset()

		e.clock.Add(day - time.Hour) // the session ended meanwhile; the link is good for a day
		secret = e.in("nora", words)
		require.NoError(t, e.logins.ConfirmAddress(t.Context(), e.self(secret), link))
		u := e.stored("nora")
		require.Equal(t, accounts.Email("new@example.com"), u.Email)
		require.Equal(t, "New@Example.com", u.Address)
		require.True(t, u.Proven)
		require.Equal(t, []string{mail.AddressChanged}, e.kinds("nora@example.com"))
		require.NoError(t, e.try(secret, ""))
		require.ErrorIs(t, e.reset(reset, others), accounts.ErrNotFound)
		require.ErrorIs(t, e.logins.ConfirmAddress(t.Context(), e.self(secret), link), accounts.ErrNotFound, "it is used up")
		require.False(t, e.knows("nora@example.com", words))
		require.True(t, e.knows("new@example.com", words))
		free := must(e.logins.SignUp(t.Context(), access.SignUp{Email: "nora@example.com", Password: others}, access.Device{}))(t)
		require.NotEmpty(t, free.ID, "the old address is free again")
	})

	t.Run("a link not sent yet to the old address is taken back", func(t *testing.T) { // A87
		t.Parallel()
		e := newEntrance(t)
		e.signUp("nora")
		e.flush()
		actor := e.self(e.in("nora", words))
		require.NoError(t, e.logins.AskAddress(t.Context(), actor, "new@example.com"))
		link := e.mailed("new@example.com", changePage)
		e.kinds("nora@example.com")
		require.NoError(t, e.logins.AskProof(t.Context(), actor))
		require.NoError(t, e.logins.AskReset(t.Context(), "nora@example.com", access.Device{}))
		require.NoError(t, e.logins.ConfirmAddress(t.Context(), actor, link))
		require.Equal(t, []string{mail.AddressChanged}, e.kinds("nora@example.com"))
	})

	t.Run("the link is good for the user who asked alone", func(t *testing.T) {
		t.Parallel()
		e := newEntrance(t)
		_, actor := e.newcomer("nora")
		_, otto := e.newcomer("otto")
		require.NoError(t, e.logins.AskAddress(t.Context(), actor, "new@example.com"))
		link := e.mailed("new@example.com", changePage)
		for _, other := range []accounts.Actor{{}, job, operator, otto} {
			require.Equal(t, accounts.ErrNotFound, e.logins.ConfirmAddress(t.Context(), other, link))
		}
		require.NoError(t, e.logins.ConfirmAddress(t.Context(), actor, link))
		require.Equal(t, accounts.Email("otto@example.com"), e.stored("otto").Email)
	})

	t.Run("whether somebody has the address, the answer, the writes and the older link do not tell", func(t *testing.T) { // A28
		t.Parallel()
		var all []string
		for _, to := range []string{"otto@example.com", "nobody@example.com"} {
			e := newEntrance(t)
			e.newcomer("otto")
			e.clock.Add(day)
			_, actor := e.newcomer("nora")
			require.NoError(t, e.logins.AskAddress(t.Context(), actor, "new@example.com"))
			older := e.mailed("new@example.com", changePage)
			e.kinds(to)
			calls := e.calls(func() { require.NoError(t, e.logins.AskAddress(t.Context(), actor, strings.ToUpper(to))) })
			all = append(all, strings.Join(calls, " "))
			require.ErrorIs(t, e.logins.ConfirmAddress(t.Context(), actor, older), accounts.ErrNotFound)
			require.Len(t, e.kinds(to), 1)
			ticket, err := e.mem.Ticket(t.Context(), access.TicketQuery{TicketKey: access.TicketKey{User: "nora", Purpose: token.Address}})
			require.NoError(t, err)
			require.Equal(t, accounts.Email(to), ticket.Email)
		}
		require.Equal(t, "User Entering Ticket Spent ApplyAccess", all[0])
		require.Equal(t, all[0], all[1])
	})

	t.Run("whoever has the address is told, and gets no link to it", func(t *testing.T) {
		t.Parallel()
		e := newEntrance(t)
		e.newcomer("otto")
		_, actor := e.newcomer("nora")
		e.kinds("otto@example.com")
		require.NoError(t, e.logins.AskAddress(t.Context(), actor, "otto@example.com"))
		require.Equal(t, []string{mail.SignUpKnown}, e.kinds("otto@example.com"))
		require.Equal(t, accounts.Email("otto@example.com"), e.stored("otto").Email)
	})

	t.Run("somebody who got the address meanwhile keeps it", func(t *testing.T) {
		t.Parallel()
		e := newEntrance(t)
		_, actor := e.newcomer("nora")
		require.NoError(t, e.logins.AskAddress(t.Context(), actor, "otto@example.com"))
		link := e.mailed("otto@example.com", changePage)
		e.signUp("otto")
		var taken *accounts.TakenError
		require.ErrorAs(t, e.logins.ConfirmAddress(t.Context(), actor, link), &taken)
		require.Equal(t, "email", taken.Field)
		require.Equal(t, accounts.Email("nora@example.com"), e.stored("nora").Email)
		require.NoError(t, e.svc.EraseUser(t.Context(), operator, "otto"))
		require.NoError(t, e.logins.ConfirmAddress(t.Context(), actor, link), "the link was not used up")
	})

	t.Run("the address one has is refused in whatever spelling, and so is one that is none", func(t *testing.T) { // A21
		t.Parallel()
		e := newEntrance(t)
		_, actor := e.newcomer("nora")
		was := e.all()
		for _, typed := range []string{"nora@example.com", "NORA@EXAMPLE.COM", "nora@ｅxample.com", "", "nora", "a@example.com, b@example.com"} {
			require.ErrorIs(t, e.logins.AskAddress(t.Context(), actor, typed), accounts.ErrInvalid, typed)
		}
		require.Equal(t, was, e.all())
	})

	t.Run("one user has mail sent to five other addresses a day", func(t *testing.T) { // A81
		t.Parallel()
		e := newEntrance(t)
		_, actor := e.newcomer("nora")
		e.kinds("nora@example.com")
		for i := range 5 {
			require.NoError(t, e.logins.AskAddress(t.Context(), actor, "x"+string(rune('a'+i))+"@example.com"))
		}
		var quota *accounts.QuotaError
		require.ErrorAs(t, e.logins.AskAddress(t.Context(), actor, "xf@example.com"), &quota)
		require.Equal(t, 5, quota.Limit)
		require.Len(t, e.kinds("nora@example.com"), 5, "nor is one's own address flooded")
		e.clock.Set(e.env.Now().Truncate(day).Add(day))
		require.NoError(t, e.logins.AskAddress(t.Context(), e.self(e.in("nora", words)), "xf@example.com"))
	})

	t.Run("who came without an address gets one, and is not written to at none", func(t *testing.T) {
		t.Parallel()
		e := newEntrance(t)
		login := must(e.logins.Arrive(t.Context(), access.HostLogin{ID: "nora", Identity: accounts.IdentityKey{Issuer: "i", Subject: "s"}}))(t)
		secret, _, err := e.sessions.Start(t.Context(), login, access.Device{})
		require.NoError(t, err)
		actor := e.self(secret.Reveal())
		require.NoError(t, e.logins.AskAddress(t.Context(), actor, "nora@example.com"))
		require.NoError(t, e.logins.ConfirmAddress(t.Context(), actor, e.mailed("nora@example.com", changePage)))
		require.True(t, e.stored("nora").Proven)
		for _, m := range e.inbox.Messages() {
			require.NotEmpty(t, m.To)
		}
		must(e.logins.ChangePassword(t.Context(), actor, "", words, access.Device{}))(t)
		require.True(t, e.knows("nora@example.com", words))
	})

	t.Run("an address that the host keeps is not changed here", func(t *testing.T) {
		t.Parallel()
		e := newEntrance(t)
		mia := e.self(e.login("mia"))
		for _, err := range []error{
			e.logins.AskAddress(t.Context(), mia, "new@example.com"), e.logins.AskProof(t.Context(), mia),
		} {
			var bad *accounts.InvalidError
			require.ErrorAs(t, err, &bad)
			require.Equal(t, "user", bad.Field)
		}
		// Nor by a link of before.
		_, actor := e.newcomer("nora")
		require.NoError(t, e.logins.AskAddress(t.Context(), actor, "new@example.com"))
		link := e.mailed("new@example.com", changePage)
		must(e.svc.PutUser(t.Context(), job, accounts.PutUser{ID: "nora", Email: "nora@example.com", Proven: true, TakeOver: true}))(t)
		require.ErrorIs(t, e.logins.ConfirmAddress(t.Context(), actor, link), accounts.ErrStepUp, "the host's taking over ended the session")
		e.clock.Add(time.Minute)
		require.ErrorIs(t, e.logins.ConfirmAddress(t.Context(), must(e.sessions.ForUser(t.Context(), accounts.Login{User: "nora", At: e.env.Now()}, ""))(t).Actor(), link), accounts.ErrInvalid)
		require.Equal(t, accounts.Email("nora@example.com"), e.stored("nora").Email)
	})
}

// Mail about a login is asked for in the user's own language.
func TestLogins_mailIsInTheUsersLanguage(t *testing.T) {
	t.Parallel()
	e := newEntrance(t)
	must(e.logins.SignUp(t.Context(), access.SignUp{ID: "nora", Email: "nora@example.com", Password: words, Locale: "de-AT"}, access.Device{}))(t)
	require.NoError(t, e.logins.AskReset(t.Context(), "nora@example.com", access.Device{}))
	e.flush()
	for _, m := range e.inbox.Messages() {
		require.Equal(t, "de-AT", m.Locale)
		require.Contains(t, m.Text, "https://app.example/")
	}
}
