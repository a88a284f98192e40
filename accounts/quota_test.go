package accounts_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/chatelaine-go/chatelaine/accounts"
)

// A day is the UTC day, whatever zone a moment is told in (A102, D8).
func TestDayOf(t *testing.T) {
	t.Parallel()

	east, west := time.FixedZone("east", 14*3600), time.FixedZone("west", -12*3600)
	for _, test := range []struct {
		name  string
		given time.Time
		want  accounts.Day
	}{
		{"the first moment of 1970", time.Unix(0, 0), 0},
		{"the last moment of the first day", time.Unix(86399, 999999999), 0},
		{"the first of the second", time.Unix(86400, 0), 1},
		{"the last moment before 1970", time.Unix(-1, 999999999), -1},
		{"a whole day before 1970", time.Unix(-86400, 0), -1},
		{"just before that", time.Unix(-86401, 0), -2},
		{"a leap day", time.Date(2024, 2, 29, 12, 0, 0, 0, time.UTC), 19782},
		{"the day after a leap day", time.Date(2024, 3, 1, 0, 0, 0, 0, time.UTC), 19783},
		{"tomorrow in the east is today", time.Date(2024, 3, 2, 13, 59, 0, 0, east), 19783},
		{"yesterday in the west is today", time.Date(2024, 2, 29, 12, 0, 0, 0, west), 19783},
		{"the year 1", time.Date(1, 1, 1, 0, 0, 0, 0, time.UTC), -719162},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			require.Equal(t, test.want, accounts.DayOf(test.given))
		})
	}
	require.Equal(t, time.Date(2024, 3, 1, 0, 0, 0, 0, time.UTC), accounts.Day(19782).End())
	require.Equal(t, time.UTC, accounts.Day(0).End().Location())
}

// Every moment lies in exactly one day: at or after the end of the one before,
// and before its own end; no window is doubled (I-34).
func TestDay_end(t *testing.T) {
	t.Parallel()

	rapid.Check(t, func(t *rapid.T) {
		at := time.Unix(rapid.Int64Range(-1e11, 1e11).Draw(t, "s"), rapid.Int64Range(0, 999999999).Draw(t, "ns"))
		at = at.In(time.FixedZone("z", rapid.IntRange(-14*3600, 14*3600).Draw(t, "zone")))
		day := accounts.DayOf(at)
		require.True(t, at.Before(day.End()))
		require.False(t, at.Before((day - 1).End()))
		require.Equal(t, day+1, accounts.DayOf(day.End()))
	})
}

// A quota tells what is left and when it opens again, and what it makes a
// change spend carries the limit (A79).
func TestQuota(t *testing.T) {
	t.Parallel()

	key := accounts.QuotaKey{Kind: accounts.QuotaRequests, Subject: "orbit", Day: accounts.DayOf(start)}
	q := accounts.Quota{Key: key, Used: 30, Limit: 35}
	require.Equal(t, 5, q.Left())
	require.Equal(t, 0, accounts.Quota{Used: 40, Limit: 35}.Left(), "a limit that was lowered leaves nothing, not less")
	require.Equal(t, accounts.Spend{QuotaKey: key, N: 5, Limit: 35}, q.Spend(5))
	require.Equal(t, time.Date(2026, 3, 3, 0, 0, 0, 0, time.UTC), q.ResetAt())
	err := q.Err()
	require.ErrorIs(t, err, accounts.ErrQuota)
	require.Equal(t, &accounts.QuotaError{Kind: accounts.QuotaRequests, Limit: 35, Used: 30, ResetAt: q.ResetAt()}, err)
	require.EqualError(t, err, "chatelaine: daily limit of 35 reached; it opens again at 2026-03-03 00:00 UTC")
}
