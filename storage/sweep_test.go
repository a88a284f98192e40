package storage_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/chatelaine-go/chatelaine/accounts"
	"github.com/chatelaine-go/chatelaine/storage"
)

// A regular sweep spares today's and yesterday's counters, whatever the clocks
// of the processes say, so that no limit is lifted by it (A79).
func TestSweepAt(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, time.March, 2, 0, 0, 0, 1000, time.UTC)
	limits := accounts.DefaultLimits()
	old := at.Add(-90 * 24 * time.Hour)
	require.Equal(t, storage.SweepBefore{
		Sessions: old, Sources: old, Replies: at, Quotas: accounts.DayOf(at) - 1, Mail: old, Texts: at,
		Views: old, Tickets: at, Guesses: at.Add(-30 * 24 * time.Hour),
	}, storage.SweepAt(at, limits))
}
