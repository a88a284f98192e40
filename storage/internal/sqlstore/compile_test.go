package sqlstore_test

import (
	"reflect"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/chatelaine-go/chatelaine/access"
	"github.com/chatelaine-go/chatelaine/accounts"
	"github.com/chatelaine-go/chatelaine/invites"
	"github.com/chatelaine-go/chatelaine/mail"
	"github.com/chatelaine-go/chatelaine/storage/internal/sqlstore"
)

func writes() *sqlstore.Writes { return sqlstore.NewWrites(nil, sqlstore.SQLite("p_")) }

// least is a change that does nothing but leave its event.
func least() sqlstore.Change {
	return sqlstore.Change{Change: access.Change{Change: accounts.Change{
		Op: "op", Events: []accounts.Event{{Op: "op", Seq: 1}},
	}}}
}

// full is a change with two rows in every list, one new and one replaced.
func full() sqlstore.Change {
	c := least()
	c.Guards = []accounts.Guard{{Account: "g", Version: 1}, {Account: "h", Version: 1, Move: true}}
	c.Spend = []accounts.Spend{{N: 1, Limit: 1}, {N: 1, Limit: 2}}
	c.Users = []accounts.User{{}, {Version: 1}}
	c.Identities = []accounts.Identity{{Issuer: "a"}, {Issuer: "b"}}
	c.Unlink = []accounts.IdentityKey{{Issuer: "c"}, {Issuer: "d"}}
	c.Credentials = []accounts.Credential{{}, {Version: 1}}
	c.Challenges = []accounts.Challenge{{}, {Version: 1}}
	c.Accounts = []accounts.Account{{}, {AccountState: accounts.AccountState{Version: 1}}}
	c.Memberships = []accounts.Membership{{}, {Version: 1}}
	c.Connections = []accounts.Connection{{}, {Version: 1}}
	c.Assignments = []accounts.Assignment{{}, {Version: 1}}
	c.Clients = []accounts.Client{{}, {Version: 1}}
	c.Sites = []accounts.Site{{}, {Version: 1}}
	c.SiteAccess = []accounts.SiteAccess{{}, {Version: 1}}
	c.SetupLinks = []invites.SetupLink{{}, {Version: 1}}
	c.Views = []access.ViewAs{{}, {Version: 1}}
	c.Requests = []access.Request{{}, {Version: 1}}
	c.Invitations = []invites.Invitation{{}, {Version: 1}}
	c.Sessions = []access.Session{{}, {Version: 1}}
	c.Tickets = []access.Ticket{{}, {Version: 1}}
	c.Guesses = []access.Guesses{{}, {Version: 1}}
	c.Replies = []accounts.Reply{{}, {}}
	c.CancelMail = []mail.Reason{"a", "b"}
	c.Bounced = []mail.Bounce{{ID: "a"}, {ID: "b"}}
	c.Mail = []mail.Message{{ID: "a", Channel: mail.Email}, {ID: "b", Channel: mail.SMS}}
	c.Touches = []access.Touch{{Session: "a"}, {Session: "b"}}
	c.Forget = []accounts.Forget{{User: "a"}, {Email: "b"}}
	return c
}

// Nothing of a change is lost on the way: each list that a change can carry
// becomes statements, and one that is added later is refused until it does
// (A93).
func TestWrites_ApplyAccess_fields(t *testing.T) {
	t.Parallel()
	require.Empty(t, sqlstore.Unknown[sqlstore.Change]())
	require.Empty(t, sqlstore.Unknown[access.Change]())
	require.Empty(t, sqlstore.Unknown[invites.Change]())
	for _, of := range []reflect.Type{reflect.TypeFor[access.Change](), reflect.TypeFor[invites.Change]()} {
		for _, f := range reflect.VisibleFields(of) {
			all, there := reflect.TypeFor[sqlstore.Change]().FieldByName(f.Name)
			require.True(t, there && (f.Anonymous || all.Type == f.Type), "%s.%s is taken over", of, f.Name)
		}
	}

	base, err := sqlstore.Texts(writes(), least(), false)
	require.NoError(t, err)
	for _, f := range reflect.VisibleFields(reflect.TypeFor[sqlstore.Change]()) {
		if f.Anonymous || f.Name == "Op" || f.Name == "Events" {
			continue
		}
		t.Run(f.Name+" becomes statements", func(t *testing.T) {
			t.Parallel()
			c := least()
			list := reflect.ValueOf(&c).Elem().FieldByIndex(f.Index)
			list.Set(reflect.MakeSlice(f.Type, 1, 1))
			switch f.Name {
			case "CancelMail":
				c.CancelMail[0] = "reason"
			case "Guards":
				c.Guards[0].User = "user"
			case "Forget":
				c.Forget[0].User = "user"
			case "Mail":
				c.Mail[0].Channel = mail.Email
			}
			texts, err := sqlstore.Texts(writes(), c, false)
			require.NoError(t, err)
			require.Greater(t, len(texts), len(base))
		})
	}
}

