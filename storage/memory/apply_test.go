package memory_test

import (
	"context"
	"reflect"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/chatelaine-go/chatelaine/access"
	"github.com/chatelaine-go/chatelaine/access/token"
	"github.com/chatelaine-go/chatelaine/accounts"
	"github.com/chatelaine-go/chatelaine/invites"
	"github.com/chatelaine-go/chatelaine/mail"
	"github.com/chatelaine-go/chatelaine/roles"
	"github.com/chatelaine-go/chatelaine/storage/memory"
)

// A field of a change that a store passes over would be lost without a word.
// So each field, alone, must be refused without an operation, if it is not a
// note, and have an effect with one, whichever change it comes with: a new
// field fails here until the store knows it.
func TestStore_apply_knowsEveryField(t *testing.T) {
	t.Parallel()
	rows := map[string]any{
		"Guards":      []accounts.Guard{{Account: "ag", Version: 1, Move: true}},
		"Users":       []accounts.User{user("new")},
		"Identities":  []accounts.Identity{{Issuer: "i", Subject: "s", User: "u"}},
		"Unlink":      []accounts.IdentityKey{{Issuer: "old", Subject: "s"}},
		"Credentials": []accounts.Credential{credential("u", "new")},
		"Challenges":  []accounts.Challenge{challenge("u", "old", "new")},
		"Accounts":    []accounts.Account{account("new", "New")},
		"Memberships": []accounts.Membership{member("c", "u", roles.Admin)},
		"Connections": []accounts.Connection{connection("c2", "ag")},
		"Assignments": []accounts.Assignment{assignment("c", "ag", "u")},
		"Clients":     []accounts.Client{record("c", "new")},
		"Sites":       []accounts.Site{site("c", "new")},
		"SiteAccess":  []accounts.SiteAccess{siteAccess("c", "old", "old")},
		"SetupLinks":  []invites.SetupLink{setupLink("c", "old", "new")},
		"Views":       []access.ViewAs{viewAs("new", "c", "old", "u")},
		"Spend":       []accounts.Spend{spend("ag", 1, 1)},
		"Replies":     []accounts.Reply{{ReplyKey: accounts.ReplyKey{Actor: "a", Key: "k"}, ExpiresAt: start}},
		"Events":      []accounts.Event{event("op", 1, "c", start)},
		"CancelMail":  []mail.Reason{"why"},
		"Bounced":     []mail.Bounce{{ID: "sent", At: start}},
		"Requeue":     []string{"dead"},
		"Mail":        []mail.Message{letter("new", "")},
		"Forget":      []accounts.Forget{{User: "u"}},
		"Requests":    []access.Request{request("ag", "r", "x@example.com")},
		"Sessions":    []access.Session{session("new", "u")},
		"Tickets":     []access.Ticket{ticket("u", token.Reset, "new")},
		"Guesses":     []access.Guesses{{Email: "x@example.com", Count: 1, LastAt: start}},
		"Invitations": []invites.Invitation{invitation("c", "new", "x@example.com")},
		"Touches":     []access.Touch{{Session: "old", At: start.Add(time.Hour)}},
	}
	notes := []string{"Touches", "Guesses", "Spend"}
	known := map[string]bool{}
	type door struct {
		name  string
		zero  any
		apply func(*memory.Store, context.Context, any) error
	}
	for _, d := range []door{
		{"ApplyAccounts", accounts.Change{}, func(st *memory.Store, ctx context.Context, c any) error {
			return st.ApplyAccounts(ctx, *c.(*accounts.Change))
		}},
		{"ApplyAccess", access.Change{}, func(st *memory.Store, ctx context.Context, c any) error {
			return st.ApplyAccess(ctx, *c.(*access.Change))
		}},
		{"ApplyInvites", invites.Change{}, func(st *memory.Store, ctx context.Context, c any) error {
			return st.ApplyInvites(ctx, *c.(*invites.Change))
		}},
	} {
		for _, f := range reflect.VisibleFields(reflect.TypeOf(d.zero)) {
			if f.Name == "Op" || f.Anonymous {
				continue
			}
			known[f.Name] = true
			t.Run(d.name+" takes "+f.Name+" alone with an operation, and without one only if it is a note", func(t *testing.T) {
				t.Parallel()
				require.Contains(t, rows, f.Name, "a new field: teach the store, and give it a row here")
				st := memory.New()
				put(t, st, "setup", user("u"), agency("ag"), account("c", "Client"), account("c2", "Second"),
					member("ag", "u", roles.Owner), connection("c", "ag"), session("old", "u"), letter("old", "why"),
					accounts.Identity{Issuer: "old", Subject: "s", User: "u"}, ticket("u", token.Proof, "old"),
					record("c", "old"), site("c", "old"))
				settled(t, st)
				before := dump(t, st)
				bare := reflect.New(reflect.TypeOf(d.zero))
				set := func(field string, v any) { bare.Elem().FieldByName(field).Set(reflect.ValueOf(v)) }
				try := func() error { return d.apply(st, t.Context(), bare.Interface()) }
				set(f.Name, rows[f.Name])
				if slices.Contains(notes, f.Name) {
					require.NoError(t, try())
					require.NotEqual(t, before, dump(t, st), "the store passes the field over")
					return
				}
				err := try()
				require.Error(t, err)
				require.NotErrorIs(t, err, accounts.ErrConflict)
				require.Equal(t, before, dump(t, st), "a refused change left something behind")

				set("Op", accounts.OpID("op"))
				if f.Name != "Events" {
					err := try()
					require.Error(t, err, "an operation without an event")
					require.NotErrorIs(t, err, accounts.ErrConflict)
					require.Equal(t, before, dump(t, st))
					set("Events", []accounts.Event{{Op: "op", Seq: 1, At: start}})
				}
				require.NoError(t, try())
				require.NotEqual(t, before, dump(t, st), "the store passes the field over")
			})
		}
	}
	require.Len(t, rows, len(known))
}

