package storagetest

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/chatelaine-go/chatelaine/access"
	"github.com/chatelaine-go/chatelaine/access/token"
	"github.com/chatelaine-go/chatelaine/accounts"
	"github.com/chatelaine-go/chatelaine/mail"
	"github.com/chatelaine-go/chatelaine/roles"
	"github.com/chatelaine-go/chatelaine/storage"
)

// universe is every key that a check ever wrote, or tried to write: what a
// dump asks about.
type universe struct {
	users      set[accounts.UserID]
	emails     set[accounts.Email]
	handles    set[string]
	identities set[accounts.IdentityKey]
	challenges set[accounts.ChallengeKey]
	accounts   set[accounts.AccountID]
	members    set[accounts.StandingKey]
	pairs      set[accounts.ConnectionKey]
	assigned   set[assignmentKey]
	requests   set[requestKey]
	links      set[token.Hash] // of requests
	invited    set[invitationKey]
	sessions   set[accounts.SessionID]
	secrets    set[token.Hash] // of sessions
	tickets    set[access.TicketKey]
	quotas     set[accounts.QuotaKey]
	sources    set[string]
	replies    set[accounts.ReplyKey]
	ops        set[accounts.OpID]
	clients    clientUniverse
}

type set[K comparable] map[K]bool

func (s *set[K]) add(k K) {
	var none K
	if *s == nil {
		*s = set[K]{}
	}
	if k != none {
		(*s)[k] = true
	}
}

func ordered[K cmp.Ordered](s set[K]) []K { return slices.Sorted(maps.Keys(s)) }

func orderedBy[K comparable](s set[K]) []K {
	return slices.SortedFunc(maps.Keys(s), func(a, b K) int { return cmp.Compare(fmt.Sprintf("%#v", a), fmt.Sprintf("%#v", b)) })
}

func (u *universe) add(c change) {
	u.clients.add(c)
	u.ops.add(c.Op)
	for _, r := range c.Guards {
		u.accounts.add(r.Account)
	}
	for _, r := range c.Users {
		u.users.add(r.ID)
		u.emails.add(r.Email)
		u.handles.add(accounts.NameKey(r.Handle))
	}
	for _, r := range c.Identities {
		u.identities.add(r.Key())
	}
	for _, key := range c.Unlink {
		u.identities.add(key)
	}
	for _, r := range c.Challenges {
		u.challenges.add(r.ChallengeKey)
	}
	for _, r := range c.Accounts {
		u.accounts.add(r.ID)
	}
	for _, r := range c.Clients {
		u.emails.add(r.Email)
	}
	for _, r := range c.Memberships {
		u.members.add(accounts.StandingKey{User: r.User, Account: r.Account})
	}
	for _, r := range c.Connections {
		u.pairs.add(r.ConnectionKey)
	}
	for _, r := range c.Assignments {
		u.pairs.add(r.ConnectionKey)
		u.assigned.add(assignmentKey{r.ConnectionKey, r.User})
	}
	for _, r := range c.Spend {
		u.quotas.add(r.QuotaKey)
		switch r.Kind {
		case accounts.QuotaRecipient, accounts.QuotaLinks:
			u.emails.add(accounts.Email(r.Subject))
		case accounts.QuotaSource:
			u.sources.add(r.Subject)
		case accounts.QuotaRequests, accounts.QuotaResends, accounts.QuotaInvitations, accounts.QuotaSetupMails, accounts.QuotaCodes,
			accounts.QuotaAsks:
		}
	}
	for _, r := range c.Replies {
		u.replies.add(r.ReplyKey)
	}
	for _, r := range c.Events {
		u.accounts.add(r.Account)
		u.ops.add(r.Op)
	}
	for _, r := range c.Requests {
		u.requests.add(requestKey{r.Agency, r.ID})
		u.links.add(r.Hash)
		u.emails.add(r.Email)
	}
	for _, r := range c.Invitations {
		u.invited.add(invitationKey{r.Account, r.ID})
		u.accounts.add(r.Account)
		u.emails.add(r.Email)
	}
	for _, r := range c.Sessions {
		u.sessions.add(r.ID)
		u.secrets.add(r.Hash)
	}
	for _, r := range c.Tickets {
		u.tickets.add(r.TicketKey)
	}
	for _, r := range c.Guesses {
		u.emails.add(r.Email)
	}
	for _, r := range c.Forget {
		u.emails.add(r.Email)
	}
}

// all is a limit that no check reaches.
const all = 1000

// dump is the answer to every question that can be asked about the keys known
// so far, in the order asked.
type dump []answer

type answer struct{ question, got string }

