package main

import (
	"context"
	"fmt"
	"strings"

	"github.com/chatelaine-go/chatelaine/access"
	"github.com/chatelaine-go/chatelaine/accounts"
	"github.com/chatelaine-go/chatelaine/invites"
	"github.com/chatelaine-go/chatelaine/mail"
	"github.com/chatelaine-go/chatelaine/roles"
)

// The people and accounts of the story.
const (
	juniper accounts.AccountID = "juniper" // an agency that makes web sites
	birch   accounts.AccountID = "birch"   // another one

	mara accounts.UserID = "mara" // owns Juniper Web
	theo accounts.UserID = "theo" // Manager there
	bo   accounts.UserID = "bo"   // owns Birch & Daughters

	paulasMail  = "paula@reyes.example"
	paulasWords = "kiln glaze cobalt fourteen"

	juniperDomain = "https://clients.juniper.example/" // where Juniper Web's clients log in
)

// brand is a host's Links: the pages of Juniper Web's clients are on its own
// domain, and mail to them comes from there.
type brand struct{ accounts.Links }

// SetUp implements accounts.Links.
func (b brand) SetUp(account accounts.AccountID, secret string) string {
	if account == juniper {
		return juniperDomain + "set-up/" + secret
	}
	return b.Links.SetUp(account, secret)
}

// ViewAs implements accounts.Links.
func (b brand) ViewAs(account accounts.AccountID, secret string) string {
	if account == juniper {
		return juniperDomain + "view-as/" + secret
	}
	return b.Links.ViewAs(account, secret)
}

// Sender implements accounts.Links.
func (b brand) Sender(account accounts.AccountID) mail.Sender {
	if account == juniper {
		return mail.Sender{Name: "Juniper Web", Address: "hello@juniper.example"}
	}
	return b.Links.Sender(account)
}

// house is who is signed in during the story, and whom it is about.
type house struct {
	*host
	mara, theo, bo string // the secrets of their sessions, as cookies hold them
	paula          string
	client         accounts.ClientKey // Paula, as Juniper Web knows her
	site, blog     accounts.SiteID
}

// clientsStory tells the life of a client record, from lead to deleted.
func clientsStory(ctx context.Context, h *host) error {
	h.title("An agency and its own clients")
	s := &house{host: h, site: "reyes-shop"}
	for _, chapter := range []func(context.Context) error{
		s.cast, s.lead, s.assign, s.letterTo, s.look, s.comeIn, s.atOnce, s.elsewhere, s.suspend, s.list, s.delete,
	} {
		if err := chapter(ctx); err != nil {
			return err
		}
	}
	fmt.Fprintln(h.w, "\nEverything went as told.")
	return nil
}

func (s *house) cast(ctx context.Context) error {
	s.chapter("Two agencies")
	job := accounts.System("quickstart")
	for _, u := range []accounts.PutUser{
		{ID: mara, Name: "Mara Holm", Email: "mara@juniper.example", Proven: true},
		{ID: theo, Name: "Theo Brandt", Email: "theo@juniper.example", Proven: true},
		{ID: bo, Name: "Bo Larsson", Email: "bo@birch.example", Proven: true},
	} {
		if _, err := s.accounts.PutUser(ctx, job, u); err != nil {
			return err
		}
	}
	for _, a := range []accounts.CreateAccount{
		{ID: juniper, Name: "Juniper Web", Kind: accounts.KindAgency, Plan: "premium", Owner: mara},
		{ID: birch, Name: "Birch & Daughters", Kind: accounts.KindAgency, Plan: "premium", Owner: bo},
	} {
		if _, err := s.accounts.CreateAccount(ctx, job, a); err != nil {
			return err
		}
	}
	if err := s.accounts.AddMember(ctx, job, juniper, theo, roles.Manager); err != nil {
		return err
	}
	for who, secret := range map[accounts.UserID]*string{mara: &s.mara, theo: &s.theo, bo: &s.bo} {
		got, _, err := s.sessions.Start(ctx, accounts.Login{User: who}, laptop)
		if err != nil {
			return err
		}
		*secret = got.Reveal()
	}
	s.say("Juniper Web makes web sites for others: Mara owns it, Theo is Manager.")
	s.say("Birch & Daughters does too: Bo owns it.")
	return nil
}

func (s *house) lead(ctx context.Context) error {
	s.chapter("A lead")
	asTheo, err := s.visit(ctx, s.theo, juniper)
	if err != nil {
		return err
	}
	in := accounts.CreateClient{
		Account: juniper, FirstName: "Paula", LastName: "Reyes", Email: "Paula@Reyes.example",
		Company: "Reyes Ceramics", Phone: "+34 91 555 01 90", Notes: "Met at the market. Wants a shop by spring.",
	}
	made, err := s.clients.Create(ctx, asTheo, in)
	if err != nil {
		return err
	}
	s.client = made.Client.ClientKey
	s.say("Theo writes down Paula Reyes of Reyes Ceramics, whom he met at the market. Nobody is mailed.")
	if err := s.status(ctx, accounts.ClientLead); err != nil {
		return err
	}
	_, err = s.clients.Create(ctx, asTheo, in)
	if err := s.refused(err, accounts.ErrTaken, "He writes her down twice"); err != nil {
		return err
	}
	in.Email = "mara@juniper.example"
	_, err = s.clients.Create(ctx, asTheo, in)
	return s.refused(err, accounts.ErrTaken, "He writes down Mara, who is a member")
}

