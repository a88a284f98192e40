package roles_test

import (
	"errors"
	"fmt"

	"github.com/chatelaine-go/chatelaine/roles"
)

// Somebody is an author at an account of their own agency's client, and has
// come in through the connection as an admin.
func Example_askWhatSomebodyMayDo() {
	rights := roles.Standard().Rights(roles.Author, roles.Admin)

	fmt.Println(rights.Can(roles.AssignColleagues))
	fmt.Println(rights.Check(roles.ManageMembers))
	// Output:
	// true
	// roles: denied: "members.manage": needs the role "admin" or a higher one, held is "admin"; it is never held through a connection; ask a member of the account who holds it
}

// Most hosts keep the standard levels and add what their product can do.
func Example_addYourOwnPermissions() {
	ladder, err := roles.Standard().With(roles.Author, "campaigns.write")
	if err != nil {
		panic(err)
	}
	ladder, err = ladder.WithDirectOnly(roles.Admin, "billing.manage")
	if err != nil {
		panic(err)
	}

	agency := ladder.Rights("", roles.Admin)
	fmt.Println(agency.Can("campaigns.write"), agency.Can("billing.manage"))
	// Output: true false
}

// The names and the number of levels are free. Each permission of the library
// has to stand somewhere, and the ones that make owners at the top.
func Example_aLadderOfYourOwn() {
	standard := roles.StandardLevels()
	guest, manager, admin, owner := standard[0], standard[2], standard[3], standard[4]
	staff := roles.Level{
		Role:        "staff",
		Permissions: append(manager.Permissions, "orders.pack"),
		DirectOnly:  append(manager.DirectOnly, admin.DirectOnly...),
	}
	guest.Role, owner.Role = "guest", "captain"

	ladder, err := roles.New(guest, staff, owner)
	if err != nil {
		panic(err)
	}
	fmt.Println(ladder.Roles(), "through connections up to", ladder.TopDelegated())
	fmt.Println(ladder.CanAssign("staff", "captain", roles.Member) == nil)

	_, err = roles.New(guest, owner)
	fmt.Println(err)
	// Output:
	// [guest staff captain] through connections up to staff
	// false
	// roles: the library's permission "colleagues.assign" stands at no level; the standard ladder has it at "manager"
}

func ExampleLadder_CanAssign() {
	ladder := roles.Standard()

	err := ladder.CanAssign(roles.Manager, roles.Admin, roles.Member)
	var denied *roles.DeniedError
	if errors.As(err, &denied) {
		fmt.Printf("you are %s, this takes %s\n", denied.Have, denied.Need)
	}
	fmt.Println("may give:", ladder.AtMost(roles.Manager))
	// Output:
	// you are manager, this takes admin
	// may give: [viewer author manager]
}

// The role that somebody of an agency really has is the lower of what the
// client allows the agency and what the agency gave its colleague.
func ExampleLadder_Min() {
	capped := roles.Standard().Min(roles.Author, roles.Admin)
	fmt.Println(capped)
	// Output: author
}

func ExampleCatalog_Choose() {
	c := roles.SiteCatalog()

	set, err := c.Choose(nil, "SEO")
	fmt.Println(set, err)

	set, err = c.Choose(set, "SEOO")
	fmt.Println(set, err)
	// Output:
	// [EDIT SEO BLOG LIMITED_EDITING] <nil>
	// [] roles: "SEOO" is no permission of this catalogue; its Entries list those that are
}

func ExampleCatalog_Drop() {
	set, err := roles.SiteCatalog().Drop([]roles.Permission{"EDIT", "SEO", "BLOG", "LIMITED_EDITING"}, "EDIT")
	fmt.Println(set, err)
	// Output: [BLOG LIMITED_EDITING] <nil>
}

// A host adds what its own sites can do to the ready catalogue.
func Example_aCatalogueOfYourOwn() {
	c, err := roles.NewCatalog(append(roles.SiteCatalog().Entries(),
		roles.Entry{Permission: "BOOKINGS", Needs: []roles.Permission{"EDIT_CONNECTED_DATA"}})...)
	if err != nil {
		panic(err)
	}
	fmt.Println(c.Needs("BOOKINGS"))
	// Output: [EDIT_CONNECTED_DATA]
}
