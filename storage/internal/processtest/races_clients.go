package processtest

import (
	"errors"
	"fmt"
	"strings"

	"github.com/chatelaine-go/chatelaine/access"
	"github.com/chatelaine-go/chatelaine/access/token"
	"github.com/chatelaine-go/chatelaine/accounts"
	"github.com/chatelaine-go/chatelaine/invites"
	"github.com/chatelaine-go/chatelaine/roles"
)

func clients() []race {
	return []race{
		{"eight processes set up by one link, and one client comes in", raceSetUp},
		{"eight processes record one address, and one client or member has it", raceRecord},
		{"eight processes open one view, and one sees it", raceOpen},
		{"a client is suspended in one process, and sees nothing in the others", suspend},
	}
}

func clientJobs() map[string]job {
	return map[string]job{"set-up": setsUp, "record": records, "open": opens, "watch": watches}
}

const (
	shop   = accounts.SiteID("shop")
	seeing = roles.Permission("STATS_TAB")
)

// studio is a hall whose account has a site.
func (e *env) studio() *scene {
	e.Helper()
	s := e.hall()
	_, err := s.clients.PutSite(s.ctx, accounts.System("sites"), accounts.PutSite{Account: acme, ID: shop, Name: "Shop"})
	s.ok(err, "PutSite")
	return s
}

// client has olga record a client, who has not come in yet and is given the shop.
func (s *scene) client(id accounts.ClientID) accounts.ClientKey {
	s.Helper()
	_, err := s.clients.Create(s.ctx, s.who("olga", acme), accounts.CreateClient{
		Account: acme, ID: id, FirstName: "Cleo", LastName: "Clay", Email: address(accounts.UserID(id)),
		Sites: []accounts.SiteChoice{{Site: shop, Permissions: []roles.Permission{seeing}}},
	})
	s.ok(err, "Create")
	return accounts.ClientKey{Account: acme, ID: id}
}

// handed has olga make a setup link for a client.
func (s *scene) handed(key accounts.ClientKey) string {
	s.Helper()
	h, err := s.setups.Generate(s.ctx, s.who("olga", acme), invites.GenerateSetup{ClientKey: key})
	s.ok(err, "Generate")
	return h.Secret.Reveal()
}

// viewing has olga view as a client, and returns the view's link.
func (s *scene) viewing(key accounts.ClientKey) string {
	s.Helper()
	page, _, err := s.views.Start(s.ctx, s.who("olga", acme), access.StartView{ClientKey: key})
	s.ok(err, "Start")
	_, link, found := strings.Cut(page.Reveal(), string(token.ViewLink))
	s.holds(found, "no link to a view in its page")
	return string(token.ViewLink) + link
}

// setsUp by a link, as two people who are new, and says who could. The argument
// has a name for the turn, and the link.
func setsUp(p *process) (func(string) error, error) {
	h, err := p.host()
	if err != nil {
		return nil, err
	}
	return func(arg string) error {
		var turn, link string
		if _, err := fmt.Sscan(arg, &turn, &link); err != nil {
			return err
		}
		for i := range 2 {
			in := invites.NewLogin{Link: link, ID: newcomer(turn, p.number, i), Kept: true}
			if i == 1 {
				in.Kept, in.Identity = false, accounts.IdentityKey{Issuer: "https://issuer.example", Subject: string(in.ID)}
			}
			j, err := h.setups.SetUp(p.ctx, in)
			switch {
			case err == nil:
				p.say(j.Login.User)
			case !errors.Is(err, accounts.ErrNotFound):
				return err
			}
		}
		return nil
	}, nil
}

func newcomer(turn string, process, i int) accounts.UserID {
	return accounts.UserID(fmt.Sprintf("new-%s-%d-%d", turn, process, i))
}

// Eight processes set up by one link, each as two people: one user, one login,
// one event, and the link is dead (A01, A12, I-04, I-05).
func raceSetUp(e *env) {
	s := e.studio()
	c := s.crowd("set-up")
	var link string
	c.races(
		func(turn int) func(int) string {
			link = s.handed(s.client(accounts.ClientID(fmt.Sprint("cleo-", turn))))
			return same(fmt.Sprint(turn, " ", link))
		},
		func(turn int, list []answer) {
			won := lines(list)
			equal(e, len(won), 1, "came in")
			f, err := s.st.SettingUp(e.ctx, invites.SettingUpQuery{
				ClientKey: accounts.ClientKey{Account: acme, ID: accounts.ClientID(fmt.Sprint("cleo-", turn))}, Day: accounts.DayOf(noon),
			})
			e.ok(err, "SettingUp")
			equal(e, f.Client.User, accounts.UserID(won[0]), "the client's user")
			equal(e, f.Holder.User.ID, f.Client.User, "the holder of the address")
			e.holds(f.Holder.HasLogin() && !f.Link.UsedAt.IsZero(), "who came in has a login: %v, and the link was used at %v", f.Holder.HasLogin(), f.Link.UsedAt)
			equal(e, s.told(acme, invites.EventClientJoined), turn+1, "events")
			for i := range crowd {
				for k := range 2 { // losers left no user
					id := newcomer(fmt.Sprint(turn), i, k)
					_, err := s.st.User(e.ctx, accounts.UserKey{ID: id})
					e.holds((err == nil) == (id == f.Client.User) && (err == nil || errors.Is(err, accounts.ErrNotFound)), "the user %s: %v", id, err)
				}
			}
			_, err = s.setups.Peek(e.ctx, link)
			e.is(err, accounts.ErrNotFound, "the link")
		})
	c.dismiss()
}

