package accounts

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/chatelaine-go/chatelaine/mail"
	"github.com/chatelaine-go/chatelaine/roles"
)

// Clients is the service of client records and of the sites that they are
// given. It holds no state of its own and is safe for concurrent use. How a
// client comes in is package invites' (setup links), and how somebody sees what
// they see package access' (views).
//
// Whoever manages clients (roles.ManageClients, Managers and above on the
// standard ladder) creates, edits, lists, exports and assigns; whoever ends them
// (roles.EndClients, Admins and above) suspends, reactivates and deletes. Both
// are members' alone: delegates and clients are refused. Besides the errors that
// it names, each method can return those that [Service] lists.
type Clients struct {
	s *Service
}

// NewClients returns a service on a store. A nil environment takes every
// default.
func NewClients(st Store, env *Env) (*Clients, error) {
	s, err := New(st, env)
	if err != nil {
		return nil, err
	}
	return &Clients{s: s}, nil
}

// With returns the service on another store, such as one that joins the host's
// transaction. What calls return then is provisional until the host commits.
func (s *Clients) With(st Store) *Clients { return &Clients{s: s.s.With(st)} }

// RecordReason is the reason of all mail about a client record. It is cancelled
// when the record is suspended or deleted, and with everything unsent of the
// account ([AccountReason]).
func RecordReason(k ClientKey) mail.Reason {
	return mail.ReasonFor("account", string(k.Account), "record", string(k.ID))
}

// CreateClient is the input of [Clients.Create].
type CreateClient struct {
	Account   AccountID
	ID        ClientID // the host's own id; "": a fresh one
	FirstName string   // 1 to 100 characters
	LastName  string   // 1 to 100 characters
	Email     string   // the login name, for ever
	Company   string   // at most 200 characters
	Postal    string   // the postal address, at most 500 characters on any number of lines
	Phone     string   // at most 50 characters
	Notes     string   // the account's own, at most 10,000 characters
	Locale    string   // a BCP 47 language tag; "": the account's

	// Sites are given at once, at most [Limits.SitesPerClient].
	Sites []SiteChoice

	// Key is an optional idempotency key, good for 24 hours. What is kept for it
	// names nobody: a repeated call answers with the record as it is by then.
	Key string
}

// Create makes a client record. Nobody is written to, and nobody can come in by
// it before a setup link was made. An address is used once in an account: that
// of another client, or of a member, suspended ones included, is a [*TakenError]
// for the field "email"; an id that a client has or had, for "id". A site that is
// not one of the account's is an [*InvalidError] for "sites.site", a permission
// that the catalogue does not have for "sites.permissions". Permissions are
// completed with what they need. A key that was used with other input is
// [ErrKeyReused]. Invitations are not looked at: one that is open for the address
// cannot be accepted from then on.
func (s *Clients) Create(ctx context.Context, actor Actor, in CreateClient) (ClientEntry, error) {
	draft, err := in.client()
	if err != nil {
		return ClientEntry{}, err
	}
	op := s.s.env.Begin(actor)
	if err := checkChoices(op.Rules, in.Sites); err != nil {
		return ClientEntry{}, err
	}
	keyed := in
	keyed.Key = ""
	once, err := NewOnce(op, in.Account, in.Key, EventClientCreated, keyed)
	if err != nil {
		return ClientEntry{}, err
	}
	if draft.ID == "" {
		draft.ID = ClientID(s.s.env.NewID(op.At))
	}
	var out ClientEntry
	err = s.s.run(ctx, op, EventClientCreated, func(ctx context.Context) (Change, error) {
		st, err := s.actor(ctx, op, in.Account, roles.ManageClients)
		if err != nil {
			return Change{}, err // an answer that was kept is for somebody who may still ask
		}
		var c Change
		kept := draft.ClientKey
		err = once.Do(ctx, s.s.st, &kept, func() (bool, error) {
			f, err := s.facts(ctx, st, RecordingQuery{Account: in.Account, Client: draft.ID, Email: draft.Email})
			if err != nil {
				return false, err
			}
			chosen, err := s.chosen(ctx, draft.ClientKey, in.Sites)
			if err != nil {
				return false, err
			}
			if c, out, err = op.CreateClient(f, draft, chosen); err != nil {
				return false, err
			}
			return true, once.Keep(&c, draft.ClientKey)
		})
		if err == nil && len(c.Events) == 0 { // nothing was decided: the answer is the one that was kept
			out, err = s.entry(ctx, kept)
		}
		return c, err
	})
	if err != nil {
		return ClientEntry{}, err
	}
	return out, nil
}

// EditClient is the input of [Clients.Edit]. Nil fields stay.
type EditClient struct {
	ClientKey
	FirstName *string // 1 to 100 characters
	LastName  *string // 1 to 100 characters
	Company   *string // at most 200 characters
	Postal    *string // at most 500 characters on any number of lines
	Phone     *string // at most 50 characters
	Notes     *string // at most 10,000 characters
	Locale    *string // a BCP 47 language tag
}

