package accounts_test

import (
	"crypto/sha256"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/chatelaine-go/chatelaine/access"
	"github.com/chatelaine-go/chatelaine/access/token"
	"github.com/chatelaine-go/chatelaine/accounts"
	"github.com/chatelaine-go/chatelaine/invites"
	"github.com/chatelaine-go/chatelaine/mail"
	"github.com/chatelaine-go/chatelaine/roles"
)

// estate is a world in which everything that can be kept about a person is
// kept about two, pia and zoe, who are alike but for their ids: Admins of acme
// (ann owns it), Authors of the agency orbit who are assigned at shop, suspended
// in rest, gone from past, and alone in shut, which is closed. Orbit asked them
// for access, nova invited them, and they asked and invited others. They log in
// as clients of past, shop wrote them down as one, and they view as one of acme's.
func estate(t testing.TB) *world {
	t.Helper()
	w := newWorld(t)
	shut := account("shut")
	shut.ClosedAt = start
	w.put(user("ann"), user("olga"), account("acme"), account("nova"), account("shop"), account("rest"), account("past"), shut, agency("orbit"),
		member("acme", "ann", roles.Owner), member("nova", "ann", roles.Owner), member("shop", "ann", roles.Owner),
		member("rest", "ann", roles.Owner), member("past", "ann", roles.Owner), member("orbit", "olga", roles.Owner),
		connection("shop", "orbit", roles.Manager), site("past", "one"))
	for _, id := range []string{"pia", "zoe"} {
		w.person(id)
	}
	w.put(w.letter(person("pia"), "queued"), w.letter(person("zoe"), "queued"))
	return w
}

func person(id string) accounts.User {
	u := confirming(id)
	u.Confirms = false
	u.Name, u.Handle, u.Address, u.Email = "Name of "+id, "handle-"+id, "Mail-"+id+"@people.example", accounts.Email("mail-"+id+"@people.example")
	u.Phone, u.Locale = "+4917000"+fmt.Sprint(len(id))+id, "de"
	return u
}

// person puts everything of one of the two.
func (w *world) person(id string) {
	w.t.Helper()
	u := person(id)
	resting, past := member("rest", id, roles.Viewer), member("past", id, roles.Admin)
	resting.SuspendedAt, past.EndedAt = start, start
	code := passed(id, "an.action", "acme")
	code.To, code.Hash = u.Phone, sha256.Sum256([]byte("code of "+id))
	w.put(u, resting, past, member("acme", id, roles.Admin), member("orbit", id, roles.Author), member("shut", id, roles.Owner),
		assignment("shop", "orbit", id, roles.Author), code,
		accounts.Credential{User: u.ID, Hash: "hash-of-" + id, CreatedAt: start, UpdatedAt: start},
		accounts.Identity{Issuer: "https://issuer.example", Subject: "subject-" + id, User: u.ID, CreatedAt: start},
		w.letter(u, "sent"), w.letter(u, "dead"),
		recordOf(id, "past", "mine"), recordOf(id, "shop", "known"), client("acme", "shown-"+id), mayOn("past", "mine-"+id, "one", "SEO"))
	for _, d := range w.claimed() {
		o := mail.Outcome{ID: d.Message.ID, Fence: d.Fence, State: mail.Sent, At: start}
		if strings.HasPrefix(d.Message.ID, "dead") {
			o.State, o.Error = mail.Dead, "550 no such mailbox"
		}
		require.NoError(w.t, w.st.SettleMail(w.t.Context(), o))
	}
	w.putAccess(access.Change{
		Change: accounts.Change{Events: []accounts.Event{
			{Kind: "done", Account: "acme", By: accounts.By{User: u.ID}, User: "ann"},
			{Kind: "done", Account: "acme", By: accounts.By{User: "ann"}, User: u.ID},
		}},
		Sessions: []access.Session{{
			SessionState: access.SessionState{
				ID: accounts.SessionID("session-" + id), User: u.ID, UserEpoch: 1, Login: 1, CreatedAt: start, AuthAt: start, SeenAt: start,
			},
			Hash: hash("session", id), UserAgent: "Browser of " + id, Source: "net-of-" + id,
		}},
		Views: []access.ViewAs{{
			ViewAsState: access.ViewAsState{
				ID: accounts.ViewID("view-" + id), ClientKey: record("acme", "shown-"+id), ClientEpoch: 1, Viewer: u.ID, ViewerEpoch: 1,
				CreatedAt: start, LinkUntil: start.Add(time.Minute), OpenedAt: start, ExpiresAt: start.Add(time.Hour),
			},
			Link: hash("viewlink", id), Hash: hash("view", id), UserAgent: "Browser of " + id, Source: "net-of-" + id,
		}},
		Tickets: []access.Ticket{{
			TicketKey: access.TicketKey{User: u.ID, Purpose: token.Reset}, Hash: hash("ticket", id),
			Email: u.Email, Address: u.Address, Epoch: 1, CreatedAt: start, ExpiresAt: start.Add(time.Hour),
		}},
		Guesses: []access.Guesses{{Email: u.Email, Count: 2, LastAt: start}},
		Requests: []access.Request{
			w.request(id, "to", access.Pending), w.request(id, "refused", access.Declined), w.request(id, "by", access.Pending),
		},
	})
	w.putInvites(invites.Change{Invitations: []invites.Invitation{
		w.offer(id, "to", invites.Pending), w.offer(id, "refused", invites.Declined), w.offer(id, "by", invites.Pending),
	}, SetupLinks: []invites.SetupLink{{
		ClientKey: record("shop", "known-"+id), Hash: hash("setup", id), Epoch: 1, Maker: "ann", CreatedAt: start, ExpiresAt: start.Add(time.Hour),
	}}})
}

