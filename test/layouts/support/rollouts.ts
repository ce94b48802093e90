/** Rollouts as Codex writes them: the same kinds of lines in the same order, with text of our own. */

export const THREAD = '019a0000-1111-7222-8333-444444444444'
export const FORK = '019a0000-5555-7222-8333-444444444444'

export interface RolloutOptions {
  readonly sessionId?: string
  readonly prompt?: string
  readonly cwd?: string
  /** What the first line holds before anybody said a word, in bytes. */
  readonly instructions?: number
  readonly base?: {readonly sessionId: string; readonly bytes: number}
  readonly turns?: number
}

export function rolloutName(sessionId = THREAD, stamp = '2026-03-04T05-06-07'): string {
  return `rollout-${stamp}-${sessionId}.jsonl`
}

export function rollout({
  sessionId = THREAD,
  prompt = 'mend the shop',
  cwd = '/code/shop',
  instructions = 2000,
  base,
  turns = 1,
}: RolloutOptions = {}): string {
  const lines: object[] = [
    {
      type: 'session_meta',
      payload: {
        id: sessionId,
        timestamp: '2026-03-04T05:06:07.000Z',
        cwd,
        originator: 'codex_exec',
        cli_version: '0.169.0',
        source: 'exec',
        base_instructions: {text: 'Be helpful. '.padEnd(instructions, '.')},
        git: {commit_hash: '0123456789abcdef', branch: 'main'},
        ...(base && {
          forked_from_id: base.sessionId,
          history_base: {thread_id: base.sessionId, end_ordinal_exclusive: 9, end_byte_offset: base.bytes},
        }),
      },
    },
    {type: 'event_msg', payload: {type: 'task_started', turn_id: 't'}},
    message('developer', 'input_text', '<skills_instructions>none</skills_instructions>'),
    message('user', 'input_text', '<environment_context>\n  <cwd>/code/shop</cwd>\n</environment_context>'),
    {type: 'turn_context', payload: {cwd, model: 'test-model', approval_policy: 'never'}},
  ]
  for (let turn = 1; turn <= turns; turn++) {
    const said = turn === 1 ? prompt : `turn ${turn}`
    lines.push(
      message('user', 'input_text', said),
      {type: 'event_msg', payload: {type: 'item_completed', item: {type: 'UserMessage', content: [{text: said}]}}},
      {type: 'a_kind_of_item_from_a_later_version', payload: {anything: [1, {deep: true}]}},
      message('assistant', 'output_text', `answer ${turn}`),
    )
  }
  return lines.map((line, at) => `${JSON.stringify({timestamp: timeOf(at), ordinal: at, ...line})}\n`).join('')
}

function message(role: string, kind: string, text: string): object {
  return {type: 'response_item', payload: {type: 'message', role, content: [{type: kind, text}]}}
}

function timeOf(at: number): string {
  return new Date(Date.parse('2026-03-04T05:06:07.000Z') + at * 1000).toISOString()
}
