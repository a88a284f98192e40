package main

import (
	"context"
	"fmt"
	"time"

	"github.com/chatelaine-go/chatelaine/access"
	"github.com/chatelaine-go/chatelaine/accounts"
	"github.com/chatelaine-go/chatelaine/roles"
)

// The second half of the agency's story: what happens once a client said yes.

func (c *cast) colleagues(ctx context.Context) error {
	c.chapter("Colleagues")
	asMia, err := c.visit(ctx, c.mia, studio)
	if err != nil {
		return err
	}
	add := accounts.Assign{Agency: studio, Client: bakery, User: "otis", Role: roles.Admin}
	_, err = c.accounts.Assign(ctx, asMia, add)
	if err := c.refused(err, roles.ErrDenied, "Mia makes Otis Admin at the bakery"); err != nil {
		return err
	}
	add.Role = roles.Author
	if _, err := c.accounts.Assign(ctx, asMia, add); err != nil {
		return err
	}
	c.say("Mia adds Otis at the bakery as Author. He is told by mail.")
	add.User = "carla@bakery.example"
	_, err = c.accounts.Assign(ctx, asMia, add)
	return c.refused(err, accounts.ErrInvalid, "Mia adds Carla, who is no colleague")
}

func (c *cast) goThere(ctx context.Context) error {
	c.chapter("To the client's account and back, without another login")
	p, err := c.sessions.Principal(ctx, c.mia, "")
	if err != nil {
		return err
	}
	choices, err := c.sessions.Chooser(ctx, p.Actor(), access.ChoicePage{})
	if err != nil {
		return err
	}
	for _, ch := range choices {
		c.say("  %-18s %-8s as %s", ch.Name, ch.Effective, ch.Kind)
	}
	if err := same("lines of the chooser", len(choices), 2); err != nil {
		return err
	}
	secret, p, err := c.sessions.Switch(ctx, c.mia, studio)
	if err != nil {
		return err
	}
	old := secret.Reveal()
	c.say("Mia picks %s.", p.AccountName)
	if secret, p, err = c.sessions.Switch(ctx, old, bakery); err != nil {
		return err
	}
	c.mia = secret.Reveal()
	c.say("From there she goes to %s, as %s through %s.", p.AccountName, p.Role(), p.AgencyName)
	_, err = c.sessions.Principal(ctx, old, bakery)
	if err := c.refused(err, access.ErrNoSession, "Somebody replays her cookie of before"); err != nil {
		return err
	}
	if err := c.refused(c.accounts.RemoveMember(ctx, p.Actor(), bakery, carla), roles.ErrDenied, "Mia removes Carla from her own bakery"); err != nil {
		return err
	}
	secret, p, err = c.sessions.Return(ctx, c.mia)
	if err != nil {
		return err
	}
	c.mia = secret.Reveal()
	c.say("Mia returns to %s in one step.", p.AccountName)
	return nil
}

func (c *cast) explain(ctx context.Context) error {
	c.chapter("Who can reach the bakery, and why")
	asCarla, err := c.visit(ctx, c.carla, bakery)
	if err != nil {
		return err
	}
	if err := c.accounts.ChangeCap(ctx, asCarla, accounts.ConnectionKey{Client: bakery, Agency: studio}, roles.Viewer); err != nil {
		return err
	}
	c.say("Carla lowers the cap to Viewer. It limits everyone at the next check:")
	list, err := c.accounts.Reachers(ctx, asCarla, bakery, "", 0)
	if err != nil {
		return err
	}
	for _, e := range list {
		c.show(e.String())
	}
	p, err := c.sessions.Principal(ctx, c.mia, bakery)
	if err != nil {
		return err
	}
	return same("Mia's role at the bakery", p.Role(), roles.Viewer)
}

func (c *cast) disable(ctx context.Context) error {
	c.chapter("The agency leaves the programme")
	asMia, err := c.visit(ctx, c.mia, studio)
	if err != nil {
		return err
	}
	if _, err := c.requests.Send(ctx, asMia, access.Batch{Agency: studio, Addresses: "hello@florist.example"}); err != nil {
		return err
	}
	c.say("Mia asks a florist for access. The mail waits in the outbox.")
	c.clock.Add(15 * time.Minute)
	asNora, err := c.visit(ctx, c.nora, studio)
	if err != nil {
		return err
	}
	plan, err := c.requests.PlanDisableClientAccess(ctx, asNora, studio)
	if err != nil {
		return err
	}
	c.say("Nora is shown what will end: %d connection and %d pending request.", len(plan.Clients), len(plan.Requests))
	for _, client := range plan.Clients {
		c.say("  %s: %d colleagues lose access", client.Name, client.Assigned)
	}
	for _, r := range plan.Requests {
		c.say("  the request to %s", r.Address)
	}
	err = c.requests.DisableClientAccess(ctx, asNora, studio, plan.Confirm)
	if err := c.refused(err, accounts.ErrStepUp, "Nora confirms, 15 minutes after her login"); err != nil {
		return err
	}
	if err := c.signIn(ctx); err != nil {
		return err
	}
	if asNora, err = c.visit(ctx, c.nora, studio); err != nil {
		return err
	}
	if err := c.requests.DisableClientAccess(ctx, asNora, studio, plan.Confirm); err != nil {
		return err
	}
	c.say("Nora logs in again and confirms. One change ends it all.")
	_, err = c.sessions.Principal(ctx, c.mia, bakery)
	if err := c.refused(err, accounts.ErrNotFound, "Mia goes to the bakery"); err != nil {
		return err
	}
	if _, err := c.deliver(ctx); err != nil {
		return err
	}
	m, _ := c.mailbox.Last("carla@bakery.example")
	c.say("Carla is told:")
	c.letter(m)
	if err := same("mails to the florist", len(c.mailbox.To("hello@florist.example")), 0); err != nil {
		return err
	}
	c.say("The florist's mail is not sent any more.")
	return nil
}

func (c *cast) audit(ctx context.Context) error {
	c.chapter("The audit of Calla Bakery")
	asCarla, err := c.visit(ctx, c.carla, bakery)
	if err != nil {
		return err
	}
	events, err := c.accounts.Events(ctx, asCarla, accounts.EventQuery{Account: bakery})
	if err != nil {
		return err
	}
	for i := len(events) - 1; i >= 0; i-- {
		c.event(events[i])
	}
	if len(events) < 8 {
		return fmt.Errorf("only %d events in the audit", len(events))
	}
	return nil
}

// event tells one event of an audit.
func (t *teller) event(e accounts.Event) {
	line := fmt.Sprintf("%s  %-24s", e.At.Format("02 Jan 15:04"), e.Kind)
	line += " by " + who(e.By)
	if e.User != "" && e.User != e.By.User {
		line += ", for " + string(e.User)
	}
	switch {
	case e.Was != "" && e.Role != "":
		line += fmt.Sprintf(", %s instead of %s", e.Role, e.Was)
	case e.Was != "" || e.Role != "":
		line += ", " + string(e.Was+e.Role)
	}
	if e.Refusal != "" {
		line += fmt.Sprintf(": %s (%s)", e.Action, e.Refusal)
	}
	t.say("%s", line)
}

func who(by accounts.By) string {
	switch {
	case by.User != "":
		return string(by.User)
	case by.Operator != "":
		return by.Operator
	}
	return by.System
}
