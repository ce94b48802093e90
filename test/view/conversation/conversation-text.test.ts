import * as fc from 'fast-check'
import {describe, expect, test} from 'vitest'
import type {ReadChain} from '../../../src/inspect/read-chain.js'
import {assembleConversation} from '../../../src/transcript/conversation/claude/assemble.js'
import {EventLog} from '../../../src/transcript/conversation/events.js'
import {PREVIEW, WHOLE} from '../../../src/transcript/conversation/limits.js'
import type {Conversation} from '../../../src/transcript/conversation/model.js'
import {totalsOf} from '../../../src/transcript/conversation/totals.js'
import {chainText} from '../../../src/view/conversation/conversation-text.js'
import {eventJson, EventText} from '../../../src/view/conversation/event-text.js'
import {wrapped} from '../../../src/view/conversation/wrap.js'
import {displayWidth} from '../../../src/view/width.js'
import {conversationOf, transcriptOfText, TranscriptLines} from '../../support/transcript-lines.js'

const PLAIN = {width: Infinity, color: false, full: false}

function chainOf(conversations: readonly Conversation[], missing: readonly string[] = []): ReadChain {
  const sessions = conversations.map((conversation) => ({conversation, place: 's3://b/p', source: 'store'}) as const)
  return {sessions, totals: totalsOf(conversations), missing}
}

function textOf(conversation: Conversation, options: Partial<typeof PLAIN> = {}, tail?: number): string {
  return [...chainText(chainOf([conversation]), {...PLAIN, ...options}, tail)].join('')
}

/** One of everything. */
async function rich(say: (text: string) => string = (text) => text, limits = PREVIEW): Promise<Conversation> {
  const numbers = Array.from({length: 16}, (_, at) => `line ${at + 1}`).join('\n')
  const main = new TranscriptLines()
    .note({type: 'custom-title', customTitle: say('Fix the tax')})
    .prompt(say('Fix the tax in the cart.'), {cwd: say('/code/shop'), gitBranch: say('main'), version: '2.1.0'})
    .add({type: 'attachment', attachment: {type: 'file', filename: say('cart.ts')}})
    .add({type: 'attachment', attachment: {type: 'environment'}})
    .answer('m1', {type: 'thinking', thinking: say('Where is it?\nIn the cart, I think.\nOr not.')})
    .say('m1', say('I look at the cart first.'))
    .call('m1', 'c1', 'Bash', {command: say('npm test'), description: say('run the tests')})
    .result('c1', say(`Exit code 1\n${numbers}`), {}, true)
    .call('m2', 'c2', 'Read', {file_path: say('/code/shop/cart.ts')})
    .result('c2', say(numbers))
    .call('m2', 'c3', 'Edit', {file_path: say('/code/shop/cart.ts'), old_string: say('a\nb'), new_string: say('a\nc')})
    .result('c3', 'updated')
    .call('m3', 'c4', 'Agent', {subagent_type: say('Explore'), description: say('find callers'), prompt: say('look')})
    .result('c4', say('two callers'), {toolUseResult: {agentId: 'a1'}})
    .call('m3', 'c5', say('mcp__db__query'), {sql: say('select 1'), limit: 3})
    .result('c5', [
      {type: 'text', text: say('1 row')},
      {type: 'image', source: {media_type: say('image/png'), data: 'A'.repeat(4000)}},
    ])
    .call('m3', 'c6', 'Bash', {command: say('sleep 100')})
    .prompt('[Request interrupted by user]')
    .prompt(say('Go on.'))
    .add({
      type: 'assistant',
      isApiErrorMessage: true,
      apiErrorStatus: 529,
      message: {content: [{type: 'text', text: say('Overloaded')}]},
    })
    .prompt(`<command-name>${say('/compact')}</command-name><command-args></command-args>`)
    .prompt(`<local-command-stdout>${say('Compacted')}</local-command-stdout>`)
  const before = main.last
  main
    .goOnFrom(null)
    .add({
      type: 'system',
      subtype: 'compact_boundary',
      logicalParentUuid: before,
      compactMetadata: {trigger: say('auto'), preTokens: 155000},
    })
    .prompt(say('The tax was wrong,\nand now\nit\nis\nright.'), {isCompactSummary: true})
    .prompt(`<task-notification><summary>${say('Agent done')}</summary></task-notification>`)
    .prompt(say('Thanks.'))
    .say('m9', say('You are welcome.'))
    .note({type: 'cost-state', totalCostUSD: 0.1234, startTime: 1})
  const below = new TranscriptLines().prompt(say('look')).say('s1', say('cart.ts and till.ts'))
  const subagent = await transcriptOfText(below.text(), limits, {
    sessionId: main.sessionId,
    subpath: 'subagents/agent-a1',
  })
  return assembleConversation(await transcriptOfText(main.text(), limits), [subagent])
}

