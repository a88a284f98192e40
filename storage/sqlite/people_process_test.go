package sqlite_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/chatelaine-go/chatelaine/access"
	"github.com/chatelaine-go/chatelaine/access/limit"
	"github.com/chatelaine-go/chatelaine/access/password"
	"github.com/chatelaine-go/chatelaine/accounts"
	"github.com/chatelaine-go/chatelaine/invites"
	"github.com/chatelaine-go/chatelaine/mail"
	"github.com/chatelaine-go/chatelaine/roles"
	"github.com/chatelaine-go/chatelaine/storage/sqlite"
)

// lobby is what each process of a host has where people log in and join. The
// clock stands still at noon, in all of them.
type lobby struct {
	st       *sqlite.Store
	env      *accounts.Env
	graph    *accounts.Service
	sessions *access.Sessions
	logins   *access.Logins
	invites  *invites.Service
	tally    *tally
}

type still struct{}

func (still) Now() time.Time { return noon }

// tally verifies hashes of its own form, which hold the password, and counts
// how often it is asked.
type tally struct{ compared atomic.Int64 }

const tallied = "tally:"

func (*tally) Handles(stored string) bool { return strings.HasPrefix(stored, tallied) }

func (v *tally) Verify(stored, given string) (bool, error) {
	v.compared.Add(1)
	return stored == tallied+given, nil
}

func newLobby(st *sqlite.Store) (*lobby, error) {
	l := &lobby{st: st, tally: &tally{}}
	table := accounts.PlanTable{Plans: map[string]accounts.Plan{"": {Roles: []roles.Role{roles.Viewer}}, "ten": {Roles: []roles.Role{roles.Viewer}, Seats: 10}}}
	var errs [7]error
	var hasher *password.Hasher
	var policy *password.Policy
	l.env, errs[0] = accounts.NewEnv(&accounts.EnvOptions{
		Clock: still{}, Burst: unlimited{}, Policy: table, Limits: accounts.Limits{InvitationsPerDay: 100},
	})
	hasher, errs[1] = password.New(&password.Options{Memory: 8, Time: 1, Verifiers: []password.Verifier{l.tally}})
	policy, errs[6] = password.NewPolicy(nil)
	if err := errors.Join(errs[:]...); err != nil {
		return nil, err
	}
	l.graph, errs[2] = accounts.New(st, l.env)
	l.sessions, errs[3] = access.NewSessions(st, l.env)
	l.logins, errs[4] = access.NewLogins(st, l.env, &access.LoginOptions{Hasher: hasher, Passwords: policy})
	l.invites, errs[5] = invites.New(st, l.env, &invites.Options{Hasher: hasher, Passwords: policy})
	return l, errors.Join(errs[:]...)
}

// receive does a child's job; name tells it with what.
func receive(ctx context.Context, st *sqlite.Store, job, name string) error {
	l, err := newLobby(st)
	if err != nil {
		return err
	}
	switch job {
	case "join": // by each of these links, as somebody new, and says by how many it could
		joined := 0
		for i, link := range strings.Split(name, ",") {
			id := accounts.UserID(fmt.Sprintf("new-%d-%d", os.Getpid(), i))
			_, err := l.invites.AcceptNew(ctx, invites.NewLogin{Link: link, ID: id, Kept: true})
			switch {
			case err == nil:
				joined++
			case !errors.Is(err, accounts.ErrNotFound) && !errors.Is(err, accounts.ErrSeats):
				return err
			}
		}
		fmt.Println(joined)
	case "accept": // by this link, as ben, and says which version of a membership came of it
		ben, err := l.as(ctx, "ben")
		if err != nil {
			return err
		}
		m, err := l.invites.Accept(ctx, ben, invites.Answer{Link: name})
		if err != nil {
			return err
		}
		fmt.Println(m.Version)
	case "guess": // ten times, and says how many were compared
		for i := range 10 {
			_, _, err := l.logins.LogIn(ctx, access.LogIn{Email: "ben@example.com", Password: fmt.Sprint("guess ", i)}, access.Device{Source: "192.0.2." + name})
			if !errors.Is(err, access.ErrCredentials) && !errors.Is(err, limit.ErrLimited) {
				return fmt.Errorf("a wrong password was answered with %w", err)
			}
		}
		fmt.Println(l.tally.compared.Load())
	}
	return nil
}

// as is somebody who has just logged in with the host.
func (l *lobby) as(ctx context.Context, u accounts.UserID) (accounts.Actor, error) {
	p, err := l.sessions.ForUser(ctx, accounts.Login{User: u, At: noon}, "")
	return p.Actor(), err
}

// hall is a file with an account of olga's, and with ben, who has a password.
func hall(t *testing.T) (*lobby, string) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "app.db")
	st, err := sqlite.Open(t.Context(), path, nil)
	require.NoError(t, err)
	t.Cleanup(func() {
		require.NoError(t, st.Close())
		sound(t, path)
	})
	l, err := newLobby(st)
	require.NoError(t, err)
	ben := user("ben")
	ben.Proven = true
	apply(t, st, change("hall", func(c *access.Change) {
		olga := user("olga")
		olga.Proven = true // who is told by mail of those who join
		c.Users = []accounts.User{olga, ben}
		c.Credentials = []accounts.Credential{{User: "ben", Hash: tallied + "the right one", CreatedAt: noon, UpdatedAt: noon}}
		c.Accounts = []accounts.Account{account("acme")}
		c.Memberships = []accounts.Membership{member("acme", "olga")}
	}))
	return l, path
}

