package main

import (
	"context"
	"fmt"
	"strings"

	"github.com/chatelaine-go/chatelaine/access"
	"github.com/chatelaine-go/chatelaine/accounts"
	"github.com/chatelaine-go/chatelaine/roles"
)

// agency is one of those for which everybody works, until its requests of the
// day are used up.
type agency struct {
	number int
	id     accounts.AccountID
	boss   accounts.UserID
	staff  accounts.Actor
	owner  accounts.Actor
}

// customer is a user with an account of their own.
type customer struct {
	user    accounts.UserID
	account accounts.AccountID
	email   string
	actor   accounts.Actor
}

// day is one round of a lane.
func (l *lane) day(ctx context.Context) error {
	if err := l.employed(ctx); err != nil {
		return err
	}
	c, err := l.newCustomer(ctx)
	if err != nil {
		return err
	}
	parts := []func(context.Context, customer) error{l.asked, l.invited, l.served, l.around}
	l.rnd.Shuffle(len(parts), func(i, j int) { parts[i], parts[j] = parts[j], parts[i] })
	for _, live := range parts {
		// One part that ends early leaves the others as they are.
		if err := live(ctx, c); err != nil && err != errOver { //nolint:errorlint // both are never wrapped
			return err
		}
	}
	if l.chance(8) {
		return l.shortLived(ctx)
	}
	return nil
}

// employed makes the lane's user work for the agency of the hour.
func (l *lane) employed(ctx context.Context) error {
	number := int(l.shared.agency.Load())
	if l.agency.number == number {
		return nil
	}
	a := agency{
		number: number, id: accounts.AccountID(fmt.Sprintf("%s-agency%d", l.c.name, number)),
		boss: accounts.UserID(fmt.Sprintf("%s-boss%d", l.c.name, number)),
	}
	l.agency = agency{number: number} // of which the parent is told
	var err error
	if l.staff == "" {
		if l.staff, err = l.newUser(ctx); err != nil {
			return err
		}
	}
	if err := l.put(ctx, a.boss, string(a.boss)+"@example.com"); err != nil {
		return err
	}
	op := l.op()
	// Somebody else may have made it already, which is no reason to go.
	_ = l.do(ctx, op, "open-account", sets{
		stateOf("account", a.id): "agency", stateOf("member", a.id, a.boss): "owner",
	}, func(ctx context.Context) error {
		_, err := l.graph.CreateAccount(ctx, host(), accounts.CreateAccount{ID: a.id, Name: "Agency", Kind: accounts.KindAgency, Owner: a.boss})
		return err
	})
	if a.owner, err = l.actor(ctx, a.boss); err != nil {
		return err
	}
	if err := l.programme(ctx, a.owner, a.id); err != nil {
		return err
	}
	op = l.op()
	if err := l.do(ctx, op, "add-member", sets{stateOf("member", a.id, l.staff): "manager"}, func(ctx context.Context) error {
		return l.graph.AddMember(ctx, host(), a.id, l.staff, "manager")
	}); err != nil {
		return err
	}
	if a.staff, err = l.actor(ctx, l.staff); err != nil {
		return err
	}
	l.agency = a
	return nil
}

// programme makes an account an agency.
func (l *lane) programme(ctx context.Context, owner accounts.Actor, id accounts.AccountID) error {
	op := l.op()
	if err := l.do(ctx, op, "join-programme", sets{stateOf("programme", id): "joined"}, func(ctx context.Context) error {
		return l.graph.JoinProgramme(ctx, owner, id)
	}); err != nil {
		return err
	}
	op = l.op()
	return l.do(ctx, op, "enable-access", sets{stateOf("access", id): "enabled"}, func(ctx context.Context) error {
		return l.graph.EnableClientAccess(ctx, owner, id)
	})
}

// newUser makes a user whom the host keeps.
func (l *lane) newUser(ctx context.Context) (accounts.UserID, error) {
	op := l.op()
	id := accounts.UserID(part(op, "u"))
	return id, l.putAs(ctx, op, id, op+"@example.com")
}

func (l *lane) put(ctx context.Context, id accounts.UserID, email string) error {
	return l.putAs(ctx, l.op(), id, email)
}

func (l *lane) putAs(ctx context.Context, op string, id accounts.UserID, email string) error {
	return l.do(ctx, op, "put-user", sets{stateOf("user", id): email + " proven"}, func(ctx context.Context) error {
		_, err := l.graph.PutUser(ctx, host(), accounts.PutUser{ID: id, Name: "Somebody", Email: email, Proven: true})
		return err
	})
}

