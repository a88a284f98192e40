package access

import (
	"errors"

	"github.com/chatelaine-go/chatelaine/access/limit"
	"github.com/chatelaine-go/chatelaine/access/token"
	"github.com/chatelaine-go/chatelaine/accounts"
	"github.com/chatelaine-go/chatelaine/mail"
	"github.com/chatelaine-go/chatelaine/roles"
)

// newLink is what a decision that makes a link is given: an id and a secret
// that nobody has seen.
type newLink struct {
	ID     string
	Secret token.Secret
	Hash   token.Hash
}

// judge answers for each address of a batch. It changes nothing.
func judge(op accounts.Operation, d draft, actor accounts.Standing, f Drafting) (BatchAnswer, error) {
	if err := op.May(actor, roles.ManageRequests); err != nil {
		return BatchAnswer{}, err
	}
	if err := mayAsk(f.Agency); err != nil {
		return BatchAnswer{}, err
	}
	quota := requestQuota(op, f.Agency.ID, f.Used)
	left := quota.Left()
	out := BatchAnswer{Answers: make([]Answer, len(d.answers)), ResetAt: quota.ResetAt()}
	next := 0
	for i, a := range d.answers {
		if a.Outcome == "" {
			r := f.Recipients[next]
			next++
			switch {
			case r.Own:
				a.Outcome = Own
			case r.Pending.ID != "" && r.Pending.StateAt(op.At, f.Agency.AccountState) == Pending:
				a.Outcome, a.Request = AlreadyPending, r.Pending.ID
			case r.Connected && !d.Another:
				a.Outcome = AlreadyConnected
			case r.Mails >= op.Rules.Limits.MailsPerRecipient:
				a.Outcome, a.ResetAt = RecipientLimit, quota.ResetAt()
			case left == 0:
				a.Outcome, a.ResetAt = OverLimit, quota.ResetAt()
			default:
				a.Outcome = Sent
				left--
				out.Sent++
			}
		}
		out.Answers[i] = a
	}
	out.Left = left
	return out, nil
}

// send decides a batch: what can be sent is sent, and every address gets its
// answer. Fresh holds an id and a secret for each address that may be sent.
func send(op accounts.Operation, d draft, actor accounts.Standing, f Drafting, fresh []newLink) (Change, BatchAnswer, error) {
	out, err := judge(op, d, actor, f)
	if err != nil {
		return Change{}, BatchAnswer{}, err
	}
	c := Change{Change: op.Relying()}
	if out.limited() {
		op.Record(&c.Change, accounts.Event{
			Kind: accounts.EventRefused, Account: f.Agency.ID, Action: EventRequestSent, Refusal: accounts.RefusedQuota,
		})
	}
	if out.Sent == 0 {
		return c, out, nil
	}
	// The agency moves: what ends when it disables client access is shown
	// before, and this is a part of it.
	c.Guards = append(c.Guards, accounts.Guard{Account: f.Agency.ID, Version: actor.Account.Version, Move: true})
	c.Spend = append(c.Spend, requestQuota(op, f.Agency.ID, f.Used).Spend(out.Sent))
	sent, next := 0, 0
	for i := range out.Answers {
		a := &out.Answers[i]
		if d.answers[i].Outcome != "" {
			continue
		}
		recipient := f.Recipients[next]
		next++
		if a.Outcome != Sent {
			continue
		}
		if old := recipient.Pending; old.ID != "" {
			// It expired or ended without anybody writing it down. Its end is
			// written before its successor begins.
			old.State = old.StateAt(op.At, f.Agency.AccountState)
			old.UpdatedAt = op.At
			c.Requests = append(c.Requests, old)
			c.CancelMail = append(c.CancelMail, requestReason(old))
		}
		n := fresh[sent]
		sent++
		r := Request{
			ID: accounts.RequestID(n.ID), Agency: f.Agency.ID, AgencyEpoch: f.Agency.Epoch,
			Email: a.Email, Address: a.Input, Requester: actor.User.ID, Message: d.Message, Level: d.Level,
			Locale: d.Locale, Hash: n.Hash, State: Pending, SentAt: op.At, ResendDay: accounts.DayOf(op.At),
			ExpiresAt: op.At.Add(op.Rules.Limits.RequestTTL), CreatedAt: op.At, UpdatedAt: op.At,
		}
		a.Request = r.ID
		c.Requests = append(c.Requests, r)
		c.Spend = append(c.Spend, recipientQuota(op, r.Email, recipient.Mails).Spend(1))
		op.Record(&c.Change, accounts.Event{Kind: EventRequestSent, Account: r.Agency, Request: r.ID, Role: r.Level})
		if err := writeRequest(op, &c, r, f.Agency, actor.User.Name, n.Secret); err != nil {
			return Change{}, BatchAnswer{}, err
		}
	}
	return c, out, nil
}

