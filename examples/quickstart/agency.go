package main

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/chatelaine-go/chatelaine/access"
	"github.com/chatelaine-go/chatelaine/accounts"
	"github.com/chatelaine-go/chatelaine/roles"
)

// The people and accounts of the story, under the host's own ids.
const (
	studio accounts.AccountID = "studio" // the agency
	bakery accounts.AccountID = "bakery" // a client

	nora  accounts.UserID = "nora"  // owns the studio
	mia   accounts.UserID = "mia"   // Manager there
	otis  accounts.UserID = "otis"  // Author there
	carla accounts.UserID = "carla" // owns the bakery
)

// cast is who is signed in during the story.
type cast struct {
	*host
	nora, mia, carla string // the secrets of their sessions, as cookies hold them
}

// agencyStory tells how an agency connects its clients' accounts.
func agencyStory(ctx context.Context, h *host) error {
	h.title("An agency connects a client's account")
	c := &cast{host: h}
	for _, chapter := range []func(context.Context) error{
		c.people, c.programme, c.batch, c.expiry, c.approval, c.colleagues, c.goThere, c.explain, c.disable, c.audit,
	} {
		if err := chapter(ctx); err != nil {
			return err
		}
	}
	fmt.Fprintln(h.w, "\nEverything went as told.")
	return nil
}

func (c *cast) people(ctx context.Context) error {
	c.chapter("People and accounts")
	job := accounts.System("quickstart")
	for _, u := range []accounts.PutUser{
		{ID: nora, Name: "Nora Lind", Handle: "nora", Email: "nora@northlight.example", Proven: true},
		{ID: mia, Name: "Mia Weber", Handle: "mia", Email: "mia@northlight.example", Proven: true},
		{ID: otis, Name: "Otis Grant", Handle: "otis", Email: "otis@northlight.example", Proven: true},
		{ID: carla, Name: "Carla Rossi", Email: "carla@bakery.example", Proven: true},
	} {
		if _, err := c.accounts.PutUser(ctx, job, u); err != nil {
			return err
		}
	}
	for _, a := range []accounts.CreateAccount{
		{ID: studio, Name: "Northlight Studio", Kind: accounts.Agency, Owner: nora},
		{ID: bakery, Name: "Calla Bakery", Owner: carla},
	} {
		if _, err := c.accounts.CreateAccount(ctx, job, a); err != nil {
			return err
		}
	}
	if err := c.accounts.AddMember(ctx, job, studio, mia, roles.Manager); err != nil {
		return err
	}
	if err := c.accounts.AddMember(ctx, job, studio, otis, roles.Author); err != nil {
		return err
	}
	c.say("Northlight Studio is an agency: Nora owns it, Mia is Manager, Otis is Author.")
	c.say("Calla Bakery is a business: Carla owns it.")
	return c.signIn(ctx)
}

// signIn opens the sessions of people whose login the host has checked.
func (c *cast) signIn(ctx context.Context) error {
	for user, secret := range map[accounts.UserID]*string{nora: &c.nora, mia: &c.mia, carla: &c.carla} {
		s, _, err := c.sessions.Start(ctx, accounts.Login{User: user, Method: "host"}, access.Device{UserAgent: "quickstart"})
		if err != nil {
			return err
		}
		*secret = s.Reveal()
	}
	c.say("Nora, Mia and Carla are signed in.")
	return nil
}

func (c *cast) programme(ctx context.Context) error {
	c.chapter("The agency programme")
	asMia, err := c.visit(ctx, c.mia, studio)
	if err != nil {
		return err
	}
	_, err = c.requests.Send(ctx, asMia, access.Batch{Agency: studio, Addresses: "carla@bakery.example"})
	if err := c.refused(err, accounts.ErrInvalid, "Mia asks for access before the studio joined"); err != nil {
		return err
	}
	if err := c.refused(c.accounts.JoinProgramme(ctx, asMia, studio), roles.ErrDenied, "Mia joins the programme"); err != nil {
		return err
	}
	asNora, err := c.visit(ctx, c.nora, studio)
	if err != nil {
		return err
	}
	if err := c.accounts.JoinProgramme(ctx, asNora, studio); err != nil {
		return err
	}
	if err := c.accounts.EnableClientAccess(ctx, asNora, studio); err != nil {
		return err
	}
	c.say("Nora joins the agency programme and enables client access.")
	return nil
}

func (c *cast) batch(ctx context.Context) error {
	c.chapter("Asking for access, 40 addresses at once")
	asMia, err := c.visit(ctx, c.mia, studio)
	if err != nil {
		return err
	}
	pasted := "carla@bakery.example, Carla@Bakery.example; not-an-address,\n"
	for i := range 37 {
		pasted += fmt.Sprintf(" client%02d@shops.example,", i+1)
	}
	in := access.Batch{
		Agency: studio, Addresses: pasted, Level: roles.Manager,
		Message: "Hello! We spoke on Tuesday.\nWith this we can set up your newsletter.",
	}
	preview, err := c.requests.Preview(ctx, asMia, in)
	if err != nil {
		return err
	}
	c.say("Mia pastes 40 addresses. The preview, which changes nothing, says: %s.", count(preview))
	sent, err := c.requests.Send(ctx, asMia, in)
	if err != nil {
		return err
	}
	if err := same("sent", sent.Sent, 35); err != nil {
		return err
	}
	if err := same("the answers of preview and sending", count(sent), count(preview)); err != nil {
		return err
	}
	for _, a := range sent.Answers {
		switch {
		case a.Outcome == access.Invalid:
			c.say("  %-22s %s: %s", a.Input, a.Outcome, a.Reason)
		case a.Outcome == access.OverLimit:
			c.say("  %-22s %s, until %s", a.Input, a.Outcome, a.ResetAt.Format("2 Jan 15:04 UTC"))
		case a.Outcome != access.Sent || a.Email == "carla@bakery.example":
			c.say("  %-22s %s", a.Input, a.Outcome)
		}
	}
	c.say("35 requests a day are the limit; %d are left until %s.", sent.Left, sent.ResetAt.Format("2 Jan 15:04 UTC"))
	n, err := c.deliver(ctx)
	if err != nil {
		return err
	}
	if err := same("mails", n, 35); err != nil {
		return err
	}
	c.say("%d mails go out. This is what Carla gets:", n)
	m, _ := c.mailbox.Last("carla@bakery.example")
	c.letter(m)
	return nil
}

