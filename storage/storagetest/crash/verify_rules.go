package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"

	"github.com/chatelaine-go/chatelaine/accounts"
)

// rule is a statement that finds what must not be.
type rule struct{ id, says, query string }

// rules hold for any state of the database, whoever wrote it.
func rules() []rule {
	const p = "chatelaine_"
	twice := func(table, columns, where string) string {
		return `SELECT ` + columns + ` FROM ` + p + table + ` WHERE ` + where + ` GROUP BY ` + columns + ` HAVING count(*) > 1`
	}
	return []rule{
		{"owners", "an open account has no active owner", `SELECT a.id FROM ` + p + `accounts a WHERE a.closed_at = 0 AND NOT EXISTS (
			SELECT 1 FROM ` + p + `memberships m JOIN ` + p + `users u ON u.id = m.user_id
			WHERE m.account_id = a.id AND m.role = 'owner' AND m.ended_at = 0 AND m.suspended_at = 0 AND u.deleted_at = 0)`},
		{"uniqueness", "two memberships of a user in an account", twice("memberships", "account_id || ' ' || user_id", "0 = 0")},
		{"uniqueness", "two connections of a pair", twice("connections", "client_id || ' ' || agency_id", "0 = 0")},
		{"uniqueness", "two pending requests of an agency to an address", twice("requests", "agency_id || ' ' || email", "state = 'pending'")},
		{"uniqueness", "two pending invitations of an account to an address", twice("invitations", "account_id || ' ' || email", "state = 'pending'")},
		{"uniqueness", "two clients of an account with an address", twice("clients", "account_id || ' ' || email", "deleted_at = 0")},
		{"uniqueness", "a client of an account who is a member too", `SELECT c.account_id || ' ' || c.id FROM ` + p + `clients c
			JOIN ` + p + `memberships m ON m.account_id = c.account_id AND m.ended_at = 0
			JOIN ` + p + `users u ON u.id = m.user_id AND u.deleted_at = 0
			WHERE c.deleted_at = 0 AND (c.user_id = u.id OR u.email <> '' AND u.email = c.email)`},
		{"addresses", "two users with an address", twice("users", "email", "email <> '' AND deleted_at = 0")},
		{"links", "two requests with one link", `SELECT min(id) FROM ` + p + `requests GROUP BY hash HAVING count(*) > 1`},
		{"links", "two invitations with one link", `SELECT min(id) FROM ` + p + `invitations GROUP BY hash HAVING count(*) > 1`},
		{"links", "two setup links that are one", `SELECT min(client_id) FROM ` + p + `setup_links WHERE hash IS NOT NULL GROUP BY hash HAVING count(*) > 1`},
		{"links", "a setup link is used and its client has not come in", `SELECT l.client_id FROM ` + p + `setup_links l
			JOIN ` + p + `clients c ON c.account_id = l.account_id AND c.id = l.client_id
			WHERE l.used_at > 0 AND c.deleted_at = 0 AND (c.user_id IS NULL OR c.active_at = 0)`},
		{"assignments", "an assignment rests on no connection or membership that there was", `SELECT a.client_id || ' ' || a.agency_id || ' ' || a.user_id FROM ` + p + `assignments a
			LEFT JOIN ` + p + `connections c ON c.client_id = a.client_id AND c.agency_id = a.agency_id
			LEFT JOIN ` + p + `memberships m ON m.account_id = a.agency_id AND m.user_id = a.user_id
			WHERE c.client_id IS NULL OR m.user_id IS NULL OR a.connection_epoch > c.epoch OR a.member_epoch > m.epoch OR a.role = 'owner' OR c.cap = 'owner'`},
		{"connections", "a connection has no request that was approved for it in time", `SELECT c.client_id || ' ' || c.agency_id FROM ` + p + `connections c
			LEFT JOIN ` + p + `requests r ON r.agency_id = c.agency_id AND r.id = c.request_id
			WHERE c.request_id <> '' AND (r.id IS NULL OR r.state <> 'approved' OR r.client_id <> c.client_id OR r.decider_id <> c.approver_id
				OR r.decided_at >= r.expires_at OR r.decided_at < r.sent_at)`},
		{"connections", "a request made two connections", twice("connections", "request_id", "request_id <> ''")},
		{"connections", "a request is approved and there is no connection", `SELECT r.id FROM ` + p + `requests r WHERE r.state = 'approved' AND NOT EXISTS (
			SELECT 1 FROM ` + p + `connections c WHERE c.client_id = r.client_id AND c.agency_id = r.agency_id)`},
		{"requests", "a request is in no state that there is", `SELECT id || ' ' || state FROM ` + p + `requests
			WHERE state NOT IN ('pending', 'approved', 'declined', 'withdrawn', 'expired', 'ended')
				OR (state IN ('approved', 'declined')) <> (decided_at > 0)`},
		{"sessions", "two sessions with one secret", `SELECT min(id) FROM ` + p + `sessions GROUP BY hash HAVING count(*) > 1`},
		{"sessions", "a session is alive, and its user is not active", `SELECT s.id FROM ` + p + `sessions s JOIN ` + p + `users u ON u.id = s.user_id
			WHERE s.ended_at = 0 AND s.user_epoch = u.epoch AND (u.deleted_at > 0 OR u.suspended_at > 0)`},
		{"sessions", "a session is of a login that there was not", `SELECT s.id FROM ` + p + `sessions s JOIN ` + p + `users u ON u.id = s.user_id
			WHERE s.login > u.logins OR s.user_epoch > u.epoch`},
		{"deletions", "a user is deleted, and a member or a client", `SELECT u.id FROM ` + p + `users u WHERE u.deleted_at > 0 AND (
			EXISTS (SELECT 1 FROM ` + p + `memberships m WHERE m.user_id = u.id AND m.ended_at = 0)
			OR EXISTS (SELECT 1 FROM ` + p + `clients c WHERE c.user_id = u.id AND c.deleted_at = 0))`},
		{"deletions", "a client is deleted, and something personal is left", `SELECT account_id || ' ' || id FROM ` + p + `clients
			WHERE deleted_at > 0 AND (user_id IS NOT NULL OR first_name || last_name || email || address || company || postal || phone || notes <> '')`},
		{"deletions", "mail of a closed account is still to be sent", `SELECT m.id FROM ` + p + `mails m JOIN ` + p + `accounts a ON m.account_id = a.id
			WHERE a.closed_at > 0 AND m.state = 'queued' AND m.created_at < a.closed_at
				AND (m.reason = 'account/' || a.id OR m.reason LIKE 'account/' || a.id || '/%')`},
		{"times", "a row was changed before it was made", `SELECT id FROM ` + p + `requests WHERE created_at > updated_at OR sent_at > expires_at
			UNION ALL SELECT id FROM ` + p + `invitations WHERE created_at > updated_at OR sent_at > expires_at`},
		{"lists", "a list would not show a client as it is", `SELECT c.account_id || ' ' || c.id FROM ` + p + `clients c
			WHERE c.deleted_at = 0 AND (c.sited = 1) <> EXISTS (SELECT 1 FROM ` + p + `site_access x
				JOIN ` + p + `sites s ON s.account_id = x.account_id AND s.id = x.site_id AND s.removed_at = 0
				WHERE x.account_id = c.account_id AND x.client_id = c.id AND x.ended_at = 0)`},
		{"lists", "a list would not show an account under its name", `SELECT a.id FROM ` + p + `accounts a WHERE
			EXISTS (SELECT 1 FROM ` + p + `memberships m WHERE m.account_id = a.id AND m.account_key <> a.name_key)
			OR EXISTS (SELECT 1 FROM ` + p + `connections c WHERE c.client_id = a.id AND c.client_key <> a.name_key OR c.agency_id = a.id AND c.agency_key <> a.name_key)`},
	}
}

