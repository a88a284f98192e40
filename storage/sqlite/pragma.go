package sqlite

import (
	"context"
	"errors"
	"fmt"
	"strings"
)

// errRefused is the beginning of what is said about a handle that the store
// cannot work with.
const errRefused = "chatelaine: the SQLite handle cannot be used: "

// inspect refuses a host's connection that would break a promise, by the name
// of the pragma and with what to do.
func inspect(ctx context.Context, c *conn, poolOfOne bool) error {
	if _, err := c.one(ctx, "?"); code(err) != codeError {
		return errDriver
	}
	file, err := c.one(ctx, "SELECT file FROM pragma_database_list WHERE name = 'main'")
	if err != nil {
		return err
	}
	inMemory := file == nil || file == ""
	if inMemory && !poolOfOne {
		return errors.New(errRefused + "each connection has a database in memory of its own; call SetMaxOpenConns(1) first")
	}
	for _, p := range []struct {
		name string
		fits func(v string) bool
		say  string
	}{
		{"foreign_keys", is("1"), "open it with _pragma=foreign_keys(1)"},
		{"query_only", is("0"), "the store writes"},
		{"encoding", is("utf-8"), "ids and addresses are compared as UTF-8 bytes"},
		{
			"synchronous", func(v string) bool { return inMemory || v == "2" || v == "3" },
			"what was answered must survive a loss of power; open it with _pragma=synchronous(full)",
		},
		{
			"journal_mode", func(v string) bool { return inMemory || v != "off" && v != "memory" },
			"a change must be undone as a whole after a crash; open it with _pragma=journal_mode(wal)",
		},
	} {
		v, err := c.one(ctx, "PRAGMA "+p.name)
		if err != nil {
			return err
		}
		if s := strings.ToLower(fmt.Sprint(v)); !p.fits(s) {
			return fmt.Errorf(errRefused+"%s is %s: %s", p.name, s, p.say)
		}
	}
	return nil
}

func is(want string) func(string) bool { return func(v string) bool { return v == want } }

// impatient makes a connection answer at once when another process writes: the
// store waits itself, where a context can end the wait and a queue keeps order.
// It returns how to undo it.
func impatient(ctx context.Context, c *conn) (restore string, err error) {
	old, err := c.one(ctx, "PRAGMA busy_timeout")
	if err != nil {
		return "", err
	}
	_, err = c.one(ctx, "PRAGMA busy_timeout = 0")
	return fmt.Sprintf("PRAGMA busy_timeout = %v", old), err
}
