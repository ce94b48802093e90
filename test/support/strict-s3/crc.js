import {crc32} from 'node:zlib'
const CRC32C_POLYNOMIAL = 0x82f63b78
const CRC64_POLYNOMIAL = 0x9a6c9329ac4bc9b5n
const crc32cTable = Uint32Array.from({length: 256}, (_, index) => {
  let value = index
  for (let bit = 0; bit < 8; bit++) value = value & 1 ? (value >>> 1) ^ CRC32C_POLYNOMIAL : value >>> 1
  return value
})
const crc64Table = Array.from({length: 256}, (_, index) => {
  let value = BigInt(index)
  for (let bit = 0; bit < 8; bit++) value = value & 1n ? (value >> 1n) ^ CRC64_POLYNOMIAL : value >> 1n
  return value
})
// Two 32-bit halves: BigInt arithmetic per byte would be ten times slower.
const crc64High = Uint32Array.from(crc64Table, (value) => Number(value >> 32n))
const crc64Low = Uint32Array.from(crc64Table, (value) => Number(value & 0xffffffffn))
function uint32(value) {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32BE(value >>> 0)
  return bytes
}
export function createCrc32() {
  let value = 0
  return {
    update: (chunk) => {
      value = crc32(chunk, value)
    },
    digest: () => uint32(value),
  }
}
export function createCrc32c() {
  let value = 0xffffffff
  return {
    update: (chunk) => {
      for (const byte of chunk) value = crc32cTable[(value ^ byte) & 0xff] ^ (value >>> 8)
    },
    digest: () => uint32(~value),
  }
}
export function createCrc64Nvme() {
  let high = 0xffffffff
  let low = 0xffffffff
  return {
    update: (chunk) => {
      for (const byte of chunk) {
        const index = (low ^ byte) & 0xff
        low = ((low >>> 8) | (high << 24)) ^ crc64Low[index]
        high = (high >>> 8) ^ crc64High[index]
      }
    },
    digest: () => Buffer.concat([uint32(~high), uint32(~low)]),
  }
}
const toNumber = (bytes) => BigInt(`0x${bytes.toString('hex')}`)
/** The CRC of two runs of bytes put together, from the CRCs of both and the length of the second. */
export function combineCrc(bits, polynomial, first, second, secondLength) {
  const width = BigInt(bits)
  const multiply = (a, b) => {
    let product = 0n
    for (let mask = 1n << (width - 1n); mask > 0n; mask >>= 1n) {
      if (a & mask) product ^= b
      b = b & 1n ? (b >> 1n) ^ polynomial : b >> 1n
    }
    return product
  }
  let shift = 1n << (width - 1n)
  let square = 1n << (width - 2n)
  for (let exponent = secondLength * 8; exponent > 0; exponent = Math.floor(exponent / 2)) {
    if (exponent % 2 === 1) shift = multiply(shift, square)
    square = multiply(square, square)
  }
  const combined = multiply(shift, toNumber(first)) ^ toNumber(second)
  return Buffer.from(combined.toString(16).padStart(bits / 4, '0'), 'hex')
}
export const CRC_PARAMETERS = {
  CRC32: {bits: 32, polynomial: 0xedb88320n},
  CRC32C: {bits: 32, polynomial: BigInt(CRC32C_POLYNOMIAL)},
  CRC64NVME: {bits: 64, polynomial: CRC64_POLYNOMIAL},
}
