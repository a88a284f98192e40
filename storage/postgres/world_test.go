package postgres_test

import (
	"context"
	"crypto/sha256"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/chatelaine-go/chatelaine/access"
	"github.com/chatelaine-go/chatelaine/accounts"
	"github.com/chatelaine-go/chatelaine/mail"
	"github.com/chatelaine-go/chatelaine/roles"
	"github.com/chatelaine-go/chatelaine/storage"
)

// dawn is when everything of a small world begins.
var dawn = time.Date(2026, time.March, 1, 9, 0, 0, 123456000, time.UTC)

// later is a moment some hours after it.
func later(hours int) time.Time { return dawn.Add(time.Duration(hours) * time.Hour) }

func someUser(id string) accounts.User {
	return accounts.User{
		UserState: accounts.UserState{ID: accounts.UserID(id), Name: "Name of " + id},
		Email:     accounts.Email(id + "@example.com"), Address: id + "@example.com", CreatedAt: dawn, UpdatedAt: dawn,
	}
}

func someAccount(id string) accounts.Account {
	return accounts.Account{
		AccountState: accounts.AccountState{ID: accounts.AccountID(id), Name: "Name of " + id},
		Kind:         accounts.KindAgency, CreatedAt: dawn, UpdatedAt: dawn,
	}
}

func someMember(account, user string) accounts.Membership {
	return accounts.Membership{
		Account: accounts.AccountID(account), User: accounts.UserID(user),
		MemberState: accounts.MemberState{Role: roles.Owner, Epoch: 1}, CreatedAt: dawn, UpdatedAt: dawn,
	}
}

func someClient(id string) accounts.Client {
	return accounts.Client{
		ClientState: accounts.ClientState{ClientKey: accounts.ClientKey{Account: "a", ID: accounts.ClientID(id)}, Epoch: 1},
		FirstName:   "First", LastName: "Of " + id, Email: accounts.Email(id + "@example.com"), Address: id + "@example.com",
		CreatedAt: dawn, UpdatedAt: dawn,
	}
}

func someSite(id string) accounts.Site {
	return accounts.Site{
		SiteKey: accounts.SiteKey{Account: "a", ID: accounts.SiteID(id)}, Name: "Site " + id, Domain: id + ".example",
		CreatedAt: dawn, UpdatedAt: dawn,
	}
}

func someAccess(client, site string) accounts.SiteAccess {
	return accounts.SiteAccess{
		SiteAccessKey: accounts.SiteAccessKey{Account: "a", Client: accounts.ClientID(client), Site: accounts.SiteID(site)},
		CreatedAt:     dawn, UpdatedAt: dawn,
	}
}

func someMail(id string, reason mail.Reason) mail.Message {
	return mail.Message{
		ID: id, Channel: mail.Email, Kind: "access-requested", Account: "a", To: id + "@example.com", Locale: "en",
		Subject: "Subject", Text: "Body\n", Reason: reason, Priority: mail.Notice, Due: dawn, CreatedAt: dawn,
	}
}

// of puts rows together to a change with an operation and an event of its own.
func of(rows ...any) access.Change { return at(dawn, rows...) }

func at(moment time.Time, rows ...any) access.Change {
	var c access.Change
	c.Op = accounts.OpID(uuid.NewString())
	c.Events = []accounts.Event{{Op: c.Op, Seq: 1, At: moment, Kind: accounts.EventMemberAdded, Account: "a"}}
	for _, row := range rows {
		switch r := row.(type) {
		case accounts.Guard:
			c.Guards = append(c.Guards, r)
		case accounts.User:
			c.Users = append(c.Users, r)
		case accounts.Account:
			c.Accounts = append(c.Accounts, r)
		case accounts.Membership:
			c.Memberships = append(c.Memberships, r)
		case accounts.Client:
			c.Clients = append(c.Clients, r)
		case accounts.Site:
			c.Sites = append(c.Sites, r)
		case accounts.SiteAccess:
			c.SiteAccess = append(c.SiteAccess, r)
		case accounts.Challenge:
			c.Challenges = append(c.Challenges, r)
		case accounts.Spend:
			c.Spend = append(c.Spend, r)
		case accounts.Reply:
			c.Replies = append(c.Replies, r)
		case access.Ticket:
			c.Tickets = append(c.Tickets, r)
		case access.Guesses:
			c.Guesses = append(c.Guesses, r)
		case access.ViewAs:
			c.Views = append(c.Views, r)
		case mail.Message:
			c.Mail = append(c.Mail, r)
		case mail.Reason:
			c.CancelMail = append(c.CancelMail, r)
		default:
			panic("no such row")
		}
	}
	return c
}

// put applies rows that must be accepted.
func put(t testing.TB, st storage.Storage, rows ...any) {
	t.Helper()
	require.NoError(t, st.ApplyAccess(t.Context(), of(rows...)))
}

func secret(text string) [32]byte { return sha256.Sum256([]byte(text)) }

// writer is something that a store does.
type writer func(ctx context.Context, st storage.Storage) error

func applies(c access.Change) writer {
	return func(ctx context.Context, st storage.Storage) error { return st.ApplyAccess(ctx, c) }
}

type clockAt struct{ at time.Time }

func (c clockAt) Now() time.Time { return c.at }