// sound reports what the statements found, and what is easier said in Go.
func (v *verifier) sound() {
	for _, text := range v.w.broken {
		id, says, _ := strings.Cut(text, ": ")
		v.wrong(id, "%s", says)
	}
	v.checked(v.w.rules...)
	for _, u := range v.w.emails {
		if u[1] == "" {
			continue
		}
		if email, err := accounts.ParseEmail(u[2]); err != nil || string(email) != u[1] {
			v.wrong("addresses", "the canonical form of an address of %s is another than what is stored", u[0])
		}
	}
	v.counters()
	v.ends()
}

// counters compares the counters of requests with what was made (I-14).
func (v *verifier) counters() {
	most := accounts.DefaultLimits().RequestsPerDay
	for key, n := range v.w.used {
		if n > most {
			v.wrong("quotas", "%d requests of %s are counted", n, key)
		}
		if n < v.w.asked[key] {
			v.wrong("quotas", "%d requests of %s were made, and %d are counted", v.w.asked[key], key, n)
		}
		if strings.HasPrefix(key, v.w.own) && n != v.w.asked[key] {
			v.wrong("quotas", "%d requests of %s are counted, and %d were made", n, key, v.w.asked[key])
		}
	}
	for key, n := range v.w.asked {
		if strings.HasPrefix(key, v.w.own) && n > v.w.used[key] {
			v.wrong("quotas", "%d requests of %s were made, and %d are counted", n, key, v.w.used[key])
		}
	}
	v.checked("quotas")
}

