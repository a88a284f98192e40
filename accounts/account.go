package accounts

import "time"

// Kind says what sort of business an account is. A host's policy may give
// kinds different rights, such as owning several accounts. It decides nothing
// about the agency programme, which an account of any kind can join.
type Kind string

// The kinds of account.
const (
	KindStandard  Kind = "standard"
	KindAgency    Kind = "agency"
	KindFranchise Kind = "franchise"
)

func (k Kind) valid() bool { return k == KindStandard || k == KindAgency || k == KindFranchise }

// Account is a business. It owns its data and billing, which stay separate
// from every other account's.
type Account struct {
	AccountState
	Kind   Kind
	Plan   string // the host's name of the plan, or ""
	Locale string // a BCP 47 language tag, or "" for English

	CreatedAt time.Time
	UpdatedAt time.Time
}

// AccountState is the part of an account that decides what may be done there.
type AccountState struct {
	ID   AccountID
	Name string

	// Version moves with every change of the account, and of its members,
	// roles and owners. A decision that rests on any of these guards it.
	Version int64

	// Epoch moves when client access is disabled, and when the account is closed.
	// Connections and requests remember their agency's, so one number ends them
	// all, and enabling client access again brings nothing back.
	Epoch int64

	ProgrammeAt    time.Time // joined the agency programme; zero: not joined
	ClientAccessAt time.Time // client access enabled; zero: not enabled
	SuspendedAt    time.Time // suspended by an operator: a pause that ages nothing
	ClosedAt       time.Time // closed for good
}

// Open reports whether the account is neither suspended nor closed.
func (a AccountState) Open() bool { return a.SuspendedAt.IsZero() && a.ClosedAt.IsZero() }

// ActsAsAgency reports whether the account is open, has joined the agency
// programme and has client access enabled. Both gates are hard: without them
// no request can be made and no connection counts.
func (a AccountState) ActsAsAgency() bool {
	return a.Open() && !a.ProgrammeAt.IsZero() && !a.ClientAccessAt.IsZero()
}
