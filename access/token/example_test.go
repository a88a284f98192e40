package token_test

import (
	"errors"
	"fmt"

	"github.com/chatelaine-go/chatelaine/access/token"
)

func Example() {
	rows := map[token.Hash]string{} // stands for a table with a unique column of 32 bytes

	// The secret goes to the person, the hash into the table.
	secret, hash, err := token.New(token.Request, nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	rows[hash] = "request 42"
	fmt.Println("logged:", secret)

	// What comes back is looked up by its hash.
	found, err := token.Parse(token.Request, secret.Reveal())
	fmt.Println("found:", rows[found], err)

	// It is good for nothing else.
	_, err = token.Parse(token.Session, secret.Reveal())
	fmt.Println("as a session:", errors.Is(err, token.ErrMalformed))
	// Output:
	// logged: [redacted]
	// found: request 42 <nil>
	// as a session: true
}

func ExampleWrap() {
	cookie := token.Wrap("cses_ABCDEFGHIJKLMNOPQRSTUVWXYZ234567ABCDEFGHIJKLMNOPQRST")
	fmt.Printf("%v %+v %q\n", cookie, cookie, cookie)

	hash, err := token.Parse(token.Session, cookie.Reveal())
	fmt.Println(hash, err)
	// Output:
	// [redacted] [redacted] [redacted]
	// bc9cbd7d… <nil>
}
