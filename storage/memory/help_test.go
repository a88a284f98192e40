package memory_test

import (
	"crypto/sha256"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/chatelaine-go/chatelaine/access"
	"github.com/chatelaine-go/chatelaine/access/token"
	"github.com/chatelaine-go/chatelaine/accounts"
	"github.com/chatelaine-go/chatelaine/invites"
	"github.com/chatelaine-go/chatelaine/mail"
	"github.com/chatelaine-go/chatelaine/roles"
	"github.com/chatelaine-go/chatelaine/storage"
)

// start is the moment at which everything begins.
var start = time.Date(2026, 3, 1, 9, 0, 0, 123456000, time.UTC)

func hash(secret string) token.Hash { return sha256.Sum256([]byte(secret)) }

// change puts rows together to one change, with an event if none is given.
func change(op string, rows ...any) access.Change {
	c := access.Change{Change: accounts.Change{Op: accounts.OpID(op)}}
	for _, row := range rows {
		switch r := row.(type) {
		case accounts.Guard:
			c.Guards = append(c.Guards, r)
		case accounts.User:
			c.Users = append(c.Users, r)
		case accounts.Identity:
			c.Identities = append(c.Identities, r)
		case accounts.IdentityKey:
			c.Unlink = append(c.Unlink, r)
		case accounts.Credential:
			c.Credentials = append(c.Credentials, r)
		case accounts.Challenge:
			c.Challenges = append(c.Challenges, r)
		case accounts.Forget:
			c.Forget = append(c.Forget, r)
		case accounts.Account:
			c.Accounts = append(c.Accounts, r)
		case accounts.Membership:
			c.Memberships = append(c.Memberships, r)
		case accounts.Connection:
			c.Connections = append(c.Connections, r)
		case accounts.Assignment:
			c.Assignments = append(c.Assignments, r)
		case accounts.Client:
			c.Clients = append(c.Clients, r)
		case accounts.Site:
			c.Sites = append(c.Sites, r)
		case accounts.SiteAccess:
			c.SiteAccess = append(c.SiteAccess, r)
		case accounts.Spend:
			c.Spend = append(c.Spend, r)
		case accounts.Reply:
			c.Replies = append(c.Replies, r)
		case accounts.Event:
			c.Events = append(c.Events, r)
		case mail.Reason:
			c.CancelMail = append(c.CancelMail, r)
		case mail.Message:
			c.Mail = append(c.Mail, r)
		case access.Request:
			c.Requests = append(c.Requests, r)
		case access.Session:
			c.Sessions = append(c.Sessions, r)
		case access.ViewAs:
			c.Views = append(c.Views, r)
		case access.Ticket:
			c.Tickets = append(c.Tickets, r)
		case access.Guesses:
			c.Guesses = append(c.Guesses, r)
		case access.Touch:
			c.Touches = append(c.Touches, r)
		default:
			panic(fmt.Sprintf("%T is no part of a change", row))
		}
	}
	if len(c.Events) == 0 {
		c.Events = []accounts.Event{{Op: c.Op, Seq: 1, At: start, Kind: accounts.EventUserUpdated}}
	}
	return c
}

func put(tb testing.TB, st storage.Storage, op string, rows ...any) {
	tb.Helper()
	require.NoError(tb, st.ApplyAccess(tb.Context(), change(op, rows...)))
}

// offer is change for invitations, and for rows of package accounts beside
// them.
func offer(op string, list []invites.Invitation, rows ...any) invites.Change {
	return invites.Change{Change: change(op, rows...).Change, Invitations: list}
}

func invite(tb testing.TB, st storage.Storage, op string, list ...invites.Invitation) {
	tb.Helper()
	require.NoError(tb, st.ApplyInvites(tb.Context(), offer(op, list)))
}

// setUp applies setup links.
func setUp(tb testing.TB, st storage.Storage, op string, links ...invites.SetupLink) {
	tb.Helper()
	c := offer(op, nil)
	c.SetupLinks = links
	require.NoError(tb, st.ApplyInvites(tb.Context(), c))
}

func user(id string) accounts.User {
	return accounts.User{
		UserState: accounts.UserState{ID: accounts.UserID(id), Name: "Name of " + id},
		Email:     accounts.Email(id + "@example.com"), Address: id + "@example.com", CreatedAt: start, UpdatedAt: start,
	}
}

func account(id, name string) accounts.Account {
	return accounts.Account{
		AccountState: accounts.AccountState{ID: accounts.AccountID(id), Name: name},
		Kind:         accounts.KindStandard, CreatedAt: start, UpdatedAt: start,
	}
}

func agency(id string) accounts.Account {
	a := account(id, "Agency "+id)
	a.Kind, a.ProgrammeAt, a.ClientAccessAt = accounts.KindAgency, start, start
	return a
}

func member(account, user string, role roles.Role) accounts.Membership {
	return accounts.Membership{
		Account: accounts.AccountID(account), User: accounts.UserID(user),
		MemberState: accounts.MemberState{Role: role, Epoch: 1}, CreatedAt: start, UpdatedAt: start,
	}
}

func pair(client, agency string) accounts.ConnectionKey {
	return accounts.ConnectionKey{Client: accounts.AccountID(client), Agency: accounts.AccountID(agency)}
}

func connection(client, agency string) accounts.Connection {
	return accounts.Connection{
		ConnectionKey: pair(client, agency), ConnectionState: accounts.ConnectionState{Cap: roles.Admin, Epoch: 1},
		CreatedAt: start, UpdatedAt: start,
	}
}