// Edit changes a client's details and notes: everything but the address, which
// is how they log in. A client that is not there is [ErrNotFound]. Editing to
// what is there changes nothing.
func (s *Clients) Edit(ctx context.Context, actor Actor, in EditClient) (ClientEntry, error) {
	var out ClientEntry
	err := s.onClient(ctx, actor, in.ClientKey, roles.ManageClients, EventClientUpdated,
		func(ctx context.Context, op Operation, f ClientFacts) (Change, error) {
			var c Change
			err := s.grants(ctx, &f)
			if err == nil {
				c, out, err = op.EditClient(f, in)
			}
			return c, err
		})
	if err != nil {
		return ClientEntry{}, err
	}
	return out, nil
}

// Client returns one client record with its sites, to whoever manages clients,
// a job or an operator. A client that is not there, or was deleted, is
// [ErrNotFound].
func (s *Clients) Client(ctx context.Context, actor Actor, key ClientKey) (ClientEntry, error) {
	if err := key.Check(); err != nil {
		return ClientEntry{}, err
	}
	if err := s.s.mayRead(ctx, actor, key.Account, roles.ManageClients, "client.read", nil); err != nil {
		return ClientEntry{}, err
	}
	list, err := s.s.st.ClientRecords(ctx, ClientRecordQuery{Account: key.Account, Client: key.ID, Limit: 1})
	if err != nil {
		return ClientEntry{}, err
	}
	if len(list) == 0 {
		return ClientEntry{}, ErrNotFound
	}
	return list[0], nil
}

// ClientPage asks for a page of client records.
type ClientPage struct {
	Search   string         // in name, address, phone, postal address and company, as [SearchFits] says; "": all
	Statuses []ClientStatus // any of these; empty: all
	Before   ClientCursor   // ClientEntry.Cursor of the last one seen; zero: from the newest
	Limit    int            // 0: 50; at most 500
}

// List returns a page of an account's client records, newest first, with sites,
// permissions and status, to whoever manages clients, a job or an operator.
// Deleted ones are not listed. It returns an [*InvalidError] for "search" or
// "statuses".
func (s *Clients) List(ctx context.Context, actor Actor, account AccountID, page ClientPage) ([]ClientEntry, error) {
	if err := checkClientPage(account, page.Search, page.Statuses); err != nil {
		return nil, err
	}
	if err := s.s.mayRead(ctx, actor, account, roles.ManageClients, "clients.list", nil); err != nil {
		return nil, err
	}
	return s.s.st.ClientRecords(ctx, ClientRecordQuery{
		Account: account, Statuses: page.Statuses, Search: page.Search, Before: page.Before, Limit: s.s.env.Page(page.Limit),
	})
}

// Suspend keeps a client out of the account by every route, from the next check
// on, until reactivated: setup links and views end, and unsent mail about the
// record is cancelled. It works before the first login as well. The person's own
// login, and other accounts' records of them, are not touched. A client that is
// not there is [ErrNotFound]. Suspending again changes nothing.
func (s *Clients) Suspend(ctx context.Context, actor Actor, key ClientKey) error {
	return s.onClient(ctx, actor, key, roles.EndClients, EventClientSuspended,
		func(_ context.Context, op Operation, f ClientFacts) (Change, error) { return op.SuspendClient(f) })
}

// Reactivate lets a suspended client in again, with a login of after this
// moment: neither sessions nor links come back. A client that is not there is
// [ErrNotFound]. One who is not suspended stays as they are.
func (s *Clients) Reactivate(ctx context.Context, actor Actor, key ClientKey) error {
	return s.onClient(ctx, actor, key, roles.EndClients, EventClientReactivated,
		func(_ context.Context, op Operation, f ClientFacts) (Change, error) { return op.ReactivateClient(f) })
}

// Delete deletes a client record for good: nobody comes in by it, its sites and
// links end, unsent mail about it is cancelled, and everything personal in it is
// gone. The audit stays, and so does the id, which is never given again; the
// address is free for another client, who begins with nothing. The person's own
// login, and other accounts' records of them, are not touched.
//
// It cannot be undone, so the actor must have logged in within the last 10
// minutes, else [ErrStepUp], with identity confirmation on a [*CodeError]. A
// client that is not there, or was deleted, is [ErrNotFound]. One whose suspension
// also keeps them out through an agency, or whose reactivation keeps older logins
// of theirs out there, is an [*InvalidError] for "client": deleting a record never
// lets anybody in.
func (s *Clients) Delete(ctx context.Context, actor Actor, key ClientKey) error {
	return s.onClient(ctx, actor, key, roles.EndClients, EventClientDeleted,
		func(ctx context.Context, op Operation, f ClientFacts) (Change, error) {
			op, err := Confirming(ctx, s.s.st, op, f.Actor.User, EventClientDeleted, key.Account)
			if err != nil {
				return Change{}, err
			}
			if f.Client.User != "" {
				if f.Subject, err = standing(ctx, s.s.st, f.Client.User, key.Account); err != nil {
					return Change{}, err
				}
			}
			return op.DeleteClient(f)
		})
}

