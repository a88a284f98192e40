package postgres_test

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/stretchr/testify/require"

	"github.com/chatelaine-go/chatelaine/accounts"
	"github.com/chatelaine-go/chatelaine/storage/internal/pgtest"
	"github.com/chatelaine-go/chatelaine/storage/postgres"
)

// moment is when everything happens.
var moment = time.Date(2026, 3, 4, 12, 0, 0, 0, time.UTC)

// A server, database, role or session that would lose what it acknowledged, answer
// for the past or in another way, or decide by what it saw before it had a lock, is
// refused, with what to set. A host may accept loss, and nothing else.
func TestStore_Check_settings(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name string
		set  string // of the session
		loss bool
		want string // "" is fine
	}{
		{"a commit that nobody waits for", "synchronous_commit=off", true, "synchronous_commit is off"},
		{"a commit on this machine alone, without a standby", "synchronous_commit=local", false, ""},
		{"a commit that a standby has written", "synchronous_commit=remote_write", false, ""},
		{"a commit that a standby has applied", "synchronous_commit=remote_apply", false, ""},
		{"transactions that only read", "default_transaction_read_only=on", false, "transactions are read-only"},
		{"references that are not checked", "session_replication_role=replica", false, "session_replication_role is replica"},
		{"references of the session's own", "session_replication_role=local", false, ""},
		{"another encoding of the client", "client_encoding=UTF8", false, ""},
		{"bytes that are escaped", "bytea_output=escape", false, "bytea_output is escape"},
		{"transactions that see one moment", "default_transaction_isolation=repeatable read", false, "transactions are repeatable read"},
		{"transactions that are serializable", "default_transaction_isolation=serializable", false, "transactions are serializable"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			name, value, _ := strings.Cut(tt.set, "=")
			p := pooled(t, pgtest.Database(t), func(c *pgxpool.Config) { c.ConnConfig.RuntimeParams[name] = value })
			judged(t, p, tt.want, tt.loss)
		})
	}

	t.Run("what is set for the database or the user counts", func(t *testing.T) {
		t.Parallel()
		dsn := pgtest.Database(t)
		admin := pooled(t, dsn, nil)
		name := one[string](t, admin, "SELECT current_database()")
		role := name + "_role"
		for _, of := range []string{"DATABASE " + name, "ROLE " + role + " IN DATABASE " + name} {
			run(t, admin, "DROP ROLE IF EXISTS "+role, "CREATE ROLE "+role+" SUPERUSER LOGIN", "ALTER "+of+" SET synchronous_commit = off")
			p := pooled(t, dsn, func(c *pgxpool.Config) { c.ConnConfig.User = role })
			_, err := postgres.New(t.Context(), p, nil)
			require.ErrorContains(t, err, "synchronous_commit is off")
			run(t, admin, "ALTER "+of+" RESET synchronous_commit")
			p.Reset()
			_, err = postgres.New(t.Context(), p, nil)
			require.NoError(t, err)
			p.Close()
			run(t, admin, "REASSIGN OWNED BY "+role+" TO CURRENT_USER", "DROP OWNED BY "+role, "DROP ROLE "+role)
		}
	})

	for _, encoding := range []string{"SQL_ASCII", "LATIN1"} {
		t.Run("a database that keeps "+encoding, func(t *testing.T) {
			t.Parallel()
			dsn := pgtest.Database(t)
			admin := pooled(t, dsn, nil)
			name := one[string](t, admin, "SELECT current_database()") + "_" + strings.ToLower(encoding)
			run(t, admin, "CREATE DATABASE "+name+" TEMPLATE template0 ENCODING '"+encoding+"' LC_COLLATE 'C' LC_CTYPE 'C'")
			t.Cleanup(func() {
				_, err := admin.Exec(context.WithoutCancel(t.Context()), "DROP DATABASE "+name+" WITH (FORCE)")
				require.NoError(t, err)
			})
			p := pooled(t, dsn, func(c *pgxpool.Config) { c.ConnConfig.Database = name })
			judged(t, p, encoding, false)
		})
	}
}

