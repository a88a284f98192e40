package invites_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/chatelaine-go/chatelaine/accounts"
	"github.com/chatelaine-go/chatelaine/invites"
	"github.com/chatelaine-go/chatelaine/mail"
	"github.com/chatelaine-go/chatelaine/roles"
)

// unlimited lifts the limits of a day, which a benchmark would run into.
func unlimited(o *accounts.EnvOptions) {
	o.Limits.InvitationsPerDay, o.Limits.MailsPerRecipient = 1<<30, 1<<30
}

// What an invitation costs, its mail included, on memory.
func BenchmarkService_Invite(b *testing.B) {
	w := newWorld(b, unlimited)
	amy := w.as("amy")
	b.ReportAllocs()
	n := 0
	for b.Loop() {
		i, err := w.inv.Invite(b.Context(), amy, invites.Invite{Account: "acme", Email: fmt.Sprintf("p%d@example.com", n), Role: roles.Viewer})
		if err != nil {
			b.Fatal(err)
		}
		n++
		b.StopTimer() // a pending one costs whoever counts the seats next
		require.NoError(b, w.inv.Revoke(b.Context(), amy, "acme", i.ID))
		b.StartTimer()
	}
}

// What joining costs with a login that somebody has.
func BenchmarkService_Accept(b *testing.B) {
	w := newWorld(b, unlimited)
	amy, ben := w.as("amy"), w.as("ben")
	b.ReportAllocs()
	for b.Loop() {
		b.StopTimer()
		if w.role("ben") != "" {
			require.NoError(b, w.graph.Leave(b.Context(), ben, "acme"))
		}
		i, err := w.inv.Invite(b.Context(), amy, invites.Invite{Account: "acme", Email: "ben@example.com", Role: roles.Viewer})
		require.NoError(b, err)
		b.StartTimer()
		if _, err := w.inv.Accept(b.Context(), ben, byID(i)); err != nil {
			b.Fatal(err)
		}
	}
}

// What opening a link costs: mail scanners do it, too.
func BenchmarkService_Peek(b *testing.B) {
	w := newWorld(b)
	_, link := w.invited("amy", "ben@example.com", roles.Viewer)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := w.inv.Peek(b.Context(), link); err != nil {
			b.Fatal(err)
		}
	}
	require.Len(b, w.mails(mail.Invited, mail.Queued), 1)
}
