package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	mathrand "math/rand/v2"
	"time"

	"github.com/chatelaine-go/chatelaine/access"
	"github.com/chatelaine-go/chatelaine/access/limit"
	"github.com/chatelaine-go/chatelaine/accounts"
	"github.com/chatelaine-go/chatelaine/invites"
	"github.com/chatelaine-go/chatelaine/roles"
)

// lane is one goroutine of a worker, with services of its own, so that it knows
// the ids and secrets that they make. It lives through the days of one customer
// after the other: an account of their own, an agency's request, colleagues,
// clients and sessions. The agencies are everybody's.
type lane struct {
	*shared
	name string
	n    int
	ids  *sequence
	rnd  *mathrand.Rand
	env  *accounts.Env
	told string // the secret that was made last

	graph    *accounts.Service
	clients  *accounts.Clients
	requests *access.Requests
	sessions *access.Sessions
	logins   *access.Logins
	invites  *invites.Service
	setups   *invites.SetupLinks

	staff  accounts.UserID // who works for agencies
	agency agency
}

// sequence makes the ids of one operation after the other: its own first, and
// then those of what it makes.
type sequence struct {
	base string
	n    int
}

// NewID implements accounts.IDs.
func (s *sequence) NewID(time.Time) string {
	s.n++
	if s.n == 1 {
		return s.base
	}
	return part(s.base, s.n-1)
}

// part is the id of what an operation makes.
func part[T int | string](op string, n T) string { return fmt.Sprintf("%s~%v", op, n) }

func newLane(s *shared, number int) (*lane, error) {
	l := &lane{shared: s, name: s.laneName(number), ids: &sequence{}, rnd: s.draw(number)}
	var err error
	if l.env, err = s.env(l.ids, func() string { l.told = rand.Text() + rand.Text(); return l.told }); err != nil {
		return nil, err
	}
	all := &invites.Options{Hasher: s.hasher}
	var errs [7]error
	l.graph, errs[0] = accounts.New(s.st, l.env)
	l.clients, errs[1] = accounts.NewClients(s.st, l.env)
	l.requests, errs[2] = access.NewRequests(s.st, l.env)
	l.sessions, errs[3] = access.NewSessions(s.st, l.env)
	l.logins, errs[4] = access.NewLogins(s.st, l.env, &access.LoginOptions{Hasher: s.hasher})
	l.invites, errs[5] = invites.New(s.st, l.env, all)
	l.setups, errs[6] = invites.NewSetupLinks(s.st, l.env, all)
	return l, errors.Join(errs[:]...)
}

// run works until ctx ends, and finishes what it has begun.
func (l *lane) run(ctx context.Context) error {
	for ctx.Err() == nil {
		if err := l.day(ctx); err != nil && ctx.Err() == nil {
			if errors.Is(err, errPipe) {
				return err
			}
			rest(ctx, 20*time.Millisecond) // the store is away, or somebody was faster
		}
	}
	return nil
}

var (
	errPipe = errors.New("the parent does not read any more")
	errOver = errors.New("the day is over")
)

// op begins the ids of another operation.
func (l *lane) op() string {
	l.n++
	l.ids.base, l.ids.n = fmt.Sprintf("%s-%d", l.name, l.n), 0
	return l.ids.base
}

// sets is the state that an operation leads to, by what it is the state of. Keys
// that begin with "=" are no states, and tell more about the operation.
type sets map[string]string

// do runs one operation. It returns errOver unless it was acknowledged.
func (l *lane) do(ctx context.Context, op, what string, to sets, run func(ctx context.Context) error) error {
	return l.count(ctx, op, what, to, func(ctx context.Context) (int, error) { return 0, run(ctx) })
}

// count is do for an operation of any number of rows.
func (l *lane) count(ctx context.Context, op, what string, to sets, run func(ctx context.Context) (int, error)) error {
	if ctx.Err() != nil {
		return errOver
	}
	if l.tell(line{Tell: lineBegin, Op: op, What: what, Sets: to}) != nil {
		return errPipe
	}
	// What has begun is not cut off when the worker is told to end.
	within, cancel := context.WithTimeout(context.WithoutCancel(ctx), l.c.deadline)
	defer cancel()
	n, err := run(within)
	x := line{Tell: lineDone, Op: op, N: n}
	if err != nil {
		x.Tell, x.Err = tellOf(err), accounts.Clip(err.Error(), 300)
	}
	if l.tell(x) != nil {
		return errPipe
	}
	if x.Tell == lineFailed {
		rest(ctx, 100*time.Millisecond) // it may be away for a while
	}
	if err != nil {
		return errOver
	}
	return nil
}

func (l *lane) tell(x line) error {
	x.Agency = l.agency.number
	return l.journal.tell(x)
}

// wrong tells of an answer that must not be.
func (l *lane) wrong(op, format string, args ...any) error {
	if l.tell(line{Tell: lineWrong, Op: op, Err: accounts.Clip(fmt.Sprintf(format, args...), 300)}) != nil {
		return errPipe
	}
	return errOver
}

// tellOf sorts errors by what they promise.
func tellOf(err error) string {
	if errors.Is(err, accounts.ErrUnknown) {
		return lineLost
	}
	for _, decided := range []error{
		accounts.ErrNotFound, accounts.ErrInvalid, accounts.ErrTaken, accounts.ErrLastOwner, accounts.ErrExpired, accounts.ErrStepUp,
		accounts.ErrConflict, accounts.ErrQuota, roles.ErrDenied, access.ErrDecided, access.ErrNoSession, access.ErrCredentials,
		access.ErrPlanChanged, invites.ErrUsed, invites.ErrVoid, limit.ErrLimited,
	} {
		if errors.Is(err, decided) {
			return lineRefused
		}
	}
	return lineFailed
}

// chance is true once in n times.
func (l *lane) chance(n int) bool { return l.rnd.IntN(n) == 0 }

// actor is a user who has just logged in with the host.
func (l *lane) actor(ctx context.Context, user accounts.UserID) (accounts.Actor, error) {
	l.op()
	ctx, cancel := context.WithTimeout(ctx, l.c.deadline)
	defer cancel()
	p, err := l.sessions.ForUser(ctx, accounts.Login{User: user, At: l.env.Now()}, "")
	if err != nil {
		return accounts.Actor{}, errOver
	}
	return p.Actor(), nil
}

// host is the job of the host that keeps users, accounts and members.
func host() accounts.Actor { return accounts.System("crash") }

// inTurn runs steps until one fails.
func inTurn(steps ...func() error) error {
	for _, step := range steps {
		if err := step(); err != nil {
			return err
		}
	}
	return nil
}
