package accounts_test

import (
	"context"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/chatelaine-go/chatelaine/access"
	"github.com/chatelaine-go/chatelaine/accounts"
	"github.com/chatelaine-go/chatelaine/invites"
	"github.com/chatelaine-go/chatelaine/mail"
)

// exported is what an export handed over.
type exported struct {
	kinds []accounts.HeldKind
	rows  []any
}

func (x *exported) each(kind accounts.HeldKind, row any) error {
	x.kinds, x.rows = append(x.kinds, kind), append(x.rows, row)
	return nil
}

// of returns the rows of a kind.
func of[T any](x *exported) []T {
	var list []T
	for _, row := range x.rows {
		if r, ok := row.(T); ok {
			list = append(list, r)
		}
	}
	return list
}

func (w *world) export(actor accounts.Actor, id accounts.UserID) *exported {
	w.t.Helper()
	x := &exported{}
	require.NoError(w.t, w.svc.ExportUser(w.t.Context(), actor, id, x.each))
	return x
}

// An export tells everything that is kept about a person, kind after kind, each
// row of the type that its kind names; it tells nothing of anybody who is like
// them, no secret and no hash of one, and it is on record first (D7, A18, A36).
func TestService_ExportUser(t *testing.T) {
	t.Parallel()

	types := map[accounts.HeldKind]any{
		accounts.HeldUser: accounts.User{}, accounts.HeldIdentity: accounts.Identity{}, accounts.HeldCredential: accounts.Credential{},
		accounts.HeldChallenge: accounts.Challenge{}, accounts.HeldMembership: accounts.Membership{}, accounts.HeldAssignment: accounts.Assignment{},
		accounts.HeldSession: access.Session{}, accounts.HeldRequest: access.Request{}, accounts.HeldInvitation: invites.Invitation{},
		accounts.HeldMail: mail.Record{}, accounts.HeldEvent: accounts.Event{},
		accounts.HeldClient: accounts.Client{}, accounts.HeldView: access.ViewAs{},
	}
	require.Len(t, types, len(accounts.HeldKinds()))
	for name, actor := range map[string]accounts.Actor{"by themselves": admitted("pia", start), "by an operator": staff(), "by a job": job()} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := estate(t)
			w.clock.Add(time.Second)
			before := w.held("pia", string(person("pia").Email))
			events := len(w.feed())
			x := w.export(actor, "pia")

			want := &exported{}
			record := w.one(events)
			require.Equal(t, []any{accounts.EventUserExported, accounts.UserID("pia"), actor.By()}, []any{record.Kind, record.User, record.By})
			for _, kind := range accounts.HeldKinds() {
				rows := before[kind]
				if kind == accounts.HeldEvent {
					rows = w.held("pia", "")[kind] // the record of the export is part of it
					require.Len(t, rows, len(before[kind])+1)
				}
				require.NotEmpty(t, rows, kind)
				for _, h := range rows {
					require.IsType(t, types[kind], h.Row)
					if c, ok := h.Row.(accounts.Client); ok && !actor.IsHost() {
						require.Contains(t, c.Notes, "About")
						c.Notes = "" // what the account wrote down for itself
						h.Row = c
					}
					require.NoError(t, want.each(kind, h.Row))
				}
			}
			require.Equal(t, want, x)
			require.Contains(t, of[accounts.Event](x), record)

			text := fmt.Sprintf("%+v %#v", x.rows, x.rows)
			require.NotContains(t, text, "zoe")
			require.NotContains(t, text, "hash-of-pia")
			for _, c := range of[accounts.Credential](x) {
				require.Empty(t, c.Hash)
			}
			for _, c := range of[accounts.Challenge](x) {
				require.Zero(t, c.Hash)
			}
			for _, row := range x.rows {
				for _, name := range []string{"Hash", "Link"} {
					if h := reflect.ValueOf(row).FieldByName(name); h.IsValid() {
						require.True(t, h.IsZero(), "%T", row)
					}
				}
			}
			for _, s := range []string{"Name of pia", "Mail-pia@people.example", "+4917000", "Browser of pia", "net-of-pia", "subject-pia", "Dear Name of pia", "House of Name of pia"} {
				require.Contains(t, text, s)
			}
			for _, secret := range []string{"session", "ticket", "requestto", "invitationto", "view", "viewlink", "setup"} {
				require.NotContains(t, text, fmt.Sprintf("%x", hash(secret, "pia")))
			}
		})
	}
}

