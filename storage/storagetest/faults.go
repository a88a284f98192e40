package storagetest

import (
	"context"
	"errors"
	"fmt"
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

// ErrInjected is the fault that a [Faulty] returns when it is given none.
var ErrInjected = errors.New("storagetest: injected fault")

// Faulty is a store that fails on purpose. It counts its calls from 1, and
// fails those that it was told to, before or after they took effect. Make one
// with [Faults]. It is safe for concurrent use.
//
// A test that an operation survives every single fault reads
//
//	for k := 1; ; k++ {
//		f := storagetest.Faults(open(t)) // with the same facts each time
//		f.FailAfter(k, nil)
//		err := operation(f)
//		if !f.Fired() {
//			break // the operation makes fewer than k calls
//		}
//		// assert: the state before and err, or the state after
//	}
type Faulty struct {
	st storage.Storage

	mu    sync.Mutex
	calls []string
	plan  map[int]planned
	fired int
}

type planned struct {
	err   error
	after bool
}

var _ storage.Storage = (*Faulty)(nil)

// Faults wraps a store. Until it is told to fail, it does nothing but count.
func Faults(st storage.Storage) *Faulty { return &Faulty{st: st, plan: map[int]planned{}} }

// FailBefore makes the k-th call return err without reaching the store: its
// effect does not come about. With accounts.ErrUnknown it is a change whose
// answer was lost and that did not arrive. A nil err is [ErrInjected]. Calls
// are counted from 1, from the beginning or the last [Faulty.Reset].
func (f *Faulty) FailBefore(k int, err error) { f.fail(k, planned{err: err}) }

// FailAfter makes the k-th call reach the store and then return err instead of
// the answer. A method that applies a change returns an error that matches
// accounts.ErrUnknown and err, since its caller cannot know what happened;
// also when the store refused the change. A nil err is [ErrInjected].
func (f *Faulty) FailAfter(k int, err error) { f.fail(k, planned{err: err, after: true}) }

func (f *Faulty) fail(k int, p planned) {
	if p.err == nil {
		p.err = ErrInjected
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.plan[k] = p
}

// Calls returns the names of the methods called so far, in order; the k-th
// call is at index k-1.
func (f *Faulty) Calls() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.calls)
}

// Fired reports whether any call was made to fail since the last Reset.
func (f *Faulty) Fired() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.fired > 0
}

// Reset forgets the calls and the faults that were still to come. The store
// below stays as it is.
func (f *Faulty) Reset() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.calls, f.plan, f.fired = nil, map[int]planned{}, 0
}

// begin counts a call and returns what is planned for it.
func (f *Faulty) begin(method string) (planned, bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.calls = append(f.calls, method)
	p, found := f.plan[len(f.calls)]
	if found {
		f.fired++
	}
	return p, found
}

// ask makes a call that returns something.
func ask[T any](f *Faulty, method string, call func() (T, error)) (T, error) {
	var none T
	p, fails := f.begin(method)
	if !fails {
		return call()
	}
	if p.after {
		_, _ = call() // its answer is lost
	}
	return none, p.err
}

// apply makes a call that applies a change.
func (f *Faulty) apply(method string, call func() error) error {
	p, fails := f.begin(method)
	switch {
	case !fails:
		return call()
	case p.after:
		_ = call() // its answer is lost
		return fmt.Errorf("%w: %w", accounts.ErrUnknown, p.err)
	}
	return p.err
}

// User implements [accounts.Reader].
func (f *Faulty) User(ctx context.Context, key accounts.UserKey) (accounts.User, error) {
	return ask(f, "User", func() (accounts.User, error) { return f.st.User(ctx, key) })
}

// Account implements [accounts.Reader].
func (f *Faulty) Account(ctx context.Context, id accounts.AccountID) (accounts.Account, error) {
	return ask(f, "Account", func() (accounts.Account, error) { return f.st.Account(ctx, id) })
}

// Standings implements [accounts.Reader].
func (f *Faulty) Standings(ctx context.Context, keys []accounts.StandingKey) ([]accounts.Standing, error) {
	return ask(f, "Standings", func() ([]accounts.Standing, error) { return f.st.Standings(ctx, keys) })
}