// onClient runs an operation on one client record.
func (s *Clients) onClient(ctx context.Context, actor Actor, key ClientKey, need roles.Permission, kind EventKind,
	decide func(ctx context.Context, op Operation, f ClientFacts) (Change, error),
) error {
	if err := key.Check(); err != nil {
		return err
	}
	op := s.s.env.Begin(actor)
	return s.s.run(ctx, op, kind, func(ctx context.Context) (Change, error) {
		st, err := s.actor(ctx, op, key.Account, need)
		if err != nil {
			return Change{}, err
		}
		f, err := s.facts(ctx, st, RecordingQuery{Account: key.Account, Client: key.ID})
		if err != nil {
			return Change{}, err
		}
		return decide(ctx, op, f)
	})
}

// actor reads how the actor stands at the account. It comes first: its version
// guards the change, so what is read after it cannot be older, and whoever may
// not ask learns nothing of what is there.
func (s *Clients) actor(ctx context.Context, op Operation, account AccountID, need roles.Permission) (Standing, error) {
	st, err := standing(ctx, s.s.st, op.Actor.user, account)
	if err != nil {
		return Standing{}, err
	}
	return st, op.May(st, need)
}

// facts reads what decides about a client record or a site, as it was when the
// actor's standing was read.
func (s *Clients) facts(ctx context.Context, st Standing, q RecordingQuery) (ClientFacts, error) {
	r, err := s.s.st.Recording(ctx, q)
	if err != nil {
		return ClientFacts{}, err
	}
	if r.Account.Version != st.Account.Version {
		return ClientFacts{}, ErrConflict
	}
	return ClientFacts{Actor: st, Recording: r}, nil
}

// grants adds the sites that the client has to the facts. Whoever changes them
// writes the client's row too, so its version tells whether both are of one
// moment.
func (s *Clients) grants(ctx context.Context, f *ClientFacts) error {
	if !f.Client.There() {
		return nil
	}
	list, err := s.s.st.ClientRecords(ctx, ClientRecordQuery{Account: f.Client.Account, Client: f.Client.ID, Limit: 1})
	if err != nil {
		return err
	}
	if len(list) == 0 || list[0].Client.Version != f.Client.Version {
		return ErrConflict
	}
	f.Sites = list[0].Sites
	return nil
}

// entry returns a client record as it is now, also one that was deleted.
func (s *Clients) entry(ctx context.Context, key ClientKey) (ClientEntry, error) {
	r, err := s.s.st.Recording(ctx, RecordingQuery{Account: key.Account, Client: key.ID})
	if err != nil {
		return ClientEntry{}, err
	}
	f := ClientFacts{Recording: r}
	err = s.grants(ctx, &f)
	return ClientEntry{Client: f.Client, Sites: f.Sites}, err
}

// client returns the record that the input describes, without a moment.
func (in CreateClient) client() (Client, error) {
	c := Client{
		ClientState: ClientState{ClientKey: ClientKey{Account: in.Account, ID: in.ID}, Epoch: 1},
		FirstName:   in.FirstName, LastName: in.LastName, Address: strings.TrimSpace(in.Email),
		Company: in.Company, Postal: in.Postal, Phone: in.Phone, Notes: in.Notes, Locale: in.Locale,
	}
	if err := CheckID("account", in.Account); err != nil {
		return c, err
	}
	if in.ID != "" {
		if err := CheckID("id", in.ID); err != nil {
			return c, err
		}
	}
	var err error
	if c.Email, err = ParseEmail(in.Email); err != nil {
		return c, err
	}
	return c, c.check()
}

// check refuses texts that break a rule.
func (c Client) check() error {
	for _, f := range []struct {
		name, text  string
		least, most int
	}{
		{"firstName", c.FirstName, 1, maxName},
		{"lastName", c.LastName, 1, maxName},
		{"company", c.Company, 0, maxCompany},
		{"phone", c.Phone, 0, maxPhone},
	} {
		if err := checkText(f.name, f.text, f.least, f.most); err != nil {
			return err
		}
	}
	if err := CheckMessage("postal", c.Postal, maxPostal); err != nil {
		return err
	}
	if err := CheckMessage("notes", c.Notes, maxNotes); err != nil {
		return err
	}
	return CheckLocale(c.Locale)
}

// Check refuses a key with an id that is none: an [*InvalidError] for "account"
// or "client".
func (k ClientKey) Check() error {
	if err := CheckID("account", k.Account); err != nil {
		return err
	}
	return CheckID("client", k.ID)
}

func checkClientPage(account AccountID, search string, statuses []ClientStatus) error {
	if err := CheckID("account", account); err != nil {
		return err
	}
	if err := CheckText("search", search, MaxEmail); err != nil {
		return err
	}
	for _, status := range statuses {
		if !slices.Contains(ClientStatuses(), status) {
			return &InvalidError{Field: "statuses", Reason: "have one that does not exist"}
		}
	}
	return nil
}

// end returns the record without anything personal.
func (c Client) end(at time.Time) Client {
	c.DeletedAt, c.UpdatedAt = at, at
	c.Epoch++
	c.User, c.FirstName, c.LastName, c.Email, c.Address = "", "", "", "", ""
	c.Company, c.Postal, c.Phone, c.Notes = "", "", "", ""
	return c
}
