import {mkdir, readFile, writeFile} from 'node:fs/promises'
import {describe, expect, test} from 'vitest'
import {CREATE} from '../../src/object-store/object-store.js'
import {keysOf, textOf} from '../e2e/support/places.js'
import {message} from '../support/sync-worker.js'
import {ID, idOf, Sandbox, sessionsOf} from './support/sandbox.js'

const LINE = message(1)
const NESTED = `${'['.repeat(100_000)}${']'.repeat(100_000)}`
const CONTENTS: readonly (readonly [string, Uint8Array, boolean])[] = [
  ['invalid UTF-8', Buffer.from([0xff, 0xfe, 0xc0, 0x80, 0x0a, 0xed, 0xa0, 0x80, 0x0a]), true],
  ['CRLF', Buffer.from(`${LINE.trimEnd()}\r\n${LINE.trimEnd()}\r\n\r\n`), true],
  ['NUL bytes', Buffer.from(`\0\0\0\n${LINE}\0\n`), true],
  ['blank lines', Buffer.from(`\n\n\n${LINE}\n`), true],
  ['no JSON', Buffer.from('not json\n[]\n"x"\n12\n{"uuid":{}}\n{"__proto__":1}\n'), true],
  ['deep JSON', Buffer.from(`{"uuid":"d","message":${NESTED}}\n${LINE}`), true],
  ['nothing', Buffer.from(''), false],
  ['one line that is not ended', Buffer.from('{"type":"user"'), false],
]

describe('transcripts', () => {
  test('of any bytes go there and back byte for byte', async () => {
    await using here = await Sandbox.make()
    await using there = await here.another()
    for (const [index, [, content]] of CONTENTS.entries()) await here.write(content, idOf(index))
    const pushed = await here.contained(['push', '--json'])
    expect(pushed.exitCode, pushed.all).toBe(0)
    const again = [...sessionsOf(await here.run(['push', '--json'])).values()]
    expect(new Set(again.map(({action}) => action))).toEqual(new Set(['unchanged']))
    const pulled = await there.contained(['pull', '--all', '--to', there.configDir])
    expect(pulled.exitCode, pulled.all).toBe(0)
    for (const [index, [name, content, stored]] of CONTENTS.entries()) {
      expect((await readFile(here.pathOf(idOf(index)))).equals(content), name).toBe(true)
      const copy = await readFile(there.pathOf(idOf(index), here.projectKey)).catch(() => undefined)
      expect(copy?.equals(content), name).toBe(stored ? true : undefined)
    }
    // Nothing of it was to be pulled.
    expect((await there.contained(['pull', idOf(CONTENTS.length - 1)])).exitCode).toBe(3)
  })

  test('that are deep go on as a fork, with subagents whose metadata is', async () => {
    await using here = await Sandbox.make()
    await using there = await here.another()
    const deep = `{"uuid":"d","sessionId":"${ID}","message":${NESTED}}\n`
    await here.write(deep)
    await mkdir(here.pathBelow('subagents'), {recursive: true})
    await writeFile(here.pathBelow('subagents/agent-x.jsonl'), deep)
    await writeFile(here.pathBelow('subagents/agent-x.meta.json'), `{"a":${NESTED.slice(70_000, 130_000)}}`)
    expect((await here.contained(['push'])).exitCode).toBe(0)
    const store = here.fileStore()
    const home = `${here.projectKey}/${ID}/subagents/agent-y/`
    await store.put(`${home}part-1700000000000-abcdef.jsonl`, Buffer.from(LINE), {mode: CREATE})
    const metadata = Buffer.from(`{"type":"agent_metadata","a":${NESTED.slice(70_000, 130_000)}}\n`)
    await store.put(`${home}part-1700000000001-000000.jsonl`, metadata, {mode: CREATE})
    expect((await there.contained(['pull', ID])).exitCode).toBe(0)
    await here.write(deep + message('a'))
    await there.write(deep + message('b'))
    expect((await here.run(['push'])).exitCode).toBe(0)
    const forked = await there.contained(['push', '--fork'])
    expect(forked.exitCode, forked.all).toBe(0)
  })

  test('a line of 64 MB goes there and back in little memory, and is no first prompt', {timeout: 60_000}, async () => {
    await using here = await Sandbox.make()
    await using there = await here.another()
    const head = Buffer.from('{"type":"user","uuid":"big","message":{"role":"user","content":"')
    const content = Buffer.concat([head, Buffer.alloc(64 * 1024 * 1024, 'x'), Buffer.from(`"}}\n${LINE}`)])
    await here.write(content)
    const pushed = await here.run(['push', '--secrets', 'off'])
    expect(pushed.exitCode, pushed.all).toBe(0)
    expect((await here.run(['ls'])).stdout.length).toBeLessThan(2000)
    const pulled = await there.run(['pull', ID])
    expect(pulled.exitCode, pulled.all).toBe(0)
    expect((await readFile(there.pathOf())).equals(content)).toBe(true)
    // Longer by one line: what is compared and summed again is the long line.
    await writeFile(here.pathOf(), Buffer.concat([content, Buffer.from(message(2))]))
    expect((await here.run(['push', '--secrets', 'warn'])).exitCode).toBe(0)
  })
})

