package accounts

import (
	"context"
	"fmt"

	"github.com/chatelaine-go/chatelaine/mail"
)

// maxProgress is the greatest number of ids that one question names, which is
// that of [mail.Outbox].Newest.
const maxProgress = 1000

// ProgressReasons returns the reasons of the mail about what ids name, for
// [Progress]. More than 1,000 ids, and one that breaks the rule of ids, are an
// [*InvalidError] for the field "ids". Most hosts won't need this; packages that
// add their own operations do.
func ProgressReasons[ID ~string](ids []ID, reason func(id ID) mail.Reason) ([]mail.Reason, error) {
	if len(ids) > maxProgress {
		return nil, &InvalidError{Field: "ids", Reason: fmt.Sprintf("are more than %d", maxProgress)}
	}
	list := make([]mail.Reason, len(ids))
	for i, id := range ids {
		if err := CheckID("ids", id); err != nil {
			return nil, err
		}
		list[i] = reason(id)
	}
	return list, nil
}

// Progress returns how far the newest mail of each reason has come, in the order
// given; a zero [mail.Progress] stands for none. It asks the store once. Most hosts
// won't need this; packages that add their own operations do.
func Progress(ctx context.Context, st interface {
	Newest(ctx context.Context, reasons []mail.Reason) ([]mail.Record, error)
}, reasons []mail.Reason,
) ([]mail.Progress, error) {
	if len(reasons) == 0 {
		return nil, nil
	}
	records, err := st.Newest(ctx, reasons)
	if err != nil {
		return nil, err
	}
	list := make([]mail.Progress, len(records))
	for i, r := range records {
		list[i] = r.Progress()
	}
	return list, nil
}
