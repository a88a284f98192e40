package roles_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/chatelaine-go/chatelaine/roles"
)

// set makes a set of permissions shorter to write.
func set(all ...roles.Permission) []roles.Permission { return append([]roles.Permission{}, all...) }

// anyCatalog draws a catalogue of up to 150 permissions in a shuffled order.
func anyCatalog() *rapid.Generator[*roles.Catalog] {
	return rapid.Custom(func(t *rapid.T) *roles.Catalog {
		n := rapid.OneOf(rapid.IntRange(0, 8), rapid.IntRange(65, 150)).Draw(t, "entries")
		entries := make([]roles.Entry, n)
		for i := range entries {
			entries[i].Permission = roles.Permission(fmt.Sprintf("P%d", i))
			if i == 0 {
				continue
			}
			for _, need := range rapid.SliceOfNDistinct(rapid.IntRange(0, i-1), 0, min(i, 3), rapid.ID[int]).Draw(t, "needs") {
				entries[i].Needs = append(entries[i].Needs, roles.Permission(fmt.Sprintf("P%d", need)))
			}
		}
		c, err := roles.NewCatalog(rapid.Permutation(entries).Draw(t, "order")...)
		require.NoError(t, err)
		return c
	})
}

// anySet draws permissions of a catalogue, in any order and with repeats.
func anySet(c *roles.Catalog) *rapid.Generator[[]roles.Permission] {
	if len(c.Entries()) == 0 {
		return rapid.Just([]roles.Permission(nil))
	}
	return rapid.SliceOfN(rapid.Custom(func(t *rapid.T) roles.Permission {
		return rapid.SampledFrom(c.Entries()).Draw(t, "entry").Permission
	}), 0, 12)
}

// inOrder reports whether a set is in the order of the catalogue, no repeats.
func inOrder(c *roles.Catalog, set []roles.Permission) bool {
	next := 0
	for _, e := range c.Entries() {
		if next < len(set) && set[next] == e.Permission {
			next++
		}
	}
	return next == len(set)
}

func TestNewCatalog(t *testing.T) {
	t.Parallel()

	for _, tc := range []struct {
		name  string
		given []roles.Entry
		want  string // the refusal; empty: it is made
	}{
		{"an empty one is made", nil, ""},
		{"a prerequisite may stand later", []roles.Entry{{"A", set("B")}, {"B", nil}}, ""},
		{"an empty name", []roles.Entry{{"A", nil}, {"", nil}}, `roles: catalogue entry 2, permission "": the name is empty`},
		{
			"an unprintable name",
			[]roles.Entry{{"A\x00", nil}},
			`roles: catalogue entry 1, permission "A\x00": the name holds something other than printable ASCII`,
		},
		{"a name that stands twice", []roles.Entry{{"A", nil}, {"B", nil}, {"A", nil}}, `roles: the permission "A" stands twice in the catalogue`},
		{
			"an unknown prerequisite",
			[]roles.Entry{{"A", set("B")}},
			`roles: "A" needs "B": roles: "B" is no permission of this catalogue; its Entries list those that are`,
		},
		{"a prerequisite named twice", []roles.Entry{{"A", set("B", "B")}, {"B", nil}}, `roles: "A" names "B" twice among what it needs`},
		{"one that needs itself", []roles.Entry{{"A", set("A")}}, `roles: permissions need each other in a circle: "A" needs "A"`},
		{
			"a circle, without the way that leads into it",
			[]roles.Entry{{"IN", set("OK", "A")}, {"OK", nil}, {"A", set("OK", "B")}, {"B", set("C")}, {"C", set("A")}},
			`roles: permissions need each other in a circle: "A" needs "B" needs "C" needs "A"`,
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			c, err := roles.NewCatalog(tc.given...)
			if tc.want == "" {
				require.NoError(t, err)
				require.Len(t, c.Entries(), len(tc.given))
				return
			}
			require.Nil(t, c)
			require.EqualError(t, err, tc.want)
		})
	}
	t.Run("an unknown prerequisite has its type", func(t *testing.T) {
		t.Parallel()
		_, err := roles.NewCatalog(roles.Entry{Permission: "A", Needs: set("B")})
		require.ErrorIs(t, err, roles.ErrUnknownPermission)
	})
	t.Run("it shares nothing with its caller", func(t *testing.T) {
		t.Parallel()
		given := []roles.Entry{{"A", nil}, {"B", set("A")}}
		c, err := roles.NewCatalog(given...)
		require.NoError(t, err)
		given[1].Needs[0] = "X"
		c.Entries()[1].Needs[0] = "X"
		require.Equal(t, []roles.Entry{{"A", nil}, {"B", set("A")}}, c.Entries())
	})
}

