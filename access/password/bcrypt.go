package password

import (
	"errors"

	"golang.org/x/crypto/bcrypt"
)

// Verifier checks a password against hashes that another system made. It must be safe for use by several goroutines.
//
// Most hosts need none but [Bcrypt].
type Verifier interface {
	// Handles reports whether stored has the form that this verifier checks. It is asked of every stored hash that is not
	// argon2id of our form, of up to 1,024 bytes.
	Handles(stored string) bool

	// Verify reports whether password, as it was typed, is the one that stored was made of. An error says that stored
	// cannot be used, and why; it must hold neither of the two. The work must be bounded, whatever stored asks for.
	Verify(stored, password string) (bool, error)
}

const (
	bcryptLength  = 60
	minBcryptCost = 4
	maxBcryptCost = 15 // 2 to 3 seconds
)

// Bcrypt returns the verifier of bcrypt hashes: $2a$, $2b$ and $2y$, with a cost of 4 to 15.
//
// They are compared with the bytes as typed, without normalising. bcrypt never saw more than the first 72 bytes, and
// here too what follows them makes no difference, or nobody with a long password could log in any more. The hash that
// replaces it covers all.
func Bcrypt() Verifier { return bcryptVerifier{} }

type bcryptVerifier struct{}

// Handles reports whether stored begins as a bcrypt hash does. $2$ and $2x$ are others, and have known flaws.
func (bcryptVerifier) Handles(stored string) bool {
	if len(stored) < 4 {
		return false
	}
	switch stored[:4] {
	case "$2a$", "$2b$", "$2y$":
		return true
	}
	return false
}

// Verify compares password with stored.
func (bcryptVerifier) Verify(stored, password string) (bool, error) {
	if len(stored) != bcryptLength || stored[6] != '$' {
		return false, errors.New("the bcrypt hash is malformed")
	}
	tens, ones := stored[4]-'0', stored[5]-'0'
	if tens > 9 || ones > 9 {
		return false, errors.New("the bcrypt hash is malformed")
	}
	if n := 10*int(tens) + int(ones); n < minBcryptCost || n > maxBcryptCost {
		return false, errors.New("the bcrypt cost is outside 4 to 15")
	}
	for i := 7; i < bcryptLength; i++ {
		c := stored[i]
		if (c < 'A' || c > 'Z') && (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '.' && c != '/' {
			return false, errors.New("the bcrypt hash is malformed")
		}
	}
	err := bcrypt.CompareHashAndPassword([]byte(stored), []byte(password))
	switch {
	case err == nil:
		return true, nil
	case errors.Is(err, bcrypt.ErrMismatchedHashAndPassword):
		return false, nil
	}
	return false, errors.New("the bcrypt hash is malformed")
}
