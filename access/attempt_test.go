package access_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/chatelaine-go/chatelaine/access"
	"github.com/chatelaine-go/chatelaine/accounts"
)

// timed is a store that notes which questions could be waited for without end.
type timed struct {
	*doors

	asked   int
	endless []string
}

func (s *timed) note(ctx context.Context, call string) {
	s.asked++
	if _, ok := ctx.Deadline(); !ok {
		s.endless = append(s.endless, call)
	}
}

func (s *timed) User(ctx context.Context, k accounts.UserKey) (accounts.User, error) {
	s.note(ctx, "User")
	return s.doors.User(ctx, k)
}

func (s *timed) Reply(ctx context.Context, k accounts.ReplyKey) (accounts.Reply, error) {
	s.note(ctx, "Reply")
	return s.doors.Reply(ctx, k)
}

func (s *timed) Standings(ctx context.Context, k []accounts.StandingKey) ([]accounts.Standing, error) {
	s.note(ctx, "Standings")
	return s.doors.Standings(ctx, k)
}

func (s *timed) Sessions(ctx context.Context, q access.SessionsQuery) ([]access.Session, error) {
	s.note(ctx, "Sessions")
	return s.doors.Sessions(ctx, q)
}

// A caller without a deadline waits for no attempt longer than the time for
// trying: every question that an attempt asks ends with it (A86, A100).
func TestAttempts_end(t *testing.T) {
	t.Parallel()
	e := newEntrance(t)
	_, actor := e.newcomer("nora")
	require.NoError(t, e.logins.AskAddress(t.Context(), actor, "new@example.com"))
	change := e.mailed("new@example.com", changePage)
	request := e.send("cleo@example.com")
	mia, cleo := e.as("mia", "north"), e.as("cleo", "willow")
	e.clock.Add(time.Hour)
	_, bounded := t.Context().Deadline()
	require.False(t, bounded, "the caller has all the time there is")
	st := &timed{doors: e.doors}
	logins, requests := e.logins.With(st), e.requests.With(st)
	for _, tt := range []struct {
		name string
		do   func() error
	}{
		{"confirming an address", func() error { return logins.ConfirmAddress(t.Context(), actor, change) }},
		{"logging in", func() error {
			_, _, err := logins.LogIn(t.Context(), access.LogIn{Email: "new@example.com", Password: words}, access.Device{})
			return err
		}},
		{"sending with a key", func() error {
			return refuses(requests.Send(t.Context(), mia, access.Batch{Agency: "north", Addresses: "a@example.com", Key: "1"}))
		}},
		{"resending with a key", func() error {
			return requests.Resend(t.Context(), mia, access.Resend{Agency: "north", Request: request, Key: "2"})
		}},
		{"declining with a key", func() error {
			return requests.Decline(t.Context(), cleo, access.Decision{Agency: "north", Request: request, Account: "willow", Key: "3"}, "")
		}},
	} {
		st.asked, st.endless = 0, nil
		require.NoError(t, tt.do(), tt.name)
		require.Positive(t, st.asked, tt.name)
		require.Empty(t, st.endless, tt.name)
	}
}
