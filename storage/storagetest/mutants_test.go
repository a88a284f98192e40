package storagetest_test

import (
	"context"
	"errors"
	"fmt"
	"math"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/chatelaine-go/chatelaine/access"
	"github.com/chatelaine-go/chatelaine/accounts"
	"github.com/chatelaine-go/chatelaine/invites"
	"github.com/chatelaine-go/chatelaine/mail"
	"github.com/chatelaine-go/chatelaine/storage"
	"github.com/chatelaine-go/chatelaine/storage/storagetest"
)

// mutant is a store that breaks one rule on purpose.
type mutant struct {
	storage.Storage

	apply  func(ctx context.Context, st storage.Storage, c storagetest.Change) error
	events func(got []accounts.EventDelivery) []accounts.EventDelivery
	mails  func(c mail.Claim) mail.Claim
	search func(s string) string
	page   func(limit int) int
	lasts  bool // goes on when the context is over
	sweeps bool // erases everything at once, whatever the limit

	below storage.Storage // the store that is unbroken
	over  func(st storage.Storage) storage.Storage
}

func (m *mutant) broken(st storage.Storage) storage.Storage {
	if m.over == nil {
		return st
	}
	return m.over(st)
}

func (m *mutant) ctx(ctx context.Context) context.Context {
	if m.lasts {
		return context.WithoutCancel(ctx)
	}
	return ctx
}

func (m *mutant) ApplyAccounts(ctx context.Context, c accounts.Change) error {
	return m.change(ctx, storagetest.Change{Change: access.Change{Change: c}})
}

func (m *mutant) ApplyAccess(ctx context.Context, c access.Change) error {
	return m.change(ctx, storagetest.Change{Change: c})
}

func (m *mutant) ApplyInvites(ctx context.Context, c invites.Change) error {
	return m.change(ctx, storagetest.Change{
		Change: access.Change{Change: c.Change}, Invitations: c.Invitations, SetupLinks: c.SetupLinks,
	})
}

func (m *mutant) change(ctx context.Context, c storagetest.Change) error {
	if m.apply != nil {
		return m.apply(ctx, m.Storage, c)
	}
	return storagetest.Apply(m.ctx(ctx), m.Storage, c)
}

func (m *mutant) ClaimEvents(ctx context.Context, c accounts.EventClaim) ([]accounts.EventDelivery, error) {
	got, err := m.Storage.ClaimEvents(ctx, c)
	if m.events != nil {
		got = m.events(got)
	}
	return got, err
}

func (m *mutant) ClaimMail(ctx context.Context, c mail.Claim) ([]mail.Delivery, error) {
	if m.mails != nil {
		c = m.mails(c)
	}
	return m.Storage.ClaimMail(ctx, c)
}

func (m *mutant) Members(ctx context.Context, q accounts.MemberQuery) ([]accounts.Member, error) {
	if m.search != nil {
		q.Search = m.search(q.Search)
	}
	if m.page != nil {
		q.Limit = m.page(q.Limit)
	}
	return m.Storage.Members(ctx, q)
}

func (m *mutant) Sweep(ctx context.Context, before storage.SweepBefore, limit int) (int, error) {
	if m.sweeps {
		limit = 0
	}
	return m.Storage.Sweep(ctx, before, limit)
}

// stripped applies a change without something.
func stripped(strip func(c *storagetest.Change)) func(context.Context, storage.Storage, storagetest.Change) error {
	return func(ctx context.Context, st storage.Storage, c storagetest.Change) error {
		strip(&c)
		return storagetest.Apply(ctx, st, c)
	}
}

// part returns a change of its own with what was kept of another.
func part(of storagetest.Change, kept accounts.Change) storagetest.Change {
	kept.Op = "part-" + of.Op
	kept.Events = []accounts.Event{{Op: kept.Op, Seq: 1, At: time.Unix(1, 0).UTC()}}
	return storagetest.Change{Change: access.Change{Change: kept}}
}

