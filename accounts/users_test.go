package accounts_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/chatelaine-go/chatelaine/access/token"
	"github.com/chatelaine-go/chatelaine/accounts"
	"github.com/chatelaine-go/chatelaine/mail"
	"github.com/chatelaine-go/chatelaine/roles"
)

func (w *world) putUser(in accounts.PutUser) (accounts.User, error) {
	return w.svc.PutUser(w.t.Context(), job(), in)
}

// A host's user is kept under the host's id: created, updated, and not touched
// when nothing differs; each change is one event.
func TestPutUser_keeps(t *testing.T) {
	t.Parallel()

	w := newWorld(t)
	in := accounts.PutUser{
		ID: "42", Name: "Ann Lee", Handle: "Ann", Email: " Ann@BÜCHER.example", Proven: true, Locale: "de-AT",
		Identities: []accounts.IdentityKey{{Issuer: "https://id.example", Subject: "a"}},
	}
	u, err := w.putUser(in)
	require.NoError(t, err)
	require.Equal(t, accounts.User{
		UserState: accounts.UserState{ID: "42", Name: "Ann Lee", Epoch: 1}, Version: 1, Handle: "Ann",
		Email: "ann@xn--bcher-kva.example", Address: "Ann@BÜCHER.example", Proven: true, Locale: "de-AT", Kept: true,
		CreatedAt: start, UpdatedAt: start,
	}, u)
	require.Equal(t, accounts.EventUserCreated, w.one(0).Kind)
	stored, err := w.svc.User(t.Context(), job(), "42")
	require.NoError(t, err)
	require.Equal(t, u, stored, "what is returned is what is stored")

	again, err := w.putUser(in)
	require.NoError(t, err)
	require.Equal(t, u, again)
	require.Len(t, w.feed(), 1, "the same again is nothing")

	in.Identities = []accounts.IdentityKey{{Issuer: "https://id.example", Subject: "b"}}
	in.Email, in.Proven, in.Handle = "", false, ""
	w.clock.Add(1e9)
	u, err = w.putUser(in)
	require.NoError(t, err)
	require.Equal(t, int64(2), u.Version)
	require.Empty(t, u.Email)
	require.Equal(t, accounts.EventUserUpdated, w.one(1).Kind)
	for _, subject := range []string{"a", "b"} {
		found, err := w.st.User(t.Context(), accounts.UserKey{Identity: accounts.IdentityKey{Issuer: "https://id.example", Subject: subject}})
		require.NoError(t, err)
		require.Equal(t, accounts.UserID("42"), found.ID, "identities that are not named stay")
	}
}

// An address, user name or identity of somebody else is taken, in whatever
// spelling, and nobody is ever linked by an address (A21, A24, I-03).
func TestPutUser_taken(t *testing.T) {
	t.Parallel()

	w := newWorld(t)
	id := accounts.IdentityKey{Issuer: "https://id.example", Subject: "a"}
	_, err := w.putUser(accounts.PutUser{ID: "1", Handle: "Zoë K", Email: "ann@bücher.example", Identities: []accounts.IdentityKey{id}})
	require.NoError(t, err)
	for name, test := range map[string]struct {
		given accounts.PutUser
		want  string
	}{
		"the same address":             {accounts.PutUser{Email: "ann@bücher.example"}, "email"},
		"in capitals":                  {accounts.PutUser{Email: "ANN@BÜCHER.EXAMPLE", Proven: true}, "email"},
		"decomposed":                   {accounts.PutUser{Email: "ann@bu\u0308cher.example"}, "email"},
		"in punycode":                  {accounts.PutUser{Email: "Ann@xn--bcher-kva.example"}, "email"},
		"full-width":                   {accounts.PutUser{Email: "ann@ｂücher.example"}, "email"},
		"the same user name":           {accounts.PutUser{Handle: "zoë k"}, "handle"},
		"a user name of other spacing": {accounts.PutUser{Handle: "  ZOE\u0308   K"}, "handle"},
		"the same identity":            {accounts.PutUser{Email: "new@acme.example", Identities: []accounts.IdentityKey{id}}, "identities"},
	} {
		test.given.ID = "2"
		_, err := w.putUser(test.given)
		var taken *accounts.TakenError
		require.ErrorAs(t, err, &taken, name)
		require.ErrorIs(t, err, accounts.ErrTaken)
		require.Equal(t, test.want, taken.Field, name)
		_, err = w.st.User(t.Context(), accounts.UserKey{ID: "2"})
		require.ErrorIs(t, err, accounts.ErrNotFound)
	}
	_, err = w.putUser(accounts.PutUser{ID: "2", Email: "an.n@bücher.example", Handle: "zoe k", Identities: []accounts.IdentityKey{{Issuer: "https://ID.example", Subject: "a"}}})
	require.NoError(t, err, "what only resembles it is somebody else's")
}

