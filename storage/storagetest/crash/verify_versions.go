package main

import "strings"

// versions compares how often each row of this run was written, which its version
// counts, with how many operations tell of it: a change without its event, an
// event without its change, and a change that was lost under another, are all
// found (I-20, I-25).
func (v *verifier) versions() {
	want := map[string]int64{}
	logins := map[string]int{}
	for _, list := range v.w.byOp {
		seen := map[string]bool{}
		kinds := map[string]bool{}
		for _, e := range list {
			kinds[e.kind] = true
		}
		for _, e := range list {
			if e.kind == "session.started" {
				logins[e.user]++
			}
			for _, row := range writes(e, kinds) {
				_, id, _ := strings.Cut(row, "|")
				if strings.HasPrefix(id, v.w.own) && !seen[row] {
					seen[row] = true
					want[row]++
				}
			}
		}
	}
	for row, n := range v.w.rows {
		if want[row] != n {
			v.wrong("events", "the row %s was written %d times, and %d operations tell of it", row, n, want[row])
		}
	}
	for row, n := range want {
		if v.w.rows[row] == 0 {
			v.wrong("events", "%d operations tell of the row %s, and it is not there", n, row)
		}
	}
	for id, n := range v.w.logins {
		if strings.HasPrefix(id, v.w.own) && n != logins[id] {
			v.wrong("events", "%s logged in %d times, and %d events tell of it", id, n, logins[id])
		}
	}
}

// writes returns the rows that an event tells of, among those of its operation.
func writes(e event, kinds map[string]bool) []string {
	row := func(table string, ids ...string) string { return table + "|" + strings.Join(ids, "|") }
	account, user := row("accounts", e.account), row("users", e.user)
	member, request := row("memberships", e.account, e.user), row("requests", e.request)
	client, invitation := row("clients", e.account, e.client), row("invitations", e.account, e.invite)
	switch e.kind {
	case "user.created", "user.updated", "sessions.ended":
		return []string{user}
	case "account.created":
		return []string{account, member, user}
	case "programme.joined", "client-access.enabled", "client-access.disabled", "account.closed":
		return []string{account}
	case "member.added", "member.reactivated":
		return []string{account, member, user}
	case "member.role-changed", "member.suspended", "member.removed":
		return []string{account, member}
	case "request.sent", "request.resent":
		return []string{account, request}
	case "request.withdrawn", "request.ended":
		return []string{request}
	case "request.declined":
		if e.by == "" {
			return []string{request} // the agency's record of it
		}
		return []string{request, row("users", e.by)}
	case "request.approved":
		return []string{request, row("users", e.by), row("connections", e.account, e.agency)}
	case "connection.cap-changed", "connection.ended":
		if kinds["client-access.disabled"] {
			return nil // one number of the agency's ends them all
		}
		return []string{row("accounts", e.agency), row("connections", e.account, e.agency)}
	case "colleague.assigned", "colleague.unassigned":
		rows := []string{row("assignments", e.account, e.agency, e.user)}
		if !kinds["request.approved"] {
			rows = append(rows, row("accounts", e.agency))
		}
		return rows
	case "invitation.sent", "invitation.resent":
		return []string{account, invitation}
	case "invitation.accepted":
		return []string{account, invitation, member, user}
	case "invitation.declined", "invitation.revoked":
		return []string{invitation}
	case "session.started":
		return []string{user, row("sessions", e.session)}
	case "session.switched", "session.returned", "session.renewed", "session.ended":
		return []string{row("sessions", e.session)}
	case "client.created":
		return []string{account, client}
	case "client.reactivated":
		if e.user != "" {
			return []string{client, user}
		}
		return []string{client}
	case "client.updated", "client.suspended", "client.deleted":
		return []string{client}
	case "site.created":
		return []string{row("sites", e.account, e.site)}
	case "site.assigned", "site.unassigned":
		return []string{client, row("site_access", e.account, e.client, e.site)}
	case "setup-link.generated":
		return []string{client, row("setup_links", e.account, e.client)}
	case "client.joined":
		return []string{client, row("setup_links", e.account, e.client), user}
	}
	return nil
}
