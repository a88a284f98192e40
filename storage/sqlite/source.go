package sqlite

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"log/slog"
)

// source lends the writer its connection.
type source struct {
	db  *sql.DB
	log *slog.Logger

	// pin keeps one connection of a host's pool until the store is closed, so
	// that its statements are prepared once. Without it the pool is asked each
	// time: it is the store's own, or has no connection to spare.
	pin bool

	// check looks at a connection before it is used for the first time.
	check func(ctx context.Context, c *conn) error

	sc      *sql.Conn // while in use, or pinned
	c       *conn     // pinned
	checked bool      // one connection of a host's pool of one has passed: all are opened alike
}

// use calls f with the connection. The writer calls it from one goroutine at a
// time. The context ends the wait for a connection, and nothing else.
func (s *source) use(ctx context.Context, f func(c *conn) error) error {
	if s.sc == nil {
		sc, err := s.db.Conn(ctx)
		if err != nil {
			return translate(err)
		}
		s.sc = sc
	}
	keep := false
	defer func() {
		if !keep {
			_ = s.sc.Close()
			s.sc, s.c = nil, nil
		}
	}()
	var ferr error
	err := s.sc.Raw(func(raw any) error {
		c, own := raw.(*conn)
		if !own {
			dc, ok := raw.(driver.Conn)
			if !ok {
				return errDriver
			}
			if c = s.c; c == nil {
				c = newConn(dc)
			}
		}
		returned := false
		defer func() {
			if !returned { // a panic: the pool closes the connection, and nothing may keep it open
				c.rollback(context.WithoutCancel(ctx))
				c.forget()
			}
		}()
		if !c.checked && (own || s.pin || !s.checked) {
			ferr = s.check(context.WithoutCancel(ctx), c)
		}
		if ferr == nil {
			c.checked, s.checked = true, true
			ferr = f(c)
			keep = s.pin && !c.broken
		}
		returned = true
		if !own && !keep {
			c.forget()
		}
		if keep {
			s.c = c
		}
		if c.broken {
			s.log.LogAttrs(ctx, slog.LevelError, "sqlite: the writer gave a connection up", slog.Any("error", ferr))
			return driver.ErrBadConn // the pool closes it
		}
		return nil
	})
	if ferr != nil {
		return ferr
	}
	return err
}

// close gives a pinned connection back, as it was. The writer has stopped.
func (s *source) close(ctx context.Context, restore string) {
	if s.sc == nil {
		return
	}
	_ = s.sc.Raw(func(any) error {
		if restore != "" {
			_, _ = s.c.one(ctx, restore)
		}
		s.c.forget()
		return nil
	})
	_ = s.sc.Close()
	s.sc, s.c = nil, nil
}