// Malformed input is refused by the field's name, before anything is read.
func TestPutUser_badInput(t *testing.T) {
	t.Parallel()

	w := newWorld(t)
	svc := w.tapped(func(method string, _ bool) error { return errors.New("the store was asked: " + method) })
	id := accounts.IdentityKey{Issuer: "i", Subject: "s"}
	for name, test := range map[string]struct {
		given accounts.PutUser
		want  string
	}{
		"no id":                     {accounts.PutUser{}, "id"},
		"a long id":                 {accounts.PutUser{ID: accounts.UserID(strings.Repeat("x", 65))}, "id"},
		"a long name":               {accounts.PutUser{ID: "1", Name: strings.Repeat("x", 101)}, "name"},
		"a name with a line break":  {accounts.PutUser{ID: "1", Name: "a\r\nb"}, "name"},
		"a name that is no text":    {accounts.PutUser{ID: "1", Name: "\xff"}, "name"},
		"an @ in the user name":     {accounts.PutUser{ID: "1", Handle: "a@b"}, "handle"},
		"a blank user name":         {accounts.PutUser{ID: "1", Handle: "  "}, "handle"},
		"a long user name":          {accounts.PutUser{ID: "1", Handle: strings.Repeat("x", 65)}, "handle"},
		"a bad address":             {accounts.PutUser{ID: "1", Email: "a@b"}, "email"},
		"proven without an address": {accounts.PutUser{ID: "1", Proven: true}, "proven"},
		"a bad language":            {accounts.PutUser{ID: "1", Locale: "no such"}, "locale"},
		"a long language":           {accounts.PutUser{ID: "1", Locale: "en-" + strings.Repeat("x", 40)}, "locale"},
		"no issuer":                 {accounts.PutUser{ID: "1", Identities: []accounts.IdentityKey{{Subject: "s"}}}, "identities.issuer"},
		"no subject":                {accounts.PutUser{ID: "1", Identities: []accounts.IdentityKey{{Issuer: "i"}}}, "identities.subject"},
		"an identity twice":         {accounts.PutUser{ID: "1", Identities: []accounts.IdentityKey{id, id}}, "identities"},
	} {
		_, err := svc.PutUser(t.Context(), job(), test.given)
		require.Equal(t, test.want, field(t, err), name)
	}
	_, err := w.putUser(accounts.PutUser{ID: "1", Name: strings.Repeat("ä", 100), Handle: strings.Repeat("ß", 64)})
	require.NoError(t, err, "lengths are in characters")
}

// Suspending a user reaches everywhere at the next check, keeping them in step
// does not undo it, and reactivating brings back no session (A25, A74).
func TestSuspendUser_everywhere(t *testing.T) {
	t.Parallel()

	w := office(t)
	ctx := t.Context()
	bob := w.as("bob")
	require.NoError(t, w.svc.SuspendUser(ctx, staff(), "bob"))
	require.Equal(t, accounts.EventUserSuspended, w.one(0).Kind)
	require.NoError(t, w.svc.SuspendUser(ctx, staff(), "bob"))
	require.True(t, w.rights("bob", "acme").None())
	_, err := w.svc.Account(ctx, bob, "acme")
	require.Equal(t, accounts.ErrStepUp, err)
	_, err = w.svc.User(ctx, bob, "bob")
	require.Equal(t, accounts.ErrStepUp, err)
	_, err = w.svc.Explain(ctx, bob, accounts.StandingKey{User: "bob", Account: "acme"})
	require.Equal(t, accounts.ErrStepUp, err)
	u, err := w.putUser(accounts.PutUser{ID: "bob", Name: "Bob again", Email: "bob@people.example"})
	require.NoError(t, err)
	require.False(t, u.Active())
	_, err = w.svc.CreateAccount(ctx, job(), accounts.CreateAccount{Name: "New", Owner: "bob"})
	require.Equal(t, "owner", field(t, err))
	require.NoError(t, w.svc.ReactivateUser(ctx, staff(), "bob"))
	require.NoError(t, w.svc.ReactivateUser(ctx, staff(), "bob"))
	require.Equal(t, roles.Admin, w.rights("bob", "acme").Direct())
	_, err = w.svc.Account(ctx, bob, "acme")
	require.Equal(t, accounts.ErrStepUp, err, "the session of before stays dead")
	require.Equal(t, accounts.ErrNotFound, w.svc.SuspendUser(ctx, staff(), "nobody"))
	require.Equal(t, "user", field(t, w.svc.SuspendUser(ctx, staff(), "")))
	require.Equal(t, "account", field(t, w.svc.SuspendAccount(ctx, staff(), "")))
	require.Equal(t, accounts.ErrNotFound, w.svc.SuspendAccount(ctx, staff(), "nothing"))
}

