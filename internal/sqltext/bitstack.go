package sqltext

// bitStack is a stack of bools that allocates only when it is more than 64 deep.
type bitStack struct {
	bits  uint64 // the top one is the lowest
	depth int
	below []uint64 // 64 each
}

func (s *bitStack) push(b bool) {
	if s.depth > 0 && s.depth%64 == 0 {
		s.below = append(s.below, s.bits)
	}
	s.bits <<= 1
	s.depth++
	s.set(b)
}

// pop takes the top off, but leaves the last.
func (s *bitStack) pop() {
	if s.depth <= 1 {
		return
	}
	s.bits >>= 1
	s.depth--
	if last := len(s.below) - 1; s.depth%64 == 0 {
		s.bits, s.below = s.below[last], s.below[:last]
	}
}

func (s *bitStack) top() bool { return s.bits&1 != 0 }

func (s *bitStack) set(b bool) {
	s.bits &^= 1
	if b {
		s.bits |= 1
	}
}
