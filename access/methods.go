package access

import (
	"context"
	"strings"
	"time"

	"github.com/chatelaine-go/chatelaine/access/token"
	"github.com/chatelaine-go/chatelaine/accounts"
)

// Methods is how a user logs in, for a page of settings. It holds no secret.
type Methods struct {
	Password   bool // there is a password here
	Kept       bool // the host keeps the login
	Identities []accounts.Identity
	Confirms   bool   // identity confirmation is on
	Phone      string // where codes go, all but the last two digits hidden
}

// Methods returns how a user logs in, to the user, a job or an operator. To
// anybody else there is no such user (accounts.ErrNotFound). A login of the
// user's that was ended is accounts.ErrStepUp.
func (s *Logins) Methods(ctx context.Context, actor accounts.Actor, user accounts.UserID) (Methods, error) {
	if err := accounts.CheckID("user", user); err != nil {
		return Methods{}, err
	}
	op := s.env.Begin(actor)
	if err := accounts.RefuseViewing(ctx, s.env, s.st, actor, "logins.methods"); err != nil {
		return Methods{}, err
	}
	if !actor.IsHost() && actor.User() != user {
		return Methods{}, accounts.ErrNotFound
	}
	m, err := s.st.Means(ctx, accounts.UserKey{ID: user})
	if err != nil {
		return Methods{}, err
	}
	if err := op.SelfOrHost(m.User.UserState); err != nil {
		return Methods{}, err
	}
	return Methods{
		Password: m.Credential.Hash != "" && !m.User.Kept, Kept: m.User.Kept, Identities: m.Identities,
		Confirms: m.User.Confirms, Phone: masked(m.User.Phone),
	}, nil
}

// masked returns a phone number of which the last two digits are shown.
func masked(phone string) string {
	if len(phone) < 3 {
		return ""
	}
	return strings.Repeat("•", len(phone)-2) + phone[len(phone)-2:]
}

// LinkView is what the page of a link about a login shows before anything is
// posted.
type LinkView struct {
	Purpose   token.Purpose // token.Proof, token.Reset or token.Address
	Address   string        // where the link was sent, as it was typed
	ExpiresAt time.Time
}

// PeekLink returns what a link about a login leads to, and changes nothing,
// however often it is called: mail scanners open links. Unknown, expired, used,
// replaced and void are one answer, accounts.ErrNotFound.
func (s *Logins) PeekLink(ctx context.Context, link string) (LinkView, error) {
	for _, p := range []token.Purpose{token.Proof, token.Reset, token.Address} {
		hash, err := token.Parse(p, link)
		if err != nil {
			continue
		}
		t, err := s.st.Ticket(ctx, TicketQuery{Hash: hash})
		if err != nil {
			return LinkView{}, err
		}
		m, err := s.st.Means(ctx, accounts.UserKey{ID: t.User})
		if err != nil {
			return LinkView{}, err
		}
		if !t.Counts(s.env.Now(), m.User) || p == token.Reset && !resettable(m) {
			return LinkView{}, accounts.ErrNotFound
		}
		return LinkView{Purpose: p, Address: t.Address, ExpiresAt: t.ExpiresAt}, nil
	}
	return LinkView{}, accounts.ErrNotFound
}

// Block is how an address waits after wrong passwords.
type Block struct {
	Wrong int       // wrong passwords in a row that still count
	Last  time.Time // the last try; zero: none is kept
	Until time.Time // when the next try is let through; zero: at once
}

// Block returns how an address waits, whether or not anybody has it. The actor
// is a job or an operator (roles.ErrDenied); an operator ends it with
// [Logins.Lift]. What is no address is an accounts.InvalidError.
func (s *Logins) Block(ctx context.Context, actor accounts.Actor, email string) (Block, error) {
	address, err := accounts.ParseEmail(email)
	if err != nil {
		return Block{}, err
	}
	op := s.env.Begin(actor)
	if err := accounts.RefuseViewing(ctx, s.env, s.st, actor, "logins.block"); err != nil {
		return Block{}, err
	}
	if err := op.ByHost("logins.block"); err != nil {
		return Block{}, err
	}
	f, err := s.entering(ctx, op, address, Device{})
	if err != nil {
		return Block{}, err
	}
	l := op.Rules.Limits
	out := Block{Wrong: f.Guesses.counted(op.At, l), Last: f.Guesses.LastAt}
	if wait := f.Guesses.wait(op.At, l); wait > 0 {
		out.Until = op.At.Add(wait)
	}
	return out, nil
}
