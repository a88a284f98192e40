package access_test

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/chatelaine-go/chatelaine/access"
	"github.com/chatelaine-go/chatelaine/accounts"
	"github.com/chatelaine-go/chatelaine/storage"
)

// After a story of views with faults in it, neither the secret of a link nor that
// of a view is in any event, answer, error, log or row, in any encoding; the
// link's address is told once, and does not print (A18, A106, I-26).
func TestSecrets_Views(t *testing.T) {
	t.Parallel()
	var logged log
	g := newGallery(t, func(o *accounts.EnvOptions) {
		o.Logger = slog.New(slog.NewTextHandler(&logged, &slog.HandlerOptions{Level: slog.LevelDebug}))
	})
	ctx := t.Context()
	var said strings.Builder
	say := func(list ...any) {
		for _, v := range list {
			body, _ := json.Marshal(v)
			fmt.Fprintf(&said, "%v %+v %#v %s\n", v, v, v, body)
		}
	}
	var secrets []string
	adam := g.as("adam", "north")
	for range 2 {
		link, v, err := g.views.Start(ctx, adam, as("north", "bella"))
		say(link, v, err)
		secrets = append(secrets, strings.TrimPrefix(link.Reveal(), viewPage))
	}
	_, _, err := g.views.Start(ctx, g.as("mia", "north"), as("north", "bella"))
	say(err)
	g.st.on(func(call string, do func() error) error {
		if writes(call) {
			return errBroken
		}
		return do()
	})
	_, _, err = g.views.Open(ctx, secrets[0], device)
	say(err)
	g.st.on(nil)
	for _, link := range secrets[:2] {
		secret, v, err := g.views.Open(ctx, link, device)
		say(secret, v, v.Actor(), err)
		secrets = append(secrets, secret.Reveal())
	}
	_, _, err = g.views.Open(ctx, secrets[0], device)
	say(err)
	for _, secret := range secrets {
		v, err := g.views.Viewed(ctx, secret)
		say(v, v.Actor(), err, g.views.Stop(ctx, secret), g.views.Stop(ctx, secret))
	}
	for _, e := range g.events() {
		say(e)
	}
	g.flush()
	stored := g.hung()
	for _, secret := range secrets {
		for _, form := range spellings(secret) {
			require.NotContains(t, said.String(), form)
			require.NotContains(t, logged.String(), form)
			require.NotContains(t, stored, form)
		}
	}
	for _, held := range must(g.mem.Held(ctx, accounts.HeldQuery{Kind: accounts.HeldView, User: "adam", Limit: 10}))(t) {
		row, ok := held.Row.(access.ViewAs)
		require.True(t, ok)
		require.Zero(t, row.Link)
		require.Zero(t, row.Hash)
	}
}

// Events about a view hold ids alone, and no name, address or network (A105).
func TestViews_eventsNameNobody(t *testing.T) {
	t.Parallel()
	g := newGallery(t)
	was := len(g.events())
	secret, _ := g.viewing("bella")
	require.NoError(t, g.views.Stop(t.Context(), secret))
	for _, e := range g.since(was) {
		for _, personal := range []string{"Bella", "Brown", "Adam", "client.example", "192.0.2.7", "Firefox"} {
			require.NotContains(t, fmt.Sprintf("%+v", e), personal)
		}
	}
}

// Views that ended long ago are swept, and that changes no decision; those that
// count stay.
func TestViews_swept(t *testing.T) {
	t.Parallel()
	g := newGallery(t)
	old, v := g.viewing("bella")
	require.NoError(t, g.views.Stop(t.Context(), old))
	g.clock.Add(g.env.Limits().KeepSources + day)
	secret, _ := g.viewing("bruno")
	for range 5 {
		must(g.mem.Sweep(t.Context(), storage.SweepAt(g.env.Now(), g.env.Limits()), 0))(t)
	}
	g.dead(old)
	require.NoError(t, g.viewed(secret))
	_, err := g.mem.Viewing(t.Context(), access.ViewKey{ID: v.ID})
	require.ErrorIs(t, err, accounts.ErrNotFound)
}
