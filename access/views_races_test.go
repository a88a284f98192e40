package access_test

import (
	"errors"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/chatelaine-go/chatelaine/access"
	"github.com/chatelaine-go/chatelaine/accounts"
	"github.com/chatelaine-go/chatelaine/roles"
)

// Of many who open one link at once one has a view, by chance and when all have
// read before the first writes; the others are told what a link is told that
// names nothing (A01, I-04).
func TestRace_OpenTwice(t *testing.T) {
	t.Parallel()
	for name, h := range interleavings(4) {
		g := newGallery(t)
		link, v := g.start(g.as("adam", "north"), as("north", "bella"))
		g.st.on(h)
		var wg sync.WaitGroup
		var opened atomic.Int64
		var secrets sync.Map
		for range 4 {
			wg.Go(func() {
				secret, _, err := g.views.Open(t.Context(), link, device)
				if err == nil {
					opened.Add(1)
					secrets.Store(secret.Reveal(), true)
					return
				}
				if !secret.IsZero() || !errors.Is(err, accounts.ErrNotFound) {
					t.Errorf("%s: %v", name, err)
				}
			})
		}
		wg.Wait()
		g.st.on(nil)
		require.EqualValues(t, 1, opened.Load(), name)
		require.Equal(t, 1, g.count(access.EventViewOpened), name)
		require.EqualValues(t, 2, g.row(v.ID).Version, name)
		secrets.Range(func(secret, _ any) bool {
			require.NoError(t, g.viewed(secret.(string)), name)
			return true
		})
	}
}

// A view that is stopped or ended while it is opened does not count afterwards,
// whichever of the two is first to write.
func TestRace_EndAgainstOpen(t *testing.T) {
	t.Parallel()
	g := newGallery(t)
	adam := g.as("adam", "north")
	link, v := g.start(adam, as("north", "bella"))
	g.st.on(beforeWrite(1, func() { require.NoError(t, g.views.End(t.Context(), adam, "north", v.ID)) }))
	g.unopened(link, "the end came between the reading and the writing")
	g.st.on(nil)
	require.Zero(t, g.count(access.EventViewOpened))

	link, v = g.start(adam, as("north", "bella"))
	var secret string
	g.st.on(beforeWrite(1, func() { secret, _ = g.open(link) }))
	require.NoError(t, g.views.End(t.Context(), adam, "north", v.ID))
	g.st.on(nil)
	g.dead(secret, "the end was told")
	require.Equal(t, 1, g.count(access.EventViewOpened))

	// Two who stop it at once: one event.
	secret, _ = g.viewing("bella")
	was := g.count(access.EventViewEnded)
	g.st.on(beforeWrite(1, func() { require.NoError(t, g.views.Stop(t.Context(), secret)) }))
	require.NoError(t, g.views.Stop(t.Context(), secret))
	g.st.on(nil)
	g.dead(secret)
	require.Equal(t, was+1, g.count(access.EventViewEnded))
}