// count tells how many addresses had which outcome.
func count(b access.BatchAnswer) string {
	n := map[access.Outcome]int{}
	for _, a := range b.Answers {
		n[a.Outcome]++
	}
	var parts []string
	for _, o := range []access.Outcome{access.Sent, access.Repeated, access.Invalid, access.OverLimit} {
		parts = append(parts, fmt.Sprintf("%d %s", n[o], o))
	}
	return strings.Join(parts, ", ")
}

func (c *cast) expiry(ctx context.Context) error {
	c.chapter("Seven days later")
	old, err := c.link("carla@bakery.example")
	if err != nil {
		return err
	}
	if _, err := c.requests.Peek(ctx, old); err != nil {
		return err
	}
	c.clock.Add(7 * 24 * time.Hour)
	c.say("The clock jumps 7 days, to %s.", c.env.Now().Format("2 Jan 15:04 UTC"))
	_, err = c.requests.Peek(ctx, old)
	if err := c.refused(err, accounts.ErrNotFound, "Carla opens the link of 2 March"); err != nil {
		return err
	}
	if err := c.signIn(ctx); err != nil {
		return err
	}
	asMia, err := c.visit(ctx, c.mia, studio)
	if err != nil {
		return err
	}
	expired, err := c.requests.Clients(ctx, asMia, studio, access.ClientPage{Search: "bakery", States: []access.ClientState{access.ClientExpired}})
	if err != nil {
		return err
	}
	if err := same("expired requests to the bakery", len(expired), 1); err != nil {
		return err
	}
	if err := c.requests.Resend(ctx, asMia, access.Resend{Agency: studio, Request: expired[0].Request.ID}); err != nil {
		return err
	}
	if _, err := c.deliver(ctx); err != nil {
		return err
	}
	c.say("Mia resends it: the same request, a new link, seven days anew.")
	err = c.requests.Resend(ctx, asMia, access.Resend{Agency: studio, Request: expired[0].Request.ID})
	if err := c.refused(err, err, "Mia resends it once more at once"); err != nil {
		return err
	}
	_, err = c.requests.Peek(ctx, old)
	return c.refused(err, accounts.ErrNotFound, "Somebody opens the old link")
}

func (c *cast) approval(ctx context.Context) error {
	c.chapter("The client decides")
	link, err := c.link("carla@bakery.example")
	if err != nil {
		return err
	}
	view, err := c.requests.Peek(ctx, link)
	if err != nil {
		return err
	}
	c.say("Carla opens the new link: %s of %s asks for %s.", view.Requester, view.Name, accounts.RoleName(view.Level))
	asMia, err := c.visit(ctx, c.mia, studio)
	if err != nil {
		return err
	}
	_, err = c.requests.Approve(ctx, asMia, access.Decision{Link: link, Account: studio}, roles.Manager)
	if err := c.refused(err, roles.ErrDenied, "Mia, who holds the link too, approves for the studio"); err != nil {
		return err
	}
	asCarla, err := c.visit(ctx, c.carla, bakery)
	if err != nil {
		return err
	}
	_, err = c.requests.Approve(ctx, asCarla, access.Decision{Link: link, Account: bakery}, roles.Owner)
	if err := c.refused(err, roles.ErrDenied, "Carla makes the agency an owner"); err != nil {
		return err
	}
	conn, err := c.requests.Approve(ctx, asCarla, access.Decision{Link: link, Account: bakery}, roles.Manager)
	if err != nil {
		return err
	}
	c.say("Carla lets the studio into Calla Bakery, as %s at most.", conn.Cap)
	if _, err := c.deliver(ctx); err != nil {
		return err
	}
	m, ok := c.mailbox.Last("nora@northlight.example")
	if !ok {
		return fmt.Errorf("no mail for Nora")
	}
	c.say("Nora, who owns the studio, is told by mail: %q", m.Subject)
	return nil
}

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
	if err := c.accounts.ChangeCap(ctx, asCarla, bakery, studio, roles.Viewer); err != nil {
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
	plan, err := c.requests.PlanDisable(ctx, asNora, studio)
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
	err = c.requests.Disable(ctx, asNora, studio, plan.Confirm)
	if err := c.refused(err, accounts.ErrStepUp, "Nora confirms, 15 minutes after her login"); err != nil {
		return err
	}
	if err := c.signIn(ctx); err != nil {
		return err
	}
	if asNora, err = c.visit(ctx, c.nora, studio); err != nil {
		return err
	}
	if err := c.requests.Disable(ctx, asNora, studio, plan.Confirm); err != nil {
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
		e := events[i]
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
		c.say("%s", line)
	}
	if len(events) < 8 {
		return fmt.Errorf("only %d events in the audit", len(events))
	}
	return nil
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