// settled leaves a dead message in the outbox, and one that was sent.
func settled(t *testing.T, st *memory.Store) {
	t.Helper()
	for id, state := range map[string]mail.State{"dead": mail.Dead, "sent": mail.Sent} {
		early := letter(id, "")
		early.Due = start.Add(-time.Hour)
		put(t, st, id, early)
		due, err := st.ClaimMail(t.Context(), mail.Claim{Channel: mail.Email, At: early.Due, Lease: time.Second, Limit: 1})
		require.NoError(t, err)
		require.Len(t, due, 1)
		require.NoError(t, st.SettleMail(t.Context(), mail.Outcome{ID: id, Fence: due[0].Fence, State: state, At: early.Due}))
	}
}

// dump asks for everything that the test above can change.
func dump(t *testing.T, st *memory.Store) any {
	t.Helper()
	ctx := t.Context()
	must := func(v any, err error) any {
		if err != nil {
			return err.Error()
		}
		return v
	}
	standings, err := st.Standings(ctx, []accounts.StandingKey{{User: "new", Account: "new"}, {User: "u", Account: "c"}})
	require.NoError(t, err)
	return []any{
		standings,
		must(st.User(ctx, accounts.UserKey{Identity: accounts.IdentityKey{Issuer: "i", Subject: "s"}})),
		must(st.Account(ctx, "ag")),
		must(st.Linked(ctx, accounts.LinkedQuery{ConnectionKey: pair("c2", "ag")})),
		must(st.Drafting(ctx, access.DraftingQuery{Agency: "ag", Emails: []accounts.Email{"x@example.com"}})),
		must(st.Reply(ctx, accounts.ReplyKey{Actor: "a", Key: "k"})),
		must(st.Events(ctx, accounts.EventQuery{Account: "c"})),
		must(st.Mails(ctx, mail.Query{})),
		must(st.Session(ctx, access.SessionKey{ID: "new"})),
		must(st.Session(ctx, access.SessionKey{ID: "old"})),
		must(st.Means(ctx, accounts.UserKey{ID: "u"})),
		must(st.Challenge(ctx, challenge("u", "old", "new").ChallengeKey)),
		must(st.Ticket(ctx, access.TicketQuery{Hash: hash("new")})),
		must(st.Ticket(ctx, access.TicketQuery{Hash: hash("old")})),
		must(st.Entering(ctx, access.EnteringQuery{Email: "x@example.com"})),
		must(st.Invitations(ctx, invites.ListQuery{Account: "c"})),
		must(st.ClientRecords(ctx, accounts.ClientRecordQuery{Account: "c"})),
		must(st.Sites(ctx, accounts.SiteQuery{Account: "c"})),
		must(st.SettingUp(ctx, invites.SettingUpQuery{Hash: hash("new")})),
		must(st.Viewing(ctx, access.ViewKey{Link: hash("link new")})),
	}
}

