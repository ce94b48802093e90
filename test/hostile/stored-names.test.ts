import {mkdir, readFile, symlink, writeFile} from 'node:fs/promises'
import {join} from 'node:path'
import {describe, expect, test} from 'vitest'
import {listAll} from '../../src/object-store/list-all.js'
import {message} from '../support/sync-worker.js'
import {ID, idOf, Sandbox, sessionsOf} from './support/sandbox.js'

const PART = 'part-1700000000000-abcdef.jsonl'
const NAMES = [
  '../../../x',
  '..\\..\\x',
  '/etc/x',
  '//x',
  'C:\\x',
  'C:/x',
  'C:x',
  'a\u0000b',
  'a\u001b[31mb\u0007',
  '\u202Egnp.exe',
  './x',
  '.',
  '..',
  'é'.repeat(140),
  'x'.repeat(300),
  '\uFFFD\uFFFD',
  'COM1',
  ' ',
]

const BAD_HOMES = [
  '../../x',
  '..',
  '/etc',
  'a/b',
  'a\\b',
  'a\u0000b',
  '',
  '\u001b[2J',
  'x'.repeat(300),
  'x'.repeat(100_000),
]

/** Whole keys: they are planted behind the client, which would refuse to write most of them. */
function hostileKeys(): string[] {
  return NAMES.flatMap((name) => [
    `${name}/${ID}/${PART}`,
    `-work/${name}/${PART}`,
    `-work/${ID}/${name}/${PART}`,
    `-work/${ID}/subagents/${name}/${PART}`,
    `-work/${ID}/subagents/agent-${name}/${PART}`,
    `-work/${ID}/subagents/${name}/agent-x/${PART}`,
    `.reprise/files/${ID}/${name}`,
    `.reprise/files/${ID}/tool-results/${name}`,
    `.reprise/files/${ID}/file-history/${name}`,
    `.reprise/sessions/${name}.json`,
    `.reprise/tasks/${name}.json`,
    `.reprise/leases/${name}.json`,
    `.reprise/home/${name}`,
    name,
  ]).filter((key) => Buffer.byteLength(`p/${key}`) <= 1024)
}