// Every rule of the suite has to be able to fail: a store that breaks one is
// caught by the check that is named for it, and the failure names the rule and
// why it matters.
func TestTest_Mutants(t *testing.T) {
	t.Parallel()
	const nothing = "nothing of a change is there when it has "
	caught(t, []mutation{
		{"a store that ignores guards", func() mutant {
			return mutant{apply: stripped(func(c *storagetest.Change) { c.Guards = nil })}
		}, "guards", []string{"moved conflicts with held that read before it", "moved conflicts with moved that read before it"}, true},
		{"a store that moves no version for a guard", func() mutant {
			return mutant{apply: stripped(func(c *storagetest.Change) {
				c.Guards = append([]accounts.Guard(nil), c.Guards...)
				for i := range c.Guards {
					c.Guards[i].Move = false
				}
			})}
		}, "races", []string{"of two who read two owners one demotes"}, true},
		{"a store that forgets cancelled mail", func() mutant {
			return mutant{apply: stripped(func(c *storagetest.Change) { c.CancelMail = nil })}
		}, "outbox", []string{"cancelled mail is never sent, also when it was leased", "a change cancels before it queues"}, true},
		{"a store that writes a change partly", func() mutant {
			return mutant{apply: func(ctx context.Context, st storage.Storage, c storagetest.Change) error {
				err := storagetest.Apply(ctx, st, c)
				if errors.Is(err, accounts.ErrConflict) {
					_ = storagetest.Apply(ctx, st, part(c, accounts.Change{Mail: c.Mail}))
				}
				return err
			}}
		}, "atomicity", []string{nothing + "a stale guard", nothing + "a session with another's secret", nothing + "an event that is there"}, true},
		{"a store that spends although the change fails", func() mutant {
			return mutant{apply: func(ctx context.Context, st storage.Storage, c storagetest.Change) error {
				err := storagetest.Apply(ctx, st, c)
				if err != nil {
					_ = storagetest.Apply(ctx, st, part(c, accounts.Change{Spend: c.Spend}))
				}
				return err
			}}
		}, "atomicity", []string{nothing + "a stale user"}, true},
		{"a store that knows no limits", func() mutant {
			return mutant{apply: stripped(func(c *storagetest.Change) {
				c.Spend = append([]accounts.Spend(nil), c.Spend...)
				for i := range c.Spend {
					c.Spend[i].Limit = math.MaxInt
				}
			})}
		}, "races", []string{"of many spends exactly as many as the limit win", "of two who read the same rest of a quota one gets it"}, true},
		{"a store where the last writer wins", func() mutant {
			return mutant{apply: func(ctx context.Context, st storage.Storage, c storagetest.Change) error {
				c.Users = append([]accounts.User(nil), c.Users...)
				for i := range c.Users {
					if u, err := st.User(ctx, accounts.UserKey{ID: c.Users[i].ID}); err == nil {
						c.Users[i].Version = u.Version
					}
				}
				return storagetest.Apply(ctx, st, c)
			}}
		}, "versions", []string{"a row that changed since it was read is not replaced", "a row that is there is not inserted again"}, true},
		{"a store that takes the same operation twice", func() mutant {
			var n atomic.Int64
			return mutant{apply: stripped(func(c *storagetest.Change) {
				c.Op = accounts.OpID(fmt.Sprint(n.Add(1)))
				c.Events = append([]accounts.Event(nil), c.Events...)
				for i := range c.Events {
					c.Events[i].Op = c.Op
				}
			})}
		}, "atomicity", []string{"applying a change twice makes it once"}, true},
		{"a store that reports success for a conflict", func() mutant {
			return mutant{apply: func(ctx context.Context, st storage.Storage, c storagetest.Change) error {
				if err := storagetest.Apply(ctx, st, c); !errors.Is(err, accounts.ErrConflict) {
					return err
				}
				return nil
			}}
		}, "uniqueness", []string{"there is one connection of a client and an agency", "there is one pending request of an agency to an address"}, true},
		{"a store that does not know a field", func() mutant {
			return mutant{apply: stripped(func(c *storagetest.Change) { c.Touches = nil })}
		}, "versions", []string{"a touch moves last use forward, never back, and no version"}, true},
		{"a store that keeps milliseconds", func() mutant {
			return mutant{apply: stripped(func(c *storagetest.Change) {
				c.Users = append([]accounts.User(nil), c.Users...)
				for i := range c.Users {
					c.Users[i].CreatedAt = c.Users[i].CreatedAt.Truncate(time.Millisecond)
				}
			})}
		}, "rows", []string{"every field of a written row comes back as it was"}, true},
		{"a store that keeps local times", func() mutant {
			return mutant{over: func(st storage.Storage) storage.Storage { return local{st} }}
		}, "rows", []string{"every field of a written row comes back as it was"}, true},
		{"a feed that follows a position", func() mutant {
			var mu sync.Mutex
			var last time.Time
			return mutant{events: func(got []accounts.EventDelivery) []accounts.EventDelivery {
				mu.Lock()
				defer mu.Unlock()
				var newer []accounts.EventDelivery
				for _, d := range got {
					if !d.Event.At.Before(last) {
						newer, last = append(newer, d), d.Event.At
					}
				}
				return newer
			}}
		}, "feed", []string{"an event that commits late behind one that was taken is delivered"}, true},
		{"an outbox that forgets its leases", func() mutant {
			return mutant{mails: func(c mail.Claim) mail.Claim { c.Lease = 0; return c }}
		}, "outbox leases", []string{
			"a lease hides a message until it ends, and no longer", "eight dispatchers at once never share a delivery, and lose none",
		}, true},
		{"an outbox that is a microsecond early", func() mutant {
			return mutant{mails: func(c mail.Claim) mail.Claim { c.At = c.At.Add(time.Microsecond); return c }}
		}, "outbox", []string{"mail that is due is claimed by priority, then due, then id"}, false},
		{"a search with wildcards", func() mutant {
			return mutant{search: func(s string) string { return strings.ReplaceAll(s, "%", "") }}
		}, "search", []string{"a search finds exactly the names that contain it"}, true},
		{"a page that has one entry more", func() mutant {
			return mutant{page: func(n int) int { return n + 1 }}
		}, "pages", []string{"pages of members have no gaps and no repeats, whatever their size"}, true},
		{"a store that goes on when the caller has gone", func() mutant {
			return mutant{lasts: true}
		}, "cancelled contexts", []string{"a context that is over gives an error that reads as no decision, and no effect"}, false},
		{"a sweep that knows no limit", func() mutant {
			return mutant{sweeps: true}
		}, "sweep", []string{"a sweep stops at its limit, and goes on with the next call"}, false},
	})
}

