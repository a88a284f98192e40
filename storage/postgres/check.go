package postgres

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/chatelaine-go/chatelaine/accounts"
	"github.com/chatelaine-go/chatelaine/storage/internal/sqlstore"
)

// errRefused is the beginning of what is said about a server that the store
// cannot rest on.
const errRefused = "chatelaine: the PostgreSQL server cannot be used: "

// Check returns an error that says what to do when this release cannot work with
// the schema, because there is none, it is too old, or it is so new that it does
// not serve this release any more; and when the server could lose what it
// acknowledged, or answers for the past:
//
//   - it is older than PostgreSQL 13;
//   - it is a replica, or its transactions are read-only;
//   - fsync or full_page_writes is off, synchronous_commit is off, or it is local
//     although a standby is named in synchronous_standby_names;
//   - a table is missing, or this role may not read and write it, or it was made with
//     another [Options.Distributed];
//   - session_replication_role is replica, so that nothing that is referred to need
//     be there;
//   - it does not keep text as UTF-8, or writes bytes by bytea_output=escape;
//   - default_transaction_isolation is not read committed: see [Joined];
//   - its search_path names a schema before pg_catalog, whose functions and operators
//     would stand in for PostgreSQL's own. Of tables no search_path decides.
//
// Settings are those of one connection at this moment. [Options.AllowLoss] accepts
// fsync, full_page_writes and synchronous_commit as they are.
func (s *Store) Check(ctx context.Context) error {
	found, err := s.schema(ctx, s.src)
	if err != nil {
		return err
	}
	if err := found.Check(s.migrations); err != nil {
		return err
	}
	if err := s.tables(ctx); err != nil {
		return err
	}
	return s.settings(ctx)
}

// tables refuses tables that are not there, that this role may not write, or that were
// made for another kind of engine.
func (s *Store) tables(ctx context.Context) error {
	var names []string
	for _, name := range sqlstore.Tables() {
		names = append(names, s.o.Prefix+name)
	}
	rows, err := s.src.Query(ctx, tables, s.o.Schema, strings.Join(names, " "), s.o.Prefix+"events_op")
	if err != nil {
		return err
	}
	var missing, closed string
	var columns int64
	if rows.Next() {
		err = rows.Scan(&missing, &closed, &columns)
	}
	if err := errors.Join(err, rows.Err(), rows.Close()); err != nil {
		return err
	}
	switch {
	case missing != "":
		return fmt.Errorf("chatelaine: of the tables in schema %q these are not there: %s", s.o.Schema, missing)
	case closed != "":
		return fmt.Errorf("chatelaine: this role needs SELECT, INSERT, UPDATE and DELETE on each table in schema %q, and lacks some on: %s", s.o.Schema, closed)
	case columns > 0 && s.o.Distributed != (columns == 3):
		return fmt.Errorf("chatelaine: the tables in schema %q were made with Distributed %v, and this is another store", s.o.Schema, !s.o.Distributed)
	}
	return nil
}

// $1 is the schema, $2 the names of the tables, $3 that of an index whose width tells
// for which kind of engine they were made.
const tables = `WITH t (name) AS (SELECT pg_catalog.unnest(pg_catalog.string_to_array($2, ' '))),
	c AS (SELECT c.oid, c.relname, c.relnatts FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = $1)
	SELECT COALESCE((SELECT pg_catalog.string_agg(name, ', ' ORDER BY name) FROM t WHERE name NOT IN (SELECT relname FROM c)), ''),
		COALESCE((SELECT pg_catalog.string_agg(name, ', ' ORDER BY name) FROM t JOIN c ON c.relname = t.name WHERE NOT (
			pg_catalog.has_table_privilege(c.oid, 'SELECT') AND pg_catalog.has_table_privilege(c.oid, 'INSERT')
			AND pg_catalog.has_table_privilege(c.oid, 'UPDATE') AND pg_catalog.has_table_privilege(c.oid, 'DELETE'))), ''),
		COALESCE((SELECT relnatts FROM c WHERE relname = $3), 0)`

// A setting that the server does not know, which is not PostgreSQL then, is NULL.
const settings = `SELECT CASE WHEN pg_catalog.pg_is_in_recovery() THEN 'on' ELSE 'off' END,
	COALESCE(pg_catalog.current_setting('transaction_read_only', true), ''),
	COALESCE(pg_catalog.current_setting('fsync', true), ''), COALESCE(pg_catalog.current_setting('full_page_writes', true), ''),
	COALESCE(pg_catalog.current_setting('synchronous_commit', true), ''),
	COALESCE(pg_catalog.current_setting('synchronous_standby_names', true), ''),
	COALESCE(pg_catalog.current_setting('session_replication_role', true), ''),
	COALESCE(pg_catalog.current_setting('server_encoding', true), ''),
	COALESCE(pg_catalog.array_to_string(pg_catalog.current_schemas(true), ' '), ''),
	COALESCE(pg_catalog.current_setting('transaction_isolation', true), ''),
	COALESCE(pg_catalog.current_setting('bytea_output', true), ''),
	COALESCE(pg_catalog.current_setting('server_version_num', true), '')`