test('a session as it is read', async () => {
  expect(textOf(await rich())).toMatchInlineSnapshot(`
    "11111111-2222-4333-8444-555555555555  Fix the tax
    /code/shop · main · claude 2.1.0 · 2026-11-21 12:00:01 · s3://b/p

    #1  2026-11-21 12:00:01
    ❯ Fix the tax in the cart.

    · file cart.ts
    ✻ Where is it?
      … 2 more lines

    I look at the cart first.

    ● Bash npm test
      ⎿ Exit code 1
        line 1
        line 2
        line 3
        line 4
        line 5
        line 6
        line 7
        line 8
        line 9
        line 10
        line 11
        … 5 more lines
    ● Read cart.ts
      ⎿ … 16 lines
    ● Edit cart.ts (+1 −1)
        a
      - b
      + c
    ● Agent Explore: find callers
      │ subagent Explore: find callers
      │ ❯ look
      │ cart.ts and till.ts
    ● mcp__db__query
      sql: select 1
      limit: 3
      ⎿ 1 row
        [image/png, 2.9 KiB]
    ● Bash sleep 100
      ⎿ no result
    ✗ interrupted

    #2  2026-11-21 12:00:18
    ❯ Go on.

    ✗ Overloaded (529)

    #3  2026-11-21 12:00:20
    ❯ /compact
      Compacted
    ── compacted, auto, 155,000 tokens before: the model knows what was before by this summary ──
      The tax was wrong,
      and now
      it
      … 2 more lines
    · task: Agent done

    #4  2026-11-21 12:00:25
    ❯ Thanks.

    You are welcome.

    4 turns, 5 answers, 6 tool calls, 2 failures, 1 subagent
    tokens: 50 in, 25 out, 500 from cache, 5 to cache; context 111; $0.1234
    models: claude-test-1
    "
  `)
})

test('with nothing folded', async () => {
  expect(textOf(await rich(undefined, WHOLE), {full: true})).toMatchInlineSnapshot(`
    "11111111-2222-4333-8444-555555555555  Fix the tax
    /code/shop · main · claude 2.1.0 · 2026-11-21 12:00:01 · s3://b/p

    #1  2026-11-21 12:00:01
    ❯ Fix the tax in the cart.

    · file cart.ts
    · environment
    ✻ Where is it?
      In the cart, I think.
      Or not.

    I look at the cart first.

    ● Bash npm test
      description: run the tests
      ⎿ Exit code 1
        line 1
        line 2
        line 3
        line 4
        line 5
        line 6
        line 7
        line 8
        line 9
        line 10
        line 11
        line 12
        line 13
        line 14
        line 15
        line 16
    ● Read /code/shop/cart.ts
      ⎿ line 1
        line 2
        line 3
        line 4
        line 5
        line 6
        line 7
        line 8
        line 9
        line 10
        line 11
        line 12
        line 13
        line 14
        line 15
        line 16
    ● Edit /code/shop/cart.ts (+1 −1)
        a
      - b
      + c
      ⎿ updated
    ● Agent Explore: find callers
      subagent_type: Explore
      description: find callers
      prompt: look
      ⎿ two callers
      │ subagent Explore: find callers
      │ ❯ look
      │ cart.ts and till.ts
    ● mcp__db__query
      sql: select 1
      limit: 3
      ⎿ 1 row
        [image/png, 2.9 KiB]
    ● Bash sleep 100
      ⎿ no result
    ✗ interrupted

    #2  2026-11-21 12:00:18
    ❯ Go on.

    ✗ Overloaded (529)

    #3  2026-11-21 12:00:20
    ❯ /compact
      Compacted
    ── compacted, auto, 155,000 tokens before: the model knows what was before by this summary ──
      The tax was wrong,
      and now
      it
      is
      right.
    · task: Agent done

    #4  2026-11-21 12:00:25
    ❯ Thanks.

    You are welcome.

    4 turns, 5 answers, 6 tool calls, 2 failures, 1 subagent
    tokens: 50 in, 25 out, 500 from cache, 5 to cache; context 111; $0.1234
    models: claude-test-1
    "
  `)
})