// All changes write in one order of kinds, so that two never wait for each
// other in a circle, and uniqueness is judged after the change: updates come
// before inserts (A100).
func TestWrites_ApplyAccess_order(t *testing.T) {
	t.Parallel()
	inOrder(t, full(), []string{
		"SELECT 1 FROM p_accounts", "UPDATE p_accounts SET version", "INSERT INTO p_quotas",
		"UPDATE p_users", "UPDATE p_credentials", "UPDATE p_challenges", "UPDATE p_accounts SET epoch",
		"UPDATE p_memberships", "UPDATE p_connections", "UPDATE p_assignments", "UPDATE p_clients SET user_id = ?", "UPDATE p_sites SET name",
		"UPDATE p_site_access", "UPDATE p_requests SET agency_epoch",
		"UPDATE p_invitations SET email = ?", "UPDATE p_setup_links", "UPDATE p_sessions SET hash", "UPDATE p_views SET account_id", "UPDATE p_tickets", "UPDATE p_guesses",
		"DELETE FROM p_identities WHERE issuer", "INSERT INTO p_users",
		"INSERT INTO p_identities", "INSERT INTO p_credentials", "INSERT INTO p_challenges", "INSERT INTO p_accounts",
		"INSERT INTO p_memberships", "INSERT INTO p_connections", "INSERT INTO p_assignments", "INSERT INTO p_clients",
		"INSERT INTO p_sites", "INSERT INTO p_site_access", "INSERT INTO p_requests",
		"INSERT INTO p_invitations", "INSERT INTO p_setup_links", "INSERT INTO p_sessions", "INSERT INTO p_views", "INSERT INTO p_tickets", "INSERT INTO p_guesses",
		"INSERT INTO p_replies", "INSERT INTO p_events",
		"UPDATE p_mails INDEXED BY p_mails_unsent", "UPDATE p_mails SET state = 'bounced'", "INSERT INTO p_mails", "UPDATE p_sessions SET seen_at",
		"DELETE FROM p_guesses WHERE email", "DELETE FROM p_identities WHERE user_id",
		"UPDATE p_mails SET fence = CASE",
	})
}

func inOrder(t *testing.T, c sqlstore.Change, kinds []string) {
	t.Helper()
	texts, err := sqlstore.Texts(writes(), c, false)
	require.NoError(t, err)
	last := -1
	for _, kind := range kinds {
		at := -1
		for i, text := range texts {
			if strings.HasPrefix(text, kind) {
				at = i
			}
		}
		require.Greater(t, at, last, "%s stands where it belongs", kind)
		last = at
	}
}

func TestWrites_ApplyAccess_values(t *testing.T) {
	t.Parallel()
	for _, park := range []bool{false, true} {
		places, gets, err := sqlstore.Values(writes(), full(), park)
		require.NoError(t, err)
		require.Equal(t, places, gets, "each place gets a value")
	}
}

func TestWrites_ApplyAccess_rows(t *testing.T) {
	t.Parallel()
	c := least()
	for i := range 35 {
		c.Mail = append(c.Mail, mail.Message{ID: string(rune('A' + i)), Channel: mail.Email})
		c.Spend = append(c.Spend, accounts.Spend{QuotaKey: accounts.QuotaKey{Subject: string(rune('A' + i))}, N: 1, Limit: 5})
	}
	texts, err := sqlstore.Texts(writes(), c, false)
	require.NoError(t, err)
	require.Len(t, texts, 9, "32 rows in a statement, and one for each of three more")
}

