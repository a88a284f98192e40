package limit

// queue is a heap of buckets, the first due at its head. Its methods are for package heap.
type queue []*bucket

// Len returns how many buckets wait.
func (q *queue) Len() int { return len(*q) }

// Less reports whether bucket i is due before bucket j.
func (q *queue) Less(i, j int) bool { return (*q)[i].due.Before((*q)[j].due) }

// Swap exchanges two buckets.
func (q *queue) Swap(i, j int) { (*q)[i], (*q)[j] = (*q)[j], (*q)[i] }

// Push appends a *bucket.
func (q *queue) Push(b any) {
	*q = append(*q, b.(*bucket)) //nolint:errcheck,forcetypeassert // only buckets are pushed
}

// Pop removes the last bucket and returns it.
func (q *queue) Pop() any {
	last := len(*q) - 1
	b := (*q)[last]
	(*q)[last] = nil
	*q = (*q)[:last]
	return b
}