// mutation is a store that breaks a rule, and the rules that find it out.
type mutation struct {
	name  string
	given func() mutant
	part  string
	rules []string
	plays bool // random operations find it as well
}

func caught(t *testing.T, list []mutation) {
	t.Helper()
	for _, tt := range list {
		t.Run(tt.name+" is caught", func(t *testing.T) {
			t.Parallel()
			h := mutated(tt.given)
			for _, rule := range tt.rules {
				said := storagetest.Failure(t, h, tt.part, rule)
				require.Contains(t, said, "broken rule: "+rule+"\nwhy it matters: ")
				require.Empty(t, storagetest.Failure(t, storagetest.ModelHarness(), tt.part, rule), "the unbroken model")
			}
			if tt.plays {
				require.Contains(t, storagetest.Played(t, h, 5000), "-storagetest.seed=1", "random operations find it, and say how to repeat them")
			}
		})
	}
}

// mutated breaks the plain model, in transactions too.
func mutated(given func() mutant) storagetest.Harness {
	plain := storagetest.ModelHarness()
	return storagetest.Harness{
		Open: func(t *testing.T) storage.Storage {
			t.Helper()
			m := given()
			m.below = plain.Open(t)
			m.Storage = m.broken(m.below)
			return &m
		},
		Begin: func(t *testing.T, st storage.Storage) storagetest.Tx {
			t.Helper()
			broken, _ := st.(*mutant)
			inside := *broken
			tx := plain.Begin(t, broken.below)
			inside.Storage = inside.broken(tx.Store())
			return mutantTx{tx, &inside}
		},
	}
}

type mutantTx struct {
	storagetest.Tx

	st storage.Storage
}

func (t mutantTx) Store() storage.Storage { return t.st }

// looseTx is a transaction that holds nothing together.
type looseTx struct{ st storage.Storage }

func (t looseTx) Store() storage.Storage { return t.st }
func (looseTx) Commit() error            { return nil }
func (looseTx) Rollback() error          { return nil }

// A store whose joined changes do not wait for the host's commit is caught, and
// so is one that does not say that the whole transaction must be repeated.
func TestTest_JoinedMutants(t *testing.T) {
	t.Parallel()
	h := storagetest.ModelHarness()
	h.Begin = func(_ *testing.T, st storage.Storage) storagetest.Tx { return looseTx{st} }
	for _, rule := range []string{
		"what a joined store applied is seen inside, and outside from the commit on",
		"what a joined store applied is gone after a rollback",
		"a conflict inside matches ErrConflict and ErrRepeat, and one outside never ErrRepeat",
		"mail and events of a transaction appear with its commit, and not before",
		"a claim in a transaction that is rolled back leased nothing",
	} {
		require.Contains(t, storagetest.Failure(t, h, "joined", rule), "broken rule: "+rule)
	}
}

// No error ever comes with an answer (I-31): a store that returns a full value
// beside a refusal is caught.
func TestTest_AnswerBesideError(t *testing.T) {
	t.Parallel()
	h := storagetest.ModelHarness()
	open := h.Open
	h.Open = func(t *testing.T) storage.Storage { t.Helper(); return talkative{open(t)} }
	const rule = "what is not there is ErrNotFound, and comes without an answer"
	require.Contains(t, storagetest.Failure(t, h, "readers", rule), "broken rule: "+rule)
}

// local tells when an account was made as its own clock says it.
type local struct{ storage.Storage }

func (l local) Account(ctx context.Context, id accounts.AccountID) (accounts.Account, error) {
	a, err := l.Storage.Account(ctx, id)
	if err == nil {
		a.CreatedAt = a.CreatedAt.In(time.FixedZone("here", 3600))
	}
	return a, err
}

type talkative struct{ storage.Storage }

func (s talkative) Account(ctx context.Context, id accounts.AccountID) (accounts.Account, error) {
	a, err := s.Storage.Account(ctx, id)
	a.ID = id
	return a, err
}
