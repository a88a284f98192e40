package sqlite_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/chatelaine-go/chatelaine/access"
	"github.com/chatelaine-go/chatelaine/accounts"
	"github.com/chatelaine-go/chatelaine/roles"
	ours "github.com/chatelaine-go/chatelaine/storage/sqlite"
)

// A list of clients is what accounts says of each of them, whatever was written
// when: it has those whose status and text fit, newest first, in pages of any
// length. Rows come in the order of the list and out of it, wait for the index
// and are in it, change their words, go and come back.
func TestStore_ClientRecords_random(t *testing.T) {
	t.Parallel()
	for seed := range uint64(6) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			t.Parallel()
			st, path := fresh(t, nil)
			db := handle(t, "file:"+path+hostDSN, 0)
			w := newRecords(t, st, rand.New(rand.NewPCG(seed, 1)))
			for range 60 {
				w.write(t)
				w.fail(t)
				w.ask(t)
				sitedIsRight(t, db)
			}
		})
	}
}

// Once a client is deleted, or erased, the index of words has nothing of them, and
// nothing of them waits for it (A76).
func TestStore_words_of_the_deleted(t *testing.T) {
	t.Parallel()
	st, path := fresh(t, nil)
	db := handle(t, "file:"+path+hostDSN, 0)
	someone := func(i int) accounts.Client {
		r := accounts.Client{FirstName: "Zoe", Email: accounts.Email(fmt.Sprintf("anna%d@example.com", i)), CreatedAt: noon}
		r.Account, r.ID = "a", accounts.ClientID(fmt.Sprintf("c%03d", i))
		return r
	}
	left := func() (n int) {
		for _, table := range []string{"client_words", "client_fresh"} {
			var rows int
			require.NoError(t, db.QueryRowContext(t.Context(), "SELECT count(*) FROM chatelaine_"+table).Scan(&rows))
			n += rows
		}
		return n
	}
	const all = 100 // some are in the index, and some wait
	apply(t, st, change("made", func(c *access.Change) {
		c.Accounts = []accounts.Account{account("a")}
		for i := range 70 {
			c.Clients = append(c.Clients, someone(i))
		}
	}))
	apply(t, st, change("more", func(c *access.Change) {
		for i := 70; i < all; i++ {
			c.Clients = append(c.Clients, someone(i))
		}
	}))
	require.Equal(t, all, left())
	_, err := db.ExecContext(t.Context(), "CREATE VIRTUAL TABLE temp.pieces USING fts5vocab(main, chatelaine_client_words, row)")
	require.NoError(t, err)
	having := func(piece string) (n int) {
		require.NoError(t, db.QueryRowContext(t.Context(), "SELECT coalesce(sum(doc), 0) FROM temp.pieces WHERE term LIKE ?", fmt.Sprintf("%%%x", piece)).Scan(&n))
		return n
	}
	require.Equal(t, 70, having("zoe"))
	apply(t, st, change("renamed", func(c *access.Change) {
		for i := range 70 {
			r := someone(i)
			r.Version, r.FirstName = 1, "Bob"
			c.Clients = append(c.Clients, r)
		}
	}))
	require.Equal(t, 70, having("bob"))
	require.Equal(t, 30, having("zoe"), "who was renamed has the old name no more")
	apply(t, st, change("renamed again", func(c *access.Change) {
		for i := 90; i < all; i++ {
			r := someone(i)
			r.Version, r.FirstName = 1, "Bob"
			c.Clients = append(c.Clients, r)
		}
	}))
	require.Equal(t, all+10, left(), "ten wait, and are there under the old name until then")
	apply(t, st, change("gone", func(c *access.Change) {
		for i := 0; i < all; i += 2 {
			r := someone(i)
			r.Version, r.DeletedAt, r.FirstName, r.Email = 1, noon, "", ""
			if i < 70 || i >= 90 {
				r.Version = 2
			}
			c.Clients = append(c.Clients, r)
		}
	}))
	require.Equal(t, all/2+5, left())
	ended := func(r accounts.Client, version int64) accounts.Client {
		r.Version, r.DeletedAt, r.FirstName, r.Email, r.User = version, noon, "", "", ""
		return r
	}
	apply(t, st, change("erased", func(c *access.Change) {
		for i := 1; i < all; i += 2 {
			r := someone(i)
			c.Forget = append(c.Forget, accounts.Forget{Email: r.Email})
			version := int64(1)
			if i < 70 || i >= 90 {
				version = 2
			}
			c.Clients = append(c.Clients, ended(r, version))
		}
	}))
	require.Zero(t, left())

	theirs := someone(all)
	theirs.User = "u"
	apply(t, st, change("theirs", func(c *access.Change) {
		c.Users, c.Clients = []accounts.User{user("u")}, []accounts.Client{theirs}
	}))
	person := []accounts.Forget{{User: "u", Email: theirs.Email}}
	apply(t, st, change("forgotten", func(c *access.Change) { c.Forget = person }))
	found, err := st.ClientRecords(t.Context(), accounts.ClientRecordQuery{Account: "a", Search: "zoe"})
	require.NoError(t, err)
	require.Len(t, found, 1, "a record ends as the change itself writes it")
	apply(t, st, change("and gone", func(c *access.Change) { c.Clients, c.Forget = []accounts.Client{ended(theirs, 1)}, person }))
	require.Zero(t, left())

	apply(t, st, change("in order", func(c *access.Change) {
		for i := all + 1; i <= all+70; i++ {
			c.Clients = append(c.Clients, someone(i))
		}
	}))
	apply(t, st, change("out of order", func(c *access.Change) {
		for i := all + 1; i <= all+10; i++ {
			r := someone(i)
			r.Version, r.CreatedAt = 1, noon.Add(-time.Hour)
			c.Clients = append(c.Clients, r)
		}
	}))
	require.Equal(t, 80, left(), "who has another place in the list waits, and is there by the old one until then")
	apply(t, st, change("gone from both", func(c *access.Change) {
		for i := all + 1; i <= all+70; i++ {
			version := int64(1)
			if i <= all+10 {
				version = 2
			}
			c.Clients = append(c.Clients, ended(someone(i), version))
		}
	}))
	require.Zero(t, left())

	apply(t, st, change("late", func(c *access.Change) {
		for i := all + 100; i < all+200; i++ { // the first is the newest
			r := someone(i)
			r.CreatedAt = noon.Add(time.Duration(-i) * time.Hour)
			c.Clients = append(c.Clients, r)
		}
	}))
	require.Equal(t, 100, having("zoe"))
	apply(t, st, change("late, renamed", func(c *access.Change) {
		for i := all + 100; i < all+200; i++ {
			r := someone(i)
			r.Version, r.FirstName, r.CreatedAt = 1, "Bob", noon.Add(time.Duration(-i)*time.Hour)
			c.Clients = append(c.Clients, r)
		}
	}))
	require.Zero(t, having("zoe"))
	require.Equal(t, 100, having("bob"))
	apply(t, st, change("late, gone", func(c *access.Change) {
		for i := all + 100; i < all+200; i++ {
			c.Clients = append(c.Clients, ended(someone(i), 2))
		}
	}))
	require.Zero(t, left())
}

