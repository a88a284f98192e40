package access_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/chatelaine-go/chatelaine/access"
	"github.com/chatelaine-go/chatelaine/access/limit"
	"github.com/chatelaine-go/chatelaine/accounts"
	"github.com/chatelaine-go/chatelaine/roles"
)

func TestSplitAddresses(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name  string
		given string
		want  []string
	}{
		{"nothing is no address", "", nil},
		{"separators alone are no address", " ,;\n\r\n\t, ", nil},
		{"one address is itself", "a@x.example", []string{"a@x.example"}},
		{"commas separate", "a@x.example,b@x.example, c@x.example", []string{"a@x.example", "b@x.example", "c@x.example"}},
		{"semicolons separate", "a@x.example; b@x.example;c@x.example", []string{"a@x.example", "b@x.example", "c@x.example"}},
		{
			"line breaks of every system separate", "a@x.example\nb@x.example\r\nc@x.example\rd@x.example",
			[]string{"a@x.example", "b@x.example", "c@x.example", "d@x.example"},
		},
		{"a trailing comma adds nothing", "a@x.example,", []string{"a@x.example"}},
		{"leading and doubled separators add nothing", ",,a@x.example;;,\n,b@x.example", []string{"a@x.example", "b@x.example"}},
		{"spaces between whole addresses separate", "a@x.example b@x.example\tc@x.example", []string{"a@x.example", "b@x.example", "c@x.example"}},
		{"wide spaces separate too", "a@x.example\u00a0b@x.example\u3000c@x.example", []string{"a@x.example", "b@x.example", "c@x.example"}},
		{"spaces around an address are no part of it", "   a@x.example \t", []string{"a@x.example"}},
		{"a display name stays with its address", "Ada Berg <ada@x.example>, b@x.example", []string{"Ada Berg <ada@x.example>", "b@x.example"}},
		{"words are kept together, to be refused as one", "please ask ada", []string{"please ask ada"}},
		{"a sentence is not cut at its spaces", "a@x.example and b@x.example", []string{"a@x.example and b@x.example"}},
		{"an @ that stands alone is no whole address", "a @ x.example", []string{"a @ x.example"}},
		{"repeats are kept", "a@x.example,a@x.example", []string{"a@x.example", "a@x.example"}},
		{
			"mixtures work", "a@x.example b@x.example;\n Ada <c@x.example> ,d@x.example,",
			[]string{"a@x.example", "b@x.example", "Ada <c@x.example>", "d@x.example"},
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			require.Equal(t, tt.want, access.SplitAddresses(tt.given))
		})
	}
}

func FuzzSplitAddresses(f *testing.F) {
	for _, s := range []string{"", "a@x.example, b@x.example", "a@x b@y", "Ada <a@x>", "\xff@\x00,;\u2028", "@ @@ ,@"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		pieces := access.SplitAddresses(s)
		for _, p := range pieces {
			if p == "" || p != strings.TrimSpace(p) || strings.ContainsAny(p, ",;\r\n") {
				t.Fatalf("%q has the piece %q", s, p)
			}
		}
		again := access.SplitAddresses(strings.Join(pieces, ","))
		if fmt.Sprintf("%q", again) != fmt.Sprintf("%q", pieces) {
			t.Fatalf("%q splits into %q and then into %q", s, pieces, again)
		}
	})
}

