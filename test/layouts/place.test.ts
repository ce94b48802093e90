import {describe, expect, test} from 'vitest'
import type {Root} from '../../src/layouts/layout.js'
import {placeIn} from '../../src/layouts/place.js'
import {SESSION} from './support/claude-lines.js'
import {rolloutName, THREAD} from './support/rollouts.js'

const CLAUDE: Root = {layout: 'raw', agent: 'claude', prefix: 'box/raw/claude/', machine: 'box'}
const CODEX: Root = {layout: 'raw', agent: 'codex', prefix: 'box/raw/codex/', machine: 'box'}

describe('what a key says', () => {
  const of = {projectKey: '-code-shop', sessionId: SESSION}
  test.each([
    [`-code-shop/${SESSION}.jsonl`, {kind: 'claude-main', ...of}],
    [`-code-shop/${SESSION}/subagents/agent-a1.jsonl`, {kind: 'claude-subagent', ...of, subpath: 'subagents/agent-a1'}],
    [
      `-code-shop/${SESSION}/subagents/deep/er/agent-a1.meta.json`,
      {kind: 'claude-meta', ...of, subpath: 'subagents/deep/er/agent-a1'},
    ],
    [`-code-shop/${SESSION}/tool-results/x.txt`, {kind: 'claude-file', ...of, name: 'x.txt'}],
    [`-code-shop/${SESSION}/tool-results/d/x`, {kind: 'claude-file', ...of, name: 'd/x'}],
  ])('of Claude: %s', (path, place) => {
    expect(placeIn(CLAUDE, CLAUDE.prefix + path)).toEqual(place)
  })

  test.each([
    '-code-shop/notes.jsonl',
    `-code-shop/${SESSION}.json`,
    `-code-shop/${SESSION}.jsonl.bak`,
    `-code-shop/${SESSION}/settings.json`,
    `-code-shop/${SESSION}/subagents/other.jsonl`,
    `-code-shop/${SESSION}/${SESSION}.jsonl`,
    '-code-shop/memory/MEMORY.md',
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
    expect(placeIn(CLAUDE, `other/raw/claude/-code-shop/${SESSION}.jsonl`)).toBeUndefined()
  })

  test.each([
    `../../../etc/${SESSION}.jsonl`,
    `-code-shop/../${SESSION}.jsonl`,
    `-code-shop/${SESSION}/subagents/../../agent-x.jsonl`,
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
