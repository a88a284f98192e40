package sqlite_test

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/chatelaine-go/chatelaine/access"
	"github.com/chatelaine-go/chatelaine/accounts"
)

// bulk is how many clients an agency brings along.
const bulk = 100_000

// asked is a question, and how many entries the answer has; 0 is any number.
type asked struct {
	name string
	q    accounts.ClientRecordQuery
	want int
}

// beside measures questions beside the first page of the whole list.
func (s *shelf) beside(b *testing.B, all ...asked) {
	b.Helper()
	for _, tt := range all {
		b.Run(tt.name, func(b *testing.B) {
			tt.q.Account = "agency"
			versus(b, func(int) error {
				all, err := s.st.ClientRecords(b.Context(), tt.q)
				if tt.want == 0 {
					return err
				}
				return want(len(all), tt.want, err)
			}, func(int) error {
				_, err := s.st.ClientRecords(b.Context(), accounts.ClientRecordQuery{Account: "agency"})
				return err
			})
		})
	}
}

// BenchmarkClientsImported is a page of what fits a search where clients came in
// any order, as from an import that says when each was made: nearly all of them
// came late. What stands in the place of "by hand" is the page of the whole list.
func BenchmarkClientsImported(b *testing.B) {
	order := rand.New(rand.NewPCG(1, 1)).Perm(bulk)
	s := stocked(b, bulk, func(i int) (accounts.Client, int) { return benchClient(order[i]), 1 })
	middle := accounts.ClientCursor{CreatedAt: made(bulk / 2), ID: clientName(bulk / 2)}
	suspended := []accounts.ClientStatus{accounts.ClientSuspended}
	s.beside(b,
		asked{"common", accounts.ClientRecordQuery{Search: "example"}, 50},
		asked{"common/middle", accounts.ClientRecordQuery{Search: "example", Before: middle}, 50},
		asked{"letters", accounts.ClientRecordQuery{Search: "an"}, 50},
		asked{"letter", accounts.ClientRecordQuery{Search: "a"}, 50},
		asked{"name", accounts.ClientRecordQuery{Search: "anna schmidt"}, 50},
		asked{"words", accounts.ClientRecordQuery{Search: "müller bakery 12"}, 0},
		asked{"rare", accounts.ClientRecordQuery{Search: "7919"}, 0},
		asked{"rarest", accounts.ClientRecordQuery{Search: fmt.Sprintf("%d@exam", bulk-7)}, 1},
		asked{"none", accounts.ClientRecordQuery{Search: "xyzzy"}, 0},
		asked{"status", accounts.ClientRecordQuery{Search: "example", Statuses: suspended}, 50},
	)
}

// BenchmarkClientsFiltered is the first page of the clients without sites, and
// of those with some, where nearly all are of one kind.
func BenchmarkClientsFiltered(b *testing.B) {
	leads, sited := []accounts.ClientStatus{accounts.ClientLead}, []accounts.ClientStatus{accounts.ClientSiteAssigned}
	for _, tt := range []struct {
		name         string
		given        int // how many sites nearly all have; ten have one, or none
		leads, sited int // the length of a page of each
	}{
		{name: "nearly all without", given: 0, leads: 50, sited: 10},
		{name: "nearly all with", given: 1, leads: 10, sited: 50},
	} {
		b.Run(tt.name, func(b *testing.B) {
			s := stocked(b, bulk, func(i int) (accounts.Client, int) {
				r := benchClient(i)
				r.SuspendedAt, r.ActiveAt, r.InvitedAt = time.Time{}, time.Time{}, time.Time{}
				if i%(bulk/10) == 0 {
					return r, 1 - tt.given
				}
				return r, tt.given
			})
			s.beside(b,
				asked{"leads", accounts.ClientRecordQuery{Statuses: leads}, tt.leads},
				asked{"with sites", accounts.ClientRecordQuery{Statuses: sited}, tt.sited},
				asked{"both", accounts.ClientRecordQuery{Statuses: append(leads, sited...)}, 50},
				asked{"leads, searched", accounts.ClientRecordQuery{Statuses: leads, Search: "example"}, tt.leads},
				asked{"with sites, searched", accounts.ClientRecordQuery{Statuses: sited, Search: "example"}, tt.sited},
			)
			if tt.given == 1 {
				s.removal(b)
			}
		})
	}
}

// removal is that a site is removed that one in 500 of the clients has, beside
// one that is renamed.
func (s *shelf) removal(b *testing.B) {
	b.Helper()
	versions := [2]int64{1, 1}
	write := func(k int, removed time.Time) error {
		site := accounts.Site{Name: fmt.Sprint("Site ", k, versions[k]), CreatedAt: made(k), RemovedAt: removed, Version: versions[k]}
		site.Account, site.ID = "agency", accounts.SiteID(fmt.Sprintf("s%03d", k))
		versions[k]++
		return s.st.ApplyAccounts(b.Context(), change(fmt.Sprint("site", k, versions[k]), func(c *access.Change) { c.Sites = []accounts.Site{site} }).Change)
	}
	b.Run("a site is removed, or comes back", func(b *testing.B) {
		versus(b, func(i int) error {
			if i%2 == 0 {
				return write(0, noon)
			}
			return write(0, time.Time{})
		}, func(int) error { return write(1, time.Time{}) })
	})
}
