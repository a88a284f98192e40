package customstore_test

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.etcd.io/bbolt"

	"github.com/chatelaine-go/chatelaine/access"
	"github.com/chatelaine-go/chatelaine/accounts"
	"github.com/chatelaine-go/chatelaine/examples/customstore"
	"github.com/chatelaine-go/chatelaine/invites"
	"github.com/chatelaine-go/chatelaine/mail"
	"github.com/chatelaine-go/chatelaine/storage"
)

var start = time.Date(2026, 3, 1, 9, 0, 0, 0, time.UTC)

// change returns a change of an operation with an event.
func change(op accounts.OpID) accounts.Change {
	return accounts.Change{Op: op, Events: []accounts.Event{{Op: op, Seq: 1, At: start}}}
}

func withUser(op accounts.OpID, id accounts.UserID) accounts.Change {
	c := change(op)
	c.Users = []accounts.User{{UserState: accounts.UserState{ID: id, Name: string(id)}}}
	return c
}

// A lost answer of a commit is told as such, and Applied never says more than
// the file keeps.
func TestUnknown(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	path := filepath.Join(t.TempDir(), "test.db")
	var file *os.File
	db, err := bbolt.Open(path, 0o600, &bbolt.Options{OpenFile: func(name string, flag int, mode os.FileMode) (*os.File, error) {
		f, err := os.OpenFile(name, flag, mode)
		file = f
		return f, err
	}})
	require.NoError(t, err)
	t.Cleanup(func() { _ = db.Close() })
	st, err := customstore.New(db)
	require.NoError(t, err)
	require.NoError(t, st.ApplyAccounts(ctx, withUser("kept", "kept")))

	require.NoError(t, file.Close()) // from here on every write fails
	err = st.ApplyAccounts(ctx, withUser("lost", "lost"))
	require.ErrorIs(t, err, accounts.ErrUnknown)
	require.NotErrorIs(t, err, accounts.ErrConflict)
	for range 2 {
		_, err = st.Applied(ctx, "lost")
		require.Error(t, err, "nobody knows what the file keeps")
		require.NotErrorIs(t, err, accounts.ErrUnknown)
		_, err = st.User(ctx, accounts.UserKey{ID: "kept"})
		require.Error(t, err)
		require.NotErrorIs(t, err, accounts.ErrNotFound)
	}
	_ = db.Close()

	st, err = customstore.Open(path)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, st.Close()) })
	for op, want := range map[accounts.OpID]bool{"kept": true, "lost": false} {
		applied, err := st.Applied(ctx, op)
		require.NoError(t, err)
		require.Equal(t, want, applied, op)
	}
	require.NoError(t, st.ApplyAccounts(ctx, withUser("lost", "lost")), "the same change once more")
}

// What a joined change writes is whole or told: a row that was spoilt in the file
// is met in the middle of the writing, where nothing can be taken back.
func TestBroken(t *testing.T) {
	t.Parallel()
	ctx, st := t.Context(), open(t).(store)
	require.NoError(t, st.ApplyAccess(ctx, access.Change{
		Change: withUser("first", "u"), Sessions: []access.Session{{SessionState: access.SessionState{ID: "s", User: "u"}}},
	}))
	spoil(t, st.db, "sessions")
	c := access.Change{Change: withUser("second", "v"), Touches: []access.Touch{{Session: "s", At: start}}}

	require.Error(t, st.ApplyAccess(ctx, c), "alone")
	_, err := st.User(ctx, accounts.UserKey{ID: "v"})
	require.ErrorIs(t, err, accounts.ErrNotFound, "alone, everything was rolled back")

	host, err := st.db.Begin(true)
	require.NoError(t, err)
	defer func() { _ = host.Rollback() }()
	joined := st.Join(host)
	require.ErrorContains(t, joined.ApplyAccess(ctx, c), "roll the transaction back")
	_, err = joined.User(ctx, accounts.UserKey{ID: "u"})
	require.ErrorContains(t, err, "roll the transaction back", "whatever is asked afterwards")
}

