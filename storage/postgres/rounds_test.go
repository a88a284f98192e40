package postgres_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/chatelaine-go/chatelaine/access"
	"github.com/chatelaine-go/chatelaine/access/password"
	"github.com/chatelaine-go/chatelaine/accounts"
	"github.com/chatelaine-go/chatelaine/invites"
	"github.com/chatelaine-go/chatelaine/mail"
	"github.com/chatelaine-go/chatelaine/roles"
	"github.com/chatelaine-go/chatelaine/storage/internal/pgtest"
)

// What is far away is slow by how often one waits for it: each question is one
// round trip, each change is one, and an operation is no more than the questions that
// it rests on and its change. The table has what a proxy counted when each operation
// was done for the fourth time, on one connection.
func TestRounds(t *testing.T) {
	t.Parallel()
	x := newTown(t, 500)
	proxy := pgtest.NewProxy(t, x.dsn)
	s := x.stage(t, proxy.DSN(x.dsn))
	env := s.env
	ctx := t.Context()
	hasher, err := password.New(&password.Options{Memory: 8, Time: 1})
	require.NoError(t, err)
	logins, err := access.NewLogins(s.st, env, &access.LoginOptions{Hasher: hasher})
	require.NoError(t, err)
	offers, err := invites.New(s.st, env, &invites.Options{Hasher: hasher})
	require.NoError(t, err)
	clients, err := accounts.NewClients(s.st, env)
	require.NoError(t, err)
	hash, err := hasher.Hash(ctx, "six wandering llamas eat")
	require.NoError(t, err)
	x.exec(t, `UPDATE chatelaine_credentials SET hash = $1`, hash)

	const times = 4
	x.ask(t, times)
	manager, boss := s.actor(t, "manager"), s.actor(t, "boss")
	var owners []accounts.Actor
	for i := x.all - times; i < x.all; i++ {
		owners = append(owners, s.actor(t, accounts.UserID(fmt.Sprintf("owner-%06d", i))))
	}
	var claimed []mail.Delivery
	var taken []accounts.EventDelivery
	at := opened.Add(time.Minute)
	for _, tt := range []struct {
		name string
		do   func(ctx context.Context, i int) error

		executed int // statements
		trips    int // how often somebody waited
	}{
		{name: "Sessions.Principal", executed: 1, trips: 1, do: func(ctx context.Context, _ int) error {
			_, err := s.sessions.Principal(ctx, s.secret, "agency")
			return err
		}},
		{name: "Reach", executed: 1, trips: 1, do: func(ctx context.Context, _ int) error {
			_, err := s.st.Reach(ctx, accounts.ReachQuery{User: "manager", Proof: accounts.AnyLogin()})
			return err
		}},
		{name: "Sessions.Chooser, with who asks", executed: 2, trips: 2, do: func(ctx context.Context, _ int) error {
			_, err := s.sessions.Chooser(ctx, manager, access.ChoicePage{})
			return err
		}},
		{name: "ClientRecords", executed: 1, trips: 1, do: func(ctx context.Context, _ int) error {
			_, err := s.st.ClientRecords(ctx, accounts.ClientRecordQuery{Account: "agency", Search: "example"})
			return err
		}},
		{name: "Clients.List, with the right to", executed: 2, trips: 2, do: func(ctx context.Context, _ int) error {
			_, err := clients.List(ctx, manager, "agency", accounts.ClientPage{})
			return err
		}},
		{name: "Clients.Create", executed: 2 + 4, trips: 3, do: func(ctx context.Context, i int) error {
			_, err := clients.Create(ctx, manager, accounts.CreateClient{Account: "agency", FirstName: "A", LastName: "B", Email: fmt.Sprintf("new-%d@example.com", i)})
			return err
		}},
		{name: "a batch of 35: what it rests on, and the write", executed: 1 + 6, trips: 2, do: func(ctx context.Context, i int) error {
			var emails []accounts.Email
			for j := range 35 {
				emails = append(emails, accounts.Email(fmt.Sprintf("%d-%d@example.com", i, j)))
			}
			if _, err := s.st.Drafting(ctx, access.DraftingQuery{Agency: "agency", Emails: emails, Day: 2}); err != nil {
				return err
			}
			return s.st.ApplyAccess(ctx, batchOf("rival-07", x.serial.Add(1)))
		}},
		{name: "Requests.Send of 35, with the right to", executed: 2 + 6, trips: 3, do: func(ctx context.Context, i int) error {
			var list []string
			for j := range 35 {
				list = append(list, fmt.Sprintf("to-%d-%d@example.com", i, j))
			}
			out, err := s.requests.Send(ctx, manager, access.Batch{Agency: "rival-00", Addresses: strings.Join(list, ",")})
			return got(out.Sent, 35, err)
		}},
		{name: "Requests.Approve", executed: 1 + 11, trips: 2, do: func(ctx context.Context, i int) error {
			id := fmt.Sprintf("%06d", x.all-times+i)
			_, err := s.requests.Approve(ctx, owners[i], access.Decision{Account: accounts.AccountID("client-" + id), Agency: "agency", Request: accounts.RequestID("request-" + id)}, roles.Manager)
			return err
		}},
		{name: "Logins.LogIn", executed: 3 + 7, trips: 5, do: func(ctx context.Context, _ int) error {
			_, _, err := logins.LogIn(ctx, access.LogIn{Email: "boss@example.com", Password: "six wandering llamas eat"}, access.Device{})
			return err
		}},
		{name: "Service.Invite", executed: 4 + 7, trips: 5, do: func(ctx context.Context, i int) error {
			_, err := offers.Invite(ctx, boss, invites.Invite{Account: "agency", Email: fmt.Sprintf("offer-%d@example.com", i), Role: roles.Author})
			return err
		}},
		{name: "ClaimMail", executed: 1, trips: 1, do: func(ctx context.Context, _ int) error {
			var err error
			claimed, err = s.st.ClaimMail(ctx, mail.Claim{Channel: mail.Email, At: at, Lease: time.Minute, Limit: 5})
			return got(len(claimed), 5, err)
		}},
		{name: "SettleMail", executed: 1, trips: 1, do: func(ctx context.Context, i int) error {
			return s.st.SettleMail(ctx, mail.Outcome{ID: claimed[i].Message.ID, Fence: claimed[i].Fence, State: mail.Sent, At: at})
		}},
		{name: "ClaimEvents", executed: 1, trips: 1, do: func(ctx context.Context, _ int) error {
			var err error
			taken, err = s.st.ClaimEvents(ctx, accounts.EventClaim{At: at, Lease: time.Minute, Limit: 5})
			return got(len(taken), 5, err)
		}},
		{name: "SettleEvents of five", executed: 5, trips: 1, do: func(ctx context.Context, _ int) error {
			var list []accounts.EventReceipt
			for _, d := range taken {
				list = append(list, accounts.EventReceipt{Op: d.Event.Op, Seq: d.Event.Seq, Fence: d.Fence, Taken: true})
			}
			_, err := s.st.SettleEvents(ctx, list)
			return err
		}},
		{name: "a session's use is noted", executed: 1, trips: 1, do: func(ctx context.Context, i int) error {
			return s.st.ApplyAccess(ctx, access.Change{Touches: []access.Touch{{Session: "boss", At: opened.Add(time.Duration(i) * time.Hour)}}})
		}},
	} {
		var errs error
		for i := range times {
			proxy.ResetStats()
			errs = errors.Join(errs, tt.do(ctx, i))
		}
		require.NoError(t, errs, tt.name)
		n := proxy.Stats()
		t.Logf("%-48s %2d statements, %d round trips", tt.name, n.Messages['E'], n.RoundTrips)
		require.Equal(t, tt.executed, n.Messages['E'], "statements of %s", tt.name)
		require.Equal(t, tt.trips, n.RoundTrips, "round trips of %s", tt.name)
		require.Zero(t, n.Messages['P'], "%s prepares what it has prepared", tt.name)
	}
}
