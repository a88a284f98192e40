package accounts_test

import (
	"bytes"
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/chatelaine-go/chatelaine/accounts"
	"github.com/chatelaine-go/chatelaine/roles"
)

// recordOperations are calls of every shape, in the studio.
func recordOperations() map[string]drilled[*accounts.Clients] {
	name := "Renamed"
	return map[string]drilled[*accounts.Clients]{
		"Create": {call: func(ctx context.Context, s *accounts.Clients, w *world) error {
			in := newClient("new")
			in.Sites, in.Key = []accounts.SiteChoice{choice("one", "SEO"), choice("two")}, "k"
			return ignore(s.Create(ctx, w.as("mia"), in))
		}},
		"Create, taken": {want: accounts.ErrTaken, call: func(ctx context.Context, s *accounts.Clients, w *world) error {
			return ignore(s.Create(ctx, w.as("mia"), newClient("lead")))
		}},
		"Edit": {call: func(ctx context.Context, s *accounts.Clients, w *world) error {
			return ignore(s.Edit(ctx, w.as("mia"), accounts.EditClient{ClientKey: record("studio", "in"), FirstName: &name}))
		}},
		"Client": {call: func(ctx context.Context, s *accounts.Clients, w *world) error {
			return ignore(s.Client(ctx, w.as("mia"), record("studio", "in")))
		}},
		"List": {call: func(ctx context.Context, s *accounts.Clients, w *world) error {
			return ignore(s.List(ctx, w.as("mia"), "studio", accounts.ClientPage{}))
		}},
		"Export": {reads: true, call: func(ctx context.Context, s *accounts.Clients, w *world) error {
			return s.Export(ctx, w.as("mia"), accounts.ExportClients{Account: "studio"}, &bytes.Buffer{})
		}},
		"Suspend": {call: func(ctx context.Context, s *accounts.Clients, w *world) error {
			return s.Suspend(ctx, w.as("ada"), record("studio", "in"))
		}},
		"Suspend, refused": {want: roles.ErrDenied, call: func(ctx context.Context, s *accounts.Clients, w *world) error {
			return s.Suspend(ctx, w.as("mia"), record("studio", "in"))
		}},
		"Suspend, viewing": {want: roles.ErrDenied, call: func(ctx context.Context, s *accounts.Clients, _ *world) error {
			return s.Suspend(ctx, accounts.Viewing("ada", "s", "studio", "in"), record("studio", "in"))
		}},
		"Reactivate": {call: func(ctx context.Context, s *accounts.Clients, w *world) error {
			return s.Reactivate(ctx, w.as("ada"), record("studio", "out"))
		}},
		"Delete": {call: func(ctx context.Context, s *accounts.Clients, w *world) error {
			return s.Delete(ctx, w.as("dot"), record("studio", "in"))
		}},
		"CreateSite": {call: func(ctx context.Context, s *accounts.Clients, w *world) error {
			return ignore(s.CreateSite(ctx, w.as("mia"), accounts.CreateSite{Account: "studio", ID: "fresh", Name: "F", Key: "k"}))
		}},
		"PutSite": {call: func(ctx context.Context, s *accounts.Clients, _ *world) error {
			return ignore(s.PutSite(ctx, job(), accounts.PutSite{Account: "studio", ID: "one", Name: "F"}))
		}},
		"RemoveSite": {call: func(ctx context.Context, s *accounts.Clients, _ *world) error {
			return s.RemoveSite(ctx, job(), accounts.SiteKey{Account: "studio", ID: "one"})
		}},
		"RemoveSite, refused": {want: roles.ErrDenied, call: func(ctx context.Context, s *accounts.Clients, w *world) error {
			return s.RemoveSite(ctx, w.as("abe"), accounts.SiteKey{Account: "studio", ID: "one"})
		}},
		"Sites": {call: func(ctx context.Context, s *accounts.Clients, w *world) error {
			return ignore(s.Sites(ctx, w.as("mia"), "studio", accounts.SitePage{}))
		}},
		"Assign": {call: func(ctx context.Context, s *accounts.Clients, w *world) error {
			return ignore(s.Assign(ctx, w.as("mia"), assignSite("in", "two", "SEO")))
		}},
		"Unassign": {call: func(ctx context.Context, s *accounts.Clients, w *world) error {
			return ignore(s.Unassign(ctx, w.as("mia"), accessKey("in", "one")))
		}},
	}
}

