package sqlite_test

import (
	"crypto/sha256"
	"database/sql"
	"fmt"
	"sort"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/chatelaine-go/chatelaine/access"
	"github.com/chatelaine-go/chatelaine/access/token"
	"github.com/chatelaine-go/chatelaine/accounts"
	"github.com/chatelaine-go/chatelaine/invites"
	"github.com/chatelaine-go/chatelaine/mail"
	"github.com/chatelaine-go/chatelaine/storage"
)

// holding returns the columns of a database that hold a text anywhere, as
// table.column, with how many rows do.
func holding(t *testing.T, path, text string) map[string]int {
	t.Helper()
	db, err := sql.Open("sqlite", "file:"+path)
	require.NoError(t, err)
	defer func() { require.NoError(t, db.Close()) }()
	var columns [][2]string
	rows, err := db.QueryContext(t.Context(), "SELECT t.name, c.name FROM sqlite_schema t, pragma_table_info(t.name) c WHERE t.type = 'table'")
	require.NoError(t, err)
	defer func() { require.NoError(t, rows.Close()) }()
	for rows.Next() {
		var c [2]string
		require.NoError(t, rows.Scan(&c[0], &c[1]))
		columns = append(columns, c)
	}
	require.NoError(t, rows.Err())
	found := map[string]int{}
	for _, c := range columns {
		var n int
		require.NoError(t, db.QueryRowContext(t.Context(),
			fmt.Sprintf("SELECT count(*) FROM %s WHERE instr(%s, ?) > 0", c[0], c[1]), text).Scan(&n))
		if n > 0 {
			found[c[0]+"."+c[1]] = n
		}
	}
	return found
}

func hash(s string) token.Hash { return token.Hash(sha256.Sum256([]byte(s))) }

func invitation(id, email string) invites.Invitation {
	return invites.Invitation{
		Account: "acme", ID: accounts.InvitationID(id), Email: accounts.Email(email), Address: email, Role: "author",
		Message: "Dear " + email, Inviter: "boss", Hash: hash("i" + id), State: invites.Pending, SentAt: noon,
		ExpiresAt: noon.Add(time.Hour), CreatedAt: noon, UpdatedAt: noon,
	}
}

func ticket(usr string, purpose token.Purpose) access.Ticket {
	return access.Ticket{
		TicketKey: access.TicketKey{User: accounts.UserID(usr), Purpose: purpose}, Hash: hash("t" + usr + string(purpose)),
		Email: accounts.Email(usr + "@example.com"), Address: usr + "@example.com", CreatedAt: noon, ExpiresAt: noon.Add(time.Hour),
	}
}

// inviting is a change that writes invitations.
func inviting(op string, list ...invites.Invitation) invites.Change {
	return invites.Change{Change: change(op, nil).Change, Invitations: list}
}

