package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/chatelaine-go/chatelaine/access"
	"github.com/chatelaine-go/chatelaine/accounts"
	"github.com/chatelaine-go/chatelaine/invites"
	"github.com/chatelaine-go/chatelaine/roles"
)

// look is a view as the client, before she ever came in.
func (s *house) look(ctx context.Context) error {
	s.chapter("What will she see?")
	asTheo, err := s.visit(ctx, s.theo, juniper)
	if err != nil {
		return err
	}
	_, _, err = s.views.Start(ctx, asTheo, access.StartView{ClientKey: s.client})
	if err := s.refused(err, roles.ErrDenied, "Theo, a Manager, wants to see what Paula sees"); err != nil {
		return err
	}
	asMara, err := s.visit(ctx, s.mara, juniper)
	if err != nil {
		return err
	}
	page, _, err := s.views.Start(ctx, asMara, access.StartView{ClientKey: s.client})
	if err != nil {
		return err
	}
	link, found := strings.CutPrefix(page.Reveal(), juniperDomain+"view-as/")
	if !found {
		return errors.New("the view is not on Juniper Web's domain")
	}
	cookie, view, err := s.views.Open(ctx, link, laptop)
	if err != nil {
		return err
	}
	s.say("Mara owns the agency. Her browser is led to %s with a link of 60 seconds,", juniperDomain)
	s.say("and there is a session of its own, until %s, to look only: %v.", view.ExpiresAt.Format("15:04"), view.ReadOnly)
	s.show(fmt.Sprintf("[ %s views as %s ]", view.ViewerName, view.ClientName))
	s.sees(view.Sites())
	if _, _, err = s.views.Open(ctx, link, phone); !errors.Is(err, accounts.ErrNotFound) {
		return fmt.Errorf("the link of a view opened it twice: %w", err)
	}
	_, err = s.clients.Assign(ctx, view.Actor(), accounts.AssignSite{ClientKey: s.client, SiteChoice: accounts.SiteChoice{Site: s.site}})
	if err := s.refused(err, roles.ErrDenied, "From there she changes what Paula may do"); err != nil {
		return err
	}
	_, _, err = s.views.Start(ctx, view.Actor(), access.StartView{ClientKey: s.client})
	if err := s.refused(err, roles.ErrDenied, "From there she views as somebody else"); err != nil {
		return err
	}
	if err := s.views.Stop(ctx, cookie.Reveal()); err != nil {
		return err
	}
	_, err = s.views.Viewed(ctx, cookie.Reveal())
	return s.refused(err, access.ErrNoSession, "She stops, and the page is loaded once more")
}

func (s *house) comeIn(ctx context.Context) error {
	s.chapter("Paula comes in")
	s.clock.Add(29 * 24 * time.Hour)
	link, err := s.link(paulasMail, juniperDomain+"set-up/")
	if err != nil {
		return err
	}
	seen, err := s.setups.Peek(ctx, link)
	if err != nil {
		return err
	}
	s.say("29 days later Paula opens the link. It greets her: %s, %s, user name %s.", seen.Name, seen.AccountName, seen.Address)
	_, err = s.setups.SetUp(ctx, invites.NewLogin{Link: link, Password: "reyesceramics!"})
	if err := s.refused(err, accounts.ErrInvalid, `She chooses the password "reyesceramics!"`); err != nil {
		return err
	}
	in, err := s.setups.SetUp(ctx, invites.NewLogin{Link: link, ID: "paula", Password: paulasWords})
	if err != nil {
		return err
	}
	secret, _, err := s.sessions.Start(ctx, in.Login, phone)
	if err != nil {
		return err
	}
	s.paula = secret.Reveal()
	p, err := s.enter(ctx, juniper)
	if err != nil {
		return err
	}
	s.say("She takes four words, and is in. The page is on Juniper Web's own domain, so her address counts as unproven.")
	s.sees(p.Sites())
	if err := same("her right to work on the search engine texts", p.CanSite(s.site, "SEO"), true); err != nil {
		return err
	}
	if err := same("her right to publish", p.CanSite(s.site, "PUBLISH"), false); err != nil {
		return err
	}
	s.say("SEO: yes. PUBLISH: no.")
	_, err = s.clients.List(ctx, p.Actor(), juniper, accounts.ClientPage{})
	if err := s.refused(err, roles.ErrDenied, "She asks for Juniper Web's list of clients"); err != nil {
		return err
	}
	_, err = s.setups.SetUp(ctx, invites.NewLogin{Link: link, Password: bensWords})
	if err := s.refused(err, accounts.ErrNotFound, "Somebody finds the mail later and opens the link"); err != nil {
		return err
	}
	if err := s.signInAgain(ctx); err != nil {
		return err
	}
	return s.status(ctx, accounts.ClientActive)
}

