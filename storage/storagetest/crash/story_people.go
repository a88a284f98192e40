package main

import (
	"context"

	"github.com/chatelaine-go/chatelaine/access"
	"github.com/chatelaine-go/chatelaine/access/token"
	"github.com/chatelaine-go/chatelaine/accounts"
	"github.com/chatelaine-go/chatelaine/invites"
	"github.com/chatelaine-go/chatelaine/roles"
)

// invited is what becomes of somebody whom the customer invites.
func (l *lane) invited(ctx context.Context, c customer) error {
	op := l.op()
	id := accounts.InvitationID(part(op, 1))
	state := stateOf("invitation", c.account, id)
	email := "guest." + op + "@example.com"
	if err := l.do(ctx, op, "invite", sets{state: "pending", "=key": op}, func(ctx context.Context) error {
		_, err := l.invites.Invite(ctx, c.actor, invites.Invite{Account: c.account, Email: email, Role: "manager", Key: op})
		return err
	}); err != nil {
		return err
	}
	link := string(token.Invitation) + l.told
	if l.chance(4) {
		if err := l.do(ctx, l.op(), "reinvite", sets{"=invitation": string(id)}, func(ctx context.Context) error {
			_, err := l.invites.Resend(ctx, c.actor, invites.Resend{Account: c.account, Invitation: id})
			return err
		}); err != nil {
			return err
		}
		link = string(token.Invitation) + l.told
	}
	switch n := l.rnd.IntN(10); {
	case n == 0:
		return l.do(ctx, l.op(), "revoke", sets{state: "revoked"}, func(ctx context.Context) error {
			return l.invites.Revoke(ctx, c.actor, c.account, id)
		})
	case n == 1:
		return l.do(ctx, l.op(), "turn-down", sets{state: "declined"}, func(ctx context.Context) error {
			return l.invites.Decline(ctx, accounts.Actor{}, invites.Answer{Link: link})
		})
	case n < 6:
		op := l.op()
		guest := accounts.UserID(part(op, "u"))
		if err := l.do(ctx, op, "accept-new", sets{
			state: "accepted", stateOf("user", guest): email + " proven", stateOf("member", c.account, guest): "manager",
		}, func(ctx context.Context) error {
			_, err := l.invites.AcceptNew(ctx, invites.NewLogin{Link: link, ID: guest, Name: "Guest", Kept: true})
			return err
		}); err != nil {
			return err
		}
		return l.member(ctx, c, guest)
	}
	op = l.op()
	guest := accounts.UserID(part(op, "u"))
	if err := l.putAs(ctx, op, guest, email); err != nil {
		return err
	}
	by, err := l.actor(ctx, guest)
	if err != nil {
		return err
	}
	if err := l.do(ctx, l.op(), "accept", sets{state: "accepted", stateOf("member", c.account, guest): "manager"}, func(ctx context.Context) error {
		_, err := l.invites.Accept(ctx, by, invites.Answer{Account: c.account, Invitation: id})
		return err
	}); err != nil {
		return err
	}
	return l.member(ctx, c, guest)
}

// member is the life of a member.
func (l *lane) member(ctx context.Context, c customer, guest accounts.UserID) error {
	state := stateOf("member", c.account, guest)
	role := roles.Role("author")
	steps := []func() error{
		func() error {
			return l.do(ctx, l.op(), "role", sets{state: string(role)}, func(ctx context.Context) error {
				return l.graph.ChangeRole(ctx, c.actor, c.account, guest, role)
			})
		},
		func() error {
			return l.do(ctx, l.op(), "suspend", sets{state: string(role) + " suspended"}, func(ctx context.Context) error {
				return l.graph.SuspendMember(ctx, c.actor, c.account, guest)
			})
		},
		func() error {
			return l.do(ctx, l.op(), "reactivate", sets{state: string(role)}, func(ctx context.Context) error {
				return l.graph.ReactivateMember(ctx, c.actor, c.account, guest)
			})
		},
		func() error {
			return l.do(ctx, l.op(), "remove", sets{state: "ended"}, func(ctx context.Context) error {
				return l.graph.RemoveMember(ctx, c.actor, c.account, guest)
			})
		},
	}
	return inTurn(steps[:l.rnd.IntN(len(steps)+1)]...)
}

// around is what people do with their logins.
func (l *lane) around(ctx context.Context, c customer) error {
	op := l.op()
	session := part(op, 1)
	state := stateOf("session", session)
	var secret token.Secret
	if err := l.do(ctx, op, "start", sets{state: "at nothing"}, func(ctx context.Context) (err error) {
		secret, _, err = l.sessions.Start(ctx, accounts.Login{User: c.user, Method: "host"}, access.Device{UserAgent: "crash", Source: "192.0.2.7"})
		return err
	}); err != nil {
		return err
	}
	steps := []func() error{
		func() error {
			return l.do(ctx, l.op(), "switch", sets{state: "at " + string(c.account)}, func(ctx context.Context) (err error) {
				secret, _, err = l.sessions.Switch(ctx, secret.Reveal(), c.account)
				return err
			})
		},
		func() error {
			l.op()
			within, cancel := context.WithTimeout(ctx, l.c.deadline)
			defer cancel()
			p, err := l.sessions.Principal(within, secret.Reveal(), c.account)
			if err == nil && p.Role() != roles.Owner {
				return l.wrong(session, "the owner of %s is %q there", c.account, p.Role())
			}
			if tellOf(errOr(err)) == lineRefused {
				return l.wrong(session, "its newest secret was answered with: %v", err)
			}
			return err
		},
		func() error {
			return l.do(ctx, l.op(), "sign-out", sets{state: "ended"}, func(ctx context.Context) error {
				return l.sessions.SignOut(ctx, secret.Reveal())
			})
		},
	}
	if err := inTurn(steps[:l.rnd.IntN(len(steps)+1)]...); err != nil {
		return err
	}
	if !l.chance(4) {
		return nil
	}
	return l.newcomer(ctx)
}

// errOr keeps nil from being asked what it promises.
func errOr(err error) error {
	if err == nil {
		return errOver
	}
	return err
}

// newcomer signs up with a password, and logs in with it.
func (l *lane) newcomer(ctx context.Context) error {
	const words = "seventeen dusty lamps burn"
	op := l.op()
	email := "new." + op + "@example.com"
	from := access.Device{Source: "192.0.2.8"}
	if err := l.do(ctx, op, "sign-up", sets{stateOf("user", part(op, 1)): email}, func(ctx context.Context) error {
		_, err := l.logins.SignUp(ctx, access.SignUp{Email: email, Name: "New", Password: words}, from)
		return err
	}); err != nil {
		return err
	}
	op = l.op()
	return l.do(ctx, op, "log-in", sets{stateOf("session", part(op, 1)): "at nothing"}, func(ctx context.Context) error {
		_, _, err := l.logins.LogIn(ctx, access.LogIn{Email: email, Password: words}, from)
		return err
	})
}
