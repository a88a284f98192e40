package roles_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/chatelaine-go/chatelaine/roles"
)

// anyRole draws a role of the standard ladder, no role, or one that looks like
// a role and is none.
func anyRole() *rapid.Generator[roles.Role] {
	return rapid.SampledFrom(append(roles.Standard().Roles(), "", "Owner", "root", "owner ", "viewer\x00"))
}

// bigLadder makes a valid ladder of n levels that carry all the library needs.
func bigLadder(n int) []roles.Level {
	levels := make([]roles.Level, n)
	for i := range levels {
		levels[i].Role = roles.Role(fmt.Sprintf("level-%d", i+1))
	}
	top := &levels[n-1]
	top.DirectOnly = roles.Permissions()
	return levels
}

func TestNew(t *testing.T) {
	t.Parallel()

	edit := func(change func(v []roles.Level)) []roles.Level {
		levels := roles.StandardLevels()
		change(levels)
		return levels
	}
	for _, tc := range []struct {
		name  string
		given []roles.Level
		want  []string // parts of the refusal; none: it is made
	}{
		{"the standard levels make a ladder", roles.StandardLevels(), nil},
		{"two levels make a ladder", bigLadder(2), nil},
		{"a hundred levels make a ladder", bigLadder(100), nil},
		{"a level more is refused", bigLadder(101), []string{"2 to 100", "101"}},
		{"no level is refused", nil, []string{"2 to 100", "not 0"}},
		{"one level is refused", bigLadder(1), []string{"2 to 100", "not 1"}},
		{
			"an empty role is refused",
			edit(func(v []roles.Level) { v[1].Role = "" }),
			[]string{"level 2", "the name is empty"},
		},
		{
			"a role of 64 bytes is taken",
			edit(func(v []roles.Level) { v[1].Role = roles.Role(strings.Repeat("x", 64)) }),
			nil,
		},
		{
			"a role of 65 bytes is refused",
			edit(func(v []roles.Level) { v[1].Role = roles.Role(strings.Repeat("x", 65)) }),
			[]string{"level 2", "65 bytes", "at most 64"},
		},
		{
			"a role with a space inside is taken",
			edit(func(v []roles.Level) { v[1].Role = "team lead" }),
			nil,
		},
		{
			"a role that ends with a space is refused",
			edit(func(v []roles.Level) { v[1].Role = "author " }),
			[]string{"level 2", `"author "`, "space"},
		},
		{
			"a role with a line break is refused and shown escaped",
			edit(func(v []roles.Level) { v[1].Role = "au\nthor" }),
			[]string{"level 2", `"au\nthor"`, "printable ASCII"},
		},
		{
			"a role with a delete character is refused",
			edit(func(v []roles.Level) { v[1].Role = "au\x7fthor" }),
			[]string{"level 2", "printable ASCII"},
		},
		{
			"a role with the last of the control characters is refused",
			edit(func(v []roles.Level) { v[1].Role = "au\x1fthor" }),
			[]string{"level 2", "printable ASCII"},
		},
		{
			"a role in another alphabet is refused",
			edit(func(v []roles.Level) { v[1].Role = "аuthor" }),
			[]string{"level 2", "printable ASCII"},
		},
		{
			"a role that stands twice is refused",
			edit(func(v []roles.Level) { v[3].Role = roles.Author }),
			[]string{`"author"`, "twice", "levels 2 and 4"},
		},
		{
			"an empty permission is refused",
			edit(func(v []roles.Level) { v[1].Permissions = []roles.Permission{""} }),
			[]string{`level "author"`, "the name is empty"},
		},
		{
			"a bad direct-only permission is refused",
			edit(func(v []roles.Level) { v[1].DirectOnly = []roles.Permission{"x\ty"} }),
			[]string{`level "author"`, `"x\ty"`, "printable ASCII"},
		},
		{
			"a permission at two levels is refused",
			edit(func(v []roles.Level) {
				v[1].Permissions = []roles.Permission{"post"}
				v[2].Permissions = append(v[2].Permissions, "post")
			}),
			[]string{`"post"`, "twice", `"author"`, `"manager"`},
		},
		{
			"a permission in both lists of a level is refused",
			edit(func(v []roles.Level) {
				v[1].Permissions = []roles.Permission{"post"}
				v[1].DirectOnly = []roles.Permission{"post"}
			}),
			[]string{`"post"`, "twice"},
		},
		{
			"a permission of the library that stands nowhere is refused",
			edit(func(v []roles.Level) { v[0].Permissions = nil }),
			[]string{`"account.see"`, "stands at no level", `"viewer"`},
		},
		{
			"making owners below the top is refused",
			edit(func(v []roles.Level) {
				v[3].DirectOnly = append(v[3].DirectOnly, roles.GrantOwner)
				v[4].DirectOnly = []roles.Permission{roles.TransferOwnership, roles.CloseAccount}
			}),
			[]string{`level "admin"`, `"owners.grant"`, `"owner"`},
		},
		{
			"transferring below the top is refused",
			edit(func(v []roles.Level) {
				v[3].DirectOnly = append(v[3].DirectOnly, roles.TransferOwnership)
				v[4].DirectOnly = []roles.Permission{roles.GrantOwner, roles.CloseAccount}
			}),
			[]string{`level "admin"`, `"account.transfer"`, `"owner"`},
		},
		{
			"closing below the top is the host's choice",
			edit(func(v []roles.Level) {
				v[3].DirectOnly = append(v[3].DirectOnly, roles.CloseAccount)
				v[4].DirectOnly = []roles.Permission{roles.GrantOwner, roles.TransferOwnership}
			}),
			nil,
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			l, err := roles.New(tc.given...)
			if tc.want == nil {
				require.NoError(t, err)
				require.Len(t, l.Roles(), len(tc.given))
				return
			}
			require.Nil(t, l)
			for _, part := range tc.want {
				require.ErrorContains(t, err, part)
			}
		})
	}
}

