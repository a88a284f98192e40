package smtp_test

import (
	"fmt"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/chatelaine-go/chatelaine/mail/smtp"
)

// A burst of 100 messages over TLS from four goroutines: on connections used again, and beside it on one connection each. One
// run does both, in turn.
func BenchmarkMailer_Burst(b *testing.B) {
	s := serve(b)
	burst := func(b *testing.B, most int) {
		b.Helper()
		m := s.mailer(b, func(o *smtp.Options) { o.MaxMessages = most })
		for b.Loop() {
			var all sync.WaitGroup
			for w := range 4 {
				all.Go(func() {
					for i := range 25 {
						if err := m.Send(b.Context(), message(fmt.Sprintf("m%d.%d", w, i))); err != nil {
							b.Error(err)
						}
					}
				})
			}
			all.Wait()
		}
		require.NoError(b, m.Close())
		b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(b.N)/100, "µs/mail")
	}
	b.Run("connections used again", func(b *testing.B) { burst(b, 100) })
	b.Run("a connection each", func(b *testing.B) { burst(b, 1) })
}
