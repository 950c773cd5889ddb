package btree

import "encoding/binary"

// freelistAt is where page 1 has the number of the first trunk page of the freelist.
const freelistAt = 32

// Free returns the pages that are in no tree, as the file's freelist has them
// (https://www.sqlite.org/fileformat2.html#the_freelist).
func Free(s Source) (map[uint32]bool, error) {
	free := map[uint32]bool{}
	data, err := s.Page(1)
	if err != nil {
		return nil, err
	}
	trunk := binary.BigEndian.Uint32(data[freelistAt:])
	for trunk != 0 {
		if data, err = s.Page(trunk); err != nil {
			return nil, err
		}
		count := binary.BigEndian.Uint32(data[4:])
		if p := (&Page{Number: trunk}); free[trunk] || count > PageBytes/4-2 {
			return nil, p.corrupt("is no page of a freelist")
		}
		free[trunk] = true
		for i := range count {
			free[binary.BigEndian.Uint32(data[8+4*i:])] = true
		}
		trunk = binary.BigEndian.Uint32(data)
	}
	return free, nil
}
