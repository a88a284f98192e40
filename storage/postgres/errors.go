package postgres

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/chatelaine-go/chatelaine/accounts"
	"github.com/chatelaine-go/chatelaine/storage/internal/sqlstore"
)

// The SQLSTATEs that mean something to this package. Their names are those of
// the manual, appendix A.
const (
	connectionException   = "08"    // a class; poolers and gateways have it too
	divisionByZero        = "22012" // a check of ours that did not hold
	uniqueViolation       = "23505"
	readOnlyTransaction   = "25006"
	serializationFailure  = "40001"
	completionUnknown     = "40003"
	deadlockDetected      = "40P01"
	lockNotAvailable      = "55P03" // lock_timeout
	queryCanceled         = "57014" // statement_timeout, or somebody's request
	duplicateTable        = "42P07"
	duplicateSchema       = "42P06"
	duplicateObject       = "42710" // the type that a table has
	invalidText           = "22P02"
	insufficientPrivilege = "42501"
	undefinedTable        = "42P01"
	duplicatePrepared     = "42P05"
	invalidPrepared       = "26000"
)

// hints say what to do about an error of the server that is nobody's conflict.
var hints = map[string]string{ //nolint:gochecknoglobals // a constant
	readOnlyTransaction:   "this is a replica, or the transaction was begun read-only; connect with target_session_attrs=read-write",
	invalidText:           levelHint,
	insufficientPrivilege: "the role needs SELECT, INSERT, UPDATE and DELETE on each table",
	undefinedTable:        "the tables are not there, or not all of them; run Migrate, and Check tells what is missing",
	duplicatePrepared:     poolerHint,
	invalidPrepared:       poolerHint,
}

const levelHint = "a change joins a transaction that is READ COMMITTED; begin it so"

const poolerHint = "a statement that was prepared meets another client's; behind a pooler in transaction mode set default_query_exec_mode=exec in the connection string"

// state returns the SQLSTATE of an error, which drivers tell by a method of one name.
func state(err error) string {
	var coded interface{ SQLState() string }
	if errors.As(err, &coded) {
		return coded.SQLState()
	}
	return ""
}

// busyError is a conflict with others that the server told of, and nothing
// happened.
type busyError struct{ err error }

func (e busyError) Error() string { return e.err.Error() }
func (e busyError) Unwrap() error { return e.err }

// Is makes it a conflict of which nothing is known.
func (e busyError) Is(target error) bool {
	return target == accounts.ErrConflict || target == accounts.ErrBusy
}

// translate says what the writes know of the server's errors.
func translate(err error) error {
	switch state(err) {
	case divisionByZero:
		return accounts.ErrConflict
	case uniqueViolation:
		return fmt.Errorf("%w: %w", sqlstore.ErrUnique, err)
	case serializationFailure, deadlockDetected, lockNotAvailable:
		return busyError{err}
	}
	if hint := hints[state(err)]; hint != "" {
		return fmt.Errorf("chatelaine: %s: %w", hint, err)
	}
	return err
}

// outcome says what became of statements that were sent to be committed. Only an
// error of the server that leaves the connection alive tells that they were not, and
// one from before they were sent; after any other nobody knows.
func outcome(ctx context.Context, err error) error {
	var p *pgconn.PgError
	switch {
	case err == nil:
		return nil
	case errors.As(err, new(pgx.ErrPreprocessingBatch)):
		return translate(err)
	case errors.As(err, &p) && doubtful(p):
	case p != nil && p.Code == queryCanceled:
		return waited(ctx, err) // the pool may be set up to cancel what runs
	case p != nil:
		return translate(err)
	case pgconn.SafeToRetry(err):
		return waited(ctx, err)
	}
	return fmt.Errorf("%w: %w", accounts.ErrUnknown, err)
}

// doubtful tells that the server, or what stands before it, ended the connection, or
// says itself that it does not know.
func doubtful(p *pgconn.PgError) bool {
	severity := p.SeverityUnlocalized
	if severity == "" {
		severity = p.Severity
	}
	return severity == "FATAL" || severity == "PANIC" ||
		p.Code == completionUnknown || strings.HasPrefix(p.Code, connectionException)
}

// waited returns the context's error for one that ended while something was
// waited for, and the error of what was waited for else.
func waited(ctx context.Context, err error) error {
	if cerr := ctx.Err(); cerr != nil && err != nil && !errors.Is(err, cerr) {
		return fmt.Errorf("%w: %w", cerr, err)
	}
	return err
}