// newCustomer makes a user with an account.
func (l *lane) newCustomer(ctx context.Context) (customer, error) {
	var c customer
	var err error
	if c.user, err = l.newUser(ctx); err != nil {
		return c, err
	}
	c.email = strings.TrimSuffix(string(c.user), "~u") + "@example.com"
	if c.actor, err = l.actor(ctx, c.user); err != nil {
		return c, err
	}
	op := l.op()
	c.account = accounts.AccountID(part(op, 1))
	return c, l.do(ctx, op, "open-account", sets{
		stateOf("account", c.account): "standard", stateOf("member", c.account, c.user): "owner",
	}, func(ctx context.Context) error {
		a, err := l.graph.CreateAccount(ctx, c.actor, accounts.CreateAccount{Name: "Customer"})
		if err == nil && a.ID != c.account {
			return l.wrong(op, "the account is %s", a.ID)
		}
		return err
	})
}

// asked is what an agency and a customer do with each other.
func (l *lane) asked(ctx context.Context, c customer) error {
	for again := true; again; again = l.chance(3) {
		id, err := l.send(ctx, c)
		if err != nil {
			return err
		}
		if l.chance(4) {
			if err := l.resend(ctx, id); err != nil {
				return err
			}
		}
		switch l.rnd.IntN(10) {
		case 0:
			return l.withdraw(ctx, id)
		case 1:
			return l.decline(ctx, c, id)
		case 2:
			return l.meddle(ctx)
		}
		if err := l.connected(ctx, c, id); err != nil {
			return err
		}
	}
	return nil
}

// send asks a customer, and some strangers, for access.
func (l *lane) send(ctx context.Context, c customer) (accounts.RequestID, error) {
	op := l.op()
	b := access.Batch{Agency: l.agency.id, Addresses: c.email, Level: "author", Message: "Let us in.", Key: op}
	for i := range l.rnd.IntN(4) {
		b.Addresses += fmt.Sprintf(", x%d.%s@example.net", i, op)
	}
	b.Addresses += ", " + c.email // once too often
	var id accounts.RequestID
	try := func(ctx context.Context) (int, error) {
		a, err := l.requests.Send(ctx, l.agency.staff, b)
		if err != nil {
			return 0, err
		}
		if a.Left == 0 {
			l.shared.agency.CompareAndSwap(int64(l.agency.number), int64(l.agency.number)+1)
		}
		if was := id; was != "" && was != a.Answers[0].Request {
			return 0, l.wrong(op, "the same key was answered with %s, and then with %s", was, a.Answers[0].Request)
		}
		if a.Answers[0].Outcome == access.Sent {
			id = a.Answers[0].Request
		}
		return a.Sent, nil
	}
	err := l.count(ctx, op, "send", sets{"=agency": string(l.agency.id), "=key": op}, try)
	if err == nil && id != "" && !l.chance(10) {
		return id, nil
	}
	// The answer was lost, or somebody pushed the button twice.
	again := l.op()
	if err := l.count(ctx, again, "send-again", sets{"=agency": string(l.agency.id), "=first": op, "=key": op}, try); err != nil {
		return "", err
	}
	if id == "" {
		return "", errOver // over the limit of the day
	}
	return id, nil
}

func (l *lane) resend(ctx context.Context, id accounts.RequestID) error {
	return l.do(ctx, l.op(), "resend", sets{"=request": string(id)}, func(ctx context.Context) error {
		return l.requests.Resend(ctx, l.agency.staff, access.Resend{Agency: l.agency.id, Request: id})
	})
}

func (l *lane) withdraw(ctx context.Context, id accounts.RequestID) error {
	return l.do(ctx, l.op(), "withdraw", sets{stateOf("request", l.agency.id, id): "withdrawn"}, func(ctx context.Context) error {
		return l.requests.Withdraw(ctx, l.agency.staff, l.agency.id, id)
	})
}

// meddle takes back a request that may be another's, who decides about it at this
// moment.
func (l *lane) meddle(ctx context.Context) error {
	l.op()
	within, cancel := context.WithTimeout(ctx, l.c.deadline)
	defer cancel()
	list, err := l.requests.Clients(within, l.agency.staff, l.agency.id, access.ClientPage{States: []access.ClientState{access.ClientPending}, Limit: 5})
	if err != nil || len(list) == 0 {
		return errOver
	}
	return l.withdraw(ctx, list[l.rnd.IntN(len(list))].Request.ID)
}