// resend decides whether a request is mailed again: same request, new link,
// seven days anew.
func resend(op accounts.Operation, actor accounts.Standing, f Deciding, fresh newLink) (Change, error) {
	if err := op.May(actor, roles.ManageRequests); err != nil {
		return Change{}, err
	}
	if err := mayAsk(f.Agency); err != nil {
		return Change{}, err
	}
	r, at, limits := f.Request, op.At, op.Rules.Limits
	if state := r.StateAt(at, f.Agency.AccountState); r.State != Pending || state == Ended {
		return Change{}, ErrDecided
	}
	if wait := limits.ResendEvery - at.Sub(r.SentAt); wait > 0 {
		return Change{}, op.Refuse(r.Agency, accounts.RefusedLimited, &limit.LimitedError{RetryAfter: wait})
	}
	if today := accounts.DayOf(at); r.ResendDay != today {
		r.ResendDay, r.Resends = today, 0
	}
	if r.Resends >= limits.ResendsPerDay {
		return Change{}, op.Refuse(r.Agency, accounts.RefusedQuota,
			&accounts.QuotaError{Kind: accounts.QuotaResends, Limit: limits.ResendsPerDay, Used: r.Resends, ResetAt: r.ResendDay.End()})
	}
	quota := recipientQuota(op, r.Email, f.Mails)
	if quota.Left() == 0 {
		return Change{}, op.Refuse(r.Agency, accounts.RefusedQuota, quota.Err())
	}
	r.Resends++
	r.Hash, r.SentAt, r.ExpiresAt, r.AgencyEpoch, r.UpdatedAt = fresh.Hash, at, at.Add(limits.RequestTTL), f.Agency.Epoch, at
	c := Change{Change: op.Relying()}
	c.Guards = append(c.Guards, accounts.Guard{Account: r.Agency, Version: actor.Account.Version, Move: true})
	c.Requests = []Request{r}
	c.Spend = []accounts.Spend{quota.Spend(1)}
	c.CancelMail = []mail.Reason{requestReason(r)}
	op.Record(&c.Change, accounts.Event{Kind: EventRequestResent, Account: r.Agency, Request: r.ID, Role: r.Level})
	err := writeRequest(op, &c, r, f.Agency, f.Requester.Name, fresh.Secret)
	return c, err
}

// withdraw decides whether the agency takes a request back.
func withdraw(op accounts.Operation, actor accounts.Standing, f Deciding) (Change, error) {
	if err := op.May(actor, roles.ManageRequests); err != nil {
		return Change{}, err
	}
	if err := f.open(op); err != nil {
		return Change{}, err
	}
	r := f.Request
	r.State, r.UpdatedAt = Withdrawn, op.At
	c := Change{Change: op.Relying()}
	c.Guards = append(c.Guards, accounts.Guard{Account: r.Agency, Version: actor.Account.Version})
	c.Requests = []Request{r}
	c.CancelMail = []mail.Reason{requestReason(r)}
	op.Record(&c.Change, accounts.Event{Kind: EventRequestWithdrawn, Account: r.Agency, Request: r.ID})
	return c, nil
}