// What takes the viewer's right away between the reading and the writing of a
// start, or of an opening, counts: nothing is started, nothing opened, and no
// event says so. What happens to the client in between leaves a view that does
// not count (A37, A70, I-09, I-19).
func TestRace_ViewAgainstEnds(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name   string
		happen func(g *gallery, own string)
		start  error // what a start is told; nil: it starts, and does not count
	}{
		{"the viewer is removed", func(g *gallery, _ string) {
			require.NoError(g, g.svc.RemoveMember(g.Context(), g.as("ann", "north"), "north", "adam"))
		}, accounts.ErrNotFound},
		{"the viewer's role is lowered", func(g *gallery, _ string) {
			require.NoError(g, g.svc.ChangeRole(g.Context(), g.as("ann", "north"), "north", "adam", roles.Manager))
		}, roles.ErrDenied},
		{"the viewer's sessions are ended", func(g *gallery, _ string) {
			require.NoError(g, g.sessions.EndAll(g.Context(), operator, "adam"))
		}, accounts.ErrStepUp},
		{"the account is closed", func(g *gallery, _ string) {
			require.NoError(g, g.svc.CloseAccount(g.Context(), g.as("ann", "north"), "north"))
		}, accounts.ErrNotFound},
		{"the viewer signs out", func(g *gallery, own string) { require.NoError(g, g.sessions.SignOut(g.Context(), own)) }, nil},
		{"the client is suspended", func(g *gallery, _ string) { g.suspend("bruno") }, nil},
		{"the client is deleted", func(g *gallery, _ string) { g.remove("bruno") }, nil},
		{"the client logs in", func(g *gallery, _ string) { g.login("bruno") }, nil},
	} {
		t.Run("a start, while "+tt.name, func(t *testing.T) {
			t.Parallel()
			g := newGallery(t)
			own := g.login("adam")
			adam := g.principal(own, "north").Actor()
			g.st.on(beforeWrite(1, func() { tt.happen(g, own) }))
			link, v, err := g.views.Start(t.Context(), adam, as("north", "bruno"))
			g.st.on(nil)
			if tt.start != nil {
				require.ErrorIs(t, err, tt.start)
				require.True(t, link.IsZero())
				require.Equal(t, access.ViewAs{}, v)
				require.Zero(t, g.count(access.EventViewStarted))
				return
			}
			if err == nil {
				g.unopened(link.Reveal()[len(viewPage):])
			}
		})
		for _, call := range []string{"Membership", "Recording"} {
			if tt.start == nil {
				break
			}
			t.Run("a start, which had read the viewer's standing and not yet the "+call+" when "+tt.name, func(t *testing.T) {
				t.Parallel()
				g := newGallery(t)
				own := g.login("adam")
				adam := g.principal(own, "north").Actor()
				between(g, call, func() { tt.happen(g, own) })
				link, _, err := g.views.Start(t.Context(), adam, as("north", "bruno"))
				g.st.on(nil)
				require.ErrorIs(t, err, tt.start)
				require.True(t, link.IsZero())
			})
		}
		t.Run("an opening, while "+tt.name, func(t *testing.T) {
			t.Parallel()
			g := newGallery(t)
			own := g.login("adam")
			link, _ := g.start(g.principal(own, "north").Actor(), as("north", "bruno"))
			g.st.on(beforeWrite(1, func() { tt.happen(g, own) }))
			secret, _, err := g.views.Open(t.Context(), link, device)
			g.st.on(nil)
			if tt.start != nil {
				require.ErrorIs(t, err, accounts.ErrNotFound)
				require.Zero(t, g.count(access.EventViewOpened))
			}
			if err != nil {
				require.True(t, secret.IsZero())
				return
			}
			g.dead(secret.Reveal())
		})
	}
}

// While a viewer is removed, and the client suspended, from many goroutines, no
// question that is asked after either was told says that the view counts (A37,
// A38, I-08, I-09).
func TestRace_ViewedAgainstEnds(t *testing.T) {
	t.Parallel()
	for name, end := range map[string]func(g *gallery){
		"the viewer is removed": func(g *gallery) {
			require.NoError(g, g.svc.RemoveMember(g.Context(), g.as("ann", "north"), "north", "adam"))
		},
		"the client is suspended": func(g *gallery) { g.suspend("bruno") },
		"the client logs in":      func(g *gallery) { g.login("bruno") },
	} {
		g := newGallery(t)
		secret, _ := g.viewing("bruno")
		var done, late atomic.Bool
		var wg sync.WaitGroup
		for range 4 {
			wg.Go(func() {
				for range 300 {
					was := done.Load()
					if _, err := g.views.Viewed(t.Context(), secret); err == nil && was {
						late.Store(true)
					}
				}
			})
		}
		end(g)
		done.Store(true)
		wg.Wait()
		require.False(t, late.Load(), name)
		g.dead(secret, name)
	}
}
