package storagetest

import (
	"fmt"
	"time"

	"github.com/chatelaine-go/chatelaine/access"
	"github.com/chatelaine-go/chatelaine/access/token"
	"github.com/chatelaine-go/chatelaine/accounts"
	"github.com/chatelaine-go/chatelaine/invites"
	"github.com/chatelaine-go/chatelaine/roles"
)

// identity returns a login that an issuer vouches for.
func identity(subject, user string) accounts.Identity {
	return accounts.Identity{Issuer: issuer, Subject: subject, User: accounts.UserID(user), CreatedAt: start}
}

const issuer = "https://issuer.example"

// credential returns a password, as a hash of the form that is stored.
func credential(user string) accounts.Credential {
	return accounts.Credential{
		User: accounts.UserID(user), Hash: "$argon2id$v=19$m=19456,t=2,p=1$c2FsdA$" + user,
		CreatedAt: start, UpdatedAt: start,
	}
}

// challenge returns a code that was sent to a user's phone for one action at
// an account, and that nobody has answered.
func challenge(user, account string) accounts.Challenge {
	return accounts.Challenge{
		ChallengeKey: challengeKey(user, account), Hash: hash("code of " + user + " at " + account), To: "+34600000001",
		CreatedAt: start, ExpiresAt: minutes(10),
	}
}

func challengeKey(user, account string) accounts.ChallengeKey {
	return accounts.ChallengeKey{
		User: accounts.UserID(user), Session: accounts.SessionID("session-of-" + user),
		Action: accounts.EventOwnershipTransferred, Account: accounts.AccountID(account),
	}
}

// ticket returns a link that was mailed to a user's own address, good for
// half an hour.
func ticket(user string, p token.Purpose) access.Ticket {
	return access.Ticket{
		TicketKey: ticketKey(user, p), Hash: hash(fmt.Sprintf("ticket %s of %s", p, user)),
		Email: address(user), Address: user + "@Example.com", CreatedAt: start, ExpiresAt: minutes(30),
	}
}

func ticketKey(user string, p token.Purpose) access.TicketKey {
	return access.TicketKey{User: accounts.UserID(user), Purpose: p}
}

// guesses returns the count of two wrong passwords for an address.
func guesses(email accounts.Email) access.Guesses {
	return access.Guesses{Email: email, Count: 2, LastAt: start}
}

// invitation returns a pending one that counts for seven days while its
// inviter is as [user] and [manages] make them.
func invitation(account, id string, to accounts.Email, inviter string) invites.Invitation {
	return invites.Invitation{
		Account: accounts.AccountID(account), ID: accounts.InvitationID(id), Email: to, Address: string(to), Role: roles.Author,
		Inviter: accounts.UserID(inviter), Tenure: 4, Reign: 1, Suspensions: 0,
		Hash: hash("invitation " + account + "/" + id), State: invites.Pending,
		SentAt: start, ExpiresAt: start.Add(7 * 24 * time.Hour), CreatedAt: start, UpdatedAt: start,
	}
}

// manages returns the membership of somebody who invites, in their fourth
// tenure.
func manages(account, user string) accounts.Membership {
	m := member(account, user, roles.Admin)
	m.Tenure, m.Reign = 4, 1
	return m
}
