import {chmod, mkdir, mkdtemp, realpath, rm, symlink, writeFile} from 'node:fs/promises'
import {tmpdir} from 'node:os'
import {dirname, join} from 'node:path'
import {afterEach, beforeEach, describe, expect, test} from 'vitest'
import {claudeVersion, findClaude, findCodex} from '../../src/launch/find-claude.js'
import {findClaude as findRealClaude} from '../support/claude.js'

let root: string
let cwd: string

beforeEach(async () => {
  root = await realpath(await mkdtemp(join(tmpdir(), 'reprise-find-')))
  cwd = join(root, 'repo', 'sub')
  await mkdir(cwd, {recursive: true})
})
afterEach(async () => {
  await rm(root, {recursive: true, force: true})
})

async function program(path: string, mode = 0o755): Promise<string> {
  const full = join(root, path)
  await mkdir(dirname(full), {recursive: true})
  await writeFile(full, '#!/bin/sh\necho "3.2.1 (a fake)"\n')
  await chmod(full, mode)
  return full
}

const find = async (path: readonly string[], bin?: string) =>
  findClaude({bin, path: path.join(':'), cwd, workingDirectory: cwd})
const refusal = {kind: 'usage', code: 'CLAUDE_NOT_FOUND'}

test('the first claude on PATH that may be run', async () => {
  const good = await program('bin/claude')
  await program('late/claude')
  await program('not-executable/claude', 0o644)
  await mkdir(join(root, 'directory/claude'), {recursive: true})
  const path = ['nowhere', 'not-executable', 'directory', 'bin', 'late'].map((name) => join(root, name))
  expect(await find(path)).toBe(good)
})

test('codex is found by the same rules, and is never one of the project', async () => {
  const planted = dirname(await program('repo/sub/bin/codex'))
  const search = {path: planted, cwd, workingDirectory: cwd}
  await expect(findCodex(search)).rejects.toMatchObject({kind: 'usage', code: 'CODEX_NOT_FOUND'})
  const good = await program('bin/codex')
  expect(await findCodex({...search, path: [planted, dirname(good)].join(':')})).toBe(good)
})

describe('a project does not choose the program', () => {
  test.for([
    ['the current directory, as an empty entry', '', 'repo/sub/claude'],
    ['the current directory, as a dot', '.', 'repo/sub/claude'],
    ['a relative entry', 'bin', 'repo/sub/bin/claude'],
    ['the current directory by its path', 'ROOT/repo/sub', 'repo/sub/claude'],
    ['a directory below it', 'ROOT/repo/sub/node_modules/.bin', 'repo/sub/node_modules/.bin/claude'],
    ['the same, said in a roundabout way', 'ROOT/repo/sub/x/../bin/', 'repo/sub/bin/claude'],
    ['the programs of packages of a directory above', 'ROOT/repo/node_modules/.bin', 'repo/node_modules/.bin/claude'],
  ] as const)('%s', async ([, entry, planted]) => {
    await mkdir(join(cwd, 'x'), {recursive: true})
    await program(planted)
    const evil = entry.replace('ROOT', root)
    await expect(find([evil])).rejects.toMatchObject(refusal)
    const good = await program('bin/claude')
    expect(await find([evil, dirname(good)])).toBe(good)
  })

  test('not through links either: of the directory, of the program, of the current directory', async () => {
    const planted = await program('repo/sub/bin/claude')
    await symlink(dirname(planted), join(root, 'linked-directory'))
    await mkdir(join(root, 'links'))
    await symlink(planted, join(root, 'links/claude'))
    await symlink(cwd, join(root, 'project'))
    for (const entry of ['linked-directory', 'links']) {
      await expect(find([join(root, entry)])).rejects.toMatchObject(refusal)
    }
    const linked = {path: dirname(planted), cwd: join(root, 'project'), workingDirectory: root}
    await expect(findClaude(linked)).rejects.toMatchObject(refusal)
    await expect(findClaude({...linked, path: join(root, 'project/bin')})).rejects.toMatchObject(refusal)
  })

  test('a directory whose name only begins like it is another one', async () => {
    const good = await program('repo/sub-tools/claude')
    expect(await find([dirname(good)])).toBe(good)
  })

  test('the error names what was passed over, and how to choose it all the same', async () => {
    const planted = await program('repo/sub/bin/claude')
    const error = (await find([dirname(planted)]).catch((thrown: unknown) => thrown)) as Error & {suggestions: string[]}
    expect(error.message).toContain(planted)
    expect(error.suggestions.join()).toContain(`--claude-bin ${planted}`)
    expect(await find([], planted)).toBe(planted)
    expect(await find([], './bin/claude')).toBe(planted)
  })
})

test('a named program: a path as it is, a bare name on PATH by the same rules', async () => {
  const other = await program('bin/claude-old')
  await program('repo/sub/bin/claude-old')
  expect(await find([join(cwd, 'bin'), dirname(other)], 'claude-old')).toBe(other)
  await expect(find([dirname(other)], '/nowhere/claude')).rejects.toMatchObject(refusal)
  await expect(find([dirname(other)], join(root, 'bin'))).rejects.toMatchObject(refusal)
  await expect(findClaude({path: undefined, cwd, workingDirectory: cwd})).rejects.toMatchObject(refusal)
})

test('the version, where the program says one', async () => {
  expect(await claudeVersion(await program('bin/claude'), {PATH: '/bin:/usr/bin'})).toBe('3.2.1')
  expect(await claudeVersion('/bin/ls', {})).toBeUndefined()
  expect(await claudeVersion('/nowhere', {})).toBeUndefined()
})

const claude = findRealClaude()
test.runIf(claude.path)(`the version of the real claude ${claude.reason ?? ''}`, async () => {
  expect(await claudeVersion(claude.path ?? '', {HOME: root, PATH: '/bin:/usr/bin'})).toMatch(/^\d+\.\d+\.\d+$/)
})
