package accounts_test

import (
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/chatelaine-go/chatelaine/access"
	"github.com/chatelaine-go/chatelaine/accounts"
	"github.com/chatelaine-go/chatelaine/invites"
	"github.com/chatelaine-go/chatelaine/mail"
	"github.com/chatelaine-go/chatelaine/roles"
)

// What erasing a user would end is shown first, to the user, a job or an
// operator, and changes nothing: what has ended already, and what is closed, is
// not among it (D7).
func TestService_PlanErase(t *testing.T) {
	t.Parallel()

	w := estate(t)
	before := w.text()
	want := accounts.ErasePlan{
		User: "pia", Password: true, Identities: 1,
		Members: []accounts.EndingMember{
			{Account: "acme", Name: "ACME", Role: roles.Admin},
			{Account: "orbit", Name: "ORBIT", Role: roles.Author},
			{Account: "rest", Name: "REST", Role: roles.Viewer},
		},
		Clients: []accounts.EndingClient{
			{ClientKey: record("past", "mine-pia"), Name: "PAST"},
			{ClientKey: record("shop", "known-pia"), Name: "SHOP"},
		},
	}
	for _, actor := range []accounts.Actor{w.as("pia"), admitted("pia", start.Add(-time.Hour)), staff(), job()} {
		got, err := w.svc.PlanErase(t.Context(), actor, "pia")
		require.NoError(t, err)
		require.Equal(t, want, got)
	}
	for _, actor := range []accounts.Actor{w.as("ann"), w.as("zoe"), {}} {
		got, err := w.svc.PlanErase(t.Context(), actor, "pia")
		require.Equal(t, accounts.ErrNotFound, err)
		require.Zero(t, got)
	}
	require.Equal(t, accounts.ErrNotFound, ignore(w.svc.PlanErase(t.Context(), staff(), "nobody")))
	require.Equal(t, "user", field(t, ignore(w.svc.PlanErase(t.Context(), staff(), ""))))
	require.Equal(t, before, w.text())

	for id, alone := range map[string]bool{"rest": false, "nova": true, "orbit": false} {
		m := w.membership(id, "pia")
		m.Account, m.User, m.Role = accounts.AccountID(id), "pia", roles.Owner
		w.put(m)
		if alone {
			require.NoError(t, w.svc.ChangeRole(t.Context(), job(), "nova", "ann", roles.Admin))
		}
	}
	got, err := w.svc.PlanErase(t.Context(), staff(), "pia")
	require.NoError(t, err)
	require.Equal(t, []accounts.AccountID{"nova"}, got.Alone, "a suspended owner is none, and where there is another nobody is alone")
	require.Len(t, got.Members, 4)
}

