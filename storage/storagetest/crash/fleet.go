package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"time"
)

// What a process finds in its environment: that it was started by this program, and
// the DSN, which may hold a password, and a command line is for everybody to see.
const (
	envChild = "CHATELAINE_CRASH_CHILD"
	envDSN   = "CHATELAINE_CRASH_DSN"
)

// The roles of processes that the program starts.
const (
	roleWorker = "worker"
	roleVerify = "verify"
)

// arguments are what a process of the program is started with.
func (c *config) arguments(role string) []string {
	args := []string{
		"-role", role, "-name", c.name, "-kill", killNone, "-for", "1h", "-lanes", strconv.Itoa(c.lanes),
		"-deadline", c.deadline.String(), "-ledger", c.ledger, "-worker", strconv.Itoa(c.worker),
		"-agency", strconv.Itoa(c.agency), "-seed", strconv.FormatUint(c.seed, 10),
	}
	for name, on := range map[string]bool{"-allow-loss": c.allowLoss, "-alone": c.alone, "-final": c.final} {
		if on {
			args = append(args, name)
		}
	}
	if c.sqlite != "" {
		return append(args, "-sqlite", c.sqlite)
	}
	return append(args, "-postgres")
}

// command returns a process of the program, which ends with ctx.
func (c *config) command(ctx context.Context, role string) (*exec.Cmd, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	cmd := exec.CommandContext(ctx, self, c.arguments(role)...) //nolint:gosec // the program itself
	cmd.Env = append(os.Environ(), envChild+"=1", envDSN+"="+c.dsn)
	return cmd, nil
}

// worker is a process that works.
type worker struct {
	cmd   *exec.Cmd
	stdin io.Closer // closed, it ends in peace
	errs  bytes.Buffer
	done  chan struct{}
	err   error // once done is closed: why it ended
	ours  bool  // it was told to end, or killed
}

// fleet is the workers of a run.
type fleet struct {
	c      config
	ledger *ledger

	mu      sync.Mutex
	workers []*worker
	started int
	err     error // a worker ended by itself
}

// start puts a new worker in a place.
func (f *fleet) start(ctx context.Context, place int) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	c := f.c
	f.started++
	c.worker = f.started
	f.ledger.mu.Lock()
	c.agency = f.ledger.agency
	f.ledger.mu.Unlock()
	cmd, err := c.command(ctx, roleWorker)
	if err != nil {
		return err
	}
	w := &worker{cmd: cmd, done: make(chan struct{})}
	cmd.Stderr = &w.errs
	stdin, err := cmd.StdinPipe()
	if err != nil {
		return err
	}
	w.stdin = stdin
	told, err := cmd.StdoutPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return err
	}
	go func() {
		defer close(w.done)
		read := f.ledger.read(told)
		w.err = errors.Join(read, cmd.Wait())
		f.mu.Lock()
		defer f.mu.Unlock()
		if read != nil || !w.ours && ctx.Err() == nil {
			f.err = fmt.Errorf("a worker ended by itself: %w\n%s", w.err, tail(w.errs.String()))
		}
	}()
	f.workers[place] = w
	return nil
}

// startAll fills every place.
func (f *fleet) startAll(ctx context.Context) error {
	for i := range f.workers {
		if err := f.start(ctx, i); err != nil {
			return err
		}
	}
	return nil
}

// end ends the worker of a place, by SIGKILL or in peace, and returns when it is
// gone and all that it told was read.
func (f *fleet) end(place int, kill bool) error {
	f.mu.Lock()
	w := f.workers[place]
	if w == nil {
		f.mu.Unlock()
		return nil
	}
	f.workers[place], w.ours = nil, true
	f.mu.Unlock()
	if kill {
		_ = w.cmd.Process.Kill() // it may be gone, which is told elsewhere
		<-w.done
		return nil
	}
	_ = w.stdin.Close()
	t := time.NewTimer(time.Minute)
	defer t.Stop()
	select {
	case <-w.done:
	case <-t.C:
		_ = w.cmd.Process.Kill()
		<-w.done
		return errors.New("a worker did not end")
	}
	if w.err != nil {
		return fmt.Errorf("a worker failed: %w\n%s", w.err, tail(w.errs.String()))
	}
	return nil
}

// endAll ends all workers.
func (f *fleet) endAll(kill bool) error {
	var all error
	var wait sync.WaitGroup
	var mu sync.Mutex
	for i := range f.workers {
		wait.Go(func() {
			err := f.end(i, kill)
			mu.Lock()
			defer mu.Unlock()
			all = errors.Join(all, err)
		})
	}
	wait.Wait()
	return errors.Join(all, f.failed())
}

// failed returns why a worker ended that nobody ended.
func (f *fleet) failed() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.err
}

// tail is the end of what a process said.
func tail(text string) string {
	lines := strings.Split(strings.TrimSpace(text), "\n")
	return strings.Join(lines[max(0, len(lines)-30):], "\n")
}
