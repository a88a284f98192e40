package storagetest

import (
	"context"
	"maps"
	"sync"
	"time"

	"github.com/chatelaine-go/chatelaine/access"
	"github.com/chatelaine-go/chatelaine/accounts"
	"github.com/chatelaine-go/chatelaine/invites"
	"github.com/chatelaine-go/chatelaine/mail"
	"github.com/chatelaine-go/chatelaine/storage"
)

// model is a store made of maps, as simple as the contract can be written
// down: every answer is a loop over everything, and every change is made on a
// copy of the world that takes the world's place when all of it held. It
// knows nothing of how a real store works, which is what makes it worth
// comparing with.
type model struct {
	shared *modelShared
	joined *modelTx // nil outside a transaction
}

var _ storage.Storage = (*model)(nil)

type modelShared struct {
	writer chan struct{} // held by whoever writes
	mu     sync.Mutex
	world  *world // never changed once it is here
}

// modelTx is a host's transaction: a world that nobody else sees yet.
type modelTx struct {
	shared *modelShared
	mu     sync.Mutex
	world  *world
}

func newModel() *model {
	return &model{shared: &modelShared{writer: make(chan struct{}, 1), world: &world{
		users:       map[accounts.UserID]accounts.User{},
		identities:  map[accounts.IdentityKey]accounts.Identity{},
		credentials: map[accounts.UserID]accounts.Credential{},
		challenges:  map[accounts.ChallengeKey]accounts.Challenge{},
		accounts:    map[accounts.AccountID]accounts.Account{},
		memberships: map[accounts.StandingKey]accounts.Membership{},
		connections: map[accounts.ConnectionKey]accounts.Connection{},
		assignments: map[assignmentKey]accounts.Assignment{},
		requests:    map[requestKey]access.Request{},
		invitations: map[invitationKey]invites.Invitation{},
		clients:     map[accounts.ClientKey]accounts.Client{},
		sites:       map[accounts.SiteKey]accounts.Site{},
		siteAccess:  map[accounts.SiteAccessKey]accounts.SiteAccess{},
		setupLinks:  map[accounts.ClientKey]invites.SetupLink{},
		views:       map[accounts.ViewID]access.ViewAs{},
		sessions:    map[accounts.SessionID]access.Session{},
		tickets:     map[access.TicketKey]access.Ticket{},
		guesses:     map[accounts.Email]access.Guesses{},
		quotas:      map[accounts.QuotaKey]int{},
		replies:     map[accounts.ReplyKey]accounts.Reply{},
		events:      map[eventKey]modelEvent{},
		mails:       map[string]modelMail{},
	}}}
}

func (m *model) begin() *modelTx {
	m.shared.writer <- struct{}{}
	return &modelTx{shared: m.shared, world: m.shared.now()}
}

func (s *modelShared) now() *world {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.world
}

// Store returns the joined store.
func (t *modelTx) Store() storage.Storage { return &model{shared: t.shared, joined: t} }

// Commit puts the transaction's world in the place of the one before.
func (t *modelTx) Commit() error {
	t.shared.mu.Lock()
	t.shared.world = t.world
	t.shared.mu.Unlock()
	<-t.shared.writer
	return nil
}

// Rollback forgets the transaction's world.
func (t *modelTx) Rollback() error {
	<-t.shared.writer
	return nil
}

// read returns the world as it is now; nothing changes it any more.
func (m *model) read(ctx context.Context) (*world, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if m.joined != nil {
		m.joined.mu.Lock()
		defer m.joined.mu.Unlock()
		return m.joined.world, nil
	}
	return m.shared.now(), nil
}

// write lets f change a copy of the world, which becomes the world unless f
// fails.
func (m *model) write(ctx context.Context, f func(w *world) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if m.joined != nil {
		m.joined.mu.Lock()
		defer m.joined.mu.Unlock()
		w := m.joined.world.clone()
		if err := f(w); err != nil {
			return err
		}
		m.joined.world = w
		return nil
	}
	select {
	case <-ctx.Done():
		return ctx.Err()
	case m.shared.writer <- struct{}{}:
	}
	defer func() { <-m.shared.writer }()
	w := m.shared.now().clone()
	if err := f(w); err != nil {
		return err
	}
	m.shared.mu.Lock()
	m.shared.world = w
	m.shared.mu.Unlock()
	return nil
}