// dump asks a store everything.
func (e *env) dump(st storage.Storage) dump {
	e.Helper()
	var d dump
	ask := e.asker(&d)
	e.dumpAccounts(st, ask)
	e.dumpAccess(st, ask)
	e.dumpLogins(st, ask)
	e.dumpInvites(st, ask)
	e.dumpClients(st, ask)
	records, err := st.Mails(e.ctx, mail.Query{Limit: all})
	ask(records, err, "Mails()")
	var reasons []mail.Reason
	for _, r := range records {
		reasons = append(reasons, r.Reason)
	}
	newest, err := st.Newest(e.ctx, reasons)
	ask(newest, err, "Newest()")
	return d
}

type asker func(got any, err error, question string, args ...any)

// asker writes down questions and answers. The one error that is an answer is
// that there is nothing.
func (e *env) asker(d *dump) asker {
	return func(got any, err error, question string, args ...any) {
		s := text(got)
		q := fmt.Sprintf(question, args...)
		if err != nil {
			if s = "error: " + kind(err); !errors.Is(err, accounts.ErrNotFound) {
				e.failf("%s answered with an error: %v", q, err)
			}
		}
		*d = append(*d, answer{q, s})
	}
}

func (e *env) dumpAccounts(st storage.Storage, ask asker) {
	u := &e.seen
	var keys []accounts.StandingKey
	for _, id := range ordered(u.users) {
		got, err := st.Means(e.ctx, accounts.UserKey{ID: id}) // the user, and more
		ask(got, err, "Means(id %s)", id)
		reach, err := st.Reach(e.ctx, accounts.ReachQuery{User: id, Proof: accounts.AnyLogin(), Limit: all})
		ask(reach, err, "Reach(%s)", id)
		owned, err := st.Owned(e.ctx, id, roles.Owner)
		ask(owned, err, "Owned(%s)", id)
		for _, a := range ordered(u.accounts) {
			keys = append(keys, accounts.StandingKey{User: id, Account: a})
		}
	}
	for _, email := range ordered(u.emails) {
		got, err := st.User(e.ctx, accounts.UserKey{Email: email})
		ask(got, err, "User(email %s)", email)
	}
	for _, handle := range ordered(u.handles) {
		got, err := st.User(e.ctx, accounts.UserKey{Handle: handle})
		ask(got, err, "User(handle %s)", handle)
	}
	for _, key := range orderedBy(u.identities) {
		got, err := st.User(e.ctx, accounts.UserKey{Identity: key})
		ask(got, err, "User(identity %s, %s)", key.Issuer, key.Subject)
	}
	for _, key := range orderedBy(u.members) {
		got, err := st.Membership(e.ctx, key)
		ask(got, err, "Membership(%s, %s)", key.User, key.Account)
	}
	standings, err := st.Standings(e.ctx, keys)
	ask(standings, err, "Standings(every user, every account)")
	for _, id := range ordered(u.accounts) {
		account, err := st.Account(e.ctx, id)
		ask(account, err, "Account(%s)", id)
		reachers, err := st.Reachers(e.ctx, accounts.ReachersQuery{Account: id, Limit: all})
		ask(reachers, err, "Reachers(%s)", id)
		owners, err := st.Owners(e.ctx, id, roles.Owner)
		ask(owners, err, "Owners(%s)", id)
		members, err := st.Members(e.ctx, accounts.MemberQuery{Account: id, Limit: all})
		ask(members, err, "Members(%s)", id)
		connected, err := st.Connections(e.ctx, accounts.ConnectionQuery{Client: id, Limit: all})
		ask(connected, err, "Connections(client %s)", id)
		connected, err = st.Connections(e.ctx, accounts.ConnectionQuery{Agency: id, Limit: all})
		ask(connected, err, "Connections(agency %s)", id)
		events, err := st.Events(e.ctx, accounts.EventQuery{Account: id, Limit: all})
		ask(events, err, "Events(%s)", id)
	}
	for _, key := range orderedBy(u.pairs) {
		linked, err := st.Linked(e.ctx, accounts.LinkedQuery{ConnectionKey: key, User: "u", Top: roles.Owner})
		ask(linked, err, "Linked(client %s, agency %s)", key.Client, key.Agency)
	}
	for _, key := range orderedBy(u.assigned) {
		linked, err := st.Linked(e.ctx, accounts.LinkedQuery{ConnectionKey: key.ConnectionKey, User: key.User, Top: roles.Owner})
		ask(linked.Assignment, err, "Linked(client %s, agency %s, of %s)", key.Client, key.Agency, key.User)
	}
	for _, key := range orderedBy(u.quotas) {
		got, err := st.Spent(e.ctx, key)
		ask(got, err, "Spent(%v)", key)
	}
	for _, key := range orderedBy(u.replies) {
		got, err := st.Reply(e.ctx, key)
		ask(got, err, "Reply(%v)", key)
	}
	for _, op := range ordered(u.ops) {
		got, err := st.Applied(e.ctx, op)
		ask(got, err, "Applied(%s)", op)
	}
}

