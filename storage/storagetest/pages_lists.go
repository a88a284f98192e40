package storagetest

import (
	"github.com/chatelaine-go/chatelaine/access"
	"github.com/chatelaine-go/chatelaine/accounts"
	"github.com/chatelaine-go/chatelaine/invites"
	"github.com/chatelaine-go/chatelaine/mail"
	"github.com/chatelaine-go/chatelaine/storage"
)

// list is a paged reader. It returns the entries behind one, as text, and the
// page that starts behind its last entry.
type list struct {
	name string
	page func(e *env, st storage.Storage, limit int, after any) (page []any, next any, err error)
}

func lists() []list {
	return []list{
		{"what a user can reach", func(e *env, st storage.Storage, limit int, after any) ([]any, any, error) {
			q := accounts.ReachQuery{User: "u", Proof: accounts.AnyLogin(), Limit: limit}
			q.After, _ = after.(accounts.ReachCursor)
			got, err := st.Reach(e.ctx, q)
			return turn(got, accounts.Reached.Cursor, err)
		}},
		{"those who can reach an account", func(e *env, st storage.Storage, limit int, after any) ([]any, any, error) {
			q := accounts.ReachersQuery{Account: "a", Limit: limit}
			q.After, _ = after.(accounts.UserID)
			got, err := st.Reachers(e.ctx, q)
			return turn(got, func(s accounts.Standing) accounts.UserID { return s.User.ID }, err)
		}},
		{"those who can reach an account through an agency", func(e *env, st storage.Storage, limit int, after any) ([]any, any, error) {
			q := accounts.ReachersQuery{Account: "a", Agency: "g", Limit: limit}
			q.After, _ = after.(accounts.UserID)
			got, err := st.Reachers(e.ctx, q)
			return turn(got, func(s accounts.Standing) accounts.UserID { return s.User.ID }, err)
		}},
		{"members", func(e *env, st storage.Storage, limit int, after any) ([]any, any, error) {
			q := accounts.MemberQuery{Account: "g", Limit: limit}
			q.After, _ = after.(accounts.MemberCursor)
			got, err := st.Members(e.ctx, q)
			return turn(got, accounts.Member.Cursor, err)
		}},
		{"a client's connections", func(e *env, st storage.Storage, limit int, after any) ([]any, any, error) {
			q := accounts.ConnectionQuery{Client: "a", Limit: limit}
			q.After, _ = after.(accounts.ConnectionCursor)
			got, err := st.Connections(e.ctx, q)
			return turn(got, accounts.Connected.Cursor, err)
		}},
		{"an agency's connections", func(e *env, st storage.Storage, limit int, after any) ([]any, any, error) {
			q := accounts.ConnectionQuery{Agency: "g", Limit: limit}
			q.After, _ = after.(accounts.ConnectionCursor)
			got, err := st.Connections(e.ctx, q)
			return turn(got, accounts.Connected.Cursor, err)
		}},
		{"an account's audit", func(e *env, st storage.Storage, limit int, after any) ([]any, any, error) {
			q := accounts.EventQuery{Account: "audited", Limit: limit}
			q.Before, _ = after.(accounts.EventCursor)
			got, err := st.Events(e.ctx, q)
			return turn(got, accounts.Event.Cursor, err)
		}},
		{"an agency's clients", func(e *env, st storage.Storage, limit int, after any) ([]any, any, error) {
			q := access.ClientsQuery{Agency: "g", At: start, Limit: limit}
			q.Before, _ = after.(access.ClientCursor)
			got, err := st.Clients(e.ctx, q)
			return turn(got, access.Client.Cursor, err)
		}},
		{"an agency's clients in one state", func(e *env, st storage.Storage, limit int, after any) ([]any, any, error) {
			q := access.ClientsQuery{Agency: "h", At: start, States: []access.ClientState{access.ClientPending}, Limit: limit}
			q.Before, _ = after.(access.ClientCursor)
			got, err := st.Clients(e.ctx, q)
			return turn(got, access.Client.Cursor, err)
		}},
		{"an account's invitations", func(e *env, st storage.Storage, limit int, after any) ([]any, any, error) {
			q := invites.ListQuery{Account: "inviting", At: start, Limit: limit}
			q.Before, _ = after.(invites.Cursor)
			got, err := st.Invitations(e.ctx, q)
			return turn(got, invites.Listed.Cursor, err)
		}},
		{"an account's invitations in one state", func(e *env, st storage.Storage, limit int, after any) ([]any, any, error) {
			q := invites.ListQuery{Account: "inviting", At: start, States: []invites.State{invites.Void}, Limit: limit}
			q.Before, _ = after.(invites.Cursor)
			got, err := st.Invitations(e.ctx, q)
			return turn(got, invites.Listed.Cursor, err)
		}},
		{"an account's clients", func(e *env, st storage.Storage, limit int, after any) ([]any, any, error) {
			q := accounts.ClientRecordQuery{Account: "keeping", Limit: limit}
			q.Before, _ = after.(accounts.ClientCursor)
			got, err := st.ClientRecords(e.ctx, q)
			return turn(got, accounts.ClientEntry.Cursor, err)
		}},
		{"an account's clients in two statuses that fit a search", func(e *env, st storage.Storage, limit int, after any) ([]any, any, error) {
			q := accounts.ClientRecordQuery{
				Account: "keeping", Statuses: []accounts.ClientStatus{accounts.ClientLead, accounts.ClientActive}, Search: "name of", Limit: limit,
			}
			q.Before, _ = after.(accounts.ClientCursor)
			got, err := st.ClientRecords(e.ctx, q)
			return turn(got, accounts.ClientEntry.Cursor, err)
		}},
		{"an account's sites", func(e *env, st storage.Storage, limit int, after any) ([]any, any, error) {
			q := accounts.SiteQuery{Account: "keeping", Limit: limit}
			q.Before, _ = after.(accounts.SiteCursor)
			got, err := st.Sites(e.ctx, q)
			return turn(got, accounts.Site.Cursor, err)
		}},
		{"an account's sites that fit a search", func(e *env, st storage.Storage, limit int, after any) ([]any, any, error) {
			q := accounts.SiteQuery{Account: "keeping", Search: "s", Limit: limit}
			q.Before, _ = after.(accounts.SiteCursor)
			got, err := st.Sites(e.ctx, q)
			return turn(got, accounts.Site.Cursor, err)
		}},
		{"a user's sessions", func(e *env, st storage.Storage, limit int, after any) ([]any, any, error) {
			q := access.SessionsQuery{User: "u", Limit: limit}
			q.Before, _ = after.(accounts.SessionID)
			got, err := st.Sessions(e.ctx, q)
			return turn(got, func(s access.Session) accounts.SessionID { return s.ID }, err)
		}},
		{"the outbox", func(e *env, st storage.Storage, limit int, after any) ([]any, any, error) {
			q := mail.Query{Limit: limit}
			q.After, _ = after.(string)
			got, err := st.Mails(e.ctx, q)
			return turn(got, func(r mail.Record) string { return r.ID }, err)
		}},
	}
}
