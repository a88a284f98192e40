package password_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/chatelaine-go/chatelaine/access/password"
)

func BenchmarkHasher_Hash(b *testing.B) {
	for name, o := range map[string]password.Options{
		"default": {},
		"RFC9106": {Memory: 64 << 10, Time: 3, Threads: 4},
	} {
		b.Run(name, func(b *testing.B) {
			h, err := password.New(&o)
			require.NoError(b, err)
			b.ReportAllocs()
			for b.Loop() {
				_, _ = h.Hash(b.Context(), refPassword)
			}
		})
	}
}

func BenchmarkHasher_Verify(b *testing.B) {
	h, err := password.New(nil)
	require.NoError(b, err)
	for name, stored := range map[string]string{"match": refDefault, "unknown": "", "malformed": "nonsense"} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				_, _ = h.Verify(b.Context(), stored, refPassword)
			}
		})
	}
}

func BenchmarkHasher_Verify_Megabyte(b *testing.B) {
	h := newHasher(b, cheap())
	typed := strings.Repeat("a", 1<<20)
	b.ReportAllocs()
	for b.Loop() {
		_, _ = h.Verify(b.Context(), refCheap, typed)
	}
}

func BenchmarkPolicy_Check(b *testing.B) {
	p := newPolicy(b, nil)
	for name, typed := range map[string]string{
		"passphrase": "seven otters juggle teacups",
		"random":     random[:20],
		"refused":    "P@ssw0rdP@ssw0rd2024",
		"longest":    random + random + random + random[:16],
		"worst":      strings.Repeat("password", 31) + "x2y",
		"megabyte":   strings.Repeat("a", 1<<20),
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				_ = p.Check(b.Context(), typed, "Ann Example", "ann@example.com")
			}
		})
	}
}

func BenchmarkNewPolicy(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		_, _ = password.NewPolicy(nil)
	}
}