// spoil makes the values of a table something that nobody can read.
func spoil(t *testing.T, db *bbolt.DB, table string) {
	t.Helper()
	require.NoError(t, db.Update(func(tx *bbolt.Tx) error {
		b := tx.Bucket([]byte("chatelaine")).Bucket([]byte(table))
		k, _ := b.Cursor().First()
		return b.Put(k, []byte("{spoilt"))
	}))
}

// A joined store says so when its transaction is over, belongs to another file,
// or only reads, and none of that is a conflict.
func TestJoinedWrongly(t *testing.T) {
	t.Parallel()
	ctx, st, other := t.Context(), open(t).(store), open(t).(store)
	over, err := st.db.Begin(true)
	require.NoError(t, err)
	require.NoError(t, over.Commit())
	theirs, err := other.db.Begin(false)
	require.NoError(t, err)
	defer func() { _ = theirs.Rollback() }()
	mine, err := st.db.Begin(false)
	require.NoError(t, err)
	defer func() { _ = mine.Rollback() }()
	for name, tx := range map[string]*bbolt.Tx{"over": over, "another file": theirs, "reads": mine} {
		err := st.Join(tx).ApplyAccounts(ctx, withUser("op", "u"))
		require.ErrorContains(t, err, "transaction", name)
		require.NotErrorIs(t, err, accounts.ErrConflict, name)
	}
	_, err = st.Join(mine).User(ctx, accounts.UserKey{ID: "u"})
	require.ErrorIs(t, err, accounts.ErrNotFound, "one that reads can be asked")
}

// A message that cannot be read does not stop the channel: it is dead, listed,
// and not sent again, and the others go out.
func TestTornMessage(t *testing.T) {
	t.Parallel()
	ctx, st := t.Context(), open(t).(store)
	for _, id := range []string{"a", "b"} {
		c := change(accounts.OpID(id))
		c.Mail = []mail.Message{{ID: id, Channel: mail.Email, To: id + "@example.com", Reason: "r", CreatedAt: start, Due: start}}
		require.NoError(t, st.ApplyAccounts(ctx, c))
	}
	spoil(t, st.db, "letters")
	claim := mail.Claim{Channel: mail.Email, At: start, Lease: time.Hour, Limit: 10}
	list, err := st.ClaimMail(ctx, claim)
	require.NoError(t, err)
	require.Len(t, list, 1)
	require.Equal(t, "b", list[0].Message.ID)

	dead, err := st.Mails(ctx, mail.Query{State: mail.Dead})
	require.NoError(t, err)
	require.Len(t, dead, 1)
	require.Equal(t, "a", dead[0].ID)
	require.NotEmpty(t, dead[0].Error)
	n, err := st.RequeueMail(ctx, []string{"a"}, start)
	require.NoError(t, err)
	require.Zero(t, n, "a message without words was queued again")
	for _, op := range []accounts.OpID{"c", "d"} { // what led to it is gone
		c := change(op)
		c.CancelMail = []mail.Reason{"r"}
		require.NoError(t, st.ApplyAccounts(ctx, c))
	}
}

// Each field of a change is written or refused. A release of the library that
// adds one makes this test fail until the store knows it.
func TestFieldsKnown(t *testing.T) {
	t.Parallel()
	st := open(t)
	apply := func(c any) error {
		switch c := c.(type) {
		case accounts.Change:
			return st.ApplyAccounts(t.Context(), c)
		case access.Change:
			return st.ApplyAccess(t.Context(), c)
		default:
			return st.ApplyInvites(t.Context(), c.(invites.Change))
		}
	}
	for _, c := range []any{accounts.Change{}, access.Change{}, invites.Change{}} {
		of := reflect.TypeOf(c)
		for i := range of.NumField() {
			f := of.Field(i)
			if f.Type.Kind() != reflect.Slice {
				require.True(t, f.Anonymous || f.Name == "Op", "%s.%s is neither a list nor known", of, f.Name)
				continue
			}
			filled := reflect.New(of).Elem()
			filled.Field(i).Set(reflect.MakeSlice(f.Type, 1, 1))
			err := apply(filled.Interface())
			require.False(t, err != nil && strings.Contains(err.Error(), "does not know"), "%s.%s: %v", of, f.Name, err)
			if !strings.Contains("Touches Guesses Spend", f.Name) {
				require.ErrorContains(t, err, "no operation", "%s.%s was seen", of, f.Name)
			}
		}
	}
}

