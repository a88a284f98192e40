package memory_test

import (
	"fmt"
	"reflect"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/chatelaine-go/chatelaine/access"
	"github.com/chatelaine-go/chatelaine/access/token"
	"github.com/chatelaine-go/chatelaine/accounts"
	"github.com/chatelaine-go/chatelaine/invites"
	"github.com/chatelaine-go/chatelaine/mail"
	"github.com/chatelaine-go/chatelaine/roles"
	"github.com/chatelaine-go/chatelaine/storage"
	"github.com/chatelaine-go/chatelaine/storage/memory"
)

// full returns a store with a row of every kind that is about the user "u" or
// their address, and some about others.
func full(t *testing.T) *memory.Store {
	t.Helper()
	st := memory.New()
	seen := session("s", "u")
	seen.UserAgent, seen.Source = "Browser", "192.0.2.1"
	asked := request("ag", "r", "u@example.com")
	asked.Message = "Please"
	put(t, st, "setup", user("u"), user("v"), agency("ag"), account("c", "C"), member("c", "u", roles.Owner),
		member("ag", "u", roles.Owner), member("ag", "v", roles.Viewer), connection("c", "ag"), assignment("c", "ag", "u"), seen,
		identity("a", "1", "u"), identity("a", "2", "v"), credential("u", "h1"), credential("v", "h2"),
		challenge("u", "s", "a"), challenge("u", "", "b"), challenge("v", "s", "a"),
		ticket("u", token.Reset, "1"), ticket("u", token.Proof, "2"), ticket("v", token.Reset, "3"),
		access.Guesses{Email: "u@example.com", Count: 3, LastAt: start}, access.Guesses{Email: "x@example.com", Count: 1, LastAt: start},
		asked, request("ag", "r2", "x@example.com"), letter("u", ""), letter("x", ""),
		accounts.Event{Op: "setup", Seq: 1, At: start, User: "u"}, accounts.Event{Op: "setup", Seq: 2, At: start, User: "v"})
	invite(t, st, "invite", invitation("c", "i", "u@example.com"), invitation("c", "i2", "x@example.com"))
	own, addressed := joined(record("c", "own"), "u"), record("ag", "addressed")
	own.Company, own.Postal, own.Phone, own.Notes, own.Locale = "Company", "Street 1", "555 0123", "Slow payer", "de"
	addressed.Email, addressed.Address = "u@example.com", "U@example.com"
	put(t, st, "clients", own, addressed, record("c", "lead"), joined(record("c", "other"), "v"), site("c", "s"), site("c", "s2"),
		siteAccess("c", "own", "s", "stats", "edit"), siteAccess("c", "own", "s2"), siteAccess("c", "other", "s", "stats"),
		viewAs("view", "c", "other", "u"), viewAs("view2", "c", "own", "v"))
	setUp(t, st, "links", setupLink("c", "own", "own"), setupLink("c", "other", "other"))
	return st
}

// everything asks for all that is about the users and addresses of full.
func everything(t *testing.T, st storage.Storage) map[string]any {
	t.Helper()
	ctx := t.Context()
	all := map[string]any{}
	for _, kind := range accounts.HeldKinds() {
		for _, q := range []accounts.HeldQuery{{User: "u"}, {User: "v"}, {Email: "u@example.com"}, {Email: "x@example.com"}} {
			q.Kind = kind
			list, err := st.Held(ctx, q)
			require.NoError(t, err)
			all[fmt.Sprint(kind, q.User, q.Email)] = list
		}
	}
	for _, secret := range []string{"1", "2", "3"} {
		x, err := st.Ticket(ctx, access.TicketQuery{Hash: hash(secret)})
		all["ticket"+secret] = fmt.Sprint(x, err)
	}
	for _, email := range []accounts.Email{"u@example.com", "x@example.com"} {
		e, err := st.Entering(ctx, access.EnteringQuery{Email: email})
		require.NoError(t, err)
		to, err := st.InvitationsTo(ctx, email, start, 0)
		require.NoError(t, err)
		open, err := st.Addressed(ctx, email, start, 0)
		require.NoError(t, err)
		all["entering"+string(email)] = []any{e, to, open}
	}
	for _, id := range []string{"own", "other", "lead"} {
		link, err := st.SettingUp(ctx, invites.SettingUpQuery{Hash: hash(id)})
		all["link of "+id] = fmt.Sprint(link, err)
		r, err := st.Recording(ctx, accounts.RecordingQuery{Account: "c", Client: accounts.ClientID(id), Site: "s"})
		require.NoError(t, err)
		all["record "+id] = r
	}
	for _, id := range []string{"view", "view2"} {
		v, err := st.Viewing(ctx, access.ViewKey{Hash: hash("view " + id)})
		require.NoError(t, err)
		all[id] = v
	}
	list, err := st.Invitations(ctx, invites.ListQuery{Account: "c"})
	require.NoError(t, err)
	clients, err := st.Clients(ctx, access.ClientsQuery{Agency: "ag"})
	require.NoError(t, err)
	records, err := st.ClientRecords(ctx, accounts.ClientRecordQuery{Account: "c"})
	require.NoError(t, err)
	sites, err := st.Sites(ctx, accounts.SiteQuery{Account: "c"})
	require.NoError(t, err)
	all["lists"] = []any{list, clients, records, sites, seats(t, st, "c", start)}
	for _, id := range []accounts.UserID{"u", "v"} {
		standings, err := st.Standings(ctx, []accounts.StandingKey{{User: id, Account: "c"}, {User: id, Account: "ag"}})
		require.NoError(t, err)
		reach, err := st.Reach(ctx, accounts.ReachQuery{User: id, Proof: accounts.AnyLogin()})
		require.NoError(t, err)
		all["standing of "+string(id)] = []any{standings, reach}
	}
	return all
}