// recordOf is what an account wrote down about a person: past's as which they log
// in, and shop's, who has only the address.
func recordOf(id, account, what string) accounts.Client {
	u := person(id)
	c := client(account, what+"-"+id)
	if what == "mine" {
		c = joined(account, what+"-"+id, id)
	}
	c.FirstName, c.LastName, c.Email, c.Address, c.Phone = u.Name, "of the family", u.Email, u.Address, u.Phone
	c.Company, c.Postal, c.Notes = "Company of "+u.Name, "House of "+u.Name, "About "+u.Name
	return c
}

func hash(what, id string) token.Hash { return sha256.Sum256([]byte(what + id)) }

func (w *world) letter(u accounts.User, state string) mail.Message {
	return mail.Message{
		ID: state + "-" + string(u.ID), Channel: mail.Email, Kind: "test", To: string(u.Email), ToName: u.Name, Subject: "To " + u.Name, Text: "Dear " + u.Name,
		Reason: mail.ReasonFor(state), Priority: mail.Notice, Due: start, CreatedAt: start,
	}
}

// claimed leases the mail that is due.
func (w *world) claimed() []mail.Delivery {
	w.t.Helper()
	list, err := w.st.ClaimMail(w.t.Context(), mail.Claim{Channel: mail.Email, At: start, Lease: time.Minute, Limit: 2})
	require.NoError(w.t, err)
	return list
}

// request is one of orbit: to a person, or by them to somebody else.
func (w *world) request(id, what string, state access.RequestState) access.Request {
	u := person(id)
	r := access.Request{
		Agency: "orbit", ID: accounts.RequestID("request-" + what + "-" + id), AgencyEpoch: 1, Email: u.Email, Address: u.Address, Requester: "olga",
		Message: "Dear " + u.Name, Level: roles.Admin, Hash: hash("request"+what, id), State: state, SentAt: start, ExpiresAt: start.Add(time.Hour),
		CreatedAt: start, UpdatedAt: start,
	}
	switch what {
	case "by":
		r.Requester, r.Message = u.ID, "Hello"
		r.Email, r.Address = accounts.Email("client-"+id+"@else.example"), "client-"+id+"@else.example"
	case "refused":
		r.Client, r.Decider, r.DecidedAt, r.Reason = "shop", u.ID, start, "I am "+u.Name
	}
	return r
}

// offer is an invitation to a person, of nova or of acme, or of acme by them.
func (w *world) offer(id, what string, state invites.State) invites.Invitation {
	u := person(id)
	i := invites.Invitation{
		Account: "nova", ID: accounts.InvitationID("invitation-" + what + "-" + id), Email: u.Email, Address: u.Address, Role: roles.Viewer,
		Message: "Dear " + u.Name, Inviter: "ann", Hash: hash("invitation"+what, id), State: state, SentAt: start, ExpiresAt: start.Add(time.Hour),
		CreatedAt: start, UpdatedAt: start,
	}
	switch what {
	case "by":
		i.Account, i.Inviter, i.Message = "acme", u.ID, "Hello"
		i.Email, i.Address = accounts.Email("guest-"+id+"@else.example"), "guest-"+id+"@else.example"
	case "refused":
		i.Account, i.User, i.DecidedAt = "acme", u.ID, start
	}
	return i
}

// stamped makes a change an operation of its own.
func (w *world) stamped(c accounts.Change) accounts.Change {
	w.rows++
	c.Op = accounts.OpID(fmt.Sprintf("put-%03d", w.rows))
	if len(c.Events) == 0 {
		c.Events = []accounts.Event{{Kind: "put", By: accounts.By{System: "test"}}}
	}
	for i := range c.Events {
		c.Events[i].Op, c.Events[i].Seq, c.Events[i].At = c.Op, i+1, start
	}
	return c
}

func (w *world) putAccess(c access.Change) {
	w.t.Helper()
	c.Change = w.stamped(c.Change)
	require.NoError(w.t, w.st.ApplyAccess(w.t.Context(), c))
}

