package sqlstore

import (
	"github.com/chatelaine-go/chatelaine/access"
	"github.com/chatelaine-go/chatelaine/accounts"
	"github.com/chatelaine-go/chatelaine/invites"
	"github.com/chatelaine-go/chatelaine/mail"
)

// layout describes a table for writing: the one place that knows which value
// goes into which column. Columns of a versioned table have their version
// between the key and the rest.
type layout struct {
	name      string
	key       []string
	cols      []string
	versioned bool

	// steady are columns with indexes that most updates leave as they are. An
	// update that need not write them leaves the indexes alone.
	steady []string

	fixed   []fixed   // columns that every new row begins with, never written by an update
	parked  string    // gives up what must be unique of a row, known by its key; $1 stands in for a hash first
	bytes   []string  // columns of bytes that may be NULL
	gone    string    // of a table with words: the column that says since when the row is out of its list
	derived []derived // columns that are looked up when a row is inserted
}

// fixed is a column with the literal that a new row has there.
type fixed struct{ col, literal string }

// derived is a column that repeats an account's name key, for lists; account is
// the position in the key of the account's id.
type derived struct {
	col     string
	account int
}

// table adds how a row becomes values. Both functions append in the order of
// the layout.
type table[T any] struct {
	layout
	keyOf   func(a []any, r *T) []any
	rowOf   func(a []any, r *T) []any
	version func(r *T) int64
}

// values appends a whole row.
func (t *table[T]) values(a []any, r *T) []any { return t.rowOf(t.keyOf(a, r), r) }

// like returns the values of a row of nothing, which have the types of every row's.
func (t *table[T]) like() []any { return t.values(nil, new(T)) }