func TestNew_keepsTheLibraryDirectOnly(t *testing.T) {
	t.Parallel()

	for _, p := range roles.Permissions() {
		t.Run(string(p)+" moved to the other list", func(t *testing.T) {
			t.Parallel()
			levels := roles.StandardLevels()
			var directOnly bool
			is := func(q roles.Permission) bool { return q == p }
			for i := range levels {
				v := &levels[i]
				switch {
				case slices.ContainsFunc(v.DirectOnly, is):
					directOnly = true
					v.DirectOnly = slices.DeleteFunc(v.DirectOnly, is)
					v.Permissions = append(v.Permissions, p)
				case slices.ContainsFunc(v.Permissions, is):
					v.Permissions = slices.DeleteFunc(v.Permissions, is)
					v.DirectOnly = append(v.DirectOnly, p)
				}
			}
			_, err := roles.New(levels...)
			if !directOnly {
				require.NoError(t, err, "a host may be stricter")
				return
			}
			require.ErrorContains(t, err, string(p))
			require.ErrorContains(t, err, "never held through a connection")
		})
	}
}

func TestNew_copiesItsLevels(t *testing.T) {
	t.Parallel()

	levels := roles.StandardLevels()
	l, err := roles.New(levels...)
	require.NoError(t, err)
	levels[3].Role = "changed"
	levels[3].DirectOnly[0] = "changed"
	require.Equal(t, roles.StandardLevels(), l.Levels())

	l.Levels()[3].DirectOnly[0] = "changed"
	l.Roles()[0] = "changed"
	l.AtMost(roles.Author)[0] = "changed"
	require.Equal(t, roles.StandardLevels(), l.Levels())
	require.Equal(t, roles.Viewer, l.Roles()[0])
}

func TestStandard(t *testing.T) {
	t.Parallel()

	one, two := roles.Standard(), roles.Standard()
	require.Same(t, one, two)
	require.Equal(t, roles.StandardLevels(), roles.Standard().Levels())
	require.Equal(t,
		[]roles.Role{roles.Viewer, roles.Author, roles.Manager, roles.Admin, roles.Owner},
		roles.Standard().Roles())
	require.Equal(t, roles.Owner, roles.Standard().Top())
	require.Equal(t, roles.Admin, roles.Standard().TopDelegated())
}