func (w *world) putInvites(c invites.Change) {
	w.t.Helper()
	c.Change = w.stamped(c.Change)
	require.NoError(w.t, w.st.ApplyInvites(w.t.Context(), c))
}

// held returns everything that is kept about a user and an address, by kind.
func (w *world) held(user, email string) map[accounts.HeldKind][]accounts.Held {
	w.t.Helper()
	all := map[accounts.HeldKind][]accounts.Held{}
	for _, kind := range accounts.HeldKinds() {
		list, err := w.st.Held(w.t.Context(), accounts.HeldQuery{
			Kind: kind, User: accounts.UserID(user), Email: accounts.Email(email), Limit: 10000,
		})
		require.NoError(w.t, err)
		all[kind] = list
	}
	return all
}

// text tells everything that is stored of the estate, whosever it is.
func (w *world) text() string {
	w.t.Helper()
	ctx := w.t.Context()
	var b strings.Builder
	line := func(v any, err error) { fmt.Fprintf(&b, "%+v %v\n", v, err) }
	all := []string{"acme", "nova", "shop", "rest", "past", "shut", "orbit"}
	b.WriteString(w.dump([]string{"ann", "olga", "pia", "zoe"}, all))
	for _, id := range []string{"pia", "zoe"} {
		email := person(id).Email
		held := w.held(id, string(email))
		for _, kind := range accounts.HeldKinds() {
			line(kind, nil)
			for _, h := range held[kind] {
				line(h.Row, nil)
			}
		}
		line(w.st.Means(ctx, accounts.UserKey{ID: accounts.UserID(id)}))
		e, err := w.st.Entering(ctx, access.EnteringQuery{Email: email, Day: accounts.DayOf(start)})
		line(e.Guesses.Count, err)
		line(w.st.Ticket(ctx, access.TicketQuery{TicketKey: access.TicketKey{User: accounts.UserID(id), Purpose: token.Reset}}))
		line(w.st.Session(ctx, access.SessionKey{ID: accounts.SessionID("session-" + id)}))
		line(w.st.Challenge(ctx, passed(id, "an.action", "acme").ChallengeKey))
		line(w.st.Viewing(ctx, access.ViewKey{ID: accounts.ViewID("view-" + id)}))
		for _, k := range []accounts.ClientKey{record("past", "mine-"+id), record("shop", "known-"+id), record("acme", "shown-"+id)} {
			line(w.st.Recording(ctx, accounts.RecordingQuery{Account: k.Account, Client: k.ID, Email: email, Site: "one"}))
			f, err := w.st.SettingUp(ctx, invites.SettingUpQuery{ClientKey: k, Day: accounts.DayOf(start)})
			f.Holder = accounts.Means{} // told above
			line(f, err)
		}
	}
	for _, id := range all {
		a := accounts.AccountID(id)
		line(w.st.Members(ctx, accounts.MemberQuery{Account: a, Limit: 1000}))
		line(w.st.Events(ctx, accounts.EventQuery{Account: a, Limit: 1000}))
		line(w.st.Reachers(ctx, accounts.ReachersQuery{Account: a, Limit: 1000}))
		line(w.st.Invitations(ctx, invites.ListQuery{Account: a, At: start, Limit: 1000}))
		line(w.st.ClientRecords(ctx, accounts.ClientRecordQuery{Account: a, Limit: 1000}))
		line(w.st.Sites(ctx, accounts.SiteQuery{Account: a, Limit: 1000}))
		line(w.st.Clients(ctx, access.ClientsQuery{Agency: a, At: start, Limit: 1000}))
	}
	tx := w.st.Begin()
	defer func() { _ = tx.Rollback() }()
	for _, channel := range []mail.Channel{mail.Email, mail.SMS} {
		list, err := tx.Store().ClaimMail(ctx, mail.Claim{Channel: channel, At: start.Add(time.Hour), Lease: 1, Limit: 1000})
		require.NoError(w.t, err)
		for _, d := range list {
			// Words to somebody else are theirs, whomever they tell about.
			line([]string{d.Message.ID, d.Message.To, d.Message.ToName, string(d.Message.Reason)}, nil)
		}
	}
	return b.String()
}

// traces are the lines of the estate that have something personal of pia, or of
// zoe, in them: their name, address, phone, where they came from, or what was
// written to them.
func (w *world) traces(id string) []string {
	w.t.Helper()
	u := person(id)
	var list []string
	for line := range strings.Lines(w.text()) {
		low := strings.ToLower(line)
		if slices.ContainsFunc([]string{u.Name, u.Handle, u.Address, u.Phone, "hash-of-" + id, "subject-" + id, "browser of " + id, "net-of-" + id}, func(s string) bool {
			return strings.Contains(low, strings.ToLower(s))
		}) {
			list = append(list, line)
		}
	}
	return list
}