// Whoever is erased is gone from every table: memberships end, with a record
// each, logins, sessions, links and codes end, what was sent to them ends and
// loses its words, and their name, address, phone and whereabouts are nowhere.
// The audit stays, with ids alone, and nobody else loses anything (D7, A76, I-20).
func TestService_EraseUser(t *testing.T) {
	t.Parallel()

	for name, actor := range map[string]func(w *world) accounts.Actor{
		"by themselves":  func(w *world) accounts.Actor { return w.as("pia") },
		"by an operator": func(*world) accounts.Actor { return staff() },
		"by a job":       func(*world) accounts.Actor { return job() },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := estate(t)
			ctx := t.Context()
			require.NotEmpty(t, w.traces("pia"))
			others, events := w.held("zoe", string(person("zoe").Email)), len(w.feed())
			held := w.held("pia", string(person("pia").Email))
			for _, kind := range accounts.HeldKinds() {
				require.NotEmpty(t, held[kind], "the estate holds every kind: %s", kind)
			}
			versions := map[accounts.AccountID]int64{}
			for _, id := range []accounts.AccountID{"acme", "orbit", "rest", "past", "shut", "nova"} {
				versions[id] = w.account(string(id)).Version
			}
			w.clock.Add(time.Second)

			require.NoError(t, w.svc.EraseUser(ctx, actor(w), "pia"))

			require.Empty(t, w.traces("pia"))
			got := w.held("pia", string(person("pia").Email))
			for _, kind := range []accounts.HeldKind{accounts.HeldIdentity, accounts.HeldCredential, accounts.HeldChallenge, accounts.HeldMail, accounts.HeldClient} {
				require.Empty(t, got[kind])
			}
			u := got[accounts.HeldUser][0].Row.(accounts.User)
			require.Equal(t, accounts.User{
				UserState: accounts.UserState{ID: "pia", Epoch: 2, EpochAt: w.env.Now(), DeletedAt: w.env.Now()},
				Version:   2, Logins: 1, CreatedAt: start, UpdatedAt: w.env.Now(),
			}, u, "of the user stays what tells that there was one")
			for _, h := range got[accounts.HeldMembership] {
				m := h.Row.(accounts.Membership)
				require.Equal(t, m.Account != "shut", !m.EndedAt.IsZero(), "%s: what is closed had ended already", m.Account)
				if m.EndedAt.Equal(w.env.Now()) {
					require.Equal(t, int64(2), m.Epoch, "what rests on it counts no more")
				}
			}
			require.True(t, w.rights("pia", "acme").None())
			require.True(t, w.rights("pia", "shop").None(), "the assignment rested on the membership")
			for id, was := range versions {
				ends := id == "acme" || id == "orbit" || id == "rest"
				require.Equal(t, ends, w.account(string(id)).Version == was+1, "%s: whoever relied on its members notices", id)
			}
			for _, h := range got[accounts.HeldRequest] {
				r := h.Row.(access.Request)
				require.Equal(t, accounts.RequestID("request-by-pia"), r.ID, "what they sent is the agency's")
				require.Equal(t, access.Pending, r.State)
			}
			for _, h := range got[accounts.HeldInvitation] {
				require.Equal(t, accounts.InvitationID("invitation-by-pia"), h.Row.(invites.Invitation).ID)
			}
			for id, want := range map[string]mail.State{"queued-pia": mail.Cancelled, "dead-pia": mail.Cancelled, "sent-pia": mail.Sent} {
				list, err := w.st.Mails(ctx, mail.Query{ID: id})
				require.NoError(t, err)
				require.Equal(t, []any{want, ""}, []any{list[0].State, list[0].To}, id)
			}

			all := w.feed()[events:]
			var kinds []accounts.EventKind
			for i, e := range all {
				kinds = append(kinds, e.Kind)
				require.Equal(t, []any{i + 1, accounts.UserID("pia"), w.env.Now()}, []any{e.Seq, e.User, e.At})
			}
			require.Equal(t, []accounts.EventKind{
				accounts.EventMemberLeft, accounts.EventMemberLeft, accounts.EventMemberLeft,
				accounts.EventClientDeleted, accounts.EventClientDeleted, accounts.EventUserErased,
			}, kinds)
			for i, k := range []accounts.ClientKey{record("past", "mine-pia"), record("shop", "known-pia")} {
				e := all[3+i]
				require.Equal(t, []any{k.Account, k.ID}, []any{e.Account, e.Client}, "each account's record of it")
				c := w.recording(string(k.Account), string(k.ID), "").Client
				require.Equal(t, []any{w.env.Now(), int64(2), accounts.UserID("")}, []any{c.DeletedAt, c.Epoch, c.User})
			}
			require.False(t, w.standing("pia", "past").AsClient(accounts.AnyLogin()))
			v, err := w.st.Viewing(ctx, access.ViewKey{ID: "view-pia"})
			require.NoError(t, err)
			require.Equal(t, []any{"", "", accounts.UserID("pia")}, []any{v.View.UserAgent, v.View.Source, v.View.Viewer})
			require.Equal(t, roles.Admin, all[0].Was)
			require.Len(t, got[accounts.HeldEvent], len(held[accounts.HeldEvent])+6, "the audit stays")
			require.Equal(t, others, w.held("zoe", string(person("zoe").Email)), "nobody else loses anything")

			require.Equal(t, accounts.ErrNotFound, w.svc.EraseUser(ctx, staff(), "pia"), "once is enough")
			require.Len(t, w.feed(), events+6)
		})
	}
}