// What was sent to an address that the user has never proven is its owner's to
// read, and not in their export (A26).
func TestService_ExportUser_unproven(t *testing.T) {
	t.Parallel()

	w := estate(t)
	u, err := w.st.User(t.Context(), accounts.UserKey{ID: "pia"})
	require.NoError(t, err)
	u.Proven = false
	w.put(u)
	x := w.export(w.as("pia"), "pia")
	require.Empty(t, of[mail.Record](x))
	require.Len(t, of[access.Request](x), 1)
	require.Equal(t, accounts.RequestID("request-by-pia"), of[access.Request](x)[0].ID, "what they sent themselves")
	require.Len(t, of[invites.Invitation](x), 1)
	require.Equal(t, accounts.InvitationID("invitation-by-pia"), of[invites.Invitation](x)[0].ID)
	require.Equal(t, u.Email, of[accounts.User](x)[0].Email, "the address itself is what they said")
	require.Len(t, of[accounts.Client](x), 1)
	require.Equal(t, accounts.ClientID("mine-pia"), of[accounts.Client](x)[0].ID, "as which they log in")
}

// Only the user with a fresh login, a job or an operator gets anything; to
// anybody else there is no such user, and not a row is handed over (A36, A71).
func TestService_ExportUser_who(t *testing.T) {
	t.Parallel()

	w := estate(t)
	before := w.text()
	for _, tt := range []struct {
		name  string
		actor accounts.Actor
		given accounts.UserID
		want  error
	}{
		{"with a login of 10 minutes ago", admitted("pia", start.Add(-10*time.Minute)), "pia", accounts.ErrStepUp},
		{"with a session that ended", accounts.Admitted(accounts.Admission{User: "pia", Epoch: 2, AuthAt: start}), "pia", accounts.ErrStepUp},
		{"somebody else", admitted("zoe", start), "pia", accounts.ErrNotFound},
		{"an owner of their account", admitted("ann", start), "pia", accounts.ErrNotFound},
		{"nobody", accounts.Actor{}, "pia", accounts.ErrNotFound},
		{"of nobody", staff(), "nobody", accounts.ErrNotFound},
	} {
		x := &exported{}
		require.Equal(t, tt.want, w.svc.ExportUser(t.Context(), tt.actor, tt.given, x.each), tt.name)
		require.Empty(t, x.rows, tt.name)
	}
	require.Equal(t, "user", field(t, w.svc.ExportUser(t.Context(), staff(), "a b", func(accounts.HeldKind, any) error { return nil })))
	require.Equal(t, "each", field(t, w.svc.ExportUser(t.Context(), staff(), "pia", nil)))
	require.Equal(t, before, w.text())
	require.NoError(t, w.svc.EraseUser(t.Context(), staff(), "pia"))
	x := &exported{}
	require.Equal(t, accounts.ErrNotFound, w.svc.ExportUser(t.Context(), staff(), "pia", x.each), "who was erased is nobody")
	require.Empty(t, x.rows)
}

// However much there is, every row is told once: page after page, also where
// the last page is exactly full (D3 of the product).
func TestService_ExportUser_pages(t *testing.T) {
	t.Parallel()

	for _, n := range []int{499, 500, 501, 1000, 1203} {
		t.Run(fmt.Sprint(n), func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.put(user("pia"), user("zoe"))
			var rows []any
			for i := range n {
				m := w.letter(user("pia"), fmt.Sprintf("mail-%04d", i))
				rows = append(rows, m)
			}
			w.put(append(rows, w.letter(user("zoe"), "other"))...)
			x := w.export(staff(), "pia")
			seen := map[string]bool{}
			for _, r := range of[mail.Record](x) {
				require.False(t, seen[r.ID], "told twice: %s", r.ID)
				seen[r.ID] = true
				require.True(t, strings.HasSuffix(r.ID, "-pia"))
			}
			require.Len(t, seen, n)
			require.Len(t, x.rows, n+2, "beside the user and the record of the export")
		})
	}
	t.Run("no more is asked for than a page has", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t, func(o *accounts.EnvOptions) { o.Limits.PageMax, o.Limits.PageDefault = 3, 3 })
		w.put(user("pia"))
		for i := range 7 {
			w.put(w.letter(user("pia"), fmt.Sprint("mail-", i)))
		}
		st := &pages{Store: w.st}
		x := &exported{}
		require.NoError(t, w.svc.With(st).ExportUser(t.Context(), staff(), "pia", x.each))
		require.Len(t, of[mail.Record](x), 7)
		for _, q := range st.asked {
			require.Equal(t, 3, q.Limit)
			require.Equal(t, accounts.UserID("pia"), q.User)
		}
	})
}

