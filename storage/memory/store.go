package memory

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/chatelaine-go/chatelaine/access"
	"github.com/chatelaine-go/chatelaine/access/token"
	"github.com/chatelaine-go/chatelaine/accounts"
	"github.com/chatelaine-go/chatelaine/invites"
	"github.com/chatelaine-go/chatelaine/mail"
	"github.com/chatelaine-go/chatelaine/roles"
	"github.com/chatelaine-go/chatelaine/storage"
)

var _ storage.Storage = (*Store)(nil)

// Store keeps everything in memory. Make one with [New]. It is safe for
// concurrent use: readers run beside each other, and a writer runs alone.
type Store struct {
	mu   sync.RWMutex
	data *state // nil once the transaction that this store is joined to is over
	gen  int64  // moves with every write
	tx   *Tx    // nil unless joined
}

// New returns an empty store.
func New() *Store { return &Store{data: newState()} }

// begin locks the store for reading. The caller unlocks it unless there is an
// error.
func (s *Store) begin(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	s.mu.RLock()
	if s.data == nil {
		s.mu.RUnlock()
		return errOver
	}
	return nil
}

// read asks the state a question; the answer is of one moment.
func read[T any](ctx context.Context, s *Store, ask func(*state) (T, error)) (T, error) {
	if err := s.begin(ctx); err != nil {
		var none T
		return none, err
	}
	defer s.mu.RUnlock()
	return ask(s.data)
}

