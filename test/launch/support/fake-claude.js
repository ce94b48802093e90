#!/usr/bin/env node
// Stands for claude where only signals and exit codes matter: it writes down each signal that reaches it.
//   fake-claude.js LOG [die-on SIGNAL | ignore | exit CODE | say FILE]
import {appendFileSync, createReadStream} from 'node:fs'

const [log = '', verb = '', value = ''] = process.argv.slice(2)
if (verb === 'exit') process.exit(Number(value))
if (verb === 'say') {
  createReadStream(value).pipe(process.stdout)
} else {
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
    process.on(signal, () => {
      appendFileSync(log, `${signal}\n`)
      if (verb === 'die-on' && signal === value) setTimeout(() => process.exit(7), 300)
    })
  }
  setInterval(() => {}, 1000)
  appendFileSync(log, `ready ${process.pid}\n`)
}