// records are what the store should hold.
type records struct {
	st      *ours.Store
	rnd     *rand.Rand
	n       int
	clients map[accounts.ClientKey]accounts.Client
	sites   map[accounts.SiteKey]accounts.Site
	access  map[accounts.SiteAccessKey]accounts.SiteAccess
}

func newRecords(t *testing.T, st *ours.Store, rnd *rand.Rand) *records {
	t.Helper()
	apply(t, st, change("keepers", func(c *access.Change) { c.Accounts = []accounts.Account{account("a"), account("b")} }))
	return &records{
		st: st, rnd: rnd, clients: map[accounts.ClientKey]accounts.Client{}, sites: map[accounts.SiteKey]accounts.Site{},
		access: map[accounts.SiteAccessKey]accounts.SiteAccess{},
	}
}

func (w *records) one(of ...string) string { return of[w.rnd.IntN(len(of))] }

func (w *records) word() string {
	return w.one("Anna", "anton", "O'Hara", "Müller", "x-ray", "日本語", "100%", "a_b", "ß", "_", "W", "wool", "Straße", "-", "Bob", "\U0001f600", "an", "co.uk", "z")
}

func (w *records) moment() time.Time {
	if w.rnd.IntN(4) == 0 {
		return noon.Add(time.Duration(w.rnd.IntN(50)) * time.Second) // between others
	}
	return noon.Add(time.Duration(w.n/3) * time.Second)
}

