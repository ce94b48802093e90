import {execFileSync} from 'node:child_process'
import {link, mkdir, rm, symlink, writeFile} from 'node:fs/promises'
import {join} from 'node:path'
import {describe, expect, test} from 'vitest'
import {keysOf, textOf} from '../e2e/support/places.js'
import {message} from '../support/sync-worker.js'
import {ID, Sandbox} from './support/sandbox.js'

const OTHER = (digit: string) => `${digit.repeat(8)}-2222-4333-8444-555555555555`

/** Nothing that lies outside may have come into the store, under no key. */
async function expectNoSecret(here: Sandbox): Promise<readonly string[]> {
  const store = here.fileStore()
  const keys = await keysOf(store)
  for (const key of keys) expect(await textOf(store, key), key).not.toContain('SECRET-CONTENT')
  return keys
}

describe('what a push finds', () => {
  test('links, pipes, devices and directories are left out, a neighbour goes up', {timeout: 60_000}, async () => {
    await using here = await Sandbox.make()
    await here.write(message(1))
    const secret = join(here.outside, 'secret')
    const credentials = join(here.configDir, '.credentials.json')
    await writeFile(credentials, 'SECRET-CONTENT', {mode: 0o600})
    await mkdir(here.pathBelow('tool-results'), {recursive: true})
    await mkdir(here.pathBelow('subagents'), {recursive: true})
    await writeFile(here.pathBelow('tool-results/plain.txt'), 'output')
    await symlink(secret, here.pathBelow('tool-results/link.txt'))
    await symlink(here.outside, here.pathBelow('tool-results/dir'))
    await link(credentials, here.pathBelow('tool-results/hard.txt'))
    await symlink(secret, here.pathBelow('subagents/agent-x.jsonl'))
    await symlink(secret, here.pathBelow('subagents/agent-x.meta.json'))
    execFileSync('mkfifo', [here.pathBelow('tool-results/pipe')])
    execFileSync('mkfifo', [here.pathOf(OTHER('1'))])
    await mkdir(here.pathOf(OTHER('2')))
    await symlink(secret, here.pathOf(OTHER('3')))
    await symlink('/dev/zero', here.pathOf(OTHER('4')))
    await symlink(here.outside, here.pathOf(OTHER('5')).replace('.jsonl', ''))
    if (process.getuid?.() === 0) execFileSync('mknod', [here.pathOf(OTHER('6')), 'c', '1', '5'])
    await writeFile(join(here.outside, `${OTHER('7')}.jsonl`), `${message(7)}SECRET-CONTENT\n`)
    await symlink(here.outside, join(here.configDir, 'projects', '-linked'))
    await mkdir(join(here.configDir, 'file-history'))
    await symlink(here.outside, join(here.configDir, 'file-history', ID))

    const pushed = await here.contained(['push', '--all', '--json'])
    expect(pushed.exitCode, pushed.all).toBe(0)
    const keys = await expectNoSecret(here)
    expect(keys.some((key) => key.endsWith('/tool-results/plain.txt'))).toBe(true)
    expect(keys.join('\n')).not.toMatch(/hard\.txt|link\.txt|pipe|agent-x|\/(\d)\1{7}-/)
    for (const argv of [
      ['ls', '--local'],
      ['push', OTHER('1')],
      ['push', OTHER('7')],
      ['status', '--json'],
    ])
      expect([0, 2, 3, 6, 7], argv.join(' ')).toContain((await here.contained(argv)).exitCode)
    await expectNoSecret(here)
  })

  test('projects that is a link out of the config dir has no sessions', async () => {
    await using here = await Sandbox.make()
    await mkdir(join(here.outside, 'projects', here.projectKey), {recursive: true})
    await writeFile(join(here.outside, 'projects', here.projectKey, `${ID}.jsonl`), `${message(1)}SECRET-CONTENT\n`)
    await symlink(join(here.outside, 'projects'), join(here.configDir, 'projects'))
    expect((await here.contained(['push', '--all'])).exitCode).toBe(0)
    expect((await here.contained(['push', ID])).exitCode).toBe(3)
    expect(await expectNoSecret(here)).toEqual([])
  })

  test('a config dir that is no directory, or not there, has no sessions', async () => {
    await using here = await Sandbox.make()
    await rm(here.configDir, {recursive: true})
    expect((await here.contained(['push', '--all'])).exitCode).toBe(0)
    await writeFile(here.configDir, 'a file')
    expect((await here.contained(['push', '--all'])).exitCode).toBe(0)
    const pulled = await here.contained(['pull', '--all'])
    expect(pulled.exitCode, pulled.all).toBe(7)
    expect(pulled.all).toContain('TARGET_BLOCKED')
  })

  test('files of another user are left out', async ({skip}) => {
    if (process.getuid?.() !== 0) {
      console.log('hostile: files of another user cannot be made here, since this is not root: not checked')
      skip()
    }
    await using here = await Sandbox.make()
    const path = await here.write(`${message(1)}SECRET-CONTENT\n`)
    execFileSync('chown', ['12345', path])
    expect((await here.contained(['push', '--all'])).exitCode).toBe(0)
    await expectNoSecret(here)
  })
})