// faulty is the studio with a client who is suspended, and an Admin with a code
// for deleting.
func faulty(t testing.TB) *world {
	t.Helper()
	w := studio(t)
	out := joined("studio", "out", "nick")
	out.SuspendedAt = start
	w.put(out, confirming("dot"), member("studio", "dot", roles.Admin), passed("dot", accounts.EventClientDeleted, "studio"))
	return w
}

func (w *world) allRecords() string {
	return w.records("studio") + w.dump([]string{"abe", "ada", "mia", "carl", "nick", "dot"}, []string{"studio", "rival"})
}

func TestClients_faults(t *testing.T) {
	t.Parallel()

	drill[*accounts.Clients]{
		ops: recordOperations(), world: faulty, state: (*world).allRecords,
		on:     func(w *world, st accounts.Store) *accounts.Clients { return w.recs.With(st) },
		tapped: (*world).tappedRecords,
	}.run(t)
}

// Two questions that were answered at different moments are asked again, so no
// answer mixes two states, and one that never agrees is a conflict.
func TestClients_readsAgain(t *testing.T) {
	t.Parallel()

	w := faulty(t)
	passes := 0
	got, err := w.tappedRecords(func(method string, after bool) error {
		if method == "Recording" && after && passes == 0 {
			passes++
			_, err := w.recs.Unassign(t.Context(), w.as("abe"), accessKey("guest", "one"))
			require.NoError(t, err)
		}
		return nil
	}).Assign(t.Context(), w.as("mia"), assignSite("guest", "three", "SEO"))
	require.NoError(t, err)
	require.Equal(t, []int{2, 1}, []int{got.Sites, got.Seen}, "two and three, of which three is seen")

	// Saving what is there changes nothing, so no write notices that it is not
	// there any more: the second question does.
	passes = 0
	got, err = w.tappedRecords(func(method string, after bool) error {
		if method == "Recording" && after && passes == 0 {
			passes++
			return ignore(w.recs.Unassign(t.Context(), w.as("abe"), accessKey("guest", "three")))
		}
		return nil
	}).Assign(t.Context(), w.as("mia"), assignSite("guest", "three", "SEO"))
	require.NoError(t, err)
	require.Equal(t, []int{2, 1}, []int{got.Sites, got.Seen})
	require.Equal(t, 2, w.recording("studio", "guest", "").Assigned, "it was given again")

	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	_, err = w.tappedRecords(func(method string, after bool) error {
		if method == "Recording" && after {
			_, err := w.recs.Assign(t.Context(), w.as("abe"), assignSite("guest", "three", []roles.Permission{"SEO", "RESET"}[passes%2]))
			passes++
			return err
		}
		return nil
	}).Assign(ctx, w.as("mia"), assignSite("guest", "one"))
	require.ErrorIs(t, err, accounts.ErrConflict)
}

// Whoever loses the right, or the role, between two questions of an operation is
// refused: what the actor may do is of the moment on which the change rests (A37,
// I-09).
func TestClients_losesTheRight(t *testing.T) {
	t.Parallel()

	for name, op := range recordOperations() {
		if op.want != nil || name == "PutSite" || name == "RemoveSite" {
			continue
		}
		for _, method := range []string{"Recording", "ClientRecords", "Reply", "Challenge", "ApplyAccounts"} {
			w, hit := faulty(t), false
			err := op.call(t.Context(), w.tappedRecords(func(m string, after bool) error {
				if m != method || after || hit {
					return nil
				}
				hit = true
				for _, who := range []accounts.UserID{"ada", "mia", "dot"} {
					require.NoError(t, w.svc.ChangeRole(t.Context(), w.as("abe"), "studio", who, roles.Viewer))
				}
				return nil
			}), w)
			switch {
			case !hit:
				require.NoError(t, err)
			case name == "Client" || name == "List": // the answer is of the moment of the question
				require.NoError(t, err)
			case name == "Export" && method == "ClientRecords":
				require.NoError(t, err, "the first page is of the moment at which the export is on record")
			default:
				require.ErrorIs(t, err, roles.ErrDenied, "%s, before %s", name, method)
			}
		}
	}
}
