package memory

import (
	"cmp"

	"github.com/chatelaine-go/chatelaine/access"
	"github.com/chatelaine-go/chatelaine/accounts"
	"github.com/chatelaine-go/chatelaine/roles"
)

// The nodes of the graph are few and hold their indexes. The edges are many:
// they point at their ends, keep times as numbers and share the text of ids
// and roles, so that one of them takes less than 200 bytes with its places in
// the indexes. No node and no edge is ever taken out, so pointers stay good.

type user struct {
	accounts.User
	handle      string               // name key of the handle
	label       string               // name key of the label
	memberships ordered[*member]     // by name key and id of the account
	assignments ordered[*assignment] // by name key and id of the client, and id of the agency
	sessions    ordered[*session]    // by id
	identities  ordered[*accounts.Identity]
	challenges  ordered[*accounts.Challenge]
	tickets     ordered[*access.Ticket] // by purpose
	records     ordered[*record]        // as a client, of those that are there: by name key and id of the account, and id
	views       ordered[*view]          // as the viewer: by id
}

type account struct {
	accounts.Account
	key         string               // name key of the name
	members     ordered[*member]     // by id of the user
	labels      ordered[*member]     // by name key of the label, and id, of the user
	agencies    ordered[*connection] // as a client: by name key and id of the agency
	clients     ordered[*connection] // as an agency: by name key and id of the client
	assigned    ordered[*assignment] // as a client: by id of the user, and of the agency
	requests    ordered[*request]    // as an agency: by when it was made, and id
	pending     ordered[*request]    // as an agency: the stored pending ones, by id
	invitations ordered[*invitation] // by when it was made, and id
	offered     ordered[*invitation] // the stored pending ones, by id
	seated      int                  // members that take a seat
	book        *book                // nil if the account keeps neither clients nor sites
}

type member struct {
	account   *account
	user      *user
	role      roles.Role
	version   int64
	epoch     int64
	after     int64
	afterAt   int64
	suspended int64
	ended     int64
	tenure    int64
	reign     int64
	created   int64
	updated   int64
}

type connection struct {
	client      *account
	agency      *account
	limit       roles.Role
	request     accounts.RequestID
	approver    accounts.UserID
	version     int64
	epoch       int64
	agencyEpoch int64
	ended       int64
	created     int64
	updated     int64
}

type assignment struct {
	conn            *connection
	member          *member // in the agency
	role            roles.Role
	version         int64
	connectionEpoch int64
	memberEpoch     int64
	ended           int64
	created         int64
	updated         int64
}

// The orders of the indexes, by bytes.

func byAccount(a, b *member) int {
	return cmp.Or(cmp.Compare(a.account.key, b.account.key), cmp.Compare(a.account.ID, b.account.ID))
}

func byUser(a, b *member) int { return cmp.Compare(a.user.ID, b.user.ID) }

func byLabel(a, b *member) int {
	return cmp.Or(cmp.Compare(a.user.label, b.user.label), cmp.Compare(a.user.ID, b.user.ID))
}

func byAgency(a, b *connection) int {
	return cmp.Or(cmp.Compare(a.agency.key, b.agency.key), cmp.Compare(a.agency.ID, b.agency.ID))
}

func byClient(a, b *connection) int {
	return cmp.Or(cmp.Compare(a.client.key, b.client.key), cmp.Compare(a.client.ID, b.client.ID))
}

func byAssigned(a, b *assignment) int {
	return cmp.Or(cmp.Compare(a.member.user.ID, b.member.user.ID), cmp.Compare(a.conn.agency.ID, b.conn.agency.ID))
}

func byPlace(a, b *assignment) int {
	return cmp.Or(byClient(a.conn, b.conn), cmp.Compare(a.conn.agency.ID, b.conn.agency.ID))
}

func (m *member) state() accounts.MemberState {
	return accounts.MemberState{
		Role: m.role, Epoch: m.epoch, After: m.after, AfterAt: moment(m.afterAt),
		SuspendedAt: moment(m.suspended), EndedAt: moment(m.ended),
	}
}

func (m *member) row() accounts.Membership {
	return accounts.Membership{
		Account: m.account.ID, User: m.user.ID, MemberState: m.state(), Version: m.version,
		Tenure: m.tenure, Reign: m.reign,
		CreatedAt: moment(m.created), UpdatedAt: moment(m.updated),
	}
}

func (m *member) set(r accounts.Membership) {
	m.role, m.version, m.epoch, m.after = r.Role, r.Version, r.Epoch, r.After
	m.tenure, m.reign = r.Tenure, r.Reign
	m.afterAt, m.suspended, m.ended = micros(r.AfterAt), micros(r.SuspendedAt), micros(r.EndedAt)
	m.created, m.updated = micros(r.CreatedAt), micros(r.UpdatedAt)
}

// seats returns how many seats the membership takes. A suspended one keeps its
// seat.
func (m *member) seats() int {
	if m.ended != 0 || !m.user.DeletedAt.IsZero() {
		return 0
	}
	return 1
}

func (c *connection) key() accounts.ConnectionKey {
	return accounts.ConnectionKey{Client: c.client.ID, Agency: c.agency.ID}
}

func (c *connection) state() accounts.ConnectionState {
	return accounts.ConnectionState{
		Cap: c.limit, Epoch: c.epoch, AgencyEpoch: c.agencyEpoch, EndedAt: moment(c.ended),
	}
}

func (c *connection) row() accounts.Connection {
	return accounts.Connection{
		ConnectionKey: c.key(), ConnectionState: c.state(), Version: c.version, Request: c.request, Approver: c.approver,
		CreatedAt: moment(c.created), UpdatedAt: moment(c.updated),
	}
}

func (c *connection) set(r accounts.Connection) {
	c.limit, c.request, c.approver = r.Cap, r.Request, r.Approver
	c.version, c.epoch, c.agencyEpoch = r.Version, r.Epoch, r.AgencyEpoch
	c.ended, c.created, c.updated = micros(r.EndedAt), micros(r.CreatedAt), micros(r.UpdatedAt)
}

// counts reports whether the connection lets anybody in.
func (c *connection) counts() bool { return c.state().Counts(c.agency.AccountState) }

func (a *assignment) state() accounts.AssignmentState {
	return accounts.AssignmentState{
		Role: a.role, ConnectionEpoch: a.connectionEpoch, MemberEpoch: a.memberEpoch, EndedAt: moment(a.ended),
	}
}

func (a *assignment) row() accounts.Assignment {
	return accounts.Assignment{
		ConnectionKey: a.conn.key(), User: a.member.user.ID, AssignmentState: a.state(), Version: a.version,
		CreatedAt: moment(a.created), UpdatedAt: moment(a.updated),
	}
}

func (a *assignment) set(r accounts.Assignment) {
	a.role, a.version, a.connectionEpoch, a.memberEpoch = r.Role, r.Version, r.ConnectionEpoch, r.MemberEpoch
	a.ended, a.created, a.updated = micros(r.EndedAt), micros(r.CreatedAt), micros(r.UpdatedAt)
}

// route returns the way into the client account that the assignment is.
func (a *assignment) route() accounts.Route {
	return accounts.Route{
		Agency: a.conn.agency.AccountState, Connection: a.conn.state(), Member: a.member.state(), Assignment: a.state(),
	}
}
