package access_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/stretchr/testify/require"

	"github.com/chatelaine-go/chatelaine/access"
	"github.com/chatelaine-go/chatelaine/access/password"
	"github.com/chatelaine-go/chatelaine/access/token"
	"github.com/chatelaine-go/chatelaine/accounts"
	"github.com/chatelaine-go/chatelaine/mail/mailtest"
)

// The pages of links about a login.
const (
	proofPage  = "https://app.example/address/prove/"
	changePage = "https://app.example/address/change/"
	resetPage  = "https://app.example/password/reset/"
)

// Passwords that the policy allows.
const (
	words   = "six wandering llamas eat"
	others  = "seven purple mountain goats"
	strange = "nine grey elephants dancing"
)

var operator = accounts.Operator("help", "asked by phone")

// entrance is a world whose host keeps no logins: people sign up.
type entrance struct {
	*world
	logins *access.Logins
	doors  *doors // what the logins run on
}

func newEntrance(t tester, set ...func(*accounts.EnvOptions)) *entrance {
	t.Helper()
	e := &entrance{world: newWorld(t, set...)}
	e.doors = &doors{spy: e.st}
	e.logins = e.restart(&access.LoginOptions{Hasher: cheap(), Passwords: rules()})
	return e
}

// restart returns the service anew, on the same store.
func (e *entrance) restart(o *access.LoginOptions) *access.Logins {
	e.Helper()
	return must(access.NewLogins(e.doors, e.env, o))(e)
}

// cheap is a hasher for tests: a hash of it takes microseconds.
var cheap = sync.OnceValue(func() *password.Hasher { return hasher(&password.Options{Memory: 8, Time: 1, Queue: 1000}) })

func hasher(o *password.Options) *password.Hasher {
	h, err := password.New(o)
	if err != nil {
		panic(err)
	}
	return h
}

// rules are read once for all worlds.
var rules = sync.OnceValue(func() *password.Policy {
	p, err := password.NewPolicy(&password.PolicyOptions{Words: []string{"Letterbird"}})
	if err != nil {
		panic(err)
	}
	return p
})

// signUp makes a user with an id and an address like it, who is not proven.
func (e *entrance) signUp(id accounts.UserID) accounts.User {
	e.Helper()
	u, err := e.logins.SignUp(e.Context(), access.SignUp{ID: id, Email: address(id), Name: "Mx " + string(id), Password: words}, access.Device{})
	require.NoError(e, err)
	require.Equal(e, id, u.ID)
	return u
}

func address(id accounts.UserID) string { return string(id) + "@example.com" }

// in logs somebody in and returns what their cookie holds.
func (e *entrance) in(id accounts.UserID, given string) string {
	e.Helper()
	secret, _, err := e.logins.LogIn(e.Context(), access.LogIn{Email: address(id), Password: given}, access.Device{})
	require.NoError(e, err)
	return secret.Reveal()
}

// knows reports whether a password opens a session.
func (e *entrance) knows(email, given string) bool {
	e.Helper()
	secret, s, err := e.logins.LogIn(e.Context(), access.LogIn{Email: email, Password: given}, access.Device{})
	if err != nil {
		require.ErrorIs(e, err, access.ErrCredentials)
		require.True(e, secret.IsZero())
		require.Zero(e, s)
	}
	return err == nil
}

// self is the actor that a session makes, at no account.
func (e *entrance) self(secret string) accounts.Actor {
	e.Helper()
	return e.principal(secret, "").Actor()
}

// newcomer is somebody who signed up, logged in and proved their address.
func (e *entrance) newcomer(id accounts.UserID) (secret string, actor accounts.Actor) {
	e.Helper()
	e.signUp(id)
	secret = e.in(id, words)
	actor = e.self(secret)
	require.NoError(e, e.logins.Prove(e.Context(), actor, e.mailed(address(id), proofPage)))
	return secret, actor
}

// mailed returns the secret of the newest link to a page that an address got.
func (e *entrance) mailed(email, page string) string {
	e.Helper()
	link, ok := e.letter(email, page)
	require.True(e, ok, "no link to %s for %s", page, email)
	return link
}

func (e *entrance) letter(email, page string) (string, bool) {
	e.Helper()
	e.flush()
	for _, m := range slices.Backward(e.inbox.To(email)) {
		if url, ok := mailtest.Link(m, page); ok {
			return strings.TrimPrefix(url, page), true
		}
	}
	return "", false
}

// kinds delivers the mail, and lists what an address got since it was asked last.
func (e *entrance) kinds(email string) []string {
	e.Helper()
	e.flush()
	var list []string
	for _, m := range e.inbox.To(email) {
		list = append(list, m.Kind)
	}
	e.inbox.Reset()
	return list
}

