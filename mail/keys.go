package mail

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"time"
)

// ErrSealed is returned by [Keys.Open] for a message that none of the keys opens: the key that sealed it is missing, or the
// row was changed. To a [Dispatcher] it is worth another attempt, since a process that has the key may come.
var ErrSealed = errors.New("mail: no key opens the message: give the dispatcher the key that sealed it; if it has that, the row was changed")

// KeySize is the length of a key in bytes.
const KeySize = 32

const (
	sealVersion = 1
	keyIDSize   = 8
)

// Keys seal what messages say while they wait in an outbox, with AES-256-GCM, so that whoever reads the database
// alone, or a backup of it, finds no live link in it. The first key seals and all of them open. Nil Keys seal nothing and
// open what is not sealed. Keys never change and are safe for concurrent use. They tell nothing when they are printed.
//
// A key is [KeySize] bytes of a cryptographic source, kept where the database is not. One key seals 2^32 messages
// (NIST SP 800-38D, section 8.3); change it before. To change keys, first give the new one to every process as the second,
// so that all can open with it, then put it first, and drop the old one when no message from before that is [Queued] and
// can still be sent. One with a NotAfter waits no longer than the longest life of a link in the Limits of package accounts,
// which is that of a setup link: 30 days if the host sets no other. One without, such as a notice, waits until it is sent,
// or dead after the last attempt of the [Backoff]; on a channel that no dispatcher serves it waits for ever. A [Dead] one
// that the old key sealed cannot be sent again once that key is gone.
//
// Keys keep a secret from who reads, and a sealed message from who writes: it goes to whom, from whom and until when it
// was sealed for, or not at all. Who can write to the database can still put mail of their own into it, take mail out,
// put it off, and have it sent again.
type Keys struct {
	first string
	open  func(id string) cipher.AEAD // a function, since what dumps values with all that they hold stops at it
}

// NewKeys returns Keys, the one that seals first. A key of another length than [KeySize], one that is all zeros, and one
// given twice are refused with an error that says which it is.
func NewKeys(keys ...[]byte) (*Keys, error) {
	if len(keys) == 0 {
		return nil, errors.New("mail: NewKeys needs a key; without keys, leave the option nil")
	}
	open := make(map[string]cipher.AEAD, len(keys))
	for i, key := range keys {
		if len(key) != KeySize {
			return nil, fmt.Errorf("mail: key %d has %d bytes, and not %d", i+1, len(key), KeySize)
		}
		if [KeySize]byte(key) == ([KeySize]byte{}) {
			return nil, fmt.Errorf("mail: key %d is all zeros", i+1)
		}
		id := keyID(key)
		if open[id] != nil {
			return nil, fmt.Errorf("mail: key %d is there already", i+1)
		}
		block, err := aes.NewCipher(key)
		if err != nil {
			return nil, fmt.Errorf("mail: key %d: %w", i+1, err)
		}
		if open[id], err = cipher.NewGCMWithRandomNonce(block); err != nil {
			return nil, fmt.Errorf("mail: key %d: %w", i+1, err)
		}
	}
	return &Keys{first: keyID(keys[0]), open: func(id string) cipher.AEAD { return open[id] }}, nil
}

// Format prints "mail keys", whatever the verb.
func (k *Keys) Format(f fmt.State, _ rune) { _, _ = fmt.Fprint(f, "mail keys") }

// LogValue gives log/slog "mail keys", and nothing of the keys.
func (k *Keys) LogValue() slog.Value { return slog.StringValue("mail keys") }

// sealed is what a sealed message says.
type sealed struct {
	Subject string `json:"subject"`
	Text    string `json:"text"`
	Data    Data   `json:"data"`
}

// Seal returns the message with Subject, Text and Data moved into Sealed. They belong to the rest of the message from then
// on: moved to another row, or with another recipient, sender or time limit, they cannot be opened. Only Reason, Priority
// and Due may change while it waits. A message that is sealed already stays as it is.
//
// Sealed is 37 bytes longer than the JSON that is in it: version, name of the key, nonce and tag. The JSON has the names of
// the fields, and its escapes: some 100 bytes more than the words, as a rule.
func (k *Keys) Seal(m Message) (Message, error) {
	if k == nil || len(m.Sealed) > 0 {
		return m, nil
	}
	plain, err := json.Marshal(sealed{m.Subject, m.Text, m.Data})
	if err != nil {
		return Message{}, fmt.Errorf("mail: sealing %s: %w", m.ID, err)
	}
	head := append([]byte{sealVersion}, k.first...)
	m.Sealed = k.open(k.first).Seal(head, nil, plain, bound(m)) //nolint:gosec // this cipher draws its nonce
	m.Subject, m.Text, m.HTML, m.Data = "", "", "", Data{}
	return m, nil
}

// Open returns the message with Subject, Text and Data as they were before [Keys.Seal]; what was no UTF-8 in them is
// U+FFFD. A message that is not sealed is returned as it is. One that no key opens is [ErrSealed].
func (k *Keys) Open(m Message) (Message, error) {
	switch {
	case len(m.Sealed) == 0:
		return m, nil
	case k == nil, len(m.Sealed) < 1+keyIDSize, m.Sealed[0] != sealVersion:
		return Message{}, ErrSealed
	}
	aead := k.open(string(m.Sealed[1 : 1+keyIDSize]))
	if aead == nil {
		return Message{}, ErrSealed
	}
	plain, err := aead.Open(nil, nil, m.Sealed[1+keyIDSize:], bound(m))
	if err != nil {
		return Message{}, ErrSealed
	}
	var s sealed
	if err := json.Unmarshal(plain, &s); err != nil {
		return Message{}, fmt.Errorf("mail: opening %s: %w", m.ID, err)
	}
	m.Subject, m.Text, m.Data, m.Sealed = s.Subject, s.Text, s.Data, nil
	return m, nil
}

// bound is the row that sealed content belongs to: whoever can write to the database, but has no key, must not be able to
// send somebody's link to themselves, neither as mail nor as one that bounces to a sender of theirs, and must not keep it
// going out for longer. Each text is behind its length, and a time is what stores keep of it, so that two rows with the
// same bytes are the same row.
func bound(m Message) []byte {
	b := []byte("chatelaine mail")
	for _, s := range []string{
		m.ID, string(m.Channel), m.Kind, m.Account, m.From.Name, m.From.Address, m.To, m.ToName, m.Locale, m.User,
	} {
		b = binary.BigEndian.AppendUint32(b, uint32(len(s))) //nolint:gosec // ids, names and addresses are far below 4 GiB
		b = append(b, s...)
	}
	for _, t := range []time.Time{m.NotAfter, m.CreatedAt} {
		var us int64
		if !t.IsZero() {
			us = t.UnixMicro()
		}
		b = binary.BigEndian.AppendUint64(b, uint64(us))
	}
	return b
}

// keyID names a key without telling anything of it.
func keyID(key []byte) string {
	sum := sha256.Sum256(append([]byte("chatelaine mail key\x00"), key...))
	return string(sum[:keyIDSize])
}