// The tables, each in the order of its columns.
var (
	users = table[accounts.User]{
		layout: layout{
			name: "users", key: []string{"id"}, versioned: true, steady: []string{"handle_key", "email", "deleted_at"},
			parked: `UPDATE {p}users SET email = '', handle_key = '' WHERE id = $1`,
			cols: []string{
				"epoch", "epoch_at", "logins", "name", "handle", "handle_key", "label_key", "email", "address",
				"proven", "locale", "kept", "phone", "confirms", "suspensions", "suspended_at", "deleted_at", "created_at",
				"updated_at",
			},
		},
		keyOf:   func(a []any, u *accounts.User) []any { return append(a, string(u.ID)) },
		version: func(u *accounts.User) int64 { return u.Version },
		rowOf: func(a []any, u *accounts.User) []any {
			return append(a,
				u.Epoch, micros(u.EpochAt), u.Logins, u.Name, u.Handle, accounts.NameKey(u.Handle),
				accounts.NameKey(u.Label()), string(u.Email), u.Address, flag(u.Proven), u.Locale, flag(u.Kept),
				u.Phone, flag(u.Confirms), u.Suspensions, micros(u.SuspendedAt), micros(u.DeletedAt), micros(u.CreatedAt),
				micros(u.UpdatedAt))
		},
	}

	identities = table[accounts.Identity]{
		layout: layout{name: "identities", key: []string{"issuer", "subject"}, cols: []string{"user_id", "created_at"}},
		keyOf:  func(a []any, i *accounts.Identity) []any { return append(a, i.Issuer, i.Subject) },
		rowOf:  func(a []any, i *accounts.Identity) []any { return append(a, string(i.User), micros(i.CreatedAt)) },
	}

	credentials = table[accounts.Credential]{
		layout: layout{
			name: "credentials", key: []string{"user_id"}, versioned: true,
			cols: []string{"hash", "created_at", "updated_at"},
		},
		keyOf:   func(a []any, c *accounts.Credential) []any { return append(a, string(c.User)) },
		version: func(c *accounts.Credential) int64 { return c.Version },
		rowOf: func(a []any, c *accounts.Credential) []any {
			return append(a, c.Hash, micros(c.CreatedAt), micros(c.UpdatedAt))
		},
	}

	challenges = table[accounts.Challenge]{
		layout: layout{
			name: "challenges", key: []string{"user_id", "session_id", "account_id", "action"}, versioned: true,
			steady: []string{"expires_at"},
			cols:   []string{"epoch", "hash", "phone", "tries", "created_at", "expires_at", "passed_at", "used_at"},
		},
		keyOf: func(a []any, c *accounts.Challenge) []any {
			return append(a, string(c.User), string(c.Session), string(c.Account), string(c.Action))
		},
		version: func(c *accounts.Challenge) int64 { return c.Version },
		rowOf: func(a []any, c *accounts.Challenge) []any {
			return append(a,
				c.Epoch, c.Hash[:], c.To, int64(c.Tries), micros(c.CreatedAt), micros(c.ExpiresAt), micros(c.PassedAt),
				micros(c.UsedAt))
		},
	}

	tickets = table[access.Ticket]{
		layout: layout{
			name: "tickets", key: []string{"user_id", "purpose"}, versioned: true,
			steady: []string{"hash", "expires_at"},
			parked: `UPDATE {p}tickets SET hash = $1 WHERE user_id = $2 AND purpose = $3`,
			cols:   []string{"hash", "email", "address", "epoch", "created_at", "expires_at", "used_at"},
		},
		keyOf:   func(a []any, t *access.Ticket) []any { return append(a, string(t.User), string(t.Purpose)) },
		version: func(t *access.Ticket) int64 { return t.Version },
		rowOf: func(a []any, t *access.Ticket) []any {
			return append(a,
				t.Hash[:], string(t.Email), t.Address, t.Epoch, micros(t.CreatedAt), micros(t.ExpiresAt), micros(t.UsedAt))
		},
	}

	guesses = table[access.Guesses]{
		layout:  layout{name: "guesses", key: []string{"email"}, versioned: true, cols: []string{"tries", "last_at"}},
		keyOf:   func(a []any, g *access.Guesses) []any { return append(a, string(g.Email)) },
		version: func(g *access.Guesses) int64 { return g.Version },
		rowOf:   func(a []any, g *access.Guesses) []any { return append(a, int64(g.Count), micros(g.LastAt)) },
	}

	accountRows = table[accounts.Account]{
		layout: layout{
			name: "accounts", key: []string{"id"}, versioned: true,
			cols: []string{
				"epoch", "kind", "name", "name_key", "plan", "locale", "programme_at", "client_access_at",
				"suspended_at", "closed_at", "created_at", "updated_at",
			},
		},
		keyOf:   func(a []any, r *accounts.Account) []any { return append(a, string(r.ID)) },
		version: func(r *accounts.Account) int64 { return r.Version },
		rowOf: func(a []any, r *accounts.Account) []any {
			return append(a,
				r.Epoch, string(r.Kind), r.Name, accounts.NameKey(r.Name), r.Plan, r.Locale, micros(r.ProgrammeAt),
				micros(r.ClientAccessAt), micros(r.SuspendedAt), micros(r.ClosedAt), micros(r.CreatedAt),
				micros(r.UpdatedAt))
		},
	}

	memberships = table[accounts.Membership]{
		layout: layout{
			name: "memberships", key: []string{"account_id", "user_id"}, versioned: true,
			cols: []string{
				"role", "epoch", "after_login", "after_at", "suspended_at", "ended_at", "tenure", "reign", "created_at",
				"updated_at",
			},
			derived: []derived{{col: "account_key", account: 0}},
		},
		keyOf:   func(a []any, m *accounts.Membership) []any { return append(a, string(m.Account), string(m.User)) },
		version: func(m *accounts.Membership) int64 { return m.Version },
		rowOf: func(a []any, m *accounts.Membership) []any {
			return append(a,
				string(m.Role), m.Epoch, m.After, micros(m.AfterAt), micros(m.SuspendedAt), micros(m.EndedAt), m.Tenure,
				m.Reign, micros(m.CreatedAt), micros(m.UpdatedAt))
		},
	}

	connections = table[accounts.Connection]{
		layout: layout{
			name: "connections", key: []string{"client_id", "agency_id"}, versioned: true,
			cols: []string{
				"cap", "epoch", "agency_epoch", "ended_at", "request_id", "approver_id", "created_at", "updated_at",
			},
			derived: []derived{{col: "client_key", account: 0}, {col: "agency_key", account: 1}},
		},
		keyOf:   func(a []any, c *accounts.Connection) []any { return append(a, string(c.Client), string(c.Agency)) },
		version: func(c *accounts.Connection) int64 { return c.Version },
		rowOf: func(a []any, c *accounts.Connection) []any {
			return append(a,
				string(c.Cap), c.Epoch, c.AgencyEpoch, micros(c.EndedAt), string(c.Request), string(c.Approver),
				micros(c.CreatedAt), micros(c.UpdatedAt))
		},
	}

	assignments = table[accounts.Assignment]{
		layout: layout{
			name: "assignments", key: []string{"client_id", "user_id", "agency_id"}, versioned: true,
			cols:    []string{"role", "connection_epoch", "member_epoch", "ended_at", "created_at", "updated_at"},
			derived: []derived{{col: "client_key", account: 0}},
		},
		keyOf: func(a []any, s *accounts.Assignment) []any {
			return append(a, string(s.Client), string(s.User), string(s.Agency))
		},
		version: func(s *accounts.Assignment) int64 { return s.Version },
		rowOf: func(a []any, s *accounts.Assignment) []any {
			return append(a,
				string(s.Role), s.ConnectionEpoch, s.MemberEpoch, micros(s.EndedAt), micros(s.CreatedAt),
				micros(s.UpdatedAt))
		},
	}

	requests = table[access.Request]{
		layout: layout{
			name: "requests", key: []string{"agency_id", "id"}, versioned: true,
			parked: `UPDATE {p}requests SET state = '', hash = $1 WHERE agency_id = $2 AND id = $3`,
			steady: []string{"email", "hash", "created_at"},
			cols: []string{
				"agency_epoch", "email", "address", "requester_id", "message", "level", "locale", "hash", "state",
				"sent_at", "expires_at", "resend_day", "resends", "client_id", "decider_id", "decided_at", "reason",
				"created_at", "updated_at",
			},
		},
		keyOf:   func(a []any, r *access.Request) []any { return append(a, string(r.Agency), string(r.ID)) },
		version: func(r *access.Request) int64 { return r.Version },
		rowOf: func(a []any, r *access.Request) []any {
			return append(a,
				r.AgencyEpoch, string(r.Email), r.Address, string(r.Requester), r.Message, string(r.Level), r.Locale,
				r.Hash[:], string(r.State), micros(r.SentAt), micros(r.ExpiresAt), int64(r.ResendDay),
				int64(r.Resends), string(r.Client), string(r.Decider), micros(r.DecidedAt), r.Reason,
				micros(r.CreatedAt), micros(r.UpdatedAt))
		},
	}

	invitations = table[invites.Invitation]{
		layout: layout{
			name: "invitations", key: []string{"account_id", "id"}, versioned: true,
			parked: `UPDATE {p}invitations SET state = '', hash = $1 WHERE account_id = $2 AND id = $3`,
			steady: []string{"email", "hash", "created_at"},
			cols: []string{
				"email", "address", "role", "message", "locale", "inviter_id", "tenure", "reign", "suspensions", "hash",
				"state", "sent_at", "expires_at", "resend_day", "resends", "user_id", "given", "decided_at", "created_at",
				"updated_at",
			},
		},
		keyOf:   func(a []any, i *invites.Invitation) []any { return append(a, string(i.Account), string(i.ID)) },
		version: func(i *invites.Invitation) int64 { return i.Version },
		rowOf: func(a []any, i *invites.Invitation) []any {
			return append(a,
				string(i.Email), i.Address, string(i.Role), i.Message, i.Locale, string(i.Inviter), i.Tenure, i.Reign,
				i.Suspensions, i.Hash[:], string(i.State), micros(i.SentAt), micros(i.ExpiresAt), int64(i.ResendDay),
				int64(i.Resends), string(i.User), string(i.Given), micros(i.DecidedAt), micros(i.CreatedAt),
				micros(i.UpdatedAt))
		},
	}

	sessions = table[access.Session]{
		layout: layout{
			name: "sessions", key: []string{"id"}, versioned: true,
			parked: `UPDATE {p}sessions SET hash = $1 WHERE id = $2`,
			steady: []string{"hash", "user_id", "created_at"},
			cols: []string{
				"hash", "user_id", "user_epoch", "login", "method", "created_at", "auth_at", "seen_at", "ended_at",
				"account_id", "from_id", "user_agent", "source",
			},
		},
		keyOf:   func(a []any, s *access.Session) []any { return append(a, string(s.ID)) },
		version: func(s *access.Session) int64 { return s.Version },
		rowOf: func(a []any, s *access.Session) []any {
			return append(a,
				s.Hash[:], string(s.User), s.UserEpoch, s.Login, s.Method, micros(s.CreatedAt), micros(s.AuthAt),
				micros(s.SeenAt), micros(s.EndedAt), string(s.Account), string(s.From), s.UserAgent, s.Source)
		},
	}

	replies = table[accounts.Reply]{
		layout: layout{
			name: "replies", key: []string{"account_id", "actor", "key"},
			cols: []string{"input", "answer", "created_at", "expires_at"},
		},
		keyOf: func(a []any, r *accounts.Reply) []any { return append(a, string(r.Account), r.Actor, r.Key) },
		rowOf: func(a []any, r *accounts.Reply) []any {
			return append(a, r.Input[:], string(r.Answer), micros(r.CreatedAt), micros(r.ExpiresAt))
		},
	}

	events = table[accounts.Event]{
		layout: layout{
			name: "events", key: []string{"op", "seq"},
			cols: []string{
				"at", "kind", "account_id", "agency_id", "user_id", "request_id", "invitation_id", "session_id", "client_id",
				"site_id", "view_id", "mail_id", "role", "was", "action", "refusal", "by_user", "by_session", "by_client",
				"by_system", "by_operator", "by_reason", "by_request",
			},
			fixed: []fixed{{"taken", "0"}, {"due_at", "0"}, {"attempts", "0"}, {"fence", "0"}},
		},
		keyOf: func(a []any, e *accounts.Event) []any { return append(a, string(e.Op), int64(e.Seq)) },
		rowOf: func(a []any, e *accounts.Event) []any {
			return append(a,
				micros(e.At), string(e.Kind), string(e.Account), string(e.Agency), string(e.User), string(e.Request),
				string(e.Invitation), string(e.Session), string(e.Client), string(e.Site), string(e.View), e.Mail,
				string(e.Role), string(e.Was), string(e.Action), e.Refusal, string(e.By.User), string(e.By.Session),
				string(e.By.Client), e.By.System, e.By.Operator, e.By.Reason, e.By.RequestID)
		},
	}

	mails = table[mail.Message]{
		layout: layout{
			name: "mails", key: []string{"id"}, bytes: []string{"sealed"},
			cols: []string{
				"channel", "kind", "account_id", "sender_name", "sender", "recipient", "recipient_name", "user_id", "locale",
				"subject", "body", "data", "sealed", "reason", "priority", "due_at", "not_after", "created_at",
			},
			fixed: []fixed{
				{"state", "'queued'"},
				{"leased_until", "0"},
				{"attempts", "0"},
				{"fence", "0"},
				{"settled_at", "0"},
				{"error", "''"},
			},
		},
		keyOf: func(a []any, m *mail.Message) []any { return append(a, m.ID) },
		rowOf: func(a []any, m *mail.Message) []any {
			return append(a,
				string(m.Channel), m.Kind, m.Account, m.From.Name, m.From.Address, m.To, m.ToName, m.User, m.Locale, m.Subject, m.Text,
				written(m.Data), blob(m.Sealed), string(m.Reason), int64(m.Priority), micros(m.Due), micros(m.NotAfter), micros(m.CreatedAt))
		},
	}
)