// Every piece of whatever is pasted gets an answer, in its place, and nothing
// panics (A82).
func FuzzBatch(f *testing.F) {
	for _, s := range []string{"", "a@x.example, A@X.example, oops", "a@x.example b@y.example", "\xff,\u202e@x.example", strings.Repeat("a@x.example,", 40)} {
		f.Add(s)
	}
	w := newWorld(f)
	mia := w.as("mia", "north")
	f.Fuzz(func(t *testing.T, s string) {
		pieces := access.SplitAddresses(s)
		out, err := w.requests.Preview(t.Context(), mia, access.Batch{Agency: "north", Addresses: s})
		if len(pieces) == 0 || len(pieces) > 1000 {
			require.ErrorIs(t, err, accounts.ErrInvalid)
			return
		}
		require.NoError(t, err)
		require.Len(t, out.Answers, len(pieces))
		for i, a := range out.Answers {
			require.NotEmpty(t, a.Outcome)
			require.Equal(t, a.Outcome == access.Invalid, a.Email == "", pieces[i])
			require.Equal(t, a.Outcome == access.Invalid, a.Reason != "", pieces[i])
		}
	})
}

// A batch answers for each address, in the order given, and drops nothing
// (A82).
//
//nolint:paralleltest // its subtests are steps of one story
func TestRequests_Send_Answers(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	pending := w.send("pending@example.com")
	w.connect("willow", roles.Manager)
	for range 5 {
		w.clock.Add(time.Minute)
		for _, by := range []struct {
			user   accounts.UserID
			agency accounts.AccountID
		}{{"sue", "south"}} {
			out := w.batch(by.user, by.agency, "busy@example.com")
			require.NoError(t, w.requests.Withdraw(t.Context(), w.as(by.user, by.agency), by.agency, out.Answers[0].Request))
		}
	}
	midnight := time.Date(2026, time.March, 3, 0, 0, 0, 0, time.UTC)

	in := "new@example.com; New@EXAMPLE.com, pending@example.com\ncleo@example.com,vic@example.com,busy@example.com,oops," +
		"Ada <ada@example.com>, other@bücher.example OTHER@xn--bcher-kva.example,"
	out := w.batch("mia", "north", in)
	type line struct {
		Input   string
		Email   accounts.Email
		Outcome access.Outcome
	}
	var got []line
	for _, a := range out.Answers {
		got = append(got, line{a.Input, a.Email, a.Outcome})
	}
	require.Equal(t, []line{
		{"new@example.com", "new@example.com", access.Sent},
		{"New@EXAMPLE.com", "new@example.com", access.Repeated},
		{"pending@example.com", "pending@example.com", access.AlreadyPending},
		{"cleo@example.com", "cleo@example.com", access.AlreadyConnected},
		{"vic@example.com", "vic@example.com", access.Own},
		{"busy@example.com", "busy@example.com", access.RecipientLimit},
		{"oops", "", access.Invalid},
		{"Ada <ada@example.com>", "", access.Invalid},
		{"other@bücher.example", "other@xn--bcher-kva.example", access.Sent},
		{"OTHER@xn--bcher-kva.example", "other@xn--bcher-kva.example", access.Repeated},
	}, got)
	require.Equal(t, 2, out.Sent)
	require.Equal(t, 35-2-2, out.Left)
	require.Equal(t, midnight, out.ResetAt)
	require.Equal(t, pending, out.Answers[2].Request)
	require.Equal(t, midnight, out.Answers[5].ResetAt)
	require.Equal(t, "has no @", out.Answers[6].Reason)
	require.Equal(t, out.Answers[0].Request, w.stored(out.Answers[0].Request).Request.ID)
	require.Equal(t, access.Pending, w.state(out.Answers[8].Request))
	require.Equal(t, "other@bücher.example", w.stored(out.Answers[8].Request).Request.Address, "the form as typed is kept for display")

	t.Run("another account of somebody connected is asked for when that is said", func(t *testing.T) {
		again, err := w.requests.Send(t.Context(), w.as("mia", "north"), access.Batch{Agency: "north", Addresses: "cleo@example.com", Another: true})
		require.NoError(t, err)
		require.Equal(t, access.Sent, again.Answers[0].Outcome)
	})

	t.Run("who left the agency is asked like anybody", func(t *testing.T) {
		require.NoError(t, w.svc.RemoveMember(t.Context(), w.as("ann", "north"), "north", "vic"))
		require.Equal(t, access.Sent, w.batch("mia", "north", "vic@example.com").Answers[0].Outcome)
	})
}

