package access

import (
	"context"

	"github.com/chatelaine-go/chatelaine/access/limit"
	"github.com/chatelaine-go/chatelaine/accounts"
)

// applier is the part of a store that this package's operations end in.
type applier interface {
	accounts.Store
	ApplyAccess(ctx context.Context, c Change) error
}

// checked returns the environment that a service is made with: nil takes every
// default. A service without a store is refused.
func checked(st applier, env *accounts.Env) (*accounts.Env, error) {
	if st == nil {
		return nil, &accounts.InvalidError{Field: "store", Reason: "is missing"}
	}
	if env != nil {
		return env, nil
	}
	return accounts.NewEnv(nil)
}

// bursts returns the environment's limiter of bursts, or else a new one.
func bursts(env *accounts.Env) (accounts.BurstLimiter, error) {
	if b := env.Burst(); b != nil {
		return b, nil
	}
	return limit.New(&limit.Options{Clock: env})
}

// run runs an operation whose decision is a change of this package. A decision
// without events changes nothing. Decide asks the store with the context that
// it is given, which ends when the time for trying does.
func run(ctx context.Context, env *accounts.Env, st applier, op accounts.Operation, kind accounts.EventKind,
	decide func(ctx context.Context) (Change, error),
) error {
	return accounts.Run(ctx, env, st, op, kind, func(ctx context.Context) (func(context.Context) error, error) {
		c, err := decide(ctx)
		if err != nil || len(c.Events) == 0 {
			return nil, err
		}
		if err := env.Seal(&c.Change); err != nil {
			return nil, err
		}
		return func(ctx context.Context) error { return st.ApplyAccess(ctx, c) }, nil
	})
}