// write changes the state. The function changes nothing when it fails, and
// does the same again when it is called again: joined stores do that.
func write[T any](ctx context.Context, s *Store, do func(*state) (T, error)) (T, error) {
	var none T
	if err := ctx.Err(); err != nil {
		return none, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := ctx.Err(); err != nil { // it may have ended in the queue
		return none, err
	}
	if s.data == nil {
		return none, errOver
	}
	if s.tx != nil {
		return joined(s.tx, do)
	}
	v, err := do(s.data)
	if err != nil {
		return none, err
	}
	s.gen++
	return v, nil
}

// User implements [accounts.Reader].
func (s *Store) User(ctx context.Context, key accounts.UserKey) (accounts.User, error) {
	return read(ctx, s, func(d *state) (accounts.User, error) { return d.user(key) })
}

// Account implements [accounts.Reader].
func (s *Store) Account(ctx context.Context, id accounts.AccountID) (accounts.Account, error) {
	return read(ctx, s, func(d *state) (accounts.Account, error) { return d.account(id) })
}

// Standings implements [accounts.Reader]. It allocates the answer and, for each
// standing that has routes, these in one piece; nothing else.
func (s *Store) Standings(ctx context.Context, keys []accounts.StandingKey) ([]accounts.Standing, error) {
	if err := s.begin(ctx); err != nil {
		return nil, err
	}
	defer s.mu.RUnlock()
	all := make([]accounts.Standing, len(keys))
	for i, key := range keys {
		s.data.standing(key, &all[i])
	}
	return all, nil
}

// Reach implements [accounts.Reader].
func (s *Store) Reach(ctx context.Context, q accounts.ReachQuery) ([]accounts.Reached, error) {
	return read(ctx, s, func(d *state) ([]accounts.Reached, error) { return d.reach(q), nil })
}

// Reachers implements [accounts.Reader].
func (s *Store) Reachers(ctx context.Context, q accounts.ReachersQuery) ([]accounts.Standing, error) {
	return read(ctx, s, func(d *state) ([]accounts.Standing, error) { return d.reachers(q), nil })
}

// Owned implements [accounts.Reader].
func (s *Store) Owned(ctx context.Context, user accounts.UserID, top roles.Role) ([]accounts.Account, error) {
	return read(ctx, s, func(d *state) ([]accounts.Account, error) { return d.owned(user, top), nil })
}

// Owners implements [accounts.Reader].
func (s *Store) Owners(ctx context.Context, account accounts.AccountID, top roles.Role) ([]accounts.Contact, error) {
	return read(ctx, s, func(d *state) ([]accounts.Contact, error) {
		if a := d.accounts[account]; a != nil {
			return a.owners(top), nil
		}
		return nil, nil
	})
}

// Membership implements [accounts.Reader].
func (s *Store) Membership(ctx context.Context, key accounts.StandingKey) (accounts.Membership, error) {
	return read(ctx, s, func(d *state) (accounts.Membership, error) { return d.membership(key), nil })
}

// Seats implements [accounts.Reader]. Its time grows with the account's pending
// invitations, and not with its members.
func (s *Store) Seats(ctx context.Context, account accounts.AccountID, at time.Time) (accounts.Seats, error) {
	return read(ctx, s, func(d *state) (accounts.Seats, error) {
		if a := d.accounts[account]; a != nil {
			return d.seats(a, at), nil
		}
		return accounts.Seats{}, nil
	})
}

// Spent implements [accounts.Reader].
func (s *Store) Spent(ctx context.Context, key accounts.QuotaKey) (int, error) {
	return read(ctx, s, func(d *state) (int, error) { return d.quotas[key], nil })
}

// Means implements [accounts.Reader].
func (s *Store) Means(ctx context.Context, key accounts.UserKey) (accounts.Means, error) {
	return read(ctx, s, func(d *state) (accounts.Means, error) {
		if u := d.named(key); u != nil {
			return d.means(u), nil
		}
		return accounts.Means{}, accounts.ErrNotFound
	})
}

// Challenge implements [accounts.Reader].
func (s *Store) Challenge(ctx context.Context, key accounts.ChallengeKey) (accounts.Challenge, error) {
	return read(ctx, s, func(d *state) (accounts.Challenge, error) {
		if x := d.challenges[key]; x != nil {
			return *x, nil
		}
		return accounts.Challenge{ChallengeKey: key}, nil
	})
}

// Linked implements [accounts.Reader].
func (s *Store) Linked(ctx context.Context, q accounts.LinkedQuery) (accounts.Linked, error) {
	return read(ctx, s, func(d *state) (accounts.Linked, error) { return d.linked(q) })
}

// Members implements [accounts.Store].
func (s *Store) Members(ctx context.Context, q accounts.MemberQuery) ([]accounts.Member, error) {
	return read(ctx, s, func(d *state) ([]accounts.Member, error) { return d.members(q), nil })
}

// Connections implements [accounts.Store].
func (s *Store) Connections(ctx context.Context, q accounts.ConnectionQuery) ([]accounts.Connected, error) {
	return read(ctx, s, func(d *state) ([]accounts.Connected, error) { return d.connections(q) })
}

// Recording implements [accounts.Reader].
func (s *Store) Recording(ctx context.Context, q accounts.RecordingQuery) (accounts.Recording, error) {
	return read(ctx, s, func(d *state) (accounts.Recording, error) { return d.recording(q) })
}

// ClientRecords implements [accounts.Store].
func (s *Store) ClientRecords(ctx context.Context, q accounts.ClientRecordQuery) ([]accounts.ClientEntry, error) {
	return read(ctx, s, func(d *state) ([]accounts.ClientEntry, error) { return d.clientRecords(q), nil })
}

// Sites implements [accounts.Store].
func (s *Store) Sites(ctx context.Context, q accounts.SiteQuery) ([]accounts.Site, error) {
	return read(ctx, s, func(d *state) ([]accounts.Site, error) { return d.sitesOf(q), nil })
}

// Events implements [accounts.Store].
func (s *Store) Events(ctx context.Context, q accounts.EventQuery) ([]accounts.Event, error) {
	return read(ctx, s, func(d *state) ([]accounts.Event, error) { return d.events(q), nil })
}

// Held implements [accounts.Store]. Of requests, invitations, mail and events it
// looks at every one that is stored.
func (s *Store) Held(ctx context.Context, q accounts.HeldQuery) ([]accounts.Held, error) {
	return read(ctx, s, func(d *state) ([]accounts.Held, error) { return d.heldOf(q) })
}

// ClaimEvents implements [accounts.Store].
func (s *Store) ClaimEvents(ctx context.Context, c accounts.EventClaim) ([]accounts.EventDelivery, error) {
	return write(ctx, s, func(d *state) ([]accounts.EventDelivery, error) { return d.claimEvents(c), nil })
}

// SettleEvents implements [accounts.Store].
func (s *Store) SettleEvents(ctx context.Context, receipts []accounts.EventReceipt) (int, error) {
	receipts = slices.Clone(receipts)
	return write(ctx, s, func(d *state) (int, error) { return d.settleEvents(receipts), nil })
}

// Reply implements [accounts.Store].
func (s *Store) Reply(ctx context.Context, key accounts.ReplyKey) (accounts.Reply, error) {
	return read(ctx, s, func(d *state) (accounts.Reply, error) {
		r, ok := d.replies[key]
		if !ok {
			return accounts.Reply{}, accounts.ErrNotFound
		}
		r.Answer = slices.Clone(r.Answer)
		return r, nil
	})
}

// Applied implements [accounts.Applier].
func (s *Store) Applied(ctx context.Context, op accounts.OpID) (bool, error) {
	return read(ctx, s, func(d *state) (bool, error) { return len(d.ops[op]) > 0, nil })
}

// ApplyAccounts implements [accounts.Store].
func (s *Store) ApplyAccounts(ctx context.Context, c accounts.Change) error {
	return s.apply(ctx, change{Change: access.Change{Change: c}})
}

// ApplyAccess implements [access.RequestStore] and [access.SessionStore].
func (s *Store) ApplyAccess(ctx context.Context, c access.Change) error {
	return s.apply(ctx, change{Change: c})
}

// ApplyInvites implements [invites.Store].
func (s *Store) ApplyInvites(ctx context.Context, c invites.Change) error {
	return s.apply(ctx, change{
		Change: access.Change{Change: c.Change}, Invitations: c.Invitations, SetupLinks: c.SetupLinks,
	})
}

func (s *Store) apply(ctx context.Context, c change) error {
	if s.tx != nil {
		c = own(c)
	}
	_, err := write(ctx, s, func(d *state) (struct{}, error) { return struct{}{}, d.apply(&c) })
	return err
}

// Drafting implements [access.RequestStore].
func (s *Store) Drafting(ctx context.Context, q access.DraftingQuery) (access.Drafting, error) {
	return read(ctx, s, func(d *state) (access.Drafting, error) { return d.drafting(q) })
}

// Deciding implements [access.RequestStore].
func (s *Store) Deciding(ctx context.Context, q access.DecidingQuery) (access.Deciding, error) {
	return read(ctx, s, func(d *state) (access.Deciding, error) { return d.deciding(q) })
}

// Clients implements [access.RequestStore].
func (s *Store) Clients(ctx context.Context, q access.ClientsQuery) ([]access.Client, error) {
	return read(ctx, s, func(d *state) ([]access.Client, error) { return d.clients(q), nil })
}

// Addressed implements [access.RequestStore].
func (s *Store) Addressed(ctx context.Context, email accounts.Email, at time.Time, limit int) ([]access.Client, error) {
	return read(ctx, s, func(d *state) ([]access.Client, error) { return d.addressedTo(email, at, limit), nil })
}

// Ending implements [access.RequestStore].
func (s *Store) Ending(
	ctx context.Context, agency accounts.AccountID, at time.Time, top roles.Role,
) (access.Ending, error) {
	return read(ctx, s, func(d *state) (access.Ending, error) { return d.ending(agency, at, top) })
}

// Admission implements [access.SessionStore].
func (s *Store) Admission(
	ctx context.Context, hash token.Hash, account accounts.AccountID,
) (access.Admission, error) {
	var a access.Admission
	if err := s.begin(ctx); err != nil {
		return a, err
	}
	defer s.mu.RUnlock()
	s.data.admission(hash, account, &a)
	return a, nil
}

// Session implements [access.SessionStore].
func (s *Store) Session(ctx context.Context, key access.SessionKey) (access.Session, error) {
	return read(ctx, s, func(d *state) (access.Session, error) { return d.session(key) })
}

// Sessions implements [access.SessionStore].
func (s *Store) Sessions(ctx context.Context, q access.SessionsQuery) ([]access.Session, error) {
	return read(ctx, s, func(d *state) ([]access.Session, error) { return d.sessionsOf(q), nil })
}

// Viewing implements [access.SessionStore].
func (s *Store) Viewing(ctx context.Context, key access.ViewKey) (access.Viewing, error) {
	return read(ctx, s, func(d *state) (access.Viewing, error) { return d.viewing(key) })
}

// Entering implements [access.LoginStore].
func (s *Store) Entering(ctx context.Context, q access.EnteringQuery) (access.Entering, error) {
	return read(ctx, s, func(d *state) (access.Entering, error) { return d.entering(q), nil })
}

// Ticket implements [access.LoginStore].
func (s *Store) Ticket(ctx context.Context, q access.TicketQuery) (access.Ticket, error) {
	return read(ctx, s, func(d *state) (access.Ticket, error) { return d.ticket(q) })
}

// Inviting implements [invites.Store].
func (s *Store) Inviting(ctx context.Context, q invites.InvitingQuery) (invites.Inviting, error) {
	return read(ctx, s, func(d *state) (invites.Inviting, error) { return d.inviting(q) })
}

// Accepting implements [invites.Store].
func (s *Store) Accepting(ctx context.Context, q invites.AcceptingQuery) (invites.Accepting, error) {
	return read(ctx, s, func(d *state) (invites.Accepting, error) { return d.accepting(q) })
}

// Invitations implements [invites.Store].
func (s *Store) Invitations(ctx context.Context, q invites.ListQuery) ([]invites.Listed, error) {
	return read(ctx, s, func(d *state) ([]invites.Listed, error) { return d.invitationsOf(q), nil })
}

// InvitationsTo implements [invites.Store].
func (s *Store) InvitationsTo(
	ctx context.Context, email accounts.Email, at time.Time, limit int,
) ([]invites.Listed, error) {
	return read(ctx, s, func(d *state) ([]invites.Listed, error) { return d.invitationsTo(email, at, limit), nil })
}

// SettingUp implements [invites.Store].
func (s *Store) SettingUp(ctx context.Context, q invites.SettingUpQuery) (invites.SettingUp, error) {
	return read(ctx, s, func(d *state) (invites.SettingUp, error) { return d.settingUp(q) })
}

// ClaimMail implements [mail.Outbox].
func (s *Store) ClaimMail(ctx context.Context, c mail.Claim) ([]mail.Delivery, error) {
	list, err := write(ctx, s, func(d *state) ([]mail.Delivery, error) { return d.claimMail(c), nil })
	for i := range list {
		list[i].Message.Sealed = slices.Clone(list[i].Message.Sealed)
	}
	return list, err
}

// SettleMail implements [mail.Outbox].
func (s *Store) SettleMail(ctx context.Context, o mail.Outcome) error {
	_, err := write(ctx, s, func(d *state) (struct{}, error) { return struct{}{}, d.settleMail(o) })
	return err
}

// Mails implements [mail.Outbox].
func (s *Store) Mails(ctx context.Context, q mail.Query) ([]mail.Record, error) {
	return read(ctx, s, func(d *state) ([]mail.Record, error) { return d.records(q), nil })
}

// Newest implements [mail.Outbox].
func (s *Store) Newest(ctx context.Context, reasons []mail.Reason) ([]mail.Record, error) {
	return read(ctx, s, func(d *state) ([]mail.Record, error) { return d.newest(reasons) })
}

// RequeueMail implements [mail.Outbox].
func (s *Store) RequeueMail(ctx context.Context, ids []string, at time.Time) (int, error) {
	ids = slices.Clone(ids)
	return write(ctx, s, func(d *state) (int, error) { return d.requeueMail(ids, at), nil })
}

// Sweep implements [storage.Storage].
func (s *Store) Sweep(ctx context.Context, before storage.SweepBefore, limit int) (int, error) {
	return write(ctx, s, func(d *state) (int, error) { return d.sweep(before, limit), nil })
}
