package password_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"runtime"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/chatelaine-go/chatelaine/access/password"
)

func TestNew(t *testing.T) {
	t.Parallel()
	key := bytes.Repeat([]byte("k"), 32)

	t.Run("nil options and empty options have the documented defaults", func(t *testing.T) {
		t.Parallel()
		for _, o := range []*password.Options{nil, {}} {
			h, err := password.New(o)
			require.NoError(t, err)
			require.True(t, strings.HasPrefix(h.Dummy(), "$argon2id$v=19$m=19456,t=2,p=1$"), h.Dummy())
			running, waiting := h.Room()
			require.Equal(t, min(runtime.NumCPU(), runtime.GOMAXPROCS(0)), running)
			require.Equal(t, 64*running, waiting)
		}
	})

	for _, tt := range []struct {
		name  string
		given password.Options
		want  string
	}{
		{"memory below 8 KiB", password.Options{Memory: 7}, "Memory"},
		{"memory below 8 KiB for each lane", password.Options{Memory: 31, Threads: 4}, "Memory"},
		{"memory above 256 MiB", password.Options{Memory: 256<<10 + 1}, "Memory"},
		{"more than 10 passes", password.Options{Time: 11}, "Time"},
		{"more than 8 lanes", password.Options{Threads: 9}, "Threads"},
		{"a negative number at once", password.Options{Parallel: -1}, "Parallel"},
		{"thousands at once", password.Options{Parallel: 1_025}, "Parallel"},
		{"a negative queue", password.Options{Queue: -1}, "Queue"},
		{"a queue without end", password.Options{Queue: 1<<20 + 1}, "Queue"},
		{"a verifier that is nil", password.Options{Verifiers: []password.Verifier{nil}}, "Verifiers"},
		{"a pepper without id", password.Options{Pepper: []password.Pepper{{Key: key}}}, "Pepper"},
		{"a pepper whose id would end the field", password.Options{Pepper: []password.Pepper{{ID: "a$b", Key: key}}}, "Pepper"},
		{"a pepper with a long id", password.Options{Pepper: []password.Pepper{{ID: strings.Repeat("a", 17), Key: key}}}, "Pepper"},
		{"a pepper with a short key", password.Options{Pepper: []password.Pepper{{ID: "a", Key: key[:31]}}}, "Pepper"},
		{"two peppers of one id", password.Options{Pepper: []password.Pepper{{ID: "a", Key: key}, {ID: "a", Key: key}}}, "Pepper"},
	} {
		t.Run(tt.name+" is refused by its field", func(t *testing.T) {
			t.Parallel()
			h, err := password.New(&tt.given)
			var bad *password.OptionError
			require.ErrorAs(t, err, &bad)
			require.Equal(t, tt.want, bad.Field)
			require.NotEmpty(t, bad.Reason)
			require.ErrorContains(t, err, "option "+tt.want)
			require.NotContains(t, err.Error(), "kkkk")
			require.Nil(t, h)
		})
	}

	t.Run("the greatest of everything is accepted", func(t *testing.T) {
		t.Parallel()
		_, err := password.New(&password.Options{
			Memory: 256 << 10, Time: 10, Threads: 8, Parallel: 1_024, Queue: 1 << 20,
			Pepper: []password.Pepper{{ID: "ABCxyz0189.-0123", Key: key}},
		})
		require.NoError(t, err)
	})

	t.Run("the caller's options are neither changed nor kept", func(t *testing.T) {
		t.Parallel()
		k := bytes.Clone(key)
		o := password.Options{Memory: 64, Time: 1, Pepper: []password.Pepper{{ID: "a", Key: k}}}
		h, err := password.New(&o)
		require.NoError(t, err)
		require.Nil(t, o.Verifiers)
		require.Zero(t, o.Parallel)
		stored := hash(t, h, "a password of mine")
		o.Pepper[0].ID = "b"
		clear(k)
		require.Equal(t, match, verify(t, h, stored, "a password of mine"))
	})
}

// Of a key nothing is printed, by whatever prints it.
func TestPepper_Format(t *testing.T) {
	t.Parallel()
	const secret = "ABABABABABABABABABABABABABABABAB"
	p := password.Pepper{ID: "k1", Key: []byte(secret)}
	o := password.Options{Pepper: []password.Pepper{p}}
	h := newHasher(t, o)

	var logged bytes.Buffer
	slog.New(slog.NewTextHandler(&logged, nil)).Info("text", "p", p, "o", o, "h", h)
	slog.New(slog.NewJSONHandler(&logged, nil)).Info("json", "p", p, "o", o.Pepper)
	encoded, err := json.Marshal(o.Pepper)
	require.NoError(t, err)
	all := logged.String() + string(encoded)
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
		all += fmt.Sprintf(verb, p) + fmt.Sprintf(verb, o) + fmt.Sprintf(verb, &o) + fmt.Sprintf(verb, h)
	}
	require.Contains(t, all, "k1 [redacted]")
	for _, leak := range []string{"ABABAB", "414241", "65 66 65", "0x41, 0x42, 0x41", "QUJBQkFC", "65,66,65"} {
		require.NotContains(t, all, leak)
	}
}