describe('names in a store', () => {
  test('lead nowhere: what has a name of ours arrives, the rest stays', {timeout: 60_000}, async () => {
    await using here = await Sandbox.make()
    const {server} = await here.useS3()
    for (const key of hostileKeys()) server.store.plant(server.bucket, `p/${key}`, message('bad'))
    server.store.plant(server.bucket, `p/-work/${ID}/${PART}`, message(1))
    server.store.plant(server.bucket, `p/.reprise/home/${ID}`, '-work\n')
    server.store.plant(server.bucket, `p/.reprise/files/${ID}/tool-results/out.txt`, 'output')

    const pulled = await here.contained(['pull', ID, '--json'])
    expect(pulled.exitCode, pulled.all).toBe(0)
    expect(await readFile(here.pathOf(), 'utf8')).toContain(message(1))
    expect(await readFile(here.pathBelow('tool-results/out.txt'), 'utf8')).toBe('output')
    const project = join('projects', here.projectKey)
    const strange = (await here.names()).filter((name) => {
      const allowed = [project, 'projects', 'file-history', join('file-history', ID)]
      return (
        !allowed.includes(name) &&
        !name.startsWith(join(project, ID)) &&
        !name.startsWith(join('file-history', ID, '/'))
      )
    })
    expect(strange).toEqual([])
    // What went below the session has the form of ours, and no name that a terminal or another system takes for more.
    // oxlint-disable-next-line no-control-regex -- control characters are what it looks for
    const unsafe = /[\\\u0000-\u001F\u007F]|(?:^|\/)(?:\.\.?|[A-Za-z]:.*)(?:\/|$)/
    for (const name of await here.names()) expect(name).not.toMatch(unsafe)

    for (const argv of [
      ['ls', '--ids-only'],
      ['ls', '--json'],
      ['pull', '--all', '--to', join(here.root, 'copy')],
    ]) {
      const ran = await here.contained(argv)
      expect([0, 7], `${argv.join(' ')}: ${ran.all}`).toContain(ran.exitCode)
    }
    expect((await here.contained(['push', ID])).exitCode).toBeLessThan(8)
  })

  test(
    'beside the parts: a key that no store is asked for stays there, every other one is a part',
    {timeout: 60_000},
    async () => {
      await using here = await Sandbox.make()
      const {server, store} = await here.useS3()
      const below = `-work/${ID}/`
      const plant = (name: string, body: string) => server.store.plant(server.bucket, `p/${below}${name}`, body)
      server.store.plant(server.bucket, `p/.reprise/home/${ID}`, '-work\n')
      plant(PART, message(1))
      const parts = ['a\u001b[31mb\u0007', '\u202Egnp.exe', 'C:x', 'x'.repeat(300), 'é'.repeat(140), '..', '.', ' ']
      for (const [index, name] of parts.entries()) plant(name, message(`odd-${index}`))
      for (const name of ['a\u0000b', 'part-1700000000001-abcdef.jsonl\u0000', '']) plant(name, message('bad'))

      const pulled = await here.contained(['pull', ID, '--verbose'])
      expect(pulled.exitCode, pulled.all).toBe(0)
      expect(pulled.stderr).toContain('left in the store')
      const uuids = async () =>
        (await here.read())
          .split('\n')
          .filter(Boolean)
          .map((line) => (JSON.parse(line) as {uuid: string}).uuid)
      const good = ['uuid-1', ...parts.map((_, index) => `uuid-odd-${index}`)]
      expect((await uuids()).toSorted()).toEqual(good.toSorted())
      expect((await here.contained(['status', '--exit-code'])).exitCode).toBe(0)
      expect((await here.contained(['push', ID])).stdout).toContain('unchanged')

      // Whoever goes on in it makes one chain of them, and leaves the others where they are.
      const resumed = await here.run(['resume', ID])
      expect(resumed.exitCode, resumed.all).toBe(0)
      expect(await uuids()).toEqual(expect.arrayContaining(good))
      const left = (await listAll(store, {prefix: below})).objects.map(({key}) => key.slice(below.length))
      expect(left.filter((name) => name === '' || name.includes('\u0000'))).toHaveLength(3)
      await using there = await here.another()
      expect((await there.contained(['pull', ID])).exitCode).toBe(0)
      expect(await there.read()).toBe(await here.read())
    },
  )

  test('a home record that is no project key is bad data: exit 7 for that session', async () => {
    await using here = await Sandbox.make()
    const {server} = await here.useS3()
    for (const [index, homeKey] of BAD_HOMES.entries()) {
      server.store.plant(server.bucket, `p/.reprise/home/${idOf(index)}`, homeKey)
      server.store.plant(server.bucket, `p/-work/${idOf(index)}/${PART}`, message(1))
    }
    const pulled = await here.contained(['pull', '--json', ...BAD_HOMES.map((_, index) => idOf(index))])
    expect(pulled.exitCode, pulled.all).toBe(7)
    const codes = [...sessionsOf(pulled).values()].map(({error}) => error?.code)
    expect(new Set(codes)).toEqual(new Set(['HOME_DAMAGED', 'OBJECT_TOO_LARGE']))
    expect(codes).toHaveLength(BAD_HOMES.length)
    await here.write(message(1), idOf(0))
    for (const argv of [
      ['push', idOf(0)],
      ['resume', idOf(0), '--print'],
      ['pull', idOf(0)],
    ]) {
      const ran = await here.contained(argv)
      expect(ran.exitCode, ran.all).toBe(7)
      expect(ran.all).toContain('HOME_DAMAGED')
    }
    expect((await here.contained(['ls'])).exitCode).toBe(0)
  })

  test('names that cannot stand beside each other on a disk: exit 7, the rest is whole', async () => {
    await using here = await Sandbox.make()
    const {server} = await here.useS3()
    const plant = (key: string, body = 'x') => server.store.plant(server.bucket, `p/${key}`, body)
    plant(`-work/${ID}/${PART}`, message(1))
    plant(`.reprise/files/${ID}/tool-results/a`)
    plant(`.reprise/files/${ID}/tool-results/a/b`)
    const ran = await here.contained(['pull', ID])
    expect(ran.exitCode, ran.all).toBe(7)
    expect(ran.all).toContain('TARGET_BLOCKED')
  })

  test('a name longer than a file name can be: exit 7 or left in the store', async () => {
    await using here = await Sandbox.make()
    const {server} = await here.useS3()
    server.store.plant(server.bucket, `p/-work/${ID}/${PART}`, message(1))
    server.store.plant(server.bucket, `p/-work/${ID}/subagents/agent-${'x'.repeat(248)}/${PART}`, message(2))
    const ran = await here.contained(['pull', ID])
    expect([0, 7], ran.all).toContain(ran.exitCode)
  })
})

