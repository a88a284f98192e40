package roles_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/chatelaine-go/chatelaine/roles"
)

// Whatever is given to a catalogue, it is refused by an error, or choosing and
// dropping give whole sets. A line is an entry: its name, a colon, what it
// needs.
func FuzzCatalog(f *testing.F) {
	f.Add("EDIT:BLOG,LIMITED\nBLOG\nLIMITED\nSEO:EDIT", "SEO", "BLOG")
	f.Add("A:B\nB:A", "A", "B")
	f.Add("A:A", "A", "")
	f.Add("A:B,B\nB", "B", "A")
	f.Add(":\n\x00", "\xff", ":")
	f.Fuzz(func(t *testing.T, text, add, remove string) {
		var entries []roles.Entry
		for line := range strings.Lines(text) {
			name, needs, some := strings.Cut(strings.TrimSuffix(line, "\n"), ":")
			e := roles.Entry{Permission: roles.Permission(name)}
			if some {
				for need := range strings.SplitSeq(needs, ",") {
					e.Needs = append(e.Needs, roles.Permission(need))
				}
			}
			entries = append(entries, e)
		}
		c, err := roles.NewCatalog(entries...)
		if err != nil {
			require.Nil(t, c)
			require.NotContains(t, err.Error(), "\n")
			return
		}
		got, err := c.Choose(nil, roles.Permission(add))
		require.Equal(t, c.Has(roles.Permission(add)), err == nil)
		if err != nil {
			require.ErrorIs(t, err, roles.ErrUnknownPermission)
			return
		}
		require.NoError(t, c.Valid(got))
		require.Contains(t, got, roles.Permission(add))
		less, err := c.Drop(got, roles.Permission(remove))
		if err != nil {
			require.ErrorIs(t, err, roles.ErrUnknownPermission)
			return
		}
		require.NoError(t, c.Valid(less))
		require.Subset(t, got, less)
		require.NotContains(t, less, roles.Permission(remove))
	})
}
