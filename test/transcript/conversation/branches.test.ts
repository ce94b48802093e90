import {describe, expect, test} from 'vitest'
import {conversationOf, linesText, outline, TranscriptLines} from '../../support/transcript-lines.js'

/** A common beginning, and two ways on from it. */
function twoBranches() {
  const lines = new TranscriptLines().prompt('base').say('m1', 'base answer')
  const fork = lines.last
  const base = [...lines.entries]
  lines.prompt('A').say('m2', 'A answer')
  const a = lines.entries.slice(base.length)
  lines.goOnFrom(fork).prompt('B').say('m3', 'B answer')
  const b = lines.entries.slice(base.length + a.length)
  return {base, a, b}
}

const noted = (entry: object | undefined) => ({
  type: 'last-prompt',
  leafUuid: (entry as {uuid?: string})?.uuid ?? 'nobody',
})
const promptsOf = async (entries: readonly unknown[]) =>
  (await conversationOf(linesText(entries))).turns.flatMap(({items}) =>
    items.flatMap((item) => (item.kind === 'prompt' ? [item.text.text] : [])),
  )

/** As claude writes them: each result after its own call, the next call after the one before. */
function twoCalls() {
  const lines = new TranscriptLines().prompt('go').call('m1', 'c1', 'Bash', {command: 'one'})
  const first = lines.last
  lines.call('m1', 'c2', 'Bash', {command: 'two'})
  const second = lines.last
  lines.goOnFrom(first).result('c1', 'gave one')
  lines.goOnFrom(second).result('c2', 'gave two')
  return lines.say('m2', 'done')
}

const compacted = () => {
  const lines = new TranscriptLines().prompt('before').say('m1', 'answer')
  const before = lines.last
  const metadata = {compactMetadata: {trigger: 'manual', preTokens: 120, postTokens: 7}}
  lines.goOnFrom(null)
  lines.add({type: 'system', subtype: 'compact_boundary', logicalParentUuid: before, content: 'x', ...metadata})
  lines.prompt('what was before, in short', {isCompactSummary: true})
  return lines.prompt('after')
}

// Each as it was measured on the real program, which test/transcript/conversation/real-claude.test.ts asks again.
describe('the branch that is shown', () => {
  const {base, a, b} = twoBranches()
  test.for<[string, readonly unknown[], readonly string[]]>([
    ['the last in the file', [...base, ...a, ...b], ['base', 'B']],
    ['the last in the file, whatever its time', [...base, ...b, ...a], ['base', 'A']],
    ['the one that is noted', [...base, ...a, ...b, noted(a.at(-1))], ['base', 'A']],
    ['the noted one, though another was written since', [...base, ...a, noted(a.at(-1)), ...b], ['base', 'A']],
    ['what follows the noted entry', [...base, ...a, ...b, noted(a[0])], ['base', 'A']],
    ['the last of what follows the noted entry', [...base, ...a, ...b, noted(base.at(-1))], ['base', 'B']],
    [
      'the last in the file, where nobody is noted',
      [...base, ...a, ...b, noted(a[0]), noted(undefined)],
      ['base', 'B'],
    ],
    ['pieces that stand apart', [...base, ...a.slice(0, 1), ...b, ...a.slice(1)], ['base', 'A']],
    ['the latest, in a file that is reversed', [...base, ...b, ...a].toReversed(), ['base', 'B']],
    ['the latest, where the last entry is an old one again', [...base, ...b, ...a, base[0]], ['base', 'B']],
  ])('%s', async ([, entries, expected]) => {
    expect(await promptsOf(entries)).toEqual(expected)
  })

  test('a parent that is not there stands for the entry before it', async () => {
    const lost = b.map((entry, at) => (at === 0 ? {...entry, parentUuid: 'nowhere'} : entry))
    expect(await promptsOf([...base, ...a, ...lost])).toEqual(['base', 'A', 'B'])
  })

  test('a second beginning is a conversation of its own', async () => {
    const root = b.map((entry, at) => (at === 0 ? {...entry, parentUuid: null} : entry))
    const conversation = await conversationOf(linesText([...base, ...a, ...root]))
    expect(outline(conversation)).toEqual([['prompt B', 'said B answer']])
    expect(conversation.beside).toMatchObject([{turns: [{}, {}]}])
    expect(conversation.beside[0]).not.toHaveProperty('after')
  })

  test('parents in a circle end where it closes', async () => {
    const circle = [...base, ...a].map((entry, at) => (at === 0 ? {...entry, parentUuid: a.at(-1)?.['uuid']} : entry))
    expect(await promptsOf(circle)).toEqual(['base', 'A'])
  })

  test('of two entries with one uuid the later counts', async () => {
    const again = {...base[0], message: {role: 'user', content: 'said otherwise'}}
    expect(await promptsOf([...base, again])).toEqual(['said otherwise'])
  })

  test('what was left stands beside, after the entry that it left', async () => {
    const conversation = await conversationOf(linesText([...base, ...a, ...b]))
    expect(conversation.beside.map(outline)).toEqual([[['prompt A', 'said A answer']]])
    expect(conversation.beside[0]?.after).toBe(base.at(-1)?.['uuid'])
  })
})

