package sqlite

import (
	"context"
	"database/sql"
	"errors"

	"github.com/chatelaine-go/chatelaine/storage/internal/sqlstore"
)

// Joined is the store inside a transaction of the host. It implements
// storage.Storage; rebind services to it with their With methods.
//
// Each change runs under a savepoint, so one that fails leaves the rest of the
// transaction as it was. What it reads is what the transaction sees, its own
// changes included; others see them when the host commits. Until then
// everything it returns, secrets included, is provisional.
//
// A conflict matches both accounts.ErrConflict and accounts.ErrRepeat: what
// the transaction sees does not change by trying again, so the host rolls back
// and repeats the whole of it. A context that ends while a change runs does not
// interrupt it: SQLite would undo the host's transaction.
//
// It serves one goroutine at a time, as the transaction does, and ends with it.
type Joined struct {
	*reads
	*writes
}

// JoinSQL returns the store inside a transaction on the same database: of the
// handle given to [New], or of any other on the file given to [Open]. The
// connection needs foreign_keys on; the first change is refused otherwise. Join
// last and commit soon: a transaction that writes keeps all other writers out.
//
// Begin the transaction with _txlock=immediate in the handle's DSN. One that
// reads first and writes later fails with a conflict when others wrote in
// between.
//
// Ask Principal before you begin, or on the joined store: a note of last use
// would wait for your own transaction.
func (s *Store) JoinSQL(tx *sql.Tx) *Joined {
	h := sqlstore.NewHost(tx, translate, func(ctx context.Context, tx *sql.Tx) error {
		var on int
		if err := tx.QueryRowContext(ctx, "PRAGMA foreign_keys").Scan(&on); err != nil {
			return err
		}
		if on != 1 {
			return errors.New(errRefused + "foreign_keys is 0: open the transaction's handle with _pragma=foreign_keys(1)")
		}
		return nil
	})
	return &Joined{reads: sqlstore.ReadsBy(h, s.reads), writes: sqlstore.WritesBy(h, s.writes)}
}
