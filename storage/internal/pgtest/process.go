package pgtest

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
)

// server is a postmaster that this process started.
type server struct {
	pid  int
	done chan struct{} // closed when it is gone
	err  error         // how it ended, once done is closed
}

// launch starts a program that ends when this process does. Linux ties that to
// the thread that started it, so that one keeps waiting for it.
func launch(cmd *exec.Cmd) (*server, error) {
	s := &server{done: make(chan struct{})}
	started := make(chan error)
	go s.run(cmd, started)
	if err := <-started; err != nil {
		return nil, fmt.Errorf("pgtest: start %s: %w", cmd.Path, err)
	}
	return s, nil
}

func (s *server) run(cmd *exec.Cmd, started chan<- error) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	defer close(s.done)
	if err := cmd.Start(); err != nil {
		started <- err
		return
	}
	s.pid = cmd.Process.Pid
	started <- nil
	s.err = cmd.Wait()
}

// gone reports whether the server has ended.
func (s *server) gone() bool {
	select {
	case <-s.done:
		return true
	default:
		return false
	}
}

// process is what the system says of one.
type process struct {
	pid, parent int
	dead        bool // it only waits for its parent to notice
}

// processes lists what runs on this machine.
func processes() []process {
	stats, _ := filepath.Glob("/proc/[0-9]*/stat")
	if len(stats) == 0 {
		return processesByPs()
	}
	list := make([]process, 0, len(stats))
	for _, path := range stats {
		if p, ok := parseStat(path); ok {
			list = append(list, p)
		}
	}
	return list
}

// parseStat reads "71 (postgres: a (b)) S 1 …".
func parseStat(path string) (process, bool) {
	b, err := os.ReadFile(path) //nolint:gosec // a file of the system
	if err != nil {
		return process{}, false
	}
	i := bytes.LastIndexByte(b, ')')
	fields := strings.Fields(string(b[i+1:]))
	if i < 0 || len(fields) < 2 {
		return process{}, false
	}
	pid, err := strconv.Atoi(filepath.Base(filepath.Dir(path)))
	if err != nil {
		return process{}, false
	}
	parent, err := strconv.Atoi(fields[1])
	return process{pid: pid, parent: parent, dead: strings.ContainsAny(fields[0], "ZX")}, err == nil
}

func processesByPs() []process {
	out, _ := (&exec.Cmd{Path: "/bin/ps", Args: []string{"ps", "-A", "-o", "pid=,ppid=,stat="}}).Output()
	var list []process
	for line := range strings.Lines(string(out)) {
		f := strings.Fields(line)
		if len(f) < 3 {
			continue
		}
		pid, err := strconv.Atoi(f[0])
		parent, perr := strconv.Atoi(f[1])
		if err == nil && perr == nil {
			list = append(list, process{pid: pid, parent: parent, dead: strings.HasPrefix(f[2], "Z")})
		}
	}
	return list
}

// alive reports whether there is such a process and it can still do anything.
func alive(pid int) bool {
	if !exists(pid) {
		return false
	}
	if p, ok := parseStat(fmt.Sprintf("/proc/%d/stat", pid)); ok {
		return !p.dead
	}
	for _, p := range processes() {
		if p.pid == pid {
			return !p.dead
		}
	}
	return false
}

// family returns a process and its children.
func family(pid int) []int {
	pids := []int{pid}
	for _, p := range processes() {
		if p.parent == pid && !p.dead {
			pids = append(pids, p.pid)
		}
	}
	return pids
}

// killFamily kills a postmaster and its children at once and waits until all
// are gone. PostgreSQL's children lead process groups of their own; stopping the
// postmaster first keeps it from having more while they are listed.
func killFamily(pid int) error {
	send(pid, sigStop)
	pids := family(pid)
	for range 3 {
		for _, p := range pids[1:] {
			send(p, syscall.SIGKILL)
		}
		more := family(pid) // the stop takes a moment to arrive
		if len(more) == 1 {
			break
		}
		pids = append(pids, more[1:]...)
	}
	send(pid, syscall.SIGKILL)
	for _, p := range pids {
		if !until(killLimit, func() bool { return !alive(p) }) {
			return fmt.Errorf("pgtest: process %d of the server does not end", p)
		}
	}
	return nil
}

// commandLine returns what a process was started with, or "".
func commandLine(pid int) string {
	if b, err := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid)); err == nil {
		return strings.ReplaceAll(string(b), "\x00", " ")
	}
	out, _ := (&exec.Cmd{Path: "/bin/ps", Args: []string{"ps", "-o", "command=", "-p", strconv.Itoa(pid)}}).Output()
	return string(out)
}
