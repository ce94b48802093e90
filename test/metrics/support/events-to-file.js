// Loaded with `node --import`: writes what is published on reprise's channels to the file EVENTS_OUT.
import {appendFileSync} from 'node:fs'
import {subscribe} from 'node:diagnostics_channel'

for (const type of ['append', 'retry', 'fail', 'flush']) {
  subscribe(`reprise:${type}`, (event) => appendFileSync(process.env.EVENTS_OUT, `${JSON.stringify(event)}\n`))
}
