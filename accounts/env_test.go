package accounts_test

import (
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/chatelaine-go/chatelaine/accounts"
	"github.com/chatelaine-go/chatelaine/mail"
	"github.com/chatelaine-go/chatelaine/roles"
	"github.com/chatelaine-go/chatelaine/storage/memory"
)

// An environment takes every default, and a bad option is refused by its name.
func TestNewEnv(t *testing.T) {
	t.Parallel()

	env, err := accounts.NewEnv(nil)
	require.NoError(t, err)
	require.Equal(t, accounts.DefaultLimits(), env.Limits())
	require.Same(t, roles.Standard(), env.Ladder())
	require.Equal(t, "Chatelaine", env.Product())
	require.Nil(t, env.Burst())
	require.NotNil(t, env.Logger())
	require.WithinDuration(t, time.Now(), env.Now(), time.Minute)
	require.Len(t, env.Secrets()(), 52)
	first, second := env.Secrets()(), env.Secrets()()
	require.NotEqual(t, first, second)
	require.Equal(t, "http://localhost:8080/accounts/a%2Fb/clients", env.Links().Clients("a/b"))

	env, err = accounts.NewEnv(&accounts.EnvOptions{BaseURL: "https://app.example/x/", GuideURL: "https://help.example/?a=1", Limits: accounts.Limits{RequestsPerDay: 3}})
	require.NoError(t, err)
	require.Equal(t, "https://app.example/x/access-requests/creq_A", env.Links().AccessRequest("creq_A"))
	require.Equal(t, "https://app.example/x/accounts/42/connections", env.Links().Connections("42"))
	require.Equal(t, "https://help.example/?a=1", env.Links().Guide())
	require.Equal(t, 3, env.Limits().RequestsPerDay)
	require.Equal(t, 7*24*time.Hour, env.Limits().RequestTTL)

	for want, o := range map[string]accounts.EnvOptions{
		"baseURL":               {BaseURL: "app.example"},
		"guideURL":              {GuideURL: "javascript:alert(1)"},
		"limits.requestsPerDay": {Limits: accounts.Limits{RequestsPerDay: -1}},
		"limits.retry":          {Limits: accounts.Limits{Retry: -1}},
		"limits.lastSeenEvery":  {Limits: accounts.Limits{LastSeenEvery: time.Hour}},
		"limits.triesMost":      {Limits: accounts.Limits{TriesFree: 5, TriesMost: 4}},
	} {
		_, err := accounts.NewEnv(&o)
		require.Equal(t, want, field(t, err))
	}
	for _, bad := range []string{"https://", "ftp://app.example", "https://user@app.example", "https://app.example/#x", "https://app.example/?q=1", "://", "https://a b"} {
		_, err := accounts.NewEnv(&accounts.EnvOptions{BaseURL: bad})
		require.Equal(t, "baseURL", field(t, err), bad)
	}
}

// Each number has a default, is taken from the options, and is refused by its
// own name when it is negative or does not fit the others.
func TestLimits(t *testing.T) {
	t.Parallel()

	limits := func(name string, set func(v reflect.Value)) (accounts.Limits, error) {
		o := accounts.EnvOptions{Limits: accounts.DefaultLimits()}
		set(reflect.ValueOf(&o.Limits).Elem().FieldByName(name))
		env, err := accounts.NewEnv(&o)
		if err != nil {
			return accounts.Limits{}, err
		}
		return env.Limits(), nil
	}
	all := reflect.TypeFor[accounts.Limits]()
	for i := range all.NumField() {
		name := all.Field(i).Name
		preset := reflect.ValueOf(accounts.DefaultLimits()).Field(i).Int()
		if name != "SetupStrict" { // off
			require.Positive(t, preset, name)
		}
		l, err := limits(name, func(v reflect.Value) { v.SetInt(0) })
		require.NoError(t, err)
		require.Equal(t, accounts.DefaultLimits(), l, name)
		_, err = limits(name, func(v reflect.Value) { v.SetInt(-1) })
		require.Equal(t, "limits."+strings.ToLower(name[:1])+name[1:], field(t, err))
		l, err = limits(name, func(v reflect.Value) { v.SetInt(preset + 1) })
		require.NoError(t, err)
		require.Equal(t, preset+1, reflect.ValueOf(l).Field(i).Int(), name)
	}
	for want, bad := range map[string]accounts.Limits{
		"limits.triesMost":     {TriesMost: 4},
		"limits.pageDefault":   {PageMax: 49},
		"limits.lastSeenEvery": {LastSeenEvery: 30 * time.Minute},
	} {
		_, err := accounts.NewEnv(&accounts.EnvOptions{Limits: bad})
		require.Equal(t, want, field(t, err))
	}
	_, err := accounts.NewEnv(&accounts.EnvOptions{Limits: accounts.Limits{TriesFree: 7, TriesMost: 7, PageDefault: 9, PageMax: 9}})
	require.NoError(t, err, "as many are enough")
}

