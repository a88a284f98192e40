package pgtest

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
)

var errEnded = errors.New("it ended by itself")

// Options say how a cluster is set up. nil is fine.
type Options struct {
	// Bin is the folder of initdb and postgres; "" finds one.
	Bin string

	// TCP makes the server listen on a port of 127.0.0.1 beside its socket.
	TCP bool

	// Settings are further settings, by their names in postgresql.conf, of each
	// run of the server: {"max_connections": "20"}.
	Settings map[string]string
}

const (
	dataName  = "data"
	superuser = "postgres"
)

// Cluster is a throwaway server of PostgreSQL and its folder. Its methods may be
// called from many goroutines.
type Cluster struct {
	bin, version string
	options      Options
	as           *identity
	home         *folder
	short        *folder // of the socket, if its path would be too long in home
	socket       string  // the folder of the socket
	port         int

	mu      sync.Mutex
	server  *server // nil while it does not run
	removed bool
}

// Start makes a new cluster and starts its server. It returns when the server
// answers. The caller stops it with Stop.
//
// It returns an error that matches [ErrNotInstalled] when there is nothing to
// start, and one with the server's last words when that does not come up. The
// context ends the start and not the server.
func Start(ctx context.Context, o *Options) (*Cluster, error) {
	if o == nil {
		o = &Options{}
	}
	c := &Cluster{options: *o}
	return c.begin(ctx, c.initdb)
}

// begin has the data folder filled and runs the server. Nothing is left of one that
// does not come up.
func (c *Cluster) begin(ctx context.Context, fill func(ctx context.Context) error) (*Cluster, error) {
	err := c.prepare(ctx)
	if err == nil {
		err = fill(ctx)
	}
	if err != nil {
		return nil, errors.Join(err, c.removeFolders())
	}
	if err := c.Run(ctx); err != nil {
		return nil, errors.Join(err, c.Stop())
	}
	return c, nil
}

func (c *Cluster) prepare(ctx context.Context) (err error) {
	if c.bin, err = installed(ctx, c.options.Bin); err != nil {
		return err
	}
	if c.version, err = versionOf(ctx, c.bin); err != nil {
		return err
	}
	if c.as, err = serverIdentity(); err != nil {
		return err
	}
	parent := parentFor(c.as)
	sweep(parent)
	sweep("/tmp") // where short ones are
	if c.home, err = newFolder(parent); err != nil {
		return err
	}
	c.port = 5432
	if c.options.TCP {
		if c.port, err = FreePort(ctx); err != nil {
			return err
		}
	}
	if err := c.makeFolders(); err != nil {
		return fmt.Errorf("pgtest: %w", err)
	}
	return nil
}

func (c *Cluster) makeFolders() (err error) {
	under := c.home
	if len(filepath.Join(c.home.path, "s", ".s.PGSQL.12345")) > maxSocketPath {
		if c.short, err = newFolder("/tmp"); err != nil {
			return err
		}
		under = c.short
	}
	c.socket = filepath.Join(under.path, "s")
	for path, mode := range map[string]os.FileMode{c.socket: 0o755, c.Dir(): 0o700} {
		if err := os.Mkdir(path, mode); err != nil {
			return err
		}
		if err := c.as.give(path); err != nil {
			return err
		}
	}
	return nil
}

func (c *Cluster) initdb(ctx context.Context) error {
	cmd := exec.CommandContext(ctx, filepath.Join(c.bin, "initdb"), //nolint:gosec // found by findBin
		"--pgdata="+c.Dir(), "--username="+superuser, "--auth=trust", "--encoding=UTF8", "--locale=C", "--no-sync")
	log, err := c.command(cmd, syscall.SIGKILL)
	if err != nil {
		return err
	}
	defer func() { _ = log.Close() }()
	s, err := launch(cmd)
	if err != nil {
		return err
	}
	<-s.done // the context kills it
	if s.err != nil {
		return fmt.Errorf("pgtest: initdb: %w\n%s", s.err, c.tail())
	}
	return nil
}

// command makes a program of PostgreSQL ready to be started; the caller closes
// the log once it is.
func (c *Cluster) command(cmd *exec.Cmd, death syscall.Signal) (*os.File, error) {
	log, err := os.OpenFile(c.logPath(), os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		return nil, fmt.Errorf("pgtest: %w", err)
	}
	cmd.Dir, cmd.Env = c.home.path, cleanEnv()
	cmd.Stdout, cmd.Stderr = log, log
	c.as.adopt(cmd, death)
	return log, nil
}

// Run starts the server again after Kill or Halt, on the same folder and under the
// same DSN, and returns when it answers. It does nothing while the server runs.
func (c *Cluster) Run(ctx context.Context) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.removed {
		return errors.New("pgtest: the cluster is stopped and removed")
	}
	if c.server != nil && !c.server.gone() {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, startLimit)
	defer cancel()

	cmd := &exec.Cmd{Path: filepath.Join(c.bin, "postgres"), Args: c.arguments()} // no context: it outlives the call
	log, err := c.command(cmd, sigImmediate)
	if err != nil {
		return err
	}
	defer func() { _ = log.Close() }()
	s, err := launch(cmd)
	if err != nil {
		return err
	}
	c.server = s
	for {
		if p := readPidFile(c.Dir()); p.pid == s.pid && p.ready {
			return nil
		}
		if s.gone() {
			c.server = nil
			return fmt.Errorf("pgtest: the server did not start: %w\n%s", cmp.Or(s.err, errEnded), c.tail())
		}
		if err := pause(ctx, pollEvery); err != nil {
			return fmt.Errorf("pgtest: the server does not answer: %w\n%s", errors.Join(err, c.end(syscall.SIGKILL)), c.tail())
		}
	}
}

