package invites_test

import (
	"strings"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/chatelaine-go/chatelaine/accounts"
	"github.com/chatelaine-go/chatelaine/invites"
	"github.com/chatelaine-go/chatelaine/mail/mailtest"
)

const setupTop = "https://app.example/set-up/"

// The two clients of every world: cleo, whom tests mail a link, and dora, whose
// link somebody is shown.
var (
	mailed = accounts.ClientKey{Account: "acme", ID: "cleo"}
	shown  = accounts.ClientKey{Account: "acme", ID: "dora"}
)

func client(account, id, address string) accounts.Client {
	return accounts.Client{
		ClientState: accounts.ClientState{ClientKey: accounts.ClientKey{Account: accounts.AccountID(account), ID: accounts.ClientID(id)}, Epoch: 1},
		FirstName:   strings.ToUpper(id[:1]) + id[1:], LastName: "Park", Email: accounts.Email(strings.ToLower(address)), Address: address,
		Company: "Park & Sons", Notes: "pays late", CreatedAt: start(), UpdatedAt: start(),
	}
}

// strict turns the strict mode of setup links on.
func strict(after time.Duration) func(*accounts.EnvOptions) {
	return func(o *accounts.EnvOptions) { o.Limits.SetupStrict = after }
}

// generate has max make a link for a client of acme, and returns its secret.
func (w *world) generate(id accounts.ClientID) string {
	w.Helper()
	out := must(w.links.Generate(w.Context(), w.as("max"), invites.GenerateSetup{ClientKey: accounts.ClientKey{Account: "acme", ID: id}}))(w)
	require.Equal(w, setupTop+out.Secret.Reveal(), out.URL.Reveal())
	return out.Secret.Reveal()
}

// send has max mail a link to a client of acme, and returns its secret.
func (w *world) send(id accounts.ClientID) string {
	w.Helper()
	key := accounts.ClientKey{Account: "acme", ID: id}
	must(w.links.Send(w.Context(), w.as("max"), invites.SendSetup{ClientKey: key}))(w)
	return w.setupLink(id)
}

// setupLink returns the secret of the newest setup link in unsent mail to a
// client of acme.
func (w *world) setupLink(id accounts.ClientID) string {
	w.Helper()
	c := w.client(id)
	letters := w.letters()
	for i := len(letters) - 1; i >= 0; i-- {
		if url, ok := mailtest.Link(letters[i], setupTop); ok && letters[i].To == string(c.Email) {
			return strings.TrimPrefix(url, setupTop)
		}
	}
	require.Fail(w, "no mail with a setup link", string(id))
	return ""
}

// setting returns what is stored about the setup link of a client of acme.
func (w *world) setting(id accounts.ClientID) invites.SettingUp {
	w.Helper()
	return must(w.mem.SettingUp(w.Context(), invites.SettingUpQuery{
		ClientKey: accounts.ClientKey{Account: "acme", ID: id}, Day: accounts.DayOf(w.env.Now()),
	}))(w)
}

func (w *world) client(id accounts.ClientID) accounts.Client {
	w.Helper()
	return w.setting(id).Client
}

// change stores a client of acme as a function makes it.
func (w *world) change(id accounts.ClientID, f func(c *accounts.Client)) {
	w.Helper()
	c := w.client(id)
	f(&c)
	w.put(c)
}

// suspendClient and deleteClient do what the service of client records does.
func (w *world) suspendClient(id accounts.ClientID) {
	w.Helper()
	w.change(id, func(c *accounts.Client) { c.SuspendedAt = w.env.Now(); c.Epoch++ })
}

func (w *world) deleteClient(id accounts.ClientID) {
	w.Helper()
	w.change(id, func(c *accounts.Client) {
		c.ClientState = accounts.ClientState{ClientKey: c.ClientKey, Epoch: c.Epoch + 1, DeletedAt: w.env.Now()}
		c.FirstName, c.LastName, c.Email, c.Address, c.Company, c.Notes = "", "", "", "", "", ""
	})
}

// setUp has whoever holds a link come in with a new password.
func (w *world) setUp(link string) (invites.ClientJoined, error) {
	w.Helper()
	return w.links.SetUp(w.Context(), invites.NewLogin{Link: link, Password: good})
}

func (w *world) joinAs(who accounts.UserID, link string) (accounts.ClientState, error) {
	w.Helper()
	return w.links.Join(w.Context(), w.as(who), link)
}

// asClient reports whether a user is let in to acme as a client.
func (w *world) asClient(who accounts.UserID) bool {
	w.Helper()
	list := must(w.mem.Standings(w.Context(), []accounts.StandingKey{{User: who, Account: "acme"}}))(w)
	return list[0].AsClient(accounts.AnyLogin())
}

// setupDoors are all ways to use a setup link for whoever only holds it: signed
// out, or signed in as somebody whom it is not for.
func setupDoors() []door {
	return []door{
		{"Peek", func(w *world, link string) error { return ignore(w.links.Peek(w.Context(), link)) }},
		{"SetUp", func(w *world, link string) error { return ignore(w.setUp(link)) }},
		{"SetUp, kept", func(w *world, link string) error {
			return ignore(w.links.SetUp(w.Context(), invites.NewLogin{Link: link, ID: "42", Kept: true}))
		}},
		{"Join, signed out", func(w *world, link string) error {
			return ignore(w.links.Join(w.Context(), accounts.Actor{}, link))
		}},
		{"Join as another user", func(w *world, link string) error { return ignore(w.joinAs("ben", link)) }},
		{"Refresh", func(w *world, link string) error { return w.links.Refresh(w.Context(), link) }},
	}
}

// deadSetup requires that a setup link is unknown at every door, in the same
// words, and that nothing comes of trying but what is on record of a known user.
func (w *world) deadSetup(link string) {
	w.Helper()
	was, events := w.without(accounts.EventRefused), w.count(accounts.EventRefused)
	for _, d := range setupDoors() {
		err := d.open(w, link)
		require.ErrorIs(w, err, accounts.ErrNotFound, d.name)
		require.Equal(w, accounts.ErrNotFound.Error(), err.Error(), "%s: one answer, in the same words", d.name)
	}
	require.Equal(w, was, w.without(accounts.EventRefused))
	require.LessOrEqual(w, w.count(accounts.EventRefused), events+1)
}
