package access_test

import (
	"context"
	"sync"
	"time"

	"github.com/chatelaine-go/chatelaine/access"
	"github.com/chatelaine-go/chatelaine/access/token"
	"github.com/chatelaine-go/chatelaine/accounts"
	"github.com/chatelaine-go/chatelaine/mail"
	"github.com/chatelaine-go/chatelaine/roles"
	"github.com/chatelaine-go/chatelaine/storage"
)

// hook stands between a service and its store. It makes the call with do,
// once, more often or not at all; what it returns is the store's answer. An
// error takes the values with it.
type hook func(call string, do func() error) error

// spy is a store that a test can listen to, hold up and break.
type spy struct {
	storage.Storage

	mu   sync.Mutex
	hook hook
}

// on sets what happens at each further call; nil is nothing.
func (s *spy) on(h hook) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.hook = h
}

func through[T any](s *spy, call string, ask func() (T, error)) (T, error) {
	s.mu.Lock()
	h := s.hook
	s.mu.Unlock()
	if h == nil {
		return ask()
	}
	var v, none T
	err := h(call, func() (err error) {
		v, err = ask()
		return err
	})
	if err != nil {
		return none, err
	}
	return v, nil
}

func (s *spy) User(ctx context.Context, k accounts.UserKey) (accounts.User, error) {
	return through(s, "User", func() (accounts.User, error) { return s.Storage.User(ctx, k) })
}

func (s *spy) Account(ctx context.Context, id accounts.AccountID) (accounts.Account, error) {
	return through(s, "Account", func() (accounts.Account, error) { return s.Storage.Account(ctx, id) })
}

func (s *spy) Standings(ctx context.Context, k []accounts.StandingKey) ([]accounts.Standing, error) {
	return through(s, "Standings", func() ([]accounts.Standing, error) { return s.Storage.Standings(ctx, k) })
}

func (s *spy) Reach(ctx context.Context, q accounts.ReachQuery) ([]accounts.Reached, error) {
	return through(s, "Reach", func() ([]accounts.Reached, error) { return s.Storage.Reach(ctx, q) })
}

func (s *spy) Reachers(ctx context.Context, q accounts.ReachersQuery) ([]accounts.Standing, error) {
	return through(s, "Reachers", func() ([]accounts.Standing, error) { return s.Storage.Reachers(ctx, q) })
}

func (s *spy) Owned(ctx context.Context, u accounts.UserID, top roles.Role) ([]accounts.Account, error) {
	return through(s, "Owned", func() ([]accounts.Account, error) { return s.Storage.Owned(ctx, u, top) })
}

func (s *spy) Owners(ctx context.Context, a accounts.AccountID, top roles.Role) ([]accounts.Contact, error) {
	return through(s, "Owners", func() ([]accounts.Contact, error) { return s.Storage.Owners(ctx, a, top) })
}

func (s *spy) Membership(ctx context.Context, k accounts.StandingKey) (accounts.Membership, error) {
	return through(s, "Membership", func() (accounts.Membership, error) { return s.Storage.Membership(ctx, k) })
}

func (s *spy) Linked(ctx context.Context, q accounts.LinkedQuery) (accounts.Linked, error) {
	return through(s, "Linked", func() (accounts.Linked, error) { return s.Storage.Linked(ctx, q) })
}

func (s *spy) Members(ctx context.Context, q accounts.MemberQuery) ([]accounts.Member, error) {
	return through(s, "Members", func() ([]accounts.Member, error) { return s.Storage.Members(ctx, q) })
}

func (s *spy) Connections(ctx context.Context, q accounts.ConnectionQuery) ([]accounts.Connected, error) {
	return through(s, "Connections", func() ([]accounts.Connected, error) { return s.Storage.Connections(ctx, q) })
}

func (s *spy) Events(ctx context.Context, q accounts.EventQuery) ([]accounts.Event, error) {
	return through(s, "Events", func() ([]accounts.Event, error) { return s.Storage.Events(ctx, q) })
}

func (s *spy) Reply(ctx context.Context, k accounts.ReplyKey) (accounts.Reply, error) {
	return through(s, "Reply", func() (accounts.Reply, error) { return s.Storage.Reply(ctx, k) })
}

func (s *spy) Newest(ctx context.Context, reasons []mail.Reason) ([]mail.Record, error) {
	return through(s, "Newest", func() ([]mail.Record, error) { return s.Storage.Newest(ctx, reasons) })
}