func (l *lane) decline(ctx context.Context, c customer, id accounts.RequestID) error {
	return l.do(ctx, l.op(), "decline", sets{stateOf("request", l.agency.id, id): "declined"}, func(ctx context.Context) error {
		return l.requests.Decline(ctx, c.actor, access.Decision{Agency: l.agency.id, Request: id, Account: c.account}, "Not now.")
	})
}

// connected approves a request, and lives with the connection until it ends.
func (l *lane) connected(ctx context.Context, c customer, id accounts.RequestID) error {
	key := accounts.ConnectionKey{Client: c.account, Agency: l.agency.id}
	conn, own := stateOf("connection", key.Client, key.Agency), stateOf("assignment", key.Client, key.Agency, l.staff)
	cap, lower := roles.Role("manager"), roles.Role("author") //nolint:predeclared // the word of the product
	boss := stateOf("assignment", key.Client, key.Agency, l.agency.boss)
	return inTurn(
		func() error {
			return l.do(ctx, l.op(), "approve", sets{
				stateOf("request", l.agency.id, id): "approved", conn: string(cap) + " by " + string(id), own: string(cap),
			}, func(ctx context.Context) error {
				_, err := l.requests.Approve(ctx, c.actor, access.Decision{Agency: l.agency.id, Request: id, Account: c.account}, cap)
				return err
			})
		},
		func() error {
			if l.chance(2) {
				return nil
			}
			return l.do(ctx, l.op(), "cap", sets{conn: string(lower) + " by " + string(id)}, func(ctx context.Context) error {
				return l.graph.ChangeCap(ctx, c.actor, key, lower)
			})
		},
		func() error {
			if l.chance(2) {
				return nil
			}
			return l.do(ctx, l.op(), "assign", sets{boss: "viewer"}, func(ctx context.Context) error {
				_, err := l.graph.Assign(ctx, l.agency.staff, accounts.Assign{Agency: key.Agency, Client: key.Client, User: string(l.agency.boss), Role: "viewer"})
				return err
			})
		},
		func() error {
			if l.chance(2) {
				return nil
			}
			return l.do(ctx, l.op(), "unassign", sets{own: "ended"}, func(ctx context.Context) error {
				_, err := l.graph.Unassign(ctx, l.agency.staff, key, string(l.staff))
				return err
			})
		},
		func() error {
			if l.chance(4) {
				return errOver // it stays
			}
			return l.do(ctx, l.op(), "end", sets{conn: "ended"}, func(ctx context.Context) error {
				return l.graph.EndConnection(ctx, c.actor, c.account, key)
			})
		},
	)
}

// shortLived is an agency that leaves the programme, and closes.
func (l *lane) shortLived(ctx context.Context) error {
	c, err := l.newCustomer(ctx)
	if err != nil {
		return err
	}
	if err := l.programme(ctx, c.actor, c.account); err != nil {
		return err
	}
	var sent access.BatchAnswer
	op := l.op()
	if err := l.count(ctx, op, "send", sets{"=agency": string(c.account)}, func(ctx context.Context) (n int, err error) {
		sent, err = l.requests.Send(ctx, c.actor, access.Batch{Agency: c.account, Addresses: "a." + op + "@example.net, b." + op + "@example.net"})
		return sent.Sent, err
	}); err != nil {
		return err
	}
	l.op()
	plan, err := l.requests.PlanDisableClientAccess(ctx, c.actor, c.account)
	if err != nil {
		return errOver
	}
	ended := sets{stateOf("programme", c.account): "", stateOf("access", c.account): "", "=requests": fmt.Sprint(len(plan.Requests))}
	for _, r := range plan.Requests {
		ended[stateOf("request", c.account, r.Request)] = "ended"
	}
	if err := l.do(ctx, l.op(), "disable", ended, func(ctx context.Context) error {
		return l.requests.DisableClientAccess(ctx, c.actor, c.account, plan.Confirm)
	}); err != nil {
		return err
	}
	return l.do(ctx, l.op(), "close", sets{stateOf("account", c.account): "closed"}, func(ctx context.Context) error {
		return l.graph.CloseAccount(ctx, c.actor, c.account)
	})
}