// A change that no decision may make is a fault, never a conflict: it would be
// tried again for nothing, or leave no trace.
func TestWrites_ApplyAccess_faults(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name  string
		given func(c *sqlstore.Change)
		want  string
	}{
		{"a change without an operation is refused", func(c *sqlstore.Change) { c.Op = "" }, "operation id"},
		{"a change without an event is refused", func(c *sqlstore.Change) { c.Events = nil }, "no event"},
		{"an event of another operation is refused", func(c *sqlstore.Change) { c.Events[0].Op = "other" }, "other"},
		{"a guard on an account that is written is refused", func(c *sqlstore.Change) {
			c.Guards = []accounts.Guard{{Account: "a"}}
			c.Accounts = []accounts.Account{{AccountState: accounts.AccountState{ID: "a"}}}
		}, "guards and writes"},
		{"a quota that is given back is refused", func(c *sqlstore.Change) {
			c.Spend = []accounts.Spend{{N: -1, Limit: 5}}
		}, "takes back"},
		{"a quota that is given back without an operation is refused", func(c *sqlstore.Change) {
			*c = sqlstore.Change{}
			c.Spend = []accounts.Spend{{N: -1, Limit: 5}}
		}, "takes back"},
		{"an event without an operation is refused", func(c *sqlstore.Change) {
			c.Op, c.Events[0].Op = "", ""
		}, "operation id"},
		{"an invitation without an operation is refused", func(c *sqlstore.Change) {
			*c = sqlstore.Change{Invitations: []invites.Invitation{{}}}
		}, "operation id"},
		{"a guard beside counts is a decision, and refused without an operation", func(c *sqlstore.Change) {
			*c = sqlstore.Change{}
			c.Guards = []accounts.Guard{{Account: "a"}}
			c.Guesses = []access.Guesses{{Email: "a@example.com"}}
		}, "operation id"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			c := least()
			tt.given(&c)
			err := writes().ApplyAccess(t.Context(), c.Change)
			if len(c.Invitations) > 0 {
				err = writes().ApplyInvites(t.Context(), invites.Change{Change: c.Change.Change, Invitations: c.Invitations})
			}
			require.ErrorContains(t, err, tt.want)
			require.NotErrorIs(t, err, accounts.ErrConflict)
		})
	}

	t.Run("the use of sessions and tries at passwords need no operation", func(t *testing.T) {
		t.Parallel()
		texts, err := sqlstore.Texts(writes(), sqlstore.Change{Change: access.Change{
			Change:  accounts.Change{Spend: []accounts.Spend{{N: 1, Limit: 5}}},
			Guesses: []access.Guesses{{Email: "a@example.com"}, {Email: "b@example.com", Version: 1}},
			Touches: []access.Touch{{Session: "s"}},
		}}, false)
		require.NoError(t, err)
		require.Len(t, texts, 4)
	})

	t.Run("a field that is not known is refused", func(t *testing.T) {
		t.Parallel()
		type later struct {
			accounts.Change
			Later []string
		}
		require.NoError(t, sqlstore.Refuse(later{Change: least().Change.Change}))
		require.ErrorContains(t, sqlstore.Refuse(later{Later: []string{"s"}}), "Change.Later")
	})

	t.Run("a change of nothing is nothing", func(t *testing.T) {
		t.Parallel()
		require.NoError(t, writes().ApplyAccess(t.Context(), access.Change{}))
	})
}

func TestDialect_SQL(t *testing.T) {
	t.Parallel()
	d := sqlstore.SQLite("p_")
	require.Equal(t, "SELECT ?12, ?1, '$' FROM p_t INDEXED BY p_i WHERE a = ?2$",
		d.SQL("SELECT $12, $1, '$' FROM {p}t {by i} WHERE a = $2$"))
	d.Hint = nil
	require.Equal(t, "SELECT 1 FROM p_t  WHERE {a}", d.SQL("SELECT 1 FROM {p}t {by i} WHERE {a}"))
}