func (s *spy) Applied(ctx context.Context, op accounts.OpID) (bool, error) {
	return through(s, "Applied", func() (bool, error) { return s.Storage.Applied(ctx, op) })
}

func (s *spy) ApplyAccounts(ctx context.Context, c accounts.Change) error {
	_, err := through(s, "ApplyAccounts", func() (struct{}, error) { return struct{}{}, s.Storage.ApplyAccounts(ctx, c) })
	return err
}

func (s *spy) ApplyAccess(ctx context.Context, c access.Change) error {
	for _, m := range c.Mail {
		if err := soundLetter(m); err != nil {
			return err
		}
	}
	_, err := through(s, "ApplyAccess", func() (struct{}, error) { return struct{}{}, s.Storage.ApplyAccess(ctx, c) })
	return err
}

func (s *spy) Drafting(ctx context.Context, q access.DraftingQuery) (access.Drafting, error) {
	return through(s, "Drafting", func() (access.Drafting, error) { return s.Storage.Drafting(ctx, q) })
}

func (s *spy) Deciding(ctx context.Context, q access.DecidingQuery) (access.Deciding, error) {
	return through(s, "Deciding", func() (access.Deciding, error) { return s.Storage.Deciding(ctx, q) })
}

func (s *spy) Clients(ctx context.Context, q access.ClientsQuery) ([]access.Client, error) {
	return through(s, "Clients", func() ([]access.Client, error) { return s.Storage.Clients(ctx, q) })
}

func (s *spy) Addressed(ctx context.Context, e accounts.Email, at time.Time, n int) ([]access.Client, error) {
	return through(s, "Addressed", func() ([]access.Client, error) { return s.Storage.Addressed(ctx, e, at, n) })
}

func (s *spy) Ending(ctx context.Context, a accounts.AccountID, at time.Time, top roles.Role) (access.Ending, error) {
	return through(s, "Ending", func() (access.Ending, error) { return s.Storage.Ending(ctx, a, at, top) })
}

func (s *spy) Admission(ctx context.Context, h token.Hash, a accounts.AccountID) (access.Admission, error) {
	return through(s, "Admission", func() (access.Admission, error) { return s.Storage.Admission(ctx, h, a) })
}

func (s *spy) Session(ctx context.Context, k access.SessionKey) (access.Session, error) {
	return through(s, "Session", func() (access.Session, error) { return s.Storage.Session(ctx, k) })
}

func (s *spy) Sessions(ctx context.Context, q access.SessionsQuery) ([]access.Session, error) {
	return through(s, "Sessions", func() ([]access.Session, error) { return s.Storage.Sessions(ctx, q) })
}

// writes reports whether a call is one that changes something.
func writes(call string) bool { return call == "ApplyAccounts" || call == "ApplyAccess" }

// gate holds the n first writers in front of their writes until all of them
// have read, and then lets them through one after the other: read, read,
// write, write, without any luck.
func gate(n int) hook {
	var mu sync.Mutex
	held := 0
	open := make(chan struct{})
	turn := make(chan struct{}, 1)
	return func(call string, do func() error) error {
		if !writes(call) {
			return do()
		}
		mu.Lock()
		waits := held < n
		if waits {
			if held++; held == n {
				close(open)
			}
		}
		mu.Unlock()
		if !waits {
			return do()
		}
		<-open
		turn <- struct{}{}
		defer func() { <-turn }()
		return do()
	}
}

// before runs another operation once, between the reads of an operation and its
// first write. The other operation's own calls pass.
func before(other func()) hook {
	var once sync.Once
	inside := false
	return func(call string, do func() error) error {
		if writes(call) && !inside {
			once.Do(func() {
				inside = true
				other()
				inside = false
			})
		}
		return do()
	}
}

func (s *spy) Recording(ctx context.Context, q accounts.RecordingQuery) (accounts.Recording, error) {
	return through(s, "Recording", func() (accounts.Recording, error) { return s.Storage.Recording(ctx, q) })
}

func (s *spy) ClientRecords(ctx context.Context, q accounts.ClientRecordQuery) ([]accounts.ClientEntry, error) {
	return through(s, "ClientRecords", func() ([]accounts.ClientEntry, error) { return s.Storage.ClientRecords(ctx, q) })
}

func (s *spy) Viewing(ctx context.Context, k access.ViewKey) (access.Viewing, error) {
	return through(s, "Viewing", func() (access.Viewing, error) { return s.Storage.Viewing(ctx, k) })
}
