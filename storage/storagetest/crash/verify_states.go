package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"

	"github.com/chatelaine-go/chatelaine/access"
	"github.com/chatelaine-go/chatelaine/accounts"
	"github.com/chatelaine-go/chatelaine/invites"
	"github.com/chatelaine-go/chatelaine/mail"
	"github.com/chatelaine-go/chatelaine/roles"
)

// joined is how a state names a set of permissions.
func joined(set []roles.Permission) string {
	list := make([]string, len(set))
	for i, p := range set {
		list[i] = string(p)
	}
	return strings.Join(list, "+")
}

// expected returns the state of everything that the operations led to which are
// there, in the order in which they began: nobody works on one thing at the same
// time as another, but for requests, whose ends are final.
func (v *verifier) expected() map[string]string {
	want := map[string]string{}
	for _, o := range v.b.inOrder() {
		kinds := v.w.did(o.id)
		if len(kinds) == 0 && o.state != lineDone {
			continue
		}
		for key, state := range o.sets {
			if !strings.HasPrefix(key, "=") {
				want[key] = state
			}
		}
		for n := range kinds {
			if kinds[n] == "request.sent" {
				want[stateOf("request", o.sets["=agency"], part(o.id, n+1))] = "pending"
			}
		}
	}
	return want
}

// states asks the ports for the state of everything, in a few goroutines (A98).
func (v *verifier) states(ctx context.Context) error {
	want := v.expected()
	keys := slices.Sorted(maps.Keys(want))
	const crowd = 4
	var wait sync.WaitGroup
	errs := make([]error, crowd)
	for i := range crowd {
		wait.Go(func() {
			for n := i; n < len(keys) && errs[i] == nil; n += crowd {
				is, err := v.state(ctx, strings.Split(keys[n], "|"))
				if errors.Is(err, accounts.ErrNotFound) {
					is, err = "not there", nil
				}
				if errs[i] = err; err == nil && is != want[keys[n]] {
					v.wrong("states", "%s is %q, and has to be %q", keys[n], is, want[keys[n]])
				}
			}
		})
	}
	wait.Wait()
	v.checked(fmt.Sprintf("%d states", len(keys)))
	return errors.Join(errs...)
}

// state asks for the state of one thing.
func (v *verifier) state(ctx context.Context, key []string) (string, error) {
	account := accounts.AccountID(key[1])
	switch key[0] {
	case "user":
		u, err := v.st.User(ctx, accounts.UserKey{ID: accounts.UserID(key[1])})
		return and(string(u.Email), u.Proven, "proven"), err
	case "account", "programme", "access":
		a, err := v.st.Account(ctx, account)
		switch {
		case key[0] == "programme":
			return and("", !a.ProgrammeAt.IsZero(), "joined"), err
		case key[0] == "access":
			return and("", !a.ClientAccessAt.IsZero(), "enabled"), err
		case !a.ClosedAt.IsZero():
			return "closed", err
		}
		return string(a.Kind), err
	case "member":
		m, err := v.st.Membership(ctx, accounts.StandingKey{Account: account, User: accounts.UserID(key[2])})
		if !m.EndedAt.IsZero() {
			return "ended", err
		}
		return and(string(m.Role), !m.SuspendedAt.IsZero(), "suspended"), err
	case "connection", "assignment":
		return v.delegated(ctx, key)
	case "request":
		d, err := v.st.Deciding(ctx, access.DecidingQuery{Agency: account, ID: accounts.RequestID(key[2]), Top: roles.Owner})
		return string(d.Request.State), err
	case "invitation":
		a, err := v.st.Accepting(ctx, invites.AcceptingQuery{Account: account, ID: accounts.InvitationID(key[2])})
		return string(a.Invitation.State), err
	case "session":
		s, err := v.st.Session(ctx, access.SessionKey{ID: accounts.SessionID(key[1])})
		if !s.EndedAt.IsZero() {
			return "ended", err
		}
		if s.Account == "" {
			return "at nothing", err
		}
		return "at " + string(s.Account), err
	case "site", "client", "grant":
		return v.recorded(ctx, key)
	}
	return "", fmt.Errorf("nobody knows how to ask for %v", key)
}

