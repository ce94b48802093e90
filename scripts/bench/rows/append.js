import {copyFileSync, mkdirSync} from 'node:fs'
import {dirname} from 'node:path'
import {KIB, median, MIB} from '../numbers.js'
import {operationsOf} from '../row.js'
import {growSession, makeSession, transcriptOf, uuidOf} from '../transcripts.js'

const ROUNDS = 5
const APPENDED = 10_000

/** @type {import('../row.js').Row} */
export const append = {
  name: 'append',
  title: '10 KB appended to a session of 50 MB',
  needs: ['push'],
  async run({server, newWorker}) {
    const worker = newWorker('append')
    const place = worker.place(uuidOf('append'))
    makeSession(place, 50 * MIB)
    await worker.reprise('push')
    const runs = []
    for (let round = 0; round < ROUNDS; round++) {
      growSession(place, APPENDED, `turn ${round}`)
      runs.push(await server.measure(() => worker.reprise('push')))
    }
    growSession(place, APPENDED, 'by id')
    const byId = await server.measure(() => worker.reprise('push', place.sessionId))
    const again = await server.measure(() => worker.reprise('push'))
    // What earlier runs found out is kept by config dir: another one with the same session begins anew.
    const stranger = newWorker('append')
    const copy = transcriptOf({...place, configDir: stranger.configDir})
    mkdirSync(dirname(copy))
    copyFileSync(transcriptOf(place), copy)
    const first = await server.measure(() => worker.reprise('push', '--config-dir', stranger.configDir))
    return [
      {
        what: 'requests of a push',
        value: median(runs.map(({traffic}) => traffic.requests)),
        unit: 'requests',
        atMost: 8,
        aim: 4,
        note: operationsOf(runs[0].traffic),
      },
      {
        what: 'sent by a push',
        value: median(runs.map(({traffic}) => traffic.bytesIn)) / KIB,
        unit: 'KiB',
        atMost: 32,
        aim: 16,
      },
      {what: 'time of a push', value: median(runs.map(({value}) => value.ms)), unit: 'ms'},
      {what: 'peak memory of a push', value: median(runs.map(({value}) => value.peakRss)) / MIB, unit: 'MiB'},
      {
        what: 'requests of a push that names the session',
        value: byId.traffic.requests,
        unit: 'requests',
        atMost: 8,
        note: operationsOf(byId.traffic),
      },
      {
        what: 'requests of a push with nothing new',
        value: again.traffic.requests,
        unit: 'requests',
        note: operationsOf(again.traffic),
      },
      {
        what: 'requests of a push with nothing new, from where none was made before',
        value: first.traffic.requests,
        unit: 'requests',
        note: operationsOf(first.traffic),
      },
    ]
  },
}
