package sqlstore_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/chatelaine-go/chatelaine/accounts"
	"github.com/chatelaine-go/chatelaine/mail"
	"github.com/chatelaine-go/chatelaine/storage"
	"github.com/chatelaine-go/chatelaine/storage/internal/sqlstore"
)

// A dispatcher that looks for work seeks, for each priority of its channel, the
// first that is due and not leased, and those whose lease is over. It walks
// neither what is put off nor what others hold nor what was sent: only what it
// found is sorted (A85, A86).
func TestWrites_plans_of_claims(t *testing.T) {
	t.Parallel()
	f, s := newFixture(t), &spy{}
	_, err := sqlstore.NewWrites(s, f.D).ClaimMail(t.Context(), mail.Claim{Channel: mail.SMS, At: now, Lease: time.Minute, Limit: 10})
	require.NoError(t, err)
	require.NotRegexp(t, replanned, s.text)
	searched := map[string]int{}
	for _, step := range plan(t, f, &s.last) {
		require.NotContains(t, step, "AUTOMATIC")
		if what, is := strings.CutPrefix(step, "SCAN "); is {
			require.Contains(t, []string{"ranks", "due"}, what, "what was found, and nothing that is stored")
		}
		if _, how, is := strings.Cut(step, " INDEX "); is {
			searched[how]++
		}
	}
	require.Equal(t, map[string]int{
		"ch_mails_due (channel=?)":                                          1, // the first priority
		"ch_mails_due (channel=? AND priority>?)":                           1, // the next
		"ch_mails_due (channel=? AND priority=? AND due_at<?)":              1,
		"ch_mails_leased (channel=? AND leased_until>? AND leased_until<?)": 1,
	}, searched)
}

// Taking back mail seeks what was not sent because of a reason, and forgetting
// somebody what is for them. Neither walks what was sent to others, nor does what
// names a message (A87).
func TestWrites_plans_of_mail(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	for _, tt := range []struct {
		name  string
		given func(c *sqlstore.Change)
		want  []string
	}{
		{"a reason is taken back by the index of what was not sent", func(c *sqlstore.Change) {
			c.CancelMail = []mail.Reason{"account/4"}
		}, []string{"SEARCH ch_mails USING INDEX ch_mails_unsent (reason>? AND reason<?)"}},
		{"a bounce is found by its message", func(c *sqlstore.Change) {
			c.Bounced = []mail.Bounce{{ID: "m"}}
		}, []string{"SEARCH ch_mails USING PRIMARY KEY (id=?)"}},
		{"a dead message is found by its id", func(c *sqlstore.Change) {
			c.Requeue = []string{"m"}
		}, []string{"SEARCH ch_mails USING PRIMARY KEY (id=?)"}},
		{"mail of somebody who is forgotten is found by the user", func(c *sqlstore.Change) {
			c.Forget = []accounts.Forget{{User: "u"}}
		}, []string{
			"SEARCH ch_mails USING INDEX ch_mails_user (user_id=?)",
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			c := least()
			tt.given(&c)
			texts, err := sqlstore.Texts(writes(), c, false)
			require.NoError(t, err)
			var steps []string
			for _, text := range texts {
				text = strings.ReplaceAll(text, "p_", "ch_")
				if strings.Contains(text, "ch_mails ") {
					steps = append(steps, plan(t, f, &last{text: text, args: make([]any, strings.Count(text, "?"))})...)
				}
			}
			require.Equal(t, tt.want, steps)
		})
	}
}

// A sweep of mail reads what it erases, and what somebody has a lease of: neither
// what waits for its time, nor what was swept before (A92).
func TestWrites_plans_of_sweeps(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		before storage.SweepBefore
		want   []string
	}{
		{storage.SweepBefore{Texts: now}, []string{
			"INDEX ch_mails_words (not_after>? AND not_after<?)", "INDEX ch_mails_waiting (not_after>? AND not_after<?)",
		}},
		{storage.SweepBefore{Mail: now}, []string{"INDEX ch_mails_settled (settled_at>? AND settled_at<?)"}},
	} {
		f, s := newFixture(t), &spies{}
		_, err := sqlstore.NewWrites(s, f.D).Sweep(t.Context(), tt.before, 0)
		require.NoError(t, err)
		require.Len(t, s.all, len(tt.want))
		for i := range s.all {
			all := strings.Join(plan(t, f, &s.all[i]), "\n")
			require.Contains(t, all, tt.want[i])
			require.NotRegexp(t, "SCAN|ORDER BY", all)
		}
	}
}

// spies keeps every statement.
type spies struct {
	spy
	all []last
}

func (s *spies) Apply(_ context.Context, steps []sqlstore.Step) ([]int64, error) {
	for _, x := range steps {
		s.all = append(s.all, last{text: x.Stmt.Text, args: x.Args})
	}
	return make([]int64, len(steps)), nil
}