// pages notes what is asked of a store's Held, and answers with what it is told.
type pages struct {
	accounts.Store
	asked  []accounts.HeldQuery
	answer func(q accounts.HeldQuery) ([]accounts.Held, error)
}

func (s *pages) Held(ctx context.Context, q accounts.HeldQuery) ([]accounts.Held, error) {
	s.asked = append(s.asked, q)
	if s.answer != nil {
		return s.answer(q)
	}
	return s.Store.Held(ctx, q)
}

// A record with the address of a user as which somebody else logs in is that
// person's, and not in the user's own export; the host is told all.
func TestService_ExportUser_others(t *testing.T) {
	t.Parallel()

	w := newWorld(t)
	theirs := joined("acme", "theirs", "una")
	theirs.Email = user("pia").Email
	w.put(account("acme"), user("pia"), user("una"), theirs)
	require.Empty(t, of[accounts.Client](w.export(w.as("pia"), "pia")))
	require.Len(t, of[accounts.Client](w.export(w.as("una"), "una")), 1)
	require.Equal(t, theirs.Notes, of[accounts.Client](w.export(staff(), "pia"))[0].Notes)
}

// An error of the receiver's ends the export at once, wherever it comes, and is
// what the caller gets.
func TestService_ExportUser_stops(t *testing.T) {
	t.Parallel()

	w := estate(t)
	whole := len(w.export(staff(), "pia").rows)
	require.Greater(t, whole, 20)
	for k := range whole {
		n := 0
		err := w.svc.ExportUser(t.Context(), staff(), "pia", func(accounts.HeldKind, any) error {
			if n++; n == k+1 {
				return errBroken
			}
			return nil
		})
		require.Equal(t, errBroken, err)
		require.Equal(t, k+1, n, "not a row more")
	}
}

// A store that answers with something else than was asked for is a fault, and
// erases nobody on half the facts.
func TestService_EraseUser_strangeStore(t *testing.T) {
	t.Parallel()

	w := estate(t)
	before := w.text()
	st := &pages{Store: w.st, answer: func(accounts.HeldQuery) ([]accounts.Held, error) {
		return []accounts.Held{{Key: "k", Row: &accounts.Membership{}}}, nil
	}}
	require.ErrorContains(t, w.svc.With(st).EraseUser(t.Context(), staff(), "pia"), "the store answered *accounts.Membership")
	require.ErrorContains(t, ignore(w.svc.With(st).PlanErase(t.Context(), staff(), "pia")), "the store answered *accounts.Membership")
	require.Equal(t, before, w.text())
}

