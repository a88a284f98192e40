package main

import (
	"bytes"
	"errors"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestRun(t *testing.T) {
	t.Parallel()

	t.Run("every story goes as told, without colours when the output is no terminal", func(t *testing.T) {
		t.Parallel()
		var out bytes.Buffer
		require.NoError(t, run(t.Context(), &out, false, ""), "%s", &out)
		require.Contains(t, out.String(), "Everything went as told.")
		require.NotContains(t, out.String(), "\x1b")
	})

	t.Run("a story that does not exist is refused with those that do", func(t *testing.T) {
		t.Parallel()
		require.ErrorContains(t, run(t.Context(), &bytes.Buffer{}, false, "nonsense"), "agency")
	})
}

func TestTeller_refused(t *testing.T) {
	t.Parallel()
	teller := &teller{w: &bytes.Buffer{}}

	require.Error(t, teller.refused(nil, errWanted, "something"), "what was to be refused and was allowed fails the story")
	require.Error(t, teller.refused(errOther, errWanted, "something"), "and so does another reason than told")
	require.NoError(t, teller.refused(errWanted, errWanted, "something"))
}

var errWanted, errOther = errors.New("wanted"), errors.New("other")
