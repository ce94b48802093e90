import * as fc from 'fast-check'
import {describe, expect, test} from 'vitest'
import {parseDuration, parseWait} from '../../src/cli/duration.js'
import {exitCodeOf, worstExitCode} from '../../src/cli/exit-codes.js'
import {environmentName, sharedFlags} from '../../src/cli/flags.js'
import {wantsColor} from '../../src/cli/screen.js'
import {CONFIG_KEYS} from '../../src/cli/settings.js'
import {nearest} from '../../src/cli/suggest.js'

describe('exit codes', () => {
  test('the worst of several wins in the order 1, 7, 5, 4, 6, 3', () => {
    const order = [1, 7, 5, 4, 6, 3]
    for (const [index, worse] of order.entries()) {
      for (const better of order.slice(index)) expect(worstExitCode([0, better, worse, better])).toBe(worse)
    }
    expect(worstExitCode([0, 0])).toBe(0)
    expect(worstExitCode([])).toBe(0)
    expect(worstExitCode([1, 130, 7])).toBe(130)
  })

  test('every kind has a code of its own', () => {
    const kinds = [
      'bug',
      'usage',
      'not-found',
      'conflict',
      'permission',
      'unreachable',
      'bad-data',
      'interrupted',
    ] as const
    expect(kinds.map((kind) => exitCodeOf(kind))).toEqual([1, 2, 3, 4, 5, 6, 7, 130])
  })
})

describe('durations', () => {
  test.for([
    ['8s', 8_000],
    ['2m', 120_000],
    ['7d', 604_800_000],
    ['1h30m', 5_400_000],
    ['500ms', 500],
    ['1.5h', 5_400_000],
    ['0', 0],
    [' 1w ', 604_800_000],
  ] as const)('%s', ([text, ms]) => {
    expect(parseDuration(text, '--wait')).toBe(ms)
  })

  test.for(['', '8', 's', '-1s', '1s2', '1 h', '8sec', '1e3s', '99999999999999999d', 'NaNs'])(
    '%j is refused',
    (text) => {
      expect(() => parseDuration(text, '--wait')).toThrowError(/^--wait: /u)
    },
  )
})

describe('durations that are waited for', () => {
  test.for([
    ['0', 0, 0],
    ['0s', 0, 0],
    ['1ms', 1, 1],
    ['24d', 2_073_600_000, 1],
  ] as const)('%s', ([text, ms, least]) => {
    expect(parseWait(text, '--wait', least)).toBe(ms)
  })

  // A timer of more than 2^31 ms is over at once.
  test.for([
    ['0', 'short'],
    ['0s', 'short'],
    ['0.4ms', 'short'],
    ['25d', 'long'],
    ['9999w', 'long'],
  ] as const)('%s is refused', ([text, why]) => {
    const refused = {kind: 'usage', code: 'DURATION_INVALID', message: `--timeout: "${text}" is too ${why}.`}
    expect(() => parseWait(text, '--timeout', 1)).toThrow(expect.objectContaining(refused))
  })
})

test('every shared flag has its variable, those that lower safety excepted', () => {
  for (const [name, flag] of Object.entries(sharedFlags)) {
    expect(flag.env).toBe(name === 'insecure' ? undefined : `REPRISE_${name.toUpperCase().replaceAll('-', '_')}`)
  }
  for (const name of ['force', 'yes', 'insecure', 'trust-config']) {
    expect(environmentName(name)).toBeUndefined()
    expect(CONFIG_KEYS.has(name)).toBe(false)
  }
})

function color(env: Record<string, string>, terminal = true, noColor = false): boolean {
  return wantsColor({env, noColor}, terminal)
}

test('colours: --no-color, NO_COLOR, FORCE_COLOR, the terminal, in this order', () => {
  expect(color({})).toBe(true)
  expect(color({}, false)).toBe(false)
  expect(color({TERM: 'dumb'})).toBe(false)
  expect(color({NO_COLOR: '1', FORCE_COLOR: '1'})).toBe(false)
  expect(color({NO_COLOR: ''})).toBe(true)
  expect(color({FORCE_COLOR: '1'}, false)).toBe(true)
  expect(color({FORCE_COLOR: '0'})).toBe(false)
  expect(color({FORCE_COLOR: '1'}, true, true)).toBe(false)
})

test('a misspelt word finds its neighbour, a strange one finds nothing', () => {
  const words = ['push', 'pull', 'resume', 'run']
  expect(nearest('psuh', words)).toBeUndefined()
  expect(nearest('puss', words)).toBe('push')
  expect(nearest('resme', words)).toBe('resume')
  expect(nearest('zebra', words)).toBeUndefined()
  fc.assert(fc.property(fc.constantFrom(...words), (word) => nearest(word, words) === word))
})
