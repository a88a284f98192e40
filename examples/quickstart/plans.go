package main

import (
	"fmt"
	"strings"

	"github.com/chatelaine-go/chatelaine/accounts"
	"github.com/chatelaine-go/chatelaine/roles"
)

// plans are what Letterbird sells: the roles and seats of Mailchimp's four
// plans. Owners come with every plan.
var plans = accounts.PlanTable{Plans: map[string]accounts.Plan{
	"free":       {Seats: 1},
	"essentials": {Seats: 3, Roles: []roles.Role{roles.Admin}},
	"standard":   {Seats: 5, Roles: []roles.Role{roles.Admin, roles.Author, roles.Viewer}},
	"premium":    {Roles: []roles.Role{roles.Admin, roles.Manager, roles.Author, roles.Viewer}},
}}

// sayPlans shows the table.
func (t *teller) sayPlans() {
	for _, name := range []string{"free", "essentials", "standard", "premium"} {
		plan := plans.Plans[name]
		seats := "any number of seats"
		switch {
		case plan.Seats == 1:
			seats = "1 seat"
		case plan.Seats > 1:
			seats = fmt.Sprintf("%d seats", plan.Seats)
		}
		offered := []string{accounts.RoleName(roles.Owner)}
		for _, r := range plan.Roles {
			offered = append(offered, accounts.RoleName(r))
		}
		t.say("  %-10s  %-19s  %s", name, seats, strings.Join(offered, ", "))
	}
}