// Nothing brings an erased user back: no session counts, nobody adds, assigns or
// makes them an owner, their id is never given away, and whoever comes with the
// address is somebody new (A77, I-20).
func TestService_EraseUser_final(t *testing.T) {
	t.Parallel()

	w := estate(t)
	ctx := t.Context()
	before := w.as("pia")
	require.NoError(t, w.svc.EraseUser(ctx, staff(), "pia"))
	require.Equal(t, accounts.ErrNotFound, w.svc.EraseUser(ctx, before, "pia"))
	require.Equal(t, accounts.ErrStepUp, ignore(w.svc.Account(ctx, before, "acme")))
	require.Equal(t, accounts.ErrNotFound, w.svc.AddMember(ctx, job(), "acme", "pia", roles.Viewer))
	require.Equal(t, accounts.ErrNotFound, w.svc.TransferOwnership(ctx, w.as("ann"), "acme", "pia"))
	require.Equal(t, accounts.ErrNotFound, w.svc.ChangeRole(ctx, w.as("ann"), "acme", "pia", roles.Viewer))
	require.Equal(t, accounts.ErrNotFound, w.svc.ReactivateMember(ctx, w.as("ann"), "rest", "pia"))
	require.Error(t, ignore(w.svc.CreateAccount(ctx, job(), accounts.CreateAccount{Name: "New", Owner: "pia"})))
	require.Error(t, ignore(w.svc.Assign(ctx, w.as("olga"), accounts.Assign{Agency: "orbit", Client: "shop", User: "pia", Role: roles.Viewer})))
	var taken *accounts.TakenError
	require.ErrorAs(t, ignore(w.svc.PutUser(ctx, job(), accounts.PutUser{ID: "pia", Name: "Another"})), &taken)
	require.Equal(t, "id", taken.Field)
	for _, key := range []accounts.UserKey{
		{Email: person("pia").Email}, {Handle: "handle-pia"}, {Identity: accounts.IdentityKey{Issuer: "https://issuer.example", Subject: "subject-pia"}},
	} {
		_, err := w.st.User(ctx, key)
		require.Equal(t, accounts.ErrNotFound, err)
	}
	require.Empty(t, w.traces("pia"))

	u, err := w.svc.PutUser(ctx, job(), accounts.PutUser{ID: "new", Name: "N", Handle: "handle-pia", Email: person("pia").Address, Proven: true})
	require.NoError(t, err)
	require.Empty(t, u.Phone)
	for _, id := range []string{"acme", "orbit", "shop", "rest", "nova"} {
		require.True(t, w.rights("new", id).None(), id)
	}
	list, err := w.st.InvitationsTo(ctx, u.Email, start, 10)
	require.NoError(t, err)
	require.Empty(t, list, "what was offered to the one before is not theirs")
}

// While somebody is the only owner of accounts they are not erased, by nobody,
// and told which ones: they make somebody else an owner, or close them. What an
// operator suspended, and who, counts as there (D7, A35, I-01).
func TestService_EraseUser_soleOwner(t *testing.T) {
	t.Parallel()

	w := office(t)
	ctx := t.Context()
	w.put(account("beta"), member("beta", "ann", roles.Owner), account("duo"), member("duo", "ann", roles.Owner), member("duo", "dan", roles.Owner))
	require.NoError(t, w.svc.SuspendUser(ctx, staff(), "dan"))
	require.NoError(t, w.svc.SuspendAccount(ctx, staff(), "beta"))
	before, events := w.dump([]string{"ann", "dan"}, []string{"acme", "beta", "duo"}), len(w.feed())
	for _, actor := range []accounts.Actor{w.as("ann"), staff(), job()} {
		err := w.svc.EraseUser(ctx, actor, "ann")
		require.Equal(t, &accounts.SoleOwnerError{Accounts: []accounts.AccountID{"acme", "beta"}}, err)
		require.ErrorIs(t, err, accounts.ErrLastOwner)
		require.ErrorContains(t, err, "the only owner of 2 accounts")
	}
	require.Equal(t, before, w.dump([]string{"ann", "dan"}, []string{"acme", "beta", "duo"}))
	require.Len(t, w.feed(), events)

	require.NoError(t, w.svc.ReactivateAccount(ctx, staff(), "beta"))
	require.NoError(t, w.svc.CloseAccount(ctx, w.as("ann"), "beta"))
	require.ErrorContains(t, w.svc.EraseUser(ctx, w.as("ann"), "ann"), "the only owner of an account; ")
	require.NoError(t, w.svc.TransferOwnership(ctx, w.as("ann"), "acme", "bob"))
	require.NoError(t, w.svc.EraseUser(ctx, w.as("ann"), "ann"))
	for id, want := range map[accounts.AccountID]accounts.UserID{"acme": "bob", "duo": "dan"} {
		owners, err := w.st.Owners(ctx, id, roles.Owner)
		require.NoError(t, err)
		require.Len(t, owners, 1)
		require.Equal(t, want, owners[0].User)
	}
}

