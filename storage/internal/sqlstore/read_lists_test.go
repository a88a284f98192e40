package sqlstore_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/chatelaine-go/chatelaine/accounts"
	"github.com/chatelaine-go/chatelaine/mail"
	"github.com/chatelaine-go/chatelaine/roles"
)

func TestReads_Members(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.account(t, "a", nil)
	f.account(t, "b", nil)
	for _, u := range []struct{ id, name, handle, label string }{
		{"1", "Zoë 100%", "", "zoë 100%"},
		{"2", "", "Ann_B", "ann_b"},
		{"3", "Bob", "bobby", "bob"},
		{"4", "Bob", "", "bob"},
		{"5", "Gone", "", "gone"},
		{"6", "Else", "", "else"},
	} {
		f.user(t, u.id, row{"name": u.name, "handle": u.handle, "handle_key": strings.ToLower(u.handle), "label_key": u.label})
	}
	for _, id := range []string{"1", "2", "3", "4"} {
		f.member(t, "a", id, "viewer", nil)
	}
	f.set(t, "memberships SET suspended_at = 1 WHERE user_id = '4'")
	f.member(t, "a", "5", "viewer", row{"ended_at": 1})
	f.member(t, "b", "6", "viewer", nil)

	ids := func(q accounts.MemberQuery) string {
		q.Account = "a"
		got, err := f.Members(t.Context(), q)
		require.NoError(t, err)
		var b strings.Builder
		for _, m := range got {
			require.Equal(t, m.User.ID, m.Membership.User)
			require.Equal(t, accounts.AccountID("a"), m.Membership.Account)
			b.WriteString(string(m.User.ID))
		}
		return b.String()
	}
	require.Equal(t, "2341", ids(accounts.MemberQuery{}), "by label, then id; ended ones are none")
	require.Equal(t, "23", ids(accounts.MemberQuery{Limit: 2}))
	require.Equal(t, "41", ids(accounts.MemberQuery{After: accounts.MemberCursor{NameKey: "bob", User: "3"}}))
	for search, want := range map[string]string{
		"BO": "34", "bobby": "3", "4@exam": "4", "  ann_b ": "2", "100%": "1", "%": "1", "_": "2", "n_b": "2", "n%b": "",
		"!": "", `\`: "", "'": "", "' OR 1=1 --": "", "ZOË": "1", strings.Repeat("x", 60_000): "", "gone": "", "else": "",
	} {
		require.Equal(t, want, ids(accounts.MemberQuery{Search: search}), "A104: %.20q is text and no pattern", search)
	}
	for name, x := range map[string]struct {
		match accounts.MemberRef
		want  string
	}{
		"id":      {accounts.MemberRef{ID: "3"}, "3"},
		"address": {accounts.MemberRef{Email: "4@example.com"}, "4"},
		"handle":  {accounts.MemberRef{Handle: "ann_b"}, "2"},
		"name":    {accounts.MemberRef{NameKey: "bob"}, "34"},
		"any":     {accounts.MemberRef{ID: "1", NameKey: "bob"}, "341"},
		"a label that is a user name is no display name": {accounts.MemberRef{NameKey: "ann_b"}, ""},
		"a part of a name":   {accounts.MemberRef{NameKey: "bo"}, ""},
		"an ended member":    {accounts.MemberRef{ID: "5"}, ""},
		"a stranger":         {accounts.MemberRef{ID: "6", Email: "6@example.com"}, ""},
		"an unfilled handle": {accounts.MemberRef{ID: "9"}, ""},
	} {
		require.Equal(t, x.want, ids(accounts.MemberQuery{Match: x.match}), name)
	}
	require.Equal(t, "4", ids(accounts.MemberQuery{
		Match: accounts.MemberRef{NameKey: "bob"}, After: accounts.MemberCursor{NameKey: "bob", User: "3"},
	}))
}

func TestReads_Connections(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.agency(t, "agency", nil)
	f.agency(t, "other", nil)
	for _, id := range []string{"c1", "c2", "c3", "c4", "c5"} {
		f.account(t, id, nil)
		f.connect(t, id, "agency", "admin", nil)
	}
	f.set(t, "connections SET client_key = 'a'||client_id WHERE client_id = 'c3'")
	f.set(t, "connections SET ended_at = 1 WHERE client_id = 'c4'")
	f.set(t, "connections SET agency_epoch = 2 WHERE client_id = 'c5'")
	f.connect(t, "c1", "other", "viewer", row{"agency_key": "aaa"})

	ids := func(q accounts.ConnectionQuery) string {
		got, err := f.Connections(t.Context(), q)
		require.NoError(t, err)
		var b strings.Builder
		for _, c := range got {
			if q.Agency != "" {
				require.Equal(t, q.Agency, c.Connection.Agency)
				require.Equal(t, c.Other.ID, c.Connection.Client)
			} else {
				require.Equal(t, q.Client, c.Connection.Client)
				require.Equal(t, c.Other.ID, c.Connection.Agency)
			}
			require.Equal(t, "Firm "+string(c.Other.ID), c.Other.Name)
			b.WriteString(string(c.Other.ID) + " ")
		}
		return b.String()
	}
	require.Equal(t, "c3 c1 c2 ", ids(accounts.ConnectionQuery{Agency: "agency"}), "those that ended or rest on an old epoch are none")
	require.Equal(t, "c1 ", ids(accounts.ConnectionQuery{Agency: "agency", Limit: 1, After: accounts.ConnectionCursor{NameKey: "ac3", Account: "c3"}}))
	require.Equal(t, "c2 ", ids(accounts.ConnectionQuery{Agency: "agency", Search: "M C2"}))
	require.Empty(t, ids(accounts.ConnectionQuery{Agency: "agency", Search: "_"}), "A104: a wildcard is text")
	require.Equal(t, "other agency ", ids(accounts.ConnectionQuery{Client: "c1"}))
	require.Equal(t, "agency ", ids(accounts.ConnectionQuery{Client: "c1", After: accounts.ConnectionCursor{NameKey: "aaa", Account: "other"}}))
	require.Equal(t, "agency ", ids(accounts.ConnectionQuery{Client: "c1", Search: "firm"}))
	require.Empty(t, ids(accounts.ConnectionQuery{Client: "agency"}))
	f.set(t, "accounts SET suspended_at = 1 WHERE id = 'other'")
	require.Equal(t, "agency ", ids(accounts.ConnectionQuery{Client: "c1"}))
	for _, q := range []accounts.ConnectionQuery{{}, {Client: "c1", Agency: "agency"}} {
		got, err := f.Connections(t.Context(), q)
		require.Error(t, err)
		require.Nil(t, got)
	}
}

// A client reads all that was done in its account, and an agency what was done
// with it as the agency: each event once, and nobody else's (A108).
func TestReads_Events(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	event := func(op string, seq, when int64, account, agency, kind string, more row) {
		f.put(t, "events", row{"op": op, "seq": seq, "at": when, "account_id": account, "agency_id": agency, "kind": kind}.with(more))
	}
	event("o1", 1, 10, "a", "", "k1", row{"user_id": "ann"})
	event("o1", 2, 10, "a", "g", "k2", nil)
	event("o2", 1, 10, "b", "a", "k3", row{"by_user": "ann"})
	event("o3", 1, 20, "a", "a", "k1", nil)
	event("o4", 1, 30, "b", "g", "k1", nil)
	event("o5", 1, 5, "c", "a", "k4", nil)
	event("o6", 1, 5, "", "", "k1", nil)
	f.put(t, "events", row{
		"op": "full", "seq": 3, "at": us(at(1)), "kind": "kind", "account_id": "x", "agency_id": "y", "user_id": "u",
		"request_id": "r", "invitation_id": "i", "session_id": "s", "mail_id": "ml", "role": "admin", "was": "viewer", "action": "act", "refusal": "no", "by_user": "bu",
		"by_session": "bs", "by_system": "by", "by_operator": "bo", "by_reason": "br", "by_request": "bq",
	})
	ops := func(q accounts.EventQuery) string {
		got, err := f.Events(t.Context(), q)
		require.NoError(t, err)
		var b strings.Builder
		for _, e := range got {
			fmt.Fprintf(&b, "%s.%d ", e.Op, e.Seq)
		}
		return b.String()
	}
	require.Equal(t, "o3.1 o2.1 o1.2 o1.1 o5.1 ", ops(accounts.EventQuery{Account: "a"}))
	require.Equal(t, "o4.1 o1.2 ", ops(accounts.EventQuery{Account: "g"}))
	require.Equal(t, "o4.1 o2.1 ", ops(accounts.EventQuery{Account: "b"}))
	require.Empty(t, ops(accounts.EventQuery{}), "events of no account are in nobody's audit")
	require.Equal(t, "o3.1 o2.1 ", ops(accounts.EventQuery{Account: "a", Limit: 2}))
	require.Equal(t, "o2.1 o1.1 ", ops(accounts.EventQuery{Account: "a", User: "ann"}))
	require.Equal(t, "o3.1 o1.1 ", ops(accounts.EventQuery{Account: "a", Kinds: []accounts.EventKind{"k1"}}))
	require.Equal(t, "o3.1 o1.1 o5.1 ", ops(accounts.EventQuery{Account: "a", Kinds: []accounts.EventKind{"k1", "k4", "none"}}))
	require.Equal(t, "o1.1 ", ops(accounts.EventQuery{Account: "a", Kinds: []accounts.EventKind{"k1", "k4"}, User: "ann"}))
	all, err := f.Events(t.Context(), accounts.EventQuery{Account: "a"})
	require.NoError(t, err)
	for i := range all {
		page, err := f.Events(t.Context(), accounts.EventQuery{Account: "a", Before: all[i].Cursor()})
		require.NoError(t, err)
		require.Equal(t, append([]accounts.Event(nil), all[i+1:]...), page, "the page behind event %d", i)
	}

	full, err := f.Events(t.Context(), accounts.EventQuery{Account: "x"})
	require.NoError(t, err)
	require.Equal(t, []accounts.Event{{
		Op: "full", Seq: 3, At: at(1), Kind: "kind", Account: "x", Agency: "y", User: "u", Request: "r", Invitation: "i", Session: "s",
		Mail: "ml", Role: roles.Admin, Was: roles.Viewer, Action: "act", Refusal: "no",
		By: accounts.By{User: "bu", Session: "bs", System: "by", Operator: "bo", Reason: "br", RequestID: "bq"},
	}}, full)
}

func TestReads_Applied(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.put(t, "events", row{"op": "done", "seq": 1})
	for op, want := range map[accounts.OpID]bool{"done": true, "Done": false, "don": false, "": false} {
		got, err := f.Applied(t.Context(), op)
		require.NoError(t, err)
		require.Equal(t, want, got, op)
	}
}

func TestReads_Mails(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	for i, m := range []struct{ id, account, to, reason, state string }{
		{"1", "a", "x@example.com", "agency/4", "queued"},
		{"2", "a", "y@example.com", "agency/4/request/7", "sent"},
		{"3", "b", "x@example.com", "agency/42", "queued"},
		{"4", "b", "y@example.com", "", "dead"},
	} {
		f.put(t, "mails", row{
			"id": m.id, "channel": "sms", "kind": "k", "account_id": m.account, "recipient": m.to, "reason": m.reason, "state": m.state,
			"subject": "secret", "body": "secret", "priority": 1, "attempts": i, "due_at": us(at(1)), "not_after": us(at(2)),
			"created_at": us(at(3)), "settled_at": us(at(4)), "error": "e",
		})
	}
	ids := func(q mail.Query) string {
		got, err := f.Mails(t.Context(), q)
		require.NoError(t, err)
		var b strings.Builder
		for _, m := range got {
			b.WriteString(m.ID)
		}
		return b.String()
	}
	require.Equal(t, "1234", ids(mail.Query{}))
	require.Equal(t, "34", ids(mail.Query{After: "2"}))
	require.Equal(t, "23", ids(mail.Query{After: "1", Limit: 2}))
	require.Equal(t, "13", ids(mail.Query{State: mail.Queued}))
	require.Equal(t, "3", ids(mail.Query{State: mail.Queued, After: "1"}))
	require.Equal(t, "13", ids(mail.Query{To: "x@example.com"}))
	require.Equal(t, "12", ids(mail.Query{Account: "a"}))
	require.Equal(t, "12", ids(mail.Query{Reason: "agency/4"}), "a reason covers whole levels")
	require.Equal(t, "2", ids(mail.Query{Reason: "agency/4/request"}))
	require.Equal(t, "1", ids(mail.Query{Reason: "agency/4", State: mail.Queued, To: "x@example.com", Account: "a"}))
	require.Empty(t, ids(mail.Query{Reason: "agency/%"}))

	got, err := f.Mails(t.Context(), mail.Query{After: "3"})
	require.NoError(t, err)
	require.Equal(t, []mail.Record{{
		ID: "4", Channel: mail.SMS, Kind: "k", Account: "b", To: "y@example.com", Priority: mail.Notice, State: mail.Dead, Attempts: 3,
		Due: at(1), NotAfter: at(2), CreatedAt: at(3), SettledAt: at(4), Error: "e",
	}}, got)
}