// and adds a word to a state, if something is so.
func and(state string, is bool, word string) string {
	if !is {
		return state
	}
	return strings.TrimSpace(state + " " + word)
}

// delegated asks about a connection or an assignment. An assignment counts for
// itself here, whatever became of its connection.
func (v *verifier) delegated(ctx context.Context, key []string) (string, error) {
	q := accounts.LinkedQuery{ConnectionKey: accounts.ConnectionKey{Client: accounts.AccountID(key[1]), Agency: accounts.AccountID(key[2])}, Top: roles.Owner}
	if key[0] == "assignment" {
		q.User = accounts.UserID(key[3])
	}
	l, err := v.st.Linked(ctx, q)
	switch {
	case err != nil:
		return "", err
	case key[0] == "assignment" && !l.Assignment.EndedAt.IsZero(), key[0] == "connection" && !l.Connection.EndedAt.IsZero():
		return "ended", nil
	case key[0] == "assignment":
		return string(l.Assignment.Role), nil
	}
	return string(l.Connection.Cap) + " by " + string(l.Connection.Request), nil
}

// recorded asks about a site, a client record, or what one may do on the other.
func (v *verifier) recorded(ctx context.Context, key []string) (string, error) {
	q := accounts.RecordingQuery{Account: accounts.AccountID(key[1])}
	switch key[0] {
	case "site":
		q.Site = accounts.SiteID(key[2])
	case "grant":
		q.Client, q.Site = accounts.ClientID(key[2]), accounts.SiteID(key[3])
	default:
		q.Client = accounts.ClientID(key[2])
	}
	r, err := v.st.Recording(ctx, q)
	switch {
	case err != nil:
		return "", err
	case key[0] == "site":
		return r.Site.Name, nil
	case key[0] == "grant" && r.Access.Version == 0:
		return "not there", nil
	case key[0] == "grant" && !r.Access.EndedAt.IsZero():
		return "ended", nil
	case key[0] == "grant":
		return joined(r.Access.Permissions), nil
	case r.Client.ID == "":
		return "not there", nil
	case !r.Client.DeletedAt.IsZero():
		return "deleted", nil
	}
	return and(r.Client.LastName, !r.Client.SuspendedAt.IsZero(), "suspended"), nil
}

// lists asks the ports for what they list, and compares how much that is with
// what the tables have: an index that lost a row shows here.
func (v *verifier) lists(ctx context.Context) error {
	audit := map[string]int{}
	for _, e := range v.w.events {
		if strings.HasPrefix(e.account, v.w.own) {
			audit[e.account]++
		}
		if e.agency != e.account && strings.HasPrefix(e.agency, v.w.own) {
			audit[e.agency]++
		}
	}
	for id, n := range audit {
		found := 0
		q := accounts.EventQuery{Account: accounts.AccountID(id), Limit: 500}
		for {
			page, err := v.st.Events(ctx, q)
			if err != nil {
				return err
			}
			if found += len(page); len(page) < q.Limit {
				break
			}
			q.Before = page[len(page)-1].Cursor()
		}
		if found != n {
			v.wrong("D3", "the audit of %s lists %d events, and there are %d", id, found, n)
		}
	}
	mails, q := 0, mail.Query{Limit: 1000, After: v.w.own}
	for {
		page, err := v.st.Mails(ctx, q)
		if err != nil {
			return err
		}
		done := len(page) < q.Limit
		for _, r := range page {
			if done = done || !strings.HasPrefix(r.ID, v.w.own); strings.HasPrefix(r.ID, v.w.own) {
				mails++
			}
		}
		if done {
			break
		}
		q.After = page[len(page)-1].ID
	}
	own := 0
	for _, m := range v.w.mails {
		if strings.HasPrefix(m.id, v.w.own) {
			own++
		}
	}
	if mails != own {
		v.wrong("D3", "%d messages are listed, and there are %d", mails, own)
	}
	v.checked("lists")
	return nil
}
