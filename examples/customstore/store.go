package customstore

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"go.etcd.io/bbolt"

	"github.com/chatelaine-go/chatelaine/accounts"
	"github.com/chatelaine-go/chatelaine/storage"
)

var _ storage.Storage = (*Store)(nil)

// root is the bucket that has all others, so that a host can keep its own
// beside it.
const root = "chatelaine"

// patience is how long Open waits for another process that has the file open.
const patience = time.Second

// Store is a store in a bbolt file. Make one with [Open] or [New]. It is safe
// for concurrent use, but for one that [Store.Join] returned.
type Store struct {
	db     *bbolt.DB
	opened bool
	doubt  atomic.Bool // a commit failed, and nobody has proven since what is in the file

	joined *bbolt.Tx // the host's transaction; nil unless joined
	broken error     // what went wrong in the middle of a joined change
}

// Open opens a file for the store alone, and makes it if it is not there. Only
// one process at a time can have it open. Close the store.
func Open(path string) (*Store, error) {
	db, err := bbolt.Open(path, 0o600, &bbolt.Options{Timeout: patience})
	if err != nil {
		return nil, err
	}
	s, err := New(db)
	if err != nil {
		return nil, errors.Join(err, db.Close())
	}
	s.opened = true
	return s, nil
}

// New returns a store in a host's own database, in the bucket "chatelaine". The
// host closes the database. With its NoSync nothing that is said of what is
// durable holds.
func New(db *bbolt.DB) (*Store, error) {
	err := db.Update(func(tx *bbolt.Tx) error {
		top, err := tx.CreateBucketIfNotExists([]byte(root))
		if err != nil {
			return err
		}
		for _, name := range begin(tx).names() {
			if _, err := top.CreateBucketIfNotExists([]byte(name)); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &Store{db: db}, nil
}

// Close closes the file of a store that [Open] returned, after the transactions
// that are running. For others it does nothing.
func (s *Store) Close() error {
	if !s.opened {
		return nil
	}
	return s.db.Close()
}

// Join returns the store inside a transaction of the host, which has to be one
// that writes if changes are applied in it. Rebind services to it with their
// With methods. A conflict matches accounts.ErrRepeat as well: roll back, and
// run the whole transaction again.
//
// It serves one goroutine at a time, as the transaction does, and ends with it.
// Everybody else who writes waits until then, so join late, commit soon, and
// never write through the store that it was joined to meanwhile: that would
// wait for ever.
func (s *Store) Join(tx *bbolt.Tx) *Store { return &Store{db: s.db, joined: tx} }

// txn is one transaction with its tables, and the first thing that went wrong
// in it. Whoever reads does not ask after each step whether it went well: what
// could not be read is nil, and in the end the error is the answer.
type txn struct {
	tables
	top   *bbolt.Bucket
	wrote bool // something was written
	err   error
}

func begin(tx *bbolt.Tx) *txn {
	x := &txn{top: tx.Bucket([]byte(root))}
	x.describePeople()
	x.describeClients()
	x.describeLogins()
	x.describeOffers()
	x.describeRest()
	return x
}

func (x *txn) bucket(name string) *bbolt.Bucket { return x.top.Bucket([]byte(name)) }

// fail keeps the first error.
func (x *txn) fail(err error) {
	if x.err == nil {
		x.err = err
	}
}

// ask answers a question from one moment: that at which its transaction began.
// It waits for nobody, also while somebody writes.
func ask[T any](ctx context.Context, s *Store, question func(x *txn) T) (answer T, err error) {
	if err := s.ready(ctx); err != nil {
		return answer, err
	}
	read := func(tx *bbolt.Tx) error {
		x := begin(tx)
		a := question(x)
		if x.err == nil { // no error comes with an answer
			answer = a
		}
		return x.err
	}
	if s.joined != nil {
		return answer, read(s.joined)
	}
	return answer, s.db.View(read)
}

// do changes something. The function checks before it writes for the first
// time: what it fails with then is returned, and nothing has happened.
//
// In a transaction of its own that is a rollback. In one of the host's it has to
// be the truth: bbolt has no savepoints, so nothing that was written could be
// taken back alone. What can still fail after the check is bbolt itself, or a
// row that is damaged. Then the joined store is broken, says so to every call,
// and the host has to roll back.
func do[T any](ctx context.Context, s *Store, change func(x *txn) T) (answer T, err error) {
	if err := s.ready(ctx); err != nil {
		return answer, err
	}
	if s.joined != nil {
		return within(s, change)
	}
	tx, err := s.db.Begin(true) // waits for whoever writes
	if err != nil {
		return answer, err
	}
	defer func() { _ = tx.Rollback() }() // after a commit it does nothing
	x := begin(tx)
	x.fail(ctx.Err()) // it may have ended meanwhile
	if x.err != nil {
		return answer, x.err
	}
	a := change(x)
	if x.err != nil {
		return answer, x.err
	}
	if err := tx.Commit(); err != nil {
		s.doubt.Store(true)
		return answer, fmt.Errorf("%w: %w", accounts.ErrUnknown, err)
	}
	return a, nil
}

// within is do in the host's transaction.
func within[T any](s *Store, change func(x *txn) T) (answer T, err error) {
	if !s.joined.Writable() {
		return answer, errors.New("customstore: the transaction that the store was joined to only reads")
	}
	x := begin(s.joined)
	a := change(x)
	switch {
	case x.err == nil:
		return a, nil
	case x.wrote:
		s.broken = fmt.Errorf("customstore: roll the transaction back, a change stopped halfway: %w", x.err)
		return answer, s.broken
	case errors.Is(x.err, accounts.ErrConflict):
		return answer, fmt.Errorf("%w: %w", x.err, accounts.ErrRepeat)
	}
	return answer, x.err
}

// ready reports why a call cannot begin.
func (s *Store) ready(ctx context.Context) error {
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case s.joined == nil && s.doubt.Load():
		return s.prove()
	case s.joined != nil && s.joined.DB() != s.db: // it has none any more
		return errors.New("customstore: the transaction is over, or is one of another database")
	}
	return s.broken
}

// prove finds out what is in the file after a commit that failed.
//
// A commit of bbolt writes new pages and syncs them, and then writes one page
// that points to them, in the place of the older of two, and syncs that. If it
// fails before that page, the file is as it was. If it fails there, we see the
// change already, through the memory that the file is mapped to, but the disk
// may not have it: to say that it is durable could be a lie, to say that it is
// not as well. So it is accounts.ErrUnknown, and until one more commit, of
// nothing, succeeds, there is no answer to any question. That commit begins with
// what we see, writes the other of the two pages, and syncs it: after it, what
// we see is what is durable, and Applied tells the truth.
func (s *Store) prove() error {
	if err := s.db.Update(func(*bbolt.Tx) error { return nil }); err != nil {
		return fmt.Errorf("customstore: a commit failed, and what is in the file is unknown: %w", err)
	}
	s.doubt.Store(false)
	return nil
}