// What an agency learns by asking is the same for people who are known, known
// elsewhere, suspended or unknown, and so is the mail (A28, D11).
func TestRequests_Send_DisclosesNobody(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	require.NoError(t, w.svc.SuspendUser(t.Context(), accounts.Operator("help", "abuse"), "eve"))
	out := w.batch("mia", "north", "cleo@example.com,nobody@example.com,eve@example.com,sue@example.com")
	w.flush()
	for _, a := range out.Answers {
		require.Equal(t, access.Answer{Input: a.Input, Email: a.Email, Outcome: access.Sent, Request: a.Request}, a)
	}
	plain := func(address string) string {
		m, ok := w.inbox.Last(address)
		require.True(t, ok)
		require.Empty(t, m.ToName)
		return m.Subject + "\n" + strings.ReplaceAll(m.Text, w.link(address), "LINK")
	}
	for _, a := range out.Answers {
		require.Equal(t, plain("nobody@example.com"), plain(string(a.Email)))
	}
	require.Contains(t, plain("nobody@example.com"), "Mia at Northlight asks for access")
}

func TestRequests_Send_Refusals(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name  string
		by    accounts.UserID
		given access.Batch
		want  error
	}{
		{"an author may not ask", "vic", access.Batch{}, roles.ErrDenied},
		{"no address is no batch", "mia", access.Batch{Addresses: " ,\n"}, accounts.ErrInvalid},
		{"more than a thousand addresses are refused as a whole", "mia", access.Batch{Addresses: strings.Repeat("x,", 1001)}, accounts.ErrInvalid},
		{"a message of 1,001 characters is refused", "mia", access.Batch{Message: strings.Repeat("ü", 1001)}, accounts.ErrInvalid},
		{"a message with a control character is refused", "mia", access.Batch{Message: "a\x00b"}, accounts.ErrInvalid},
		{"a level of no ladder is refused", "mia", access.Batch{Level: "boss"}, accounts.ErrInvalid},
		{"Owner is out of an agency's reach", "mia", access.Batch{Level: roles.Owner}, accounts.ErrInvalid},
		{"a language that is none is refused", "mia", access.Batch{Locale: "../en"}, accounts.ErrInvalid},
		{"a key with spaces is refused", "mia", access.Batch{Key: "a b"}, accounts.ErrInvalid},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			in := tt.given
			in.Agency = "north"
			if in.Addresses == "" {
				in.Addresses = "a@example.com"
			}
			actor := w.as(tt.by, "north")
			_, err := w.requests.Preview(t.Context(), actor, in)
			if in.Key == "" { // a preview ignores it
				require.ErrorIs(t, err, tt.want)
			}
			require.Empty(t, w.refusals(), "a preview writes nothing")
			out, err := w.requests.Send(t.Context(), actor, in)
			require.ErrorIs(t, err, tt.want)
			require.Zero(t, out)
			require.Zero(t, w.used())
			require.Zero(t, w.flush())
		})
	}

	t.Run("a message of exactly 1,000 characters is sent", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t)
		out, err := w.requests.Send(t.Context(), w.as("mia", "north"), access.Batch{
			Agency: "north", Addresses: "a@example.com", Message: strings.Repeat("ü", 1000), Level: roles.Admin, Locale: "de-AT",
		})
		require.NoError(t, err)
		require.Equal(t, 1, out.Sent)
	})

	t.Run("an account that is no agency, or has client access disabled, may not ask", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t)
		in := access.Batch{Agency: "elm", Addresses: "a@example.com"}
		_, err := w.requests.Send(t.Context(), w.as("eve", "elm"), in)
		require.ErrorIs(t, err, accounts.ErrInvalid)
		require.ErrorContains(t, err, "has not joined the agency programme")
		require.NoError(t, w.svc.JoinProgramme(t.Context(), w.as("eve", "elm"), "elm"))
		_, err = w.requests.Send(t.Context(), w.as("eve", "elm"), in)
		require.ErrorContains(t, err, "has client access disabled")
	})

	t.Run("nobody, strangers and delegates may not ask in an agency's name", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t)
		in := access.Batch{Agency: "north", Addresses: "a@example.com"}
		_, err := w.requests.Send(t.Context(), accounts.Actor{}, in)
		require.ErrorIs(t, err, roles.ErrDenied)
		_, err = w.requests.Send(t.Context(), job, in)
		require.ErrorIs(t, err, roles.ErrDenied, "a job signs nobody's requests")
		_, err = w.requests.Send(t.Context(), w.principal(w.login("eve"), "").Actor(), in)
		require.ErrorIs(t, err, accounts.ErrNotFound)
		require.Contains(t, w.refusals(), "request.sent at north by eve: outsider")
	})
}

