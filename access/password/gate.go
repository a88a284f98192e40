package password

import (
	"context"
	"fmt"
)

// gate lets a fixed number in at once, and a fixed number wait. Whoever waits longest is let in first.
type gate struct {
	running chan struct{}
	waiting chan struct{}
}

func newGate(parallel, queue int) gate {
	return gate{running: make(chan struct{}, parallel), waiting: make(chan struct{}, queue)}
}

// enter returns when there is room, for leave to give it back. It returns ErrBusy at once when nobody more may wait, and
// an error that wraps ctx's when ctx ends first: then nobody is left to hash for.
func (g gate) enter(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("password: before hashing: %w", err)
	}
	select {
	case g.running <- struct{}{}:
		return nil
	default:
	}
	select {
	case g.waiting <- struct{}{}:
		defer func() { <-g.waiting }()
	default:
		return ErrBusy
	}
	select {
	case g.running <- struct{}{}:
		if err := ctx.Err(); err != nil {
			g.leave()
			return fmt.Errorf("password: waiting to hash: %w", err)
		}
		return nil
	case <-ctx.Done():
		return fmt.Errorf("password: waiting to hash: %w", ctx.Err())
	}
}

// leave makes room for the next.
func (g gate) leave() { <-g.running }
