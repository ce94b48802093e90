const BLOCK = 128 * 1024
const MAGIC = [0x28, 0xb5, 0x2f, 0xfd]
/** Descriptor without a size, window of 128 KiB. */
const HEADER = [...MAGIC, 0x00, 0x38]

/** A zstandard frame of blocks as they are, which every version of Node can make. */
export function zstdOf(bytes: Uint8Array): Buffer {
  const blocks: Uint8Array[] = []
  for (let at = 0; at === 0 || at < bytes.byteLength; at += BLOCK) {
    const block = bytes.subarray(at, at + BLOCK)
    blocks.push(blockHeader(0, block.byteLength, at + BLOCK >= bytes.byteLength), block)
  }
  return Buffer.concat([Buffer.from(HEADER), ...blocks])
}

/** So many bytes of nothing: four bytes say 128 KiB. */
export function zstdOfZeros(size: number): Buffer {
  const count = Math.ceil(size / BLOCK)
  const blocks = Array.from({length: count}, (_, at) =>
    Buffer.concat([blockHeader(1, BLOCK, at === count - 1), Buffer.of(0)]),
  )
  return Buffer.concat([Buffer.from(HEADER), ...blocks])
}

function blockHeader(type: 0 | 1, size: number, isLast: boolean): Buffer {
  const header = Buffer.alloc(3)
  header.writeUIntLE((size << 3) | (type << 1) | (isLast ? 1 : 0), 0, 3)
  return header
}