// An agency near its limit sends what fits, never more, and every address is
// told what became of it (A79, A82, I-14).
func TestRequests_Send_DailyLimit(t *testing.T) {
	t.Parallel()
	var list []string
	for i := range 40 {
		list = append(list, fmt.Sprintf("p%02d@example.com", i))
	}

	t.Run("of forty, thirty-five are sent and five are told when it opens again", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t)
		out := w.batch("mia", "north", strings.Join(list, ","))
		for i, a := range out.Answers {
			want := access.Sent
			if i >= 35 {
				want = access.OverLimit
				require.Equal(t, out.ResetAt, a.ResetAt)
				require.Empty(t, a.Request)
			}
			require.Equal(t, want, a.Outcome, a.Input)
		}
		require.Equal(t, 35, out.Sent)
		require.Zero(t, out.Left)
		require.Equal(t, 35, w.used())
		require.Equal(t, 35, w.flush().Sent)
		require.Equal(t, []string{"request.sent at north by mia: quota"}, w.refusals())

		more := w.batch("ann", "north", "more@example.com")
		require.Equal(t, access.OverLimit, more.Answers[0].Outcome, "the limit is the agency's, not the user's")
		require.Equal(t, access.Sent, w.batch("sue", "south", "more@example.com").Answers[0].Outcome, "another agency has its own")
	})

	t.Run("addresses that are not sent take no place", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t)
		w.batch("mia", "north", strings.Join(list[:34], ","))
		out := w.batch("mia", "north", "oops,ann@example.com,p00@example.com,last@example.com,last@example.com,late@example.com")
		var got []access.Outcome
		for _, a := range out.Answers {
			got = append(got, a.Outcome)
		}
		require.Equal(t, []access.Outcome{
			access.Invalid, access.Own, access.AlreadyPending, access.Sent, access.Repeated, access.OverLimit,
		}, got)
	})

	t.Run("it opens again at midnight UTC, and not a microsecond before", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t)
		out := w.batch("mia", "north", strings.Join(list, ","))
		w.clock.Set(out.ResetAt.Add(-time.Microsecond))
		require.Equal(t, access.OverLimit, w.batch("mia", "north", "late@example.com").Answers[0].Outcome)
		w.clock.Set(out.ResetAt)
		again := w.batch("mia", "north", strings.Join(list[35:], ","))
		require.Equal(t, 5, again.Sent)
		require.Equal(t, 30, again.Left)
	})

	t.Run("the zone of the clock moves no midnight", func(t *testing.T) { // A102
		t.Parallel()
		w := newWorld(t)
		w.batch("mia", "north", strings.Join(list, ","))
		w.clock.Set(start().Add(10 * time.Hour).In(time.FixedZone("far east", 14*3600))) // the next day there
		require.Equal(t, access.OverLimit, w.batch("mia", "north", "late@example.com").Answers[0].Outcome)
	})
}

