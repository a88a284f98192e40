package accounts_test

import (
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/benbjohnson/clock"
	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/chatelaine-go/chatelaine/accounts"
)

// An id is 1 to 64 printable ASCII characters without spaces, so that a host
// keeps the ids it has.
func TestCheckID(t *testing.T) {
	t.Parallel()

	for _, id := range []string{"4", "42", "0190b5a2-7f00-7000-8000-000000000000", "!~", strings.Repeat("x", 64)} {
		require.NoError(t, accounts.CheckID("user", accounts.UserID(id)), "%q", id)
	}
	for id, why := range map[string]string{
		"":                      "is missing",
		strings.Repeat("x", 65): "is longer than 64 bytes",
		"a b":                   "not printable ASCII",
		" a":                    "not printable ASCII",
		"a\x00":                 "not printable ASCII",
		"a\x7f":                 "not printable ASCII",
		"a\n":                   "not printable ASCII",
		"ä":                     "not printable ASCII",
		"\xff":                  "not printable ASCII",
	} {
		err := accounts.CheckID("agency", accounts.AccountID(id))
		require.Equal(t, "agency", field(t, err))
		require.ErrorContains(t, err, why, "%q", id)
	}
}

// ids returns the environment's own source.
func ids(t *testing.T, at time.Time) *accounts.Env {
	t.Helper()
	c := clock.NewMock()
	c.Set(at)
	env, err := accounts.NewEnv(&accounts.EnvOptions{Clock: c})
	require.NoError(t, err)
	return env
}

// The default source makes UUIDs of version 7 that carry the injected time.
func TestNewID_uuid(t *testing.T) {
	t.Parallel()

	env := ids(t, start)
	id, err := uuid.Parse(env.NewID(start))
	require.NoError(t, err)
	require.Equal(t, uuid.Version(7), id.Version())
	require.Equal(t, uuid.RFC4122, id.Variant())
	ms := int64(0)
	for _, b := range id[:6] {
		ms = ms<<8 | int64(b)
	}
	require.Equal(t, start.UnixMilli(), ms)
	require.NoError(t, accounts.CheckID("id", accounts.UserID(id.String())))
}

// Ids ascend as text: with the clock, while it stands still, and when it is
// set back (A102).
func TestNewID_ascends(t *testing.T) {
	t.Parallel()

	env := ids(t, start)
	at, last := start, ""
	for i := range 20000 {
		switch {
		case i%5000 == 4999:
			at = at.Add(-time.Hour)
		case i%10 == 0:
			at = at.Add(time.Microsecond)
		}
		id := env.NewID(at)
		require.Less(t, last, id)
		last = id
	}
	require.Less(t, last, env.NewID(start.Add(time.Hour)))
}

// No id is made twice, by many at once at one moment (I-20).
func TestNewID_unique(t *testing.T) {
	t.Parallel()

	const workers, each = 20, 5000
	env := ids(t, start)
	made := make([][]string, workers)
	var wg sync.WaitGroup
	for i := range made {
		wg.Go(func() {
			for range each {
				made[i] = append(made[i], env.NewID(start))
			}
		})
	}
	wg.Wait()
	for _, list := range made {
		require.True(t, slices.IsSorted(list))
	}
	all := slices.Concat(made...)
	slices.Sort(all)
	require.Len(t, slices.Compact(all), workers*each)
}

// The time of an operation is UTC in whole microseconds, whatever zone the
// clock tells (A102).
func TestEnv_now(t *testing.T) {
	t.Parallel()

	zone := time.FixedZone("somewhere", -7*3600)
	env := ids(t, time.Date(2026, 3, 1, 23, 59, 59, 999_999_999, zone))
	require.Equal(t, time.Date(2026, 3, 2, 6, 59, 59, 999_999_000, time.UTC), env.Now())
	require.Equal(t, time.UTC, env.Now().Location())
}
