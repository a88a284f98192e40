package access_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/chatelaine-go/chatelaine/access"
	"github.com/chatelaine-go/chatelaine/accounts"
)

func TestChange_Sorted(t *testing.T) {
	t.Parallel()
	session := func(id accounts.SessionID) access.Session {
		return access.Session{SessionState: access.SessionState{ID: id}}
	}
	c := access.Change{
		Change:   accounts.Change{Op: "op", Guards: []accounts.Guard{{Account: "b"}, {Account: "a"}}},
		Requests: []access.Request{{Agency: "b", ID: "1"}, {Agency: "a", ID: "2"}, {Agency: "a", ID: "1"}},
		Sessions: []access.Session{session("2"), session("1")},
		Touches:  []access.Touch{{Session: "2"}, {Session: "1"}},
	}
	got := c.Sorted()
	require.Equal(t, access.Change{
		Change:   accounts.Change{Op: "op", Guards: []accounts.Guard{{Account: "a"}, {Account: "b"}}},
		Requests: []access.Request{{Agency: "a", ID: "1"}, {Agency: "a", ID: "2"}, {Agency: "b", ID: "1"}},
		Sessions: []access.Session{session("1"), session("2")},
		Touches:  []access.Touch{{Session: "1"}, {Session: "2"}},
	}, got)
	require.Equal(t, accounts.RequestID("1"), c.Requests[0].ID, "the caller's lists stay as they were")
	require.Equal(t, accounts.AccountID("b"), c.Requests[0].Agency)
	require.Equal(t, accounts.SessionID("2"), c.Sessions[0].ID)
	require.Equal(t, accounts.SessionID("2"), c.Touches[0].Session)
}

func TestPlanChangedError(t *testing.T) {
	t.Parallel()
	err := error(&access.PlanChangedError{Plan: access.Plan{Clients: []access.PlannedClient{{Name: "Willow"}}}})
	require.ErrorIs(t, err, access.ErrPlanChanged)
	require.NotErrorIs(t, err, access.ErrDecided)
	require.Equal(t, access.ErrPlanChanged.Error(), err.Error(), "its text names nobody")
}

// Somebody without a name asks in the agency's: their address is not told.
func TestRequests_Send_SenderWithoutName(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	_, err := w.svc.PutUser(t.Context(), job, accounts.PutUser{ID: "mia", Email: "mia@example.com", Proven: true})
	require.NoError(t, err)
	w.send("cleo@example.com")
	w.flush()
	m, ok := w.inbox.Last("cleo@example.com")
	require.True(t, ok)
	require.Contains(t, m.Text, "Northlight asks for access to your account")
	require.NotContains(t, m.Text, "Northlight at Northlight")
	require.NotContains(t, m.Text, "mia@")
}

// An answer does not grow with what was pasted.
func TestRequests_Preview_LongInput(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	out, err := w.requests.Preview(t.Context(), w.as("mia", "north"), access.Batch{
		Agency: "north", Addresses: strings.Repeat("ü", 1<<16) + "@example.com, \xff\xfe",
	})
	require.NoError(t, err)
	require.Equal(t, access.Invalid, out.Answers[0].Outcome)
	require.Equal(t, strings.Repeat("ü", accounts.MaxEmail)+"…", out.Answers[0].Input)
	require.Equal(t, access.Invalid, out.Answers[1].Outcome)
	require.Equal(t, "\ufffd", out.Answers[1].Input)
}