// judged opens stores of both kinds on a pool and looks at what they say.
func judged(t *testing.T, p *pgxpool.Pool, want string, loss bool) {
	t.Helper()
	db := stdlib.OpenDBFromPool(p)
	defer func() { _ = db.Close() }()
	for _, open := range []func(o *postgres.Options) (*postgres.Store, error){
		func(o *postgres.Options) (*postgres.Store, error) { return postgres.New(t.Context(), p, o) },
		func(o *postgres.Options) (*postgres.Store, error) { return postgres.NewSQL(t.Context(), db, o) },
	} {
		st, err := open(&postgres.Options{Schema: "judged"})
		if want == "" {
			require.NoError(t, err)
			require.NoError(t, st.Check(t.Context()))
			continue
		}
		require.ErrorContains(t, err, want)
		require.ErrorContains(t, err, "the PostgreSQL server cannot be used")
		require.NotErrorIs(t, err, accounts.ErrConflict)
		require.Zero(t, tables(t, p, "judged"), "nothing was made on it")
		st, err = open(&postgres.Options{Schema: "lossy", AllowLoss: true})
		if loss {
			require.NoError(t, err)
			require.NoError(t, st.Check(t.Context()))
		} else {
			require.ErrorContains(t, err, want)
		}
	}
}

// What holds for a whole server, and a replica beside it.
func TestStore_Check_server(t *testing.T) {
	t.Parallel()
	c := pgtest.Own(t, nil)
	// One connection, since each takes a new setting when it gets to it.
	p := pooled(t, c.DSN("postgres"), func(c *pgxpool.Config) { c.MaxConns = 1 })
	st, err := postgres.New(t.Context(), p, nil)
	require.NoError(t, err)
	set := func(name, value string) {
		run(t, p, "ALTER SYSTEM SET "+name+" = '"+value+"'", "SELECT pg_reload_conf()")
		require.Eventually(t, func() bool { return one[string](t, p, "SELECT current_setting('"+name+"')") == value },
			20*time.Second, 10*time.Millisecond)
	}

	for _, name := range []string{"fsync", "full_page_writes"} {
		set(name, "off")
		require.ErrorContains(t, st.Check(t.Context()), name+" is off")
		lossy := bare(t, p, postgres.Options{AllowLoss: true})
		require.NoError(t, lossy.Check(t.Context()))
		set(name, "on")
		require.NoError(t, st.Check(t.Context()))
	}

	set("synchronous_commit", "local")
	require.NoError(t, st.Check(t.Context()), "nothing is lost by a standby that is not there")
	set("synchronous_standby_names", "other")
	require.ErrorContains(t, st.Check(t.Context()), "synchronous_commit is local")
	lossy := bare(t, p, postgres.Options{AllowLoss: true})
	require.NoError(t, lossy.Check(t.Context()))
	set("synchronous_standby_names", "")
	set("synchronous_commit", "on")

	t.Run("a standby is refused, with its schema and without", func(t *testing.T) {
		replica := pooled(t, pgtest.OwnStandby(t, c).DSN("postgres"), nil)
		require.True(t, one[bool](t, replica, "SELECT pg_is_in_recovery()"))
		for _, o := range []postgres.Options{{}, {Schema: "not_there"}, {AllowLoss: true}, {Schema: "not_there", AllowLoss: true}} {
			_, err := postgres.New(t.Context(), replica, &o)
			require.ErrorContains(t, err, "it is a replica")
			require.ErrorContains(t, err, "target_session_attrs=read-write")
		}
		// Nor does it take anything that is written by a store that was not checked.
		blind := bare(t, replica, postgres.Options{})
		err := blind.ApplyAccounts(t.Context(), accounts.Change{
			Op: "op", Events: []accounts.Event{{Op: "op", Seq: 1, Kind: "test", Account: "a", At: moment}},
		})
		require.ErrorContains(t, err, "this is a replica")
		require.NotErrorIs(t, err, accounts.ErrConflict)
		require.NotErrorIs(t, err, accounts.ErrUnknown)
	})
}