// A page is never longer than the limit, also when none is asked for.
func TestEnv_page(t *testing.T) {
	t.Parallel()

	env := newWorld(t).env
	for given, want := range map[int]int{-1: 50, 0: 50, 1: 1, 500: 500, 501: 500, 1 << 40: 500} {
		require.Equal(t, want, env.Page(given))
	}
	env = newWorld(t, func(o *accounts.EnvOptions) { o.Limits.PageDefault, o.Limits.PageMax = 10, 20 }).env
	require.Equal(t, 10, env.Page(0))
	require.Equal(t, 20, env.Page(21))
	_, err := accounts.NewEnv(&accounts.EnvOptions{Limits: accounts.Limits{PageMax: 20}})
	require.Equal(t, "limits.pageDefault", field(t, err))
}

// A service needs a store, and takes every default without an environment.
func TestNew(t *testing.T) {
	t.Parallel()

	_, err := accounts.New(nil, nil)
	require.Equal(t, "store", field(t, err))
	svc, err := accounts.New(memory.New(), nil)
	require.NoError(t, err)
	_, err = svc.PutUser(t.Context(), job(), accounts.PutUser{ID: "1"})
	require.NoError(t, err)
	list, err := svc.Explain(t.Context(), accounts.Actor{})
	require.NoError(t, err)
	require.Empty(t, list)
}

// What goes into the audit as free text is one printable line of bounded
// length, whatever comes in (A107).
func TestActor_clipped(t *testing.T) {
	t.Parallel()

	hostile := " kim\r\n\x00\x1b[31m\u2028\u202e\u0085\xffä "
	for name, test := range map[string]struct {
		given accounts.Actor
		want  accounts.By
	}{
		"a job":                      {accounts.System(hostile), accounts.By{System: "kim[31mä"}},
		"a nameless job":             {accounts.System("\x00 \u2029"), accounts.By{System: "system"}},
		"an operator":                {accounts.Operator(hostile, hostile), accounts.By{Operator: "kim[31mä", Reason: "kim[31mä"}},
		"an operator without reason": {accounts.Operator("kim", " \n"), accounts.By{}},
		"nobody's reason":            {accounts.Operator("", "reason"), accounts.By{}},
		"a request id":               {accounts.Actor{}.WithRequestID(hostile), accounts.By{RequestID: "kim[31mä"}},
		"long": {
			accounts.Operator(strings.Repeat("ä", 65), strings.Repeat("b", 199)+" c").WithRequestID(strings.Repeat("ü", 65)),
			accounts.By{Operator: strings.Repeat("ä", 64), Reason: strings.Repeat("b", 199), RequestID: strings.Repeat("ü", 64)},
		},
	} {
		require.Equal(t, test.want, test.given.By(), name)
	}
	require.False(t, accounts.Operator("kim", "").Known())
	require.False(t, accounts.Actor{}.Known())
	require.True(t, accounts.System("").Known())
	require.True(t, job().IsSystem())
	require.True(t, staff().IsOperator())
	a := accounts.Admitted(accounts.Admission{User: "u", Epoch: 3, Proof: accounts.Proof{Login: 2}, Account: "acme"})
	require.Equal(t, []any{accounts.UserID("u"), int64(3), accounts.Proof{Login: 2}, accounts.AccountID("acme")}, []any{a.User(), a.Epoch(), a.Proof(), a.Account()})
}

// Text is refused by what is wrong with it, in characters and not in bytes;
// messages may have several lines.
func TestCheckText(t *testing.T) {
	t.Parallel()

	require.NoError(t, accounts.CheckText("name", strings.Repeat("ä", 10), 10))
	require.NoError(t, accounts.CheckMessage("message", "a\r\n\tb", 10))
	for given, why := range map[string]string{
		strings.Repeat("ä", 11): "longer than 10", strings.Repeat("a", 41): "longer than 10", "\xff": "not valid UTF-8",
		"a\x00": "control", "a\n": "control", "a\x7f": "control", "a\u0085": "control", "a\u2028": "control", "a\u2029b": "control",
	} {
		err := accounts.CheckText("name", given, 10)
		require.Equal(t, "name", field(t, err))
		require.ErrorContains(t, err, why, "%q", given)
	}
	require.Equal(t, "message", field(t, accounts.CheckMessage("message", "a\x1b", 10)))
	require.NoError(t, accounts.CheckLocale("pt-BR"))
	require.Equal(t, "locale", field(t, accounts.CheckLocale("pt_BR!")))
}