func TestLadder_With(t *testing.T) {
	t.Parallel()

	const post, bill roles.Permission = "post.write", "billing.manage"
	base := roles.Standard()
	l, err := base.With(roles.Author, post)
	require.NoError(t, err)
	l, err = l.WithDirectOnly(roles.Manager, bill)
	require.NoError(t, err)

	t.Run("the level and those above have the new permission", func(t *testing.T) {
		t.Parallel()
		require.False(t, l.Rights(roles.Viewer, "").Can(post))
		for _, r := range []roles.Role{roles.Author, roles.Manager, roles.Admin, roles.Owner} {
			require.True(t, l.Rights(r, "").Can(post), r)
		}
		require.True(t, l.Rights("", roles.Author).Can(post))
	})
	t.Run("a direct-only one is not held through a connection", func(t *testing.T) {
		t.Parallel()
		require.False(t, l.Rights(roles.Author, roles.Admin).Can(bill))
		require.True(t, l.Rights(roles.Manager, "").Can(bill))
	})
	t.Run("the ladder it came from stays as it was", func(t *testing.T) {
		t.Parallel()
		require.Equal(t, roles.StandardLevels(), base.Levels())
		require.False(t, base.Rights(roles.Owner, "").Can(post))
	})
	t.Run("two ladders from one do not share what they add", func(t *testing.T) {
		t.Parallel()
		one, err := l.With(roles.Author, "one")
		require.NoError(t, err)
		two, err := l.With(roles.Author, "two")
		require.NoError(t, err)
		require.True(t, one.Rights(roles.Author, "").Can("one"))
		require.False(t, one.Rights(roles.Author, "").Can("two"))
		require.True(t, two.Rights(roles.Author, "").Can("two"))
	})
	t.Run("an unknown role is refused with the known ones", func(t *testing.T) {
		t.Parallel()
		_, err := l.With("boss", "x")
		var unknown *roles.UnknownRoleError
		require.ErrorAs(t, err, &unknown)
		require.Equal(t, &roles.UnknownRoleError{Role: "boss", Known: base.Roles()}, unknown)
		_, err = l.WithDirectOnly("", "x")
		require.ErrorIs(t, err, roles.ErrUnknownRole)
	})
	t.Run("a permission that stands already is refused", func(t *testing.T) {
		t.Parallel()
		_, err := l.With(roles.Owner, post)
		require.ErrorContains(t, err, `"post.write" stands twice, at levels "author" and "owner"`)
		_, err = l.With(roles.Viewer, roles.ManageMembers)
		require.ErrorContains(t, err, "twice")
	})
}

func TestLadder_order(t *testing.T) {
	t.Parallel()

	l := roles.Standard()
	all := l.Roles()
	for i, a := range all {
		require.True(t, l.Has(a))
		require.Equal(t, all[:i+1], l.AtMost(a))
		for j, b := range all {
			require.Equal(t, i >= j, l.AtLeast(a, b), "%s at least %s", a, b)
			require.Equal(t, all[min(i, j)], l.Min(a, b))
		}
		for _, no := range []roles.Role{"", "Owner", "root"} {
			require.False(t, l.Has(no))
			require.Empty(t, l.AtMost(no))
			require.False(t, l.AtLeast(a, no), "%s at least %q", a, no)
			require.False(t, l.AtLeast(no, a), "%q at least %s", no, a)
			require.False(t, l.AtLeast(no, no), "%q at least itself", no)
			require.Empty(t, l.Min(a, no))
			require.Empty(t, l.Min(no, a))
		}
	}
}

func TestLadder_Min(t *testing.T) {
	t.Parallel()

	l := roles.Standard()
	rapid.Check(t, func(t *rapid.T) {
		a, b, c := anyRole().Draw(t, "a"), anyRole().Draw(t, "b"), anyRole().Draw(t, "c")
		require.Equal(t, l.Min(a, b), l.Min(b, a))
		require.Equal(t, l.Min(a, l.Min(b, c)), l.Min(l.Min(a, b), c))
		if low := l.Min(a, b); low != "" {
			require.True(t, l.AtLeast(a, low) && l.AtLeast(b, low))
		}
	})
}

func TestLadder_zero(t *testing.T) {
	t.Parallel()

	var l roles.Ladder
	require.Empty(t, l.Roles())
	require.Empty(t, l.Levels())
	require.Empty(t, l.Top())
	require.Empty(t, l.TopDelegated())
	require.Empty(t, l.Min("", ""))
	require.False(t, l.AtLeast("", ""))
	require.True(t, l.Rights("", "").None())
	require.False(t, l.Rights(roles.Owner, roles.Owner).Can(roles.SeeAccount))
	require.ErrorIs(t, l.CanAssign("", "", roles.Member), roles.ErrUnknownRole)
}
