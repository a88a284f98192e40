package password

import (
	"encoding/base64"
	"strconv"
	"strings"
)

// The limits of argon2id, for options and for stored hashes alike.
const (
	maxMemory  = 256 << 10 // KiB
	maxTime    = 10
	maxThreads = 8

	saltSize = 16
	tagSize  = 32
	maxKeyID = 16
)

// The fixed parts of a PHC string, and the longest that can be one.
const (
	phcHead   = "$argon2id$v=19$m="
	phcTime   = ",t="
	phcLanes  = ",p="
	phcKeyID  = ",keyid="
	phcLength = len(phcHead) + len("262144") + len(phcTime) + len("10") + len(phcLanes) + len("8") +
		len(phcKeyID) + maxKeyID + len("$") + 22 + len("$") + 43
)

// cost is what one argon2id hash takes.
type cost struct {
	memory  uint32 // KiB
	time    uint32 // passes
	threads uint8
}

// phc is one of our hashes, read or to be written.
type phc struct {
	cost
	keyID string // of the pepper, "" without one
	salt  [saltSize]byte
	tag   [tagSize]byte
}

// append appends the one spelling of p to b.
func (p *phc) append(b []byte) []byte {
	b = append(b, phcHead...)
	b = strconv.AppendUint(b, uint64(p.memory), 10)
	b = append(b, phcTime...)
	b = strconv.AppendUint(b, uint64(p.time), 10)
	b = append(b, phcLanes...)
	b = strconv.AppendUint(b, uint64(p.threads), 10)
	if p.keyID != "" {
		b = append(b, phcKeyID...)
		b = append(b, p.keyID...)
	}
	b = append(b, '$')
	b = base64.RawStdEncoding.AppendEncode(b, p.salt[:])
	b = append(b, '$')
	return base64.RawStdEncoding.AppendEncode(b, p.tag[:])
}

// parsePHC reads a PHC string of ours. Otherwise it returns what is wrong with it, quoting nothing.
//
// It looks at nothing of a string that is longer than any of ours, allocates nothing, and accepts what append would
// have written, nothing else: two spellings of one hash would be two rows for whoever compares them.
func parsePHC(s string) (p phc, wrong string) {
	rest, ok := strings.CutPrefix(s, phcHead)
	if !ok {
		return phc{}, "no verifier handles its form"
	}
	if len(s) > phcLength {
		return phc{}, "it is longer than any argon2id string of this form"
	}
	memory, rest, ok1 := number(rest)
	rest, ok2 := strings.CutPrefix(rest, phcTime)
	time, rest, ok3 := number(rest)
	rest, ok4 := strings.CutPrefix(rest, phcLanes)
	threads, rest, ok5 := number(rest)
	if !ok1 || !ok2 || !ok3 || !ok4 || !ok5 {
		return phc{}, "its argon2id parameters are malformed"
	}
	if memory > maxMemory || time > maxTime || threads > maxThreads || time < 1 || threads < 1 || memory < 8*threads {
		return phc{}, "its argon2id parameters are outside the limits"
	}
	p.cost = cost{memory: memory, time: time, threads: uint8(threads)}
	if after, found := strings.CutPrefix(rest, phcKeyID); found {
		p.keyID, _, _ = strings.Cut(after, "$")
		rest = after[len(p.keyID):]
		if !validKeyID(p.keyID) {
			return phc{}, "the id of its pepper is malformed"
		}
	}
	if !decode(p.salt[:], &rest) || !decode(p.tag[:], &rest) || rest != "" {
		return phc{}, "its salt or tag is malformed"
	}
	var again [phcLength]byte
	if string(p.append(again[:0])) != s {
		return phc{}, "it is not in its canonical spelling"
	}
	return p, ""
}

// number reads a decimal number of up to 6 digits from the beginning of s.
func number(s string) (n uint32, rest string, ok bool) {
	i := 0
	for i < len(s) && '0' <= s[i] && s[i] <= '9' {
		if i == 6 {
			return 0, "", false
		}
		n = n*10 + uint32(s[i]-'0')
		i++
	}
	return n, s[i:], i > 0
}

// decode reads a '$' and the base64 of len(to) bytes from the beginning of rest, and moves rest behind them.
func decode(to []byte, rest *string) bool {
	n := base64.RawStdEncoding.EncodedLen(len(to))
	s := *rest
	if len(s) < 1+n || s[0] != '$' {
		return false
	}
	var b [43]byte
	copy(b[:], s[1:1+n])
	*rest = s[1+n:]
	var out [tagSize + 1]byte
	m, err := base64.RawStdEncoding.Decode(out[:], b[:n])
	return err == nil && m == len(to) && copy(to, out[:m]) == m
}

// validKeyID reports whether id can name a pepper in a PHC string: 1 to 16 of A–Z, a–z, 0–9, '.' and '-'.
func validKeyID(id string) bool {
	if id == "" || len(id) > maxKeyID {
		return false
	}
	for i := range len(id) {
		c := id[i]
		if (c < 'A' || c > 'Z') && (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '.' && c != '-' {
			return false
		}
	}
	return true
}
