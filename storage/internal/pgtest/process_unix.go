//go:build darwin || dragonfly || freebsd || linux || netbsd || openbsd

package pgtest

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/user"
	"strconv"
	"syscall"
)

const (
	canStart = true

	sigStop      = syscall.SIGSTOP
	sigFast      = syscall.SIGINT  // PostgreSQL: end what is connected, and stop
	sigImmediate = syscall.SIGQUIT // PostgreSQL: stop without a checkpoint, but tidily
)

// send sends a signal; a process that has gone needs none.
func send(pid int, s syscall.Signal) {
	if pid > 1 {
		_ = syscall.Kill(pid, s)
	}
}

func exists(pid int) bool {
	return pid > 1 && !errors.Is(syscall.Kill(pid, 0), syscall.ESRCH)
}

// identity is who the server runs as when this process may not.
type identity struct{ uid, gid uint32 }

// serverIdentity returns nil when the server can run as this process does.
func serverIdentity() (*identity, error) {
	if os.Geteuid() != 0 {
		return nil, nil
	}
	for _, name := range []string{"postgres", "nobody"} {
		u, err := user.Lookup(name)
		if err != nil {
			continue
		}
		uid, err := strconv.ParseUint(u.Uid, 10, 32)
		if err != nil {
			continue
		}
		gid, err := strconv.ParseUint(u.Gid, 10, 32)
		if err != nil {
			continue
		}
		return &identity{uid: uint32(uid), gid: uint32(gid)}, nil
	}
	return nil, fmt.Errorf("%w: and root, which PostgreSQL does not run as, finds neither a user postgres nor nobody", ErrNotInstalled)
}

// give makes a folder the server's.
func (i *identity) give(path string) error {
	if i == nil {
		return nil
	}
	return os.Chown(path, int(i.uid), int(i.gid))
}

// adopt makes a command run as the server's user, in a process group of its own,
// so that an interrupt typed at the terminal reaches this process alone.
func (i *identity) adopt(cmd *exec.Cmd, death syscall.Signal) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if i != nil {
		cmd.SysProcAttr.Credential = &syscall.Credential{Uid: i.uid, Gid: i.gid}
	}
	dieWithParent(cmd.SysProcAttr, death)
}

// tryLock takes a lock that ends with this process, or reports that somebody
// has it.
func tryLock(f *os.File) bool {
	return syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB) == nil
}

// ours reports whether a file belongs to this process's user.
func ours(info os.FileInfo) bool {
	st, ok := info.Sys().(*syscall.Stat_t)
	return ok && int(st.Uid) == os.Geteuid()
}
