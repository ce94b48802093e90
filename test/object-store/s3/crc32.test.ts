import * as fc from 'fast-check'
import {expect, test} from 'vitest'
import {crc32} from 'node:zlib'
import {encodeCrc32, joinCrc32} from '../../../src/object-store/s3/crc32.js'

test('the CRC-32 of parts put together is that of the whole', () => {
  fc.assert(
    fc.property(fc.array(fc.uint8Array({maxLength: 300}), {maxLength: 8}), (parts) => {
      const known = parts.map((part) => ({crc32: encodeCrc32(crc32(part)), size: part.byteLength}))
      expect(joinCrc32(known)).toBe(encodeCrc32(crc32(Buffer.concat(parts))))
    }),
  )
  const [large, other] = [Buffer.alloc(20_000_000, 7), Buffer.alloc(3_000_001, 9)]
  const known = [large, other].map((part) => ({crc32: encodeCrc32(crc32(part)), size: part.byteLength}))
  expect(joinCrc32(known)).toBe(encodeCrc32(crc32(Buffer.concat([large, other]))))
})