test('on a narrow terminal', async () => {
  const text = textOf(await rich(), {width: 40})
  expect(text.split('\n').filter((line) => displayWidth(line) > 40)).toEqual([])
  expect(text.split('\n').slice(0, 14).join('\n')).toMatchInlineSnapshot(`
    "11111111-2222-4333-8444-555555555555  F…
    /code/shop · main · claude 2.1.0 · 2026…

    #1  2026-11-21 12:00:01
    ❯ Fix the tax in the cart.

    · file cart.ts
    ✻ Where is it?
      … 2 more lines

    I look at the cart first.

    ● Bash npm test
      ⎿ Exit code 1"
  `)
})

test('the last turns alone, with what stands above and below', async () => {
  const text = textOf(await rich(), {}, 1)
  expect(text).toContain('Fix the tax\n')
  expect(text).toContain('#4 ')
  expect(text).not.toContain('#3 ')
  expect(text).toContain('4 turns')
})

test('what stands beside is told of, and shown when asked for', async () => {
  const lines = new TranscriptLines().prompt('go').say('m1', 'one')
  const fork = lines.last
  lines.prompt('the way left').goOnFrom(fork).prompt('the way taken')
  const conversation = await conversationOf(lines.text())
  expect(textOf(conversation)).toContain('1 branch beside the conversation: --full shows them')
  expect(textOf(conversation)).not.toContain('the way left')
  const full = textOf(conversation, {full: true})
  expect(full).toContain('── beside the conversation: one turn that was left ──\n\n#1')
  expect(full).toContain('❯ the way left')
})

test('sessions of a chain one after the other, and those that are gone', async () => {
  const [a, b] = await Promise.all(
    ['a', 'b'].map(async (text) => conversationOf(new TranscriptLines().prompt(text).text())),
  )
  const chain = chainOf([a!, b!], ['gone'])
  const text = [...chainText(chain, PLAIN)].join('')
  expect(text.match(/^1{8}-/gm)).toHaveLength(2)
  expect(text).toContain('session gone is nowhere any more')
})