func TestSiteCatalog(t *testing.T) {
	t.Parallel()

	c := roles.SiteCatalog()
	again := roles.SiteCatalog()
	require.Same(t, c, again)
	require.Equal(t, []roles.Entry{
		{"STATS_TAB", nil},
		{"EDIT", set("BLOG", "LIMITED_EDITING")},
		{"ADD_FLEX", set("EDIT")},
		{"E_COMMERCE", nil},
		{"PUBLISH", nil},
		{"REPUBLISH", set("EDIT")},
		{"DEV_MODE", set("EDIT")},
		{"INSITE", set("EDIT")},
		{"SEO", set("EDIT")},
		{"BACKUPS", set("LIMITED_EDITING")},
		{"CUSTOM_DOMAIN", set("EDIT")},
		{"RESET", set("LIMITED_EDITING")},
		{"BLOG", nil},
		{"PUSH_NOTIFICATIONS", nil},
		{"LIMITED_EDITING", nil},
		{"SITE_COMMENTS", nil},
		{"CONTENT_LIBRARY", set("LIMITED_EDITING")},
		{"EDIT_CONNECTED_DATA", nil},
		{"MANAGE_CONNECTED_DATA", set("EDIT", "EDIT_CONNECTED_DATA", "CONTENT_LIBRARY")},
		{"USE_APP", set("LIMITED_EDITING")},
		{"CLIENT_MANAGE_FREE_APPS", set("LIMITED_EDITING")},
		{"AI_ASSISTANT", nil},
	}, c.Entries())
	require.Len(t, c.Entries(), 22)
	require.True(t, c.Has("SEO"))
	require.False(t, c.Has("seo"))
}

func TestCatalog_Needs(t *testing.T) {
	t.Parallel()

	c := roles.SiteCatalog()
	require.Equal(t,
		set("EDIT", "BLOG", "LIMITED_EDITING", "CONTENT_LIBRARY", "EDIT_CONNECTED_DATA"), c.Needs("MANAGE_CONNECTED_DATA"))
	require.Empty(t, c.Needs("BLOG"))
	require.Empty(t, c.Needs("NOTHING"))
	require.Equal(t, set("EDIT", "ADD_FLEX", "REPUBLISH", "DEV_MODE", "INSITE", "SEO", "CUSTOM_DOMAIN",
		"MANAGE_CONNECTED_DATA"), c.Dependents("BLOG"))
	require.Empty(t, c.Dependents("AI_ASSISTANT"))
	require.Empty(t, c.Dependents("NOTHING"))
	for range 2 {
		require.Equal(t, set("EDIT", "BLOG", "LIMITED_EDITING"), c.Needs("SEO"), "asking changes nothing")
	}
}

func TestCatalog_Choose(t *testing.T) {
	t.Parallel()

	c := roles.SiteCatalog()
	for _, tc := range []struct {
		name  string
		given []roles.Permission
		when  []roles.Permission
		want  []roles.Permission
	}{
		{"nothing is an empty set", nil, nil, set()},
		{"one without prerequisites stands alone", nil, set("PUBLISH"), set("PUBLISH")},
		{"what it needs comes with it", nil, set("SEO"), set("EDIT", "SEO", "BLOG", "LIMITED_EDITING")},
		{"in catalogue order, without repeats", set("BLOG", "PUBLISH", "BLOG"), set("STATS_TAB", "PUBLISH"), set("STATS_TAB", "PUBLISH", "BLOG")},
		{"a broken set is made whole", set("RESET"), nil, set("RESET", "LIMITED_EDITING")},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			given := slices.Clone(tc.given)
			got, err := c.Choose(given, tc.when...)
			require.NoError(t, err)
			require.Equal(t, tc.want, got)
			require.Equal(t, tc.given, given)
		})
	}
	t.Run("an unknown permission is refused by name", func(t *testing.T) {
		t.Parallel()
		for _, tc := range [][2][]roles.Permission{{set("BLOG"), set("NOPE")}, {set("NOPE"), set("BLOG")}, {nil, set("")}} {
			got, err := c.Choose(tc[0], tc[1]...)
			require.Nil(t, got)
			var unknown *roles.UnknownPermissionError
			require.ErrorAs(t, err, &unknown)
			require.Contains(t, set("NOPE", ""), unknown.Permission)
		}
	})
}

