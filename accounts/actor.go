package accounts

import (
	"cmp"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// Actor says who acts. It is the first argument after the context of every
// method that acts. Request input never makes one: a signed-in user's comes
// from access.Principal.Actor, a job's from [System], and that of the host's
// support staff from [Operator]. Its fields are closed, so that no decoder can
// fill them. The zero Actor may do nothing.
type Actor struct {
	user      UserID
	epoch     int64
	proof     Proof
	session   SessionID
	authAt    time.Time
	account   AccountID
	ownOnly   bool
	client    ClientID // whom the user views as; then user is "" and viewer is who it is
	viewer    UserID
	system    string
	operator  string
	reason    string
	requestID string
}

// Admission is what a session proves about a user. Package access fills it;
// most hosts won't need it.
type Admission struct {
	User    UserID
	Epoch   int64 // the user's epoch that the session rests on
	Proof   Proof
	Session SessionID
	AuthAt  time.Time // when the user last proved who they are
	Account AccountID // the account the principal was asked for; "" is none yet
	OwnOnly bool      // too old for work in somebody else's account
}

// Admitted returns the actor of a session. Most hosts won't need this: take
// access.Principal.Actor.
func Admitted(a Admission) Actor {
	return Actor{user: a.User, epoch: a.Epoch, proof: a.Proof, session: a.Session, authAt: a.AuthAt, account: a.Account, ownOnly: a.OwnOnly}
}

// Viewing returns the actor of a session that views as a client. It may do
// nothing of this library, and both people are in every event. Most hosts won't
// need this: take access.Viewed.Actor.
func Viewing(viewer UserID, session SessionID, account AccountID, client ClientID) Actor {
	return Actor{viewer: viewer, session: session, account: account, client: client}
}

// System returns the actor of a job of the host, such as keeping users in
// step. The name goes into the audit; it is cut after 64 characters.
func System(name string) Actor {
	if name = Clip(name, 64); name == "" {
		name = "system"
	}
	return Actor{system: name, proof: AnyLogin()}
}

// Operator returns the actor of the host's own staff, who help with a reason.
// Both go into the audit; without either the actor may do nothing. The reason
// is cut after 200 characters and should name no person.
func Operator(staff, reason string) Actor {
	staff, reason = Clip(staff, 64), Clip(reason, 200)
	if staff == "" || reason == "" {
		return Actor{}
	}
	return Actor{operator: staff, reason: reason, proof: AnyLogin()}
}

// WithRequestID returns the actor with the host's id of the HTTP request,
// which goes into every event. It is cut after 64 characters.
func (a Actor) WithRequestID(id string) Actor {
	a.requestID = Clip(id, 64)
	return a
}

// User returns the acting user, or "" for a job, an operator, and somebody who
// views as a client.
func (a Actor) User() UserID { return a.user }

// Account returns the account that the actor was admitted to, or "".
func (a Actor) Account() AccountID { return a.account }

// Session returns the session that the user acts with, or "" for one of the
// host's own.
func (a Actor) Session() SessionID { return a.session }

// IsSystem reports whether the actor is a job of the host.
func (a Actor) IsSystem() bool { return a.system != "" }

// IsOperator reports whether the actor is the host's staff.
func (a Actor) IsOperator() bool { return a.operator != "" }

// IsHost reports whether the host acts itself: a job of it, or its staff.
func (a Actor) IsHost() bool { return a.IsSystem() || a.IsOperator() }

// Known reports whether anybody acts at all.
func (a Actor) Known() bool {
	return a.user != "" || a.viewer != "" || a.system != "" || a.operator != ""
}

// By returns the actor as events record it.
func (a Actor) By() By {
	return By{User: cmp.Or(a.user, a.viewer), Session: a.session, Client: a.client, System: a.system, Operator: a.operator, Reason: a.reason, RequestID: a.requestID}
}

// Fresh reports whether the user proved who they are less than ttl before at.
// A proof from the future is none: a clock went wrong.
func (a Actor) Fresh(at time.Time, ttl time.Duration) bool {
	return !a.authAt.IsZero() && !a.authAt.After(at) && at.Sub(a.authAt) < ttl
}

// Proof returns the login that the actor's claims rest on.
func (a Actor) Proof() Proof { return a.proof }

// Epoch returns the user's epoch that the actor rests on.
func (a Actor) Epoch() int64 { return a.epoch }

// key names the actor for idempotency keys.
func (a Actor) key() string {
	switch {
	case a.user != "":
		return "user/" + string(a.user)
	case a.viewer != "":
		return "viewer/" + string(a.viewer)
	case a.system != "":
		return "system/" + a.system
	}
	return "operator/" + a.operator
}

// Clip makes one printable line of at most n characters. What could break the
// line, or turn it around, is left out.
func Clip(s string, n int) string {
	s = strings.TrimSpace(strings.Map(func(r rune) rune {
		if r == utf8.RuneError || !unicode.IsPrint(r) {
			return -1
		}
		return r
	}, s))
	for i := range s {
		if n--; n < 0 {
			return strings.TrimSpace(s[:i])
		}
	}
	return s
}

// How people log in, as [Login.Method] and sessions name it.
const (
	MethodPassword = "password" // a password that this library keeps
	MethodIdentity = "identity" // an issuer that the host trusts
)

// Login says that somebody proved who they are, by whatever means the host or
// this library offers. It names the user, or the identity that an issuer
// vouched for. access.Sessions.Start takes it.
type Login struct {
	User     UserID
	Identity IdentityKey // instead of User
	Method   string      // in the host's words, such as "oidc"; at most 32 characters

	// At is when it took place; zero is now. Calls that return a login fill it
	// in; hosts with sessions of their own keep it there. A session is as fresh
	// as the login that opened it.
	At time.Time

	// Epoch is the user's at that moment, in logins that calls of this library
	// return: a login that was overtaken by a suspension or a new password opens
	// nothing. 0 is not compared.
	Epoch int64

	// ByLink tells that a mailed link brought them in. Such a login is not
	// fresh: what wants a fresh one asks for the user's own method first.
	ByLink bool
}
