package accounts

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/chatelaine-go/chatelaine/roles"
)

const (
	// MaxImport is how many rows one import brings at most; every owner,
	// identity, assignment and site in a row counts as one more. Split what is
	// larger, in the order users, accounts, members, connections, sites, clients.
	MaxImport = 10_000
	// MaxImportRow is how many owners, identities, assignments or sites one row
	// has at most.
	MaxImportRow = 500
)

// Import is the input of [Service.Import]: what a host has already. The ids are
// the host's own. A row may name what another list of the same import, or an
// earlier import, brings.
type Import struct {
	Users       []ImportUser
	Accounts    []ImportAccount
	Members     []ImportMember
	Connections []ImportConnection
	Sites       []ImportSite
	Clients     []ImportClient
}

// ImportUser is a user as the host has them. Of a user who is there already it
// replaces the name and the language, also by empty ones, and adds the rest or
// puts it in the place of what there was; but for what a first proof voids, it
// takes nothing away. An empty Handle or Email leaves the stored one.
type ImportUser struct {
	ID     UserID // the host's own id
	Name   string // at most 100 characters
	Handle string // the user name, at most 64 characters without an @; "": none
	Email  string // "": none
	Locale string // a BCP 47 language tag

	// Proven says that the host has proven that the mailbox is the user's. It is
	// only ever set; an address that is proven is not replaced by one that is
	// not. Where there was no proof it voids the login that was prepared without
	// one, as for [PutUser]: a password that the row does not bring, identities
	// that it does not name, the phone and identity confirmation.
	Proven bool

	// Identities are logins at issuers that mean this user, at most
	// [MaxImportRow]. They are added; those not named stay. One that the user has
	// unlinked here is linked again while the row names it.
	Identities []IdentityKey

	// Kept says that the host keeps this user's login, as for [PutUser]: no
	// password opens anything. It is only ever set, and refused for a user who
	// has a password here.
	Kept bool

	// Password is the stored hash of the user's password, of a form that the
	// verifier of the host knows, such as bcrypt: at most [MaxHash] printable
	// ASCII characters, never looked into here. It is for users who never set a
	// password here: whoever did keeps it, also when a login only hashed it anew,
	// and one that was taken away does not come back. One that an import brought
	// is replaced, which ends sessions and links. Not together with Kept.
	Password string

	// CreatedAt is when the user came to the host, after 1970 and not in the
	// future. Zero is now. It is kept of new users alone.
	CreatedAt time.Time
}

// ImportAccount is an account as the host has it. Of one that is there already
// it replaces the name, the plan and the language.
type ImportAccount struct {
	ID     AccountID // the host's own id
	Name   string    // 1 to 100 characters
	Kind   Kind      // "": KindStandard for a new account; one that is there keeps its kind
	Plan   string    // the host's name of the plan, at most 100 characters
	Locale string    // a BCP 47 language tag

	// Owners are the owners of a new account: at least one, and at most
	// [MaxImportRow]. They are not looked at for one that is there, where owners
	// are changed like other members, by [ImportMember].
	Owners []UserID

	// Agency says that the account has joined the agency programme and enabled
	// client access. It is only ever set, and refused for an account that has
	// left the programme here.
	Agency bool

	// CreatedAt is as for [ImportUser].
	CreatedAt time.Time
}

// ImportMember is a user in an account, with any role of the ladder, the top
// one included.
type ImportMember struct {
	Account AccountID
	User    UserID
	Role    roles.Role
}

// ImportConnection lets an agency's users into a client account, and says which.
type ImportConnection struct {
	Client AccountID
	Agency AccountID
	Cap    roles.Role // any role but the top one

	// Assigned are users of the agency who work for the client, at most
	// [MaxImportRow]. Those not named stay as they are.
	Assigned []ImportAssignment
}

// ImportAssignment is one user of the agency, an active member there, with a
// role of at most the cap.
type ImportAssignment struct {
	User UserID
	Role roles.Role
}

// ImportOutcome says what became of a row.
type ImportOutcome string

// What can become of a row.
const (
	ImportCreated   ImportOutcome = "created"
	ImportUpdated   ImportOutcome = "updated"
	ImportUnchanged ImportOutcome = "unchanged" // it was there already
	ImportRefused   ImportOutcome = "refused"   // and nothing of the row was done
)