// A person is found by id, address in any spelling, or user name.
func TestFindUser(t *testing.T) {
	t.Parallel()

	w := newWorld(t)
	for _, in := range []accounts.PutUser{{ID: "1", Handle: "Zoë", Email: "zoe@acme.example"}, {ID: "2", Handle: "1"}} {
		_, err := w.putUser(in)
		require.NoError(t, err)
	}
	for given, want := range map[string]accounts.UserID{"1": "1", "2": "2", "zoË": "1", " ZOE@acme.EXAMPLE": "1"} {
		u, err := w.svc.FindUser(t.Context(), staff(), given)
		require.NoError(t, err)
		require.Equal(t, want, u.ID, given)
	}
	for _, given := range []string{"3", "zoe@other.example", "zo"} {
		_, err := w.svc.FindUser(t.Context(), staff(), given)
		require.Equal(t, accounts.ErrNotFound, err)
	}
	for _, given := range []string{"", " \t ", strings.Repeat("x", 255), "\u200b"} {
		_, err := w.svc.FindUser(t.Context(), staff(), given)
		require.Equal(t, "user", field(t, err))
	}
}

// An account is made with its owner in one change, by the owner or by a job.
func TestCreateAccount_makes(t *testing.T) {
	t.Parallel()

	w := newWorld(t)
	w.put(user("ann"), user("bob"))
	a, err := w.svc.CreateAccount(t.Context(), w.as("ann"), accounts.CreateAccount{Name: "Acme", Plan: "gold", Locale: "fr"})
	require.NoError(t, err)
	require.NoError(t, accounts.CheckID("id", a.ID))
	require.Equal(t, accounts.KindStandard, a.Kind)
	require.Equal(t, a, w.account(string(a.ID)), "what is returned is what is stored")
	require.Equal(t, roles.Owner, w.rights("ann", string(a.ID)).Direct())
	e := w.one(0)
	require.Equal(t, []any{accounts.EventAccountCreated, a.ID, accounts.UserID("ann"), roles.Owner}, []any{e.Kind, e.Account, e.User, e.Role})

	_, err = w.svc.CreateAccount(t.Context(), w.as("ann"), accounts.CreateAccount{Name: "Second"})
	require.Equal(t, "kind", field(t, err), "a standard owner has one")
	_, err = w.svc.CreateAccount(t.Context(), w.as("ann"), accounts.CreateAccount{ID: "orbit", Name: "Second", Kind: accounts.KindAgency})
	require.NoError(t, err)
	_, err = w.svc.CreateAccount(t.Context(), job(), accounts.CreateAccount{ID: "orbit", Name: "Third", Owner: "bob"})
	require.ErrorIs(t, err, accounts.ErrTaken)
	_, err = w.svc.CreateAccount(t.Context(), job(), accounts.CreateAccount{Name: "Third", Owner: "nobody"})
	require.Equal(t, accounts.ErrNotFound, err)
	for name, test := range map[string]struct {
		given accounts.CreateAccount
		want  string
	}{
		"a bad id":      {accounts.CreateAccount{ID: "a b", Name: "N", Owner: "bob"}, "id"},
		"no name":       {accounts.CreateAccount{Owner: "bob"}, "name"},
		"a blank name":  {accounts.CreateAccount{Name: "\u00a0\u200b", Owner: "bob"}, "name"},
		"a long name":   {accounts.CreateAccount{Name: strings.Repeat("x", 101), Owner: "bob"}, "name"},
		"a second line": {accounts.CreateAccount{Name: "a\u2028b", Owner: "bob"}, "name"},
		"a kind":        {accounts.CreateAccount{Name: "N", Kind: "club", Owner: "bob"}, "kind"},
		"a plan":        {accounts.CreateAccount{Name: "N", Plan: "\x00", Owner: "bob"}, "plan"},
		"a language":    {accounts.CreateAccount{Name: "N", Locale: "??", Owner: "bob"}, "locale"},
		"no owner":      {accounts.CreateAccount{Name: "N"}, "owner"},
		"a key":         {accounts.CreateAccount{Name: "N", Owner: "bob", Key: "a b"}, "key"},
	} {
		_, err := w.svc.CreateAccount(t.Context(), job(), test.given)
		require.Equal(t, test.want, field(t, err), name)
	}
	require.Len(t, w.feed(), 2)
}

