import {expect, test} from 'vitest'
import {parseByteSize} from '../../src/cli/byte-size.js'

test.each([
  ['500MB', 500_000_000],
  ['5GB', 5_000_000_000],
  ['5 gb', 5_000_000_000],
  ['1.5GiB', 1_610_612_736],
  ['64KiB', 65_536],
  ['12kB', 12_000],
  ['1TB', 1e12],
  ['700', 700],
  ['700B', 700],
])('%s is %d bytes', (text, bytes) => {
  expect(parseByteSize(text)).toBe(bytes)
})

test.each(['', '0', '0GB', '-1', 'GB', '5 G', '5PB', '1e9', '5GB5', '1,5GB', '9999999999TB', '0.1'])(
  '%s is no size',
  (text) => {
    expect(parseByteSize(text)).toBeUndefined()
  },
)
