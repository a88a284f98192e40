package password_test

import (
	"context"
	"errors"
	"fmt"

	"github.com/chatelaine-go/chatelaine/access/password"
)

func Example() {
	ctx := context.Background()
	policy, err := password.NewPolicy(&password.PolicyOptions{Words: []string{"Chatelaine"}})
	if err != nil {
		fmt.Println(err)
		return
	}
	hasher, err := password.New(nil)
	if err != nil {
		fmt.Println(err)
		return
	}

	// Where a password is chosen.
	chosen := "seven otters juggle teacups"
	if err := policy.Check(ctx, chosen, "Ann Example", "ann@example.com"); err != nil {
		fmt.Println(err)
		return
	}
	stored, err := hasher.Hash(ctx, chosen)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(stored[:30])

	// Where one is typed.
	m, err := hasher.Verify(ctx, stored, "seven otters juggle teacups")
	fmt.Println(m.OK, m.Stale, err)
	m, err = hasher.Verify(ctx, stored, "seven otters juggle saucers")
	fmt.Println(m.OK, m.Stale, err)

	// Where nobody has the name that was typed: the same time, the same answer.
	m, err = hasher.Verify(ctx, "", "seven otters juggle teacups")
	fmt.Println(m.OK, m.Stale, err)
	// Output:
	// $argon2id$v=19$m=19456,t=2,p=1
	// true false <nil>
	// false false <nil>
	// false false <nil>
}

func ExamplePolicy_Check() {
	ctx := context.Background()
	policy, err := password.NewPolicy(nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, chosen := range []string{"Tr0ub4dor&3", "P@ssw0rdP@ssw0rd2024", "acme-ann-acme-2024", "seven otters juggle teacups"} {
		err := policy.Check(ctx, chosen, "Ann Example", "ann@acme.example")
		var refused *password.RefusedError
		if errors.As(err, &refused) {
			fmt.Printf("%s: the password %s\n", refused.Rule, refused.Reason)
			continue
		}
		fmt.Println(err)
	}
	// Output:
	// short: the password has fewer than 15 characters
	// common: the password is made of common words, names, dates or patterns
	// context: the password is made of words about you or the product
	// <nil>
}

// An imported hash is replaced when its owner has logged in.
func ExampleHasher_Verify_imported() {
	ctx := context.Background()
	hasher, err := password.New(nil) // knows bcrypt
	if err != nil {
		fmt.Println(err)
		return
	}
	stored := "$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW"
	m, err := hasher.Verify(ctx, stored, "U*U")
	fmt.Println(m.OK, m.Stale, err)
	if m.Stale {
		stored, err = hasher.Hash(ctx, "U*U")
		if err != nil {
			fmt.Println(err)
			return
		}
	}
	m, err = hasher.Verify(ctx, stored, "U*U")
	fmt.Println(m.OK, m.Stale, err)
	// Output:
	// true true <nil>
	// true false <nil>
}

// A pepper is rotated by putting the new key first.
func ExampleNew_pepper() {
	ctx := context.Background()
	old := password.Pepper{ID: "2025", Key: []byte("32 random bytes from your vault.")}
	young := password.Pepper{ID: "2026", Key: []byte("32 others from the same vault...")}

	before, err := password.New(&password.Options{Pepper: []password.Pepper{old}})
	if err != nil {
		fmt.Println(err)
		return
	}
	after, err := password.New(&password.Options{Pepper: []password.Pepper{young, old}})
	if err != nil {
		fmt.Println(err)
		return
	}
	stored, err := before.Hash(ctx, "seven otters juggle teacups")
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(stored[:41])
	m, err := after.Verify(ctx, stored, "seven otters juggle teacups")
	fmt.Println(m.OK, m.Stale, err)
	// Output:
	// $argon2id$v=19$m=19456,t=2,p=1,keyid=2025
	// true true <nil>
}
