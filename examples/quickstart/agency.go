package main

import (
	"context"
	"errors"
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
		{ID: studio, Name: "Northlight Studio", Kind: accounts.KindAgency, Plan: "premium", Owner: nora},
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
	pasted := []string{"carla@bakery.example, Carla@Bakery.example; not-an-address", ""}
	for i := range 37 {
		pasted = append(pasted, fmt.Sprintf("client%02d@shops.example", i+1))
	}
	in := access.Batch{
		Agency: studio, Addresses: strings.Join(pasted, ",\n"), Level: roles.Manager,
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
	old, err := c.link("carla@bakery.example", requestPage)
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
	link, err := c.link("carla@bakery.example", requestPage)
	if err != nil {
		return err
	}
	view, err := c.requests.Peek(ctx, link)
	if err != nil {
		return err
	}
	c.say("Carla opens the new link: %s of %s asks for %s.", view.Requester, view.AgencyName, accounts.RoleName(view.Level))
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
		return errors.New("no mail for Nora")
	}
	c.say("Nora, who owns the studio, is told by mail: %q", m.Subject)
	return nil
}