func TestStore_ApplyAccess_faults(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name string
		row  any
		want string
	}{
		{"an identity of nobody is a fault", accounts.Identity{Issuer: "i", Subject: "s", User: "x"}, `identity names the user "x"`},
		{"a membership of nobody is a fault", member("c", "x", roles.Admin), `membership names the user "x"`},
		{"a membership in no account is a fault", member("x", "u", roles.Admin), `membership names the account "x"`},
		{"a connection of no client is a fault", connection("x", "ag"), `connection names the client account "x"`},
		{"a connection to no agency is a fault", connection("c", "x"), `connection names the agency account "x"`},
		{"an assignment on no connection is a fault", assignment("c2", "ag", "u"), `assignment names the connection`},
		{"an assignment of an outsider is a fault", assignment("c", "ag", "out"), `assignment names the membership`},
		{"a credential of nobody is a fault", credential("x", "h"), `credential names the user "x"`},
		{"a challenge of nobody is a fault", challenge("x", "s", "a"), `challenge names the user "x"`},
		{"a ticket of nobody is a fault", ticket("x", token.Proof, "t"), `ticket names the user "x"`},
		{"a session of nobody is a fault", session("s", "x"), `session names the user "x"`},
		{"a request of no agency is a fault", request("x", "r", "a@example.com"), `request names the agency account "x"`},
		{"a client record of no account is a fault", record("x", "r"), `client record names the account "x"`},
		{"a client record of nobody is a fault", joined(record("c", "r2"), "x"), `client record names the user "x"`},
		{"a site of no account is a fault", site("x", "s"), `site names the account "x"`},
		{"an access of no client is a fault", siteAccess("c", "x", "s"), `access to a site names the client record "x"`},
		{"an access of another account's client is a fault", siteAccess("c2", "r", "s2"), `access to a site names the client record "r"`},
		{"an access to no site is a fault", siteAccess("c", "r", "x"), `access to a site names the site "x"`},
		{"an access to another account's site is a fault", siteAccess("c", "r", "s2"), `access to a site names the site "s2"`},
		{"a view of no client is a fault", viewAs("v", "c", "x", "u"), `view names the client record "x"`},
		{"a view by nobody is a fault", viewAs("v", "c", "r", "x"), `view names the viewer "x"`},
		{"a counter that falls is a fault", accounts.Spend{N: -1}, `never falls`},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			st := memory.New()
			put(t, st, "setup", user("u"), user("out"), agency("ag"), account("c", "C"), account("c2", "C2"),
				member("ag", "u", roles.Owner), connection("c", "ag"), record("c", "r"), site("c2", "s2"))
			before := dump(t, st)
			err := st.ApplyAccess(t.Context(), change("op", user("new"), c.row))
			require.ErrorContains(t, err, c.want)
			require.NotErrorIs(t, err, accounts.ErrConflict)
			require.Equal(t, before, dump(t, st))
		})
	}
	t.Run("an invitation to no account is a fault", func(t *testing.T) {
		t.Parallel()
		err := memory.New().ApplyInvites(t.Context(), offer("op", []invites.Invitation{invitation("x", "i", "a@example.com")}))
		require.ErrorContains(t, err, `invitation names the account "x"`)
		require.NotErrorIs(t, err, accounts.ErrConflict)
	})
	t.Run("a setup link of no client is a fault", func(t *testing.T) {
		t.Parallel()
		c := offer("op", nil)
		c.SetupLinks = []invites.SetupLink{setupLink("c", "x", "secret")}
		err := memory.New().ApplyInvites(t.Context(), c)
		require.ErrorContains(t, err, `setup link names the client record "x"`)
		require.NotErrorIs(t, err, accounts.ErrConflict)
	})
	t.Run("guarding and writing one account in one change is a fault", func(t *testing.T) {
		t.Parallel()
		st := memory.New()
		put(t, st, "setup", agency("ag"))
		a, err := st.Account(t.Context(), "ag")
		require.NoError(t, err)
		err = st.ApplyAccess(t.Context(), change("op", a, accounts.Guard{Account: "ag", Version: 1}))
		require.ErrorContains(t, err, "guards the account")
		require.NotErrorIs(t, err, accounts.ErrConflict)
	})
	t.Run("rows may refer to rows of the same change", func(t *testing.T) {
		t.Parallel()
		put(t, memory.New(), "all", user("u"), agency("ag"), account("c", "C"), member("ag", "u", roles.Owner),
			connection("c", "ag"), assignment("c", "ag", "u"), session("s", "u"), request("ag", "r", "a@example.com"),
			credential("u", "h"), challenge("u", "s", "a"), ticket("u", token.Proof, "t"),
			joined(record("c", "r"), "u"), site("c", "s"), siteAccess("c", "r", "s"), viewAs("v", "c", "r", "u"),
			accounts.Identity{Issuer: "i", Subject: "s", User: "u"})
	})
}

