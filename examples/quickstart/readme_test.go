package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// The program in the README is what a newcomer copies first, so it is built
// and run as it stands there.
func TestReadme_program(t *testing.T) {
	t.Parallel()
	root, err := filepath.Abs("../..")
	require.NoError(t, err)
	readme, err := os.ReadFile(filepath.Join(root, "README.md"))
	require.NoError(t, err)
	_, code, found := strings.Cut(string(readme), "```go\n")
	require.True(t, found, "the README shows a program")
	code, _, found = strings.Cut(code, "```")
	require.True(t, found)

	sum, err := os.ReadFile(filepath.Join(root, "go.sum"))
	require.NoError(t, err)
	mod, err := os.ReadFile(filepath.Join(root, "go.mod"))
	require.NoError(t, err)
	dir := t.TempDir()
	own := strings.Replace(string(mod), "module github.com/chatelaine-go/chatelaine", "module example.com/app", 1) +
		"\nrequire github.com/chatelaine-go/chatelaine v0.0.0\nreplace github.com/chatelaine-go/chatelaine => " + root + "\n"
	for name, text := range map[string]string{"main.go": code, "go.mod": own, "go.sum": string(sum)} {
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600))
	}
	cmd := exec.CommandContext(t.Context(), "go", "run", "-mod=mod", ".")
	cmd.Dir = dir
	out, err := cmd.CombinedOutput()
	require.NoError(t, err, "%s", out)
	require.Contains(t, string(out), "carla@bakery.example sent")
	require.Contains(t, string(out), "oops invalid has no @")
	require.Contains(t, string(out), "Northlight Studio asks for access to your Letterbird account")
}