// invite has olga invite people, and returns their links.
func (l *lobby) invite(t *testing.T, to ...string) []string {
	t.Helper()
	olga, err := l.as(t.Context(), "olga")
	require.NoError(t, err)
	links := make([]string, 0, len(to))
	for _, email := range to {
		_, err := l.invites.Invite(t.Context(), olga, invites.Invite{Account: "acme", Email: email, Role: roles.Viewer})
		require.NoError(t, err)
		due, err := l.st.ClaimMail(t.Context(), mail.Claim{Channel: mail.Email, At: noon, Lease: time.Hour, Limit: 10})
		require.NoError(t, err)
		require.Len(t, due, 1)
		_, after, found := strings.Cut(due[0].Message.Text, "cinv_")
		require.True(t, found)
		links = append(links, "cinv_"+strings.Fields(after)[0])
	}
	return links
}

// told counts the events of a kind in the account.
func (l *lobby) told(t *testing.T, kind accounts.EventKind) int {
	t.Helper()
	list, err := l.st.Events(t.Context(), accounts.EventQuery{Account: "acme", Kinds: []accounts.EventKind{kind}, Limit: 500})
	require.NoError(t, err)
	return len(list)
}

// news counts the mails that tell olga of acceptances.
func (l *lobby) news(t *testing.T) int {
	t.Helper()
	list, err := l.st.Mails(t.Context(), mail.Query{To: "olga@example.com", Limit: 1000})
	require.NoError(t, err)
	return len(list)
}

func numbers(t *testing.T, lines []string) []int {
	t.Helper()
	list := make([]int, len(lines))
	for i, line := range lines {
		var err error
		list[i], err = strconv.Atoi(line)
		require.NoError(t, err)
	}
	return list
}

func sum(list []int) int {
	n := 0
	for _, v := range list {
		n += v
	}
	return n
}

// Eight processes join by one link, each as somebody new, and eight accept
// another one as the same person: one new user and one membership each, one
// event, one mail (A01, I-02, I-04).
func TestProcesses_Accept(t *testing.T) {
	t.Parallel()
	l, path := hall(t)
	links := l.invite(t, "new@example.com", "ben@example.com")
	require.Equal(t, 1, sum(numbers(t, children(t, "join", path, func(int) string { return links[0] }))))
	require.Equal(t, 1, l.told(t, invites.EventInvitationAccepted))
	for _, version := range numbers(t, children(t, "accept", path, func(int) string { return links[1] })) {
		require.Equal(t, 1, version, "each is told of the same membership, which was written once")
	}
	require.Equal(t, 2, l.told(t, invites.EventInvitationAccepted))
	require.Equal(t, 2, l.news(t))
	seats, err := l.st.Seats(t.Context(), "acme", noon)
	require.NoError(t, err)
	require.Equal(t, accounts.Seats{Members: 3}, seats)
}

// Eight processes have four links each where the plan, since they were sent,
// has ten seats: ten members, and nobody lost a seat that was free (B8).
func TestProcesses_Seats(t *testing.T) {
	t.Parallel()
	l, path := hall(t)
	var to []string
	for i := range 32 {
		to = append(to, fmt.Sprintf("to-%d@example.com", i))
	}
	links := l.invite(t, to...)
	ten := "ten"
	require.NoError(t, l.graph.UpdateAccount(t.Context(), accounts.System("billing"), accounts.UpdateAccount{ID: "acme", Plan: &ten}))
	joined := sum(numbers(t, children(t, "join", path, func(i int) string { return strings.Join(links[4*i:4*i+4], ",") })))
	require.Equal(t, 9, joined, "and olga")
	require.Equal(t, 9, l.told(t, invites.EventInvitationAccepted))
	seats, err := l.st.Seats(t.Context(), "acme", noon)
	require.NoError(t, err)
	require.Equal(t, accounts.Seats{Members: 10, Invited: 23}, seats)
}

// Eight processes guess ten times each at one password, from networks of their
// own: five guesses are compared in all of them together, and each of these is
// on record (A31).
func TestProcesses_Guess(t *testing.T) {
	t.Parallel()
	l, path := hall(t)
	require.Equal(t, 5, sum(numbers(t, children(t, "guess", path, strconv.Itoa))))
	f, err := l.st.Entering(t.Context(), access.EnteringQuery{Email: "ben@example.com", Day: accounts.DayOf(noon)})
	require.NoError(t, err)
	require.Equal(t, 5, f.Guesses.Count)
	held, err := l.st.Held(t.Context(), accounts.HeldQuery{Kind: accounts.HeldEvent, User: "ben", Limit: 500})
	require.NoError(t, err)
	require.Len(t, held, 5)
	_, _, err = l.logins.LogIn(t.Context(), access.LogIn{Email: "ben@example.com", Password: "the right one"}, access.Device{})
	require.ErrorIs(t, err, limit.ErrLimited)
}