test('colours where there are some, and no escape sequence where there are none', async () => {
  // oxlint-disable-next-line no-control-regex -- escape sequences are what is looked for
  const escapes = /\u001B\[[0-9;]*m/g
  const [plain, colored] = [textOf(await rich()), textOf(await rich(), {color: true})]
  expect(plain).not.toContain('\u001B')
  expect(colored).toMatch(escapes)
  expect(colored.replaceAll(escapes, '')).toBe(plain)
})

const EVIL = [
  '\u001B[2J',
  '\u001B]0;title\u0007',
  '\u001B]8;;http://evil\u001B\\',
  '\u009B31m',
  '\u202E',
  '\u2066',
  '\u200B',
  '\r',
  '\b',
  '\uFEFF',
  '\u{E0041}',
]
/** What no output may hold, colours switched off. */
const FORBIDDEN = /[^\P{Cc}\n]|[\u061C\u200B\u200E\u200F\u202A-\u202E\u2066-\u2069\uFEFF\u{E0000}-\u{E007F}]/u

describe('nothing in a transcript reaches the terminal', () => {
  test.for(EVIL.map((evil) => [evil] as const))('%j', async ([evil]) => {
    const conversation = await rich((text) => `${evil}${text.replaceAll(' ', `${evil} `)}${evil}`)
    for (const options of [{}, {full: true}, {width: 60}, {width: 60, full: true}]) {
      expect(FORBIDDEN.exec(textOf(conversation, options))).toBeNull()
    }
    const text = new EventText(PLAIN)
    for (const event of new EventLog().take(conversation)) expect(FORBIDDEN.exec(text.text(event))).toBeNull()
  })
})

test('events of a conversation that is followed, as text and as JSON', async () => {
  const text = new EventText(PLAIN)
  const events = new EventLog().take(await rich())
  expect(events.map((event) => text.text(event)).join('')).toMatchInlineSnapshot(`
    "
    #1  2026-11-21 12:00:01
    ❯ Fix the tax in the cart.
    · file cart.ts
    ✻ Where is it?
      … 2 more lines
    I look at the cart first.
    ● Bash npm test
      ⎿ Exit code 1
        line 1
        line 2
        line 3
        line 4
        line 5
        line 6
        line 7
        line 8
        line 9
        line 10
        line 11
        … 5 more lines
    ● Read cart.ts
      ⎿ … 16 lines
    ● Edit cart.ts (+1 −1)
        a
      - b
      + c
    ● Agent Explore: find callers
      │ subagent Explore: find callers
      │ ❯ look
      │ cart.ts and till.ts
    ● mcp__db__query
      sql: select 1
      limit: 3
      ⎿ 1 row
        [image/png, 2.9 KiB]
    ● Bash sleep 100
    ✗ interrupted

    #2  2026-11-21 12:00:18
    ❯ Go on.
    ✗ Overloaded (529)

    #3  2026-11-21 12:00:20
    ❯ /compact
      Compacted
    ── compacted, auto, 155,000 tokens before: the model knows what was before by this summary ──
      The tax was wrong,
      and now
      it
      … 2 more lines
    · task: Agent done

    #4  2026-11-21 12:00:25
    ❯ Thanks.
    You are welcome.
    "
  `)
  const messages = events.flatMap((event) => eventJson(event) ?? [])
  expect(messages.slice(0, 4)).toMatchObject([
    {role: 'user', content: 'Fix the tax in the cart.'},
    {role: 'assistant', id: 'm1', content: '', thinking: expect.any(String)},
    {role: 'assistant', id: 'm1', content: 'I look at the cart first.'},
    {role: 'assistant', id: 'm1', toolCalls: [{id: 'c1', name: 'Bash'}]},
  ])
  expect(messages[3]).not.toHaveProperty('toolCalls.0.result')
  expect(messages[4]).toMatchObject({role: 'user', content: '', toolResults: [{id: 'c1', isError: true}]})
  expect(messages).toContainEqual(
    expect.objectContaining({
      content: 'cart.ts and till.ts',
      subagent: expect.objectContaining({agentId: 'a1', type: 'Explore'}),
    }),
  )
})

function words(text: string): string {
  return text.replaceAll(/\s+/gu, '')
}

describe('wrapping', () => {
  test.for<[string, number, readonly string[]]>([
    ['one two three four five six', 20, ['one two three four', 'five six']],
    ['    indented text that is long', 20, ['    indented text', '    that is long']],
    ['x'.repeat(45), 20, ['x'.repeat(20), 'x'.repeat(20), 'x'.repeat(5)]],
    ['日本語'.repeat(5), 20, ['日本語日本語日本語日', '本語日本語']],
    ['a\n\nb\n\n', 20, ['a', '', 'b']],
    ['exactly twenty chars', 20, ['exactly twenty chars']],
    ['exactly twenty chars and', 20, ['exactly twenty chars', 'and']],
    [
      'one line, whatever its length, where nothing is to be wrapped',
      Infinity,
      ['one line, whatever its length, where nothing is to be wrapped'],
    ],
  ])('%j at %d', ([text, width, expected]) => {
    expect(wrapped(text, width)).toEqual(expected)
  })

  test('keeps every word, and the width', () => {
    const texts = fc.array(fc.oneof(fc.string({unit: 'grapheme'}), fc.constantFrom(' ', '\n', '   ', '日本', '👨‍👩‍👧')), {
      maxLength: 30,
    })
    fc.assert(
      fc.property(texts, fc.integer({min: 20, max: 60}), (pieces, width) => {
        const text = pieces.join('')
        const lines = wrapped(text, width)
        expect(lines.filter((line) => displayWidth(line) > width)).toEqual([])
        expect(words(lines.join(''))).toBe(words(wrapped(text, Infinity).join('')))
      }),
    )
  })

  test('a line of very many characters takes no time', () => {
    const start = performance.now()
    expect(wrapped('é'.repeat(200_000), 80)).toHaveLength(2500)
    expect(performance.now() - start).toBeLessThan(10_000)
  })
})
