package nbs

import "github.com/klauspost/compress/zstd"

// tableCompressor makes the payloads of tables. Its zero value is ready.
type tableCompressor struct {
	encoder *zstd.Encoder
	packed  []byte
}

// compress returns data as a table stores it, until the next call. The result may
// alias data.
func (c *tableCompressor) compress(data []byte) (codec, []byte) {
	if c.encoder == nil {
		var err error
		c.encoder, err = zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.SpeedFastest), zstd.WithEncoderConcurrency(1), zstd.WithEncoderCRC(false))
		if err != nil {
			panic(err) // the options are constant and valid
		}
	}
	c.packed = c.encoder.EncodeAll(data, c.packed[:0])
	if len(c.packed) > len(data)-len(data)/8 {
		return codecRaw, data
	}
	return codecZstd, c.packed
}

// size returns how many bytes compress makes of data, or an upper bound if data is
// short, and hardly gets shorter.
func (c *tableCompressor) size(data []byte) int {
	if len(data) < 512 {
		return len(data)
	}
	_, stored := c.compress(data)
	return len(stored)
}
