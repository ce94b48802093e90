import {describe, expect, test} from 'vitest'
import type {Root} from '../../src/layouts/layout.js'
import {placeIn} from '../../src/layouts/place.js'
import {SESSION} from './support/claude-lines.js'
import {rolloutName, THREAD} from './support/rollouts.js'

const CLAUDE: Root = {layout: 'raw', agent: 'claude', prefix: 'box/raw/claude/', machine: 'box'}
const CODEX: Root = {layout: 'raw', agent: 'codex', prefix: 'box/raw/codex/', machine: 'box'}

describe('what a key says', () => {
  const of = {projectKey: '-work-shop', sessionId: SESSION}
  test.each([
    [`-work-shop/${SESSION}.jsonl`, {kind: 'claude-main', ...of}],
    [`-work-shop/${SESSION}/subagents/agent-a1.jsonl`, {kind: 'claude-subagent', ...of, subpath: 'subagents/agent-a1'}],
    [
      `-work-shop/${SESSION}/subagents/deep/er/agent-a1.meta.json`,
      {kind: 'claude-meta', ...of, subpath: 'subagents/deep/er/agent-a1'},
    ],
    [`-work-shop/${SESSION}/tool-results/x.txt`, {kind: 'claude-file', ...of, name: 'x.txt'}],
    [`-work-shop/${SESSION}/tool-results/d/x`, {kind: 'claude-file', ...of, name: 'd/x'}],
  ])('of Claude: %s', (path, place) => {
    expect(placeIn(CLAUDE, CLAUDE.prefix + path)).toEqual(place)
  })

  test.each([
    '-work-shop/notes.jsonl',
    `-work-shop/${SESSION}.json`,
    `-work-shop/${SESSION}.jsonl.bak`,
    `-work-shop/${SESSION}/settings.json`,
    `-work-shop/${SESSION}/subagents/other.jsonl`,
    `-work-shop/${SESSION}/${SESSION}.jsonl`,
    '-work-shop/memory/MEMORY.md',
    `${SESSION}.jsonl`,
    'settings.json',
    '',
  ])('nothing of Claude: %s', (path) => {
    expect(placeIn(CLAUDE, CLAUDE.prefix + path)).toBeUndefined()
  })

  test.each([
    [`sessions/2026/03/04/${rolloutName()}`, false, false],
    [rolloutName(), false, false],
    [`${rolloutName()}.zst`, true, false],
    [`archived_sessions/${rolloutName()}`, false, true],
  ])('of Codex: %s', (path, compressed, archived) => {
    const name = path.split('/').at(-1)
    expect(placeIn(CODEX, CODEX.prefix + path)).toEqual({
      kind: 'rollout',
      sessionId: THREAD,
      name,
      compressed,
      archived,
    })
  })

  test('of another directory is nothing', () => {
    expect(placeIn(CLAUDE, `other/raw/claude/-work-shop/${SESSION}.jsonl`)).toBeUndefined()
  })

  test.each([
    `../../../etc/${SESSION}.jsonl`,
    `-work-shop/../${SESSION}.jsonl`,
    `-work-shop/${SESSION}/subagents/../../agent-x.jsonl`,
    `-work\u001b]0;owned\u0007shop/${SESSION}.jsonl`,
    `-work\\shop/${SESSION}.jsonl`,
    `${'x'.repeat(300)}/${SESSION}.jsonl`,
    `C:/${SESSION}.jsonl`,
    `/${SESSION}.jsonl`,
  ])('what could lead elsewhere is told apart: %j', (path) => {
    expect(placeIn(CLAUDE, CLAUDE.prefix + path)).toBe('unsafe')
  })

  test('and so for Codex', () => {
    expect(placeIn(CODEX, `${CODEX.prefix}../${rolloutName()}`)).toBe('unsafe')
    expect(placeIn(CODEX, `${CODEX.prefix}sessions/2026/03/04/x`)).toBeUndefined()
  })
})
