package processtest

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/chatelaine-go/chatelaine/accounts"
	"github.com/chatelaine-go/chatelaine/storage"
)

// Adapter is how processes share one kind of database.
type Adapter struct {
	// Empty makes a database without tables for one test, and returns its place:
	// all that another process needs to open it.
	Empty func(t testing.TB) string

	// Place makes one with the tables of a store, and no rows. Nil is Empty.
	Place func(t testing.TB) string

	// Open opens the store of a place, and makes its tables if they are not there.
	// The parent calls it, and so does each child.
	Open func(ctx context.Context, place string) (st Store, done func() error, err error)

	// Sound fails the test if the database contradicts itself (I-33).
	Sound func(t testing.TB, place string)

	// Tables counts the tables of a store in a place, once the children that were
	// killed there have lost their connections.
	Tables func(t testing.TB, place string) int

	// Migrating reports whether somebody makes the tables of a place at this very
	// moment. Nil is a database that does not tell.
	Migrating func(t testing.TB, place string) bool
}

// Store is a store that makes its tables.
type Store interface {
	storage.Storage

	// Migrate makes the tables that are missing.
	Migrate(ctx context.Context) error
	// Check returns an error when the tables are not what the store needs.
	Check(ctx context.Context) error
}

// crowd is how many processes take part in a race.
const crowd = 8

// race is one promise.
type race struct {
	name string
	run  func(e *env)
}

// Test runs each race as a subtest, on a place of its own.
func Test(t *testing.T, a Adapter) {
	t.Helper()
	if a.Place == nil {
		a.Place = a.Empty
	}
	for _, list := range [][]race{migrations(), writes(), requests(), decisions(), offers(), people(), logins(), clients(), mails()} {
		for _, r := range list {
			t.Run(r.name, func(t *testing.T) {
				t.Parallel()
				r.run(&env{TB: t, Adapter: a, ctx: t.Context()})
			})
		}
	}
}

// env is a race that runs.
type env struct {
	testing.TB
	Adapter

	ctx context.Context //nolint:containedctx // a test's, which ends with it
}

func (e *env) ok(err error, format string, args ...any) {
	e.Helper()
	if err != nil {
		e.Fatalf("%s: %v", fmt.Sprintf(format, args...), err)
	}
}

func (e *env) is(err, want error, what string) {
	e.Helper()
	if !errors.Is(err, want) {
		e.Fatalf("%s: %v, want %v", what, err, want)
	}
}

func (e *env) holds(so bool, format string, args ...any) {
	e.Helper()
	if !so {
		e.Fatalf(format, args...)
	}
}

// equal ends the test unless got is what is wanted.
func equal[T comparable](e *env, got, want T, format string, args ...any) {
	e.Helper()
	if got != want {
		e.Fatalf("%s: %v, want %v", fmt.Sprintf(format, args...), got, want)
	}
}

// open opens a place for the length of the test, which ends with a look at it.
func (e *env) open(place string) Store {
	e.Helper()
	st, done, err := e.Open(e.ctx, place)
	e.ok(err, "Open")
	e.Cleanup(func() {
		if err := done(); err != nil {
			e.Errorf("closing the store: %v", err)
		}
		e.Sound(e.TB, place)
	})
	return st
}

// until tries again as long as others are in the way.
func until(ctx context.Context, try func() error) error {
	for {
		err := try()
		if !errors.Is(err, accounts.ErrConflict) {
			return err
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
	}
}

// noon is the moment at which everything happens.
var noon = time.Date(2026, 3, 4, 12, 0, 0, 123456000, time.UTC) //nolint:gochecknoglobals // a constant; Go has none of this type

type still struct{}

// Now implements accounts.Clock.
func (still) Now() time.Time { return noon }