// Users erase themselves with a login younger than 10 minutes, and nobody else;
// for everybody else there is no such user (A36, A71).
func TestService_EraseUser_who(t *testing.T) {
	t.Parallel()

	for _, tt := range []struct {
		name  string
		actor accounts.Actor
		want  error
	}{
		{"a moment before 10 minutes", admitted("pia", start.Add(-10*time.Minute+time.Microsecond)), nil},
		{"at 10 minutes", admitted("pia", start.Add(-10*time.Minute)), accounts.ErrStepUp},
		{"with a login from the future", admitted("pia", start.Add(time.Second)), accounts.ErrStepUp},
		{"by a link that was mailed", admitted("pia", time.Time{}), accounts.ErrStepUp},
		{"with a session that ended", accounts.Admitted(accounts.Admission{User: "pia", Epoch: 2, AuthAt: start}), accounts.ErrStepUp},
		{"somebody else", admitted("zoe", start), accounts.ErrNotFound},
		{"an owner of their account", admitted("ann", start), accounts.ErrNotFound},
		{"nobody", accounts.Actor{}, accounts.ErrNotFound},
		{"an operator without a reason", accounts.Operator("kim", ""), accounts.ErrNotFound},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			w := estate(t)
			before := w.text()
			require.Equal(t, tt.want, w.svc.EraseUser(t.Context(), tt.actor, "pia"))
			if tt.want != nil {
				require.Equal(t, before, w.text(), "nothing happened, and nothing is on record")
			}
		})
	}
	t.Run("a suspended user", func(t *testing.T) {
		t.Parallel()
		w := estate(t)
		require.NoError(t, w.svc.SuspendUser(t.Context(), staff(), "pia"))
		back := accounts.Admitted(accounts.Admission{User: "pia", Epoch: 2, AuthAt: start})
		require.Equal(t, accounts.ErrStepUp, w.svc.EraseUser(t.Context(), back, "pia"))
		require.NoError(t, w.svc.EraseUser(t.Context(), staff(), "pia"))
		u, err := w.st.User(t.Context(), accounts.UserKey{ID: "pia"})
		require.NoError(t, err)
		require.Equal(t, []any{start, start, int64(1)}, []any{u.SuspendedAt, u.DeletedAt, u.Suspensions})
	})
}

// Erasing a user who never proved their address touches nothing that was sent
// to it: that is its real owner's, and so is a client record that has only the
// address. Of mail, only what is about the erased login and its own client records
// is taken back (A26, D7).
func TestService_EraseUser_unproven(t *testing.T) {
	t.Parallel()

	w := estate(t)
	u, err := w.st.User(t.Context(), accounts.UserKey{ID: "pia"})
	require.NoError(t, err)
	u.Proven = false
	link := w.letter(u, "link")
	link.Reason = mail.ReasonFor("login", "pia", "cprf_")
	link.User = "pia"
	setup := w.letter(u, "setup")
	setup.Reason = accounts.RecordReason(record("past", "mine-pia"))
	w.put(u, link, setup)
	email := string(u.Email)
	before := w.held("", email)
	for _, kind := range []accounts.HeldKind{accounts.HeldRequest, accounts.HeldInvitation, accounts.HeldMail} {
		require.NotEmpty(t, before[kind])
	}
	guesses := access.EnteringQuery{Email: u.Email, Day: accounts.DayOf(start)}
	was, err := w.st.Entering(t.Context(), guesses)
	require.NoError(t, err)

	plan, err := w.svc.PlanErase(t.Context(), w.as("pia"), "pia")
	require.NoError(t, err)
	require.Equal(t, []accounts.EndingClient{{ClientKey: record("past", "mine-pia"), Name: "PAST"}}, plan.Clients)
	events := len(w.feed())

	require.NoError(t, w.svc.EraseUser(t.Context(), w.as("pia"), "pia"))

	for _, e := range w.feed()[events:] {
		require.NotEqual(t, accounts.AccountID("shop"), e.Account, "shop has nothing to tell")
	}
	after := w.held("", email)
	before[accounts.HeldClient] = before[accounts.HeldClient][1:] // as which they logged in; shop's has only the address
	// Mail for them is theirs, whoever may have the address.
	before[accounts.HeldMail] = slices.DeleteFunc(before[accounts.HeldMail], func(h accounts.Held) bool { return h.Key == "link-pia" })
	for i, h := range before[accounts.HeldMail] {
		if r := h.Row.(mail.Record); r.ID == "setup-pia" {
			r.State, r.SettledAt = mail.Cancelled, start
			before[accounts.HeldMail][i].Row = r
		}
	}
	require.Equal(t, before, after)
	now, err := w.st.Entering(t.Context(), guesses)
	require.NoError(t, err)
	require.Equal(t, was.Guesses, now.Guesses)
	got := w.held("pia", "")
	require.Empty(t, got[accounts.HeldCredential])
	require.Empty(t, got[accounts.HeldChallenge])
	require.Zero(t, got[accounts.HeldUser][0].Row.(accounts.User).Email)
	require.Empty(t, got[accounts.HeldSession][0].Row.(access.Session).Source)
	_, err = w.st.User(t.Context(), accounts.UserKey{Email: u.Email})
	require.Equal(t, accounts.ErrNotFound, err, "the address is free for its owner")
}