// held returns how many rows of a kind are about somebody.
func held(all map[string]any, kind accounts.HeldKind, who string) int {
	return reflect.ValueOf(all[string(kind)+who]).Len()
}

// A transaction of the host sees a copy of everything, and what is done in it
// shows nowhere else before its commit.
func TestTx_copies(t *testing.T) {
	t.Parallel()
	st := full(t)
	before := everything(t, st)
	for _, kind := range accounts.HeldKinds() {
		require.Positive(t, held(before, kind, "u")+held(before, kind, "u@example.com"), "nothing to copy of the kind %s", kind)
	}
	tx := st.Begin()
	require.Equal(t, before, everything(t, tx.Store()))
	x, y, z := ticket("u", token.Reset, "4"), challenge("u", "s", "a"), invitation("c", "i", "u@example.com")
	x.Version, y.Version, y.Tries, z.Version, z.State = 1, 1, 2, 1, invites.Declined
	put(t, tx.Store(), "replace", x, y)
	invite(t, tx.Store(), "decline", z)
	require.Equal(t, before, everything(t, st), "the transaction wrote into what others see")
	put(t, tx.Store(), "forget", accounts.Forget{User: "u", Email: "u@example.com"})
	after := everything(t, tx.Store())
	require.NotEqual(t, before, after)
	require.Equal(t, before, everything(t, st), "the transaction wrote into what others see")
	put(t, st, "meanwhile", user("w")) // so that the commit does it again
	require.NoError(t, tx.Commit())
	require.Equal(t, after, everything(t, st))
}