// signInAgain is the agency on another day.
func (s *house) signInAgain(ctx context.Context) error {
	for who, secret := range map[accounts.UserID]*string{mara: &s.mara, theo: &s.theo, bo: &s.bo} {
		got, _, err := s.sessions.Start(ctx, accounts.Login{User: who}, laptop)
		if err != nil {
			return err
		}
		*secret = got.Reveal()
	}
	return nil
}

func (s *house) atOnce(ctx context.Context) error {
	s.chapter("A second site, at once")
	asTheo, err := s.visit(ctx, s.theo, juniper)
	if err != nil {
		return err
	}
	blog, err := s.clients.CreateSite(ctx, asTheo, accounts.CreateSite{Account: juniper, Name: "The Kiln Diary", Alias: "rc02"})
	if err != nil {
		return err
	}
	s.blog = blog.ID
	if _, err := s.clients.Assign(ctx, asTheo, accounts.AssignSite{
		ClientKey: s.client, SiteChoice: accounts.SiteChoice{Site: s.blog, Permissions: []roles.Permission{"BLOG", "PUBLISH"}},
	}); err != nil {
		return err
	}
	p, err := s.enter(ctx, juniper)
	if err != nil {
		return err
	}
	s.say("Theo makes a site on the spot and gives it to her. Her next click sees it, with no new invitation:")
	s.sees(p.Sites())
	return same("her right to publish the blog", p.CanSite(s.blog, "PUBLISH"), true)
}

// elsewhere is another agency that keeps the same person as a client.
func (s *house) elsewhere(ctx context.Context) error {
	s.chapter("Another agency, the same person")
	asBo, err := s.visit(ctx, s.bo, birch)
	if err != nil {
		return err
	}
	made, err := s.clients.Create(ctx, asBo, accounts.CreateClient{Account: birch, FirstName: "Paula", LastName: "Reyes", Email: paulasMail})
	if err != nil {
		return err
	}
	link, err := s.setups.Generate(ctx, asBo, invites.GenerateSetup{ClientKey: made.Client.ClientKey})
	if err != nil {
		return err
	}
	s.say("Bo writes down Paula as well, and makes a link to hand over. Bo sees it this once, and keeps a copy.")
	secret := link.Secret.Reveal()
	_, err = s.setups.SetUp(ctx, invites.NewLogin{Link: secret, Password: bensWords})
	if err := s.refused(err, invites.ErrHasLogin, "Bo opens the copy, to choose a password for Paula"); err != nil {
		return err
	}
	p, err := s.enter(ctx, "")
	if err != nil {
		return err
	}
	_, err = s.setups.Join(ctx, p.Actor(), secret)
	if err := s.refused(err, invites.ErrUnproven, "Paula opens it, signed in with the login that she has"); err != nil {
		return err
	}
	if err := s.logins.AskProof(ctx, p.Actor()); err != nil {
		return err
	}
	if _, err := s.deliver(ctx); err != nil {
		return err
	}
	proof, err := s.link(paulasMail, proofPage)
	if err != nil {
		return err
	}
	if err := s.logins.Prove(ctx, p.Actor(), proof); err != nil {
		return err
	}
	if _, err := s.setups.Join(ctx, p.Actor(), secret); err != nil {
		return err
	}
	s.say("Letterbird mails her a link of its own, which proves her address, and she joins.")
	choices, err := s.sessions.Chooser(ctx, p.Actor(), access.ChoicePage{})
	if err != nil {
		return err
	}
	s.say("From now on she is asked which account to enter:")
	for _, c := range choices {
		s.show(fmt.Sprintf("%-18s as a %s", c.Name, c.Kind))
	}
	return same("her accounts", len(choices), 2)
}

