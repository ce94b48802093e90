import {mkdtemp, readdir, rm} from 'node:fs/promises'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import {fileURLToPath} from 'node:url'
import {execa} from 'execa'
import {expect, test} from 'vitest'
import {noClaude} from './support/fleet.js'

const SCRIPT = fileURLToPath(new URL('../../scripts/quickstart.js', import.meta.url))

test.each([
  ['with a real claude', [], noClaude ? 'There is no claude binary' : "the model on b got a's words"],
  ['without a claude', ['--without-claude'], 'There is no claude binary'],
])('the quickstart does what it says, %s', {timeout: 60_000}, async (_, args, said) => {
  const home = await mkdtemp(join(tmpdir(), 'reprise-home-'))
  try {
    // What a fresh shell has, and nothing more.
    const env = {PATH: '/usr/bin:/bin', HOME: home, TMPDIR: home}
    const {exitCode, stdout, stderr} = await execa(process.execPath, [SCRIPT, ...args], {
      env,
      extendEnv: false,
      reject: false,
    })
    expect({exitCode, stderr, stdout}).toMatchObject({exitCode: 0, stderr: ''})
    expect(stdout).toContain(said)
    expect(stdout).toMatch(/^Proven: /m)
    expect(await readdir(home)).toEqual([])
  } finally {
    await rm(home, {recursive: true, force: true})
  }
})
