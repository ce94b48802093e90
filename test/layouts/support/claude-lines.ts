export const SESSION = '11111111-2222-4333-8444-555555555555'
export const OTHER = '22222222-2222-4333-8444-555555555555'

/** A prompt and an answer of a conversation of Claude's, as far as listing and restoring look at them. */
export function turn(id: number | string, text = `message ${id}`): string {
  const common = {cwd: '/code/shop', gitBranch: 'main', timestamp: '2026-01-02T03:04:05.000Z'}
  return [
    {type: 'user', uuid: `u-${id}`, ...common, message: {role: 'user', content: text}},
    {
      type: 'assistant',
      uuid: `a-${id}`,
      ...common,
      message: {id: `msg-${id}`, model: 'test-model', content: [{type: 'text', text: `answer ${id}`}]},
    },
  ]
    .map((entry) => `${JSON.stringify(entry)}\n`)
    .join('')
}
