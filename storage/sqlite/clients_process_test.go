package sqlite_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/chatelaine-go/chatelaine/access"
	"github.com/chatelaine-go/chatelaine/access/token"
	"github.com/chatelaine-go/chatelaine/accounts"
	"github.com/chatelaine-go/chatelaine/invites"
	"github.com/chatelaine-go/chatelaine/roles"
	"github.com/chatelaine-go/chatelaine/storage/sqlite"
)

// studio is what each process of a host has where clients come in.
type studio struct {
	*lobby
	clients *accounts.Clients
	setups  *invites.SetupLinks
	views   *access.Views
}

const (
	shop   = accounts.SiteID("shop")
	seeing = roles.Permission("STATS_TAB")
)

func cleo() accounts.ClientKey { return accounts.ClientKey{Account: "acme", ID: "cleo"} }

func newStudio(l *lobby) (*studio, error) {
	s := &studio{lobby: l}
	var errs [3]error
	s.clients, errs[0] = accounts.NewClients(l.st, l.env)
	s.setups, errs[1] = invites.NewSetupLinks(l.st, l.env, nil)
	s.views, errs[2] = access.NewViews(l.st, l.env)
	return s, errors.Join(errs[:]...)
}

// attend does a child's job; name tells it with what.
func attend(ctx context.Context, st *sqlite.Store, job, name string) error {
	l, err := newLobby(st)
	if err != nil {
		return err
	}
	s, err := newStudio(l)
	if err != nil {
		return err
	}
	if job == "watch" {
		return s.watch(ctx, name)
	}
	// By this link, as two people who are new, and says who could.
	for i := range 2 {
		in := invites.NewLogin{Link: name, ID: accounts.UserID(fmt.Sprintf("new-%d-%d", os.Getpid(), i)), Kept: true}
		if i == 1 {
			in.Kept, in.Identity = false, accounts.IdentityKey{Issuer: "https://issuer.example", Subject: fmt.Sprint(os.Getpid())}
		}
		j, err := s.setups.SetUp(ctx, in)
		switch {
		case err == nil:
			fmt.Println(j.Login.User)
		case !errors.Is(err, accounts.ErrNotFound):
			return err
		}
	}
	return nil
}

// sees reports whether the holder of a session, or of a view, sees the shop.
func (s *studio) sees(ctx context.Context, secret string) (bool, error) {
	var yes bool
	var err error
	if strings.HasPrefix(secret, string(token.ViewAs)) {
		var v access.Viewed
		v, err = s.views.Viewed(ctx, secret)
		yes = v.CanSite(shop, seeing)
	} else {
		var p access.Principal
		p, err = s.sessions.Principal(ctx, secret, "acme")
		yes = p.CanSite(shop, seeing)
	}
	if errors.Is(err, accounts.ErrNotFound) || errors.Is(err, access.ErrNoSession) {
		err = nil
	}
	return yes, err
}

// watch asks over and over whether the holder of a secret sees the shop. It says
// so when they do, goes on until it is told that this has ended, and says how
// many questions that it asked after that were answered with yes.
func (s *studio) watch(ctx context.Context, secret string) error {
	var told atomic.Bool
	go func() {
		_, _ = io.ReadAll(os.Stdin)
		told.Store(true)
	}()
	late := 0
	for asked, after := 0, 0; after < 20; asked++ {
		was := told.Load()
		yes, err := s.sees(ctx, secret)
		if err != nil {
			return err
		}
		if was {
			after++
			if yes {
				late++
			}
		}
		if asked == 0 {
			fmt.Println(yes)
		}
	}
	fmt.Println(late)
	return nil
}

// studioOf is a file with an account of olga's and its client cleo, who has not
// come in yet, and is given the shop.
func studioOf(t *testing.T) (*studio, string) {
	t.Helper()
	l, path := hall(t)
	s, err := newStudio(l)
	require.NoError(t, err)
	_, err = s.clients.PutSite(t.Context(), accounts.System("sites"), accounts.PutSite{Account: "acme", ID: shop, Name: "Shop"})
	require.NoError(t, err)
	_, err = s.clients.Create(t.Context(), s.olga(t), accounts.CreateClient{
		Account: "acme", ID: "cleo", FirstName: "Cleo", LastName: "Clay", Email: "cleo@example.com",
		Sites: []accounts.SiteChoice{{Site: shop, Permissions: []roles.Permission{seeing}}},
	})
	require.NoError(t, err)
	return s, path
}

func (s *studio) olga(t *testing.T) accounts.Actor {
	t.Helper()
	a, err := s.as(t.Context(), "olga")
	require.NoError(t, err)
	return a
}

// handed has olga make a setup link for cleo.
func (s *studio) handed(t *testing.T) string {
	t.Helper()
	h, err := s.setups.Generate(t.Context(), s.olga(t), invites.GenerateSetup{ClientKey: cleo()})
	require.NoError(t, err)
	return h.Secret.Reveal()
}

