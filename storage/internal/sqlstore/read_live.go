package sqlstore

// What counts, once for every statement, in the words of accounts.Standing and
// its parts; the letters are those of the columns. A moment that never came
// is 0.
const (
	// openA is accounts.AccountState.Open of the client account.
	openA = ` a.suspended_at = 0 AND a.closed_at = 0 `

	// actsG is accounts.AccountState.ActsAsAgency.
	actsG = ` g.suspended_at = 0 AND g.closed_at = 0 AND g.programme_at <> 0 AND g.client_access_at <> 0 `

	// countsC is accounts.ConnectionState.Counts with the agency.
	countsC = ` c.cap <> '' AND c.ended_at = 0 AND c.agency_epoch = g.epoch AND` + actsG

	// activeM and activeW are accounts.MemberState.Active.
	activeM = ` m.role <> '' AND m.suspended_at = 0 AND m.ended_at = 0 `
	activeW = ` w.role <> '' AND w.suspended_at = 0 AND w.ended_at = 0 `

	// standsV is that whoever made an invitation has held the right to without
	// a break, and pendingV, with the moment behind it, that
	// invites.Invitation.StateAt calls it pending. A user or a membership that
	// an outer join did not find makes neither true.
	standsV  = ` q.suspended_at = 0 AND q.deleted_at = 0 AND` + activeW + `AND w.tenure = v.tenure AND q.suspensions = v.suspensions `
	pendingV = ` v.state = 'pending' AND` + standsV + `AND v.expires_at > `

	// countsS is what accounts.Route wants of the assignment itself.
	countsS = ` s.role <> '' AND s.ended_at = 0 AND s.connection_epoch = c.epoch AND s.member_epoch = w.epoch `
)
