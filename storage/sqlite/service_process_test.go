package sqlite_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/chatelaine-go/chatelaine/access"
	"github.com/chatelaine-go/chatelaine/accounts"
	"github.com/chatelaine-go/chatelaine/mail"
	"github.com/chatelaine-go/chatelaine/mail/mailtest"
	"github.com/chatelaine-go/chatelaine/roles"
	"github.com/chatelaine-go/chatelaine/storage/sqlite"
)

// program is what each process of a host has.
type program struct {
	st       *sqlite.Store
	env      *accounts.Env
	graph    *accounts.Service
	requests *access.Requests
	sessions *access.Sessions
}

type unlimited struct{}

func (unlimited) Allow(string) error { return nil }

func newProgram(st *sqlite.Store) (*program, error) {
	p := &program{st: st}
	var err error
	if p.env, err = accounts.NewEnv(&accounts.EnvOptions{Burst: unlimited{}}); err != nil {
		return nil, err
	}
	if p.graph, err = accounts.New(st, p.env); err != nil {
		return nil, err
	}
	if p.requests, err = access.NewRequests(st, p.env); err != nil {
		return nil, err
	}
	p.sessions, err = access.NewSessions(st, p.env)
	return p, err
}

// as signs a user in and returns the actor at an account.
func (p *program) as(ctx context.Context, user accounts.UserID, account accounts.AccountID) (accounts.Actor, error) {
	secret, _, err := p.sessions.Start(ctx, accounts.Login{User: user}, access.Device{})
	if err != nil {
		return accounts.Actor{}, err
	}
	who, err := p.sessions.Principal(ctx, secret.Reveal(), account)
	return who.Actor(), err
}

// serve does a child's job with the services; name tells it what.
func serve(ctx context.Context, st *sqlite.Store, job, name string) error {
	p, err := newProgram(st)
	if err != nil {
		return err
	}
	switch job {
	case "send": // 8 batches of 3 addresses, and says how many were sent
		actor, err := p.as(ctx, "mia", "agency")
		if err != nil {
			return err
		}
		for i := range 8 {
			sent, err := p.requests.Send(ctx, actor, access.Batch{
				Agency: "agency", Addresses: fmt.Sprintf("a%d.%s@example.com, b%d.%s@example.com, c%d.%s@example.com", i, name, i, name, i, name),
			})
			if err != nil {
				return err
			}
			fmt.Println(sent.Sent)
		}
	case "approve": // the request with this link, and says whether it could
		actor, err := p.as(ctx, "carl", "client")
		if err != nil {
			return err
		}
		_, err = p.requests.Approve(ctx, actor, access.Decision{Link: name, Account: "client"}, roles.Manager)
		if err != nil && !errors.Is(err, accounts.ErrNotFound) {
			return err
		}
		fmt.Println(err == nil)
	case "look": // what the holder of this secret is at the client, each time a line is asked for
		for in := bufio.NewScanner(os.Stdin); in.Scan(); {
			who, err := p.sessions.Principal(ctx, name, "client")
			if err != nil && !errors.Is(err, accounts.ErrNotFound) && !errors.Is(err, access.ErrNoSession) {
				return err
			}
			fmt.Printf("%q\n", who.Role())
		}
	}
	return nil
}

// town is a file with an agency, its manager, and a client.
func town(t *testing.T) (*program, string) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "app.db")
	st, err := sqlite.Open(t.Context(), path, nil)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, st.Close()) })
	p, err := newProgram(st)
	require.NoError(t, err)
	job := accounts.System("test")
	for _, id := range []accounts.UserID{"ann", "mia", "carl"} {
		_, err := p.graph.PutUser(t.Context(), job, accounts.PutUser{ID: id, Name: string(id), Email: string(id) + "@people.example", Proven: true})
		require.NoError(t, err)
	}
	for id, owner := range map[accounts.AccountID]accounts.UserID{"agency": "ann", "client": "carl"} {
		_, err := p.graph.CreateAccount(t.Context(), job, accounts.CreateAccount{ID: id, Name: string(id), Owner: owner})
		require.NoError(t, err)
	}
	require.NoError(t, p.graph.AddMember(t.Context(), job, "agency", "mia", roles.Manager))
	boss, err := p.as(t.Context(), "ann", "agency")
	require.NoError(t, err)
	require.NoError(t, p.graph.JoinProgramme(t.Context(), boss, "agency"))
	require.NoError(t, p.graph.EnableClientAccess(t.Context(), boss, "agency"))
	return p, path
}

// ask sends a request to the client's owner and returns its link's secret.
func (p *program) ask(t *testing.T) string {
	t.Helper()
	actor, err := p.as(t.Context(), "mia", "agency")
	require.NoError(t, err)
	sent, err := p.requests.Send(t.Context(), actor, access.Batch{Agency: "agency", Addresses: "carl@people.example"})
	require.NoError(t, err)
	require.Equal(t, 1, sent.Sent)
	inbox := new(mailtest.Recorder)
	post, err := mail.NewDispatcher(p.st, inbox, nil)
	require.NoError(t, err)
	_, err = post.Flush(t.Context())
	require.NoError(t, err)
	m, ok := inbox.Last("carl@people.example")
	require.True(t, ok)
	const page = "http://localhost:8080/access-requests/"
	link, ok := mailtest.Link(m, page)
	require.True(t, ok)
	return strings.TrimPrefix(link, page)
}

