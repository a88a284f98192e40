package postgres_test

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/chatelaine-go/chatelaine/accounts"
	"github.com/chatelaine-go/chatelaine/mail"
	"github.com/chatelaine-go/chatelaine/storage"
	"github.com/chatelaine-go/chatelaine/storage/internal/pgtest"
	"github.com/chatelaine-go/chatelaine/storage/postgres"
)

// Callers that go away at any moment of any call leave the state before or the state
// after, no lock, no transaction, no connection that is lent and no goroutine, and
// nobody is handed another's row (A101).
func TestStore_callersWhoLeave(t *testing.T) { //nolint:paralleltest // it counts goroutines
	for _, m := range []pgx.QueryExecMode{pgx.QueryExecModeCacheStatement, pgx.QueryExecModeExec} { //nolint:paralleltest // as above
		t.Run(m.String(), func(t *testing.T) {
			dsn := pgtest.Database(t)
			near := pooled(t, dsn, nil)
			require.NoError(t, near.Ping(t.Context()))
			before := goleak.IgnoreCurrent()
			proxy, err := pgtest.OpenProxy(t.Context(), dsn)
			require.NoError(t, err)
			p := pooled(t, proxy.DSN(dsn), inMode(m))
			st, err := postgres.New(t.Context(), p, nil)
			require.NoError(t, err)
			put(t, st, someAccount("a"))
			proxy.SetDelay(300 * time.Microsecond) // so that there are moments between
			const people, rounds = 8, 40
			var all sync.WaitGroup
			var left, stayed atomic.Int64
			for n := range people {
				all.Go(func() { leaves(t, st, n, rounds, &left, &stayed) })
			}
			all.Wait()
			require.Greater(t, left.Load(), int64(people), "nobody left")
			require.Greater(t, stayed.Load(), int64(people), "everybody left")
			proxy.SetDelay(0)

			require.Zero(t, one[int](t, near, `SELECT count(*) FROM chatelaine_users u WHERE (SELECT count(*) FROM chatelaine_mails m WHERE m.id = u.id) <> 1
				OR (SELECT count(*) FROM chatelaine_events e WHERE e.user_id = u.id) <> 1`), "a part of a change is there")
			require.Equal(t, one[int](t, near, "SELECT count(*) FROM chatelaine_users"), one[int](t, near, "SELECT count(*) FROM chatelaine_mails"))
			require.Eventually(t, func() bool {
				return one[int](t, near, `SELECT count(*) FROM pg_locks WHERE database = (SELECT oid FROM pg_database WHERE datname = current_database())
					AND pid <> pg_backend_pid()`) == 0
			}, 10*time.Second, 10*time.Millisecond, "a lock is left")
			require.Zero(t, one[int](t, near, `SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND state LIKE 'idle in%'`))
			require.Eventually(t, func() bool { return p.Stat().AcquiredConns() == 0 }, 10*time.Second, time.Millisecond, "a connection is lent")
			put(t, st, someAccount("b")) // the pool goes on
			p.Close()
			require.NoError(t, proxy.Close())
			goleak.VerifyNone(t, before)
		})
	}
}

// leaves makes calls and leaves at a random moment of each, and looks now and then
// whether an answer is the one that was asked for.
func leaves(t *testing.T, st storage.Storage, n, rounds int, left, stayed *atomic.Int64) {
	t.Helper()
	r := rand.New(rand.NewPCG(uint64(n), 7))
	for i := range rounds {
		id := fmt.Sprintf("u-%d-%d", n, i)
		c := of(someUser(id), someMail(id, mail.Reason("user/"+id)))
		c.Events[0].User = accounts.UserID(id)
		// From a part of a round trip to far more than a new connection takes.
		ctx, cancel := context.WithTimeout(t.Context(), time.Duration(100*math.Exp2(r.Float64()*13))*time.Microsecond)
		var err error
		switch i % 4 {
		case 0, 1:
			if err = st.ApplyAccess(ctx, c); err == nil {
				u, rerr := st.User(t.Context(), accounts.UserKey{ID: c.Users[0].ID})
				if rerr != nil || string(u.ID) != id {
					t.Errorf("asked for %s, which was acknowledged, and got %s: %v", id, u.ID, rerr)
				}
			}
		case 2:
			var u accounts.User
			if u, err = st.User(ctx, accounts.UserKey{ID: accounts.UserID(id[:len(id)-1])}); err == nil && string(u.ID) != id[:len(id)-1] {
				t.Errorf("asked for %s and got %s", id[:len(id)-1], u.ID)
			}
			if errors.Is(err, accounts.ErrNotFound) {
				err = nil
			}
		case 3:
			_, err = st.ClaimMail(ctx, mail.Claim{Channel: mail.Email, At: dawn, Lease: time.Hour, Limit: 1})
		}
		if err != nil && ctx.Err() == nil {
			t.Errorf("a call failed for another reason: %v", err)
		}
		if err != nil && errors.Is(err, accounts.ErrConflict) {
			t.Errorf("a caller who left is told of a conflict: %v", err)
		}
		if err != nil {
			left.Add(1)
		} else {
			stayed.Add(1)
		}
		cancel()
	}
}
