import {describe, expect, test} from 'vitest'
import {planCodex} from '../../src/launch/codex-plan.js'

const ID = '019a0000-1111-7222-8333-444444444444'
const options = {program: '/usr/bin/codex', cwd: '/code', args: [] as string[]}

describe('how codex is started', () => {
  test.each([
    ['resume', [], ['/usr/bin/codex', 'resume', ID]],
    ['resume', ['--model', 'x'], ['/usr/bin/codex', 'resume', ID, '--model', 'x']],
    ['resume', ['exec', '--json', 'go on'], ['/usr/bin/codex', 'exec', 'resume', ID, '--json', 'go on']],
    ['fork', [], ['/usr/bin/codex', 'fork', ID]],
    ['fork', ['exec', 'go on'], ['/usr/bin/codex', 'exec', 'fork', ID, 'go on']],
    ['resume', ['--', '--last'], ['/usr/bin/codex', 'resume', ID, '--', '--last']],
  ] as const)('%s with %j', (verb, args, argv) => {
    expect(planCodex(ID, verb, {...options, args})).toEqual({sessionId: ID, argv, env: {}, cwd: '/code'})
  })

  test('variables that it must not inherit are named', () => {
    expect(planCodex(ID, 'resume', {...options, unset: ['AWS_PROFILE']}).unset).toEqual(['AWS_PROFILE'])
  })

  test.each(['--last', '--remote', '--remote=ws://x'])('%s is refused', (arg) => {
    expect(() => planCodex(ID, 'resume', {...options, args: ['exec', arg]})).toThrow(
      expect.objectContaining({code: 'CODEX_ARGUMENT_REFUSED'}),
    )
  })

  test.each(['', '--last', 'x; rm -rf /', '../x'])('%j is no id', (id) => {
    expect(() => planCodex(id, 'resume', options)).toThrow(expect.objectContaining({code: 'SESSION_ID_INVALID'}))
  })
})
