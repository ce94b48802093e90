import {KIB} from '../numbers.js'
import {operationsOf} from '../row.js'
import {growSession, makeSession, uuidOf} from '../transcripts.js'

const PARTS = [1, 8, 32]
const NEW_SESSIONS = [1, 10, 50]

/** @type {import('../row.js').Row} */
export const growth = {
  name: 'growth',
  title: 'how requests grow with parts, new sessions and project keys',
  needs: ['push', 'pull'],
  async run({server, newWorker}) {
    /** @type {import('../row.js').Figure[]} */
    const figures = []
    const ofParts = newWorker('growth/parts')
    const place = ofParts.place(uuidOf('growth'))
    makeSession(place, 20_000)
    await ofParts.reprise('push')
    let parts = 1
    for (const wanted of PARTS) {
      for (; parts < wanted; parts++) {
        growSession(place, 2_000, `part ${parts}`)
        await ofParts.reprise('push')
      }
      const puller = newWorker('growth/parts')
      figures.push(await requests(`pull of a session of ${wanted} parts`, () => puller.reprise('pull', '--all')))
      puller.remove()
    }
    growSession(place, 2_000, 'last')
    figures.push(await requests(`push to a session of ${parts} parts`, () => ofParts.reprise('push')))

    for (const [at, count] of NEW_SESSIONS.entries()) {
      const ofSessions = newWorker(`growth/sessions-${at}`)
      for (let each = 0; each < count; each++) makeSession(ofSessions.place(uuidOf(`new ${at} ${each}`)), 5_000)
      figures.push(await requests(`first push of ${count} sessions`, () => ofSessions.reprise('push', '--all')))
      if (at > 0) continue
      for (let each = 0; each < 20; each++) {
        makeSession(ofSessions.place(uuidOf(`key ${each}`), `-other-project-${each}`), 5_000)
      }
      await ofSessions.reprise('push', '--all')
      makeSession(ofSessions.place(uuidOf('new again')), 5_000)
      figures.push(
        await requests('first push of 1 session to a store of 21 project keys', () => ofSessions.reprise('push')),
      )
    }
    return figures

    /**
     * @param {string} what
     * @param {() => Promise<unknown>} work
     * @returns {Promise<import('../row.js').Figure>}
     */
    async function requests(what, work) {
      const {traffic} = await server.measure(work)
      const {bytesIn, bytesOut} = traffic
      const moved = `${((bytesIn + bytesOut) / KIB).toFixed(0)} KiB`
      return {what, value: traffic.requests, unit: 'requests', note: `${moved} · ${operationsOf(traffic)}`}
    }
  },
}