// Reach implements [accounts.Reader].
func (f *Faulty) Reach(ctx context.Context, q accounts.ReachQuery) ([]accounts.Reached, error) {
	return ask(f, "Reach", func() ([]accounts.Reached, error) { return f.st.Reach(ctx, q) })
}

// Reachers implements [accounts.Reader].
func (f *Faulty) Reachers(ctx context.Context, q accounts.ReachersQuery) ([]accounts.Standing, error) {
	return ask(f, "Reachers", func() ([]accounts.Standing, error) { return f.st.Reachers(ctx, q) })
}

// Owned implements [accounts.Reader].
func (f *Faulty) Owned(ctx context.Context, user accounts.UserID, top roles.Role) ([]accounts.Account, error) {
	return ask(f, "Owned", func() ([]accounts.Account, error) { return f.st.Owned(ctx, user, top) })
}

// Owners implements [accounts.Reader].
func (f *Faulty) Owners(ctx context.Context, account accounts.AccountID, top roles.Role) ([]accounts.Contact, error) {
	return ask(f, "Owners", func() ([]accounts.Contact, error) { return f.st.Owners(ctx, account, top) })
}

// Membership implements [accounts.Reader].
func (f *Faulty) Membership(ctx context.Context, key accounts.StandingKey) (accounts.Membership, error) {
	return ask(f, "Membership", func() (accounts.Membership, error) { return f.st.Membership(ctx, key) })
}

// Seats implements [accounts.Reader].
func (f *Faulty) Seats(ctx context.Context, account accounts.AccountID, at time.Time) (accounts.Seats, error) {
	return ask(f, "Seats", func() (accounts.Seats, error) { return f.st.Seats(ctx, account, at) })
}

// Spent implements [accounts.Reader].
func (f *Faulty) Spent(ctx context.Context, key accounts.QuotaKey) (int, error) {
	return ask(f, "Spent", func() (int, error) { return f.st.Spent(ctx, key) })
}

// Means implements [accounts.Reader].
func (f *Faulty) Means(ctx context.Context, key accounts.UserKey) (accounts.Means, error) {
	return ask(f, "Means", func() (accounts.Means, error) { return f.st.Means(ctx, key) })
}

// Challenge implements [accounts.Reader].
func (f *Faulty) Challenge(ctx context.Context, key accounts.ChallengeKey) (accounts.Challenge, error) {
	return ask(f, "Challenge", func() (accounts.Challenge, error) { return f.st.Challenge(ctx, key) })
}

// Linked implements [accounts.Reader].
func (f *Faulty) Linked(ctx context.Context, q accounts.LinkedQuery) (accounts.Linked, error) {
	return ask(f, "Linked", func() (accounts.Linked, error) { return f.st.Linked(ctx, q) })
}

// Recording implements [accounts.Reader].
func (f *Faulty) Recording(ctx context.Context, q accounts.RecordingQuery) (accounts.Recording, error) {
	return ask(f, "Recording", func() (accounts.Recording, error) { return f.st.Recording(ctx, q) })
}

// Members implements [accounts.Store].
func (f *Faulty) Members(ctx context.Context, q accounts.MemberQuery) ([]accounts.Member, error) {
	return ask(f, "Members", func() ([]accounts.Member, error) { return f.st.Members(ctx, q) })
}

// Connections implements [accounts.Store].
func (f *Faulty) Connections(ctx context.Context, q accounts.ConnectionQuery) ([]accounts.Connected, error) {
	return ask(f, "Connections", func() ([]accounts.Connected, error) { return f.st.Connections(ctx, q) })
}

// ClientRecords implements [accounts.Store].
func (f *Faulty) ClientRecords(ctx context.Context, q accounts.ClientRecordQuery) ([]accounts.ClientEntry, error) {
	return ask(f, "ClientRecords", func() ([]accounts.ClientEntry, error) { return f.st.ClientRecords(ctx, q) })
}

// Sites implements [accounts.Store].
func (f *Faulty) Sites(ctx context.Context, q accounts.SiteQuery) ([]accounts.Site, error) {
	return ask(f, "Sites", func() ([]accounts.Site, error) { return f.st.Sites(ctx, q) })
}

