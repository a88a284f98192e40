package postgres_test

import (
	"context"
	"errors"
	"time"

	"github.com/chatelaine-go/chatelaine/access"
	"github.com/chatelaine-go/chatelaine/accounts"
	"github.com/chatelaine-go/chatelaine/invites"
	"github.com/chatelaine-go/chatelaine/mail"
	"github.com/chatelaine-go/chatelaine/roles"
	"github.com/chatelaine-go/chatelaine/storage/postgres"
)

// hot is a question that is asked all day.
type hot struct {
	name string
	ask  func(ctx context.Context, st *postgres.Store) error
	most float64 // rows that a step may read; 0 is a thousand
}

// drop drops an answer. That there is none is one, too.
func drop[T any](_ T, err error) error {
	if errors.Is(err, accounts.ErrNotFound) {
		return nil
	}
	return err
}

func hotOnes() []hot {
	client := accounts.AccountID("client-000700")
	owner := accounts.UserID("owner-000700")
	emails := make([]accounts.Email, 35)
	reasons := make([]mail.Reason, 50)
	keys := make([]accounts.StandingKey, 50)
	for i := range emails {
		emails[i] = accounts.Email("owner-0000" + string(rune('0'+i%10)) + string(rune('0'+i/10)) + "@example.com")
	}
	for i := range reasons {
		n := string(rune('0'+i/10)) + string(rune('0'+i%10))
		reasons[i] = mail.ReasonFor("agency", "agency", "request", "request-0000"+n)
		keys[i] = accounts.StandingKey{User: "manager", Account: accounts.AccountID("client-0000" + n)}
	}
	at := opened.Add(time.Minute)
	return []hot{
		{name: "Admission member", ask: func(ctx context.Context, st *postgres.Store) error {
			return drop(st.Admission(ctx, hashed("manager"), "agency"))
		}},
		{name: "Admission delegate", ask: func(ctx context.Context, st *postgres.Store) error {
			return drop(st.Admission(ctx, hashed("manager"), client))
		}},
		{name: "Admission client", ask: func(ctx context.Context, st *postgres.Store) error {
			return drop(st.Admission(ctx, hashed("customer"), "agency"))
		}},
		{name: "Standings", ask: func(ctx context.Context, st *postgres.Store) error { return drop(st.Standings(ctx, keys)) }},
		{name: "Standings one", ask: func(ctx context.Context, st *postgres.Store) error { return drop(st.Standings(ctx, keys[:1])) }},
		{name: "Reach", ask: func(ctx context.Context, st *postgres.Store) error {
			return drop(st.Reach(ctx, accounts.ReachQuery{User: "manager", Proof: accounts.AnyLogin()}))
		}},
		{name: "Reach owner", ask: func(ctx context.Context, st *postgres.Store) error {
			return drop(st.Reach(ctx, accounts.ReachQuery{User: owner, Proof: accounts.AnyLogin()}))
		}},
		{name: "Reach searched", ask: func(ctx context.Context, st *postgres.Store) error {
			return drop(st.Reach(ctx, accounts.ReachQuery{User: "manager", Proof: accounts.AnyLogin(), Search: "client"}))
		}},
		{name: "Reach customer", ask: func(ctx context.Context, st *postgres.Store) error {
			return drop(st.Reach(ctx, accounts.ReachQuery{User: "customer", Proof: accounts.AnyLogin()}))
		}},
		{name: "Reachers", ask: func(ctx context.Context, st *postgres.Store) error {
			return drop(st.Reachers(ctx, accounts.ReachersQuery{Account: client}))
		}},
		{name: "Owners", ask: func(ctx context.Context, st *postgres.Store) error { return drop(st.Owners(ctx, client, roles.Owner)) }},
		{name: "Owned", ask: func(ctx context.Context, st *postgres.Store) error { return drop(st.Owned(ctx, owner, roles.Owner)) }},
		{name: "User by id", ask: func(ctx context.Context, st *postgres.Store) error {
			return drop(st.User(ctx, accounts.UserKey{ID: owner}))
		}},
		{name: "Means by email", ask: func(ctx context.Context, st *postgres.Store) error {
			return drop(st.Means(ctx, accounts.UserKey{Email: "owner-000700@example.com"}))
		}},
		{name: "Means by identity", ask: func(ctx context.Context, st *postgres.Store) error {
			return drop(st.Means(ctx, accounts.UserKey{Identity: accounts.IdentityKey{Issuer: "https://issuer.example", Subject: "boss"}}))
		}},
		{name: "Entering", ask: func(ctx context.Context, st *postgres.Store) error {
			return drop(st.Entering(ctx, access.EnteringQuery{Email: "owner-000700@example.com", Source: "1.2.3.4", Day: 1}))
		}},
		{name: "Members", ask: func(ctx context.Context, st *postgres.Store) error {
			return drop(st.Members(ctx, accounts.MemberQuery{Account: "agency"}))
		}},
		{name: "Members searched", ask: func(ctx context.Context, st *postgres.Store) error {
			return drop(st.Members(ctx, accounts.MemberQuery{Account: "agency", Search: "man"}))
		}},
		{name: "Connections agency", ask: func(ctx context.Context, st *postgres.Store) error {
			return drop(st.Connections(ctx, accounts.ConnectionQuery{Agency: "agency"}))
		}},
		{name: "Connections agency searched", ask: func(ctx context.Context, st *postgres.Store) error {
			return drop(st.Connections(ctx, accounts.ConnectionQuery{Agency: "agency", Search: "client"}))
		}},
		{name: "Connections client", ask: func(ctx context.Context, st *postgres.Store) error {
			return drop(st.Connections(ctx, accounts.ConnectionQuery{Client: client}))
		}},
		{name: "Linked", ask: func(ctx context.Context, st *postgres.Store) error {
			return drop(st.Linked(ctx, accounts.LinkedQuery{ConnectionKey: accounts.ConnectionKey{Client: client, Agency: "agency"}, User: "manager"}))
		}},
		{name: "Events", ask: func(ctx context.Context, st *postgres.Store) error {
			return drop(st.Events(ctx, accounts.EventQuery{Account: "agency"}))
		}},
		{name: "Events client", ask: func(ctx context.Context, st *postgres.Store) error {
			return drop(st.Events(ctx, accounts.EventQuery{Account: client}))
		}},
		{name: "Events of a kind", ask: func(ctx context.Context, st *postgres.Store) error {
			return drop(st.Events(ctx, accounts.EventQuery{Account: "agency", Kinds: []accounts.EventKind{"request.approved", "x"}}))
		}},
		{name: "Applied", ask: func(ctx context.Context, st *postgres.Store) error { return drop(st.Applied(ctx, "event-5")) }},
		{name: "Clients", ask: func(ctx context.Context, st *postgres.Store) error {
			return drop(st.Clients(ctx, access.ClientsQuery{Agency: "agency", At: at}))
		}},
		{name: "Clients searched", ask: func(ctx context.Context, st *postgres.Store) error {
			return drop(st.Clients(ctx, access.ClientsQuery{Agency: "agency", At: at, Search: "owner", States: []access.ClientState{access.ClientConnected}}))
		}},
		{name: "Addressed", ask: func(ctx context.Context, st *postgres.Store) error {
			return drop(st.Addressed(ctx, "owner-000700@example.com", at, 0))
		}},
		{name: "Deciding hash", ask: func(ctx context.Context, st *postgres.Store) error {
			return drop(st.Deciding(ctx, access.DecidingQuery{Hash: hashed("request-000700"), User: owner, Client: client, Day: 1, Top: roles.Owner}))
		}},
		{name: "Deciding id", ask: func(ctx context.Context, st *postgres.Store) error {
			return drop(st.Deciding(ctx, access.DecidingQuery{Agency: "agency", ID: "request-000700", Day: 1, Top: roles.Owner}))
		}},
		{name: "Drafting", ask: func(ctx context.Context, st *postgres.Store) error {
			return drop(st.Drafting(ctx, access.DraftingQuery{Agency: "agency", Emails: emails, Day: 1}))
		}},
		{name: "Drafting none", ask: func(ctx context.Context, st *postgres.Store) error {
			return drop(st.Drafting(ctx, access.DraftingQuery{Agency: "agency", Day: 1}))
		}},
		{name: "Newest", ask: func(ctx context.Context, st *postgres.Store) error { return drop(st.Newest(ctx, reasons)) }},
		{name: "Mails", ask: func(ctx context.Context, st *postgres.Store) error { return drop(st.Mails(ctx, mail.Query{})) }},
		{name: "Mails dead", ask: func(ctx context.Context, st *postgres.Store) error {
			return drop(st.Mails(ctx, mail.Query{State: mail.Dead}))
		}},
		{name: "Mails by id", ask: func(ctx context.Context, st *postgres.Store) error {
			return drop(st.Mails(ctx, mail.Query{ID: "mail-000700"}))
		}},
		{name: "Mails by reason", ask: func(ctx context.Context, st *postgres.Store) error {
			return drop(st.Mails(ctx, mail.Query{Reason: reasons[7]}))
		}},
		{name: "Inviting", ask: func(ctx context.Context, st *postgres.Store) error {
			return drop(st.Inviting(ctx, invites.InvitingQuery{Account: client, Email: "guest-000700@example.com", At: at}))
		}},
		{name: "Accepting hash", ask: func(ctx context.Context, st *postgres.Store) error {
			return drop(st.Accepting(ctx, invites.AcceptingQuery{Hash: hashed("offer-000700"), At: at}))
		}},
		{name: "Accepting id", ask: func(ctx context.Context, st *postgres.Store) error {
			return drop(st.Accepting(ctx, invites.AcceptingQuery{Account: client, ID: "offer-000700", User: "boss", At: at}))
		}},
		{name: "Invitations", ask: func(ctx context.Context, st *postgres.Store) error {
			return drop(st.Invitations(ctx, invites.ListQuery{Account: client, At: at}))
		}},
		{name: "InvitationsTo", ask: func(ctx context.Context, st *postgres.Store) error {
			return drop(st.InvitationsTo(ctx, "guest-000700@example.com", at, 0))
		}},
		{name: "Seats", ask: func(ctx context.Context, st *postgres.Store) error { return drop(st.Seats(ctx, client, at)) }},
		{name: "SettingUp", ask: func(ctx context.Context, st *postgres.Store) error {
			return drop(st.SettingUp(ctx, invites.SettingUpQuery{ClientKey: accounts.ClientKey{Account: "agency", ID: "c000700"}, User: "boss", Day: 1}))
		}},
		{name: "SettingUp hash", ask: func(ctx context.Context, st *postgres.Store) error {
			return drop(st.SettingUp(ctx, invites.SettingUpQuery{Hash: hashed("c000700"), Day: 1}))
		}},
		{name: "Recording", ask: func(ctx context.Context, st *postgres.Store) error {
			return drop(st.Recording(ctx, accounts.RecordingQuery{Account: "agency", Client: "c000700", Email: "x@example.com", User: "boss", Site: "s007"}))
		}},
		{name: "Sessions", ask: func(ctx context.Context, st *postgres.Store) error {
			return drop(st.Sessions(ctx, access.SessionsQuery{User: owner}))
		}},
		{name: "Session", ask: func(ctx context.Context, st *postgres.Store) error {
			return drop(st.Session(ctx, access.SessionKey{Hash: hashed("manager")}))
		}},
		{name: "Sites", ask: func(ctx context.Context, st *postgres.Store) error {
			return drop(st.Sites(ctx, accounts.SiteQuery{Account: "agency"}))
		}},
		{name: "Sites searched", ask: func(ctx context.Context, st *postgres.Store) error {
			return drop(st.Sites(ctx, accounts.SiteQuery{Account: "agency", Search: "site"}))
		}},
		{name: "Viewing", ask: func(ctx context.Context, st *postgres.Store) error {
			return drop(st.Viewing(ctx, access.ViewKey{Hash: hashed("view")}))
		}},
		{name: "ClaimEvents", ask: func(ctx context.Context, st *postgres.Store) error {
			return drop(st.ClaimEvents(ctx, accounts.EventClaim{At: at, Lease: time.Minute, Limit: 100}))
		}},
		{name: "ClaimMail", ask: func(ctx context.Context, st *postgres.Store) error {
			return drop(st.ClaimMail(ctx, mail.Claim{Channel: mail.Email, At: at, Lease: time.Minute, Limit: 20}))
		}},
	}
}
