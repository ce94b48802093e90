import {spawn, spawnSync} from 'node:child_process'
import {mkdir, writeFile} from 'node:fs/promises'
import {join} from 'node:path'
import {fileURLToPath} from 'node:url'
import {describe, expect, test} from 'vitest'
import {displayWidth} from '../../src/view/width.js'
import {type CliHome, makeCliHome} from '../support/run-reprise.js'
import {SESSION} from '../support/sync-worker.js'
import {TranscriptLines} from '../support/transcript-lines.js'

const PROGRAM = fileURLToPath(new URL('../../bin/run.js', import.meta.url))
const hasPython = spawnSync('python3', ['-c', 'import pty']).status === 0
const why = hasPython ? '' : '(left out: it takes python3 to open a terminal here)'

/** A terminal of 60 columns; exits as the program does. */
const TERMINAL = `
import fcntl, os, pty, struct, sys, termios
def start():
    pid, fd = pty.fork()
    if pid == 0:
        fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", 20, 60, 0, 0))
        os.execv(sys.argv[1], sys.argv[1:])
    while True:
        try:
            data = os.read(fd, 65536)
        except OSError:
            break
        if not data: break
        os.write(1, data)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
sys.exit(start())
`

function pager(name: string): string {
  return `sed s/^/${name}:/`
}

async function onTerminal(
  cli: CliHome,
  argv: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<{code: number | null; screen: string}> {
  const own = {...cli.env, TERM: 'xterm', ...env}
  const child = spawn('python3', ['-c', TERMINAL, process.execPath, PROGRAM, ...argv], {cwd: cli.cwd, env: own})
  const screen: Buffer[] = []
  child.stdout.on('data', (chunk: Buffer) => screen.push(chunk))
  const code = await new Promise<number | null>((resolve) => child.once('close', resolve))
  return {code, screen: Buffer.concat(screen).toString().replaceAll('\r\n', '\n')}
}

async function homeWithSession(): Promise<CliHome> {
  const cli = await makeCliHome()
  const lines = new TranscriptLines(SESSION).prompt(`\u001B[2J\u202E ${'word '.repeat(50)}`)
  for (let at = 0; at < 200; at++) lines.prompt(`prompt ${at}`).say(`m${at}`, `answer \u009B31m${at}`)
  const dir = join(cli.home, '.claude', 'projects', '-x')
  await mkdir(dir, {recursive: true})
  await writeFile(join(dir, `${SESSION}.jsonl`), lines.text())
  return cli
}

describe.runIf(hasPython)(`on a terminal ${why}`, {timeout: 60_000}, () => {
  test('the text goes through the pager that was chosen: flag, REPRISE_PAGER, PAGER', async () => {
    await using cli = await homeWithSession()
    const env = {PAGER: pager('P'), REPRISE_PAGER: pager('R')}
    const show = ['show', SESSION, '--local', '--tail', '1']
    expect((await onTerminal(cli, show, {PAGER: pager('P')})).screen).toMatch(/^P:1{8}-/)
    expect((await onTerminal(cli, show, env)).screen).toMatch(/^R:1{8}-/)
    expect((await onTerminal(cli, [...show, '--pager', pager('F')], env)).screen).toMatch(/^F:1{8}-/)
    expect((await onTerminal(cli, show, {PAGER: 'cat'})).screen).toMatch(/^1{8}-/)
    expect((await onTerminal(cli, [...show, '--json'], env)).screen).toMatch(/^\{"status":"ok"/)
  })

  test('a pager that ends early is a quiet end, one that is not there is said', async () => {
    await using cli = await homeWithSession()
    const early = await onTerminal(cli, ['show', SESSION, '--local', '--pager', 'head -n 2'])
    expect([early.code, early.screen.trimEnd().split('\n').length]).toEqual([0, 2])
    for (const missing of ['no-such-pager -x', 'no-such-pager | cat -A; exit 127']) {
      const {code, screen} = await onTerminal(cli, ['show', SESSION, '--local', '--tail', '1', '--pager', missing])
      expect([code, screen]).toEqual([0, expect.stringMatching(/Warning: there is no pager[\s\S]*answer 199/)])
    }
  })

  test('fits its width; colours are ours, and nothing else controls it', async () => {
    await using cli = await homeWithSession()
    // oxlint-disable-next-line no-control-regex -- escape sequences are what is looked for
    const colours = /\u001B\[\d{1,2}m/g
    for (const argv of [
      ['show', SESSION, '--local'],
      ['show', SESSION, '--local', '--full'],
    ]) {
      const colored = (await onTerminal(cli, argv, {PAGER: 'cat', NO_COLOR: ''})).screen
      expect(colored).toMatch(colours)
      const {screen} = await onTerminal(cli, argv, {PAGER: 'cat', NO_COLOR: '1'})
      expect(colored.replaceAll(colours, '')).toBe(screen)
      expect(screen).not.toMatch(/[^\P{Cc}\n]|[\u202A-\u202E]/u)
      expect(screen.split('\n').filter((line) => displayWidth(line) > 60)).toEqual([])
    }
  })

  test('raw lines are shown with escapes in place of what would control it', async () => {
    await using cli = await homeWithSession()
    for (const argv of [
      ['cat', SESSION, '--local'],
      ['show', SESSION, '--local', '--raw'],
    ]) {
      const {code, screen} = await onTerminal(cli, argv, {PAGER: 'cat'})
      expect(code).toBe(0)
      expect(screen).not.toMatch(/[^\P{Cc}\n]|[\u202A-\u202E]/u)
      expect(screen).toContain(String.raw`\u009b31m`)
      expect(screen).toContain(String.raw`\u202e`)
    }
  })
})