const EVIL =
  '\u001b[2J\u001b]0;title\u0007\u001b]8;;https://evil.example\u001b\\link\u001b]8;;\u001b\\ \u202Egnp.exe\u2066 \u009b31m a\rb\u0000\u0008'

describe('escape sequences and hidden characters', () => {
  test('in titles, prompts, cwds, branches and names reach no terminal', {timeout: 60_000}, async () => {
    await using here = await Sandbox.make()
    const entries = [
      {type: 'user', uuid: 'u', cwd: `/w${EVIL}`, gitBranch: EVIL, message: {role: 'user', content: EVIL}},
      {type: 'summary', summary: EVIL, leafUuid: 'u'},
      {type: 'custom-title', customTitle: EVIL, sessionId: ID},
      {type: 'ai-title', aiTitle: EVIL, sessionId: ID},
      {
        type: 'user',
        uuid: 'v',
        message: {role: 'user', content: `${EVIL} AWS_SECRET_ACCESS_KEY=wJ4lrXUtnFEMI0K7MDENGbPxRfiCY2zAbCdEf9Gh`},
      },
    ]
    await here.write(entries.map((entry) => `${JSON.stringify(entry)}\n`).join(''))
    const typed = EVIL.replaceAll('\u0000', '')
    const runs = [
      ['push', '--verbose', '--task', typed.slice(0, 60)],
      ['push', '--name', typed],
      ['ls', '--local'],
      ['ls', '--json'],
      ['status'],
      ['pull', '--verbose', typed],
      [typed],
      ['ls', `--${typed}`],
      ['push', '--store', `s3://${typed}`],
    ]
    // The sandbox refuses every run whose output holds a raw control character.
    for (const argv of runs) await here.run(argv)
    const table = (await here.run(['ls'])).stdout
    expect(table).toContain('link')
    expect(table).not.toContain('evil.example')
  })

  test('in what a store says: summaries, machine names, project keys, lease owners, server errors', async () => {
    await using here = await Sandbox.make()
    const {server} = await here.useS3()
    const plant = (key: string, body: unknown, metadata = {}) =>
      server.store.plant(server.bucket, `p/${key}`, typeof body === 'string' ? body : JSON.stringify(body), {metadata})
    // oxlint-disable-next-line no-control-regex -- control characters are what it takes out
    const key = `-a${EVIL.replaceAll(/[/\\\u0000-\u001F\u007F]/g, '')}`
    plant(`${key}/${ID}/part-1700000000000-abcdef.jsonl`, LINE, {reprise: '1', machine: '%1B%5B2J'})
    plant(`.reprise/sessions/${ID}.json`, {
      version: 1,
      sessionId: ID,
      homeKey: key,
      agent: EVIL,
      title: EVIL,
      name: EVIL,
      task: EVIL,
      firstPrompt: EVIL,
      machine: EVIL,
      cwd: EVIL,
      updatedAt: EVIL,
      createdAt: 'yesterday',
      entries: 1e15,
    })
    const owner = {machine: EVIL, boot: EVIL, pidNamespace: EVIL, pid: 1, start: EVIL}
    const far = Date.now() + 3_600_000
    plant(`.reprise/leases/${ID}.json`, {
      version: 1,
      owner,
      hold: EVIL,
      epoch: 1,
      acquired: 1,
      expiry: far,
      released: false,
      cutOff: 0,
    })
    plant('.reprise/tasks/T.json', {
      version: 1,
      kind: 'task',
      id: 'T',
      sessionId: ID,
      earlier: [],
      cwd: EVIL,
      machine: EVIL,
      createdAt: '2026-01-01T00:00:00.000Z',
      updatedAt: '2026-01-01T00:00:00.000Z',
    })
    for (const argv of [['ls'], ['ls', '--sort', 'created', '--since', '1h']])
      expect((await here.contained(argv)).exitCode).toBe(0)
    expect((await here.contained(['pull', 'T'])).exitCode).toBe(0)
    await writeFile(here.pathOf(), LINE + message(2))
    const held = await here.contained(['push', ID])
    expect(held.exitCode, held.all).toBe(4)
    expect((await here.contained(['resume', 'T'])).exitCode).toBe(4)
  })
})

describe('a torn last line', () => {
  test('is no entry yet: push leaves it, pull keeps it beside the file', async () => {
    await using here = await Sandbox.make()
    await using there = await here.another()
    await here.write(`${LINE}{"type":"us`)
    await here.run(['push'])
    await there.run(['pull', ID])
    expect(await there.read()).toBe(LINE)
    await writeFile(there.pathOf(), LINE + message(2))
    expect((await there.run(['push'])).exitCode).toBe(0)
    expect((await here.contained(['pull', ID])).exitCode).toBe(0)
    expect(await here.read()).toBe(LINE + message(2))
    expect(await readFile(`${here.pathOf()}.torn`, 'utf8')).toBe('{"type":"us')
    const store = here.fileStore()
    const parts = (await keysOf(store)).filter((key) => key.includes(`/${ID}/part-`))
    expect((await Promise.all(parts.map((key) => textOf(store, key)))).join('')).toBe(LINE + message(2))
  })
})
