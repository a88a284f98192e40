package accounts

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
)

// Once makes an operation with an idempotency key happen once: the first
// answer is kept in the operation's own change, and the same actor's same key
// at the same account gets it again for [Limits.KeepReplies]. Most hosts won't
// need this; packages that add their own operations do.
type Once struct {
	op    Operation
	reply Reply
}

// NewOnce returns the keeper of an operation's answer. An empty key keeps
// nothing. The input is what must be equal when the key comes again; it is
// hashed, never kept. A key that is not 1 to 64 printable ASCII characters is
// refused.
func NewOnce(op Operation, account AccountID, key string, kind EventKind, input any) (Once, error) {
	if key == "" {
		return Once{}, nil
	}
	if err := CheckID("key", key); err != nil {
		return Once{}, err
	}
	if !op.Actor.Known() {
		return Once{}, nil // nobody acts, and the decision will say so
	}
	text, err := json.Marshal(input)
	if err != nil {
		return Once{}, fmt.Errorf("chatelaine: input of an idempotency key: %w", err)
	}
	return Once{op: op, reply: Reply{
		ReplyKey:  ReplyKey{Actor: op.Actor.key(), Account: account, Key: key},
		Input:     sha256.Sum256(append([]byte(string(kind)+"\x00"), text...)),
		CreatedAt: op.At,
		ExpiresAt: op.At.Add(op.Rules.Limits.KeepReplies),
	}}, nil
}

// Keyed reports whether there is a key at all.
func (o Once) Keyed() bool { return o.reply.Key != "" }

// Do answers from what was kept, into answer, a pointer, or else decides.
// Decide reports whether its decision changes anything; if so it has kept the
// answer in the change. A decision that refuses, or finds nothing to change,
// may have met the effect of the same call at the same moment, so the kept
// answer is then looked for once more.
func (o Once) Do(ctx context.Context, st Store, answer any, decide func() (changes bool, err error)) error {
	if found, err := o.Recall(ctx, st, answer); err != nil || found {
		return err
	}
	changes, err := decide()
	if !o.Keyed() || (err == nil && changes) || errors.Is(err, ErrConflict) {
		return err
	}
	if found, again := o.Recall(ctx, st, answer); found || err == nil {
		return again
	}
	return err
}

// Recall reads the kept answer into answer, a pointer, and reports whether
// there was one. A key that was used with other input is [ErrKeyReused].
func (o Once) Recall(ctx context.Context, st Store, answer any) (bool, error) {
	if !o.Keyed() {
		return false, nil
	}
	kept, err := st.Reply(ctx, o.reply.ReplyKey)
	switch {
	case errors.Is(err, ErrNotFound):
		return false, nil
	case err != nil:
		return false, err
	case !o.op.At.Before(kept.ExpiresAt):
		return false, nil
	case kept.Input != o.reply.Input:
		return false, ErrKeyReused
	}
	if err := json.Unmarshal(kept.Answer, answer); err != nil {
		return false, fmt.Errorf("chatelaine: kept answer: %w", err)
	}
	return true, nil
}

// Keep adds the answer to the change that made it. The answer must hold no
// secret.
func (o Once) Keep(c *Change, answer any) error {
	if !o.Keyed() {
		return nil
	}
	text, err := json.Marshal(answer)
	if err != nil {
		return fmt.Errorf("chatelaine: answer to an idempotency key: %w", err)
	}
	r := o.reply
	r.Answer = text
	c.Replies = append(c.Replies, r)
	return nil
}
