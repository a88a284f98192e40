package access

import (
	"context"
	"errors"
	"time"

	"github.com/chatelaine-go/chatelaine/access/token"
	"github.com/chatelaine-go/chatelaine/accounts"
	"github.com/chatelaine-go/chatelaine/roles"
)

// Views is the service of views: sessions in which somebody of an account sees
// what a client of it sees, separate from their own session, for at most 30
// minutes, and to look only unless asked otherwise. The subject is the client
// record, so it works before the client ever came in.
//
//	link, view, err := views.Start(ctx, p.Actor(), access.StartView{ClientKey: key})
//	// The link's page is on the domain where the clients log in. It posts the secret:
//	secret, v, err := views.Open(ctx, posted, device)
//	// Set a cookie of its own, and ask for every request:
//	v, err = views.Viewed(ctx, cookie)
//	if v.CanSite(site, "STATS_TAB") { … }
//
// A view ends with whatever it rests on: the viewer's session, login, membership
// and right to view; the client's suspension and deletion, and their user's; and
// when the client comes in themselves. Nothing of it comes back, but where the
// account alone was suspended: that pauses everything. A host that keeps its own
// sessions does not tell of logins, so it ends the views of a client who logs in
// by [Views.End]. Whatever this library does is refused to the actor of a view,
// and goes on record with both people named.
//
// The audit of the account lists who viewed as whom: its events name the view,
// which [Views.End] ends. Lists of sessions do not show views. The service holds
// no state and is safe for concurrent use.
type Views struct {
	st  SessionStore
	env *accounts.Env
}

// NewViews returns a service on a store. A nil environment takes every default.
// Without a store it is an accounts.InvalidError.
func NewViews(st SessionStore, env *accounts.Env) (*Views, error) {
	env, err := checked(st, env)
	if err != nil {
		return nil, err
	}
	return &Views{st: st, env: env}, nil
}

// With returns the service on another store, such as one that joins the host's
// transaction. A link or a secret returned then is provisional until the host
// commits.
func (s *Views) With(st SessionStore) *Views { return &Views{st: st, env: s.env} }

// StartView says as whom somebody views.
type StartView struct {
	accounts.ClientKey

	// Writes lets the viewer change something in the client's place. Without it
	// they only look, which the host sees to; see Viewed.ReadOnly.
	Writes bool
}

// Viewed is somebody who views as a client at this moment, and what they may
// see. It is an answer, not a state: ask again for every request.
type Viewed struct {
	ID accounts.ViewID

	Viewer      accounts.UserID
	ViewerName  string
	Account     accounts.AccountID
	AccountName string
	Client      accounts.ClientID
	ClientName  string

	// ReadOnly says that nothing may be changed, whatever the permissions: they
	// are the client's, and the library does not know which of them change
	// something. Refuse every request but GET and HEAD, and what else changes.
	ReadOnly bool

	ExpiresAt time.Time // when the view ends at the latest

	sites []accounts.SiteGrant
	actor accounts.Actor
}

// Actor returns who acts in the view. Every method of this library that takes an
// actor refuses it, and puts that on record; its By names both people in a
// host's own audit.
func (v Viewed) Actor() accounts.Actor { return v.actor }

// CanSite reports whether a permission is held on a site: by the client, and by
// the viewer, who would need roles.ManageClients to have it there themselves.
func (v Viewed) CanSite(site accounts.SiteID, permission roles.Permission) bool {
	return granted(v.sites, site, permission)
}

// Sites returns the sites that the client was given, by id, with what may be
// done there in the view. The answer is the caller's.
func (v Viewed) Sites() []accounts.SiteGrant { return copied(v.sites) }

// Start makes a view as a client of an account, and returns the address of the
// page that opens it, by Links.ViewAs: for a redirect of the viewer's own
// browser. Its secret opens the view once, within 60 seconds. The address is in
// a secret, so that no log shows it; the view comes without hashes.
//
// The actor has roles.ViewAs at the account themselves, not through an agency,
// and logged in within the last 10 minutes (accounts.ErrStepUp) or, with identity
// confirmation on, passed a code for [EventViewStarted] (accounts.CodeError).
// Nobody views as themselves, as a client who is suspended, or out of a view
// (roles.ErrDenied, on record). A client who is not there or was deleted is
// accounts.ErrNotFound, and to outsiders so is the account. What is no id is an
// accounts.InvalidError.
//
// It takes no idempotency key: the link is kept nowhere, so a second call makes
// another view, and the first dies unopened.
func (s *Views) Start(ctx context.Context, actor accounts.Actor, in StartView) (token.Secret, ViewAs, error) {
	if err := in.Check(); err != nil {
		return token.Secret{}, ViewAs{}, err
	}
	secret, hash, err := token.New(token.ViewLink, s.env.Secrets())
	if err != nil {
		return token.Secret{}, ViewAs{}, err
	}
	op := s.env.Begin(actor)
	id := accounts.ViewID(s.env.NewID(op.At))
	var out ViewAs
	err = s.run(ctx, op, EventViewStarted, func(ctx context.Context) (Change, error) {
		f, err := s.starting(ctx, op, in.ClientKey)
		if err != nil {
			return Change{}, err
		}
		op, err := accounts.Confirming(ctx, s.st, op, f.Standing.User, EventViewStarted, in.Account)
		if err != nil {
			return Change{}, err
		}
		var c Change
		c, out, err = startView(op, f, in, id, hash)
		return c, err
	})
	if err != nil {
		return token.Secret{}, ViewAs{}, err
	}
	out.Version, out.Link = 1, token.Hash{} // nobody outside needs it, and pages print what they are given
	return token.Wrap(s.env.Links().ViewAs(in.Account, secret.Reveal())), out, nil
}