// A rare word, a common one, and two that never stand together cost about the
// same among few clients and among many. Work is counted in allocations: each
// step through an index makes some.
//
//nolint:paralleltest // allocations are counted for the whole process
func TestSearchSeeks(t *testing.T) {
	few, many := withClients(t, 100), withClients(t, 3000)
	active := []accounts.ClientStatus{accounts.ClientActive}
	low := accounts.ClientCursor{CreatedAt: start.Add(20 * time.Second), ID: "z"}
	for name, q := range map[string]accounts.ClientRecordQuery{
		"a rare word":                         {Search: "rare"},
		"a common word":                       {Search: "common"},
		"the beginning of a word":             {Search: "r"},
		"two words that never stand together": {Search: "commonrare"},
		"a rare status":                       {Statuses: active},
		"a common word in a rare status":      {Search: "common", Statuses: active},
		"a page that is far down":             {Before: low},
		"a search that is far down":           {Search: "common", Before: low},
		"everything":                          {},
		"all statuses":                        {Statuses: accounts.ClientStatuses()},
		"one client":                          {Client: "c00000", Search: "rare"},
	} {
		q.Account, q.Limit = "a", 10
		work := func(st storage.Storage) float64 {
			return testing.AllocsPerRun(3, func() {
				_, err := st.ClientRecords(context.Background(), q)
				require.NoError(t, err)
			})
		}
		a, b := work(few), work(many)
		require.Less(t, b, 1.5*a, "%s: %v allocations among few, %v among many", name, a, b)
	}
}

// withClients returns a store with an account of many clients who are alike,
// and one who is not, and is the last in every list.
func withClients(t *testing.T, n int) storage.Storage {
	t.Helper()
	st, c := open(t), change("clients")
	c.Accounts = []accounts.Account{{AccountState: accounts.AccountState{ID: "a", Name: "A"}}}
	for i := range n {
		r := accounts.Client{LastName: "common", Company: "left", CreatedAt: start.Add(time.Duration(i) * time.Second)}
		r.Account, r.ID, r.Email = "a", accounts.ClientID(fmt.Sprintf("c%05d", i)), accounts.Email(fmt.Sprint(i, "@example.com"))
		if i == 0 {
			r.LastName, r.Company, r.ActiveAt = "common rare", "right", start
		}
		c.Clients = append(c.Clients, r)
	}
	require.NoError(t, st.ApplyAccounts(t.Context(), c))
	return st
}

// The package comment tells how long the store is, and stays right.
func TestLength(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("*.go")
	require.NoError(t, err)
	lines := 0
	for _, f := range files {
		if !strings.HasSuffix(f, "_test.go") {
			text, err := os.ReadFile(f)
			require.NoError(t, err)
			lines += bytes.Count(text, []byte("\n"))
		}
	}
	doc, err := os.ReadFile("doc.go")
	require.NoError(t, err)
	said := regexp.MustCompile(`about ([0-9,]+) lines of Go`).FindSubmatch(doc)
	require.NotNil(t, said)
	n, err := strconv.Atoi(strings.ReplaceAll(string(said[1]), ",", ""))
	require.NoError(t, err)
	require.Equal(t, (lines+50)/100*100, n, "the store has %d lines", lines)
}
