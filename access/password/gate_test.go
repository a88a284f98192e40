package password_test

import (
	"context"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"

	"github.com/chatelaine-go/chatelaine/access/password"
)

// slow is a hasher whose hashes begin and then wait to be let go, one by one.
type slow struct {
	*password.Hasher

	mu      sync.Mutex
	running int
	most    int
	release chan struct{}
}

func newSlow(t *testing.T, parallel, queue int) *slow {
	t.Helper()
	s := &slow{
		Hasher:  newHasher(t, password.Options{Parallel: parallel, Queue: queue}),
		release: make(chan struct{}),
	}
	s.Derived(func(uint32, uint32, uint8) {
		s.mu.Lock()
		s.running++
		s.most = max(s.most, s.running)
		s.mu.Unlock()
		<-s.release
		s.mu.Lock()
		s.running--
		s.mu.Unlock()
	})
	return s
}

// A30: however many log in at once, no more than Parallel hashes have memory, no more than Queue callers wait, and the
// others hear so at once.
//
//nolint:paralleltest // a bubble of synctest runs by itself
func TestHasher_Parallel(t *testing.T) {
	const parallel, queue, callers = 3, 5, 40
	calls := map[string]func(context.Context, *slow) error{
		"Hash":    func(ctx context.Context, s *slow) error { _, err := s.Hash(ctx, refPassword); return err },
		"Verify":  func(ctx context.Context, s *slow) error { _, err := s.Verify(ctx, refCheap, refPassword); return err },
		"unknown": func(ctx context.Context, s *slow) error { _, err := s.Verify(ctx, "", refPassword); return err },
		"broken":  func(ctx context.Context, s *slow) error { _, err := s.Verify(ctx, "broken", refPassword); return err },
	}
	for name, call := range calls {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newSlow(t, parallel, queue)
				answers := make(chan error, callers)
				for range callers {
					go func() { answers <- call(t.Context(), s) }()
				}
				synctest.Wait()

				require.Equal(t, parallel, s.running)
				require.Len(t, answers, callers-parallel-queue, "those for whom there is no room hear so at once")
				for range callers - parallel - queue {
					require.ErrorIs(t, <-answers, password.ErrBusy)
				}
				close(s.release)
				for range parallel + queue {
					require.NotErrorIs(t, <-answers, password.ErrBusy)
				}
				require.Equal(t, parallel, s.most)
				synctest.Wait()
				require.NotErrorIs(t, call(t.Context(), s), password.ErrBusy, "there is room again")
			})
		})
	}
}

// A verifier of imported hashes takes a place as any hash does.
//
//nolint:paralleltest // a bubble of synctest runs by itself
func TestHasher_Parallel_Imported(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := blocking{release: make(chan struct{})}
		h := newHasher(t, password.Options{Parallel: 1, Queue: 1, Verifiers: []password.Verifier{v}})
		answers := make(chan error, 3)
		for range 3 {
			go func() {
				_, err := h.Verify(t.Context(), "imported", "pass")
				answers <- err
			}()
		}
		synctest.Wait()
		require.Len(t, answers, 1)
		require.ErrorIs(t, <-answers, password.ErrBusy)
		close(v.release)
		require.NoError(t, <-answers)
		require.NoError(t, <-answers)
	})
}

type blocking struct{ release chan struct{} }

func (blocking) Handles(string) bool { return true }

func (b blocking) Verify(string, string) (bool, error) {
	<-b.release
	return true, nil
}

//nolint:paralleltest // a bubble of synctest runs by itself
func TestHasher_Context(t *testing.T) {
	t.Run("a context that has ended begins nothing", func(t *testing.T) {
		h := newHasher(t, cheap())
		h.Derived(func(uint32, uint32, uint8) { t.Error("a hash was made") })
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		stored, err := h.Hash(ctx, refPassword)
		require.ErrorIs(t, err, context.Canceled)
		require.Empty(t, stored)
		m, err := h.Verify(ctx, refCheap, refPassword)
		require.ErrorIs(t, err, context.Canceled)
		require.Equal(t, none, m)
	})

	t.Run("a context that ends while waiting gives its place in the queue to another", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			s := newSlow(t, 1, 1)
			first, second, third := make(chan error, 1), make(chan error, 1), make(chan error, 1)
			go func() { _, err := s.Hash(t.Context(), refPassword); first <- err }()
			synctest.Wait()
			ctx, cancel := context.WithCancel(t.Context())
			go func() { _, err := s.Hash(ctx, refPassword); second <- err }()
			synctest.Wait()
			_, err := s.Hash(t.Context(), refPassword)
			require.ErrorIs(t, err, password.ErrBusy)

			cancel()
			require.ErrorIs(t, <-second, context.Canceled)
			go func() { _, err := s.Hash(t.Context(), refPassword); third <- err }()
			synctest.Wait()
			require.Empty(t, third, "it waits, there was room")
			s.release <- struct{}{}
			require.NoError(t, <-first)
			s.release <- struct{}{}
			require.NoError(t, <-third)
			require.Equal(t, 1, s.most)
		})
	})

	t.Run("nobody is hashed for whose context ended as their turn came", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			s := newSlow(t, 1, 1)
			ctx := &late{Context: t.Context()}
			first, second := make(chan error, 1), make(chan error, 1)
			go func() { _, err := s.Hash(t.Context(), refPassword); first <- err }()
			synctest.Wait()
			go func() { _, err := s.Hash(ctx, refPassword); second <- err }()
			synctest.Wait()
			ctx.ended.Store(true)
			s.release <- struct{}{}
			require.NoError(t, <-first)
			require.ErrorIs(t, <-second, context.Canceled)
			close(s.release)
			_, err := s.Hash(t.Context(), refPassword)
			require.NoError(t, err, "the place was given back")
		})
	})

	t.Run("whoever waits longest comes first", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			s := newSlow(t, 1, 4)
			done := make(chan int, 5)
			for i := range 5 {
				go func() {
					_, err := s.Hash(t.Context(), refPassword)
					if err == nil {
						done <- i
					}
				}()
				synctest.Wait()
			}
			for i := range 5 {
				s.release <- struct{}{}
				require.Equal(t, i, <-done)
			}
		})
	})
}

// late is a context that has ended and whose channel does not tell so yet.
type late struct {
	context.Context //nolint:containedctx // it is one

	ended atomic.Bool
}

func (l *late) Err() error {
	if l.ended.Load() {
		return context.Canceled
	}
	return nil
}