describe('calls of one answer', () => {
  test('are all there, with their results, though no line of parents goes through them', async () => {
    const conversation = await conversationOf(twoCalls().text())
    const expected = ['prompt go', 'tool Bash -> gave one', 'tool Bash -> gave two', 'said done']
    expect(outline(conversation)).toEqual([expected])
    expect(conversation.beside).toEqual([])
  })

  test('the branch may leave out the call, too', async () => {
    const lines = new TranscriptLines().prompt('go').call('m1', 'c1', 'Bash', {command: 'one'})
    const first = lines.last
    lines.call('m1', 'c2', 'Bash', {command: 'two'}).result('c2', 'gave two')
    lines.goOnFrom(first).result('c1', 'gave one').say('m2', 'done')
    const conversation = await conversationOf(lines.text())
    expect(outline(conversation)[0]).toContain('tool Bash -> gave two')
    expect(conversation.beside).toEqual([])
  })

  test('a result without its call is told of', async () => {
    const lines = new TranscriptLines().prompt('go').result('gone', 'gave something')
    expect(outline(await conversationOf(lines.text()))).toEqual([['prompt go', 'tool  -> gave something']])
  })

  test('of a result that two branches have the shown one counts', async () => {
    const lines = new TranscriptLines().prompt('go').call('m1', 'c1', 'Bash', {command: 'one'})
    const call = lines.last
    lines.result('c1', 'shown').say('m2', 'on')
    const shown = lines.last
    lines.goOnFrom(call).result('c1', 'left')
    lines.note({type: 'last-prompt', leafUuid: shown})
    expect(outline(await conversationOf(lines.text()))[0]).toContain('tool Bash -> shown')
  })
})

describe('a boundary', () => {
  test('is crossed: people read what the model does not see any more', async () => {
    const conversation = await conversationOf(compacted().text())
    expect(outline(conversation)).toEqual([['prompt before', 'said answer', 'boundary manual'], ['prompt after']])
    const boundary = conversation.turns[0]?.items.at(-1)
    const summary = {text: 'what was before, in short'}
    expect(boundary).toMatchObject({kind: 'boundary', tokensBefore: 120, tokensAfter: 7, summary})
  })

  test('of a fork, which begins with it, ends there, though it comes after what comes after it', async () => {
    const lines = compacted()
    const [boundary, summary] = lines.entries.filter(({parentUuid}, at) => at > 0 && (parentUuid === null || at === 3))
    // Claude hangs what it kept below the summary, and the boundary still names it.
    const kept = {...lines.entries[1], parentUuid: summary?.['uuid']}
    const fork = [boundary, summary, kept, {...lines.entries[4], parentUuid: kept['uuid' as keyof typeof kept]}]
    expect(outline(await conversationOf(linesText(fork)))).toEqual([
      ['boundary manual', 'said answer'],
      ['prompt after'],
    ])
  })
})
