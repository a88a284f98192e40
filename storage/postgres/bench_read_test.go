package postgres_test

import (
	"fmt"
	"testing"

	"github.com/chatelaine-go/chatelaine/accounts"
	"github.com/chatelaine-go/chatelaine/storage/postgres"
)

// benchPrincipal is what each request of a page asks, as a member and as a
// delegate, beside its one statement sent bare.
func benchPrincipal(b *testing.B, s *stage) {
	b.Helper()
	hash := hashed("manager")
	for _, tt := range []struct {
		name    string
		account accounts.AccountID
	}{{"member", "agency"}, {"delegate", accounts.AccountID(fmt.Sprintf("client-%06d", s.n/2))}} {
		b.Run(tt.name, func(b *testing.B) {
			bare := s.bare(b, func(st *postgres.Store) error {
				_, err := st.Admission(b.Context(), hash, tt.account)
				return err
			})
			s.against(b, func(int) error {
				p, err := s.sessions.Principal(b.Context(), s.secret, tt.account)
				if err == nil && p.None() {
					err = accounts.ErrNotFound
				}
				return err
			}, func(int) error {
				n, err := bare()
				return got(n, 1, err)
			})
		})
	}
}

// benchReach is a page of 50 of the chooser of somebody who can enter every
// client account: the first, and the last.
func benchReach(b *testing.B, s *stage) {
	b.Helper()
	last := fmt.Sprintf("%06d", s.n-51)
	for _, tt := range []struct {
		name string
		q    accounts.ReachQuery
	}{
		{"first", accounts.ReachQuery{}},
		{"last", accounts.ReachQuery{After: accounts.ReachCursor{NameKey: "client " + last, Account: accounts.AccountID("client-" + last), Agency: "agency"}}},
	} {
		b.Run(tt.name, func(b *testing.B) {
			tt.q.User, tt.q.Proof = "manager", accounts.AnyLogin()
			ask := func(st *postgres.Store) error {
				page, err := st.Reach(b.Context(), tt.q)
				return got(len(page), 50, err)
			}
			bare := s.bare(b, ask)
			s.against(b, func(int) error { return ask(s.st) }, func(int) error {
				n, err := bare()
				return got(n, 50, err)
			})
		})
	}
}

// shelves are pages of an agency's client records, and how many entries each has;
// -1 is any number.
func (x *town) shelves() []shelf {
	middle := accounts.ClientCursor{CreatedAt: recorded(x.n / 2), ID: recordID(x.n / 2)} // page 1,000 of 100,000
	last := accounts.ClientCursor{CreatedAt: recorded(50), ID: recordID(50)}
	active := []accounts.ClientStatus{accounts.ClientActive}
	suspended := []accounts.ClientStatus{accounts.ClientSuspended}
	return []shelf{
		{"first", accounts.ClientRecordQuery{}, 50},
		{"page 1000", accounts.ClientRecordQuery{Before: middle}, 50},
		{"last", accounts.ClientRecordQuery{Before: last}, 50},
		{"status", accounts.ClientRecordQuery{Statuses: active}, 50},
		{"statuses, page 1000", accounts.ClientRecordQuery{Statuses: append(active, suspended...), Before: middle}, 50},
		{"search common", accounts.ClientRecordQuery{Search: "example"}, 50},
		{"search common, page 1000", accounts.ClientRecordQuery{Search: "example", Before: middle}, 50},
		{"search letter", accounts.ClientRecordQuery{Search: "a"}, 50},
		{"search letters", accounts.ClientRecordQuery{Search: "an"}, 50},
		{"search name", accounts.ClientRecordQuery{Search: "anna schmidt"}, -1},
		{"search middle", accounts.ClientRecordQuery{Search: "bakery 12"}, -1},
		{"search clustered", accounts.ClientRecordQuery{Search: "vogelsang"}, -1},
		{"search words", accounts.ClientRecordQuery{Search: "müller bakery 12"}, -1},
		{"search rare", accounts.ClientRecordQuery{Search: "7919"}, -1},
		{"search rarest", accounts.ClientRecordQuery{Search: fmt.Sprintf("%d@exam", x.n-7)}, -1},
		{"search none", accounts.ClientRecordQuery{Search: "xyzzy"}, 0},
		{"search common in a status", accounts.ClientRecordQuery{Search: "example", Statuses: suspended}, -1},
		{"search clustered in a status", accounts.ClientRecordQuery{Search: "vogelsang", Statuses: suspended}, -1},
		{"search rare in a status", accounts.ClientRecordQuery{Search: "7919", Statuses: active}, -1},
	}
}

type shelf struct {
	name string
	q    accounts.ClientRecordQuery
	want int
}

// benchClientPage is a page of 50 of an agency's client records, beside its one
// statement sent bare.
func benchClientPage(b *testing.B, s *stage) {
	b.Helper()
	for _, tt := range s.shelves() {
		b.Run(tt.name, func(b *testing.B) {
			tt.q.Account = "agency"
			ask := func(st *postgres.Store) error {
				page, err := st.ClientRecords(b.Context(), tt.q)
				return got(len(page), tt.want, err)
			}
			bare := s.bare(b, ask)
			s.against(b, func(int) error { return ask(s.st) }, func(int) error {
				n, err := bare()
				return got(n, tt.want, err)
			})
		})
	}
}