// Every error says what happened without repeating the input, and matches its
// kind.
func TestErrors(t *testing.T) {
	t.Parallel()

	for _, test := range []struct {
		given error
		is    error
		want  string
	}{
		{&accounts.InvalidError{Field: "name", Reason: "is missing"}, accounts.ErrInvalid, "chatelaine: name is missing"},
		{&accounts.TakenError{Field: "handle"}, accounts.ErrTaken, "chatelaine: handle is already taken"},
		{&accounts.ExpiredError{What: "request", At: start}, accounts.ErrExpired, "chatelaine: the request expired on 2 March 2026 10:00 UTC"},
		{&accounts.AmbiguousError{Field: "user", Candidates: make([]accounts.Candidate, 2)}, accounts.ErrInvalid, "chatelaine: user fits 2 people; name one by id, address or user name"},
	} {
		require.ErrorIs(t, test.given, test.is)
		require.EqualError(t, test.given, test.want)
		require.NotErrorIs(t, test.given, accounts.ErrNotFound)
	}
}

// A change is written in the order of its keys, and the caller's slices stay
// as they were.
func TestChange_sorted(t *testing.T) {
	t.Parallel()

	c := accounts.Change{
		Guards:      []accounts.Guard{{Account: "b"}, {Account: "a"}},
		Users:       []accounts.User{user("b"), user("a")},
		Identities:  []accounts.Identity{{Issuer: "b"}, {Issuer: "a", Subject: "2"}, {Issuer: "a", Subject: "1"}},
		Accounts:    []accounts.Account{account("b"), account("a")},
		Memberships: []accounts.Membership{member("b", "a", ""), member("a", "b", ""), member("a", "a", "")},
		Connections: []accounts.Connection{connection("b", "a", ""), connection("a", "b", "")},
		Assignments: []accounts.Assignment{assignment("a", "b", "b", ""), assignment("a", "b", "a", ""), assignment("a", "a", "c", "")},
		Spend:       []accounts.Spend{{QuotaKey: accounts.QuotaKey{Subject: "b"}}, {QuotaKey: accounts.QuotaKey{Subject: "a", Kind: "y"}}, {QuotaKey: accounts.QuotaKey{Subject: "a", Kind: "x", Day: 2}}},
		Replies:     []accounts.Reply{{ReplyKey: accounts.ReplyKey{Account: "b"}}, {ReplyKey: accounts.ReplyKey{Account: "a", Actor: "x", Key: "2"}}, {ReplyKey: accounts.ReplyKey{Account: "a", Actor: "x", Key: "1"}}},
		Events:      []accounts.Event{{Seq: 1}, {Seq: 2}},
		CancelMail:  []mail.Reason{"b", "a"},
		Mail:        []mail.Message{{ID: "b"}, {ID: "a"}},
	}
	s := c.Sorted()
	require.Equal(t, accounts.AccountID("b"), c.Guards[0].Account, "the caller's stays")
	require.Equal(t, accounts.UserID("b"), c.Users[0].ID)
	require.Equal(t, []accounts.Guard{{Account: "a"}, {Account: "b"}}, s.Guards)
	require.Equal(t, accounts.UserID("a"), s.Users[0].ID)
	require.Equal(t, []accounts.Identity{{Issuer: "a", Subject: "1"}, {Issuer: "a", Subject: "2"}, {Issuer: "b"}}, s.Identities)
	require.Equal(t, accounts.AccountID("a"), s.Accounts[0].ID)
	require.Equal(t, []accounts.UserID{"a", "b", "a"}, []accounts.UserID{s.Memberships[0].User, s.Memberships[1].User, s.Memberships[2].User})
	require.Equal(t, pair("a", "b"), s.Connections[0].ConnectionKey)
	require.Equal(t, []accounts.UserID{"c", "a", "b"}, []accounts.UserID{s.Assignments[0].User, s.Assignments[1].User, s.Assignments[2].User})
	require.Equal(t, []accounts.QuotaKind{"x", "y", ""}, []accounts.QuotaKind{s.Spend[0].Kind, s.Spend[1].Kind, s.Spend[2].Kind})
	require.Equal(t, []string{"1", "2", ""}, []string{s.Replies[0].Key, s.Replies[1].Key, s.Replies[2].Key})
	require.Equal(t, c.Events, s.Events)
	require.Equal(t, []mail.Reason{"a", "b"}, s.CancelMail)
	require.Equal(t, "a", s.Mail[0].ID)
}