// Whoever is forgotten is in no column of any table afterwards, but for their
// own row of users, which somebody else writes, and counters, which a sweep
// erases. Everybody else is where they were.
func TestStore_Apply_forget(t *testing.T) {
	t.Parallel()
	st, path := fresh(t, nil)
	seedAgency(t, st, 0)
	people := []string{"eve", "fay"}
	var letters []mail.Message
	for i, id := range people {
		for _, reason := range []string{"a", "b"} {
			m := message(fmt.Sprint("mail-", reason, i), reason)
			m.To, m.ToName, m.Text = id+"@example.com", "To "+id+"@example.com", "Dear "+id+"@example.com"
			letters = append(letters, m)
		}
	}
	apply(t, st, change("people", func(c *access.Change) {
		c.Accounts = []accounts.Account{account("acme")}
		c.Mail = letters
		for i, id := range people {
			email := id + "@example.com"
			c.Users = append(c.Users, user(id))
			c.Identities = append(c.Identities, accounts.Identity{Issuer: "i", Subject: "subject-" + id, User: accounts.UserID(id)})
			c.Credentials = append(c.Credentials, accounts.Credential{User: accounts.UserID(id), Hash: "hash-" + id})
			c.Challenges = append(c.Challenges, accounts.Challenge{
				ChallengeKey: accounts.ChallengeKey{User: accounts.UserID(id), Action: "k"}, To: "phone-" + id,
			})
			c.Tickets = append(c.Tickets, ticket(id, token.Proof), ticket(id, token.Reset))
			c.Sessions = append(c.Sessions, access.Session{
				SessionState: access.SessionState{ID: accounts.SessionID(id), User: accounts.UserID(id)}, Hash: hash("s" + id),
				UserAgent: "agent-" + id, Source: "source-" + id,
			})
			r, declined := request("r"+fmt.Sprint(i), email), request("d"+fmt.Sprint(i), email)
			declined.State, declined.Reason = access.Declined, "says "+email
			c.Requests = append(c.Requests, r, declined)
			c.Guesses = append(c.Guesses, access.Guesses{Email: accounts.Email(email), Count: 1, LastAt: noon})
		}
	}))
	accepted := invitation("i2", "eve@example.com")
	accepted.State = invites.Accepted
	require.NoError(t, st.ApplyInvites(t.Context(), inviting("invite",
		invitation("i0", "eve@example.com"), invitation("i1", "fay@example.com"), accepted)))
	sent, err := st.ClaimMail(t.Context(), mail.Claim{Channel: mail.Email, At: noon, Lease: time.Minute, Limit: 1})
	require.NoError(t, err)
	require.NoError(t, st.SettleMail(t.Context(), mail.Outcome{ID: sent[0].Message.ID, Fence: sent[0].Fence, State: mail.Sent, At: noon}))

	before := holding(t, path, "fay")
	require.Greater(t, len(before), 20)
	require.Len(t, holding(t, path, "eve"), len(before))
	apply(t, st, change("forget", func(c *access.Change) {
		c.Forget = []accounts.Forget{{User: "eve", Email: "eve@example.com"}, {User: "nobody", Email: "nobody@example.com"}, {}}
	}))
	require.Equal(t, before, holding(t, path, "fay"))
	var left []string
	for column := range holding(t, path, "eve") {
		left = append(left, column)
	}
	sort.Strings(left)
	require.Equal(t, []string{
		"chatelaine_sessions.id", "chatelaine_sessions.user_id", "chatelaine_users.address", "chatelaine_users.email",
		"chatelaine_users.id", "chatelaine_users.label_key", "chatelaine_users.name",
	}, left)

	for id, want := range map[accounts.InvitationID]invites.State{"i0": invites.Revoked, "i1": invites.Pending, "i2": invites.Accepted} {
		a, err := st.Accepting(t.Context(), invites.AcceptingQuery{Account: "acme", ID: id, At: noon})
		require.NoError(t, err)
		require.Equal(t, want, a.Invitation.State)
		version := int64(2)
		if id == "i1" {
			version = 1
		}
		require.Equal(t, version, a.Invitation.Version, id)
	}
	for id, want := range map[accounts.RequestID]access.RequestState{"r0": access.Ended, "d0": access.Declined, "r1": access.Pending} {
		d, err := st.Deciding(t.Context(), access.DecidingQuery{Agency: "agency", ID: id})
		require.NoError(t, err)
		require.Equal(t, want, d.Request.State)
	}
	records, err := st.Mails(t.Context(), mail.Query{})
	require.NoError(t, err)
	states := map[string]int{}
	for _, r := range records {
		states[r.To+" "+string(r.State)]++
		require.NotEqual(t, r.State == mail.Queued, r.SettledAt.Equal(noon), "%s is settled when it is cancelled", r.ID)
	}
	require.Equal(t, map[string]int{" sent": 1, " cancelled": 1, "fay@example.com queued": 2}, states)
}

// Counts without an operation are one atomic change: a try is not counted when
// the row of guesses was written by somebody else meanwhile, and the row is not
// written when the counter is full (A93).
func TestStore_ApplyAccess_counts(t *testing.T) {
	t.Parallel()
	st, _ := fresh(t, nil)
	key := accounts.QuotaKey{Kind: accounts.QuotaSource, Subject: "192.0.2.1", Day: accounts.DayOf(noon)}
	try := func(version int64, limit int) error {
		return st.ApplyAccess(t.Context(), access.Change{
			Change:  accounts.Change{Spend: []accounts.Spend{{QuotaKey: key, N: 1, Limit: limit}}},
			Guesses: []access.Guesses{{Email: "eve@example.com", Version: version, Count: int(version) + 1, LastAt: noon}},
		})
	}
	counts := func(tries, guesses int) {
		t.Helper()
		e, err := st.Entering(t.Context(), access.EnteringQuery{Email: "eve@example.com", Source: "192.0.2.1", Day: key.Day})
		require.NoError(t, err)
		require.Equal(t, []int{tries, guesses}, []int{e.Tries, e.Guesses.Count})
	}
	require.NoError(t, try(0, 3))
	counts(1, 1)
	require.ErrorIs(t, try(0, 3), accounts.ErrConflict)
	counts(1, 1)
	require.NoError(t, try(1, 3))
	counts(2, 2)
	require.ErrorIs(t, try(2, 2), accounts.ErrConflict)
	counts(2, 2)
}

