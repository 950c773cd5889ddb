package nbs

// Owner returns Options.Owner.
func (s *Store) Owner() any { return s.owner }

// Owner returns what SetOwner has set.
func (m *Memory) Owner() any { return m.owner }

// SetOwner sets what Owner of the store and of its writers returns, before it is used.
func (m *Memory) SetOwner(owner any) { m.owner = owner }

// Owner returns that of the store.
func (w *Writer) Owner() any { return w.store.Owner() }
