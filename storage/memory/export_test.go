package memory

import "github.com/chatelaine-go/chatelaine/mail"

// Letter returns a message as it is kept, with whatever is left of it.
func Letter(s *Store, id string) mail.Message {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.data.letters[id].Message
}