// What was forgotten is found by nothing, and what is others' stays (A76).
func TestStore_Forget(t *testing.T) {
	t.Parallel()
	st := full(t)
	before := everything(t, st)
	put(t, st, "forget", accounts.Forget{User: "u", Email: "u@example.com"}, accounts.Forget{User: "nobody", Email: "nobody@example.com"})
	after := everything(t, st)
	for _, kind := range []accounts.HeldKind{accounts.HeldIdentity, accounts.HeldCredential, accounts.HeldChallenge} {
		require.Positive(t, held(before, kind, "u"))
		require.Zero(t, held(after, kind, "u"))
		require.Equal(t, before[string(kind)+"v"], after[string(kind)+"v"])
	}
	for _, kind := range []accounts.HeldKind{accounts.HeldRequest, accounts.HeldInvitation, accounts.HeldMail} {
		require.Positive(t, held(before, kind, "u@example.com"))
		require.Zero(t, held(after, kind, "u@example.com"))
		require.Equal(t, before[string(kind)+"x@example.com"], after[string(kind)+"x@example.com"])
	}
	require.NotEqual(t, before["ticket1"], after["ticket1"])
	require.NotEqual(t, before["ticket2"], after["ticket2"])
	require.Equal(t, before["ticket3"], after["ticket3"])
	e, err := st.Entering(t.Context(), access.EnteringQuery{Email: "u@example.com"})
	require.NoError(t, err)
	require.Equal(t, access.Guesses{Email: "u@example.com"}, e.Guesses)
	require.Equal(t, before["enteringx@example.com"], after["enteringx@example.com"])
	require.Equal(t, accounts.Seats{Members: 1, Invited: 1}, seats(t, st, "c", start))

	i := invited(t, st, invites.InvitingQuery{Account: "c", ID: "i"})
	require.Equal(t, []any{invites.Revoked, int64(2), accounts.Email(""), "", ""}, []any{i.State, i.Version, i.Email, i.Address, i.Message})
	d, err := st.Deciding(t.Context(), access.DecidingQuery{Agency: "ag", ID: "r"})
	require.NoError(t, err)
	r := d.Request
	require.Equal(t, []any{access.Ended, int64(2), accounts.Email(""), "", ""}, []any{r.State, r.Version, r.Email, r.Address, r.Message})
	s, err := st.Session(t.Context(), access.SessionKey{ID: "s"})
	require.NoError(t, err)
	require.Equal(t, []any{"", "", int64(2)}, []any{s.UserAgent, s.Source, s.Version})

	// Nothing with the address is left, so forgetting again finds nothing, and
	// forgetting nobody does not find what was forgotten.
	put(t, st, "again", accounts.Forget{User: "u", Email: "u@example.com"}, accounts.Forget{})
	require.Equal(t, after, everything(t, st))
	require.EqualValues(t, 2, invited(t, st, invites.InvitingQuery{Account: "c", ID: "i"}).Version)
	put(t, st, "free", identity("a", "1", "v"), ticket("v", token.Proof, "1"), credential("u", "h3"), challenge("u", "s", "a"))
	invite(t, st, "welcome", invitation("c", "i3", "u@example.com"))
	require.EqualValues(t, "i3", invited(t, st, invites.InvitingQuery{Account: "c", Email: "u@example.com"}).ID)
}

// Mail to somebody who is forgotten, that of the same change included, never
// goes out, and its dispatcher is fenced off (A87, I-24).
func TestStore_Forget_mail(t *testing.T) {
	t.Parallel()
	st := memory.New()
	put(t, st, "setup", letter("u", "why"), letter("x", "why"))
	settled(t, st)
	due, err := st.ClaimMail(t.Context(), mail.Claim{Channel: mail.Email, At: start, Lease: time.Hour, Limit: 1})
	require.NoError(t, err)
	require.Equal(t, "u", due[0].Message.ID)
	own := letter("own", "")
	own.To = "u@example.com"
	put(t, st, "forget", own, accounts.Forget{Email: "u@example.com"}, accounts.Forget{Email: "dead@example.com"})
	require.ErrorIs(t, st.SettleMail(t.Context(), mail.Outcome{ID: "u", Fence: due[0].Fence, State: mail.Sent, At: start}), mail.ErrFenced)
	records, err := st.Mails(t.Context(), mail.Query{})
	require.NoError(t, err)
	require.Len(t, records, 5)
	for _, r := range records {
		if want, ok := map[string]mail.State{"x": mail.Queued, "sent": mail.Sent}[r.ID]; ok {
			require.Equal(t, []any{want, r.ID + "@example.com"}, []any{r.State, r.To})
			continue
		}
		require.Equal(t, []any{mail.Cancelled, "", start}, []any{r.State, r.To, r.SettledAt}, r.ID)
	}
	due, err = st.ClaimMail(t.Context(), mail.Claim{Channel: mail.Email, At: start, Lease: time.Hour, Limit: 9})
	require.NoError(t, err)
	require.Len(t, due, 1)
	require.Equal(t, "x", due[0].Message.ID)
	n, err := st.RequeueMail(t.Context(), []string{"dead", "u", "own"}, start)
	require.NoError(t, err)
	require.Zero(t, n)
}