// write makes a change of some rows.
func (w *records) write(t *testing.T) {
	t.Helper()
	c := change(fmt.Sprint("op", w.n), nil)
	for range 1 + w.rnd.IntN(30) {
		w.n++
		key := accounts.ClientKey{Account: accounts.AccountID(w.one("a", "a", "b")), ID: accounts.ClientID(fmt.Sprintf("c%d", w.rnd.IntN(120)))}
		if slices.ContainsFunc(c.Clients, func(r accounts.Client) bool { return r.ClientKey == key }) {
			continue
		}
		r, known := w.clients[key]
		r.ClientKey = key
		if !known || w.rnd.IntN(8) == 0 {
			r.CreatedAt = w.moment()
		}
		r.Email = accounts.Email(fmt.Sprintf("%s@example.com", key.ID))
		r.FirstName, r.LastName = w.word(), w.word()
		r.Address, r.Company, r.Phone, r.Postal = string(r.Email), w.word(), w.one("", "+49 30 "+fmt.Sprint(w.rnd.IntN(999))), w.word()+" "+w.word()
		r.SuspendedAt, r.ActiveAt, r.InvitedAt, r.DeletedAt = time.Time{}, time.Time{}, time.Time{}, time.Time{}
		for _, at := range []*time.Time{&r.SuspendedAt, &r.ActiveAt, &r.InvitedAt, &r.DeletedAt} {
			if w.rnd.IntN(4) == 0 {
				*at = noon
			}
		}
		c.Clients = append(c.Clients, r)
	}
	for i := range 3 {
		key := accounts.SiteKey{Account: accounts.AccountID(w.one("a", "b")), ID: accounts.SiteID(fmt.Sprintf("s%d%d", i, w.rnd.IntN(20)))}
		s, known := w.sites[key]
		s.SiteKey, s.Name, s.Alias, s.URL, s.RemovedAt = key, w.word()+" "+w.word(), w.word(), "https://"+w.word(), time.Time{}
		if !known {
			s.CreatedAt = w.moment()
		}
		if w.rnd.IntN(3) == 0 {
			s.RemovedAt = noon
		}
		c.Sites = append(c.Sites, s)
		if n := len(c.Clients); n > 0 && c.Clients[n-1].Account == key.Account {
			k := accounts.SiteAccessKey{Account: key.Account, Client: c.Clients[n-1].ID, Site: key.ID}
			x := w.access[k]
			x.SiteAccessKey, x.EndedAt, x.Permissions = k, time.Time{}, nil
			if w.rnd.IntN(3) == 0 {
				x.EndedAt = noon
			}
			if w.rnd.IntN(2) == 0 {
				x.Permissions = []roles.Permission{"one", "two things"}
			}
			c.SiteAccess = append(c.SiteAccess, x)
		}
	}
	apply(t, w.st, c)
	for _, r := range c.Clients {
		r.Version++
		w.clients[r.ClientKey] = r
	}
	for _, r := range c.Sites {
		r.Version++
		w.sites[r.SiteKey] = r
	}
	for _, r := range c.SiteAccess {
		r.Version++
		w.access[r.SiteAccessKey] = r
	}
}