// An address that is nobody's login is forgotten: what was sent to it ends and
// loses its words, and the mail that waits is taken back. Nobody else's is
// touched, and the address of a user, proven or not, is refused (D7, A87).
func TestService_ForgetAddress(t *testing.T) {
	t.Parallel()

	const email = "client-pia@else.example"
	given := func(t *testing.T) *world {
		t.Helper()
		w := estate(t)
		stranger := accounts.User{UserState: accounts.UserState{ID: "x"}, Email: email, Address: email}
		stranger.Name = "A stranger"
		i := w.offer("pia", "to", invites.Pending)
		i.Account, i.ID, i.Email, i.Address, i.Hash = "shop", "invitation-stranger", email, "Client-Pia@else.example", hash("stranger", "x")
		w.putInvites(invites.Change{Invitations: []invites.Invitation{i}})
		w.putAccess(access.Change{Guesses: []access.Guesses{{Email: email, Count: 4, LastAt: start}}})
		c := client("shop", "stranger")
		c.Email, c.Address = email, "Client-Pia@else.example"
		about := w.letter(user("else"), "about")
		about.Reason = accounts.RecordReason(c.ClientKey)
		w.put(w.letter(stranger, "waiting"), c, about)
		return w
	}
	for name, actor := range map[string]accounts.Actor{"an operator": staff(), "a job": job()} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := given(t)
			ctx := t.Context()
			others := func() []any {
				return []any{w.held("zoe", string(person("zoe").Email)), w.held("", string(person("pia").Email))}
			}
			before := others()
			events := len(w.feed())
			require.NotEmpty(t, w.held("", email)[accounts.HeldRequest])
			w.clock.Add(time.Second)

			require.NoError(t, w.svc.ForgetAddress(ctx, actor, " Client-Pia@ELSE.example "))

			for kind, rows := range w.held("", email) {
				require.Empty(t, rows, kind)
			}
			require.NotContains(t, strings.ToLower(w.text()), email)
			f, err := w.st.Entering(ctx, access.EnteringQuery{Email: email, Day: accounts.DayOf(start)})
			require.NoError(t, err)
			require.Zero(t, f.Guesses.Count)
			list, err := w.st.Clients(ctx, access.ClientsQuery{Agency: "orbit", At: start, States: []access.ClientState{access.ClientEnded}, Limit: 10})
			require.NoError(t, err)
			require.Len(t, list, 1)
			require.Equal(t, accounts.RequestID("request-by-pia"), list[0].Request.ID)
			require.Empty(t, list[0].Request.Message)
			mails, err := w.st.Mails(ctx, mail.Query{ID: "waiting-x"})
			require.NoError(t, err)
			require.Equal(t, []any{mail.Cancelled, ""}, []any{mails[0].State, mails[0].To})
			mails, err = w.st.Mails(ctx, mail.Query{ID: "about-else"})
			require.NoError(t, err)
			require.Equal(t, mail.Cancelled, mails[0].State, "whoever it was to, its reason is gone")
			e := w.one(events + 1)
			require.Equal(t, []any{accounts.EventAddressForgotten, actor.By(), accounts.UserID(""), accounts.AccountID("")}, []any{e.Kind, e.By, e.User, e.Account}, "on record, without the address")
			e = w.feed()[events]
			require.Equal(t, []any{accounts.EventClientDeleted, accounts.AccountID("shop"), accounts.ClientID("stranger")}, []any{e.Kind, e.Account, e.Client})
			require.False(t, w.recording("shop", "stranger", "").Client.There())
			require.Equal(t, before, others())
			require.NoError(t, w.svc.ForgetAddress(ctx, actor, email), "what is gone may be forgotten again")
		})
	}
	t.Run("the address of a user", func(t *testing.T) {
		t.Parallel()
		w := given(t)
		unproven := user("una")
		unproven.Proven = false
		w.put(unproven)
		before := w.text()
		for _, address := range []string{person("pia").Address, "MAIL-PIA@people.example", "una@people.example"} {
			require.Equal(t, "email", field(t, w.svc.ForgetAddress(t.Context(), staff(), address)))
		}
		require.Equal(t, before, w.text())
		require.NoError(t, w.svc.EraseUser(t.Context(), staff(), "una"))
		require.NoError(t, w.svc.ForgetAddress(t.Context(), staff(), "una@people.example"), "after its user was erased it is nobody's")
	})
	t.Run("what is no address", func(t *testing.T) {
		t.Parallel()
		w := given(t)
		for _, address := range []string{"", "x", "a@b", "Ann <ann@people.example>", "a@example.com, b@example.com"} {
			require.Equal(t, "email", field(t, w.svc.ForgetAddress(t.Context(), staff(), address)), address)
		}
	})
	t.Run("anybody else", func(t *testing.T) {
		t.Parallel()
		w := given(t)
		before := w.text()
		for _, actor := range []accounts.Actor{w.as("pia"), w.as("ann"), {}} {
			known, unknown := w.svc.ForgetAddress(t.Context(), actor, "mail-pia@people.example"), w.svc.ForgetAddress(t.Context(), actor, "nobody@people.example")
			require.Error(t, known)
			require.Equal(t, unknown, known, "nobody learns whose an address is")
		}
		require.Equal(t, before, w.text())
	})
}
