import {chmod, readFile, writeFile} from 'node:fs/promises'
import {join} from 'node:path'
import {describe, expect, test} from 'vitest'
import {Fleet, noClaude, onlySession} from './support/fleet.js'

describe.skipIf(noClaude)(`stdout is claude's ${noClaude ?? ''}`, () => {
  test('byte for byte, and reprise speaks on stderr alone', {timeout: 60_000}, async () => {
    await using fleet = await Fleet.start({place: 's3'})
    const [a, b] = [await fleet.worker('a'), await fleet.worker('b')]
    await a.run(['run', '--task', 'T', '--', '-p', 'say: begun'])
    const id = await onlySession(a)
    // A claude that notes down what it says.
    const said = join(b.machine.home, 'said')
    const claude = join(b.machine.home, 'claude-that-notes')
    await writeFile(claude, `#!/bin/sh\nclaude "$@" | tee '${said}'\n`)
    await chmod(claude, 0o755)
    const args = [
      '-p',
      '--output-format',
      'stream-json',
      '--verbose',
      '--include-partial-messages',
      'bash: printf "ü\\n\\0";;say: ok ✓',
    ]
    const {code, stdout, stderr} = await b.run([
      'resume',
      id,
      '--claude-bin',
      claude,
      '--',
      ...args,
      '--allowedTools',
      'Bash',
    ])
    expect(code).toBe(0)
    expect(stdout.length).toBeGreaterThan(1_000)
    expect(stdout === (await readFile(said, 'utf8'))).toBe(true)
    const messages = stdout
      .split('\n')
      .slice(0, -1)
      .map((line) => JSON.parse(line) as {type: string; session_id?: string})
    expect(messages.at(-1)).toMatchObject({type: 'result', result: 'ok ✓', session_id: id})
    expect(messages.find((message) => message.type === 'system')?.session_id).toBe(id)
    expect(stderr).toMatch(/^reprise: last written by a at \S+\n$/)
    expect(await a.run(['resume', id, '--quiet', '--', '-p', 'say: quiet'])).toMatchObject({
      stdout: 'quiet\n',
      stderr: '',
    })
  })

  test("claude's exit code is reprise's", {timeout: 60_000}, async () => {
    await using fleet = await Fleet.start()
    const a = await fleet.worker('a')
    const unknown = await a.run(['run', '--', '-p', '--no-such-flag-of-claude', 'say: x'])
    expect(unknown).toMatchObject({code: 1, stdout: '', stderr: expect.stringContaining('--no-such-flag-of-claude')})
  })
})
