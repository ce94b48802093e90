import {execFileSync} from 'node:child_process'
import {mkdirSync, mkdtempSync, rmSync} from 'node:fs'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import * as fc from 'fast-check'
import {describe, expect, test} from 'vitest'
import {isPrintMode} from '../../src/launch/interactive.js'
import {type LaunchPlan, planLaunch} from '../../src/launch/plan.js'
import {planAsShell, printPlan} from '../../src/launch/print-plan.js'

const one = '00000000-0000-4000-8000-000000000001'
const two = '00000000-0000-4000-8000-000000000002'
const options = {claude: '/usr/bin/claude', cwd: '/w'}
const resume = (...args: string[]) => planLaunch({type: 'resume', sessionId: one}, {...options, args})

describe('what is started', () => {
  test('resume, fork and run, each with the user’s arguments behind', () => {
    const args = ['-p', 'say: --resume']
    expect(planLaunch({type: 'resume', sessionId: one}, {...options, args})).toEqual({
      sessionId: one,
      argv: ['/usr/bin/claude', '--resume', one, ...args],
      env: {},
      cwd: '/w',
    })
    expect(planLaunch({type: 'fork', sessionId: one, newSessionId: two}, {...options, args})).toMatchObject({
      sessionId: two,
      argv: ['/usr/bin/claude', '--resume', one, '--fork-session', '--session-id', two, ...args],
    })
    expect(planLaunch({type: 'run', sessionId: one}, {...options, args, configDir: '/c'})).toMatchObject({
      sessionId: one,
      argv: ['/usr/bin/claude', '--session-id', one, ...args],
      env: {CLAUDE_CONFIG_DIR: '/c'},
    })
  })

  test.for([
    [['--resume', two], '--resume'],
    [[`--resume=${two}`], '--resume'],
    [['-r', two], '-r'],
    [[`-r${two}`], '-r'],
    [['-p', '--continue'], '--continue'],
    [['-c'], '-c'],
    [['-pc'], '-c'],
    [['--session-id', two], '--session-id'],
    [['--fork-session'], '--fork-session'],
    [['--bg', 'x'], '--bg'],
    [['-w'], '-w'],
    [['--worktree', 'x'], '--worktree'],
    [['--no-session-persistence'], '--no-session-persistence'],
    [['--cloud'], '--cloud'],
    [['--model', 'opus', '-c'], '-c'],
  ] as const)('%j contradicts it', ([args, name]) => {
    expect(() => resume(...args)).toThrow(expect.objectContaining({code: 'CLAUDE_ARGUMENT_REFUSED', kind: 'usage'}))
    expect(() => resume(...args)).toThrow(name)
  })

  test.for([
    [['-p', 'continue -c --resume']],
    [['--append-system-prompt', '--resume']],
    [['--system-prompt', '-c', '-p', 'x']],
    [['-n', '-c']],
    [['--tools', '-c', 'Bash']],
    [['-p', '--', '--continue']],
    [['--model=-c', '-d-c']],
    [['-', '']],
  ] as const)('%j does not', ([args]) => {
    expect(resume(...args).argv.slice(3)).toEqual(args)
  })

  test('what a registry says is no flag', () => {
    for (const sessionId of ['--dangerously-skip-permissions', '', `${one} --continue`, '../x']) {
      expect(() => planLaunch({type: 'resume', sessionId}, {...options, args: []})).toThrow('is no session id')
      expect(() => planLaunch({type: 'fork', sessionId: one, newSessionId: sessionId}, {...options, args: []})).toThrow(
        'is no session id',
      )
    }
  })
})

test.for([
  [['-p', 'x'], true],
  [['--print'], true],
  [['-cp'], true],
  [['--output-format', 'json', '-p'], true],
  [[], false],
  [['--model', '-p'], false],
  [['--', '-p'], false],
  [['-d', 'p'], false],
  [['-np'], false],
] as const)('%j prints: %j', ([args, expected]) => {
  expect(isPrintMode(args)).toBe(expected)
})

/** Runs the line; the "claude" prints where it is, what it was given, and the variable. */
function roundTrip(shell: string, plan: LaunchPlan): unknown {
  const line = planAsShell(plan)
  expect(line).not.toContain('\n')
  return JSON.parse(execFileSync(shell, ['-c', line], {encoding: 'utf8', env: {PATH: '/usr/bin:/bin', HOME: '/none'}}))
}
describe('what is printed', () => {
  test('as data', () => {
    const plan = planLaunch({type: 'resume', sessionId: one}, {...options, args: ['-p'], configDir: '/c'})
    expect(printPlan(plan, '/c/projects/-w/x.jsonl')).toEqual({
      sessionId: one,
      cwd: '/w',
      path: '/c/projects/-w/x.jsonl',
      argv: ['/usr/bin/claude', '--resume', one, '-p'],
      env: {CLAUDE_CONFIG_DIR: '/c'},
    })
  })

  test('as a line that a person can read', () => {
    const plan = planLaunch(
      {type: 'resume', sessionId: one},
      {...options, args: ['-p', "what's up?"], configDir: '/my c'},
    )
    expect(planAsShell(plan)).toBe(
      String.raw`cd /w && CLAUDE_CONFIG_DIR='/my c' /usr/bin/claude --resume ${one} -p 'what'\''s up?'`,
    )
  })

  const print = 'console.log(JSON.stringify([process.cwd(), process.argv.slice(1), process.env.CLAUDE_CONFIG_DIR]))'
  const planOf = (cwd: string, args: readonly string[], configDir: string): LaunchPlan => ({
    sessionId: one,
    argv: [process.execPath, '-e', print, '--', ...args],
    env: {CLAUDE_CONFIG_DIR: configDir},
    cwd,
  })

  test('any shell gives claude exactly the same, from any directory', () => {
    const root = mkdtempSync(join(tmpdir(), 'reprise-shell-'))
    try {
      const cwd = join(root, `-a 'b' "c" $(touch x) \`d\`\n~;&|\\\\ ä🎈`)
      mkdirSync(cwd)
      const syntax = [
        '',
        ' ',
        "'",
        '"',
        '\\',
        '$HOME',
        '$(id)',
        '`id`',
        '!x',
        '~',
        '*',
        '?',
        '[a]',
        '{a,b}',
        '#',
        ';',
        '&',
        '>f',
      ]
      const texts = ['a=b', '\n', '\n\n', 'a\nb\n', '\t', '\r', '-', '--', '%s', '\\n', '\u001b[31m', 'ä', '🎈', '=ls']
      const hostile = [...syntax, ...texts]
      const shells = ['/bin/sh', '/bin/bash']
      for (const shell of shells) {
        expect(roundTrip(shell, planOf(cwd, hostile, '/c d\n'))).toEqual([cwd, hostile, '/c d\n'])
      }
    } finally {
      rmSync(root, {recursive: true, force: true})
    }
  })

  test('the same for whatever text', () => {
    const text = fc.string({unit: 'binary', maxLength: 30}).map((each) => each.replaceAll('\u0000', ''))
    fc.assert(
      fc.property(fc.array(text, {maxLength: 20}), text, (args, configDir) => {
        expect(roundTrip('/bin/sh', planOf('/', args, configDir))).toEqual(['/', args, configDir])
      }),
      {numRuns: 15},
    )
  })
})