// viewing has olga view as cleo, and returns the view's secret.
func (s *studio) viewing(t *testing.T) string {
	t.Helper()
	page, _, err := s.views.Start(t.Context(), s.olga(t), access.StartView{ClientKey: cleo()})
	require.NoError(t, err)
	_, link, found := strings.Cut(page.Reveal(), string(token.ViewLink))
	require.True(t, found)
	secret, _, err := s.views.Open(t.Context(), string(token.ViewLink)+link, access.Device{})
	require.NoError(t, err)
	return secret.Reveal()
}

// Eight processes set up by one link, each as two people: one user, one login,
// one event, and the link is dead (A01, A12, I-04, I-05).
func TestProcesses_SetUp(t *testing.T) {
	t.Parallel()
	s, path := studioOf(t)
	link := s.handed(t)
	won := children(t, "set-up", path, func(int) string { return link })
	require.Len(t, won, 1)
	f, err := s.st.SettingUp(t.Context(), invites.SettingUpQuery{ClientKey: cleo(), Day: accounts.DayOf(noon)})
	require.NoError(t, err)
	require.Equal(t, accounts.UserID(won[0]), f.Client.User)
	require.Equal(t, f.Client.User, f.Holder.User.ID)
	require.True(t, f.Holder.HasLogin())
	require.False(t, f.Link.UsedAt.IsZero())
	require.Equal(t, 1, s.told(t, invites.EventClientJoined))
	db := handle(t, "file:"+path, 0)
	require.Equal(t, 3, count(t, db, "SELECT count(*) FROM chatelaine_users"), "olga, ben, and one who came in")
	_, err = s.setups.Peek(t.Context(), link)
	require.ErrorIs(t, err, accounts.ErrNotFound)
}

// A client is suspended in one process while others ask what they see in two
// tabs, and what is seen by somebody who views as them: every question that is
// asked after the call returned is answered with no, and reactivating revives
// neither tabs nor views (A37, A70, A74, C9, I-09).
func TestProcesses_SuspendClient(t *testing.T) {
	t.Parallel()
	s, path := studioOf(t)
	joined, err := s.setups.SetUp(t.Context(), invites.NewLogin{Link: s.handed(t), ID: "cleo", Kept: true})
	require.NoError(t, err)
	secrets := make([]string, 0, 4)
	for range 2 {
		tab, _, err := s.sessions.Start(t.Context(), joined.Login, access.Device{})
		require.NoError(t, err)
		secrets = append(secrets, tab.Reveal())
	}
	secrets = append(secrets, s.viewing(t), s.viewing(t))

	var watchers []*watcher
	for _, secret := range secrets {
		watchers = append(watchers, watching(t, path, secret))
	}
	for _, w := range watchers {
		require.Equal(t, "true", w.next(t), "the shop is seen until the client is suspended")
	}
	require.NoError(t, s.clients.Suspend(t.Context(), s.olga(t), cleo()))
	for _, w := range watchers {
		require.NoError(t, w.in.Close())
	}
	for _, w := range watchers {
		require.Equal(t, "0", w.next(t), "questions after the suspension that were answered with yes")
		require.NoError(t, w.cmd.Wait())
	}

	require.NoError(t, s.clients.Reactivate(t.Context(), s.olga(t), cleo()))
	for _, secret := range secrets {
		yes, err := s.sees(t.Context(), secret)
		require.NoError(t, err)
		require.False(t, yes, "nothing from before comes back")
	}
	again, _, err := s.sessions.Start(t.Context(), joined.Login, access.Device{})
	require.NoError(t, err)
	yes, err := s.sees(t.Context(), again.Reveal())
	require.NoError(t, err)
	require.True(t, yes, "whoever logs in after it sees the shop again")
}

// watcher is a process that watches. Closing its input tells it that what it
// watches has ended.
type watcher struct {
	cmd *exec.Cmd
	in  io.WriteCloser
	out *bufio.Scanner
}

func watching(t *testing.T, path, secret string) *watcher {
	t.Helper()
	exe, err := os.Executable()
	require.NoError(t, err)
	w := &watcher{cmd: exec.CommandContext(t.Context(), exe, path, secret)}
	w.cmd.Env = append(os.Environ(), childJob+"=watch")
	w.cmd.Stderr = os.Stderr
	w.in, err = w.cmd.StdinPipe()
	require.NoError(t, err)
	out, err := w.cmd.StdoutPipe()
	require.NoError(t, err)
	w.out = bufio.NewScanner(out)
	require.NoError(t, w.cmd.Start())
	return w
}

// next returns the next line that the process says.
func (w *watcher) next(t *testing.T) string {
	t.Helper()
	require.True(t, w.out.Scan(), "the process ended")
	return w.out.Text()
}
