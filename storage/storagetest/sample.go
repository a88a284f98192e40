package storagetest

import (
	"fmt"
	"math/rand/v2"
	"testing"
)

// Sample is for a second way to the same store, such as another mode of its driver or
// a pooler before its server, once the store has passed [Test] on the first: it is a
// part of Test that takes seconds where Test takes minutes. A store that passes
// it has not proved that it keeps the contract.
//
// Its checks are those of rows that come back as they were, of joined changes, leases,
// the feed and contexts that end, and so many random operations that are compared with
// the plain model: what a way to the store can spoil is how values travel, what is one
// transaction, and what becomes of a connection.
func Sample(t *testing.T, h Harness, operations int) {
	t.Helper()
	if h.Open == nil || h.Begin == nil {
		t.Fatal("storagetest: a Harness needs both Open and Begin; there are no parts to leave out")
	}
	for _, p := range []part{
		{"rows", rowChecks()},
		{"joined", joinedChecks()},
		{"outbox leases", leaseChecks()},
		{"feed", feedChecks()},
		{"cancelled contexts", cancelChecks()},
		{"model", sampleOf(operations)},
	} {
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

// sampleOf is modelChecks in two rounds.
func sampleOf(operations int) []check {
	const alike = "every way to a store must give the same answers in the same order to the same operations (A99, I-30)"
	var checks []check
	for n := range uint64(2) {
		checks = append(checks, check{fmt.Sprintf("random operations agree with the plain model, round %d", n+1), alike, func(e *env) {
			seed := *seedFlag
			if seed == 0 {
				seed = rand.Uint64() //nolint:gosec // a seed of a test
			}
			e.play(seed, n, max(1, operations/2/slowly))
		}})
	}
	return checks
}