// approve decides whether a client lets an agency in, with a cap for everybody
// there. The request binds nobody: the level it asks for is not looked at.
func approve(op accounts.Operation, f Deciding, byLink bool, highest roles.Role) (Change, error) {
	actor := f.decider()
	if err := mayDecide(op, actor, f, byLink); err != nil {
		return Change{}, err
	}
	ladder := op.Rules.Ladder
	if !ladder.Has(highest) {
		return Change{}, &accounts.InvalidError{Field: "cap", Reason: "is not a role of the ladder"}
	}
	if err := ladder.CanAssign(actor.Member.Role, highest, roles.Delegate); err != nil {
		return Change{}, op.Refuse(f.Client.ID, accounts.RefusedDenied, err)
	}
	if f.Client.ID == f.Agency.ID {
		return Change{}, &accounts.InvalidError{Field: "account", Reason: "is the agency itself"}
	}
	if f.Connection.Counts(f.Agency.AccountState) {
		return Change{}, &accounts.TakenError{Field: "account"}
	}
	c := f.settle(op, Approved, byLink)
	conn := f.Connection
	conn.ConnectionKey = accounts.ConnectionKey{Client: f.Client.ID, Agency: f.Agency.ID}
	conn.ConnectionState = accounts.ConnectionState{Cap: highest, Epoch: conn.Epoch + 1, AgencyEpoch: f.Agency.Epoch}
	conn.Request, conn.Approver, conn.CreatedAt, conn.UpdatedAt = f.Request.ID, actor.User.ID, op.At, op.At
	c.Connections = []accounts.Connection{conn}
	op.Record(&c.Change, accounts.Event{
		Kind: EventRequestApproved, Account: f.Client.ID, Agency: f.Agency.ID, Request: f.Request.ID, Role: highest,
	})
	if f.Member.Active() && f.Requester.Active() {
		c.Assignments = []accounts.Assignment{accounts.NewAssignment(conn, f.Member, f.Assignment, highest, op.At)}
		op.Record(&c.Change, accounts.Event{
			Kind: accounts.EventAssigned, Account: f.Client.ID, Agency: f.Agency.ID, User: f.Requester.ID, Role: highest,
		})
	}
	for _, owner := range f.AgencyOwners {
		if err := op.Write(&c.Change, accounts.Letter{
			Kind: mail.AccessApproved, Account: f.Client.ID, Locale: f.Agency.Locale, To: owner, Priority: mail.Notice,
			Reason: mail.ReasonFor("account", string(f.Agency.ID), "client", string(f.Client.ID)),
			Data: mail.Data{
				Agency: f.Agency.Name, Client: f.Client.Name, Recipient: owner.Name, Sender: f.Decider.User.Label(),
				Role: accounts.RoleName(highest), Link: op.Rules.Links.Clients(f.Agency.ID),
			},
		}); err != nil {
			return Change{}, err
		}
	}
	return c, nil
}

// decline decides whether a client says no, with an optional reason that the
// requester is told.
func decline(op accounts.Operation, f Deciding, byLink bool, reason string) (Change, error) {
	if err := mayDecide(op, f.decider(), f, byLink); err != nil {
		return Change{}, err
	}
	c := f.settle(op, Declined, byLink)
	c.Requests[0].Reason = reason
	// Two records of one decision: the client's says who, and the agency's only
	// that. An agency that is turned down learns nobody's account.
	op.Record(&c.Change, accounts.Event{Kind: EventRequestDeclined, Account: f.Client.ID, Request: f.Request.ID})
	if f.Agency.ID != f.Client.ID {
		op.Record(&c.Change, accounts.Event{Kind: EventRequestDeclined, Account: f.Agency.ID, Request: f.Request.ID})
		c.Events[1].By = accounts.By{RequestID: c.Events[1].By.RequestID}
	}
	if !f.Member.Active() || !f.Requester.Active() {
		return c, nil
	}
	err := op.Write(&c.Change, accounts.Letter{
		Kind: mail.AccessDeclined, Account: f.Agency.ID, Locale: f.Agency.Locale, To: f.Requester.Contact(), Priority: mail.Notice,
		Reason: accounts.AccountReason(f.Agency.ID),
		Data: mail.Data{
			// The address stands for the client: an agency that is turned
			// down learns no account's name.
			Agency: f.Agency.Name, Client: f.Request.Address, Recipient: f.Requester.Label(), Reason: reason,
			Link: op.Rules.Links.Clients(f.Agency.ID),
		},
	})
	return c, err
}

// settle returns the change that ends a request by the client's decision. Both
// accounts are held: the decider's role and the agency's owners are those of
// the moment at which it becomes durable. Whoever decides by their address and
// not by the link still has it then: their row is guarded by writing it.
func (f Deciding) settle(op accounts.Operation, state RequestState, byLink bool) Change {
	r := f.Request
	r.State, r.Client, r.Decider, r.DecidedAt, r.UpdatedAt = state, f.Client.ID, f.Decider.User.ID, op.At, op.At
	c := Change{Change: op.Relying()}
	c.Guards = append(c.Guards, accounts.Guard{Account: f.Client.ID, Version: f.Client.Version})
	if f.Agency.ID != f.Client.ID {
		c.Guards = append(c.Guards, accounts.Guard{Account: f.Agency.ID, Version: f.Agency.Version})
	}
	if !byLink {
		decider := f.Decider.User
		decider.UpdatedAt = op.At
		c.Users = []accounts.User{decider}
	}
	c.Requests = []Request{r}
	c.CancelMail = []mail.Reason{requestReason(r)}
	return c
}

