package access

import (
	"context"
	"crypto/rand"
	"fmt"
	"math/big"

	"github.com/chatelaine-go/chatelaine/access/token"
	"github.com/chatelaine-go/chatelaine/accounts"
)

// Confirmations is the service of identity confirmation. A user who has turned
// it on is asked for a six-digit code before they join an account, transfer
// ownership, make an owner, close an account, disable client access, view as a
// client, change how they log in, and erase themselves: the call that does it
// answers accounts.CodeError, the host asks for a code with its action and
// account, has it answered, and repeats the call, which uses the code up. A code
// is good for 10 minutes and 5 answers, for that user, that action at that
// account, and that session; what ends the user's sessions ends it, and once they
// have another phone it cannot be answered. The service holds no state and is
// safe for concurrent use.
//
// Codes go out through the outbox, on the channel mail.SMS: run a mail.Dispatcher
// for it, with a Mailer that takes text messages to the host's provider.
type Confirmations struct {
	st  SessionStore
	env *accounts.Env
}

// NewConfirmations returns a service on a store. A nil environment takes every
// default. Without a store it is an accounts.InvalidError.
func NewConfirmations(st SessionStore, env *accounts.Env) (*Confirmations, error) {
	env, err := checked(st, env)
	if err != nil {
		return nil, err
	}
	return &Confirmations{st: st, env: env}, nil
}

// With returns the service on another store, such as one that joins the host's
// transaction. A code is sent once the host has committed. An answer that the host
// rolls back is not counted: have codes answered outside of transactions.
func (s *Confirmations) With(st SessionStore) *Confirmations {
	with := *s
	with.st = st
	return &with
}

// Ask names what a code is asked for, as accounts.CodeError does.
type Ask struct {
	Action  accounts.EventKind
	Account accounts.AccountID // "" for what concerns the user alone
}

// Ask sends the actor a code for an action, to the phone number that they
// verified. It returns a secret that goes with the code: keep it in the page
// that asks for the code. A newer code for the same action takes the place of
// the older. A user gets 10 codes in a UTC day (accounts.ErrQuota).
//
// An accounts.InvalidError for the field "user" says that they have identity
// confirmation off, one for "action" or "account" that it is none, or is
// [EventConfirmationOn], which [Confirmations.TurnOn] begins. A login that was
// ended is accounts.ErrStepUp, an actor who is no user accounts.ErrNotFound.
func (s *Confirmations) Ask(ctx context.Context, actor accounts.Actor, in Ask) (token.Secret, error) {
	return s.ask(ctx, actor, in, func(op accounts.Operation, u accounts.User) (string, error) {
		switch {
		case in.Action == EventConfirmationOn:
			return "", &accounts.InvalidError{Field: "action", Reason: "is begun with TurnOn"}
		case !u.Confirms || u.Phone == "":
			return "", &accounts.InvalidError{Field: "user", Reason: "has identity confirmation off, and is asked for no code"}
		}
		return u.Phone, nil
	})
}

// TurnOn begins to turn identity confirmation on for the actor, or to change
// the phone number: it sends a code there, and the right answer with the action
// [EventConfirmationOn] completes it. Have the user confirm their name and
// address first. They must have proven their address (an accounts.InvalidError
// for the field "user") and logged in within the last 10 minutes
// (accounts.ErrStepUp); with another number already, a code for
// [EventConfirmationOff] is asked for instead (accounts.CodeError). What is no
// number is an accounts.InvalidError for the field "phone". Other errors are
// those of [Confirmations.Ask], and the code counts with its 10 of a day.
func (s *Confirmations) TurnOn(ctx context.Context, actor accounts.Actor, phone string) (token.Secret, error) {
	number, err := accounts.ParsePhone(phone)
	if err != nil {
		return token.Secret{}, err
	}
	return s.ask(ctx, actor, Ask{Action: EventConfirmationOn}, func(op accounts.Operation, u accounts.User) (string, error) {
		return number, mayTurnOn(op, u)
	})
}

