package storagetest

import (
	"crypto/sha256"
	"time"

	"github.com/chatelaine-go/chatelaine/access"
	"github.com/chatelaine-go/chatelaine/access/token"
	"github.com/chatelaine-go/chatelaine/accounts"
	"github.com/chatelaine-go/chatelaine/mail"
	"github.com/chatelaine-go/chatelaine/roles"
)

// start is the moment at which everything begins. It has all six digits below
// the second, so that a store that keeps fewer is seen.
//
//nolint:gochecknoglobals // a constant in all but name
var start = time.Date(2026, time.March, 1, 9, 0, 0, 123456000, time.UTC)

// minutes returns a moment after the start.
func minutes(n int) time.Time { return start.Add(time.Duration(n) * time.Minute) }

// user returns an active user with an address of their own.
func user(id string) accounts.User {
	return accounts.User{
		UserState: accounts.UserState{ID: accounts.UserID(id), Name: "Name of " + id},
		Email:     address(id), Address: id + "@Example.com",
		CreatedAt: start, UpdatedAt: start,
	}
}

// address returns the address of the user with that id.
func address(id string) accounts.Email { return accounts.Email(id + "@example.com") }

// account returns an open account.
func account(id string) accounts.Account {
	return accounts.Account{
		AccountState: accounts.AccountState{ID: accounts.AccountID(id), Name: "Name of " + id},
		Kind:         accounts.KindStandard, CreatedAt: start, UpdatedAt: start,
	}
}

// agency returns an account that acts as an agency, in its third epoch.
func agency(id string) accounts.Account {
	a := account(id)
	a.Kind, a.Epoch = accounts.KindAgency, 3
	a.ProgrammeAt, a.ClientAccessAt = minutes(1), minutes(2)
	return a
}

// member returns an active membership in its second epoch.
func member(account, user string, role roles.Role) accounts.Membership {
	return accounts.Membership{
		Account: accounts.AccountID(account), User: accounts.UserID(user),
		MemberState: accounts.MemberState{Role: role, Epoch: 2},
		CreatedAt:   start, UpdatedAt: start,
	}
}

// connection returns a connection, in its fifth epoch, that counts while its
// agency is as [agency] makes it.
func connection(client, agency string, limit roles.Role) accounts.Connection {
	return accounts.Connection{
		ConnectionKey:   pair(client, agency),
		ConnectionState: accounts.ConnectionState{Cap: limit, Epoch: 5, AgencyEpoch: 3},
		CreatedAt:       start, UpdatedAt: start,
	}
}

func pair(client, agency string) accounts.ConnectionKey {
	return accounts.ConnectionKey{Client: accounts.AccountID(client), Agency: accounts.AccountID(agency)}
}

// assignment returns one that counts while connection and membership are as
// [connection] and [member] make them.
func assignment(client, agency, user string, role roles.Role) accounts.Assignment {
	return accounts.Assignment{
		ConnectionKey: pair(client, agency), User: accounts.UserID(user),
		AssignmentState: accounts.AssignmentState{Role: role, ConnectionEpoch: 5, MemberEpoch: 2},
		CreatedAt:       start, UpdatedAt: start,
	}
}

// request returns a pending request that expires after seven days.
func request(agency, id string, to accounts.Email, requester string) access.Request {
	return access.Request{
		ID: accounts.RequestID(id), Agency: accounts.AccountID(agency), AgencyEpoch: 3,
		Email: to, Address: string(to), Requester: accounts.UserID(requester),
		Hash: hash("request " + agency + "/" + id), State: access.Pending, Level: roles.Manager,
		SentAt: start, ExpiresAt: start.Add(7 * 24 * time.Hour), CreatedAt: start, UpdatedAt: start,
	}
}

// session returns a session of a user's first login.
func session(id, user string) access.Session {
	return access.Session{
		SessionState: access.SessionState{
			ID: accounts.SessionID(id), User: accounts.UserID(user), Login: 1, Method: "password",
			CreatedAt: start, AuthAt: start, SeenAt: start,
		},
		Hash: hash("session " + id),
	}
}

// hash returns the hash of a secret.
func hash(secret string) token.Hash { return sha256.Sum256([]byte(secret)) }

// event returns the n-th event of an operation at an account.
func event(op string, n int, account string, at time.Time) accounts.Event {
	return accounts.Event{
		Op: accounts.OpID(op), Seq: n, At: at, Kind: accounts.EventMemberAdded, Account: accounts.AccountID(account),
	}
}

// phone is where a user's codes go.
func phone(user string) string { return "+34 600 " + user }

// code returns a text message to a user's phone, due at the start. It is about
// their login.
func code(id, user string) mail.Message {
	m := letter(id, accounts.LoginReason(accounts.UserID(user))+mail.Reason("/code/"+id))
	m.Channel, m.Kind, m.To, m.ToName, m.User, m.Subject = mail.SMS, "code", phone(user), "Name of "+user, user, ""
	return m
}

// letter returns a message that is due at the start. It says everything that one
// can say.
func letter(id string, reason mail.Reason) mail.Message {
	return mail.Message{
		ID: id, Channel: mail.Email, Kind: "access-requested", Account: "agency", To: "to-" + id + "@example.com", ToName: "To " + id,
		Locale: "en", Subject: "Subject of " + id, Text: "Body of " + id + "\n",
		Data: mail.Data{
			Recipient: "To " + id, Message: "Words\n<of> \"" + id + "\" & others", Link: "https://example.com/" + id, Code: "000000", At: start,
		},
		Sealed: []byte("\x00\xffsealed " + id + "\x00"),
		Reason: reason, Priority: mail.Notice, Due: start, CreatedAt: start,
	}
}

// reply returns the answer kept for a key, for a day.
func reply(actor, account, key string) accounts.Reply {
	return accounts.Reply{
		ReplyKey: accounts.ReplyKey{Actor: actor, Account: accounts.AccountID(account), Key: key},
		Input:    sha256.Sum256([]byte(key)), Answer: []byte(`{"for":"` + key + `"}`),
		CreatedAt: start, ExpiresAt: start.Add(24 * time.Hour),
	}
}

// spend takes n from a counter of the start's day.
func spend(kind accounts.QuotaKind, subject string, n, limit int) accounts.Spend {
	return accounts.Spend{QuotaKey: quota(kind, subject), N: n, Limit: limit}
}

func quota(kind accounts.QuotaKind, subject string) accounts.QuotaKey {
	return accounts.QuotaKey{Kind: kind, Subject: subject, Day: accounts.DayOf(start)}
}
