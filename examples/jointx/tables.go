package main

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/chatelaine-go/chatelaine/accounts"
	"github.com/chatelaine-go/chatelaine/invites"
)

// tables is what both sides hold at a moment.
type tables struct {
	Users      string        // the host's: ids and names
	Badges     string        // the host's: numbers, and whose
	Known      string        // the library's: ids and names
	Members    string        // the library's: ids and roles at the studio
	Invitation invites.State // Ben's
	Link       bool          // whether his link leads anywhere
}

// look reads both sides.
func (h *host) look(ctx context.Context, link string) (tables, error) {
	var t tables
	for from, to := range map[string]*string{
		"SELECT id || ' ' || name AS row FROM users ORDER BY id":                            &t.Users,
		"SELECT number || ' for user ' || user_id AS row FROM badges ORDER BY number":       &t.Badges,
		"SELECT id || ' ' || name AS row FROM chatelaine_users ORDER BY id":                 &t.Known,
		"SELECT user_id || ' ' || role AS row FROM chatelaine_memberships ORDER BY user_id": &t.Members,
	} {
		if err := h.db.QueryRowContext(ctx, "SELECT group_concat(row, ', ') FROM ("+from+")").Scan(to); err != nil {
			return t, err
		}
	}
	list, err := h.invitations.List(ctx, accounts.System("jointx"), studio, invites.Page{})
	if err != nil {
		return t, err
	}
	if len(list) != 1 {
		return t, fmt.Errorf("%d invitations, and not one", len(list))
	}
	t.Invitation = list[0].State
	_, err = h.invitations.Peek(ctx, link)
	if t.Link = err == nil; err != nil && !errors.Is(err, accounts.ErrNotFound) {
		return t, err
	}
	return t, nil
}

// show writes what both sides hold.
func (h *host) show(ctx context.Context, w io.Writer, link string) error {
	t, err := h.look(ctx, link)
	if err != nil {
		return err
	}
	works := "leads nowhere"
	if t.Link {
		works = "works"
	}
	fmt.Fprintf(w, "  the host     users: %s; badges: %s\n", t.Users, t.Badges)
	fmt.Fprintf(w, "  the library  users: %s; members: %s; the invitation is %s, and its link %s\n", t.Known, t.Members, t.Invitation, works)
	return nil
}
