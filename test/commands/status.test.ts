import {mkdir, writeFile} from 'node:fs/promises'
import {join} from 'node:path'
import {expect, test} from 'vitest'
import {projectKeyFor} from '../../src/transcript/project-key.js'
import {makeCliHome} from '../support/run-reprise.js'
import {message} from '../support/sync-worker.js'

const ID = 'abcdef01-2222-4333-8444-555555555555'

test('reprise status says what is not stored, and exits 6 for it when asked to', async () => {
  await using cli = await makeCliHome()
  const dir = join(cli.home, '.claude', 'projects', await projectKeyFor(cli.cwd))
  await mkdir(dir, {recursive: true})
  await writeFile(join(dir, `${ID}.jsonl`), message(1))
  const before = await cli.run(['status'])
  expect(before.exitCode).toBe(0)
  const size = `${message(1).length} B`
  expect(before.stdout).toBe(
    `${ID}  not stored yet (1 entry, ${size})\n1 of 1 not stored yet (${size}): reprise push\n`,
  )
  const asked = await cli.run(['status', '--exit-code', '--json'])
  expect(asked.exitCode).toBe(6)
  expect(asked.result()).toMatchObject({sessions: [{sessionId: ID, state: 'unstored'}], allStored: false})
  await cli.run(['push'])
  const after = await cli.run(['status', '--exit-code'])
  expect([after.exitCode, after.stdout]).toEqual([0, `${ID}  stored\nEverything here is stored.\n`])
})