// children runs eight processes and returns the lines that they said.
func children(t *testing.T, job, path string, name func(i int) string) []string {
	t.Helper()
	type said struct {
		lines []string
		err   error
	}
	all := make(chan said)
	for i := range 8 {
		cmd, out := start(t, job, path, name(i))
		go func() {
			var s said
			for out.Scan() {
				s.lines = append(s.lines, out.Text())
			}
			s.err = cmd.Wait()
			all <- s
		}()
	}
	var lines []string
	for range 8 {
		s := <-all
		require.NoError(t, s.err)
		lines = append(lines, s.lines...)
	}
	return lines
}

// Eight processes send for one agency on one file: 35 requests go out in a day,
// not one more and not one less (A79, I-14).
func TestProcesses_Send(t *testing.T) {
	t.Parallel()
	p, path := town(t)
	total := 0
	for _, line := range children(t, "send", path, strconv.Itoa) {
		n, err := strconv.Atoi(line)
		require.NoError(t, err)
		total += n
	}
	require.Equal(t, 35, total)
	d, err := p.st.Drafting(t.Context(), access.DraftingQuery{Agency: "agency", Day: accounts.DayOf(p.env.Now())})
	require.NoError(t, err)
	require.Equal(t, 35, d.Used)
	mails, err := p.st.Mails(t.Context(), mail.Query{Account: "agency", Limit: 1000})
	require.NoError(t, err)
	require.Len(t, mails, 35)
	sound(t, path)
}

// Eight processes approve one request by its link: one connection, one success
// (A01, A45).
func TestProcesses_Approve(t *testing.T) {
	t.Parallel()
	p, path := town(t)
	link := p.ask(t)
	won := 0
	for _, line := range children(t, "approve", path, func(int) string { return link }) {
		if line == "true" {
			won++
		}
	}
	require.Equal(t, 1, won)
	l, err := p.st.Linked(t.Context(), accounts.LinkedQuery{ConnectionKey: accounts.ConnectionKey{Client: "client", Agency: "agency"}, Top: roles.Owner})
	require.NoError(t, err)
	require.True(t, l.Counts())
	require.Equal(t, int64(1), l.Connection.Epoch)
	sound(t, path)
}

// A right that one process withdraws is refused by the next check in another,
// as soon as the call has returned (A37, A50, I-09).
func TestProcesses_Withdraw(t *testing.T) {
	t.Parallel()
	p, path := town(t)
	carl, err := p.as(t.Context(), "carl", "client")
	require.NoError(t, err)
	link := p.ask(t)
	_, err = p.requests.Approve(t.Context(), carl, access.Decision{Link: link, Account: "client"}, roles.Admin)
	require.NoError(t, err)
	secret, _, err := p.sessions.Start(t.Context(), accounts.Login{User: "mia"}, access.Device{})
	require.NoError(t, err)

	exe, err := os.Executable()
	require.NoError(t, err)
	cmd := exec.CommandContext(t.Context(), exe, path, secret.Reveal())
	cmd.Env = append(os.Environ(), childJob+"=look")
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	require.NoError(t, err)
	pipe, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	out := bufio.NewScanner(pipe)
	look := func() string {
		t.Helper()
		_, err := fmt.Fprintln(in)
		require.NoError(t, err)
		require.True(t, out.Scan())
		return out.Text()
	}

	require.Equal(t, `"admin"`, look())
	for _, highest := range []roles.Role{roles.Viewer, roles.Manager, roles.Author} {
		require.NoError(t, p.graph.ChangeCap(t.Context(), carl, accounts.ConnectionKey{Client: "client", Agency: "agency"}, highest))
		require.Equal(t, fmt.Sprintf("%q", highest), look())
	}
	staff := accounts.Operator("kim", "ticket 7")
	require.NoError(t, p.graph.SuspendAccount(t.Context(), staff, "agency"))
	require.Equal(t, `""`, look())
	require.NoError(t, p.graph.ReactivateAccount(t.Context(), staff, "agency"))
	require.Equal(t, `"author"`, look(), "a pause ages nothing")
	boss, err := p.as(t.Context(), "ann", "agency")
	require.NoError(t, err)
	require.NoError(t, p.graph.RemoveMember(t.Context(), boss, "agency", "mia"))
	require.Equal(t, `""`, look())
	require.NoError(t, p.graph.AddMember(t.Context(), accounts.System("test"), "agency", "mia", roles.Admin))
	require.Equal(t, `""`, look(), "coming back brings no assignment back")
	require.NoError(t, in.Close())
	require.NoError(t, cmd.Wait())
}
