package pgtest

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

const (
	folderPrefix = "chatelaine-pg-"
	ownerFile    = "owner"

	// unownedFor is after how long a folder that nobody ever locked is taken for
	// a leftover: its process died before it could, or while it removed it.
	unownedFor = 24 * time.Hour

	// maxSocketPath is what every system takes in sun_path (104 bytes on some),
	// less its closing zero.
	maxSocketPath = 103
)

// folder is a temporary folder with a lock in it, by which others see that its
// process lives.
type folder struct {
	path string
	lock *os.File
}

func newFolder(parent string) (*folder, error) {
	path, err := os.MkdirTemp(parent, folderPrefix)
	if err != nil {
		return nil, fmt.Errorf("pgtest: %w", err)
	}
	f := &folder{path: path}
	if err := f.own(); err != nil {
		return nil, fmt.Errorf("pgtest: %w", errors.Join(err, f.remove()))
	}
	return f, nil
}

// own locks the folder. The file gets its name when it is locked, so that nobody
// finds it unlocked.
func (f *folder) own() (err error) {
	if err := os.Chmod(f.path, 0o755); err != nil { //nolint:gosec // the server's user passes through
		return err
	}
	unnamed := filepath.Join(f.path, ownerFile+".new")
	if f.lock, err = os.OpenFile(unnamed, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600); err != nil { //nolint:gosec // our own
		return err
	}
	if !tryLock(f.lock) {
		return errors.New("files cannot be locked in " + f.path)
	}
	if _, err := fmt.Fprintln(f.lock, os.Getpid()); err != nil { // for whoever looks
		return err
	}
	return os.Rename(unnamed, filepath.Join(f.path, ownerFile))
}

func (f *folder) remove() error {
	if f == nil {
		return nil
	}
	err := os.RemoveAll(f.path)
	if f.lock != nil {
		_ = f.lock.Close()
	}
	return err
}

// parentFor returns where temporary folders of servers go: the system's place for
// them, unless the server's user could not get there.
func parentFor(as *identity) string {
	tmp := os.TempDir()
	if as != nil && !passable(tmp) {
		return "/tmp"
	}
	return tmp
}

// passable reports whether everybody may walk into a folder.
func passable(path string) bool {
	path, err := filepath.Abs(path)
	if err != nil {
		return false
	}
	for {
		info, err := os.Stat(path)
		if err != nil || info.Mode().Perm()&0o001 == 0 {
			return false
		}
		up := filepath.Dir(path)
		if up == path {
			return true
		}
		path = up
	}
}

// sweep removes what processes left that are gone.
func sweep(parent string) {
	found, _ := filepath.Glob(filepath.Join(parent, folderPrefix+"*"))
	for _, path := range found {
		if info, err := os.Lstat(path); err == nil && info.IsDir() && ours(info) {
			sweepOne(path, info)
		}
	}
}

func sweepOne(path string, info fs.FileInfo) {
	lock, err := os.OpenFile(filepath.Join(path, ownerFile), os.O_RDWR, 0) //nolint:gosec // our user's
	switch {
	case errors.Is(err, fs.ErrNotExist):
		if now().Sub(info.ModTime()) < unownedFor {
			return
		}
	case err != nil:
		return
	default:
		defer func() { _ = lock.Close() }()
		if !tryLock(lock) {
			return
		}
	}
	data := filepath.Join(path, dataName)
	if pid := readPidFile(data).pid; pid > 1 && strings.Contains(commandLine(pid), data) {
		send(pid, sigImmediate)
		if !until(killLimit, func() bool { return !alive(pid) }) {
			_ = killFamily(pid)
		}
	}
	dropSharedMemory(data)
	_ = os.RemoveAll(path)
}

// pidFile is what a server says of itself in its folder.
type pidFile struct {
	pid        int
	key, shmID string // of the small segment by which it sees that a folder is in use
	ready      bool
}

func readPidFile(data string) pidFile {
	b, err := os.ReadFile(filepath.Join(data, "postmaster.pid")) //nolint:gosec // of our own server
	if err != nil {
		return pidFile{}
	}
	lines := strings.Split(string(b), "\n")
	pid, err := strconv.Atoi(lines[0])
	if err != nil {
		return pidFile{}
	}
	p := pidFile{pid: pid}
	if len(lines) > 6 {
		if f := strings.Fields(lines[6]); len(f) == 2 {
			p.key, p.shmID = f[0], f[1]
		}
	}
	p.ready = len(lines) > 7 && strings.TrimSpace(lines[7]) == "ready"
	return p
}
