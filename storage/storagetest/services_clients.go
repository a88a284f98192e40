package storagetest

import (
	"fmt"
	"slices"
	"strings"

	"github.com/chatelaine-go/chatelaine/access/token"
	"github.com/chatelaine-go/chatelaine/accounts"
	"github.com/chatelaine-go/chatelaine/invites"
)

// clientServiceChecks run client records, setup links and views from many
// goroutines.
func clientServiceChecks() []check {
	const once = "a setup link is one login, however many hold it (A01, A12, I-04)"
	const newest = "a client has at most one link that counts, and it is the newest (A03, I-05)"
	return slices.Concat(
		raced("of many who set up by one link one comes in", once, setUpMany),
		raced("many joins by one setup link are one", once, joinSetUpMany),
		raced("of many setup links that are made at once one counts", newest, generateMany),
		[]check{{"of a set-up and a join by one link one comes in", once, setUpAgainstJoin}},
		hurdleChecks(),
		addressChecks(),
		siteChecks(),
		endingChecks(),
	)
}

// fewSites is how many sites a client of the office can have.
const fewSites = 4

// patron is a client of a stage's account with a setup link that counts, and
// who comes in by it.
type patron struct {
	stage

	client accounts.ClientKey
	email  accounts.Email
	link   string
	id     accounts.UserID
	actor  accounts.Actor // if they are a user already
}

// key names a client of the stage's account.
func (s stage) key(id string) accounts.ClientKey {
	return accounts.ClientKey{Account: s.account, ID: accounts.ClientID(id)}
}

// draft is what makes a client of the stage's account.
func (s stage) draft(id, email string) accounts.CreateClient {
	return accounts.CreateClient{Account: s.account, ID: accounts.ClientID(id), FirstName: "First", LastName: "Name of " + id, Email: email}
}

// recorded has amy record a client.
func (o *office) recorded(s stage, email string) accounts.ClientKey {
	o.Helper()
	_, err := o.clients.Create(o.ctx, o.actor(s.amy), s.draft("client", email))
	o.ok(err, "Create")
	o.records = append(o.records, s.key("client"))
	return s.key("client")
}

// handed has amy make a setup link, and hand it over.
func (o *office) handed(s stage, client accounts.ClientKey) string {
	o.Helper()
	h, err := o.setups.Generate(o.ctx, o.actor(s.amy), invites.GenerateSetup{ClientKey: client})
	o.ok(err, "Generate")
	return h.Secret.Reveal()
}

// newcomers are patrons on a stage each who are no users yet.
func (o *office) newcomers(n int) []patron {
	o.Helper()
	list := make([]patron, n)
	for k := range list {
		s := o.stage()
		id := "new-" + string(s.account)
		c := o.recorded(s, id+"@example.com")
		list[k] = patron{stage: s, client: c, email: address(id), link: o.handed(s, c), id: accounts.UserID(id)}
		o.people = append(o.people, list[k].id)
	}
	return list
}

// regulars are patrons on a stage each who are users without a login here: the
// host logs them in. Their links are mailed.
func (o *office) regulars(n int) []patron {
	o.Helper()
	list := make([]patron, n)
	for k := range list {
		s := o.stage()
		c := o.recorded(s, string(s.ben)+"@example.com")
		_, err := o.setups.Send(o.ctx, o.actor(s.amy), invites.SendSetup{ClientKey: c})
		o.ok(err, "Send")
		list[k] = patron{stage: s, client: c, email: address(string(s.ben)), id: s.ben, actor: o.actor(s.ben)}
	}
	links := o.links(token.Setup)
	for k, p := range list {
		list[k].link = links[string(p.email)]
	}
	return list
}

// setUp brings the patron in with a new login, which the host keeps.
func (p patron) setUp(o *office) error {
	_, err := o.setups.SetUp(o.ctx, invites.NewLogin{Link: p.link, ID: p.id, Kept: true})
	return err
}

// join brings the patron in with the login that they have.
func (p patron) join(o *office) error {
	_, err := o.setups.Join(o.ctx, p.actor, p.link)
	return err
}

// setting reads what decides about a client's setup link.
func (o *office) setting(c accounts.ClientKey) invites.SettingUp {
	o.Helper()
	f, err := o.st.SettingUp(o.ctx, invites.SettingUpQuery{ClientKey: c, Day: accounts.DayOf(o.clock.Now())})
	o.ok(err, "SettingUp")
	return f
}

// isClient reports whether somebody is let in at an account as its client.
func (o *office) isClient(u accounts.UserID, at accounts.AccountID) bool {
	o.Helper()
	list, err := o.st.Standings(o.ctx, []accounts.StandingKey{{User: u, Account: at}})
	o.ok(err, "Standings")
	return list[0].AsClient(accounts.AnyLogin())
}

