import {mkdtemp, readFile, realpath, rm, writeFile} from 'node:fs/promises'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import {setTimeout as delay} from 'node:timers/promises'
import {afterAll, beforeAll, describe, expect, it} from 'vitest'
import {findLocalSession} from '../../../src/inspect/local-session.js'
import {readConversation} from '../../../src/inspect/read-conversation.js'
import {chained} from '../../../src/transcript/conversation/chain.js'
import type {Conversation, ToolCall} from '../../../src/transcript/conversation/model.js'
import {itemsOf, totalsOf} from '../../../src/transcript/conversation/totals.js'
import {chainText} from '../../../src/view/conversation/conversation-text.js'
import {findClaude, newWorker, runClaude, startClaude, transcriptOf, type Worker} from '../../support/claude.js'
import {type ModelServer, startModelServer} from '../../support/model-server.js'
import {outline} from '../../support/transcript-lines.js'

const id = (n: number) => `00000000-0000-4000-8000-${String(n).padStart(12, '0')}`
const TOOLS = ['--allowedTools', 'Bash', 'Agent', 'Write', 'Edit', 'Read']
const claude = findClaude()

function linesWith(has: string, text: string): string {
  return `${text
    .split('\n')
    .filter((line) => line.includes(has))
    .join('\n')}\n`
}

const entries = (text: string) => linesWith('"uuid"', text)
const note = (text: string) => linesWith('"last-prompt"', text)

