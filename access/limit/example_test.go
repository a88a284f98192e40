package limit_test

import (
	"errors"
	"fmt"

	"github.com/benbjohnson/clock"

	"github.com/chatelaine-go/chatelaine/access/limit"
)

func ExampleLimiter_Allow() {
	mock := clock.NewMock() // leave Clock out for the system's
	l, err := limit.New(&limit.Options{Rate: 1, Burst: 3, Clock: mock})
	if err != nil {
		fmt.Println(err)
		return
	}
	for range 4 {
		fmt.Println(l.Allow("user:42"))
	}

	var limited *limit.LimitedError
	if errors.As(l.Allow("user:42"), &limited) {
		mock.Add(limited.RetryAfter)
	}
	fmt.Println(l.Allow("user:42"))
	// Output:
	// <nil>
	// <nil>
	// <nil>
	// limit: too many events, retry after 1s
	// <nil>
}

func ExampleLimiter_AllowN() {
	l, err := limit.New(&limit.Options{Rate: 1, Burst: 50, Clock: clock.NewMock()})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(l.AllowN("agency:7", 35)) // a batch is allowed whole or not at all
	fmt.Println(l.AllowN("agency:7", 35))
	fmt.Println(l.AllowN("agency:7", 51))
	// Output:
	// <nil>
	// limit: too many events, retry after 20s
	// limit: 51 events at once can never be allowed, ask for 1 to 50
}

func ExampleNew() {
	_, err := limit.New(&limit.Options{Rate: -1})
	fmt.Println(err)

	l, err := limit.New(nil) // 5 a second, 50 at once, 100,000 keys
	fmt.Println(l.Allow("user:42"), err)
	// Output:
	// limit: option Rate must be above 0
	// <nil> <nil>
}
