// Package storagetest proves that a store keeps the contract of package
// storage. A store's own test is two lines:
//
//	func TestStore(t *testing.T) {
//		storagetest.Test(t, storagetest.Harness{Open: open, Begin: begin})
//	}
//
// Every check is a subtest whose name is the rule, and every failure names
// the rule that was broken and why it matters. There are no options to leave
// something out: a service relies on all of it, so a store that keeps all but
// one rule is a store that loses something.
//
// Whoever writes a store needs all nouns and the three Apply methods first: every
// check puts a world of rows in. Then these parts are green with few of the
// questions, in this order: search, invitations, requests and sessions, logins,
// clients, pages, outbox leases. Rows, versions, uniqueness, atomicity, mistakes and
// people compare all that every question answers before and after a change, so they
// come last, though they are about what was written first.
//
// Use a fresh database for each call of Open; the checks run in parallel. A
// run takes some seconds. The last part compares the store with a plain model
// over random operations: -storagetest.seed repeats a run that failed (the
// seed is in the failure), and -storagetest.ops sets its length. -short and the
// race detector cut it to a tenth, and the rounds and crowds of races as well.
//
// [Faults] wraps a store so that its k-th call fails, before or after it took
// effect. Tests of services use it to show that every failure leaves the
// state before or the state after, and nothing else.
//
// What the suite cannot prove: that a commit survives a crash of the machine,
// and that a store is fast. Both are for the store's own tests.
package storagetest

import (
	"testing"

	"github.com/chatelaine-go/chatelaine/storage"
)

// Harness is what a store's author gives.
type Harness struct {
	// Open returns a fresh and empty store, and cleans it up with t.Cleanup.
	// It is called many times, from several goroutines.
	Open func(t *testing.T) storage.Storage

	// Begin begins a transaction of the host on the database of a store that
	// Open returned.
	Begin func(t *testing.T, st storage.Storage) Tx
}

// Tx is a host's transaction, and the store that is joined to it.
type Tx interface {
	// Store returns the joined store: its changes become durable with Commit.
	Store() storage.Storage
	// Commit makes everything in the transaction durable.
	Commit() error
	// Rollback undoes everything in the transaction.
	Rollback() error
}

// Test runs the whole suite, each rule as a subtest.
func Test(t *testing.T, h Harness) {
	t.Helper()
	if h.Open == nil || h.Begin == nil {
		t.Fatal("storagetest: a Harness needs both Open and Begin; there are no parts to leave out")
	}
	for _, p := range parts() {
		t.Run(p.name, func(t *testing.T) {
			t.Parallel()
			for _, c := range p.checks {
				t.Run(c.rule, func(t *testing.T) {
					t.Parallel()
					c.run(newEnv(t, t, h, c))
				})
			}
		})
	}
}

// part is a group of checks about one subject.
type part struct {
	name   string
	checks []check
}

// check is one rule of the contract, why it matters, and its proof.
type check struct {
	rule string
	why  string
	run  func(e *env)
}

// parts lists everything that a store has to pass.
func parts() []part {
	return []part{
		{"rows", rowChecks()},
		{"versions", versionChecks()},
		{"readers", readerChecks()},
		{"requests and sessions", accessReaderChecks()},
		{"logins", loginChecks()},
		{"invitations", invitationChecks()},
		{"clients", clientChecks()},
		{"people", personChecks()},
		{"routes", routeChecks()},
		{"pages", pageChecks()},
		{"search", searchChecks()},
		{"search for clients", clientSearchChecks()},
		{"uniqueness", uniqueChecks()},
		{"atomicity", atomicChecks()},
		{"mistakes", mistakeChecks()},
		{"guards", guardChecks()},
		{"races", raceChecks()},
		{"races of logins and invitations", loginRaceChecks()},
		{"races of clients", clientRaceChecks()},
		{"outbox", outboxChecks()},
		{"outbox leases", leaseChecks()},
		{"feed", feedChecks()},
		{"joined", joinedChecks()},
		{"cancelled contexts", cancelChecks()},
		{"sweep", sweepChecks()},
		{"services", serviceChecks()},
		{"model", modelChecks()},
	}
}