// The same idempotency key and input give the same answer and one effect;
// other input is an error without effect; another actor's key is another key
// (A82, A97, I-27).
//
//nolint:paralleltest // its subtests are steps of one story
func TestRequests_Send_Key(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	mia := w.as("mia", "north")
	in := access.Batch{Agency: "north", Addresses: "a@example.com, oops, a@example.com", Key: "key"}
	first, err := w.requests.Send(t.Context(), mia, in)
	require.NoError(t, err)
	again, err := w.requests.Send(t.Context(), w.as("mia", "north"), in)
	require.NoError(t, err)
	require.Equal(t, first, again)
	require.Equal(t, []string{"a@example.com", "oops", "a@example.com"}, []string{again.Answers[0].Input, again.Answers[1].Input, again.Answers[2].Input})
	require.Equal(t, 1, w.used())
	require.Equal(t, 1, w.count(access.EventRequestSent))
	kept, err := w.st.Reply(t.Context(), accounts.ReplyKey{Actor: "user/mia", Account: "north", Key: "key"})
	require.NoError(t, err)
	require.NotContains(t, string(kept.Answer), "example", "what is kept names nobody, so that nothing is left of who is forgotten (A76)")
	require.NotContains(t, string(kept.Answer), "oops")

	other := in
	other.Addresses = "b@example.com"
	_, err = w.requests.Send(t.Context(), mia, other)
	require.ErrorIs(t, err, accounts.ErrKeyReused)
	require.Equal(t, 1, w.used())

	out, err := w.requests.Send(t.Context(), w.as("max", "north"), other)
	require.NoError(t, err)
	require.Equal(t, 1, out.Sent)

	t.Run("a kept answer is no way in for somebody who lost the right", func(t *testing.T) { // I-09, I-19
		require.NoError(t, w.svc.ChangeRole(t.Context(), w.as("ann", "north"), "north", "mia", roles.Author))
		_, err := w.requests.Send(t.Context(), w.as("mia", "north"), in)
		require.ErrorIs(t, err, roles.ErrDenied)
		require.NoError(t, w.svc.ChangeRole(t.Context(), w.as("ann", "north"), "north", "mia", roles.Manager))
	})

	t.Run("after 24 hours the key is new", func(t *testing.T) {
		w.clock.Add(day)
		out, err := w.requests.Send(t.Context(), w.as("mia", "north"), in)
		require.NoError(t, err)
		require.Equal(t, access.AlreadyPending, out.Answers[0].Outcome)
	})
}

// A preview answers what a sending would, and changes nothing.
func TestRequests_Preview_EqualsSend(t *testing.T) {
	t.Parallel()
	people := []string{
		"a@example.com", "b@example.com", "c@example.com", "d@example.com", "cleo@example.com", "vic@example.com", "oops", "A@Example.com",
	}
	rapid.Check(t, func(t *rapid.T) {
		few := func(o *accounts.EnvOptions) { o.Limits = accounts.Limits{RequestsPerDay: 4, MailsPerRecipient: 2} }
		w := newWorld(t, few)
		w.connect("willow", roles.Admin)
		var sent []accounts.RequestID
		for range rapid.IntRange(0, 6).Draw(t, "steps") {
			switch rapid.IntRange(0, 3).Draw(t, "step") {
			case 0:
				w.clock.Add(time.Duration(rapid.IntRange(1, 200).Draw(t, "hours")) * time.Hour)
			case 1:
				if len(sent) > 0 {
					id := rapid.SampledFrom(sent).Draw(t, "request")
					_ = w.requests.Withdraw(w.Context(), w.as("mia", "north"), "north", id)
				}
			default:
				for _, a := range w.batch("max", "north", rapid.SampledFrom(people[:4]).Draw(t, "earlier")).Answers {
					if a.Outcome == access.Sent {
						sent = append(sent, a.Request)
					}
				}
			}
		}
		list := rapid.SliceOfN(rapid.SampledFrom(people), 1, 9).Draw(t, "batch")
		in := access.Batch{Agency: "north", Addresses: strings.Join(list, ", "), Another: rapid.Bool().Draw(t, "another")}
		mia := w.as("mia", "north")

		was := w.dump()
		seen, err := w.requests.Preview(w.Context(), mia, in)
		require.NoError(t, err)
		require.Equal(t, was, w.dump(), "a preview changes nothing")
		done, err := w.requests.Send(w.Context(), mia, in)
		require.NoError(t, err)
		for i := range done.Answers {
			if done.Answers[i].Outcome == access.Sent {
				require.NotEmpty(t, done.Answers[i].Request)
				done.Answers[i].Request = ""
			}
		}
		require.Equal(t, seen, done)
		require.LessOrEqual(t, w.used(), 4)
	})
}

