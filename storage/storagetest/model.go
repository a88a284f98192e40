package storagetest

import (
	"context"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/chatelaine-go/chatelaine/access"
	"github.com/chatelaine-go/chatelaine/accounts"
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
		accounts:    map[accounts.AccountID]accounts.Account{},
		memberships: map[accounts.StandingKey]accounts.Membership{},
		connections: map[accounts.ConnectionKey]accounts.Connection{},
		assignments: map[assignmentKey]accounts.Assignment{},
		requests:    map[requestKey]access.Request{},
		sessions:    map[accounts.SessionID]access.Session{},
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
	return m.ApplyAccess(ctx, access.Change{Change: c})
}

// ApplyAccess implements [access.RequestStore].
func (m *model) ApplyAccess(ctx context.Context, c access.Change) error {
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
	accounts    map[accounts.AccountID]accounts.Account
	memberships map[accounts.StandingKey]accounts.Membership
	connections map[accounts.ConnectionKey]accounts.Connection
	assignments map[assignmentKey]accounts.Assignment
	requests    map[requestKey]access.Request
	sessions    map[accounts.SessionID]access.Session
	quotas      map[accounts.QuotaKey]int
	replies     map[accounts.ReplyKey]accounts.Reply
	events      map[eventKey]modelEvent
	mails       map[string]modelMail
}

func (w *world) clone() *world {
	return &world{
		users: maps.Clone(w.users), identities: maps.Clone(w.identities), accounts: maps.Clone(w.accounts),
		memberships: maps.Clone(w.memberships), connections: maps.Clone(w.connections),
		assignments: maps.Clone(w.assignments), requests: maps.Clone(w.requests), sessions: maps.Clone(w.sessions),
		quotas: maps.Clone(w.quotas), replies: maps.Clone(w.replies), events: maps.Clone(w.events),
		mails: maps.Clone(w.mails),
	}
}

// apply reports whether everything in the change held. The world is spoilt
// when it did not.
func (w *world) apply(c access.Change) bool {
	ok := !doubled(c)
	for _, g := range c.Guards {
		if (g.Account == "") == (g.User == "") {
			continue // a mistake, which sensible finds
		}
		if g.User != "" {
			u, found := w.users[g.User]
			ok = ok && found && u.Epoch == g.Epoch
			continue
		}
		a, found := w.accounts[g.Account]
		ok = ok && found && a.Version == g.Version
		if g.Move {
			a.Version++
		}
		w.accounts[g.Account] = a
	}
	for _, r := range c.Users {
		ok = ok && fits(r.Version, w.users[r.ID].Version)
		r.Version++
		w.users[r.ID] = r
	}
	for _, r := range c.Identities {
		key := accounts.IdentityKey{Issuer: r.Issuer, Subject: r.Subject}
		_, found := w.identities[key]
		ok = ok && !found
		w.identities[key] = r
	}
	for _, r := range c.Accounts {
		ok = ok && fits(r.Version, w.accounts[r.ID].Version)
		r.Version++
		w.accounts[r.ID] = r
	}
	for _, r := range c.Memberships {
		key := accounts.StandingKey{User: r.User, Account: r.Account}
		ok = ok && fits(r.Version, w.memberships[key].Version)
		r.Version++
		w.memberships[key] = r
	}
	for _, r := range c.Connections {
		ok = ok && fits(r.Version, w.connections[r.ConnectionKey].Version)
		r.Version++
		w.connections[r.ConnectionKey] = r
	}
	for _, r := range c.Assignments {
		key := assignmentKey{r.ConnectionKey, r.User}
		ok = ok && fits(r.Version, w.assignments[key].Version)
		r.Version++
		w.assignments[key] = r
	}
	for _, s := range c.Spend {
		w.quotas[s.QuotaKey] += s.N
		ok = ok && w.quotas[s.QuotaKey] <= s.Limit
	}
	for _, r := range c.Replies {
		old, found := w.replies[r.ReplyKey]
		ok = ok && (!found || !r.CreatedAt.Before(old.ExpiresAt))
		r.Answer = slices.Clone(r.Answer)
		w.replies[r.ReplyKey] = r
	}
	for _, r := range c.Requests {
		key := requestKey{r.Agency, r.ID}
		ok = ok && fits(r.Version, w.requests[key].Version)
		r.Version++
		w.requests[key] = r
	}
	for _, r := range c.Sessions {
		ok = ok && fits(r.Version, w.sessions[r.ID].Version)
		r.Version++
		w.sessions[r.ID] = r
	}
	for _, t := range c.Touches {
		if s, found := w.sessions[t.Session]; found && t.At.After(s.SeenAt) {
			s.SeenAt = t.At
			w.sessions[t.Session] = s
		}
	}
	for _, ev := range c.Events {
		_, found := w.events[eventKey{ev.Op, ev.Seq}]
		ok = ok && !found
		w.events[eventKey{ev.Op, ev.Seq}] = modelEvent{Event: ev}
	}
	for _, reason := range c.CancelMail {
		w.cancel(reason, c.Events)
	}
	w.requeue(c.Requeue, c.Events)
	for _, m := range c.Mail {
		if _, found := w.mails[m.ID]; !found {
			w.mails[m.ID] = modelMail{Message: m, state: mail.Queued, due: m.Due}
		}
	}
	return ok && w.unique()
}

// fits reports whether a row's version lets it take the place of the stored
// one, of which the version is 0 if there is none.
func fits(given, stored int64) bool { return given == stored }

// cancel takes back the mail of a reason. The moment is that of the change's
// events.
func (w *world) cancel(reason mail.Reason, events []accounts.Event) {
	for id, m := range w.mails {
		if !reason.Covers(m.Reason) || (m.state != mail.Queued && m.state != mail.Dead) {
			continue
		}
		m.state, m.leased, m.Subject, m.Text = mail.Cancelled, time.Time{}, "", ""
		m.fence++
		if len(events) > 0 {
			m.settledAt = events[0].At
		}
		w.mails[id] = m
	}
}

// unique reports whether everything that may be there once is there once.
func (w *world) unique() bool {
	seen := map[any]bool{}
	once := func(key any) bool {
		again := seen[key]
		seen[key] = true
		return !again
	}
	type (
		handle  string
		pending struct {
			agency accounts.AccountID
			email  accounts.Email
		}
		requestHash [32]byte
		sessionHash [32]byte
	)
	for _, u := range w.users {
		if !u.DeletedAt.IsZero() {
			continue
		}
		if u.Email != "" && !once(u.Email) {
			return false
		}
		if key := accounts.NameKey(u.Handle); key != "" && !once(handle(key)) {
			return false
		}
	}
	for _, r := range w.requests {
		if !once(requestHash(r.Hash)) || (r.State == access.Pending && !once(pending{r.Agency, r.Email})) {
			return false
		}
	}
	for _, s := range w.sessions {
		if !once(sessionHash(s.Hash)) {
			return false
		}
	}
	return true
}
