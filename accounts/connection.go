package accounts

import (
	"time"

	"github.com/chatelaine-go/chatelaine/roles"
)

// ConnectionKey names the connection of one client account to one agency.
type ConnectionKey struct {
	Client AccountID
	Agency AccountID
}

// Connection lets an agency's users into a client account, up to a cap. There
// is one row for each pair, for ever; connecting again starts the next epoch.
type Connection struct {
	ConnectionKey
	ConnectionState
	Version   int64
	Request   RequestID // the approved request that made it
	Approver  UserID
	CreatedAt time.Time // when this epoch began
	UpdatedAt time.Time
}

// ConnectionState is the part of a connection that decides whether it counts.
type ConnectionState struct {
	Cap         roles.Role // the highest role that anybody of the agency can have
	Epoch       int64      // moves when the connection ends, and when it is made again
	AgencyEpoch int64      // the agency's epoch when it was made
	EndedAt     time.Time  // ended by either side; zero: not ended
}

// Counts reports whether the connection lets anybody in: it has not ended, and
// the agency acts as one and has never disabled client access since.
func (c ConnectionState) Counts(agency AccountState) bool {
	return c.Cap != "" && c.EndedAt.IsZero() && agency.ActsAsAgency() && c.AgencyEpoch == agency.Epoch
}

// Assignment puts one user of an agency on one connection. There is one row
// for each connection and user, for ever.
type Assignment struct {
	ConnectionKey
	User UserID
	AssignmentState
	Version   int64
	CreatedAt time.Time
	UpdatedAt time.Time
}

// AssignmentState is the part of an assignment that decides whether it counts.
type AssignmentState struct {
	Role            roles.Role
	ConnectionEpoch int64 // the connection's epoch when it was made
	MemberEpoch     int64 // the agency membership's epoch when it was made
	EndedAt         time.Time
}

// Linked is a connection with both of its accounts, as decisions about it
// need them.
type Linked struct {
	Connection   Connection // zero, but for its key, when there never was one
	Client       Account
	Agency       Account
	ClientOwners []Contact // active owners of the client, by user id
	AgencyOwners []Contact // active owners of the agency, by user id

	// With a user named: zero, but for the keys, when there is none.
	Member     Membership // in the agency, ended ones included
	Assignment Assignment // on the connection, ended ones included
}

// lasts reports whether the connection has not ended. While one of its
// accounts is paused it lets nobody in, and still it can be limited and ended:
// it would count again after the pause.
func (l Linked) lasts() bool {
	return l.Connection.Cap != "" && l.Connection.EndedAt.IsZero() && l.Connection.AgencyEpoch == l.Agency.Epoch &&
		l.Client.ClosedAt.IsZero() && l.Agency.ClosedAt.IsZero()
}

// Counts reports whether the connection lets anybody in at this moment.
func (l Linked) Counts() bool {
	return l.Client.Open() && l.Connection.Counts(l.Agency.AccountState)
}
