package roles

// Permission is one right, such as "members.manage". Hosts make their own as
// constants: 1 to 64 printable ASCII characters, no space at either end.
type Permission string

// The library's own permissions. Those marked direct-only are held by members
// of an account alone, never through a connection, whatever the role there.
const (
	// SeeAccount lets its holder see that the account exists and enter it.
	SeeAccount Permission = "account.see"

	// AssignColleagues gives colleagues a role at a connected account where one
	// is assigned oneself.
	AssignColleagues Permission = "colleagues.assign"
	// ManageRequests sends, previews, resends and withdraws access requests.
	// Direct-only.
	ManageRequests Permission = "requests.manage"
	// ManageClients creates and edits client records and sites, assigns sites
	// and makes setup links. Direct-only.
	ManageClients Permission = "clients.manage"

	// ManageMembers invites, changes, suspends and removes members up to one's
	// own role. Direct-only.
	ManageMembers Permission = "members.manage"
	// ManageProgramme joins the agency programme, and enables and disables
	// client access. Direct-only.
	ManageProgramme Permission = "programme.manage"
	// DecideRequests approves and declines access requests. Direct-only.
	DecideRequests Permission = "requests.decide"
	// ManageConnections changes what a connection allows at most, and ends it.
	// Direct-only.
	ManageConnections Permission = "connections.manage"
	// AssignAnyone assigns any colleague on any connection of the agency.
	// Direct-only.
	AssignAnyone Permission = "colleagues.assign-any"
	// EndClients suspends, reactivates and deletes client records. Direct-only.
	EndClients Permission = "clients.end"
	// ViewAs sees an account as a client sees it. Direct-only.
	ViewAs Permission = "clients.view-as"
	// ReadAudit reads the events of the account. Direct-only.
	ReadAudit Permission = "audit.read"

	// GrantOwner makes others owners. Direct-only, and always at the top level.
	GrantOwner Permission = "owners.grant"
	// TransferOwnership hands one's ownership to another member. Direct-only,
	// and always at the top level.
	TransferOwnership Permission = "account.transfer"
	// CloseAccount closes the account. Direct-only.
	CloseAccount Permission = "account.close"
)

// Permissions lists the library's own permissions, as they stand on the
// standard ladder from the lowest level up. The slice is the caller's.
func Permissions() []Permission {
	rules := library()
	all := make([]Permission, 0, len(rules))
	for _, r := range rules {
		all = append(all, r.permission)
	}
	return all
}

// rule says where a permission of the library belongs.
type rule struct {
	permission Permission
	role       Role // on the standard ladder
	directOnly bool // on every ladder
	atTop      bool // on every ladder
}

// library is the one table of the library's permissions, in ladder order:
// level by level, and in each the ones that a connection can carry first.
func library() []rule {
	return []rule{
		{permission: SeeAccount, role: Viewer},
		{permission: AssignColleagues, role: Manager},
		{permission: ManageRequests, role: Manager, directOnly: true},
		{permission: ManageClients, role: Manager, directOnly: true},
		{permission: ManageMembers, role: Admin, directOnly: true},
		{permission: ManageProgramme, role: Admin, directOnly: true},
		{permission: DecideRequests, role: Admin, directOnly: true},
		{permission: ManageConnections, role: Admin, directOnly: true},
		{permission: AssignAnyone, role: Admin, directOnly: true},
		{permission: EndClients, role: Admin, directOnly: true},
		{permission: ViewAs, role: Admin, directOnly: true},
		{permission: ReadAudit, role: Admin, directOnly: true},
		{permission: GrantOwner, role: Owner, directOnly: true, atTop: true},
		{permission: TransferOwnership, role: Owner, directOnly: true, atTop: true},
		{permission: CloseAccount, role: Owner, directOnly: true},
	}
}
