package access_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/chatelaine-go/chatelaine/access"
	"github.com/chatelaine-go/chatelaine/access/token"
	"github.com/chatelaine-go/chatelaine/accounts"
	"github.com/chatelaine-go/chatelaine/mail"
)

// Whoever asks for an address that somebody has is answered alike, whatever
// becomes of that user at the same moment, and mail goes by what they are when
// the change is durable: nobody who was erased meanwhile is written to as one
// who has a login, and nobody who is there gets a link to their own address (A22,
// A28, I-20).
func TestRace_AskAddress_taken(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name  string
		other func(e *entrance)
		again bool     // whether it has to be decided anew
		want  []string // what the address gets
	}{
		{"nothing", func(*entrance) {}, false, []string{mail.SignUpKnown}},
		{"they are erased", func(e *entrance) {
			require.NoError(e, e.svc.EraseUser(e.Context(), operator, "otto"))
		}, true, []string{mail.AddressChange}},
		{"all their sessions end", func(e *entrance) {
			require.NoError(e, e.sessions.EndAll(e.Context(), operator, "otto"))
		}, true, []string{mail.SignUpKnown}},
		{"they are suspended", func(e *entrance) {
			require.NoError(e, e.svc.SuspendUser(e.Context(), operator, "otto"))
		}, true, []string{mail.SignUpKnown}},
		{"their password changes", func(e *entrance) {
			require.NoError(e, e.reset(e.resetLink("otto"), others))
			e.kinds("otto@example.com") // the notice of it
		}, true, []string{mail.SignUpKnown}},
	} {
		t.Run("while "+tt.name, func(t *testing.T) {
			t.Parallel()
			e := newEntrance(t)
			e.newcomer("otto")
			_, actor := e.newcomer("nora")
			e.kinds("otto@example.com")
			asked, applied := 0, 0
			h := beforeWrite(1, func() { tt.other(e) })
			inside := false
			e.st.on(func(call string, do func() error) error {
				if inside {
					return do()
				}
				if call == "Entering" {
					asked++
				}
				if writes(call) {
					applied++
					inside = true
					defer func() { inside = false }()
				}
				return h(call, do)
			})
			require.NoError(t, e.logins.AskAddress(t.Context(), actor, "Otto@example.com"), "one answer")
			e.st.on(nil)
			times := 1
			if tt.again {
				times = 2
			}
			require.Equal(t, []int{times, times}, []int{asked, applied})
			e.flush()
			m, ok := e.inbox.Last("nora@example.com")
			require.True(t, ok)
			require.Equal(t, mail.AddressChangeAsked, m.Kind)
			require.ElementsMatch(t, tt.want, e.kinds("otto@example.com"))
			ticket := must(e.mem.Ticket(t.Context(), access.TicketQuery{TicketKey: access.TicketKey{User: "nora", Purpose: token.Address}}))(t)
			require.Equal(t, accounts.Email("otto@example.com"), ticket.Email)
			require.Equal(t, 1, e.count(access.EventAddressAsked))
		})
	}
}
