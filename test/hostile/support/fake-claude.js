#!/usr/bin/env node
// Stands for claude where a conversation only has to grow: it appends a line each 150 ms to the transcript that it was told
// to begin (a fork as well) or to resume, until a file appears.
//   FAKE_STOP: the file; where it is there from the start, nothing is written. Without it: three lines.
//   FAKE_SAYS: what each line says.
import {appendFileSync, existsSync, mkdirSync} from 'node:fs'
import {dirname, join} from 'node:path'

const argv = process.argv.slice(2)
if (argv.includes('--version')) {
  console.log('2.1.329 (Claude Code)')
  process.exit(0)
}
const flag = argv.includes('--session-id') ? '--session-id' : '--resume'
const id = argv[argv.indexOf(flag) + 1] ?? ''
const key = process.cwd().replaceAll(/[^A-Za-z0-9]/g, '-')
const config = process.env.CLAUDE_CONFIG_DIR ?? join(process.env.HOME ?? '', '.claude')
const path = join(config, 'projects', key, `${id}.jsonl`)
const stop = process.env.FAKE_STOP
mkdirSync(dirname(path), {recursive: true})
for (let index = 0; stop === undefined ? index < 3 : !existsSync(stop); index++) {
  appendFileSync(
    path,
    `${JSON.stringify({type: 'user', uuid: `${process.pid}-${index}`, message: {role: 'user', content: process.env.FAKE_SAYS ?? 'said'}})}\n`,
  )
  await new Promise((resolve) => setTimeout(resolve, 150))
}
