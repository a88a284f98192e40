package sqlstore_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/chatelaine-go/chatelaine/access"
	"github.com/chatelaine-go/chatelaine/accounts"
	"github.com/chatelaine-go/chatelaine/invites"
	"github.com/chatelaine-go/chatelaine/storage/internal/sqlstore"
)

// texts are of few characters, so that a search is found now and then, and of
// every sort: letters with marks, what is no word, what a database could take
// for its own, and the sign that stands where words begin.
func texts() *rapid.Generator[string] {
	return rapid.StringOfN(rapid.RuneFrom([]rune("abB éW\u0301-_%'!\"本\U0001f600\n\t1\x00ẞ")), 0, 12, -1)
}

// What the store compares is what accounts.SearchFits says, and what fits has
// every piece that the index is asked for (A104).
func TestSearch(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		c := accounts.Client{
			FirstName: texts().Draw(t, "first"), LastName: texts().Draw(t, "last"), Address: texts().Draw(t, "address"),
			Postal: texts().Draw(t, "postal"), Phone: texts().Draw(t, "phone"),
		}
		search := texts().Draw(t, "search")
		text, wanted := c.SearchText(), sqlstore.Wanted(search)
		fits := strings.Contains(sqlstore.Marked(text), wanted)
		require.Equal(t, accounts.SearchFits(text, search), fits, "%q in %q: %q in %q", search, text, wanted, sqlstore.Marked(text))
		pieces, and := sqlstore.Asked("a", wanted, "s1", "s2")
		require.Equal(t, wanted == "", len(pieces) == 0)
		require.Regexp(t, `^ AND \([0-9a-z]{9}s1 OR [0-9a-z]{9}s2\)$`, and)
		if !fits {
			return
		}
		has := strings.Fields(sqlstore.Grams("a", sqlstore.Marked(text), "s1"))
		for _, p := range pieces {
			require.Contains(t, has, p)
			require.Regexp(t, `^[0-9a-z]+$`, p, "the index reads it as one word, and as nothing else")
		}
	})
}

func TestGrams(t *testing.T) {
	t.Parallel()
	all := strings.Fields(sqlstore.Grams("a", sqlstore.Marked("anna\nanna o\nü"), "s0"))
	require.Len(t, slices.Compact(slices.Sorted(slices.Values(all))), len(all), "each once")
	own := strings.TrimSuffix(all[0], "s0")
	for _, piece := range []string{"Wa", "Wan", "ann", "nna", "na ", "a W", " Wo", "Wo", "Wü"} {
		require.Contains(t, all, own+fmt.Sprintf("%x", piece), piece)
	}
	require.Len(t, all, 10, "no piece is of two lines")
	require.NotEqual(t, own, strings.TrimSuffix(strings.Fields(sqlstore.Grams("b", "", "s0"))[0], "s0"), "another account has others")

	long, _ := sqlstore.Asked("a", sqlstore.Wanted(strings.Repeat("anna schmidt ", 1000)))
	require.LessOrEqual(t, len(long), 8, "a long text is looked for by its beginning, and then compared")
}

// A change of a client writes words only where a search would find others, and
// one that ends the record takes them away. A database with an index of its own
// gets none.
func TestWrites_words(t *testing.T) {
	t.Parallel()
	wrote := func(w *sqlstore.Writes, c accounts.Client) string {
		x := least()
		x.Clients = []accounts.Client{c}
		texts, err := sqlstore.Texts(w, x, false)
		require.NoError(t, err)
		return strings.Join(texts, "\n")
	}
	gone := accounts.Client{Version: 1}
	gone.DeletedAt = now
	require.Contains(t, wrote(writes(), accounts.Client{}), "INSERT INTO p_client_fresh")
	require.Contains(t, wrote(writes(), accounts.Client{Version: 1}), "SELECT 1 FROM p_clients WHERE account_id = ? AND id = ? AND created_at = ? AND deleted_at = 0 AND search = ?")
	require.Contains(t, wrote(writes(), gone), "DELETE FROM p_client_words")
	require.NotContains(t, wrote(writes(), gone), "INSERT INTO p_client_fresh")
	own := sqlstore.SQLite("p_")
	own.Words = false
	for _, c := range []accounts.Client{{}, {Version: 1}, gone} {
		text := wrote(sqlstore.NewWrites(nil, own), c)
		require.NotRegexp(t, "_words|_fresh|late", text)
		require.Contains(t, text, "p_clients")
	}
}

// Somebody who becomes a user and a client in one change is there before the
// client record names them.
func TestWrites_client_of_a_new_user(t *testing.T) {
	t.Parallel()
	x := least()
	x.Users = []accounts.User{{UserState: accounts.UserState{ID: "new"}}}
	x.Clients = []accounts.Client{{Version: 1, ClientState: accounts.ClientState{User: "new"}}}
	x.SetupLinks = []invites.SetupLink{{Version: 1}}
	x.Views = []access.ViewAs{{Version: 1}}
	for _, park := range []bool{false, true} {
		texts, err := sqlstore.Texts(writes(), x, park)
		require.NoError(t, err)
		user := slices.IndexFunc(texts, func(s string) bool { return strings.HasPrefix(s, "INSERT INTO p_users") })
		client := slices.IndexFunc(texts, func(s string) bool { return strings.HasPrefix(s, "UPDATE p_clients SET user_id = ? WHERE") })
		require.Greater(t, client, user)
		require.Positive(t, user)
	}
	require.Equal(t, accounts.UserID("new"), x.Clients[0].User, "the caller's change stays as it was")
}