func assignment(client, agency, user string) accounts.Assignment {
	return accounts.Assignment{
		ConnectionKey: pair(client, agency), User: accounts.UserID(user),
		AssignmentState: accounts.AssignmentState{Role: roles.Manager, ConnectionEpoch: 1, MemberEpoch: 1},
		CreatedAt:       start, UpdatedAt: start,
	}
}

func request(agency, id, email string) access.Request {
	return access.Request{
		ID: accounts.RequestID(id), Agency: accounts.AccountID(agency), Email: accounts.Email(email), Address: email,
		Hash: hash("request " + agency + id), State: access.Pending, SentAt: start, ExpiresAt: start.Add(7 * 24 * time.Hour),
		CreatedAt: start, UpdatedAt: start,
	}
}

func session(id, user string) access.Session {
	return access.Session{
		SessionState: access.SessionState{
			ID: accounts.SessionID(id), User: accounts.UserID(user), Login: 1, CreatedAt: start, AuthAt: start, SeenAt: start,
		},
		Hash: hash("session " + id),
	}
}

func credential(user, hash string) accounts.Credential {
	return accounts.Credential{User: accounts.UserID(user), Hash: hash, CreatedAt: start, UpdatedAt: start}
}

func challenge(user, session, action string) accounts.Challenge {
	return accounts.Challenge{
		ChallengeKey: accounts.ChallengeKey{
			User: accounts.UserID(user), Session: accounts.SessionID(session), Action: accounts.EventKind(action),
		},
		Hash: hash("code"), CreatedAt: start, ExpiresAt: start.Add(10 * time.Minute),
	}
}

func ticket(user string, purpose token.Purpose, secret string) access.Ticket {
	return access.Ticket{
		TicketKey: access.TicketKey{User: accounts.UserID(user), Purpose: purpose}, Hash: hash(secret),
		CreatedAt: start, ExpiresAt: start.Add(30 * time.Minute),
	}
}

// invitation returns one that the user "u" made, at an account in which nothing
// was taken from them yet.
func invitation(account, id, email string) invites.Invitation {
	return invites.Invitation{
		Account: accounts.AccountID(account), ID: accounts.InvitationID(id), Email: accounts.Email(email), Address: email,
		Role: roles.Viewer, Message: "Join us", Inviter: "u", Hash: hash("invitation " + account + id), State: invites.Pending,
		SentAt: start, ExpiresAt: start.Add(7 * 24 * time.Hour), CreatedAt: start, UpdatedAt: start,
	}
}

// record returns a client record that nobody logs in as.
func record(account, id string) accounts.Client {
	return accounts.Client{
		ClientState: accounts.ClientState{ClientKey: clientKey(account, id), Epoch: 1},
		FirstName:   "Client", LastName: id, Email: accounts.Email(id + "@client.example"), Address: id + "@client.example",
		CreatedAt: start, UpdatedAt: start,
	}
}

// joined returns a record as which the user logs in.
func joined(r accounts.Client, user string) accounts.Client {
	r.User, r.ActiveAt = accounts.UserID(user), start
	return r
}

func clientKey(account, id string) accounts.ClientKey {
	return accounts.ClientKey{Account: accounts.AccountID(account), ID: accounts.ClientID(id)}
}

func site(account, id string) accounts.Site {
	return accounts.Site{
		SiteKey: accounts.SiteKey{Account: accounts.AccountID(account), ID: accounts.SiteID(id)},
		Name:    "Site " + id, CreatedAt: start, UpdatedAt: start,
	}
}

func siteAccess(account, client, site string, permissions ...roles.Permission) accounts.SiteAccess {
	return accounts.SiteAccess{
		SiteAccessKey: accounts.SiteAccessKey{
			Account: accounts.AccountID(account), Client: accounts.ClientID(client), Site: accounts.SiteID(site),
		},
		Permissions: permissions, CreatedAt: start, UpdatedAt: start,
	}
}

func setupLink(account, client, secret string) invites.SetupLink {
	return invites.SetupLink{
		ClientKey: clientKey(account, client), Hash: hash(secret), Epoch: 1, Maker: "u", Mailed: true,
		CreatedAt: start, ExpiresAt: start.Add(30 * 24 * time.Hour),
	}
}

func viewAs(id, account, client, viewer string) access.ViewAs {
	return access.ViewAs{
		ViewAsState: access.ViewAsState{
			ID: accounts.ViewID(id), ClientKey: clientKey(account, client), ClientEpoch: 1, Viewer: accounts.UserID(viewer),
			Session: "s", CreatedAt: start, LinkUntil: start.Add(time.Minute), ExpiresAt: start.Add(30 * time.Minute),
		},
		Link: hash("link " + id), Hash: hash("view " + id), UserAgent: "Browser", Source: "192.0.2.1",
	}
}

func letter(id string, reason mail.Reason) mail.Message {
	return mail.Message{
		ID: id, Channel: mail.Email, Kind: "notice", To: id + "@example.com", Subject: "Subject", Text: "Text\n", Reason: reason,
		Due: start, CreatedAt: start,
	}
}

func spend(subject string, n, limit int) accounts.Spend {
	return accounts.Spend{
		QuotaKey: accounts.QuotaKey{Kind: accounts.QuotaRequests, Subject: subject}, N: n, Limit: limit,
	}
}

func event(op string, seq int, account string, at time.Time) accounts.Event {
	return accounts.Event{
		Op: accounts.OpID(op), Seq: seq, At: at, Kind: accounts.EventMemberAdded, Account: accounts.AccountID(account),
	}
}