// Uniqueness is judged on the state after the change, so an end and its
// successor can be one change: an expired request never blocks (I-02).
func TestStore_ApplyAccess_uniqueAfterTheChange(t *testing.T) {
	t.Parallel()
	setup := func(t *testing.T) *memory.Store {
		t.Helper()
		st := memory.New()
		a, b := user("a"), user("b")
		a.Handle, b.Handle = "Anna", "Ben"
		put(t, st, "setup", a, b, agency("ag"), request("ag", "r1", "x@example.com"), session("s", "a"))
		return st
	}
	stored := func(t *testing.T, st *memory.Store, id accounts.UserID) accounts.User {
		t.Helper()
		u, err := st.User(t.Context(), accounts.UserKey{ID: id})
		require.NoError(t, err)
		return u
	}
	t.Run("two users exchange addresses and handles in one change", func(t *testing.T) {
		t.Parallel()
		st := setup(t)
		a, b := stored(t, st, "a"), stored(t, st, "b")
		a.Email, b.Email, a.Handle, b.Handle = b.Email, a.Email, b.Handle, a.Handle
		put(t, st, "swap", a, b)
		u, err := st.User(t.Context(), accounts.UserKey{Email: "a@example.com"})
		require.NoError(t, err)
		require.Equal(t, accounts.UserID("b"), u.ID)
		u, err = st.User(t.Context(), accounts.UserKey{Handle: "ben"})
		require.NoError(t, err)
		require.Equal(t, accounts.UserID("a"), u.ID)
	})
	t.Run("a deleted user's address is free in the same change, and the user found by id alone", func(t *testing.T) {
		t.Parallel()
		st := setup(t)
		a, n := stored(t, st, "a"), user("n")
		a.DeletedAt, n.Email, n.Handle = start, a.Email, "ANNA"
		put(t, st, "again", n, a)
		u, err := st.User(t.Context(), accounts.UserKey{Email: a.Email})
		require.NoError(t, err)
		require.Equal(t, accounts.UserID("n"), u.ID)
		require.Equal(t, a.Email, stored(t, st, "a").Email)
	})
	t.Run("a deleted user does not take the address back by being written again", func(t *testing.T) {
		t.Parallel()
		st := setup(t)
		a := stored(t, st, "a")
		a.DeletedAt = start
		put(t, st, "gone", a)
		n := user("n")
		n.Email = a.Email
		put(t, st, "new", n)
		a = stored(t, st, "a")
		a.Name = ""
		put(t, st, "erased", a)
		u, err := st.User(t.Context(), accounts.UserKey{Email: a.Email})
		require.NoError(t, err)
		require.Equal(t, accounts.UserID("n"), u.ID)
		a = stored(t, st, "a")
		a.DeletedAt = time.Time{}
		require.ErrorIs(t, st.ApplyAccess(t.Context(), change("back", a)), accounts.ErrConflict)
	})
	t.Run("a request that ends makes room for its successor in the same change", func(t *testing.T) {
		t.Parallel()
		st := setup(t)
		err := st.ApplyAccess(t.Context(), change("second", request("ag", "r2", "x@example.com")))
		require.ErrorIs(t, err, accounts.ErrConflict)
		old := request("ag", "r1", "x@example.com")
		old.Version, old.State = 1, access.Expired
		put(t, st, "successor", request("ag", "r2", "x@example.com"), old)
		d, err := st.Drafting(t.Context(), access.DraftingQuery{Agency: "ag", Emails: []accounts.Email{"x@example.com"}})
		require.NoError(t, err)
		require.Equal(t, accounts.RequestID("r2"), d.Recipients[0].Pending.ID)
	})
	other := user("m")
	other.Email = "n@example.com"
	stolen, guessed := session("t", "a"), request("ag", "r9", "y@example.com")
	stolen.Hash, guessed.Hash = hash("session s"), hash("request agr1")
	for _, c := range []struct {
		name string
		rows []any
	}{
		{"one address for two new users is a conflict", []any{user("n"), other}},
		{"one user twice is a conflict", []any{user("n"), user("n")}},
		{"a hash of a stored session is a conflict", []any{stolen}},
		{"a hash of a stored request is a conflict", []any{guessed}},
		{"two pending requests to one address are a conflict", []any{
			request("ag", "p", "y@example.com"), request("ag", "q", "y@example.com"),
		}},
		{"a spend above the limit is a conflict", []any{spend("s", 2, 3), spend("s", 2, 3)}},
		{"a guard of an account that is not there is a conflict", []any{accounts.Guard{Account: "x", Version: 1}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			st := setup(t)
			before := dump(t, st)
			require.ErrorIs(t, st.ApplyAccess(t.Context(), change("op", c.rows...)), accounts.ErrConflict)
			require.Equal(t, before, dump(t, st))
		})
	}
}