func (s *house) suspend(ctx context.Context) error {
	s.chapter("Suspended, and active again")
	asMara, err := s.visit(ctx, s.mara, juniper)
	if err != nil {
		return err
	}
	if err := s.clients.Suspend(ctx, asMara, s.client); err != nil {
		return err
	}
	s.say("Paula's bill is open. Mara suspends her.")
	if err := s.status(ctx, accounts.ClientSuspended); err != nil {
		return err
	}
	_, err = s.enter(ctx, juniper)
	if err := s.refused(err, accounts.ErrNotFound, "Paula, still signed in, loads her shop once more"); err != nil {
		return err
	}
	if _, err := s.enter(ctx, birch); err != nil {
		return err
	}
	s.say("At Birch & Daughters nothing has changed for her.")
	if err := s.clients.Reactivate(ctx, asMara, s.client); err != nil {
		return err
	}
	s.say("The bill is paid, and Mara reactivates her.")
	_, err = s.enter(ctx, juniper)
	if err := s.refused(err, accounts.ErrNotFound, "Paula's old session"); err != nil {
		return err
	}
	secret, _, err := s.logins.LogIn(ctx, access.LogIn{Email: paulasMail, Password: paulasWords}, phone)
	if err != nil {
		return err
	}
	s.paula = secret.Reveal()
	p, err := s.enter(ctx, juniper)
	if err != nil {
		return err
	}
	s.say("She logs in again, and has what she had.")
	s.sees(p.Sites())
	return s.status(ctx, accounts.ClientActive)
}

func (s *house) list(ctx context.Context) error {
	s.chapter("The list")
	asTheo, err := s.visit(ctx, s.theo, juniper)
	if err != nil {
		return err
	}
	if _, err := s.clients.Create(ctx, asTheo, accounts.CreateClient{
		Account: juniper, FirstName: "Sun-hi", LastName: "Okafor", Email: "sunhi@okafor.example", Company: "=SUM(A1:A9) Ltd",
		Sites: []accounts.SiteChoice{{Site: s.blog, Permissions: []roles.Permission{"SITE_COMMENTS"}}},
	}); err != nil {
		return err
	}
	s.say("Theo writes down Sun-hi Okafor, and gives her a site at the same time.")
	for _, search := range []string{"", "okaf", "91555"} {
		found, err := s.clients.List(ctx, asTheo, juniper, accounts.ClientPage{Search: search})
		if err != nil {
			return err
		}
		s.say("He looks for %q:", search)
		for _, e := range found {
			s.show(fmt.Sprintf("%-14s %-22s %-14s sites: %d", e.Client.Name(), e.Client.Email, e.Status(), len(e.Sites)))
		}
	}
	var file strings.Builder
	if err := s.clients.Export(ctx, asTheo, accounts.ExportClients{Account: juniper, Search: "okafor"}, &file); err != nil {
		return err
	}
	if !strings.Contains(file.String(), `"'=SUM(A1:A9) Ltd"`) {
		return errors.New("a spreadsheet would run what is in the exported file")
	}
	s.say("He exports them. Sun-hi's company is called =SUM(A1:A9) Ltd, and no spreadsheet adds it up.")
	return nil
}

func (s *house) delete(ctx context.Context) error {
	s.chapter("Deleted for good")
	asMara, err := s.visit(ctx, s.mara, juniper)
	if err != nil {
		return err
	}
	if err := s.clients.Delete(ctx, asMara, s.client); err != nil {
		return err
	}
	s.say("Paula sells her kiln. Mara deletes her record: her details are gone, and so is every way in by it.")
	_, err = s.enter(ctx, juniper)
	if err := s.refused(err, accounts.ErrNotFound, "Paula looks for her shop"); err != nil {
		return err
	}
	if _, err := s.enter(ctx, birch); err != nil {
		return err
	}
	s.say("Her login, and what she has at Birch & Daughters, are hers.")
	events, err := s.accounts.Events(ctx, asMara, accounts.EventQuery{Account: juniper, Limit: 100})
	if err != nil {
		return err
	}
	s.say("The audit of Juniper Web stays, with ids and no names:")
	for _, e := range slices.Backward(events) {
		if e.Client != s.client.ID && e.By.Client != s.client.ID {
			continue
		}
		line := fmt.Sprintf("%s  %-20s", e.At.Format("02 Jan 15:04"), e.Kind)
		if e.By.User != "" {
			line += " by " + string(e.By.User)
		}
		if e.By.Client != "" {
			line += ", viewing as this client"
		}
		s.show(strings.TrimRight(line, " "))
	}
	return nil
}
