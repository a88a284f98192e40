package invites_test

import (
	"context"
	"strings"
	"sync"
	"time"

	"github.com/chatelaine-go/chatelaine/access"
	"github.com/chatelaine-go/chatelaine/accounts"
	"github.com/chatelaine-go/chatelaine/invites"
	"github.com/chatelaine-go/chatelaine/mail"
	"github.com/chatelaine-go/chatelaine/roles"
	"github.com/chatelaine-go/chatelaine/storage"
)

// hook stands between the service and its store. It makes the call with do,
// once, more often or not at all; what it returns is the store's answer. An
// error takes the values with it.
type hook func(call string, do func() error) error

// spy is a store that a test can listen to, hold up and break, at every call
// that the service of invitations makes.
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

func (s *spy) Standings(ctx context.Context, k []accounts.StandingKey) ([]accounts.Standing, error) {
	return through(s, "Standings", func() ([]accounts.Standing, error) { return s.Storage.Standings(ctx, k) })
}

func (s *spy) Owned(ctx context.Context, u accounts.UserID, top roles.Role) ([]accounts.Account, error) {
	return through(s, "Owned", func() ([]accounts.Account, error) { return s.Storage.Owned(ctx, u, top) })
}

func (s *spy) Membership(ctx context.Context, k accounts.StandingKey) (accounts.Membership, error) {
	return through(s, "Membership", func() (accounts.Membership, error) { return s.Storage.Membership(ctx, k) })
}

func (s *spy) Challenge(ctx context.Context, k accounts.ChallengeKey) (accounts.Challenge, error) {
	return through(s, "Challenge", func() (accounts.Challenge, error) { return s.Storage.Challenge(ctx, k) })
}

func (s *spy) Reply(ctx context.Context, k accounts.ReplyKey) (accounts.Reply, error) {
	return through(s, "Reply", func() (accounts.Reply, error) { return s.Storage.Reply(ctx, k) })
}

func (s *spy) Account(ctx context.Context, id accounts.AccountID) (accounts.Account, error) {
	return through(s, "Account", func() (accounts.Account, error) { return s.Storage.Account(ctx, id) })
}

func (s *spy) Seats(ctx context.Context, a accounts.AccountID, at time.Time) (accounts.Seats, error) {
	return through(s, "Seats", func() (accounts.Seats, error) { return s.Storage.Seats(ctx, a, at) })
}

func (s *spy) Spent(ctx context.Context, k accounts.QuotaKey) (int, error) {
	return through(s, "Spent", func() (int, error) { return s.Storage.Spent(ctx, k) })
}

func (s *spy) Inviting(ctx context.Context, q invites.InvitingQuery) (invites.Inviting, error) {
	return through(s, "Inviting", func() (invites.Inviting, error) { return s.Storage.Inviting(ctx, q) })
}

func (s *spy) Accepting(ctx context.Context, q invites.AcceptingQuery) (invites.Accepting, error) {
	return through(s, "Accepting", func() (invites.Accepting, error) { return s.Storage.Accepting(ctx, q) })
}

func (s *spy) SettingUp(ctx context.Context, q invites.SettingUpQuery) (invites.SettingUp, error) {
	return through(s, "SettingUp", func() (invites.SettingUp, error) { return s.Storage.SettingUp(ctx, q) })
}

func (s *spy) Invitations(ctx context.Context, q invites.ListQuery) ([]invites.Listed, error) {
	return through(s, "Invitations", func() ([]invites.Listed, error) { return s.Storage.Invitations(ctx, q) })
}

func (s *spy) InvitationsTo(ctx context.Context, e accounts.Email, at time.Time, n int) ([]invites.Listed, error) {
	return through(s, "InvitationsTo", func() ([]invites.Listed, error) { return s.Storage.InvitationsTo(ctx, e, at, n) })
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

func (s *spy) ApplyInvites(ctx context.Context, c invites.Change) error {
	for _, m := range c.Mail {
		if err := soundLetter(m); err != nil {
			return err
		}
	}
	_, err := through(s, "ApplyInvites", func() (struct{}, error) { return struct{}{}, s.Storage.ApplyInvites(ctx, c) })
	return err
}

func (s *spy) ApplyAccess(ctx context.Context, c access.Change) error {
	_, err := through(s, "ApplyAccess", func() (struct{}, error) { return struct{}{}, s.Storage.ApplyAccess(ctx, c) })
	return err
}

// writes reports whether a call is one that changes something.
func writes(call string) bool { return strings.HasPrefix(call, "Apply") && call != "Applied" }

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
func before(other func()) hook { return beforeCall(writes, other) }

// beforeCall runs another operation once, before the first call of some sort.
func beforeCall(which func(call string) bool, other func()) hook {
	var once sync.Once
	inside := false
	return func(call string, do func() error) error {
		if which(call) && !inside {
			once.Do(func() {
				inside = true
				other()
				inside = false
			})
		}
		return do()
	}
}

// limited is a store that notes how many invitations it is asked for.
type limited struct {
	*spy
	asked *int
}

func (l *limited) Invitations(ctx context.Context, q invites.ListQuery) ([]invites.Listed, error) {
	*l.asked = q.Limit
	return l.spy.Invitations(ctx, q)
}