// An idempotency key is taken until its answer has expired (I-27).
func TestStore_ApplyAccess_replies(t *testing.T) {
	t.Parallel()
	st := memory.New()
	r := accounts.Reply{
		ReplyKey: accounts.ReplyKey{Actor: "a", Account: "c", Key: "k"}, Answer: []byte("1"),
		CreatedAt: start, ExpiresAt: start.Add(time.Hour),
	}
	put(t, st, "first", r)
	r.Answer, r.CreatedAt = []byte("2"), start.Add(time.Hour-time.Microsecond)
	require.ErrorIs(t, st.ApplyAccess(t.Context(), change("early", r)), accounts.ErrConflict)
	r.CreatedAt = start.Add(time.Hour)
	put(t, st, "late", r)
	got, err := st.Reply(t.Context(), r.ReplyKey)
	require.NoError(t, err)
	require.Equal(t, "2", string(got.Answer))
	r.Answer[0], got.Answer[0] = 'x', 'y'
	got, err = st.Reply(t.Context(), r.ReplyKey)
	require.NoError(t, err)
	require.Equal(t, "2", string(got.Answer), "what is handed in and returned is copied")
}

// A context that has ended is answered with its error, and nothing was done
// (A101).
func TestStore_cancelled(t *testing.T) {
	t.Parallel()
	st := memory.New()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	require.ErrorIs(t, st.ApplyAccess(ctx, change("op", user("u"))), context.Canceled)
	_, err := st.User(ctx, accounts.UserKey{ID: "u"})
	require.ErrorIs(t, err, context.Canceled)
	_, err = st.Standings(ctx, nil)
	require.ErrorIs(t, err, context.Canceled)
	_, err = st.User(t.Context(), accounts.UserKey{ID: "u"})
	require.ErrorIs(t, err, accounts.ErrNotFound)
}

// Of many that would do the same at once, one does it: the quota is never
// passed, and no agency has two pending requests to one address (A57, A79,
// I-02, I-14).
func TestStore_races(t *testing.T) {
	t.Parallel()
	st := memory.New()
	put(t, st, "setup", agency("ag"))
	var won atomic.Int32
	var wg sync.WaitGroup
	for worker := range 8 {
		wg.Go(func() {
			for n := range 20 {
				id := string(rune('a'+worker)) + string(rune('a'+n))
				r := request("ag", id, string(rune('a'+n))+"@example.com")
				err := st.ApplyAccess(t.Context(), change("op"+id, r, spend("ag", 1, 15)))
				if err == nil {
					won.Add(1)
				}
				_, _ = st.Clients(t.Context(), access.ClientsQuery{Agency: "ag"})
			}
		})
	}
	wg.Wait()
	require.EqualValues(t, 15, won.Load())
	list, err := st.Clients(t.Context(), access.ClientsQuery{Agency: "ag", Limit: 100})
	require.NoError(t, err)
	require.Len(t, list, 15)
	seen := map[accounts.Email]bool{}
	for _, c := range list {
		require.False(t, seen[c.Request.Email])
		seen[c.Request.Email] = true
	}
	d, err := st.Drafting(t.Context(), access.DraftingQuery{Agency: "ag"})
	require.NoError(t, err)
	require.Equal(t, 15, d.Used)
}

// A guard that only holds lets others of its sort go on; one that moves ends
// what rested on the version before.
func TestStore_guards(t *testing.T) {
	t.Parallel()
	st := memory.New()
	put(t, st, "setup", agency("ag"))
	put(t, st, "held", accounts.Guard{Account: "ag", Version: 1})
	put(t, st, "held again", accounts.Guard{Account: "ag", Version: 1})
	put(t, st, "moved", accounts.Guard{Account: "ag", Version: 1, Move: true})
	err := st.ApplyAccess(t.Context(), change("late", accounts.Guard{Account: "ag", Version: 1}))
	require.ErrorIs(t, err, accounts.ErrConflict)
	put(t, st, "anew", accounts.Guard{Account: "ag", Version: 2})
}
