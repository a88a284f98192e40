package storagetest

import (
	"context"
	"time"

	"github.com/chatelaine-go/chatelaine/access"
	"github.com/chatelaine-go/chatelaine/access/token"
	"github.com/chatelaine-go/chatelaine/accounts"
	"github.com/chatelaine-go/chatelaine/invites"
	"github.com/chatelaine-go/chatelaine/mail"
	"github.com/chatelaine-go/chatelaine/roles"
	"github.com/chatelaine-go/chatelaine/storage"
)

// storeCall is a method of a store with arguments that would have an effect.
type storeCall struct {
	name string
	call func(ctx context.Context, st storage.Storage) error
}

// calls returns one call of each method. Those that apply apply the change,
// and those that settle settle the deliveries.
func calls(c change, letter mail.Delivery, event accounts.EventDelivery) []storeCall {
	day := accounts.DayOf(start)
	return []storeCall{
		{"Accepting", func(ctx context.Context, st storage.Storage) error {
			_, err := st.Accepting(ctx, invites.AcceptingQuery{Account: "a", ID: "i", At: start})
			return err
		}},
		{"Account", func(ctx context.Context, st storage.Storage) error { _, err := st.Account(ctx, "a"); return err }},
		{"Addressed", func(ctx context.Context, st storage.Storage) error {
			_, err := st.Addressed(ctx, "to@example.com", start, 10)
			return err
		}},
		{"Admission", func(ctx context.Context, st storage.Storage) error {
			_, err := st.Admission(ctx, hash("session s"), "a")
			return err
		}},
		{"Applied", func(ctx context.Context, st storage.Storage) error { _, err := st.Applied(ctx, "o"); return err }},
		{"ApplyAccess", func(ctx context.Context, st storage.Storage) error { return st.ApplyAccess(ctx, c.Change) }},
		{"ApplyAccounts", func(ctx context.Context, st storage.Storage) error { return st.ApplyAccounts(ctx, c.Change.Change) }},
		{"ApplyInvites", func(ctx context.Context, st storage.Storage) error {
			return st.ApplyInvites(ctx, invites.Change{Change: c.Change.Change})
		}},
		{"Challenge", func(ctx context.Context, st storage.Storage) error {
			_, err := st.Challenge(ctx, challengeKey("u", "a"))
			return err
		}},
		{"ClaimEvents", func(ctx context.Context, st storage.Storage) error {
			_, err := st.ClaimEvents(ctx, accounts.EventClaim{At: minutes(1), Lease: time.Hour, Limit: 10})
			return err
		}},
		{"ClaimMail", func(ctx context.Context, st storage.Storage) error {
			_, err := st.ClaimMail(ctx, mail.Claim{Channel: mail.Email, At: minutes(1), Lease: time.Hour, Limit: 10})
			return err
		}},
		{"ClientRecords", func(ctx context.Context, st storage.Storage) error {
			_, err := st.ClientRecords(ctx, accounts.ClientRecordQuery{Account: "a", Limit: 10})
			return err
		}},
		{"Clients", func(ctx context.Context, st storage.Storage) error {
			_, err := st.Clients(ctx, access.ClientsQuery{Agency: "g", At: start, Limit: 10})
			return err
		}},
		{"Connections", func(ctx context.Context, st storage.Storage) error {
			_, err := st.Connections(ctx, accounts.ConnectionQuery{Agency: "g", Limit: 10})
			return err
		}},
		{"Deciding", func(ctx context.Context, st storage.Storage) error {
			_, err := st.Deciding(ctx, access.DecidingQuery{Agency: "g", ID: "r", Day: day, Top: roles.Owner})
			return err
		}},
		{"Drafting", func(ctx context.Context, st storage.Storage) error {
			_, err := st.Drafting(ctx, access.DraftingQuery{Agency: "g", Emails: []accounts.Email{"to@example.com"}, Day: day})
			return err
		}},
		{"Ending", func(ctx context.Context, st storage.Storage) error {
			_, err := st.Ending(ctx, "g", start, roles.Owner)
			return err
		}},
		{"Entering", func(ctx context.Context, st storage.Storage) error {
			_, err := st.Entering(ctx, access.EnteringQuery{Email: address("u"), Source: "192.0.2.1", Day: day})
			return err
		}},
		{"Events", func(ctx context.Context, st storage.Storage) error {
			_, err := st.Events(ctx, accounts.EventQuery{Account: "a", Limit: 10})
			return err
		}},
		{"Held", func(ctx context.Context, st storage.Storage) error {
			_, err := st.Held(ctx, accounts.HeldQuery{Kind: accounts.HeldUser, User: "u", Limit: 10})
			return err
		}},
		{"Invitations", func(ctx context.Context, st storage.Storage) error {
			_, err := st.Invitations(ctx, invites.ListQuery{Account: "a", At: start, Limit: 10})
			return err
		}},
		{"InvitationsTo", func(ctx context.Context, st storage.Storage) error {
			_, err := st.InvitationsTo(ctx, "to@example.com", start, 10)
			return err
		}},
		{"Inviting", func(ctx context.Context, st storage.Storage) error {
			_, err := st.Inviting(ctx, invites.InvitingQuery{Account: "a", Email: "to@example.com", At: start})
			return err
		}},
		{"Linked", func(ctx context.Context, st storage.Storage) error {
			_, err := st.Linked(ctx, accounts.LinkedQuery{ConnectionKey: pair("a", "g"), Top: roles.Owner})
			return err
		}},
		{"Mails", func(ctx context.Context, st storage.Storage) error { _, err := st.Mails(ctx, mail.Query{}); return err }},
		{"Means", func(ctx context.Context, st storage.Storage) error {
			_, err := st.Means(ctx, accounts.UserKey{ID: "u"})
			return err
		}},
		{"Members", func(ctx context.Context, st storage.Storage) error {
			_, err := st.Members(ctx, accounts.MemberQuery{Account: "a", Limit: 10})
			return err
		}},
		{"Membership", func(ctx context.Context, st storage.Storage) error {
			_, err := st.Membership(ctx, accounts.StandingKey{User: "u", Account: "a"})
			return err
		}},
		{"Newest", func(ctx context.Context, st storage.Storage) error {
			_, err := st.Newest(ctx, []mail.Reason{"r"})
			return err
		}},
		{"Owned", func(ctx context.Context, st storage.Storage) error {
			_, err := st.Owned(ctx, "u", roles.Owner)
			return err
		}},
		{"Owners", func(ctx context.Context, st storage.Storage) error {
			_, err := st.Owners(ctx, "a", roles.Owner)
			return err
		}},
		{"Reach", func(ctx context.Context, st storage.Storage) error {
			_, err := st.Reach(ctx, accounts.ReachQuery{User: "u", Proof: accounts.AnyLogin(), Limit: 10})
			return err
		}},
		{"Reachers", func(ctx context.Context, st storage.Storage) error {
			_, err := st.Reachers(ctx, accounts.ReachersQuery{Account: "a", Limit: 10})
			return err
		}},
		{"Recording", func(ctx context.Context, st storage.Storage) error {
			_, err := st.Recording(ctx, accounts.RecordingQuery{Account: "a", Client: "c", Email: address("c"), Site: "p"})
			return err
		}},
		{"Reply", func(ctx context.Context, st storage.Storage) error {
			_, err := st.Reply(ctx, reply("user/u", "a", "k").ReplyKey)
			return err
		}},
		{"RequeueMail", func(ctx context.Context, st storage.Storage) error {
			_, err := st.RequeueMail(ctx, []string{"dead"}, minutes(9))
			return err
		}},
		{"Seats", func(ctx context.Context, st storage.Storage) error { _, err := st.Seats(ctx, "a", start); return err }},
		{"Session", func(ctx context.Context, st storage.Storage) error {
			_, err := st.Session(ctx, access.SessionKey{ID: "s"})
			return err
		}},
		{"Sessions", func(ctx context.Context, st storage.Storage) error {
			_, err := st.Sessions(ctx, access.SessionsQuery{User: "u", Limit: 10})
			return err
		}},
		{"SettingUp", func(ctx context.Context, st storage.Storage) error {
			_, err := st.SettingUp(ctx, invites.SettingUpQuery{ClientKey: recordKey("a", "c"), User: "u", Day: day})
			return err
		}},
		{"SettleEvents", func(ctx context.Context, st storage.Storage) error {
			_, err := st.SettleEvents(ctx, []accounts.EventReceipt{receipt(event)})
			return err
		}},
		{"SettleMail", func(ctx context.Context, st storage.Storage) error {
			return st.SettleMail(ctx, mail.Outcome{
				ID: letter.Message.ID, Fence: letter.Fence, State: mail.Sent, At: minutes(1),
			})
		}},
		{"Sites", func(ctx context.Context, st storage.Storage) error {
			_, err := st.Sites(ctx, accounts.SiteQuery{Account: "a", Limit: 10})
			return err
		}},
		{"Spent", func(ctx context.Context, st storage.Storage) error {
			_, err := st.Spent(ctx, quota(accounts.QuotaRequests, "a"))
			return err
		}},
		{"Standings", func(ctx context.Context, st storage.Storage) error {
			_, err := st.Standings(ctx, []accounts.StandingKey{{User: "u", Account: "a"}})
			return err
		}},
		{"Sweep", func(ctx context.Context, st storage.Storage) error {
			far := minutes(1_000_000)
			_, err := st.Sweep(ctx, storage.SweepBefore{
				Sessions: far, Sources: far, Views: far, Replies: far, Tickets: far, Guesses: far, Quotas: day + 900, Mail: far,
			}, 0)
			return err
		}},
		{"Ticket", func(ctx context.Context, st storage.Storage) error {
			_, err := st.Ticket(ctx, access.TicketQuery{TicketKey: ticketKey("u", token.Reset)})
			return err
		}},
		{"User", func(ctx context.Context, st storage.Storage) error {
			_, err := st.User(ctx, accounts.UserKey{ID: "u"})
			return err
		}},
		{"Viewing", func(ctx context.Context, st storage.Storage) error {
			_, err := st.Viewing(ctx, access.ViewKey{Hash: hash("view v")})
			return err
		}},
	}
}