// Events implements [accounts.Store].
func (f *Faulty) Events(ctx context.Context, q accounts.EventQuery) ([]accounts.Event, error) {
	return ask(f, "Events", func() ([]accounts.Event, error) { return f.st.Events(ctx, q) })
}

// Held implements [accounts.Store].
func (f *Faulty) Held(ctx context.Context, q accounts.HeldQuery) ([]accounts.Held, error) {
	return ask(f, "Held", func() ([]accounts.Held, error) { return f.st.Held(ctx, q) })
}

// ClaimEvents implements [accounts.Store].
func (f *Faulty) ClaimEvents(ctx context.Context, c accounts.EventClaim) ([]accounts.EventDelivery, error) {
	return ask(f, "ClaimEvents", func() ([]accounts.EventDelivery, error) { return f.st.ClaimEvents(ctx, c) })
}

// SettleEvents implements [accounts.Store].
func (f *Faulty) SettleEvents(ctx context.Context, receipts []accounts.EventReceipt) (int, error) {
	return ask(f, "SettleEvents", func() (int, error) { return f.st.SettleEvents(ctx, receipts) })
}

// Reply implements [accounts.Store].
func (f *Faulty) Reply(ctx context.Context, key accounts.ReplyKey) (accounts.Reply, error) {
	return ask(f, "Reply", func() (accounts.Reply, error) { return f.st.Reply(ctx, key) })
}

// Applied implements [accounts.Applier].
func (f *Faulty) Applied(ctx context.Context, op accounts.OpID) (bool, error) {
	return ask(f, "Applied", func() (bool, error) { return f.st.Applied(ctx, op) })
}

// ApplyAccounts implements [accounts.Store].
func (f *Faulty) ApplyAccounts(ctx context.Context, c accounts.Change) error {
	return f.apply("ApplyAccounts", func() error { return f.st.ApplyAccounts(ctx, c) })
}

// ApplyAccess implements [access.RequestStore] and [access.SessionStore].
func (f *Faulty) ApplyAccess(ctx context.Context, c access.Change) error {
	return f.apply("ApplyAccess", func() error { return f.st.ApplyAccess(ctx, c) })
}

// ApplyInvites implements [invites.Store].
func (f *Faulty) ApplyInvites(ctx context.Context, c invites.Change) error {
	return f.apply("ApplyInvites", func() error { return f.st.ApplyInvites(ctx, c) })
}

// Drafting implements [access.RequestStore].
func (f *Faulty) Drafting(ctx context.Context, q access.DraftingQuery) (access.Drafting, error) {
	return ask(f, "Drafting", func() (access.Drafting, error) { return f.st.Drafting(ctx, q) })
}

// Deciding implements [access.RequestStore].
func (f *Faulty) Deciding(ctx context.Context, q access.DecidingQuery) (access.Deciding, error) {
	return ask(f, "Deciding", func() (access.Deciding, error) { return f.st.Deciding(ctx, q) })
}

// Clients implements [access.RequestStore].
func (f *Faulty) Clients(ctx context.Context, q access.ClientsQuery) ([]access.Client, error) {
	return ask(f, "Clients", func() ([]access.Client, error) { return f.st.Clients(ctx, q) })
}

// Addressed implements [access.RequestStore].
func (f *Faulty) Addressed(
	ctx context.Context, email accounts.Email, at time.Time, limit int,
) ([]access.Client, error) {
	return ask(f, "Addressed", func() ([]access.Client, error) { return f.st.Addressed(ctx, email, at, limit) })
}

// Ending implements [access.RequestStore].
func (f *Faulty) Ending(
	ctx context.Context, agency accounts.AccountID, at time.Time, top roles.Role,
) (access.Ending, error) {
	return ask(f, "Ending", func() (access.Ending, error) { return f.st.Ending(ctx, agency, at, top) })
}

// Admission implements [access.SessionStore].
func (f *Faulty) Admission(
	ctx context.Context, hash token.Hash, account accounts.AccountID,
) (access.Admission, error) {
	return ask(f, "Admission", func() (access.Admission, error) { return f.st.Admission(ctx, hash, account) })
}

// Session implements [access.SessionStore].
func (f *Faulty) Session(ctx context.Context, key access.SessionKey) (access.Session, error) {
	return ask(f, "Session", func() (access.Session, error) { return f.st.Session(ctx, key) })
}