// ApplyAccounts implements [accounts.Store].
func (m *model) ApplyAccounts(ctx context.Context, c accounts.Change) error {
	return m.apply(ctx, change{Change: access.Change{Change: c}})
}

// ApplyAccess implements [access.RequestStore].
func (m *model) ApplyAccess(ctx context.Context, c access.Change) error {
	return m.apply(ctx, change{Change: c})
}

// ApplyInvites implements [invites.Store].
func (m *model) ApplyInvites(ctx context.Context, c invites.Change) error {
	return m.apply(ctx, change{
		Change: access.Change{Change: c.Change}, Invitations: c.Invitations, SetupLinks: c.SetupLinks,
	})
}

func (m *model) apply(ctx context.Context, c change) error {
	err := m.write(ctx, func(w *world) error {
		switch {
		case !w.apply(c):
			return accounts.ErrConflict
		case !w.sensible(c):
			return errMistake
		}
		return nil
	})
	if err == accounts.ErrConflict && m.joined != nil { //nolint:errorlint // it is the one made above
		return repeat{}
	}
	return err
}

// repeat is a conflict inside a transaction of the host.
type repeat struct{}

func (repeat) Error() string   { return accounts.ErrRepeat.Error() }
func (repeat) Unwrap() []error { return []error{accounts.ErrConflict, accounts.ErrRepeat} }

type assignmentKey struct {
	accounts.ConnectionKey
	User accounts.UserID
}

type requestKey struct {
	Agency accounts.AccountID
	ID     accounts.RequestID
}

type invitationKey struct {
	Account accounts.AccountID
	ID      accounts.InvitationID
}

type eventKey struct {
	Op  accounts.OpID
	Seq int
}

type modelEvent struct {
	accounts.Event
	taken    bool
	due      time.Time
	attempts int
	fence    int64
}

type modelMail struct {
	mail.Message
	state     mail.State
	due       time.Time
	leased    time.Time
	attempts  int
	fence     int64
	settledAt time.Time
	err       string
}

// world is everything that is stored.
type world struct {
	users       map[accounts.UserID]accounts.User
	identities  map[accounts.IdentityKey]accounts.Identity
	credentials map[accounts.UserID]accounts.Credential
	challenges  map[accounts.ChallengeKey]accounts.Challenge
	accounts    map[accounts.AccountID]accounts.Account
	memberships map[accounts.StandingKey]accounts.Membership
	connections map[accounts.ConnectionKey]accounts.Connection
	assignments map[assignmentKey]accounts.Assignment
	requests    map[requestKey]access.Request
	invitations map[invitationKey]invites.Invitation
	clients     map[accounts.ClientKey]accounts.Client
	sites       map[accounts.SiteKey]accounts.Site
	siteAccess  map[accounts.SiteAccessKey]accounts.SiteAccess
	setupLinks  map[accounts.ClientKey]invites.SetupLink
	views       map[accounts.ViewID]access.ViewAs
	sessions    map[accounts.SessionID]access.Session
	tickets     map[access.TicketKey]access.Ticket
	guesses     map[accounts.Email]access.Guesses
	quotas      map[accounts.QuotaKey]int
	replies     map[accounts.ReplyKey]accounts.Reply
	events      map[eventKey]modelEvent
	mails       map[string]modelMail
}

func (w *world) clone() *world {
	return &world{
		users: maps.Clone(w.users), identities: maps.Clone(w.identities), credentials: maps.Clone(w.credentials),
		challenges: maps.Clone(w.challenges), accounts: maps.Clone(w.accounts),
		memberships: maps.Clone(w.memberships), connections: maps.Clone(w.connections),
		assignments: maps.Clone(w.assignments), requests: maps.Clone(w.requests), invitations: maps.Clone(w.invitations),
		clients: maps.Clone(w.clients), sites: maps.Clone(w.sites), siteAccess: maps.Clone(w.siteAccess),
		setupLinks: maps.Clone(w.setupLinks), views: maps.Clone(w.views),
		sessions: maps.Clone(w.sessions), tickets: maps.Clone(w.tickets), guesses: maps.Clone(w.guesses),
		quotas: maps.Clone(w.quotas), replies: maps.Clone(w.replies), events: maps.Clone(w.events),
		mails: maps.Clone(w.mails),
	}
}
