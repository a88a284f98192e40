package memory

import (
	"errors"
	"fmt"
	"reflect"
	"slices"

	"github.com/chatelaine-go/chatelaine/accounts"
	"github.com/chatelaine-go/chatelaine/storage"
)

// errOver says that a joined store was used after its transaction.
var errOver = errors.New("memory: the transaction is over")

// Tx stands for a transaction of the host, so that code which joins one can be
// run and tested without a database. What is applied to its store becomes
// visible to others with [Tx.Commit], all of it at once, or never.
//
// A transaction takes no lock. It works on a copy of everything stored, which
// takes a time that grows with it, so it is for tests and small programs.
// Others go on meanwhile; whatever they did is seen by the next change in the
// transaction and by its commit, both of which answer ErrConflict, together
// with ErrRepeat, if something does not hold any more.
//
// A Tx and its store are safe for concurrent use.
type Tx struct {
	base  *Store
	store *Store
	gen   int64                // the base's when the copy was made
	done  []func(*state) error // what was done in the transaction, to be done again
}

// Begin starts a transaction. End it with [Tx.Commit] or [Tx.Rollback]; one
// that is forgotten holds memory and nothing else. A transaction within one is
// a transaction on what the outer one sees.
func (s *Store) Begin() *Tx {
	t := &Tx{base: s}
	t.store = &Store{tx: t}
	s.mu.RLock()
	defer s.mu.RUnlock()
	if s.data != nil {
		t.store.data, t.gen = s.data.clone(), s.gen
	}
	return t
}

// Store returns the joined store. Rebind services to it with their With
// method. A change that fails in it leaves the earlier ones of the transaction
// as they are. Once the transaction is over, each of its methods fails.
func (t *Tx) Store() storage.Storage { return t.store }

// Commit makes everything visible that was done in the transaction, and ends
// it. It returns an error that matches accounts.ErrConflict and
// accounts.ErrRepeat, and makes nothing visible, when others did something
// meanwhile with which it does not hold: run the whole transaction again. A
// transaction that is over cannot be committed.
func (t *Tx) Commit() error {
	t.store.mu.Lock()
	defer t.store.mu.Unlock()
	data := t.store.data
	if data == nil {
		return errOver
	}
	t.store.data = nil
	if len(t.done) == 0 {
		return nil
	}
	t.base.mu.Lock()
	defer t.base.mu.Unlock()
	if t.base.data == nil {
		return errOver
	}
	if t.base.gen != t.gen {
		data = t.base.data.clone()
		if err := t.redo(data); err != nil {
			return err
		}
	}
	if t.base.tx != nil {
		t.base.tx.done = append(t.base.tx.done, t.redo)
	}
	t.base.data = data
	t.base.gen++
	return nil
}

// Rollback ends the transaction and forgets all that was done in it. After a
// commit it does nothing, so that it can be deferred. The error is always nil.
func (t *Tx) Rollback() error {
	t.store.mu.Lock()
	defer t.store.mu.Unlock()
	t.store.data, t.done = nil, nil
	return nil
}

// joined does something in the transaction: on top of what others did since
// the copy was made, as it would be in a database. The joined store is locked.
func joined[T any](t *Tx, do func(*state) (T, error)) (v T, err error) {
	if err := t.refresh(); err != nil {
		return v, err
	}
	if v, err = do(t.store.data); err != nil {
		return v, repeat(err)
	}
	seen := copied(v)
	t.done = append(t.done, func(d *state) error {
		again, err := do(d)
		if err == nil && !reflect.DeepEqual(any(again), seen) {
			err = conflict("what the transaction was answered")
		}
		return err
	})
	t.store.gen++
	return v, nil
}

// refresh makes the copy anew if others wrote meanwhile.
func (t *Tx) refresh() error {
	t.base.mu.RLock()
	defer t.base.mu.RUnlock()
	if t.base.data == nil {
		return errOver
	}
	if t.base.gen == t.gen {
		return nil
	}
	data := t.base.data.clone()
	if err := t.redo(data); err != nil {
		return err
	}
	t.store.data, t.gen = data, t.base.gen
	t.store.gen++
	return nil
}

// redo does everything again that was done in the transaction.
func (t *Tx) redo(d *state) error {
	for _, do := range t.done {
		if err := do(d); err != nil {
			return repeat(fmt.Errorf("%w (%w)", accounts.ErrConflict, err))
		}
	}
	return nil
}

// repeat marks a conflict as one that the whole transaction must be repeated
// for.
func repeat(err error) error {
	if errors.Is(err, accounts.ErrConflict) && !errors.Is(err, accounts.ErrRepeat) {
		return fmt.Errorf("%w: %w", err, accounts.ErrRepeat)
	}
	return err
}

// copied returns an answer that does not change with the caller's.
func copied(v any) any {
	if r := reflect.ValueOf(v); r.Kind() == reflect.Slice {
		return cloned(r).Interface()
	}
	return v
}

// own returns a change that does not change with the caller's.
func own(c change) change {
	ownLists(reflect.ValueOf(&c).Elem())
	for i := range c.Replies {
		c.Replies[i].Answer = slices.Clone(c.Replies[i].Answer)
	}
	for i := range c.Mail {
		c.Mail[i].Sealed = slices.Clone(c.Mail[i].Sealed)
	}
	for i := range c.SiteAccess {
		c.SiteAccess[i].Permissions = slices.Clone(c.SiteAccess[i].Permissions)
	}
	return c
}

// ownLists puts a copy in the place of every list of a change, whichever there
// are.
func ownLists(c reflect.Value) {
	for i := range c.NumField() {
		switch f := c.Field(i); f.Kind() {
		case reflect.Struct:
			ownLists(f)
		case reflect.Slice:
			f.Set(cloned(f))
		default: // an operation's id, which nobody can change
		}
	}
}

func cloned(list reflect.Value) reflect.Value {
	if list.IsNil() {
		return list
	}
	c := reflect.MakeSlice(list.Type(), list.Len(), list.Len())
	reflect.Copy(c, list)
	return c
}
