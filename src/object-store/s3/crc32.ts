const POLYNOMIAL = 0xedb88320

/** As S3 writes it: base64 of four bytes, the highest first. */
export function encodeCrc32(value: number): string {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32BE(value)
  return bytes.toString('base64')
}

/** The CRC-32 of bytes put together, from those of its parts. */
export function joinCrc32(parts: readonly {readonly crc32: string; readonly size: number}[]): string {
  const joined = parts.reduce(
    (sum, {crc32, size}) => (multiply(sum, zeros(size)) ^ Buffer.from(crc32, 'base64').readUInt32BE()) >>> 0,
    0,
  )
  return encodeCrc32(joined)
}

/** What so many zero bytes behind them do to a CRC: x to the 8 × `count`, a polynomial over two elements, bits reversed. */
function zeros(count: number): number {
  let power = 0x8000_0000
  let square = 0x0080_0000
  for (let left = count; left > 0; left = Math.floor(left / 2)) {
    if (left % 2 === 1) power = multiply(power, square)
    square = multiply(square, square)
  }
  return power
}

function multiply(a: number, b: number): number {
  let product = 0
  let shifted = b
  for (let bit = 0x8000_0000; bit > 0; bit >>>= 1) {
    if (a & bit) product ^= shifted
    shifted = shifted & 1 ? (shifted >>> 1) ^ POLYNOMIAL : shifted >>> 1
  }
  return product >>> 0
}