// records a client with the address of a user, or makes the user a member: by the
// number of the process. It says whether it could.
func records(p *process) (func(string) error, error) {
	h, err := p.host()
	if err != nil {
		return nil, err
	}
	return func(user string) error {
		who := accounts.UserID(user)
		var err error
		if p.number%2 == 0 {
			olga, aerr := h.as(p.ctx, "olga", acme)
			if aerr != nil {
				return aerr
			}
			_, err = h.clients.Create(p.ctx, olga, accounts.CreateClient{
				Account: acme, ID: accounts.ClientID(fmt.Sprint(user, ".", p.number)), FirstName: "Cleo", LastName: "Clay", Email: address(who),
			})
		} else {
			err = h.graph.AddMember(p.ctx, accounts.System("sync"), acme, who, roles.Viewer)
		}
		if err != nil && !errors.Is(err, accounts.ErrTaken) {
			return err
		}
		p.say(err == nil)
		return nil
	}, nil
}

// Four processes record a client with an address in an account, and four make who
// has the address a member there: one of them does (C4).
func raceRecord(e *env) {
	s := e.studio()
	c := s.crowd("record")
	members := 1
	c.races(
		func(turn int) func(int) string {
			who := accounts.UserID(fmt.Sprint("cleo-", turn))
			s.put(who)
			return same(string(who))
		},
		func(turn int, list []answer) {
			r, err := s.st.Recording(e.ctx, accounts.RecordingQuery{Account: acme, Email: accounts.Email(fmt.Sprint("cleo-", turn, "@example.com"))})
			e.ok(err, "Recording")
			e.holds(r.Taken.There() != r.Member, "there is a client: %v, and a member: %v", r.Taken.There(), r.Member)
			if r.Member {
				members++
			}
			won := 0 // to make somebody a member who is one already is no mistake
			for i, a := range list {
				if a.lines[0] == "true" {
					won++
					equal(e, i%2 == 0, r.Taken.There(), "process %d won, which records a client", i)
				}
			}
			equal(e, won, map[bool]int{true: crowd / 2, false: 1}[r.Member], "processes that won")
			told := map[bool]int{true: s.told(acme, accounts.EventMemberAdded), false: s.told(acme, accounts.EventClientCreated)}
			equal(e, told[true]+told[false], turn+1, "events")
			equal(e, s.seats().Members, members, "members")
			all, err := s.st.ClientRecords(e.ctx, accounts.ClientRecordQuery{Account: acme, Limit: 500})
			e.ok(err, "ClientRecords")
			equal(e, len(all), turn+2-members, "clients")
		})
	c.dismiss()
}

// opens the view of a link, and says its secret.
func opens(p *process) (func(string) error, error) {
	h, err := p.host()
	if err != nil {
		return nil, err
	}
	return func(link string) error {
		secret, _, err := h.views.Open(p.ctx, link, access.Device{})
		if errors.Is(err, accounts.ErrNotFound) {
			p.say("lost")
			return nil
		}
		p.say(secret.Reveal())
		return err
	}, nil
}

// Eight processes open one view: one has its secret, which sees it, and the link is
// dead (A01, A67, I-17).
func raceOpen(e *env) {
	s := e.studio()
	key := s.client("cleo")
	_, err := s.setups.SetUp(e.ctx, invites.NewLogin{Link: s.handed(key), ID: "cleo", Kept: true})
	e.ok(err, "SetUp")
	c := s.crowd("open")
	var link string
	c.races(
		func(int) func(int) string {
			link = s.viewing(key)
			return same(link)
		},
		func(turn int, list []answer) {
			equal(e, said(list, "lost"), crowd-1, "processes whose link was dead")
			for _, line := range lines(list) {
				if line != "lost" {
					yes, err := s.sees(e.ctx, line)
					e.ok(err, "Viewed")
					e.holds(yes, "the view's secret sees nothing")
				}
			}
			equal(e, s.told(acme, access.EventViewOpened), turn+1, "events")
			_, _, err := s.views.Open(e.ctx, link, access.Device{})
			e.is(err, accounts.ErrNotFound, "the link")
		})
	c.dismiss()
}