// decider returns how who would decide stands at the account picked. Only a
// direct membership counts here, so no route is looked at.
func (f Deciding) decider() accounts.Standing {
	return accounts.Standing{User: f.Decider.User.UserState, Account: f.Client.AccountState, Member: f.Decider.Membership.MemberState}
}

// mayDecide decides whether somebody may approve or decline: a direct Owner or
// Admin of the account they picked, who holds the link or whose proven address
// the request was sent to. Whoever holds a link that leads nowhere any more
// gets the one answer for all links that lead nowhere.
func mayDecide(op accounts.Operation, actor accounts.Standing, f Deciding, byLink bool) error {
	if err := op.May(actor, roles.DecideRequests); err != nil {
		return err
	}
	if !byLink && !f.addressed() {
		return op.Refuse(f.Client.ID, accounts.RefusedToken, accounts.ErrNotFound)
	}
	if err := f.open(op); err != nil {
		if byLink {
			err = accounts.ErrNotFound
		}
		return op.Refuse(f.Client.ID, accounts.RefusedToken, err)
	}
	return nil
}

// addressed reports whether the request was sent to the decider's own address.
func (f Deciding) addressed() bool {
	u := f.Decider.User
	return u.Proven && u.Email != "" && u.Email == f.Request.Email
}

// open returns why a request cannot be decided any more, or not now.
func (f Deciding) open(op accounts.Operation) error {
	switch f.Request.StateAt(op.At, f.Agency.AccountState) {
	case Pending:
		if !f.Agency.ActsAsAgency() {
			return accounts.ErrNotFound // the agency is paused, and so is what it asked for
		}
		return nil
	case Expired:
		return &accounts.ExpiredError{What: "access request", At: f.Request.ExpiresAt}
	case Approved, Declined, Withdrawn, Ended:
	}
	return ErrDecided
}

// mayAsk refuses an account that is no agency, or has client access disabled.
func mayAsk(a accounts.Account) error {
	switch {
	case a.ProgrammeAt.IsZero():
		return &accounts.InvalidError{Field: "agency", Reason: "has not joined the agency programme; an Owner or Admin joins it first"}
	case a.ClientAccessAt.IsZero():
		return &accounts.InvalidError{Field: "agency", Reason: "has client access disabled; an Owner or Admin enables it first"}
	}
	return nil
}

// writeRequest adds the mail of a request. It is the same whether or not
// anybody with this address is known.
func writeRequest(op accounts.Operation, c *Change, r Request, agency accounts.Account, sender string, secret token.Secret) error {
	if sender == "" {
		sender = agency.Name
	}
	return op.Write(&c.Change, accounts.Letter{
		Kind: mail.AccessRequested, Account: agency.ID, Locale: agency.Locale,
		To:     accounts.Contact{Email: r.Email, Locale: r.Locale},
		Reason: requestReason(r), Priority: mail.Awaited, NotAfter: r.ExpiresAt,
		Data: mail.Data{
			Agency: agency.Name, Sender: sender, Role: accounts.RoleName(r.Level), Message: r.Message,
			Link: op.Rules.Links.AccessRequest(secret.Reveal()), Guide: op.Rules.Links.Guide(), ExpiresAt: r.ExpiresAt,
		},
	})
}

func requestReason(r Request) mail.Reason {
	return mail.ReasonFor("account", string(r.Agency), "request", string(r.ID))
}

func requestQuota(op accounts.Operation, agency accounts.AccountID, used int) accounts.Quota {
	return accounts.Quota{
		Key:  accounts.QuotaKey{Kind: accounts.QuotaRequests, Subject: string(agency), Day: accounts.DayOf(op.At)},
		Used: used, Limit: op.Rules.Limits.RequestsPerDay,
	}
}

func recipientQuota(op accounts.Operation, email accounts.Email, used int) accounts.Quota {
	return accounts.Quota{
		Key:  accounts.QuotaKey{Kind: accounts.QuotaRecipient, Subject: string(email), Day: accounts.DayOf(op.At)},
		Used: used, Limit: op.Rules.Limits.MailsPerRecipient,
	}
}

// reasonOf returns the rule that an input breaks, in words.
func reasonOf(err error) string {
	var invalid *accounts.InvalidError
	if errors.As(err, &invalid) {
		return invalid.Reason
	}
	return err.Error()
}