// A page of what is held begins strictly behind its cursor, in the order of
// the keys' bytes, whatever order the rows are kept in.
func TestStore_Held_pages(t *testing.T) {
	t.Parallel()
	st := memory.New()
	c := change("setup", user("u"), agency("ag"), member("ag", "u", roles.Owner))
	c.Events = nil
	for n := range 130 {
		id := fmt.Sprintf("%d", n*7919%130)
		c.Accounts = append(c.Accounts, account("c"+id, fmt.Sprintf("Name %03d", 999-n)))
		c.Memberships = append(c.Memberships, member("c"+id, "u", roles.Viewer))
		c.Connections = append(c.Connections, connection("c"+id, "ag"))
		c.Assignments = append(c.Assignments, assignment("c"+id, "ag", "u"))
		c.Identities = append(c.Identities, identity("i"+id, "s", "u"))
		c.Challenges = append(c.Challenges, challenge("u", "s"+id, "a"))
		c.Sessions = append(c.Sessions, session("s"+id, "u"))
		c.Requests = append(c.Requests, func() access.Request {
			r := request("ag", "r"+id, id+"@example.com")
			r.Requester = "u"
			return r
		}())
		m := letter("m"+id, "")
		m.To = "u@example.com"
		c.Mail = append(c.Mail, m)
		c.Events = append(c.Events, accounts.Event{Op: "setup", Seq: n + 1, At: start, User: "u"})
	}
	require.NoError(t, st.ApplyAccess(t.Context(), c))
	var list []invites.Invitation
	for n := range 130 {
		list = append(list, invitation(fmt.Sprintf("c%d", n), "i", "x@example.com"))
	}
	invite(t, st, "invite", list...)
	for kind, want := range map[accounts.HeldKind]int{
		accounts.HeldMembership: 131, accounts.HeldAssignment: 130, accounts.HeldIdentity: 130, accounts.HeldChallenge: 130,
		accounts.HeldSession: 130, accounts.HeldRequest: 130, accounts.HeldMail: 130, accounts.HeldEvent: 130,
		accounts.HeldInvitation: 130, accounts.HeldUser: 1,
	} {
		q := accounts.HeldQuery{Kind: kind, User: "u", Email: "u@example.com", Limit: 9}
		n := 0
		for {
			page, err := st.Held(t.Context(), q)
			require.NoError(t, err)
			if len(page) == 0 {
				break
			}
			require.LessOrEqual(t, len(page), 9)
			for _, h := range page {
				require.Less(t, q.After, h.Key, kind)
				q.After = h.Key
			}
			n += len(page)
		}
		require.Equal(t, want, n, kind)
	}
	page, err := st.Held(t.Context(), accounts.HeldQuery{Kind: accounts.HeldEvent, User: "u", After: "setup\n0000000009", Limit: 1})
	require.NoError(t, err)
	require.Equal(t, "setup\n0000000010", page[0].Key)
	_, err = st.Held(t.Context(), accounts.HeldQuery{Kind: "hat", User: "u"})
	require.Error(t, err, "a kind that the store does not know must not look like nothing")
}

// Sweeping takes what is over out of every index, and only that.
func TestStore_Sweep_logins(t *testing.T) {
	t.Parallel()
	st := full(t)
	put(t, st, "later", access.Guesses{Email: "new@example.com", LastAt: start.Add(time.Hour)})
	sweep := func(b storage.SweepBefore, limit int) int {
		n, err := st.Sweep(t.Context(), b, limit)
		require.NoError(t, err)
		return n
	}
	at := start.Add(10 * time.Minute)
	require.Zero(t, sweep(storage.SweepBefore{Tickets: at, Guesses: start}, 0), "exactly at the moment nothing goes")
	require.Equal(t, 3, sweep(storage.SweepBefore{Tickets: at.Add(time.Microsecond)}, 0), "the challenges")
	require.Zero(t, held(everything(t, st), accounts.HeldChallenge, "u"))
	require.Equal(t, 2, sweep(storage.SweepBefore{Tickets: start.Add(time.Hour)}, 2), "two of three tickets")
	require.Equal(t, 1, sweep(storage.SweepBefore{Tickets: start.Add(time.Hour)}, 2))
	require.Equal(t, 2, sweep(storage.SweepBefore{Guesses: start.Add(time.Microsecond)}, 0))
	e, err := st.Entering(t.Context(), access.EnteringQuery{Email: "new@example.com"})
	require.NoError(t, err)
	require.EqualValues(t, 1, e.Guesses.Version)
	put(t, st, "another's", ticket("v", token.Proof, "1"))
	put(t, st, "forget", accounts.Forget{User: "u"})
	x, err := st.Ticket(t.Context(), access.TicketQuery{Hash: hash("1")})
	require.NoError(t, err, "what was swept took another's link with it")
	require.EqualValues(t, "v", x.User)
	put(t, st, "anew", challenge("u", "s", "a"), ticket("u", token.Reset, "5"), access.Guesses{Email: "u@example.com"})
	require.Equal(t, 1, held(everything(t, st.Begin().Store()), accounts.HeldChallenge, "u"))
}
