package storagetest

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/chatelaine-go/chatelaine/accounts"
	"github.com/chatelaine-go/chatelaine/storage"
)

// guardChecks prove what a decision may rely on.
func guardChecks() []check {
	const rests = "a decision rests on what it read of an account; if that moved, the decision may be wrong (A15, A35)"
	return []check{
		{"held runs beside held", "changes that only rely on an account must not wait for each other", checkHeldHeld},
		{"moved conflicts with held that read before it", rests, checkMovedHeld},
		{"moved conflicts with moved that read before it", rests, checkMovedMoved},
		{"a held guard moves nothing, a moved one the version alone", rests, checkMoves},
		{"replacing an account conflicts with guards that read before it", rests, checkReplacedGuard},
		{
			"a guard and the rows beside it hold together or not at all",
			"the guard of one account must not be spent on a change that fails", checkGuardsTogether,
		},
		{"many held at once all succeed, and none beside a move is stale", rests, checkHeldRace},
	}
}

// guard returns what a decision that reads the account now would carry.
func (e *env) guard(st storage.Storage, id accounts.AccountID, move bool) accounts.Guard {
	e.Helper()
	a, err := st.Account(e.ctx, id)
	e.ok(err, "Account")
	return accounts.Guard{Account: id, Version: a.Version, Move: move}
}

func checkHeldHeld(e *env) {
	st := e.open()
	e.put(st, account("a"))
	first, second := e.guard(st, "a", false), e.guard(st, "a", false)
	e.put(st, first)
	e.put(st, second)
	third := e.guard(st, "a", true)
	e.put(st, first)
	e.put(st, third) // held before it, and nothing moved
}

func checkMovedHeld(e *env) {
	st := e.open()
	e.put(st, account("a"), account("b"))
	moved, held := e.guard(st, "a", true), e.guard(st, "a", false)
	e.put(st, moved)
	e.refused(st, "a change that holds an account as it was before it moved", held)
	e.put(st, e.guard(st, "a", false))
	e.put(st, e.guard(st, "b", false)) // another account is another matter
}

func checkMovedMoved(e *env) {
	st := e.open()
	e.put(st, account("a"))
	first, second := e.guard(st, "a", true), e.guard(st, "a", true)
	e.put(st, first)
	e.refused(st, "a change that moves an account as it was before it moved", second)
	e.put(st, e.guard(st, "a", true))
}

func checkMoves(e *env) {
	st := e.open()
	e.put(st, agency("a"))
	want := agency("a")
	want.Version = 1
	for i := range 6 {
		move := i%2 == 1
		e.put(st, e.guard(st, "a", move))
		if move {
			want.Version++
		}
		got, err := st.Account(e.ctx, "a")
		e.ok(err, "Account")
		e.same(got, want, "the account after a guard, moved %v", move)
	}
}

func checkReplacedGuard(e *env) {
	st := e.open()
	a := account("a")
	e.put(st, a)
	held, moved := e.guard(st, "a", false), e.guard(st, "a", true)
	a.Version, a.Name = 1, "Renamed"
	e.put(st, a)
	e.refused(st, "a change that holds an account as it was before it was replaced", held)
	e.refused(st, "a change that moves an account as it was before it was replaced", moved)
	a.Version = 2
	stale := a
	e.put(st, e.guard(st, "a", true))
	e.refused(st, "the replacement of an account as it was before it moved", stale)
}

func checkGuardsTogether(e *env) {
	st := e.open()
	e.put(st, account("a"), account("b"), account("c"))
	first, second := e.guard(st, "a", true), e.guard(st, "c", true)
	e.put(st, e.guard(st, "b", true))
	stale := accounts.Guard{Account: "b", Version: 1}
	e.refused(st, "a change with one stale guard of three", first, stale, second)
	e.put(st, first, e.guard(st, "b", false), second)
}

// together runs f n times at once and returns what each returned.
func together(n int, f func(i int) error) []error {
	errs := make([]error, n)
	var ready, done sync.WaitGroup
	begin := make(chan struct{})
	ready.Add(n)
	for i := range n {
		done.Go(func() {
			ready.Done()
			<-begin
			errs[i] = f(i)
		})
	}
	ready.Wait()
	close(begin)
	done.Wait()
	return errs
}

// won counts the successes, and ends the check on anything but a conflict.
func (e *env) won(errs []error) int {
	e.Helper()
	n := 0
	for _, err := range errs {
		if err == nil {
			n++
		} else {
			e.is(err, accounts.ErrConflict, "an attempt that lost")
		}
	}
	return n
}

// until tries again while the answer is a conflict.
func until(ctx context.Context, try func() error) error {
	for {
		err := try()
		if err == nil || !errors.Is(err, accounts.ErrConflict) {
			return err
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
	}
}

func checkHeldRace(e *env) {
	st := e.open()
	e.put(st, account("a"))
	const each, movers = 10, 4
	errs := together(16, func(i int) error {
		for n := range each {
			err := until(e.ctx, func() error {
				a, err := st.Account(e.ctx, "a")
				if err != nil {
					return err
				}
				op := accounts.OpID(fmt.Sprintf("race-%d-%d", i, n))
				return apply(e.ctx, st, build(op, accounts.Guard{Account: "a", Version: a.Version, Move: i < movers}))
			})
			if err != nil {
				return err
			}
		}
		return nil
	})
	for _, err := range errs {
		e.ok(err, "a change that was tried until it held")
	}
	a, err := st.Account(e.ctx, "a")
	e.ok(err, "Account")
	e.holds(a.Version == 1+each*movers, "after %d moves the version is %d, want %d", each*movers, a.Version, 1+each*movers)
}