// Two accounts made at once by one person both know of each other, so that the
// policy on owning several holds under any concurrency.
func TestCreateAccount_atOnce(t *testing.T) {
	t.Parallel()

	w := newWorld(t)
	w.put(user("ann"))
	inner, first := error(nil), true
	svc := w.tapped(func(method string, after bool) error {
		if method == "ApplyAccounts" && !after && first {
			first = false
			_, inner = w.svc.CreateAccount(t.Context(), w.as("ann"), accounts.CreateAccount{ID: "one", Name: "One"})
		}
		return nil
	})
	_, err := svc.CreateAccount(t.Context(), w.as("ann"), accounts.CreateAccount{ID: "two", Name: "Two"})
	require.NoError(t, inner)
	require.Equal(t, "kind", field(t, err))
}

// A host's own data changes an account in one event, field by field.
func TestUpdateAccount(t *testing.T) {
	t.Parallel()

	w := office(t)
	text := func(s string) *string { return &s }
	require.NoError(t, w.svc.UpdateAccount(t.Context(), job(), accounts.UpdateAccount{ID: "acme", Name: text("Acme Ltd"), Plan: text("gold")}))
	a := w.account("acme")
	require.Equal(t, []string{"Acme Ltd", "gold", ""}, []string{a.Name, a.Plan, a.Locale})
	require.Equal(t, accounts.EventAccountUpdated, w.one(0).Kind)
	require.NoError(t, w.svc.UpdateAccount(t.Context(), job(), accounts.UpdateAccount{ID: "acme", Plan: text("gold")}))
	for want, in := range map[string]accounts.UpdateAccount{
		"name": {ID: "acme", Name: text(" ")}, "plan": {ID: "acme", Plan: text("a\nb")}, "locale": {ID: "acme", Locale: text("??")}, "account": {},
	} {
		require.Equal(t, want, field(t, w.svc.UpdateAccount(t.Context(), job(), in)))
	}
	require.Equal(t, accounts.ErrNotFound, w.svc.UpdateAccount(t.Context(), job(), accounts.UpdateAccount{ID: "nothing"}))
	require.Len(t, w.feed(), 1)
	require.Equal(t, a, w.account("acme"))
}

// An account becomes an agency in two steps that are hard gates.
func TestProgramme_gates(t *testing.T) {
	t.Parallel()

	w := office(t)
	ctx, ann := t.Context(), w.as("ann")
	require.Equal(t, "account", field(t, w.svc.EnableClientAccess(ctx, ann, "acme")))
	require.NoError(t, w.svc.JoinProgramme(ctx, ann, "acme"))
	require.NoError(t, w.svc.JoinProgramme(ctx, ann, "acme"))
	require.False(t, w.account("acme").ActsAsAgency())
	require.NoError(t, w.svc.EnableClientAccess(ctx, ann, "acme"))
	require.NoError(t, w.svc.EnableClientAccess(ctx, ann, "acme"))
	require.True(t, w.account("acme").ActsAsAgency())
	require.Len(t, w.feed(), 2)
}

