package pgtest

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
)

// Standby makes a replica of the cluster, which answers questions and follows what
// the cluster commits, and starts it. It is a cluster of its own, and the caller stops
// it.
//
// The cluster is halted for the copy and runs again when Standby returns: what was
// connected has to connect anew. No program of PostgreSQL but its server is needed.
func (c *Cluster) Standby(ctx context.Context) (*Cluster, error) {
	if err := c.Halt(); err != nil {
		return nil, err
	}
	s := &Cluster{options: c.options}
	s.options.Settings = maps.Clone(c.options.Settings)
	if s.options.Settings == nil {
		s.options.Settings = make(map[string]string)
	}
	s.options.Settings["primary_conninfo"] = fmt.Sprintf("host=%s port=%d user=%s", c.socket, c.port, superuser)
	s, err := s.begin(ctx, func(context.Context) error {
		if err := s.copyOf(c); err != nil {
			return fmt.Errorf("pgtest: copy the cluster: %w", err)
		}
		return nil
	})
	if err = errors.Join(err, c.Run(ctx)); err != nil && s != nil {
		return nil, errors.Join(err, s.Stop())
	}
	return s, err
}

// copyOf fills the folder with that of another cluster, which is halted.
func (c *Cluster) copyOf(other *Cluster) error {
	if err := os.CopyFS(c.Dir(), os.DirFS(other.Dir())); err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(c.Dir(), "standby.signal"), nil, 0o600); err != nil {
		return err
	}
	return filepath.WalkDir(c.Dir(), func(path string, _ fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		return c.as.give(path)
	})
}

// SetStandbys sets synchronous_standby_names, the standbys that a commit waits for,
// and returns once commits do wait, or do not: that the setting shows tells nothing,
// since backends wait by what the checkpointer makes of it, some time after that. ""
// is none, and lets go who waits. Any other is to be a name that no standby has: every
// commit waits then whose synchronous_commit is not local or off.
func (c *Cluster) SetStandbys(ctx context.Context, names string) error {
	admin, err := pgconn.Connect(ctx, c.DSN(superuser)+"&synchronous_commit=local")
	if err != nil {
		return fmt.Errorf("pgtest: %w", err)
	}
	defer func() { _ = admin.Close(context.WithoutCancel(ctx)) }()
	quoted, err := admin.EscapeString(names)
	if err != nil {
		return fmt.Errorf("pgtest: %w", err)
	}
	for _, text := range []string{"ALTER SYSTEM SET synchronous_standby_names = '" + quoted + "'", "SELECT pg_reload_conf()"} {
		if _, err := admin.Exec(ctx, text).ReadAll(); err != nil {
			return fmt.Errorf("pgtest: %w", err)
		}
	}
	for end := now().Add(startLimit); now().Before(end); {
		waits, err := c.probe(ctx, admin, names != "")
		if err != nil {
			return fmt.Errorf("pgtest: a commit that waits for a standby, or not: %w", err)
		}
		if waits == (names != "") {
			return nil
		}
		if err := pause(ctx, pollEvery); err != nil {
			return err
		}
	}
	return fmt.Errorf("pgtest: the server does not take synchronous_standby_names = %q", names)
}

// probe commits something that leaves no trace but in the log of changes, and reports
// whether the commit waits for a standby. One that shall not wait is waited for.
func (c *Cluster) probe(ctx context.Context, admin *pgconn.PgConn, shall bool) (waits bool, err error) {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	conn, err := pgconn.Connect(ctx, c.DSN(superuser))
	if err != nil {
		return false, err
	}
	defer func() { _ = conn.Close(context.WithoutCancel(ctx)) }()
	done := make(chan error, 1)
	go func() {
		_, err := conn.Exec(ctx, "SET synchronous_commit = on; SELECT pg_logical_emit_message(true, 'probe', '')").ReadAll()
		done <- err
	}()
	if !shall {
		return false, <-done
	}
	for {
		select {
		case err := <-done:
			return waits, err
		default:
		}
		// Nothing else ends the wait; what is committed stays so.
		found, err := admin.Exec(ctx, fmt.Sprintf(`SELECT pg_cancel_backend(pid) FROM pg_stat_activity
			WHERE pid = %d AND wait_event = 'SyncRep'`, conn.PID())).ReadAll()
		if err != nil {
			cancel()
			return false, errors.Join(err, <-done)
		}
		waits = waits || len(found[0].Rows) > 0
		if err := pause(ctx, pollEvery); err != nil {
			return false, errors.Join(err, <-done)
		}
	}
}
