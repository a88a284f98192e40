package accounts

import "time"

// Credential is a user's password, as its hash. There is at most one for each
// user; an empty hash is none.
type Credential struct {
	User    UserID
	Version int64

	// Hash is the stored form: a PHC string of argon2id, or what a host
	// imported and its verifier understands. At most 512 printable ASCII
	// characters. This package never looks into it.
	Hash string

	CreatedAt time.Time
	UpdatedAt time.Time // when the user's password was last set here; zero: only imports have
}

// MaxHash is the greatest length of a stored password hash in bytes.
const MaxHash = 512

// Means is how a user can log in.
type Means struct {
	User       User
	Credential Credential // of which only the user is filled when there is none
	Identities []Identity // by issuer and subject
}

// HasLogin reports whether the user has a way to log in already: a password,
// a login at an issuer, or one that the host keeps. An invitation never sets one
// for somebody who has.
func (m Means) HasLogin() bool {
	return m.User.Kept || m.Credential.Hash != "" || len(m.Identities) > 0
}
