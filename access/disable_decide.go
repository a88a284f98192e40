package access

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"time"

	"github.com/chatelaine-go/chatelaine/accounts"
	"github.com/chatelaine-go/chatelaine/mail"
	"github.com/chatelaine-go/chatelaine/roles"
)

// Plan names what disabling an agency's client access would end.
type Plan struct {
	Agency   accounts.AccountID
	Clients  []PlannedClient
	Requests []PlannedRequest

	// Confirm stands for exactly this list. [Requests.DisableClientAccess]
	// wants it, so that nothing ends that nobody was shown.
	Confirm string
}

// PlannedClient is one connection that would end.
type PlannedClient struct {
	Client   accounts.AccountID
	Name     string
	Cap      roles.Role
	Assigned int // colleagues who would lose access
}

// PlannedRequest is one pending request that would end.
type PlannedRequest struct {
	Request accounts.RequestID
	Address string
}

// plan decides whether the actor is shown what would end.
func plan(op accounts.Operation, actor accounts.Standing, f Ending) (Plan, error) {
	if err := op.May(actor, roles.ManageProgramme); err != nil {
		return Plan{}, err
	}
	p := Plan{Agency: f.Agency.ID}
	sum := sha256.New()
	_, _ = fmt.Fprintf(sum, "%d %d %d\n", f.Agency.Epoch, len(f.Clients), len(f.Requests))
	for _, c := range f.Clients {
		p.Clients = append(p.Clients, PlannedClient{Client: c.Client.ID, Name: c.Client.Name, Cap: c.Cap, Assigned: c.Assigned})
		_, _ = fmt.Fprintf(sum, "%s\n", c.Client.ID)
	}
	for _, r := range f.Requests {
		p.Requests = append(p.Requests, PlannedRequest{Request: r.ID, Address: r.Address})
		_, _ = fmt.Fprintf(sum, "%s\n", r.ID)
	}
	p.Confirm = hex.EncodeToString(sum.Sum(nil)[:16])
	return p, nil
}

// disable decides whether an agency's client access ends, with all that was
// confirmed. One number of the agency's account ends every connection,
// assignment and request at once; what is written beside it is the record, and
// the mail to the clients' owners.
func disable(op accounts.Operation, actor accounts.Standing, f Ending, confirm string) (Change, error) {
	p, err := plan(op, actor, f)
	if err != nil {
		return Change{}, err
	}
	if err := op.Fresh(actor.User, EventAccessDisabled, f.Agency.ID); err != nil {
		return Change{}, err
	}
	if f.Agency.ProgrammeAt.IsZero() && f.Agency.ClientAccessAt.IsZero() {
		return Change{}, nil
	}
	if confirm != p.Confirm {
		return Change{}, &PlanChangedError{Plan: p}
	}
	agency := f.Agency
	agency.Epoch++
	agency.ProgrammeAt, agency.ClientAccessAt = time.Time{}, time.Time{}
	agency.UpdatedAt = op.At
	c := Change{Change: op.Relying()}
	c.Accounts = []accounts.Account{agency}
	c.CancelMail = []mail.Reason{accounts.AccountReason(agency.ID)}
	op.Record(&c.Change, accounts.Event{Kind: EventAccessDisabled, Account: agency.ID})
	for _, r := range f.Requests {
		// Written although the agency's number has ended it: whoever approves
		// one at this moment makes a connection that was not shown.
		r.State, r.UpdatedAt = Ended, op.At
		c.Requests = append(c.Requests, r)
		op.Record(&c.Change, accounts.Event{Kind: EventRequestEnded, Account: agency.ID, Request: r.ID})
	}
	for _, client := range f.Clients {
		op.Record(&c.Change, accounts.Event{
			Kind: accounts.EventConnectionEnded, Account: client.Client.ID, Agency: agency.ID, Was: client.Cap,
		})
		for _, owner := range client.Owners {
			if err := op.Write(&c.Change, accounts.Letter{
				// Nothing takes this mail back: that the access ended stays true.
				Kind: mail.ProgrammeLeft, Account: agency.ID, Locale: client.Locale, To: owner, Priority: mail.Notice,
				Data: mail.Data{
					Agency: agency.Name, Client: client.Client.Name, Recipient: owner.Name,
					Link: op.Rules.Links.Connections(client.Client.ID),
				},
			}); err != nil {
				return Change{}, err
			}
		}
	}
	return c, nil
}
