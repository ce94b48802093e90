import {describe, expect, test} from 'vitest'
import {keysOf, textOf} from '../e2e/support/places.js'
import {Sandbox} from './support/sandbox.js'

// In two pieces, so that nobody's scanner takes this file for a leak.
const SECRET = ['sk-ant-', 'api03-', 'aB3dE6gH9'.repeat(10), 'AA'].join('')
const TOLD = 'what was written looks as if it held secrets'

async function storedText(here: Sandbox): Promise<string> {
  const store = here.fileStore()
  const keys = (await keysOf(store)).filter((key) => key.includes('/part-'))
  return (await Promise.all(keys.map(async (key) => textOf(store, key)))).join('')
}

describe('secrets in what a mirrored claude writes', () => {
  test('are counted by rule at the end, once, and never shown', {timeout: 60_000}, async () => {
    await using here = await Sandbox.make()
    const ran = await here.run(['run', '--task', 'T'], {env: {FAKE_SAYS: SECRET}})
    expect(ran.exitCode, ran.all).toBe(0)
    expect(ran.stderr).toBe(`reprise: ${TOLD}: anthropic (3 lines)\n`)
    expect(ran.all).not.toContain(SECRET.slice(0, 20))
    expect(await storedText(here)).toContain(SECRET)
    const resumed = await here.run(['resume', 'T'])
    expect(resumed).toMatchObject({exitCode: 0, stderr: ''})
    const again = await here.run(['resume', 'T', '--fork'], {env: {FAKE_SAYS: SECRET}})
    expect(again).toMatchObject({exitCode: 0, stderr: `reprise: ${TOLD}: anthropic (3 lines)\n`})
  })

  test.each([
    [['--secrets', 'off'], ''],
    [['--quiet'], ''],
    [['--secrets', 'block'], 'holds nothing back'],
  ])('with %j', async (flags, told) => {
    await using here = await Sandbox.make()
    const ran = await here.run(['run', ...flags], {env: {FAKE_SAYS: SECRET}})
    expect(ran.exitCode, ran.all).toBe(0)
    expect(ran.stderr).toContain(told)
    expect(ran.stderr.includes(TOLD)).toBe(told !== '')
    expect(await storedText(here)).toContain(SECRET)
  })
})