// ask compares lists, whole and in pages.
func (w *records) ask(t *testing.T) {
	t.Helper()
	for range 8 {
		account := accounts.AccountID(w.one("a", "b"))
		search := w.one("", "", w.word(), w.word(), w.word()+" "+w.word(), "a", "an", "nn", "nna", "@", "example", "c1", "wool a", "%", "30 1", "301", "o'", "ller str", "W", "wa")
		var statuses []accounts.ClientStatus
		for range w.rnd.IntN(4) {
			statuses = append(statuses, accounts.ClientStatuses()[w.rnd.IntN(5)])
		}
		var want []accounts.ClientEntry
		for key, r := range w.clients {
			e := accounts.ClientEntry{Client: r, Sites: w.granted(key)}
			if key.Account == account && r.There() && accounts.SearchFits(r.SearchText(), search) &&
				(len(statuses) == 0 || slices.Contains(statuses, e.Status())) {
				want = append(want, e)
			}
		}
		slices.SortFunc(want, func(a, b accounts.ClientEntry) int {
			if n := b.Client.CreatedAt.Compare(a.Client.CreatedAt); n != 0 {
				return n
			}
			return strings.Compare(string(b.Client.ID), string(a.Client.ID))
		})
		q := accounts.ClientRecordQuery{Account: account, Statuses: statuses, Search: search, Limit: 1 + w.rnd.IntN(70)}
		var got []accounts.ClientEntry
		for {
			page, err := w.st.ClientRecords(t.Context(), q)
			require.NoError(t, err)
			if len(page) == 0 {
				break
			}
			require.LessOrEqual(t, len(page), q.Limit)
			got = append(got, page...)
			q.Before = page[len(page)-1].Cursor()
		}
		require.Equal(t, idsOf(want), idsOf(got), "%q %v in pages of %d", search, statuses, q.Limit)
		for i := range want {
			require.Equal(t, want[i], got[i])
		}

		var live []accounts.Site
		for key, s := range w.sites {
			if key.Account == account && s.Live() && accounts.SearchFits(s.SearchText(), search) {
				live = append(live, s)
			}
		}
		slices.SortFunc(live, func(a, b accounts.Site) int {
			if n := b.CreatedAt.Compare(a.CreatedAt); n != 0 {
				return n
			}
			return strings.Compare(string(b.ID), string(a.ID))
		})
		sq := accounts.SiteQuery{Account: account, Search: search, Limit: 1 + w.rnd.IntN(10)}
		var listed []accounts.Site
		for {
			page, err := w.st.Sites(t.Context(), sq)
			require.NoError(t, err)
			if len(page) == 0 {
				break
			}
			listed = append(listed, page...)
			sq.Before = page[len(page)-1].Cursor()
		}
		require.Equal(t, live, listed, "sites %q", search)
	}
}

// fail makes a change that is refused at its end, once many rows were written
// and, now and then, what waited was put into the index.
func (w *records) fail(t *testing.T) {
	t.Helper()
	c := change("keepers", func(c *access.Change) {
		for i := range 1 + w.rnd.IntN(70) {
			r := accounts.Client{FirstName: w.word(), LastName: w.word(), Email: accounts.Email(fmt.Sprint("never", i)), CreatedAt: noon}
			r.Account, r.ID = "a", accounts.ClientID(fmt.Sprint("never", i))
			c.Clients = append(c.Clients, r)
		}
	})
	require.ErrorIs(t, w.st.ApplyAccess(t.Context(), c), accounts.ErrConflict)
}

func idsOf(all []accounts.ClientEntry) []accounts.ClientID {
	ids := make([]accounts.ClientID, len(all))
	for i := range all {
		ids[i] = all[i].Client.ID
	}
	return ids
}

func (w *records) granted(key accounts.ClientKey) []accounts.SiteGrant {
	var all []accounts.SiteGrant
	for k, x := range w.access {
		s := w.sites[accounts.SiteKey{Account: k.Account, ID: k.Site}]
		if k.Account == key.Account && k.Client == key.ID && x.EndedAt.IsZero() && s.Live() {
			all = append(all, accounts.SiteGrant{Site: s.ID, Name: s.Name, Permissions: x.Permissions})
		}
	}
	slices.SortFunc(all, func(a, b accounts.SiteGrant) int { return strings.Compare(string(a.Site), string(b.Site)) })
	return all
}