// A burst is refused for a while, on record; outsiders and conflicts take
// nobody's turn.
func TestRequests_Send_Burst(t *testing.T) {
	t.Parallel()
	tight := func(clock limit.Options) func(*accounts.EnvOptions) {
		return func(o *accounts.EnvOptions) {
			clock.Clock = o.Clock
			l, err := limit.New(&clock)
			if err != nil {
				panic(err)
			}
			o.Burst = l
		}
	}
	in := access.Batch{Agency: "north", Addresses: "a@example.com"}

	t.Run("what comes too fast is refused and may come again later", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t, tight(limit.Options{Rate: 1, Burst: 2}))
		mia := w.as("mia", "north")
		for range 2 {
			_, err := w.requests.Send(t.Context(), mia, in)
			require.NoError(t, err)
		}
		_, err := w.requests.Send(t.Context(), mia, in)
		var limited *limit.LimitedError
		require.ErrorAs(t, err, &limited)
		require.Equal(t, []string{"request.sent at north by mia: limited"}, w.refusals())
		w.clock.Add(limited.RetryAfter)
		_, err = w.requests.Send(t.Context(), mia, in)
		require.NoError(t, err)
	})

	t.Run("outsiders take no turn of an agency's, of sending or previewing", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t, tight(limit.Options{Rate: 1, Burst: 1}))
		eve := w.principal(w.login("eve"), "").Actor()
		for range 3 {
			_, err := w.requests.Send(t.Context(), eve, in)
			require.ErrorIs(t, err, accounts.ErrNotFound)
			_, err = w.requests.Preview(t.Context(), eve, in)
			require.ErrorIs(t, err, accounts.ErrNotFound)
		}
		_, err := w.requests.Preview(t.Context(), w.as("mia", "north"), in)
		require.NoError(t, err)
		_, err = w.requests.Send(t.Context(), w.as("mia", "north"), in)
		require.NoError(t, err)
	})

	t.Run("a batch takes one turn, however often others get in its way", func(t *testing.T) { // A100
		t.Parallel()
		w := newWorld(t, tight(limit.Options{Rate: 1, Burst: 1}))
		mia := w.as("mia", "north")
		tries := 0
		w.st.on(func(call string, do func() error) error {
			if call == "ApplyAccess" {
				if tries++; tries < 4 {
					return accounts.ErrConflict
				}
			}
			return do()
		})
		out, err := w.requests.Send(t.Context(), mia, in)
		require.NoError(t, err)
		require.Equal(t, 1, out.Sent)
		require.Equal(t, 4, tries)
	})

	t.Run("an environment without a limiter gets one that lets 50 through at once", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t, func(o *accounts.EnvOptions) { o.Burst = nil })
		mia := w.as("mia", "north")
		for range limit.DefaultBurst {
			_, err := w.requests.Preview(t.Context(), mia, in)
			require.NoError(t, err)
		}
		_, err := w.requests.Preview(t.Context(), mia, in)
		require.ErrorIs(t, err, limit.ErrLimited)
	})
}
