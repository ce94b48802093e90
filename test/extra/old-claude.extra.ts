import {describe, expect, test} from 'vitest'
import {difference, differenceOfFiles} from '../e2e/support/difference.js'
import {Fleet, newSessionId, noClaude, onlyCopy} from '../e2e/support/fleet.js'
import {installClaude} from '../e2e/support/old-claude.js'

// Up to 2.1.222 claude finds a session under the key of the current cwd and nowhere else.
const VERSION = '2.1.170'
const old = await installClaude(VERSION)
if (old.path === undefined) process.stderr.write(`old claude: not tested, ${old.reason}\n`)

describe.runIf(old.path)(`claude ${VERSION} ${old.reason ?? ''}`, () => {
  test('goes on where its key is: the session comes under that of the cwd', {timeout: 90_000}, async () => {
    await using fleet = await Fleet.start({...(old.path !== undefined && {claude: old.path})})
    const [a, b] = [await fleet.worker('a'), await fleet.worker('b')]
    // The output goes to a file of its own, that this version links from its temporary directory.
    const talk = 'bash: seq 1 20000;;say: begun'
    const begun = await a.run(['run', '--task', 'T', '--', '-p', talk, '--allowedTools', 'Bash'])
    expect(begun).toMatchObject({code: 0, stdout: 'begun\n'})
    const [id = newSessionId()] = await a.sessions()
    expect(difference(await fleet.stored(id), await a.lines(id))).toBe('')

    // What it does with a copy under another key: the reason why a pull goes under the cwd's.
    const elsewhere = a.machine.home
    const byHand = await a.shell(`claude --resume ${id} -p 'say: x'`, {cwd: elsewhere})
    expect(byHand.code).toBe(1)
    expect(byHand.stdout + byHand.stderr).toContain('No conversation found')

    expect(await b.run(['resume', 'T', '--', '-p', 'say: on b'])).toMatchObject({code: 0, stdout: 'on b\n'})
    expect(b.heard()).toContain(talk)
    expect(difference(await fleet.stored(id), await b.lines(id))).toBe('')
    // The same session in another directory of the same worker: moved there.
    const moved = await a.run(['resume', 'T', '--', '-p', 'say: back on a'], {cwd: elsewhere})
    expect(moved).toMatchObject({code: 0, stdout: 'back on a\n'})
    expect(a.model.prompts().at(-1)).toEqual([talk, 'say: on b', 'say: back on a'])
    expect(await b.run(['pull', 'T'])).toMatchObject({code: 0})
    expect(differenceOfFiles(await onlyCopy(a, id), await onlyCopy(b, id))).toBe('')
  })

  test.skipIf(noClaude)('hands a session to a newer one', {timeout: 90_000}, async () => {
    await using fleet = await Fleet.start()
    const [a, b] = [await fleet.worker('a'), await fleet.worker('b')]
    const begun = await a.run(['run', '--task', 'T', '--claude-bin', old.path ?? '', '--', '-p', 'say: by the old one'])
    expect(begun).toMatchObject({code: 0, stdout: 'by the old one\n'})
    expect(await b.run(['resume', 'T', '--', '-p', 'say: by the new one'])).toMatchObject({code: 0})
    expect(b.model.prompts().at(-1)).toEqual(['say: by the old one', 'say: by the new one'])
  })
})

test('what cannot be tested here is said', () => {
  expect((old.path === undefined) === (old.reason === undefined)).toBe(false)
})
