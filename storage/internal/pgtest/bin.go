package pgtest

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
)

// What the environment may say.
const (
	envServer = "CHATELAINE_POSTGRES"
	envBin    = "CHATELAINE_POSTGRES_BIN"
)

// ErrNotInstalled tells that there is no PostgreSQL on this machine, or none
// that this package can start.
var ErrNotInstalled = errors.New("no PostgreSQL server is installed: install one (Debian: apt-get install postgresql), " +
	"or set " + envBin + " to the folder of its programs, or " + envServer + " to the DSN of a running one")

// installed is findBin where servers can be started at all.
func installed(ctx context.Context, named string) (string, error) {
	if !canStart {
		return "", ErrNotInstalled
	}
	return findBin(ctx, named)
}

// findBin returns the folder with initdb and postgres. A folder that somebody
// named and that has none is an error of its own, so that nobody believes to
// test a server which is another. The script named bin beside this file looks in the
// same order.
func findBin(ctx context.Context, named string) (string, error) {
	for _, dir := range []string{named, env(envBin)} {
		if dir == "" {
			continue
		}
		if !hasServer(dir) {
			return "", fmt.Errorf("pgtest: no initdb and postgres in %s", dir)
		}
		return filepath.Abs(dir)
	}
	if out, err := exec.CommandContext(ctx, "pg_config", "--bindir").Output(); err == nil {
		if dir := strings.TrimSpace(string(out)); hasServer(dir) {
			return dir, nil
		}
	}
	dirs, _ := filepath.Glob("/usr/lib/postgresql/*/bin")
	slices.SortFunc(dirs, func(a, b string) int { return cmp.Compare(release(b), release(a)) })
	if path, err := exec.LookPath("postgres"); err == nil {
		if path, err = filepath.EvalSymlinks(path); err == nil {
			dirs = append(dirs, filepath.Dir(path))
		}
	}
	for _, dir := range dirs {
		if hasServer(dir) {
			return dir, nil
		}
	}
	return "", ErrNotInstalled
}

// release is the number in /usr/lib/postgresql/15/bin; those before 10 had two.
func release(dir string) float64 {
	n, _ := strconv.ParseFloat(filepath.Base(filepath.Dir(dir)), 64)
	return n
}

func hasServer(dir string) bool {
	return executable(filepath.Join(dir, "initdb")) && executable(filepath.Join(dir, "postgres"))
}

func executable(path string) bool {
	if runtime.GOOS == "windows" {
		path += ".exe"
	}
	info, err := os.Stat(path)
	return err == nil && info.Mode().IsRegular() && (runtime.GOOS == "windows" || info.Mode()&0o111 != 0)
}

// versionOf returns what the server calls itself: "15.7".
func versionOf(ctx context.Context, bin string) (string, error) {
	out, err := exec.CommandContext(ctx, filepath.Join(bin, "postgres"), "--version").Output() //nolint:gosec // found by findBin
	if err != nil {
		return "", fmt.Errorf("pgtest: ask postgres for its version: %w", err)
	}
	// postgres (PostgreSQL) 15.7 (Debian 15.7-0+deb12u1)
	_, after, _ := strings.Cut(string(out), ") ")
	version, _, _ := strings.Cut(strings.TrimSpace(after), " ")
	return version, nil
}

// cleanEnv is this process's environment without what PostgreSQL's programs
// would take for options of theirs.
func cleanEnv() []string {
	var vars []string
	for _, v := range os.Environ() {
		if strings.HasPrefix(v, "PG") || strings.HasPrefix(v, "LC_") || strings.HasPrefix(v, "LANG") {
			continue
		}
		vars = append(vars, v)
	}
	return append(vars, "LC_ALL=C", "TZ=UTC") // initdb guesses no time zone, which takes it long
}