async function stored(): Promise<Sandbox> {
  const here = await Sandbox.make()
  const {server} = await here.useS3()
  server.store.plant(server.bucket, `p/-work/${ID}/${PART}`, message(1))
  server.store.plant(server.bucket, `p/-work/${ID}/subagents/agent-x/${PART}`, message(2))
  server.store.plant(server.bucket, `p/.reprise/files/${ID}/tool-results/deep/out.txt`, 'output')
  return here
}

describe('links where a pull writes', () => {
  test.each([
    ['projects', (here: Sandbox) => join(here.configDir, 'projects')],
    ['the project key', (here: Sandbox) => join(here.configDir, 'projects', here.projectKey)],
    ['the session directory', (here: Sandbox) => here.pathBelow('')],
    ['subagents', (here: Sandbox) => here.pathBelow('subagents')],
    ['tool-results', (here: Sandbox) => here.pathBelow('tool-results')],
  ])('%s leads out of the config dir: exit 7, nothing outside', async (_, pathOf) => {
    await using here = await stored()
    const path = pathOf(here).replace(/\/$/, '')
    await mkdir(join(path, '..'), {recursive: true})
    await symlink(here.outside, path)
    const ran = await here.contained(['pull', ID])
    expect(ran.exitCode, ran.all).toBe(7)
    expect(ran.all).toContain('TARGET_OUTSIDE')
  })

  test('a file that is a link is replaced, not followed', async () => {
    await using here = await stored()
    await mkdir(here.pathBelow('tool-results/deep'), {recursive: true})
    await symlink(join(here.outside, 'secret'), here.pathBelow('tool-results/deep/out.txt'))
    await mkdir(here.pathBelow('subagents'), {recursive: true})
    await symlink(join(here.outside, 'new'), here.pathBelow('subagents/agent-x.jsonl'))
    await symlink(join(here.outside, 'secret'), here.pathOf())
    expect((await here.contained(['pull', ID])).exitCode).toBe(0)
    expect(await here.read()).toBe(message(1))
    expect(await readFile(here.pathBelow('tool-results/deep/out.txt'), 'utf8')).toBe('output')
  })

  test.each([
    ['a directory stands where the transcript goes', (here: Sandbox) => mkdir(here.pathOf(), {recursive: true})],
    [
      'a file stands where the session directory goes',
      async (here: Sandbox) => {
        await mkdir(join(here.pathOf(), '..'), {recursive: true})
        await writeFile(here.pathOf().replace(/\.jsonl$/, ''), 'x')
      },
    ],
  ])('%s: exit 7', async (_, arrange) => {
    await using here = await stored()
    await arrange(here)
    const ran = await here.contained(['pull', ID])
    expect(ran.exitCode, ran.all).toBe(7)
    expect(ran.all).toContain('TARGET_BLOCKED')
  })
})