// Suspending a user takes back unsent mail about their login, and no other and
// nobody else's: a link in it would be dead on arrival (A25, A74, A87).
func TestService_SuspendUser_mail(t *testing.T) {
	t.Parallel()

	w := office(t)
	var letters []any
	for id, reason := range map[string]mail.Reason{
		"proof": mail.ReasonFor("login", "bob", string(token.Proof)), "reset": mail.ReasonFor("login", "bob", string(token.Reset)),
		"address": mail.ReasonFor("login", "bob", string(token.Address)), "told": mail.ReasonFor("login", "bob", ""),
		"other": mail.ReasonFor("account", "bob"), "cid": mail.ReasonFor("login", "cid", string(token.Proof)),
		"bobby": mail.ReasonFor("login", "bobby", string(token.Proof)), "strangers": mail.ReasonFor("login"),
	} {
		m := w.letter(user("bob"), id)
		m.ID, m.Reason = id, reason
		letters = append(letters, m)
	}
	w.put(letters...)
	require.NoError(t, w.svc.SuspendUser(t.Context(), staff(), "bob"))
	for state, want := range map[mail.State][]string{
		mail.Cancelled: {"address", "proof", "reset", "told"}, mail.Queued: {"bobby", "cid", "other", "strangers"},
	} {
		var got []string
		for _, r := range w.mails(state) {
			got = append(got, r.ID)
		}
		require.Equal(t, want, got, state)
	}
}

