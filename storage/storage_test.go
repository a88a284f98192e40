package storage_test

import (
	"fmt"
	"os"
	"reflect"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/chatelaine-go/chatelaine/storage"
)

// Whoever weighs writing a store goes by the number and the names that
// CONTRIBUTING gives: they are those of the interface.
func TestStorage_Contributing(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile("../CONTRIBUTING.md")
	require.NoError(t, err)
	_, section, found := strings.Cut(string(page), "\n## How to write a store\n")
	require.True(t, found, "CONTRIBUTING.md has no section on writing a store")
	section, _, _ = strings.Cut(section, "\n## ")

	methods := reflect.TypeFor[storage.Storage]()
	t.Run("the number of methods is right", func(t *testing.T) {
		t.Parallel()
		require.Contains(t, section, fmt.Sprintf("`storage.Storage` has %d methods.", methods.NumMethod()))
	})
	t.Run("every method is named, and no other", func(t *testing.T) {
		t.Parallel()
		names := map[string]bool{}
		for line := range strings.Lines(section) {
			if cells := strings.Split(line, "|"); len(cells) == 4 {
				for _, word := range strings.Fields(cells[2]) {
					if name, quoted := strings.CutPrefix(strings.TrimRight(word, ","), "`"); quoted {
						names[strings.TrimSuffix(name, "`")] = true
					}
				}
			}
		}
		want := map[string]bool{}
		for i := range methods.NumMethod() {
			want[methods.Method(i).Name] = true
		}
		require.Equal(t, want, names)
	})
}