func (s *house) assign(ctx context.Context) error {
	s.chapter("A site, and what she may do there")
	job := accounts.System("quickstart")
	if _, err := s.clients.PutSite(ctx, job, accounts.PutSite{
		Account: juniper, ID: s.site, Name: "Reyes Ceramics", Alias: "rc01", URL: "https://reyes.example/", Domain: "reyes.example",
	}); err != nil {
		return err
	}
	s.say("Letterbird keeps Juniper Web's sites in step; there is one for Reyes Ceramics.")
	asTheo, err := s.visit(ctx, s.theo, juniper)
	if err != nil {
		return err
	}
	found, err := s.clients.Sites(ctx, asTheo, juniper, accounts.SitePage{Search: "reyes.ex"})
	if err != nil {
		return err
	}
	if len(found) != 1 || found[0].ID != s.site {
		return fmt.Errorf("a search by domain found %d sites", len(found))
	}
	s.say(`Theo looks for "reyes.ex" and finds it by its domain.`)
	give := accounts.AssignSite{ClientKey: s.client, SiteChoice: accounts.SiteChoice{Site: s.site, Permissions: []roles.Permission{"SOE"}}}
	_, err = s.clients.Assign(ctx, asTheo, give)
	if err := s.refused(err, accounts.ErrInvalid, `He gives it to Paula with the permission "SOE"`); err != nil {
		return err
	}
	give.Permissions = []roles.Permission{"SEO", "STATS_TAB"}
	got, err := s.clients.Assign(ctx, asTheo, give)
	if err != nil {
		return err
	}
	s.say("He ticks SEO and STATS_TAB. SEO needs others, which are added: %s.", permissions(got.Permissions))
	return s.status(ctx, accounts.ClientSiteAssigned)
}

func (s *house) letterTo(ctx context.Context) error {
	s.chapter("The mail, previewed and edited")
	asTheo, err := s.visit(ctx, s.theo, juniper)
	if err != nil {
		return err
	}
	in := invites.SendSetup{ClientKey: s.client}
	preview, err := s.setups.Preview(ctx, asTheo, in)
	if err != nil {
		return err
	}
	s.say("Theo sees what would be sent: %q, with %s where the link will be.", preview.Subject, mail.Placeholder)
	in.Subject = "Paula, your shop is ready"
	in.Text = "Dear Paula,\n\nyour shop is ready to look at. Your user name is " + paulasMail + ".\n\nTheo"
	_, err = s.setups.Send(ctx, asTheo, in)
	if err := s.refused(err, accounts.ErrInvalid, "He writes words of his own, without the link"); err != nil {
		return err
	}
	in.Text = strings.Replace(in.Text, "look at.", "look at:\n\n"+mail.Placeholder+"\n\n", 1)
	if preview, err = s.setups.Preview(ctx, asTheo, in); err != nil {
		return err
	}
	if _, err := s.setups.Send(ctx, asTheo, in); err != nil {
		return err
	}
	if _, err := s.deliver(ctx); err != nil {
		return err
	}
	got, _ := s.mailbox.Last(paulasMail)
	link, err := s.link(paulasMail, juniperDomain+"set-up/")
	if err != nil {
		return err
	}
	whole := mail.JoinClosing(preview.Text, preview.Closing)
	if err := same("the mail, but for its link", strings.Replace(got.Text, juniperDomain+"set-up/"+link, mail.Placeholder, 1), whole); err != nil {
		return err
	}
	s.say("With the link in it, it goes out exactly as previewed, in Juniper Web's own name and from its own domain:")
	s.letter(got)
	return s.status(ctx, accounts.ClientInvited)
}

// status tells what the list shows of Paula.
func (s *house) status(ctx context.Context, want accounts.ClientStatus) error {
	asTheo, err := s.visit(ctx, s.theo, juniper)
	if err != nil {
		return err
	}
	e, err := s.clients.Client(ctx, asTheo, s.client)
	if err != nil {
		return err
	}
	if err := same("the status", e.Status(), want); err != nil {
		return err
	}
	s.say("The list of clients says: %s, %s.", e.Client.Name(), want)
	return nil
}

// sees tells what Paula, or whoever looks in her place, may do where.
func (s *house) sees(sites []accounts.SiteGrant) {
	for _, g := range sites {
		s.show(fmt.Sprintf("%-18s %s", g.Name, permissions(g.Permissions)))
	}
}

// permissions lists permissions as a page would.
func permissions(list []roles.Permission) string {
	if len(list) == 0 {
		return "nothing yet"
	}
	words := make([]string, len(list))
	for i, p := range list {
		words[i] = string(p)
	}
	return strings.Join(words, ", ")
}

// enter is Paula's browser at an account, as middleware has it.
func (s *house) enter(ctx context.Context, account accounts.AccountID) (access.Principal, error) {
	return s.sessions.Principal(ctx, s.paula, account)
}