// ImportResult is the answer for one row. Err says why a row was refused, and
// is nil otherwise: an [*InvalidError], a [*TakenError], [ErrNotFound] for a
// user or account that is not there, or [ErrLastOwner].
type ImportResult struct {
	Outcome ImportOutcome
	Err     error
}

// Imported is the answer to an import: one result for each row, in the order of
// the rows, and how many there are of each sort.
type Imported struct {
	Users       []ImportResult
	Accounts    []ImportResult
	Members     []ImportResult
	Connections []ImportResult
	Sites       []ImportResult
	Clients     []ImportResult

	Created, Updated, Unchanged, Refused int
}

// Import brings in users, accounts, members, connections, sites and clients of a
// host that has them already, in this order. Only a job of the host may do it, else a
// [*roles.DeniedError]. Nobody is written to, no quota is spent, and the
// [Policy] is not asked: neither plans, seats nor kinds of account stand in the
// way of what is there already, though they may of what is done later.
//
// Each row is taken as a whole or refused, and has its own answer. Importing
// the same again changes nothing and writes nothing, so a host may repeat an
// import as often as it likes, until the day on which this library becomes the
// place where things are changed: a row replaces what somebody changed here
// meanwhile.
//
// It never undoes an end. Users who were erased, accounts that were closed,
// members who are suspended, left or were removed, connections that ended,
// colleagues who were taken off, sites that were removed or taken away, and
// clients who are suspended or were deleted stay so; such a row is refused and
// says why.
// Nobody loses a proof, nor a login, a phone or identity confirmation but by a
// first proof ([ImportUser]). Another address, and a login that the host keeps
// from then on, end sessions and links about the login. The last active owner of
// an account keeps the role: [ErrLastOwner] for that row.
//
// Two people are never merged. Rows that want one address, user name or
// identity are all refused with a [*TakenError], but for the one whose user has
// it already; a row that wants another stored user's is refused too. The same
// holds for the addresses and users of an account's clients, who are no members
// there. A row whose id, or pair of ids, stands twice is refused both times.
//
// About 100 rows at a time become durable, with an event for each row that is
// written. An error is a fault of the store, a conflict that did not end, or an
// import of more than [MaxImport] rows, an [*InvalidError]: no answers come with
// it, and whole groups of rows may be there. Repeat the import to complete it. A
// context without a deadline leaves [Limits.Retry] for each group; set one for a
// store that is far away.
func (s *Service) Import(ctx context.Context, actor Actor, in Import) (Imported, error) {
	if err := s.refuseViewing(ctx, actor, "import"); err != nil {
		return Imported{}, err
	}
	if !actor.IsSystem() {
		return Imported{}, &roles.DeniedError{Action: "import", Why: "only a job of the host imports"}
	}
	if in.size() > MaxImport {
		return Imported{}, &InvalidError{Field: "rows", Reason: fmt.Sprintf("are more than %d; import them in parts", MaxImport)}
	}
	var out Imported
	var err error
	if out.Users, err = s.importUsers(ctx, actor, in.Users); err != nil {
		return Imported{}, err
	}
	if out.Accounts, err = s.importAccounts(ctx, actor, in.Accounts); err != nil {
		return Imported{}, err
	}
	if out.Members, err = s.importMembers(ctx, actor, in.Members); err != nil {
		return Imported{}, err
	}
	if out.Connections, err = s.importConnections(ctx, actor, in.Connections); err != nil {
		return Imported{}, err
	}
	if out.Sites, err = s.importSites(ctx, actor, in.Sites); err != nil {
		return Imported{}, err
	}
	if out.Clients, err = s.importClients(ctx, actor, in.Clients); err != nil {
		return Imported{}, err
	}
	for _, r := range slices.Concat(out.Users, out.Accounts, out.Members, out.Connections, out.Sites, out.Clients) {
		switch r.Outcome {
		case ImportCreated:
			out.Created++
		case ImportUpdated:
			out.Updated++
		case ImportUnchanged:
			out.Unchanged++
		case ImportRefused:
			out.Refused++
		}
	}
	return out, nil
}