// resetLink asks for a reset and returns the link's secret.
func (e *entrance) resetLink(id accounts.UserID) string {
	e.Helper()
	require.NoError(e, e.logins.AskReset(e.Context(), address(id), access.Device{}))
	return e.mailed(address(id), resetPage)
}

// reset sets a password by a link.
func (e *entrance) reset(link, fresh string) error {
	e.Helper()
	login, err := e.logins.ResetPassword(e.Context(), link, fresh)
	require.Equal(e, err == nil, login.User != "" && login.ByLink)
	return err
}

func (e *entrance) stored(id accounts.UserID) accounts.User {
	e.Helper()
	return must(e.mem.User(e.Context(), accounts.UserKey{ID: id}))(e)
}

func (e *entrance) means(id accounts.UserID) accounts.Means {
	e.Helper()
	return must(e.mem.Means(e.Context(), accounts.UserKey{ID: id}))(e)
}

// entering is what is known of an address, and of a network.
func (e *entrance) entering(email, source string) access.Entering {
	e.Helper()
	return must(e.mem.Entering(e.Context(), access.EnteringQuery{
		Email: accounts.Email(email), Source: source, Day: accounts.DayOf(e.env.Now()),
	}))(e)
}

// put writes rows as an import would.
func (e *entrance) put(c access.Change) {
	e.Helper()
	op := e.env.Begin(job)
	c.Op = op.ID
	op.Record(&c.Change, accounts.Event{Kind: "test.put"})
	require.NoError(e, e.mem.ApplyAccess(e.Context(), c))
}

// imported gives a user the hash of another system as their password.
func (e *entrance) imported(id accounts.UserID, hash string) {
	e.Helper()
	cred := e.means(id).Credential
	cred.Hash = hash
	e.put(access.Change{Change: accounts.Change{Credentials: []accounts.Credential{cred}}})
}

// persons and mailboxes are whom the tests of this file's world are about.
var (
	persons   = []accounts.UserID{"nora", "otto", "pia", "quin"}
	mailboxes = []string{"nora@example.com", "otto@example.com", "pia@example.com", "quin@example.com", "new@example.com", "nobody@example.com"}
)

// all tells everything that is stored, with what is kept of logins.
func (e *entrance) all() string {
	e.Helper()
	var b strings.Builder
	b.WriteString(e.dump())
	ctx, day := e.Context(), accounts.DayOf(e.env.Now())
	for _, id := range persons {
		m, _ := e.mem.Means(ctx, accounts.UserKey{ID: id})
		list, _ := e.mem.Sessions(ctx, access.SessionsQuery{User: id, Limit: 1000})
		n, _ := e.mem.Spent(ctx, accounts.QuotaKey{Kind: accounts.QuotaAsks, Subject: string(id), Day: day})
		fmt.Fprintf(&b, "%s %+v %+v %d\n", id, m, list, n)
		for _, p := range []token.Purpose{token.Proof, token.Reset, token.Address} {
			t, _ := e.mem.Ticket(ctx, access.TicketQuery{TicketKey: access.TicketKey{User: id, Purpose: p}})
			fmt.Fprintf(&b, "%+v\n", t)
		}
	}
	for _, m := range mailboxes {
		fmt.Fprintf(&b, "%+v\n", e.entering(m, "192.0.2.1"))
	}
	return b.String()
}

// doors are a spy on what logins ask beside what others ask.
type doors struct{ *spy }

func (s *doors) Entering(ctx context.Context, q access.EnteringQuery) (access.Entering, error) {
	return through(s.spy, "Entering", func() (access.Entering, error) { return s.Storage.Entering(ctx, q) })
}

func (s *doors) Ticket(ctx context.Context, q access.TicketQuery) (access.Ticket, error) {
	return through(s.spy, "Ticket", func() (access.Ticket, error) { return s.Storage.Ticket(ctx, q) })
}

func (s *doors) Means(ctx context.Context, k accounts.UserKey) (accounts.Means, error) {
	return through(s.spy, "Means", func() (accounts.Means, error) { return s.Storage.Means(ctx, k) })
}

func (s *doors) Challenge(ctx context.Context, k accounts.ChallengeKey) (accounts.Challenge, error) {
	return through(s.spy, "Challenge", func() (accounts.Challenge, error) { return s.Storage.Challenge(ctx, k) })
}

func (s *doors) Spent(ctx context.Context, k accounts.QuotaKey) (int, error) {
	return through(s.spy, "Spent", func() (int, error) { return s.Storage.Spent(ctx, k) })
}

// calls runs something and returns the names of its calls to the store.
func (e *entrance) calls(run func()) []string {
	var mu sync.Mutex
	var list []string
	e.st.on(func(call string, do func() error) error {
		mu.Lock()
		list = append(list, call)
		mu.Unlock()
		return do()
	})
	defer e.st.on(nil)
	run()
	return list
}

// text prints values in full.
func text(values ...any) string { return fmt.Sprintf("%+v %#v\n", values, values) }
