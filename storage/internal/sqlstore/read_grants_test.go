package sqlstore_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/chatelaine-go/chatelaine/accounts"
	"github.com/chatelaine-go/chatelaine/roles"
	"github.com/chatelaine-go/chatelaine/storage/internal/sqlstore"
)

// The sites of a client are read as they were written, whatever is in a name,
// and what is cut short gives nobody anything.
func TestReads_grants(t *testing.T) {
	t.Parallel()
	got, err := sqlstore.Grants("2 8 0 s2\u00e9 \x00\n1 1" + "2 1 3 s1na\nb")
	require.NoError(t, err)
	require.Equal(t, []accounts.SiteGrant{
		{Site: "s1", Name: "n", Permissions: []roles.Permission{"a", "b"}}, {Site: "s2", Name: "\u00e9 \x00\n1 1"},
	}, got)
	const whole = "2 1 3 s1na\nb"
	for n := 1; n < len(whole); n++ {
		got, err = sqlstore.Grants(whole[:n])
		require.Error(t, err, whole[:n])
		require.Empty(t, got)
	}
	for _, text := range []string{"-1 1 3 s1na\nb", "x 1 3 s1na\nb", "2 1 s1n", whole + "2"} {
		got, err = sqlstore.Grants(text)
		require.Error(t, err, text)
		require.Empty(t, got)
	}
}
