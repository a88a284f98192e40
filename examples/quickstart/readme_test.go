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

// A promise in the README stands beside the test that fails without it, so
// that test has to be there.
func TestReadme_promises(t *testing.T) {
	t.Parallel()
	readme, err := os.ReadFile(filepath.Join("..", "..", "README.md"))
	require.NoError(t, err)
	promises := 0
	for line := range strings.Lines(string(readme)) {
		if !strings.HasPrefix(line, "|") || !strings.Contains(line, "`Test") {
			continue
		}
		promises++
		var named []string
		for i, part := range strings.Split(line, "`") {
			if i%2 == 1 && strings.HasPrefix(part, "Test") {
				named = append(named, part)
			}
			if _, folder, found := strings.Cut(part, "]("); found && strings.Contains(part, " in [") {
				folder, _, _ = strings.Cut(folder, ")")
				source := tests(t, filepath.Join("..", "..", folder))
				for _, name := range named {
					name, part, hasPart := strings.Cut(name, "/")
					require.Regexp(t, `(?m)^func `+name+`\(t \*testing\.T\)`, source, "%s in %s", name, folder)
					if hasPart {
						require.Contains(t, tests(t, filepath.Join("..", "..", "storage", "storagetest")), `{"`+part+`", `)
					}
				}
				named = nil
			}
		}
		require.Empty(t, named, "a test without its package: %s", line)
	}
	require.Greater(t, promises, 10)
}

// tests returns the Go source of a folder, its tests included.
func tests(t *testing.T, folder string) string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(folder, "*.go"))
	require.NoError(t, err)
	require.NotEmpty(t, files, folder)
	var b strings.Builder
	for _, file := range files {
		text, err := os.ReadFile(file)
		require.NoError(t, err)
		b.Write(text)
	}
	return b.String()
}
