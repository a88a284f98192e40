package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	_ "github.com/jackc/pgx/v5/stdlib" // the driver of what is read beside the ports

	"github.com/chatelaine-go/chatelaine/storage"
	"github.com/chatelaine-go/chatelaine/storage/postgres"
	"github.com/chatelaine-go/chatelaine/storage/sqlite"
)

// opened is the database, as a store and bare.
type opened struct {
	storage.Storage
	close func()
}

// open opens the store. It waits for a server that is not there yet.
func (c *config) open(ctx context.Context, conns int) (*opened, error) {
	if c.sqlite != "" {
		st, err := sqlite.Open(ctx, c.sqlite, nil)
		if err != nil {
			return nil, err
		}
		return &opened{st, func() { _ = st.Close() }}, nil
	}
	pc, err := pgxpool.ParseConfig(c.dsn)
	if err != nil {
		return nil, err
	}
	pc.MaxConns = int32(conns) //nolint:gosec // a few
	pc.ConnConfig.RuntimeParams["application_name"] = c.application()
	pool, err := pgxpool.NewWithConfig(ctx, pc)
	if err != nil {
		return nil, err
	}
	// A server that is not there comes back; one that is refused stays so.
	var st *postgres.Store
	var refused error
	if err := patiently(ctx, func() (err error) {
		st, refused = postgres.New(ctx, pool, &postgres.Options{AllowLoss: c.allowLoss})
		if refused != nil {
			return pool.Ping(ctx)
		}
		return nil
	}); errors.Join(err, refused) != nil {
		pool.Close()
		return nil, errors.Join(err, refused)
	}
	return &opened{st, pool.Close}, nil
}

// application is what the server calls the connections of workers.
func (c *config) application() string {
	if c.role != roleWorker {
		return "crash"
	}
	return "crash-" + c.name
}

// bare opens the database for what no port tells.
func (c *config) bare() (*sql.DB, error) {
	if c.sqlite != "" {
		escaped := strings.NewReplacer("%", "%25", "?", "%3f", "#", "%23").Replace(c.sqlite)
		return sql.Open("sqlite", "file:"+escaped+"?_pragma=busy_timeout(10000)&_pragma=query_only(1)")
	}
	return sql.Open("pgx", c.dsn)
}

// used reports whether a run of this name has worked on the database.
func (c *config) used(ctx context.Context) (bool, error) {
	st, err := c.open(ctx, 2)
	if err != nil {
		return false, err
	}
	defer st.close()
	db, err := c.bare()
	if err != nil {
		return false, err
	}
	defer func() { _ = db.Close() }()
	var n int
	err = db.QueryRowContext(ctx, `SELECT count(*) FROM chatelaine_events WHERE op LIKE $1`, c.name+"-%").Scan(&n)
	return n > 0, err
}

// quiet waits until the server has noticed that killed workers are gone: what
// they sent last may still be committed before.
func (c *config) quiet(ctx context.Context) error {
	if !c.postgres {
		return nil
	}
	db, err := c.bare()
	if err != nil {
		return err
	}
	defer func() { _ = db.Close() }()
	return patiently(ctx, func() error {
		var n int
		err := db.QueryRowContext(ctx, `SELECT count(*) FROM pg_stat_activity WHERE application_name = $1`, "crash-"+c.name).Scan(&n)
		if err == nil && n > 0 {
			err = fmt.Errorf("%d connections of killed processes are still there", n)
		}
		return err
	})
}

// patiently tries something until it succeeds, or for a minute.
func patiently(ctx context.Context, try func() error) error {
	end := time.Now().Add(time.Minute)
	for {
		err := try()
		if err == nil || ctx.Err() != nil || time.Now().After(end) {
			return err
		}
		rest(ctx, 20*time.Millisecond)
	}
}

// rest waits, or until the context ends.
func rest(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
	case <-t.C:
	}
}