func TestCatalog_Drop(t *testing.T) {
	t.Parallel()

	c := roles.SiteCatalog()
	whole := set("EDIT", "SEO", "BACKUPS", "BLOG", "LIMITED_EDITING", "AI_ASSISTANT")
	for _, tc := range []struct {
		name  string
		given []roles.Permission
		when  []roles.Permission
		want  []roles.Permission
	}{
		{"dropping nothing keeps all", whole, nil, whole},
		{"nothing depends on it", whole, set("SEO"), set("EDIT", "BACKUPS", "BLOG", "LIMITED_EDITING", "AI_ASSISTANT")},
		{"what depends on it goes with it", whole, set("BLOG"), set("BACKUPS", "LIMITED_EDITING", "AI_ASSISTANT")},
		{"by way of others too", whole, set("LIMITED_EDITING"), set("BLOG", "AI_ASSISTANT")},
		{"what is not held changes nothing", whole, set("PUBLISH"), whole},
		{"dropping all leaves an empty set", whole, whole, set()},
		{"a broken set loses what is broken, and gains nothing", set("SEO", "EDIT", "BLOG"), nil, set("BLOG")},
		{"repeats are one", set("BLOG", "BLOG", "AI_ASSISTANT"), set("BLOG", "BLOG"), set("AI_ASSISTANT")},
		{"one that the catalogue had once can be taken out", set("BLOG", "OLD"), set("OLD"), set("BLOG")},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			given := slices.Clone(tc.given)
			got, err := c.Drop(given, tc.when...)
			require.NoError(t, err)
			require.Equal(t, tc.want, got)
			require.Equal(t, tc.given, given)
		})
	}
	t.Run("an unknown permission is refused by name", func(t *testing.T) {
		t.Parallel()
		for _, tc := range [][2][]roles.Permission{{set("BLOG"), set("NOPE")}, {set("NOPE"), set("BLOG")}} {
			got, err := c.Drop(tc[0], tc[1]...)
			require.Nil(t, got)
			var unknown *roles.UnknownPermissionError
			require.ErrorAs(t, err, &unknown)
			require.Equal(t, roles.Permission("NOPE"), unknown.Permission)
		}
	})
}

func TestCatalog_Valid(t *testing.T) {
	t.Parallel()

	c := roles.SiteCatalog()
	require.NoError(t, c.Valid(nil))
	require.NoError(t, c.Valid(set("LIMITED_EDITING", "EDIT", "BLOG")), "in any order")
	require.ErrorIs(t, c.Valid(set("NOPE")), roles.ErrUnknownPermission)
	require.ErrorIs(t, c.Valid(set("BLOG", "BLOG")), roles.ErrInvalidSet)
	require.ErrorContains(t, c.Valid(set("BLOG", "BLOG")), `"BLOG" stands twice`)
	require.ErrorIs(t, c.Valid(set("EDIT", "BLOG")), roles.ErrInvalidSet)
	require.ErrorContains(t, c.Valid(set("EDIT", "BLOG")), `"EDIT" needs "LIMITED_EDITING"`)
}

// Choosing gives the smallest whole set that holds all that was asked for, and
// choosing again changes nothing.
func TestCatalog_Choose_closes(t *testing.T) {
	t.Parallel()

	rapid.Check(t, func(t *rapid.T) {
		c := anyCatalog().Draw(t, "catalogue")
		have, add := anySet(c).Draw(t, "have"), anySet(c).Draw(t, "add")
		got, err := c.Choose(have, add...)
		require.NoError(t, err)
		require.NoError(t, c.Valid(got))
		require.True(t, inOrder(c, got))
		require.Subset(t, got, have)
		require.Subset(t, got, add)
		for _, p := range got {
			asked := slices.Contains(have, p) || slices.Contains(add, p)
			needed := slices.ContainsFunc(c.Dependents(p), func(q roles.Permission) bool {
				return slices.Contains(have, q) || slices.Contains(add, q)
			})
			require.True(t, asked || needed, "%s came from nowhere", p)
		}
		again, err := c.Choose(got, add...)
		require.NoError(t, err)
		require.Equal(t, got, again)
	})
}

// Dropping gives the largest whole set without what was dropped, and never adds.
func TestCatalog_Drop_closes(t *testing.T) {
	t.Parallel()

	rapid.Check(t, func(t *rapid.T) {
		c := anyCatalog().Draw(t, "catalogue")
		loose, remove := anySet(c).Draw(t, "have"), anySet(c).Draw(t, "remove")
		have, err := c.Choose(loose)
		require.NoError(t, err)
		got, err := c.Drop(have, remove...)
		require.NoError(t, err)
		require.NoError(t, c.Valid(got))
		require.True(t, inOrder(c, got))
		for _, p := range have {
			gone := slices.Contains(remove, p) || slices.ContainsFunc(c.Needs(p), func(q roles.Permission) bool {
				return slices.Contains(remove, q)
			})
			require.Equal(t, !gone, slices.Contains(got, p), p)
		}
		require.Subset(t, have, got)

		got, err = c.Drop(loose, remove...)
		require.NoError(t, err)
		require.NoError(t, c.Valid(got), "of a broken set too")
		require.Subset(t, loose, got)
	})
}

// What a permission needs and what depends on it are the same relation.
func TestCatalog_Needs_mirrorsDependents(t *testing.T) {
	t.Parallel()

	rapid.Check(t, func(t *rapid.T) {
		c := anyCatalog().Draw(t, "catalogue")
		for _, e := range c.Entries() {
			needs := c.Needs(e.Permission)
			require.NotContains(t, needs, e.Permission)
			require.Subset(t, needs, e.Needs)
			for _, q := range needs {
				require.Contains(t, c.Dependents(q), e.Permission)
				require.Subset(t, needs, c.Needs(q))
			}
		}
	})
}