func (c *Cluster) arguments() []string {
	listen := ""
	if c.options.TCP {
		listen = "127.0.0.1"
	}
	args := []string{
		filepath.Join(c.bin, "postgres"), "-D", c.Dir(), // the server finds its files by where it is, not by PATH
		"-c", "unix_socket_directories=" + c.socket,
		"-c", "listen_addresses=" + listen,
		"-c", "port=" + strconv.Itoa(c.port),
		"-c", "dynamic_shared_memory_type=mmap", // in the folder: a killed server leaves nothing elsewhere
		"-c", "logging_collector=off",
	}
	for name, value := range c.options.Settings {
		args = append(args, "-c", name+"="+value)
	}
	return args
}

// Halt stops the server as an administrator does: connections are ended and a
// checkpoint is written. The folder stays, for Run.
func (c *Cluster) Halt() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.end(sigFast)
}

// Kill ends the postmaster and all its processes at once, as a crash does, and
// returns when they are gone. What the server has written to files is there for
// Run, flushed or not; a power failure is not simulated.
func (c *Cluster) Kill() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.end(syscall.SIGKILL)
}

// Stop halts the server, if it runs, and removes everything it has. Calling it
// again does nothing.
func (c *Cluster) Stop() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.removed {
		return nil
	}
	c.removed = true
	err := c.end(sigFast)
	dropSharedMemory(c.Dir())
	return errors.Join(err, c.removeFolders())
}

// end ends the server by a signal, and by a harder one if that does not help.
func (c *Cluster) end(s syscall.Signal) error {
	if c.server == nil {
		return nil
	}
	server := c.server
	c.server = nil
	if s == syscall.SIGKILL {
		err := killFamily(server.pid)
		<-server.done
		return err
	}
	send(server.pid, s)
	if within(stopLimit, server.done) {
		return nil
	}
	err := killFamily(server.pid)
	<-server.done
	return errors.Join(fmt.Errorf("pgtest: the server did not stop and was killed\n%s", c.tail()), err)
}

func (c *Cluster) removeFolders() error { return errors.Join(c.home.remove(), c.short.remove()) }

// DSN returns the connection string of a database, through the server's socket. It
// is a URL, to which further parameters may be added with "&".
func (c *Cluster) DSN(database string) string { return c.dsn(database, c.socket) }

// TCPDSN is DSN through the port of 127.0.0.1, or "" without Options.TCP.
func (c *Cluster) TCPDSN(database string) string {
	if !c.options.TCP {
		return ""
	}
	return c.dsn(database, "127.0.0.1")
}

func (c *Cluster) dsn(database, host string) string {
	u := url.URL{Scheme: "postgres", Path: "/" + database, RawQuery: url.Values{
		"host": {host}, "port": {strconv.Itoa(c.port)}, "user": {superuser}, "sslmode": {"disable"},
	}.Encode()}
	return u.String()
}

// TCPAddr returns the address where the server listens, "127.0.0.1:14711", or ""
// without Options.TCP. It stays the same over all runs.
func (c *Cluster) TCPAddr() string {
	if !c.options.TCP {
		return ""
	}
	return net.JoinHostPort("127.0.0.1", strconv.Itoa(c.port))
}

// Pid returns the process id of the postmaster, or 0 while it does not run.
func (c *Cluster) Pid() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.server == nil || c.server.gone() {
		return 0
	}
	return c.server.pid
}

// Dir returns the data folder.
func (c *Cluster) Dir() string { return filepath.Join(c.home.path, dataName) }

// Version returns the server's version: "15.7".
func (c *Cluster) Version() string { return c.version }

// Log returns what initdb and all runs of the server have written to stderr. It is
// "" once the cluster is stopped.
func (c *Cluster) Log() string {
	b, _ := os.ReadFile(c.logPath())
	return string(b)
}

func (c *Cluster) logPath() string { return filepath.Join(c.home.path, "log") }

// tail is the end of the log, for errors.
func (c *Cluster) tail() string {
	lines := strings.Split(strings.TrimSpace(c.Log()), "\n")
	return strings.Join(lines[max(0, len(lines)-20):], "\n")
}

// FreePort returns a port of 127.0.0.1 that nobody has, for a program that is told
// where to listen. It is below those that systems give out by themselves, so that it
// stays free while the program is down.
func FreePort(ctx context.Context) (int, error) {
	var err error
	for range 100 {
		var b [2]byte
		if _, err = rand.Read(b[:]); err != nil {
			return 0, fmt.Errorf("pgtest: %w", err)
		}
		port := 10_000 + int(binary.BigEndian.Uint16(b[:]))%22_000
		var ln net.Listener
		ln, err = (&net.ListenConfig{}).Listen(ctx, "tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
		if err == nil {
			return port, ln.Close()
		}
	}
	return 0, fmt.Errorf("pgtest: no free port: %w", err)
}
