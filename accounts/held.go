package accounts

// Forget names a person whose traces a store erases, as part of a change: by
// user, by address, or by both. See [Change].
type Forget struct {
	User  UserID
	Email Email
}

// HeldKind names what sort of row is kept about a person.
type HeldKind string

// What can be kept about a person. Each comes with rows of one type.
const (
	HeldUser       HeldKind = "user"       // User
	HeldIdentity   HeldKind = "identity"   // Identity
	HeldMembership HeldKind = "membership" // Membership, ended ones included
	HeldAssignment HeldKind = "assignment" // Assignment, ended ones included
	HeldSession    HeldKind = "session"    // access.Session, without the hash of its secret
	HeldRequest    HeldKind = "request"    // access.Request to the address or by the user, without its link's hash
	HeldInvitation HeldKind = "invitation" // invites.Invitation to the address or by the user, without its link's hash
	HeldMail       HeldKind = "mail"       // mail.Record to the address, or for the user
	HeldEvent      HeldKind = "event"      // Event by or about the user
	HeldCredential HeldKind = "credential" // Credential, without the hash
	HeldChallenge  HeldKind = "challenge"  // Challenge, without the hash
	HeldClient     HeldKind = "client"     // Client, of the user or with the address
	HeldView       HeldKind = "view"       // access.ViewAs by the user, without the hashes of its secrets
)

// HeldKinds returns every kind, in the order in which an export tells them.
func HeldKinds() []HeldKind {
	return []HeldKind{
		HeldUser, HeldIdentity, HeldCredential, HeldChallenge, HeldMembership, HeldAssignment, HeldSession,
		HeldView, HeldRequest, HeldInvitation, HeldClient, HeldMail, HeldEvent,
	}
}

// HeldQuery asks for a page of what is kept of one kind about a user, an
// address, or both.
type HeldQuery struct {
	Kind  HeldKind
	User  UserID
	Email Email
	After string // Held.Key of the last one seen; "": from the first
	Limit int
}

// Held is one row that is kept about a person.
type Held struct {
	Key string // its place in the list of its kind
	Row any    // a value of the type that the kind names
}