// starting reads what decides whether a view starts, of an account that stays as
// it is in between, once the actor is known to have the right.
func (s *Views) starting(ctx context.Context, op accounts.Operation, client accounts.ClientKey) (starting, error) {
	key := accounts.StandingKey{User: op.Actor.User(), Account: client.Account}
	st, err := s.may(ctx, op, key)
	if err != nil {
		return starting{}, err
	}
	f := starting{Standing: st}
	if f.Own, err = s.st.Membership(ctx, key); err != nil {
		return starting{}, err
	}
	if f.Recording, err = s.st.Recording(ctx, accounts.RecordingQuery{Account: client.Account, Client: client.ID}); err != nil {
		return starting{}, err
	}
	if f.Account.Version != st.Account.Version {
		return starting{}, accounts.ErrConflict
	}
	return f, nil
}

// may reads how somebody stands at an account, or refuses who may not view there.
func (s *Views) may(ctx context.Context, op accounts.Operation, key accounts.StandingKey) (accounts.Standing, error) {
	list, err := s.st.Standings(ctx, []accounts.StandingKey{key})
	if err != nil {
		return accounts.Standing{}, err
	}
	return list[0], op.May(list[0], roles.ViewAs)
}

// Open exchanges the secret of a link for the secret of a view: keep it in a
// cookie of its own, on the domain where the clients log in, so that two people
// never share a session. The link is dead at once. One that is unknown, used, or
// too old, or whose view has ended by whatever, is one answer,
// accounts.ErrNotFound. Call it for a POST: browsers and scanners open links
// ahead of people.
func (s *Views) Open(ctx context.Context, link string, from Device) (token.Secret, Viewed, error) {
	hash, err := token.Parse(token.ViewLink, link)
	if err != nil {
		return token.Secret{}, Viewed{}, accounts.ErrNotFound
	}
	secret, fresh, err := token.New(token.ViewAs, s.env.Secrets())
	if err != nil {
		return token.Secret{}, Viewed{}, err
	}
	from = from.clipped()
	op := s.env.Begin(accounts.Actor{})
	var out Viewed
	err = s.run(ctx, op, EventViewOpened, func(ctx context.Context) (Change, error) {
		f, err := s.st.Viewing(ctx, ViewKey{Link: hash})
		if err != nil {
			return Change{}, err
		}
		var c Change
		c, out, err = openView(op, f, fresh, from)
		return c, err
	})
	if err != nil {
		return token.Secret{}, Viewed{}, err
	}
	return secret, out, nil
}

// Viewed says who holds the secret of a view, as whom they view, and what they
// may see at this moment. It is the question of every request, and one
// statement. [ErrNoSession] is any view that is none, or none any more: lead the
// viewer back to their own session. Using a view neither lengthens it nor the
// viewer's own session. A second view in one browser takes the place of the
// first in the cookie: name the client in the page's path, and compare.
func (s *Views) Viewed(ctx context.Context, secret string) (Viewed, error) {
	f, err := s.held(ctx, secret)
	if err != nil {
		return Viewed{}, err
	}
	r := s.env.Rules()
	if !f.holds(r, s.env.Now()) {
		return Viewed{}, ErrNoSession
	}
	return f.viewed(r), nil
}

// held reads the view that holds a secret.
func (s *Views) held(ctx context.Context, secret string) (Viewing, error) {
	hash, err := token.Parse(token.ViewAs, secret)
	if err != nil {
		return Viewing{}, ErrNoSession
	}
	f, err := s.st.Viewing(ctx, ViewKey{Hash: hash})
	if errors.Is(err, accounts.ErrNotFound) {
		err = ErrNoSession
	}
	return f, err
}

// Stop ends the view that holds the secret. A secret that names nothing is
// [ErrNoSession]: with that secret, nobody views any more either way. Stopping
// again changes nothing.
func (s *Views) Stop(ctx context.Context, secret string) error {
	op := s.env.Begin(accounts.Actor{})
	return s.run(ctx, op, EventViewEnded, func(ctx context.Context) (Change, error) {
		f, err := s.held(ctx, secret)
		if err != nil {
			return Change{}, err
		}
		by := op
		by.Actor = f.View.actor()
		return endView(by, f)
	})
}

// End ends a view at an account, opened or not, by the id that events name. The
// actor has roles.ViewAs there, or is a job or an operator. A view that is not
// of the account is accounts.ErrNotFound, a role that is too low roles.ErrDenied,
// a login that was ended accounts.ErrStepUp. Ending it again changes nothing.
func (s *Views) End(ctx context.Context, actor accounts.Actor, account accounts.AccountID, id accounts.ViewID) error {
	if err := accounts.CheckID("account", account); err != nil {
		return err
	}
	if err := accounts.CheckID("view", id); err != nil {
		return err
	}
	op := s.env.Begin(actor)
	return s.run(ctx, op, EventViewEnded, func(ctx context.Context) (Change, error) {
		if !actor.IsHost() {
			if _, err := s.may(ctx, op, accounts.StandingKey{User: actor.User(), Account: account}); err != nil {
				return Change{}, err
			}
		}
		f, err := s.st.Viewing(ctx, ViewKey{ID: id})
		if err == nil && f.View.Account != account {
			err = accounts.ErrNotFound
		}
		if err != nil {
			return Change{}, err
		}
		return endView(op, f)
	})
}

func (s *Views) run(ctx context.Context, op accounts.Operation, kind accounts.EventKind, decide func(ctx context.Context) (Change, error)) error {
	return run(ctx, s.env, s.st, op, kind, decide)
}