func (e *env) dumpAccess(st storage.Storage, ask asker) {
	u, day := &e.seen, accounts.DayOf(start)
	pairs, decided := orderedBy(u.pairs), set[accounts.ConnectionKey]{}
	for _, id := range ordered(u.accounts) {
		drafting, err := st.Drafting(e.ctx, access.DraftingQuery{Agency: id, Emails: ordered(u.emails), Day: day})
		ask(drafting, err, "Drafting(%s)", id)
		ending, err := st.Ending(e.ctx, id, minutes(3), roles.Owner)
		ask(ending, err, "Ending(%s)", id)
		clients, err := st.Clients(e.ctx, access.ClientsQuery{Agency: id, At: minutes(3), Limit: all})
		ask(clients, err, "Clients(%s)", id)
	}
	for _, key := range orderedBy(u.requests) {
		got, err := st.Deciding(e.ctx, access.DecidingQuery{Agency: key.Agency, ID: key.ID, Day: day, Top: roles.Owner})
		ask(withoutKeys(got), err, "Deciding(%s, %s)", key.Agency, key.ID)
		got, err = st.Deciding(e.ctx, access.DecidingQuery{Hash: got.Request.Hash, Day: day, Top: roles.Owner})
		ask(withoutKeys(got), err, "Deciding(by the hash of that of %s, %s)", key.Agency, key.ID)
		for _, pair := range pairs {
			if pair.Agency == key.Agency && !decided[pair] { // one request of the agency will do
				decided.add(pair)
				got, err := st.Deciding(e.ctx, access.DecidingQuery{
					Agency: key.Agency, ID: key.ID, Day: day, Top: roles.Owner, Client: pair.Client, User: accounts.UserID("u"),
				})
				ask(withoutKeys(got), err, "Deciding(%s, %s, client %s)", key.Agency, key.ID, pair.Client)
			}
		}
	}
	for _, email := range ordered(u.emails) {
		got, err := st.Addressed(e.ctx, email, minutes(3), all)
		ask(got, err, "Addressed(%s)", email)
	}
	for _, h := range orderedBy(u.links) {
		got, err := st.Deciding(e.ctx, access.DecidingQuery{Hash: h, Day: day, Top: roles.Owner})
		ask(got.Request.ID, err, "Deciding(hash %s)", h)
	}
	ids := append(ordered(u.accounts), "")
	for i, h := range orderedBy(u.secrets) {
		s, err := st.Session(e.ctx, access.SessionKey{Hash: h})
		ask(s, err, "Session(hash %s)", h)
		for j, id := range ids {
			if (i+j)%3 == 0 || id == "" { // the standings of everybody are asked for above
				got, err := st.Admission(e.ctx, h, id)
				ask(got, err, "Admission(hash %s, %q)", h, id)
			}
		}
	}
	for _, id := range ordered(u.sessions) {
		got, err := st.Session(e.ctx, access.SessionKey{ID: id})
		ask(got, err, "Session(id %s)", id)
	}
	for _, id := range ordered(u.users) {
		got, err := st.Sessions(e.ctx, access.SessionsQuery{User: id, Limit: all})
		ask(got, err, "Sessions(%s)", id)
	}
}

// unchanged ends the check unless two dumps are equal. Questions about keys
// that only one of them knows are passed over.
func (e *env) unchanged(before, after dump, what string) {
	e.Helper()
	was := map[string]string{}
	for _, a := range before {
		was[a.question] = a.got
	}
	for _, a := range after {
		if w, asked := was[a.question]; asked && w != a.got {
			e.failf("%s: %s, after and before:\n%s", what, a.question, differ(a.got, w))
		}
	}
}

// still ends the check unless a store answers as the model does, which was
// told only of what should be there. It spares the store half of the questions
// that a dump before and one after would be.
func (e *env) still(st storage.Storage, m *model, what string) {
	e.Helper()
	e.unchanged(e.dump(m), e.dump(st), what)
}

// agrees ends the check unless a store answers every question as the model
// does, the slow ones too.
func (e *env) agrees(st storage.Storage, m *model) {
	e.Helper()
	want := append(e.dump(m), e.dumpHeld(m)...)
	for i, a := range append(e.dump(st), e.dumpHeld(st)...) {
		if a.got != want[i].got {
			e.failf("%s:\n%s", a.question, differ(a.got, want[i].got))
		}
	}
}