// ends compares the state of each request of this run with the one event that
// tells of its end (I-13).
func (v *verifier) ends() {
	end := map[string]string{"request.approved": "approved", "request.declined": "declined", "request.withdrawn": "withdrawn", "request.ended": "ended"}
	told := map[string]map[string]string{} // by request: the operation, and the state it led to
	for _, e := range v.w.events {
		if state, is := end[e.kind]; is {
			if told[e.request] == nil {
				told[e.request] = map[string]string{}
			}
			told[e.request][e.op] = state
		}
	}
	for id, state := range v.w.states {
		if !strings.HasPrefix(id, v.w.own) {
			continue
		}
		switch ends := told[id]; {
		case len(ends) > 1:
			v.wrong("requests", "the request %s ended %d times", id, len(ends))
		case len(ends) == 0 && state != "pending":
			v.wrong("requests", "the request %s is %s, and no event tells of it", id, state)
		default:
			for op, is := range ends {
				if is != state {
					v.wrong("requests", "the request %s is %s, and %s says %s", id, state, op, is)
				}
			}
		}
	}
}

// whole has the database check itself: tables, indexes and references (I-33).
func (v *verifier) whole(ctx context.Context, db *sql.DB) error {
	defer v.checked("tables and indexes")
	list := func(query string, bad func(text string) bool) error {
		return eachRow(ctx, db, query, func(s scan) error {
			var text string
			err := s(&text)
			if err == nil && bad(text) {
				v.wrong("tables and indexes", "%s", text)
			}
			return err
		})
	}
	any := func(string) bool { return true } //nolint:predeclared // it is what the statement finds
	if v.c.sqlite != "" {
		return errors.Join(
			list(`SELECT integrity_check FROM pragma_integrity_check`, func(text string) bool { return text != "ok" }),
			list(`SELECT "table" || ' refers to ' || parent FROM pragma_foreign_key_check`, any),
		)
	}
	if err := list(`SELECT conname FROM pg_constraint WHERE NOT convalidated AND conrelid::regclass::text LIKE '%chatelaine_%'
		UNION ALL SELECT indexrelid::regclass::text FROM pg_index WHERE NOT (indisvalid AND indisready) AND indrelid::regclass::text LIKE '%chatelaine_%'`, any); err != nil {
		return err
	}
	// A reference is looked up row by row, since nothing else proves it anew.
	var checks []string
	if err := list(`SELECT 'SELECT count(*) FROM ' || conrelid::regclass || ' c WHERE ' ||
			(SELECT string_agg(format('c.%I IS NOT NULL', a.attname), ' AND ') FROM pg_attribute a WHERE a.attrelid = conrelid AND a.attnum = ANY (conkey)) ||
			' AND NOT EXISTS (SELECT 1 FROM ' || confrelid::regclass || ' p WHERE ' ||
			(SELECT string_agg(format('p.%I = c.%I', pa.attname, ca.attname), ' AND ') FROM unnest(conkey, confkey) k (c, p)
				JOIN pg_attribute ca ON ca.attrelid = conrelid AND ca.attnum = k.c
				JOIN pg_attribute pa ON pa.attrelid = confrelid AND pa.attnum = k.p) || ')'
		FROM pg_constraint WHERE contype = 'f' AND conrelid::regclass::text LIKE '%chatelaine_%'`,
		func(text string) bool { checks = append(checks, text); return false }); err != nil {
		return err
	}
	if len(checks) == 0 {
		return errors.New("no references are found")
	}
	for _, check := range checks {
		var n int
		if err := db.QueryRowContext(ctx, check).Scan(&n); err != nil {
			return err
		}
		if n > 0 {
			v.wrong("tables and indexes", "%d rows refer to nothing: %s", n, check)
		}
	}
	return v.amcheck(ctx, db)
}

// amcheck has PostgreSQL compare indexes with their tables, on a server that is the
// program's own and has the extension.
func (v *verifier) amcheck(ctx context.Context, db *sql.DB) error {
	if !v.c.alone {
		return nil
	}
	if _, err := db.ExecContext(ctx, `CREATE EXTENSION IF NOT EXISTS amcheck`); err != nil {
		return nil //nolint:nilerr // it is not installed with every server
	}
	if _, err := db.ExecContext(ctx, `SELECT bt_index_check(i.indexrelid, true) FROM pg_index i
		JOIN pg_class c ON c.oid = i.indexrelid JOIN pg_am am ON am.oid = c.relam
		WHERE am.amname = 'btree' AND i.indrelid::regclass::text LIKE '%chatelaine_%'`); err != nil {
		v.wrong("tables and indexes", "an index: %v", err)
	}
	var found sql.NullString
	err := db.QueryRowContext(ctx, `SELECT string_agg(c.relname || ': ' || m.msg, '; ') FROM pg_class c, LATERAL verify_heapam(c.oid) m
		WHERE c.relkind = 'r' AND c.relname LIKE 'chatelaine_%'`).Scan(&found)
	if err == nil && found.String != "" {
		v.wrong("tables and indexes", "a table: %s", found.String)
	}
	if err != nil {
		return fmt.Errorf("verify_heapam: %w", err)
	}
	v.checked("amcheck")
	return nil
}