// ask stores a challenge and sends its code.
func (s *Confirmations) ask(ctx context.Context, actor accounts.Actor, in Ask, to func(accounts.Operation, accounts.User) (string, error)) (token.Secret, error) {
	if err := in.check(); err != nil {
		return token.Secret{}, err
	}
	secret, hash, err := token.New(token.Challenge, s.env.Secrets())
	if err != nil {
		return token.Secret{}, err
	}
	n, err := rand.Int(rand.Reader, big.NewInt(1_000_000))
	if err != nil {
		return token.Secret{}, err
	}
	digits := fmt.Sprintf("%06d", n)
	op := s.env.Begin(actor)
	err = s.run(ctx, op, EventCodeAsked, func(ctx context.Context) (Change, error) {
		u, err := accounts.Self(ctx, s.st, actor)
		if err != nil {
			return Change{}, err
		}
		op := op
		if in.Action == EventConfirmationOn {
			// Another number in the place of one that is verified.
			if op, err = accounts.Confirming(ctx, s.st, op, u.UserState, EventConfirmationOff, ""); err != nil {
				return Change{}, err
			}
		}
		phone, err := to(op, u)
		if err != nil {
			return Change{}, err
		}
		old, err := s.st.Challenge(ctx, op.ChallengeKey(in.Action, in.Account))
		if err != nil {
			return Change{}, err
		}
		spent, err := s.st.Spent(ctx, accounts.QuotaKey{Kind: accounts.QuotaCodes, Subject: string(u.ID), Day: accounts.DayOf(op.At)})
		if err != nil {
			return Change{}, err
		}
		return askCode(op, u, old, phone, spent, digits, codeHash(hash, digits, u.Phone))
	})
	if err != nil {
		return token.Secret{}, err
	}
	return secret, nil
}

// Answer answers the code that the actor was asked for, with the secret of the
// page that asked. A wrong code is a [*WrongCodeError], which tells how often
// it may still be tried. Without a code that is open, with another session or
// another user, the answer is accounts.ErrNotFound: ask for a new one. A login
// that was ended is accounts.ErrStepUp. An accounts.InvalidError is for an
// action or account that is none, and, when a code would turn confirmation on,
// for a user whose address is not proven any more.
func (s *Confirmations) Answer(ctx context.Context, actor accounts.Actor, in Ask, secret, digits string) error {
	if err := in.check(); err != nil {
		return err
	}
	hash, err := token.Parse(token.Challenge, secret)
	if err != nil {
		return accounts.ErrNotFound
	}
	op := s.env.Begin(actor)
	wrong := false
	left := 0
	err = s.run(ctx, op, EventCodePassed, func(ctx context.Context) (Change, error) {
		u, err := accounts.Self(ctx, s.st, actor)
		if err != nil {
			return Change{}, err
		}
		ch, err := s.st.Challenge(ctx, op.ChallengeKey(in.Action, in.Account))
		if err != nil {
			return Change{}, err
		}
		c, n, err := answerCode(op, u, ch, codeHash(hash, digits, u.Phone))
		left, wrong = n, err == nil && c.Challenges[0].PassedAt.IsZero()
		return c, err
	})
	if err == nil && wrong {
		err = &WrongCodeError{Left: left}
	}
	return err
}

// TurnOff turns identity confirmation off and forgets the phone number, but in the
// records of codes that were sent there, which the next sweeps take. The
// actor is the user, with a code for [EventConfirmationOff]
// (accounts.CodeError), or an operator; to anybody else there is no such user
// (accounts.ErrNotFound). A login of the user's that was ended is
// accounts.ErrStepUp. The user is told by mail. Turning it off again changes
// nothing.
func (s *Confirmations) TurnOff(ctx context.Context, actor accounts.Actor, user accounts.UserID) error {
	if err := accounts.CheckID("user", user); err != nil {
		return err
	}
	op := s.env.Begin(actor)
	return s.run(ctx, op, EventConfirmationOff, func(ctx context.Context) (Change, error) {
		if !actor.IsOperator() && actor.User() != user {
			return Change{}, accounts.ErrNotFound // before a read tells who exists
		}
		u, err := s.st.User(ctx, accounts.UserKey{ID: user})
		if err != nil {
			return Change{}, err
		}
		op, err := accounts.Confirming(ctx, s.st, op, u.UserState, EventConfirmationOff, "")
		if err != nil {
			return Change{}, err
		}
		return turnOff(op, u)
	})
}

func (in Ask) check() error {
	if err := accounts.CheckID("action", in.Action); err != nil {
		return err
	}
	if in.Account == "" {
		return nil
	}
	return accounts.CheckID("account", in.Account)
}

func (s *Confirmations) run(ctx context.Context, op accounts.Operation, kind accounts.EventKind, decide func(ctx context.Context) (Change, error)) error {
	return run(ctx, s.env, s.st, op, kind, decide)
}
