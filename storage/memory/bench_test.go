package memory_test

import (
	"fmt"
	"runtime"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/chatelaine-go/chatelaine/access"
	"github.com/chatelaine-go/chatelaine/accounts"
	"github.com/chatelaine-go/chatelaine/mail"
	"github.com/chatelaine-go/chatelaine/roles"
	"github.com/chatelaine-go/chatelaine/storage/memory"
)

// nodes returns a store with an agency, a colleague in it, and n accounts,
// each with an owner.
func nodes(tb testing.TB, n int) *memory.Store {
	tb.Helper()
	st := memory.New()
	c := change("nodes", agency("ag"), user("u"), member("ag", "u", roles.Admin), session("s", "u"))
	for i := range n {
		c.Accounts = append(c.Accounts, account(client(i), fmt.Sprintf("Client %06d", i)))
		c.Users = append(c.Users, user(fmt.Sprintf("owner-%024d", i)))
	}
	require.NoError(tb, st.ApplyAccess(tb.Context(), c))
	return st
}

// client returns an id as long as the ones that are made by default.
func client(i int) string { return fmt.Sprintf("client-%029d", i) }

func members(n int) access.Change {
	c := change("members")
	for i := range n {
		c.Memberships = append(c.Memberships, member(client(i), fmt.Sprintf("owner-%024d", i), roles.Owner))
	}
	return c
}

func connections(n int) access.Change {
	c := change("connections")
	for i := range n {
		c.Connections = append(c.Connections, connection(client(i), "ag"))
	}
	return c
}

func assignments(n int) access.Change {
	c := change("assignments")
	for i := range n {
		c.Assignments = append(c.Assignments, assignment(client(i), "ag", "u"))
	}
	return c
}

// world returns a store with an agency of n clients, all of which one
// colleague is assigned to.
func world(tb testing.TB, n int) *memory.Store {
	tb.Helper()
	st := nodes(tb, n)
	for _, c := range []access.Change{members(n), connections(n), assignments(n)} {
		require.NoError(tb, st.ApplyAccess(tb.Context(), c))
	}
	return st
}

func heap() uint64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.GC()
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

// An edge of the graph takes at most 200 bytes, its places in the indexes
// included, with 100,000 of each kind and one account for each. What is
// measured is the heap that stays behind when the change is gone.
//
//nolint:paralleltest // others would be measured too
func TestStore_bytesPerEdge(t *testing.T) {
	const n, most = 100_000, 200
	st := nodes(t, n)
	for _, kind := range []struct {
		name string
		make func(int) access.Change
	}{{"membership", members}, {"connection", connections}, {"assignment", assignments}} {
		before := heap()
		require.NoError(t, st.ApplyAccess(t.Context(), kind.make(n)))
		after := heap()
		each := float64(int64(after)-int64(before)) / n
		t.Logf("%.1f bytes for each %s", each, kind.name)
		require.LessOrEqual(t, each, float64(most), kind.name)
		require.Greater(t, each, float64(50), "what was measured is not the edges")
	}
	runtime.KeepAlive(st)
}

// One standing takes at most two allocations: the answer, and its routes.
//
//nolint:paralleltest // testing.AllocsPerRun does not run beside others
func TestStore_Standings_allocations(t *testing.T) {
	st := world(t, 1000)
	keys := []accounts.StandingKey{{User: "u", Account: accounts.AccountID(client(500))}}
	allocs := testing.AllocsPerRun(100, func() {
		list, err := st.Standings(t.Context(), keys)
		if err != nil || len(list[0].Routes) != 1 {
			t.Error("no standing", err)
		}
	})
	require.LessOrEqual(t, allocs, 2.0)
	allocs = testing.AllocsPerRun(100, func() {
		a, err := st.Admission(t.Context(), hash("session s"), keys[0].Account)
		if err != nil || len(a.Standing.Routes) != 1 {
			t.Error("no admission", err)
		}
	})
	require.LessOrEqual(t, allocs, 2.0)
}

func BenchmarkStore(b *testing.B) {
	for _, n := range []int{1_000, 100_000} {
		st := world(b, n)
		ctx := b.Context()
		at := func(i int) accounts.AccountID { return accounts.AccountID(client(i * 7919 % n)) }
		run := func(name string, do func(i int) error) {
			b.Run(fmt.Sprintf("%s/%d", name, n), func(b *testing.B) {
				b.ReportAllocs()
				for i := 0; b.Loop(); i++ {
					if err := do(i); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
		hot := []accounts.StandingKey{{User: "u", Account: at(1)}}
		run("Standings hot", func(int) error {
			_, err := st.Standings(ctx, hot)
			return err
		})
		key := []accounts.StandingKey{{User: "u"}}
		ids := make([]accounts.AccountID, n)
		for i := range ids {
			ids[i] = at(i)
		}
		run("Standings anywhere", func(i int) error {
			key[0].Account = ids[i%n]
			_, err := st.Standings(ctx, key)
			return err
		})
		secret := hash("session s")
		run("Admission", func(i int) error {
			_, err := st.Admission(ctx, secret, ids[i%n])
			return err
		})
		first := accounts.ReachQuery{User: "u", Proof: accounts.AnyLogin()}
		run("Reach first page", func(int) error {
			_, err := st.Reach(ctx, first)
			return err
		})
		deep := first
		deep.After = accounts.ReachCursor{
			NameKey: fmt.Sprintf("client %06d", n*9/10), Account: accounts.AccountID(client(n * 9 / 10)),
		}
		run("Reach deep page", func(int) error {
			page, err := st.Reach(ctx, deep)
			if len(page) != 50 {
				b.Fatal(len(page))
			}
			return err
		})
		run("Connections deep page", func(int) error {
			_, err := st.Connections(ctx, accounts.ConnectionQuery{
				Agency: "ag", After: accounts.ConnectionCursor{NameKey: deep.After.NameKey, Account: deep.After.Account},
			})
			return err
		})
		serial := 0
		run("Apply 35 requests", func(int) error {
			serial++
			return st.ApplyAccess(ctx, batch(serial))
		})
		run("Apply rename of a client", func(i int) error {
			a, err := st.Account(ctx, ids[i%n])
			if err != nil {
				return err
			}
			serial++
			a.Name = fmt.Sprintf("Client %06d", (serial*7919)%n)
			return st.ApplyAccounts(ctx, change(fmt.Sprint("rename ", serial), a).Change)
		})
	}
}

// batch is what sending 35 requests changes.
func batch(serial int) access.Change {
	op := fmt.Sprint("batch ", serial)
	at := start.Add(time.Duration(serial) * time.Millisecond)
	day := accounts.Day(serial)
	c := change(op, accounts.Guard{Account: "ag", Version: 1}, accounts.Spend{
		QuotaKey: accounts.QuotaKey{Kind: accounts.QuotaRequests, Subject: "ag", Day: day}, N: 35, Limit: 35,
	})
	c.Events = nil
	for i := range 35 {
		id := fmt.Sprintf("%s-%d", op, i)
		r := request("ag", id, id+"@example.com")
		r.CreatedAt = at
		l := letter(id, mail.Reason("agency/ag/request/"+id))
		c.Requests, c.Mail = append(c.Requests, r), append(c.Mail, l)
		c.Events = append(c.Events, event(op, i+1, "ag", at))
		c.Spend = append(c.Spend, accounts.Spend{
			QuotaKey: accounts.QuotaKey{Kind: accounts.QuotaRecipient, Subject: id, Day: day}, N: 1, Limit: 5,
		})
	}
	return c
}
