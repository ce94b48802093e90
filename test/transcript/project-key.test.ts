import {mkdir, mkdtemp, readdir, realpath, rm, symlink} from 'node:fs/promises'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import {afterAll, beforeAll, describe, expect, it} from 'vitest'
import {projectKeyFor, projectKeyOf} from '../../src/transcript/project-key.js'
import {findClaude, newWorker, runClaude} from '../support/claude.js'
import {startModelServer} from '../support/model-server.js'
import type {ModelServer} from '../support/model-server.js'
import {goldenProjectKeys} from './golden-project-keys.js'

let root: string
beforeAll(async () => {
  root = await realpath(await mkdtemp(join(tmpdir(), 'reprise-key-')))
})
afterAll(() => rm(root, {recursive: true, force: true}))

describe('projectKeyOf', () => {
  it.each(goldenProjectKeys)('gives the key that claude gave for %j', (path, key) => {
    expect(projectKeyOf(path)).toBe(key)
  })

  it('hashes the whole path, so that long paths with the same beginning differ', () => {
    const path = `/${'a'.repeat(300)}`
    expect(projectKeyOf(`${path}b`)).not.toBe(projectKeyOf(`${path}c`))
  })
})

describe('projectKeyFor', () => {
  it('takes the real path of a linked directory', async () => {
    await mkdir(join(root, 'real'))
    await symlink(join(root, 'real'), join(root, 'link'))
    expect(await projectKeyFor(join(root, 'link'))).toBe(projectKeyOf(join(root, 'real')))
  })

  it('takes a directory that is gone as it is written', async () => {
    expect(await projectKeyFor('/gone/for good')).toBe('-gone-for-good')
  })

  it.each([
    {projectDirName: 'my_project-1', configDirSet: true, heeded: true},
    {projectDirName: 'x'.repeat(64), configDirSet: true, heeded: true},
    {projectDirName: 'my_project-1', configDirSet: false, heeded: false},
    {projectDirName: 'x'.repeat(65), configDirSet: true, heeded: false},
    {projectDirName: '..', configDirSet: true, heeded: false},
    {projectDirName: 'a/b', configDirSet: true, heeded: false},
    {projectDirName: '', configDirSet: true, heeded: false},
  ])('heeds CLAUDE_CODE_PROJECT_DIR_NAME as claude does: %j', async ({heeded, ...settings}) => {
    expect(await projectKeyFor('/gone', settings)).toBe(heeded ? settings.projectDirName : '-gone')
  })
})

const claude = findClaude()
describe.runIf(claude.path)(`the real claude ${claude.reason ?? ''}`, () => {
  let model: ModelServer
  beforeAll(async () => {
    model = await startModelServer()
  })
  afterAll(() => model.close())

  const deep = 'abcdefghi.'.repeat(12)
  it.each([
    {cwd: 'a b.c/Gr\u00fc\u00dfe \u{1f680}'},
    {cwd: 'nfd/Gru\u0308\u00dfe'},
    {cwd: `${deep}/${deep}`},
    {cwd: 'linked', linkTo: 'link target'},
    {cwd: 'named', projectDirName: 'my_project-1', ownConfigDir: true},
    {cwd: 'misnamed', projectDirName: 'my project', ownConfigDir: true},
    {cwd: 'named-without-config-dir', projectDirName: 'my_project-1'},
  ])('uses the key we compute: %j', async ({cwd, linkTo, projectDirName, ownConfigDir}) => {
    const base = await mkdtemp(join(root, 'w-'))
    if (linkTo) {
      await mkdir(join(base, linkTo))
      await symlink(join(base, linkTo), join(base, cwd))
    }
    const env = {
      ...(projectDirName && {CLAUDE_CODE_PROJECT_DIR_NAME: projectDirName}),
      ...(ownConfigDir && {CLAUDE_CONFIG_DIR: join(base, 'config')}),
    }
    const worker = await newWorker({root: base, modelUrl: model.url, cwd, env})
    expect(await runClaude(worker, ['-p', 'say: hello'])).toMatchObject({code: 0, stdout: 'hello\n'})
    expect(await readdir(join(worker.configDir, 'projects'))).toEqual([
      await projectKeyFor(worker.cwd, {configDirSet: ownConfigDir, projectDirName}),
    ])
  })
})
