package password

// Derived makes h call f with the cost of each argon2id hash, before it is made. It is called before h is shared.
func (h *Hasher) Derived(f func(memory, time uint32, threads uint8)) {
	derive := h.derive
	h.derive = func(password, salt []byte, time, memory uint32, threads uint8, keyLen uint32) []byte {
		f(memory, time, threads)
		return derive(password, salt, time, memory, threads, keyLen)
	}
}

// Dummy returns what h compares with where there is nothing to compare with.
func (h *Hasher) Dummy() string { return string(h.dummy.append(nil)) }

// ParsePHC returns what parsePHC finds wrong, or the cost, and s as it would be written.
func ParsePHC(s string) (again string, memory, time uint32, threads uint8, wrong string) {
	p, wrong := parsePHC(s)
	if wrong != "" {
		return "", 0, 0, 0, wrong
	}
	return string(p.append(nil)), p.memory, p.time, p.threads, ""
}

// Price returns what text costs somebody who knows about it, up to 86.
func (p *Policy) Price(text string, about ...string) int {
	return p.lexicon.cheapest(plain(text), p.known(about))
}

// Lists returns the built-in lists by name, and Key what a word is looked up by.
func Lists() map[string][]string {
	return map[string][]string{
		"first": lines(listFirst), "words": lines(listWords), "names": lines(listNames), "phrases": lines(listPhrases),
	}
}

// Key returns what word is looked up by.
func Key(word string) string { return key(word) }

// Room returns how many hashes may run at once, and how many callers may wait.
func (h *Hasher) Room() (running, waiting int) { return cap(h.gate.running), cap(h.gate.waiting) }