// A server is too old by its number, and none is of whose number nothing is known.
func TestStore_Check_release(t *testing.T) {
	t.Parallel()
	for version, want := range map[string]bool{"90624": true, "120022": true, "130000": false, "150018": false, "180004": false, "": false, "another engine": false} {
		require.Equal(t, want, postgres.Old(version), version)
	}
}

// A pool that may come to a replica is refused before it connects anywhere, by the
// name of the field; what leads to the one that is written to is not.
func TestNew_replicas(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, dsn string
		want      string // "" is accepted
	}{
		{"several hosts", "postgres://a.invalid,b.invalid/db", "several servers (a.invalid:5432 and b.invalid:5432)"},
		{"several ports of a host", "postgres://a.invalid:1,a.invalid:2/db", "several servers"},
		{"several hosts and any session", "postgres://a.invalid,b.invalid/db?target_session_attrs=any", "several servers"},
		{"several hosts and a session that writes", "postgres://a.invalid,b.invalid/db?target_session_attrs=read-write", ""},
		{"several hosts and the primary", "postgres://a.invalid,b.invalid/db?target_session_attrs=primary", ""},
		{"several hosts and a standby", "postgres://a.invalid,b.invalid/db?target_session_attrs=standby", "leads to replicas"},
		{"several hosts and rather a standby", "postgres://a.invalid,b.invalid/db?target_session_attrs=prefer-standby", "leads to replicas"},
		{"several hosts and a session that reads", "postgres://a.invalid,b.invalid/db?target_session_attrs=read-only", "leads to replicas"},
		{"one host and a standby", "postgres://a.invalid/db?target_session_attrs=standby", "leads to replicas"},
		{"one host", "postgres://a.invalid/db", ""},
		{"one host, with TLS or without", "postgres://a.invalid/db?sslmode=prefer", ""},
		{"one host, without TLS or with", "postgres://a.invalid/db?sslmode=allow", ""},
		{"several hosts with TLS or without, and the primary", "postgres://a.invalid,b.invalid/db?sslmode=prefer&target_session_attrs=primary", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			config, err := pgxpool.ParseConfig(tt.dsn)
			require.NoError(t, err)
			errReached := fmt.Errorf("it was connected to")
			config.ConnConfig.LookupFunc = func(context.Context, string) ([]string, error) { return nil, errReached }
			p, err := pgxpool.NewWithConfig(t.Context(), config)
			require.NoError(t, err)
			defer p.Close()
			_, err = postgres.New(t.Context(), p, nil)
			if tt.want == "" {
				require.ErrorContains(t, err, errReached.Error())
				return
			}
			var invalid *accounts.InvalidError
			require.ErrorAs(t, err, &invalid)
			require.Equal(t, "pool", invalid.Field)
			require.Contains(t, invalid.Reason, tt.want)
		})
	}

	t.Run("a handle of database/sql too, once it has connected", func(t *testing.T) {
		t.Parallel()
		dsn := pgtest.Database(t)
		config, err := pgx.ParseConfig(dsn)
		require.NoError(t, err)
		two, err := pgx.ParseConfig("postgres://x,y/db?sslmode=disable")
		require.NoError(t, err)
		config.Fallbacks = two.Fallbacks
		db := stdlib.OpenDB(*config)
		defer func() { require.NoError(t, db.Close()) }()
		_, err = postgres.NewSQL(t.Context(), db, nil)
		require.ErrorContains(t, err, "several servers")
	})

	t.Run("a handle of another driver is refused", func(t *testing.T) {
		t.Parallel()
		db := sql.OpenDB(stranger{})
		defer func() { require.NoError(t, db.Close()) }()
		_, err := postgres.NewSQL(t.Context(), db, nil)
		require.ErrorContains(t, err, "driver is not pgx")
	})
}

// stranger is a driver of database/sql.
type stranger struct{}

func (stranger) Connect(context.Context) (driver.Conn, error) { return strangeConn{}, nil }
func (stranger) Driver() driver.Driver                        { return nil }

type strangeConn struct{ driver.Conn }

func (strangeConn) Close() error { return nil }
