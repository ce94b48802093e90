import {describe, expect, test} from 'vitest'
import {parseRolloutName, rolloutPath} from '../../../src/transcript/codex/rollout-name.js'

const ID = '019a0000-1111-7222-8333-444444444444'

describe('the name of a rollout', () => {
  test('says whose it is, and of which day', () => {
    const name = `rollout-2026-03-04T05-06-07-${ID}.jsonl`
    const parsed = parseRolloutName(name)
    expect(parsed).toEqual({sessionId: ID, day: ['2026', '03', '04'], compressed: false})
    expect(rolloutPath(name, parsed!)).toBe(`sessions/2026/03/04/${name}`)
  })

  test('what was compressed is restored as it was before', () => {
    const name = `rollout-2026-03-04T05-06-07-${ID}.jsonl.zst`
    const parsed = parseRolloutName(name)
    expect(parsed?.compressed).toBe(true)
    expect(rolloutPath(name, parsed!)).toBe(`sessions/2026/03/04/rollout-2026-03-04T05-06-07-${ID}.jsonl`)
  })

  test.each([
    `rollout-2026-99-99T05-06-07-${ID}.jsonl`,
    `rollout-2026-02-31T05-06-07-${ID}.jsonl`,
    `rollout-2026-03-04T25-06-07-${ID}.jsonl`,
    `rollout-x-${ID}.jsonl`,
    'rollout-2026-03-04T05-06-07-not-an-id.jsonl',
    `rollout-2026-03-04T05-06-07-${ID}.jsonl.gz`,
    `rollout-2026-03-04T05-06-07-${ID}.jsonl\n`,
    `x/rollout-2026-03-04T05-06-07-${ID}.jsonl`,
    `${ID}.jsonl`,
    '',
  ])('%j is none', (name) => {
    expect(parseRolloutName(name)).toBeUndefined()
  })
})
