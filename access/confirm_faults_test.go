package access_test

import (
	"context"
	"errors"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/chatelaine-go/chatelaine/access"
	"github.com/chatelaine-go/chatelaine/accounts"
	"github.com/chatelaine-go/chatelaine/storage/storagetest"
)

// Whichever call of the store fails, before it took effect or after, the caller
// gets the store's error or, of a change whose answer was lost, the outcome; the
// state is the one before or the one after, no code is sent that is not stored,
// and no failing call reads as a decision (A93, A95, A96, I-31).
func TestConfirmations_everyFault(t *testing.T) {
	t.Parallel()
	type call struct {
		c            *codes
		conf         *access.Confirmations
		cleo         accounts.Actor
		page, digits string
	}
	off := access.Ask{Action: access.EventConfirmationOff}
	for _, tt := range []struct {
		name  string
		given func(x *call)
		when  func(ctx context.Context, x *call) error
		want  error
		codes int
	}{
		{name: "Ask", codes: 1, when: func(ctx context.Context, x *call) error { return refuses(x.conf.Ask(ctx, x.cleo, closing)) }},
		{name: "TurnOn, with a code to the old phone", codes: 1, given: func(x *call) { x.c.pass(x.cleo, off) }, when: func(ctx context.Context, x *call) error {
			return refuses(x.conf.TurnOn(ctx, x.cleo, otherPhone))
		}},
		{name: "TurnOn, without", want: accounts.ErrStepUp, when: func(ctx context.Context, x *call) error {
			return refuses(x.conf.TurnOn(ctx, x.cleo, otherPhone))
		}},
		{
			name: "Answer, right", given: func(x *call) { x.page, x.digits = x.c.ask(x.cleo, closing) },
			when: func(ctx context.Context, x *call) error { return x.conf.Answer(ctx, x.cleo, closing, x.page, x.digits) },
		},
		{
			name: "Answer, wrong", want: access.ErrCode, given: func(x *call) { x.page, x.digits = x.c.ask(x.cleo, closing) },
			when: func(ctx context.Context, x *call) error {
				return x.conf.Answer(ctx, x.cleo, closing, x.page, miss(x.digits, 1))
			},
		},
		{
			name: "Answer, turning on", given: func(x *call) {
				require.NoError(x.c, x.c.conf.TurnOff(x.c.Context(), operator, "cleo"))
				x.page = must(x.c.conf.TurnOn(x.c.Context(), x.cleo, otherPhone))(x.c).Reveal()
				x.digits = x.c.phone.digits()
			},
			when: func(ctx context.Context, x *call) error {
				return x.conf.Answer(ctx, x.cleo, turningOn, x.page, x.digits)
			},
		},
		{name: "TurnOff", given: func(x *call) { x.c.pass(x.cleo, off) }, when: func(ctx context.Context, x *call) error {
			return x.conf.TurnOff(ctx, x.cleo, "cleo")
		}},
		{name: "TurnOff, by an operator", when: func(ctx context.Context, x *call) error { return x.conf.TurnOff(ctx, operator, "cleo") }},
		{
			name: "DisableClientAccess", given: func(x *call) {
				x.c.confirmed("ann")
				x.cleo = x.c.as("ann", "north")
				x.c.pass(x.cleo, access.Ask{Action: access.EventAccessDisabled, Account: "north"})
			}, when: func(ctx context.Context, x *call) error {
				shown := must(access.NewRequests(x.c.mem, x.c.env))(x.c)
				plan := must(shown.PlanDisableClientAccess(x.c.Context(), x.cleo, "north"))(x.c)
				return x.c.requests.DisableClientAccess(ctx, x.cleo, "north", plan.Confirm)
			},
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			// state leaves out what is different each time: digits, and so the hash.
			state := func(c *codes) string {
				out := c.all()
				for _, h := range must(c.mem.Held(t.Context(), accounts.HeldQuery{Kind: accounts.HeldChallenge, User: "cleo", Limit: 100}))(c) {
					out += text(h)
				}
				return out
			}
			ready := func() (*call, *storagetest.Faulty) {
				c, cleo := careful(t)
				x := &call{c: c, cleo: cleo}
				f := storagetest.Faults(c.mem)
				x.conf = c.conf.With(f)
				if tt.given != nil {
					tt.given(x)
				}
				c.requests = c.requests.With(f)
				f.Reset()
				return x, f
			}
			x, f := ready()
			before, n := state(x.c), x.c.phone.count()
			require.ErrorIs(t, tt.when(t.Context(), x), tt.want)
			require.Equal(t, n+tt.codes, x.c.phone.count())
			after, calls := state(x.c), f.Calls()
			require.NotEmpty(t, calls)
			for k, name := range calls {
				for _, lost := range []bool{false, true} {
					x, f := ready()
					if f.FailBefore(k+1, nil); lost {
						f.FailAfter(k+1, nil)
					}
					n := x.c.phone.count()
					err := tt.when(t.Context(), x)
					require.True(t, f.Fired())
					if lost && name == "ApplyAccess" {
						require.ErrorIs(t, err, tt.want, "a lost answer is found out about")
						require.Equal(t, after, state(x.c))
						require.Equal(t, n+tt.codes, x.c.phone.count())
						continue
					}
					require.ErrorIs(t, err, storagetest.ErrInjected, "%d %s", k, name)
					require.False(t, tt.want != nil && errors.Is(err, tt.want), "a fault is no decision: %v", err)
					require.Equal(t, before, state(x.c), "%d %s", k, name)
					require.Equal(t, n, x.c.phone.count())
				}
			}
		})
	}
}