func setUpMany(o *office, meet meeting) {
	const many = 16
	s := o.stage()
	c := o.recorded(s, "new@example.com")
	link := o.handed(s, c)
	at := meet(o, many)
	joined := make([]invites.ClientJoined, many)
	id := func(n int) accounts.UserID { return accounts.UserID(fmt.Sprint("new-", n)) }
	errs := together(many, func(n int) (err error) {
		joined[n], err = at.setups.SetUp(o.ctx, newcomer(link, id(n), n))
		return err
	})
	o.holds(o.only(errs, accounts.ErrNotFound) == 1, "%d of %d set up by one link, want 1", o.only(errs, accounts.ErrNotFound), many)
	f := o.setting(c)
	for n, err := range errs {
		o.people = append(o.people, id(n))
		m, merr := o.st.Means(o.ctx, accounts.UserKey{ID: id(n)})
		if err != nil {
			o.is(merr, accounts.ErrNotFound, "%s did not come in, and is a user", id(n))
			continue
		}
		o.ok(merr, "Means")
		logins := len(m.Identities)
		if m.Credential.Hash != "" {
			logins++
		}
		if m.User.Kept {
			logins++
		}
		o.holds(logins == 1, "one set-up gave %d logins: %s", logins, text(m))
		o.holds(f.Client.User == id(n) && f.Holder.User.ID == id(n) && joined[n].Login.User == id(n), "%s came in, and the client is %s", id(n), text(f.Client))
		o.same(joined[n].Client, f.Client.ClientState, "the client that a set-up returned")
		o.holds(!m.User.Proven, "a link that was handed over proved a mailbox")
		o.holds(o.isClient(id(n), s.account), "%s came in, and is not let in", id(n))
	}
	o.holds(o.events(s.account, invites.EventClientJoined) == 1, "%d events tell of one coming in", o.events(s.account, invites.EventClientJoined))
	_, err := o.setups.Peek(o.ctx, link)
	o.is(err, accounts.ErrNotFound, "a setup link that was used")
	o.sound()
}

func joinSetUpMany(o *office, meet meeting) {
	const many = 16
	p := o.regulars(1)[0]
	at := meet(o, many)
	got := make([]accounts.ClientState, many)
	errs := together(many, func(n int) (err error) {
		got[n], err = at.setups.Join(o.ctx, p.actor, p.link)
		return err
	})
	o.holds(o.only(errs) == many, "joining again with the same login was refused")
	f := o.setting(p.client)
	for _, g := range got {
		o.same(g, f.Client.ClientState, "the client that a join returned")
	}
	o.holds(f.Client.User == p.id && o.isClient(p.id, p.account), "%s joined, and the client is %s", p.id, text(f.Client))
	o.holds(o.events(p.account, invites.EventClientJoined) == 1, "%d events tell of one coming in", o.events(p.account, invites.EventClientJoined))
	o.sound()
}

func generateMany(o *office, meet meeting) {
	const many = 12
	s := o.stage()
	c := o.recorded(s, "new@example.com")
	by := []accounts.Actor{o.actor(s.amy), o.actor(s.olga)}
	at := meet(o, many)
	links := make([]string, many)
	errs := together(many, func(n int) error {
		h, err := at.setups.Generate(o.ctx, by[n%2], invites.GenerateSetup{ClientKey: c})
		links[n] = h.Secret.Reveal()
		return err
	})
	o.holds(o.only(errs) == many, "a link was refused")
	o.holds(o.events(s.account, invites.EventSetupGenerated) == many, "%d events tell of %d links", o.events(s.account, invites.EventSetupGenerated), many)
	alive := 0
	for _, link := range links {
		if _, err := o.setups.Peek(o.ctx, link); err == nil {
			alive++
		} else {
			o.is(err, accounts.ErrNotFound, "a link that was replaced")
		}
	}
	o.holds(alive == 1, "%d of %d links of one client count, want 1", alive, many)
	o.sound()
}

// setUpAgainstJoin lets a user without a login here come in by a mailed link in
// both ways at once: with a login that is made for them, and as they are.
func setUpAgainstJoin(e *env) {
	o := newOffice(e)
	for n, p := range o.regulars(2 + times(6)) {
		errs := make([]error, 2)
		switch n {
		case 0:
			errs[0] = p.join(o.interrupted(1, func() { errs[1] = p.setUp(o) }))
			o.ok(errs[1], "a set-up, before a join comes true")
		case 1:
			errs[1] = p.setUp(o.interrupted(1, func() { errs[0] = p.join(o) }))
			o.ok(errs[0], "a join, before a set-up comes true")
		default:
			errs = together(2, func(k int) error { return []func(*office) error{p.join, p.setUp}[k](o) })
		}
		o.holds((errs[0] == nil) != (errs[1] == nil), "round %d: joining was answered %v, and setting up %v", n, errs[0], errs[1])
		if errs[0] != nil {
			o.is(errs[0], accounts.ErrStepUp, "a join with a login from before the address was proven")
		} else {
			o.is(errs[1], accounts.ErrNotFound, "a set-up by a link that was used")
		}
		m, err := o.st.Means(o.ctx, accounts.UserKey{ID: p.id})
		o.ok(err, "Means")
		o.holds(m.HasLogin() == (errs[1] == nil), "setting up was answered %v, and the user is %s", errs[1], text(m))
		o.holds(o.setting(p.client).Client.User == p.id && o.isClient(p.id, p.account), "%s came in, and is not let in", p.id)
		o.holds(o.events(p.account, invites.EventClientJoined) == 1, "%d events tell of one coming in", o.events(p.account, invites.EventClientJoined))
	}
	o.sound()
}

// spelled returns an address in one of several spellings.
func spelled(email accounts.Email, n int) string {
	s := string(email)
	return []string{s, strings.ToUpper(s), " " + s + " "}[n%3]
}