describe.runIf(claude.path)(`sessions of the real claude ${claude.reason ?? ''}`, {timeout: 60_000}, () => {
  let root: string
  let model: ModelServer
  let worker: Worker

  beforeAll(async () => {
    root = await realpath(await mkdtemp(join(tmpdir(), 'reprise-conversation-')))
    model = await startModelServer()
    worker = await newWorker({root, modelUrl: model.url})
    await writeFile(join(worker.cwd, 'a.txt'), 'one\ntwo\nthree\nfour\n')
    const {cwd} = worker
    const steps = [
      `think: hm ++ say: I look. ++ bash: echo hi; exit 3 ++ read: ${cwd}/a.txt`,
      `edit: ${cwd}/a.txt three => THREE ++ write: ${cwd}/b.txt new`,
      'agent: say: from below ++ agent: bash: echo deep,,say: from below, too',
      'bash: seq 1 20000',
      'say: all done',
    ]
    await runs('-p', steps.join(';;'), '--session-id', id(1), ...TOOLS)
    await runs('-p', '/compact', '--resume', id(1))
    const held = startClaude(worker, ['-p', 'hold: cut off', '--resume', id(1)])
    await model.untilAsked('hold: cut off')
    await delay(500)
    held.child.kill('SIGINT')
    await held.finished
    await runClaude(worker, ['-p', 'fail: 400 not so', '--resume', id(1)])
    await runs('-p', 'say: the end', '--resume', id(1))
    await runs('--resume', id(1), '--fork-session', '--session-id', id(2), '-p', 'say: forked')
  }, 120_000)
  afterAll(async () => {
    await model.close()
    await rm(root, {recursive: true, force: true})
  })

  async function runs(...args: string[]): Promise<void> {
    expect(await runClaude(worker, args)).toMatchObject({code: 0})
  }

  async function read(sessionId: string): Promise<Conversation> {
    const place = {configDir: worker.configDir, uid: process.getuid?.(), projectKey: ''}
    return (await readConversation((await findLocalSession(place, sessionId))!))!
  }

  it('are read turn by turn: text, thinking, calls with results, errors, interruptions, a boundary', async () => {
    const conversation = await read(id(1))
    expect(conversation.beside).toEqual([])
    const turns = outline(conversation)
    expect(turns.map(([first]) => first?.split(' ')[0])).toEqual(['prompt', 'command', 'prompt', 'prompt', 'prompt'])
    expect(turns[0]?.slice(1, 4)).toEqual(['thinking hm', 'said I look.', 'tool Bash -> Exit code 3\nhi'])
    expect(turns[0]?.at(-2)).toBe('said all done')
    expect(turns[0]?.at(-1)).toBe('boundary manual')
    expect(turns[1]?.[0]).toBe('command /compact')
    expect(turns[2]?.[0]).toBe('prompt hold: cut off')
    expect(turns[2]?.at(-1)).toMatch(/^interruption /)
    expect(turns[3]?.at(-1)).toMatch(/^failure .*400/)
    expect(turns[4]).toEqual(['prompt say: the end', 'said the end'])
    expect(conversation.lines).toMatchObject({unreadable: 0, tooLong: 0})
    expect(conversation).toMatchObject({
      agent: 'claude',
      cwd: worker.cwd,
      agentVersion: expect.stringMatching(/^\d+\./),
    })
  })

  it('tell what changed, who was started, and where a long output lies', async () => {
    const calls = [...itemsOf(await read(id(1)))].filter((item): item is ToolCall => item.kind === 'tool')
    expect(calls.map(({name}) => name)).toEqual(['Bash', 'Read', 'Edit', 'Write', 'Agent', 'Agent', 'Bash'])
    expect(calls.every(({result}) => result !== undefined)).toBe(true)
    expect(calls[0]?.result?.isError).toBe(true)
    const [edited, written] = [calls[2]!, calls[3]!].map(({changes}) => changes[0]?.hunks[0]?.lines)
    expect([edited, written]).toEqual([[' one', ' two', '-three', '+THREE', ' four'], ['+new']])
    const below = calls
      .slice(4, 6)
      .map(({subagents}) => subagents.map((each) => each.turns.flatMap(({items}) => items)))
    expect(below.map((each) => each.length)).toEqual([1, 1])
    expect(below[0]?.[0]?.find(({kind}) => kind === 'said')).toMatchObject({text: {text: 'from below'}})
    expect(below[1]?.[0]?.some(({kind}) => kind === 'tool')).toBe(true)
    expect(calls[6]?.result?.file).toMatchObject({path: expect.stringContaining('tool-results'), bytes: 108_894})
  })

  it('have the tokens that claude itself counts, and its cost', async () => {
    const {tokens, costUsd, contextTokens, models, subagents} = totalsOf([await read(id(1))])
    expect(subagents).toBe(2)
    const text = await readFile(await transcriptOf(worker, id(1)), 'utf8')
    const states = text.split('\n').filter((line) => line.includes('"cost-state"'))
    const {totalCostUSD, modelUsage} = JSON.parse(states.at(-1)!) as {
      totalCostUSD: number
      modelUsage: Record<string, {inputTokens: number; outputTokens: number}>
    }
    expect(costUsd).toBe(totalCostUSD)
    expect(contextTokens).toBe(10)
    const [counted] = Object.values(modelUsage)
    // Claude counts the request for the summary, of which no entry tells, and not the one that was cut off, of which one does.
    expect(tokens).toMatchObject({input: counted!.inputTokens, output: counted!.outputTokens})
    expect(models.map(({model}) => model)).toEqual(Object.keys(modelUsage))
  })

  it('that were forked show in a chain what the fork adds', async () => {
    const both = chained([await read(id(1)), await read(id(2))])
    expect(outline(both[1]!)).toEqual([['prompt say: forked', 'said forked']])
    const alone = outline(await read(id(2)))
    expect(alone[0]?.[0]).toBe('boundary manual')
    expect(alone.at(-1)).toEqual(['prompt say: forked', 'said forked'])
    expect(totalsOf(both).costUsd).toBe(totalsOf([both[1]!]).costUsd)
  })

  it('are shown as text', async () => {
    const conversation = await read(id(1))
    const chain = {
      sessions: [{conversation, place: 'here', source: 'local'}],
      totals: totalsOf([conversation]),
      missing: [],
    } as const
    const text = [...chainText(chain, {width: 80, color: false, full: false})].join('')
    const plain = text.replaceAll(worker.cwd, '/code').replaceAll(/\d{4}-\d\d-\d\d \d\d:\d\d:\d\d/g, 'TIME')
    expect(plain).toContain('\n✻ hm\n\nI look.\n\n● Bash echo hi; exit 3\n  ⎿ Exit code 3\n    hi\n● Read a.txt\n')
    expect(plain).toContain(
      '● Edit a.txt (+1 −1)\n    one\n    two\n  - three\n  + THREE\n    four\n● Write b.txt (+1 −0)\n  + new\n',
    )
    expect(plain).toContain(
      '● Agent general-purpose: a scripted task\n  │ subagent general-purpose: a scripted task\n  │ ❯ say: from below\n  │ from below\n',
    )
    expect(plain).toContain('● Bash seq 1 20000\n  ⎿ 1\n    2\n    3\n    4\n')
    expect(plain).toContain('❯ hold: cut off\n\ncut\n\n✗ interrupted\n')
    expect(plain).toMatch(/\n5 turns, \d+ answers, 8 tool calls, 2 failures, 2 subagents\n/)
  })

  // What test/transcript/conversation/branches.test.ts takes for granted.
  it('go on in the branch that is shown', async () => {
    await runs('-p', 'say: base', '--session-id', id(10))
    const path = await transcriptOf(worker, id(10))
    const base = await readFile(path, 'utf8')
    const tail = async (prompt: string) => {
      await writeFile(path, base)
      await runs('-p', prompt, '--resume', id(10))
      return (await readFile(path, 'utf8')).slice(base.length)
    }
    const [a, b] = [await tail('say: A'), await tail('say: B')]
    const files = [
      base + b + a,
      entries(base) + entries(b) + entries(a),
      entries(base) + entries(a) + note(a) + entries(b),
      entries(base) + entries(a) + entries(b) + note(base),
      `${(entries(base) + entries(b) + entries(a)).trimEnd().split('\n').toReversed().join('\n')}\n`,
    ]
    for (const [at, text] of files.entries()) {
      const sessionId = id(20 + at)
      await writeFile(await transcriptOf(worker, sessionId), text.replaceAll(id(10), sessionId))
      const shown = outline(await read(sessionId)).flatMap((items) =>
        items.filter((item) => item.startsWith('prompt ')),
      )
      await runs('-p', 'recall:', '--resume', sessionId)
      expect([at, ...(model.prompts().at(-1) ?? [])]).toEqual([at, ...shown.map((item) => item.slice(7)), 'recall:'])
    }
  })
})