func (s *Store) settings(ctx context.Context) error {
	rows, err := s.src.Query(ctx, settings)
	if err != nil {
		return err
	}
	var v [12]string
	if rows.Next() {
		err = rows.Scan(&v[0], &v[1], &v[2], &v[3], &v[4], &v[5], &v[6], &v[7], &v[8], &v[9], &v[10], &v[11])
	}
	if err := errors.Join(err, rows.Err(), rows.Close()); err != nil {
		return err
	}
	recovery, readOnly, fsync, pages, commit, standbys, role, encoding := v[0], v[1], v[2], v[3], v[4], v[5], v[6], v[7]
	path, isolation, bytes, version := v[8], v[9], v[10], v[11]
	if strings.HasPrefix(path, "pg_temp_") { // which has tables alone
		_, path, _ = strings.Cut(path, " ")
	}
	for _, x := range []struct {
		bad  bool
		loss bool
		say  string
	}{
		{old(version), false, "it is older than PostgreSQL 13"},
		{recovery == "on", false, "it is a replica, and what it answers may be over; connect to the primary, with target_session_attrs=read-write"},
		{readOnly == "on", false, "transactions are read-only; connect to the primary, with target_session_attrs=read-write, or set default_transaction_read_only to off"},
		{fsync == "off", true, "fsync is off, and a crash of the machine loses what was acknowledged; turn it on"},
		{pages == "off", true, "full_page_writes is off, and a crash of the machine can tear pages; turn it on"},
		{commit == "off", true, "synchronous_commit is off, and a crash loses what was acknowledged; set it to on, for the user of this pool or for all"},
		{commit == "local" && standbys != "", true, "synchronous_commit is local, and a failover to the standby loses what was acknowledged; set it to on"},
		{role == "replica", false, "session_replication_role is replica, and references are not checked; set it to origin"},
		{encoding != "" && !strings.EqualFold(encoding, "UTF8"), false, "the database keeps text as " + encoding + "; make one with ENCODING 'UTF8'"},
		{
			isolation != "" && isolation != readCommitted, false,
			"transactions are " + isolation + " by default, and would go on with what they saw before they got a lock; set default_transaction_isolation to read committed for the user of this pool",
		},
		{bytes == "escape", false, "bytea_output is escape; set it to hex"},
		{
			path != "" && !strings.HasPrefix(path, "pg_catalog"), false,
			"search_path names a schema before pg_catalog, whose functions would stand in for PostgreSQL's own; take pg_catalog out of it, and it comes first",
		},
	} {
		if x.bad && (!x.loss || !s.o.AllowLoss) {
			return errors.New(errRefused + x.say)
		}
	}
	return nil
}

// old tells that a server is older than any release that this one is for, by its
// number: 120022 is 12.22.
func old(version string) bool {
	n, err := strconv.Atoi(version)
	return err == nil && n < 130000
}

// onePrimary refuses a connection string that asks for a replica, and one with
// several servers that does not ask for the one that is written to: the next
// connection might be to a replica.
func onePrimary(c *pgx.ConnConfig) error {
	if c.ValidateConnect != nil {
		for attribute, f := range map[string]pgconn.ValidateConnectFunc{
			"read-only": pgconn.ValidateConnectTargetSessionAttrsReadOnly, "standby": pgconn.ValidateConnectTargetSessionAttrsStandby,
			"prefer-standby": pgconn.ValidateConnectTargetSessionAttrsPreferStandby,
		} {
			if reflect.ValueOf(c.ValidateConnect).Pointer() == reflect.ValueOf(f).Pointer() {
				return &accounts.InvalidError{
					Field:  "pool",
					Reason: "has target_session_attrs=" + attribute + ", which leads to replicas: use read-write",
				}
			}
		}
		return nil
	}
	for _, f := range c.Fallbacks {
		if f.Host != c.Host || f.Port != c.Port {
			return &accounts.InvalidError{
				Field:  "pool",
				Reason: fmt.Sprintf("names several servers (%s:%d and %s:%d), of which some may be replicas: add target_session_attrs=read-write to the connection string", c.Host, c.Port, f.Host, f.Port),
			}
		}
	}
	return nil
}

// inspect is onePrimary for a connection.
func inspect(c *pgx.Conn) error { return onePrimary(c.Config()) }