// Users change what they are called, their user name and their language, with a
// login that counts; a job does it for anybody. It is one event, and ends
// nothing that rests on the login. What the host keeps is the host's, what
// somebody else has is taken, and nothing is written of what is refused (A21,
// A36, A42).
func TestService_UpdateUser(t *testing.T) {
	t.Parallel()

	text := func(s string) *string { return &s }
	own := func() *world {
		w := newWorld(t)
		zoe, kept, gone, barred := user("zoe"), user("kept"), user("gone"), user("barred")
		zoe.Handle, kept.Kept, gone.DeletedAt, barred.SuspendedAt = "Zoë K", true, start, start
		gone.Email, gone.Address = "", ""
		w.put(user("ann"), zoe, kept, gone, barred)
		w.clock.Add(time.Minute)
		return w
	}
	t.Run("what is named changes, and nothing else", func(t *testing.T) {
		t.Parallel()
		for name, actor := range map[string]accounts.Actor{
			"by themselves": admitted("ann", start.Add(-time.Hour)), "by themselves, at an account": accounts.Admitted(accounts.Admission{User: "ann", Epoch: 1, Account: "acme"}),
			"by a job": job(),
		} {
			w := own()
			was := w.means("ann").User
			was.Version, was.UpdatedAt = 2, w.env.Now()
			was.Name, was.Handle, was.Locale = "Ann Lee", "ann  L", "pt-BR"
			out, err := w.svc.UpdateUser(t.Context(), actor, accounts.UpdateUser{ID: "ann", Name: text("Ann Lee"), Handle: text("ann  L"), Locale: text("pt-BR")})
			require.NoError(t, err, name)
			require.Equal(t, was, out, name)
			require.Equal(t, was, w.means("ann").User, "what is returned is what is stored; the epoch is the same")
			e := w.one(0)
			require.Equal(t, []any{accounts.EventUserUpdated, accounts.UserID("ann"), actor.By(), accounts.AccountID("")}, []any{e.Kind, e.User, e.By, e.Account})

			for _, in := range []accounts.UpdateUser{{}, {Name: text("Ann Lee")}, {Handle: text("ann  L")}} {
				in.ID = "ann"
				out, err = w.svc.UpdateUser(t.Context(), actor, in)
				require.NoError(t, err)
				require.Equal(t, was, out)
			}
			require.Len(t, w.feed(), 1, "what is there already is nothing")
			out, err = w.svc.UpdateUser(t.Context(), actor, accounts.UpdateUser{ID: "ann", Name: text(""), Handle: text("ANN l"), Locale: text("")})
			require.NoError(t, err)
			require.Equal(t, []string{"", "ANN l", ""}, []string{out.Name, out.Handle, out.Locale}, "one's own user name in another spelling is nobody else's")
		}
	})
	for _, tt := range []struct {
		name  string
		actor accounts.Actor
		when  accounts.UpdateUser
		want  string // a field, or an error
	}{
		{"a long name", job(), accounts.UpdateUser{ID: "ann", Name: text(strings.Repeat("ä", 101))}, "name"},
		{"a name with a line break", job(), accounts.UpdateUser{ID: "ann", Name: text("a\nb")}, "name"},
		{"an @ in the user name", job(), accounts.UpdateUser{ID: "ann", Handle: text("a@b")}, "handle"},
		{"a blank user name", job(), accounts.UpdateUser{ID: "ann", Handle: text(" ")}, "handle"},
		{"a long user name", job(), accounts.UpdateUser{ID: "ann", Handle: text(strings.Repeat("x", 65))}, "handle"},
		{"a bad language", job(), accounts.UpdateUser{ID: "ann", Locale: text("pt_BR!")}, "locale"},
		{"no id", job(), accounts.UpdateUser{Name: text("N")}, "id"},
		{"somebody's user name", admitted("ann", start), accounts.UpdateUser{ID: "ann", Name: text("N"), Handle: text(" ZOE\u0308  k")}, "taken handle"},
		{"a user whom the host keeps", admitted("kept", start), accounts.UpdateUser{ID: "kept", Name: text("N")}, "id"},
		{"somebody else", admitted("zoe", start), accounts.UpdateUser{ID: "ann", Name: text("N")}, accounts.ErrNotFound.Error()},
		{"somebody else, wrongly", admitted("zoe", start), accounts.UpdateUser{ID: "ann", Handle: text("a@b")}, accounts.ErrNotFound.Error()},
		{"nobody", job(), accounts.UpdateUser{ID: "nobody", Name: text("N")}, accounts.ErrNotFound.Error()},
		{"by nobody", accounts.Actor{}, accounts.UpdateUser{ID: "ann", Name: text("N")}, accounts.ErrNotFound.Error()},
		{"by an operator", staff(), accounts.UpdateUser{ID: "ann", Name: text("N")}, accounts.ErrNotFound.Error()},
		{"somebody who was erased", job(), accounts.UpdateUser{ID: "gone", Name: text("N")}, accounts.ErrNotFound.Error()},
		{"by a login that ended", accounts.Admitted(accounts.Admission{User: "ann", Epoch: 2}), accounts.UpdateUser{ID: "ann", Name: text("N")}, accounts.ErrStepUp.Error()},
		{"by somebody who is suspended", admitted("barred", start), accounts.UpdateUser{ID: "barred", Name: text("N")}, accounts.ErrStepUp.Error()},
	} {
		t.Run(tt.name+" is refused", func(t *testing.T) {
			t.Parallel()
			w := own()
			ids := []string{"ann", "zoe", "kept", "gone", "barred"}
			before := w.dump(ids, nil)
			out, err := w.svc.UpdateUser(t.Context(), tt.actor, tt.when)
			require.Error(t, err)
			require.Zero(t, out)
			got := err.Error()
			var bad *accounts.InvalidError
			var taken *accounts.TakenError
			switch {
			case errors.As(err, &bad):
				got = bad.Field
			case errors.As(err, &taken):
				got = "taken " + taken.Field
			}
			require.Equal(t, tt.want, got)
			require.Equal(t, before, w.dump(ids, nil))
		})
	}
	t.Run("a user name that two take at once is one's", func(t *testing.T) {
		t.Parallel()
		w := own()
		first := true
		svc := w.tapped(func(method string, after bool) error {
			if method == "ApplyAccounts" && !after && first {
				first = false
				_, err := w.svc.UpdateUser(t.Context(), w.as("zoe"), accounts.UpdateUser{ID: "zoe", Handle: text("The One")})
				require.NoError(t, err)
			}
			return nil
		})
		_, err := svc.UpdateUser(t.Context(), w.as("ann"), accounts.UpdateUser{ID: "ann", Handle: text("the one")})
		require.ErrorIs(t, err, accounts.ErrTaken)
		require.Empty(t, w.means("ann").User.Handle)
	})
	t.Run("what a suspension overtakes is not written", func(t *testing.T) {
		t.Parallel()
		w := own()
		first := true
		svc := w.tapped(func(method string, after bool) error {
			if method == "ApplyAccounts" && !after && first {
				first = false
				require.NoError(t, w.svc.SuspendUser(t.Context(), staff(), "ann"))
			}
			return nil
		})
		_, err := svc.UpdateUser(t.Context(), w.as("ann"), accounts.UpdateUser{ID: "ann", Name: text("N")})
		require.Equal(t, accounts.ErrStepUp, err)
		require.Equal(t, "Ms ann", w.means("ann").User.Name)
	})
}