// Rows may exchange what is unique among them, and take what a row gives up in
// the same change: uniqueness is judged on what is stored afterwards.
func TestStore_Apply_exchange(t *testing.T) {
	t.Parallel()
	st, _ := fresh(t, nil)
	apply(t, st, change("seed", func(c *access.Change) {
		c.Users = []accounts.User{user("u")}
		c.Accounts = []accounts.Account{account("acme")}
		c.Tickets = []access.Ticket{ticket("u", token.Proof), ticket("u", token.Reset)}
		c.Identities = []accounts.Identity{{Issuer: "i", Subject: "s", User: "u"}}
	}))
	require.NoError(t, st.ApplyInvites(t.Context(), inviting("invite", invitation("i", "a@example.com"), invitation("j", "b@example.com"))))

	first, second := ticket("u", token.Proof), ticket("u", token.Reset)
	first.Version, second.Version = 1, 1
	first.Hash, second.Hash = second.Hash, first.Hash
	apply(t, st, change("tickets", func(c *access.Change) { c.Tickets = []access.Ticket{first, second} }))
	found, err := st.Ticket(t.Context(), access.TicketQuery{Hash: first.Hash})
	require.NoError(t, err)
	require.Equal(t, token.Proof, found.Purpose)
	require.Equal(t, int64(2), found.Version)

	i, j := invitation("i", "b@example.com"), invitation("j", "a@example.com")
	i.Version, j.Version = 1, 1
	i.Hash, j.Hash = j.Hash, i.Hash
	require.NoError(t, st.ApplyInvites(t.Context(), inviting("invitations", i, j)))
	a, err := st.Accepting(t.Context(), invites.AcceptingQuery{Hash: i.Hash, At: noon})
	require.NoError(t, err)
	require.Equal(t, accounts.InvitationID("i"), a.Invitation.ID)

	i.Version, i.State = 2, invites.Revoked
	next := invitation("k", "b@example.com")
	require.NoError(t, st.ApplyInvites(t.Context(), inviting("successor", i, next)))
	require.ErrorIs(t, st.ApplyInvites(t.Context(), inviting("another", invitation("l", "b@example.com"))), accounts.ErrConflict)
	clash := invitation("m", "m@example.com")
	clash.Hash = next.Hash
	require.ErrorIs(t, st.ApplyInvites(t.Context(), inviting("clash", clash)), accounts.ErrConflict)

	moved := accounts.Identity{Issuer: "i", Subject: "s", User: "v"}
	apply(t, st, change("identity", func(c *access.Change) {
		c.Users = []accounts.User{user("v")}
		c.Unlink = []accounts.IdentityKey{moved.Key()}
		c.Identities = []accounts.Identity{moved}
	}))
	m, err := st.Means(t.Context(), accounts.UserKey{Identity: moved.Key()})
	require.NoError(t, err)
	require.Equal(t, accounts.UserID("v"), m.User.ID)
	require.ErrorIs(t, st.ApplyAccess(t.Context(), change("gone", func(c *access.Change) {
		c.Unlink = []accounts.IdentityKey{{Issuer: "i", Subject: "no"}}
	})), accounts.ErrConflict)
}

// What is over is swept, and what is over at that very moment is not yet.
func TestStore_Sweep_logins(t *testing.T) {
	t.Parallel()
	st, _ := fresh(t, nil)
	apply(t, st, change("seed", func(c *access.Change) {
		c.Users = []accounts.User{user("u"), user("v")}
		for i, id := range []accounts.UserID{"u", "v"} {
			x := ticket(string(id), token.Proof)
			x.ExpiresAt = noon.Add(time.Duration(i) * time.Microsecond)
			c.Tickets = append(c.Tickets, x)
			c.Challenges = append(c.Challenges, accounts.Challenge{
				ChallengeKey: accounts.ChallengeKey{User: id, Action: "k"}, ExpiresAt: x.ExpiresAt,
			})
			c.Guesses = append(c.Guesses, access.Guesses{Email: accounts.Email(id), Count: 1, LastAt: x.ExpiresAt})
		}
	}))
	before := storage.SweepBefore{Tickets: noon.Add(time.Microsecond), Guesses: noon.Add(time.Microsecond)}
	for _, want := range []int{2, 1, 0} {
		n, err := st.Sweep(t.Context(), before, 2)
		require.NoError(t, err)
		require.Equal(t, want, n)
	}
	for id, want := range map[accounts.UserID]int64{"u": 0, "v": 1} {
		c, err := st.Challenge(t.Context(), accounts.ChallengeKey{User: id, Action: "k"})
		require.NoError(t, err)
		require.Equal(t, want, c.Version)
		e, err := st.Entering(t.Context(), access.EnteringQuery{Email: accounts.Email(id)})
		require.NoError(t, err)
		require.Equal(t, want, e.Guesses.Version)
		_, err = st.Ticket(t.Context(), access.TicketQuery{TicketKey: access.TicketKey{User: id, Purpose: token.Proof}})
		require.Equal(t, want == 0, err != nil)
	}
}