// Sessions implements [access.SessionStore].
func (f *Faulty) Sessions(ctx context.Context, q access.SessionsQuery) ([]access.Session, error) {
	return ask(f, "Sessions", func() ([]access.Session, error) { return f.st.Sessions(ctx, q) })
}

// Viewing implements [access.SessionStore].
func (f *Faulty) Viewing(ctx context.Context, key access.ViewKey) (access.Viewing, error) {
	return ask(f, "Viewing", func() (access.Viewing, error) { return f.st.Viewing(ctx, key) })
}

// Entering implements [access.LoginStore].
func (f *Faulty) Entering(ctx context.Context, q access.EnteringQuery) (access.Entering, error) {
	return ask(f, "Entering", func() (access.Entering, error) { return f.st.Entering(ctx, q) })
}

// Ticket implements [access.LoginStore].
func (f *Faulty) Ticket(ctx context.Context, q access.TicketQuery) (access.Ticket, error) {
	return ask(f, "Ticket", func() (access.Ticket, error) { return f.st.Ticket(ctx, q) })
}

// Inviting implements [invites.Store].
func (f *Faulty) Inviting(ctx context.Context, q invites.InvitingQuery) (invites.Inviting, error) {
	return ask(f, "Inviting", func() (invites.Inviting, error) { return f.st.Inviting(ctx, q) })
}

// Accepting implements [invites.Store].
func (f *Faulty) Accepting(ctx context.Context, q invites.AcceptingQuery) (invites.Accepting, error) {
	return ask(f, "Accepting", func() (invites.Accepting, error) { return f.st.Accepting(ctx, q) })
}

// Invitations implements [invites.Store].
func (f *Faulty) Invitations(ctx context.Context, q invites.ListQuery) ([]invites.Listed, error) {
	return ask(f, "Invitations", func() ([]invites.Listed, error) { return f.st.Invitations(ctx, q) })
}

// InvitationsTo implements [invites.Store].
func (f *Faulty) InvitationsTo(
	ctx context.Context, email accounts.Email, at time.Time, limit int,
) ([]invites.Listed, error) {
	return ask(f, "InvitationsTo", func() ([]invites.Listed, error) { return f.st.InvitationsTo(ctx, email, at, limit) })
}

// SettingUp implements [invites.Store].
func (f *Faulty) SettingUp(ctx context.Context, q invites.SettingUpQuery) (invites.SettingUp, error) {
	return ask(f, "SettingUp", func() (invites.SettingUp, error) { return f.st.SettingUp(ctx, q) })
}

// ClaimMail implements [mail.Outbox].
func (f *Faulty) ClaimMail(ctx context.Context, c mail.Claim) ([]mail.Delivery, error) {
	return ask(f, "ClaimMail", func() ([]mail.Delivery, error) { return f.st.ClaimMail(ctx, c) })
}

// SettleMail implements [mail.Outbox].
func (f *Faulty) SettleMail(ctx context.Context, o mail.Outcome) error {
	_, err := ask(f, "SettleMail", func() (struct{}, error) { return struct{}{}, f.st.SettleMail(ctx, o) })
	return err
}

// Mails implements [mail.Outbox].
func (f *Faulty) Mails(ctx context.Context, q mail.Query) ([]mail.Record, error) {
	return ask(f, "Mails", func() ([]mail.Record, error) { return f.st.Mails(ctx, q) })
}

// Newest implements [mail.Outbox].
func (f *Faulty) Newest(ctx context.Context, reasons []mail.Reason) ([]mail.Record, error) {
	return ask(f, "Newest", func() ([]mail.Record, error) { return f.st.Newest(ctx, reasons) })
}

// RequeueMail implements [mail.Outbox].
func (f *Faulty) RequeueMail(ctx context.Context, ids []string, at time.Time) (int, error) {
	return ask(f, "RequeueMail", func() (int, error) { return f.st.RequeueMail(ctx, ids, at) })
}

// Sweep implements [storage.Storage].
func (f *Faulty) Sweep(ctx context.Context, before storage.SweepBefore, limit int) (int, error) {
	return ask(f, "Sweep", func() (int, error) { return f.st.Sweep(ctx, before, limit) })
}
