// Package password says which passwords may be chosen, makes the hashes that are stored of them, and checks what people
// type against those.
//
// # What to use
//
// Make one [Policy] and one [Hasher] for the whole process. Where a password is chosen, ask [Policy.Check], then store
// what [Hasher.Hash] returns. Where one is typed, ask [Hasher.Verify], and after a match that is stale store the hash of
// the same password anew. Where nobody has the name that was typed, call Verify with an empty stored hash:
//
//	m, err := hasher.Verify(ctx, stored, typed) // stored is "" for an unknown name
//
// Answer a wrong password, an unknown name and [ErrStored] with the same words. [ErrBusy] and [ErrUnavailable] are for a
// 503 and another try.
//
// # What to avoid
//
// Do not trim, fold or cut what was typed. Do not count wrong passwords here: nothing is remembered, and guessing is
// held back by whoever knows the user. Do not ask the policy where somebody logs in. Keep what is typed out of logs: a
// string prints.
//
// # What is a password
//
// Text of valid UTF-8 without control characters, in the NFKC form of Unicode: that is what is counted, checked and
// hashed, so that one password typed on two keyboards is one (NIST SP 800-63B-4, 3.1.1.2). ASVS 6.2.8 wants passwords
// verified exactly as received; the two disagree, and this package follows NIST. Nothing else is changed, and nothing is
// cut: above 256 code points or 1,024 bytes, before or after normalising, a password is refused, which costs no more for
// a megabyte than for a letter. There are no rules of composition, and spaces are characters.
//
// # Which may be chosen
//
// [Policy.Check] applies these rules in order; the first that is broken is the [Rule] of the [RefusedError].
//
//   - [RuleLong], [RuleNotText]: as above.
//   - [RuleShort]: below Least code points as typed and as normalised, 15 by default. A host that lets nobody in without
//     a second factor may go down to 8.
//   - [RuleCommon]: it says one thing again and again that is shorter than Least, or it would be guessed within about
//     300 million tries (10^8.5) by somebody who tries first what people choose first.
//   - [RuleContext]: the same, by somebody who knows the person's name and address and the product as well. A long
//     passphrase with the product's name in it passes; the name with a common word and a year behind it does not.
//   - [RuleBreached]: the host's check knows it.
//
// The tries are estimated as the cheapest way to put the password together, where each piece multiplies them by ten to
// the power of:
//
//	0.5   4 or more characters that came before; the first sign, whatever stands for it later is free
//	1     a word of the context, of 4 or more letters and digits; a digit
//	1.5   any further kind of sign; 1 where one follows another
//	1.7   a letter; 3 for a character of a script with thousands
//	2     4 or more keys along a keyboard, letters along an alphabet, or times one character;
//	      a year; up to 4 digits at either end
//	2.3   one of the 200 words that people choose first, or a listed word of 3 letters
//	3     any other of 10,000 listed words, names, phrases and well-known long passwords;
//	      3 keys along a keyboard
//	4     a date of 8 digits; 4.5 one of 6
//
// Capitals, accents, signs between letters, digits and signs that stand for letters, and from 5 letters on the order
// from the end (1.5 more) make no other word. So two listed words are refused, whatever year or repetition is added;
// three pass unless they are among the first ones; four pass. Random text of 15 characters passes, but for one in 15 of
// digits alone; of 8 random characters one in 35 is refused. A list cannot know what leaked yesterday: that is what
// Breached is for.
//
// # What is stored
//
// A PHC string of 97 characters, and up to 122 with other parameters: argon2id with a salt of 16 bytes and a tag of 32.
//
//	$argon2id$v=19$m=19456,t=2,p=1$c29tZXNhbHRzb21lc2FsdA$k9ohroejZy1PN5E1SbHNPug6vB8eQAahb5SOAp6iGF4
//
// With a [Pepper] the tag is HMAC-SHA-256 of what argon2id gave, and ",keyid=" and the key's id stand before the salt.
// A stored hash is used up to 256 MiB, 10 passes and 8 lanes, and in its one spelling only. Others ask the [Verifier] of
// imported hashes, which is [Bcrypt] by default; they are compared with the bytes as typed. A string of this form that
// another system made counts as ours: the few people whose password NFKC changes have to set a new one.
//
// # What is promised
//
//   - At most Parallel hashes run at once and Queue callers wait, so that a storm of logins takes Parallel × Memory and
//     not more: 19 MiB for each processor with the defaults, or what stored hashes ask for, which is at most 256 MiB
//     each. Whoever comes when the queue is full gets [ErrBusy] at once, and a context that ends stops the wait. A hash
//     that has begun, of about 35 ms with the defaults, is finished.
//   - Verify does the same work for a wrong password, for an unknown name, and for a stored hash that is malformed,
//     extreme or without its pepper: one hash with the parameters of new ones. That of hashes with other parameters, and
//     of imported ones, takes its own time until their owners have logged in once; a clock can tell them apart.
//   - Tags are compared in constant time. No error holds a password, a stored hash or a part of one.
//   - There is no match together with an error, and none for an empty password.
//   - No goroutine outlives a call, and there is nothing to close.
//
// # Sources
//
// RFC 9106 (argon2), the PHC string format, OWASP's Password Storage Cheat Sheet (19,456 KiB, 2 passes, 1 lane), NIST
// SP 800-63B-4 section 3.1.1.2 (length, Unicode, block lists), OWASP ASVS 5.0 chapter 6.2.
package password
