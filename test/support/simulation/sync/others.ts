import {leaseKeyOf, sessionPrefix} from '../../../../src/store/names.js'
import {Parts} from '../../../../src/store/parts.js'
import {appendPoint, appendUnleased} from '../../../../src/store/unleased.js'
import {deliveredBytes} from '../../../../src/store/bytes.js'
import {viewTranscript} from '../../../../src/store/view.js'
import {loseMetadata, writeForeign} from '../accidents.js'
import {linesOf} from '../collect.js'
import {encode} from '../lines.js'
import {codeOf} from '../network.js'
import {digestOf} from '../world.js'
import {keyOf} from './local-copy.js'
import {SESSION, type SyncOptions, type SyncWorld} from './world.js'

/** An SDK adapter without a lease: it appends where the chain ends, whoever holds the session. Its requests travel. */
export function adapterWrite(world: SyncWorld): void {
  const {network, lines, rng, ledger, random} = world
  const client = world.client(`a${world.id()}`)
  const parts = new Parts(client)
  const line = lines.fresh(rng.chance(0.25))
  const write = async (): Promise<void> => {
    const ref = await world.ref()
    const view = ref && (await viewTranscript(parts, ref))
    const point = view && appendPoint(view)
    if (!view || !point || point.length === 0) return
    const whole = encode([...(await linesOf(deliveredBytes(view.delivery, parts))), line])
    const tail = {to: whole.length, after: digestOf(whole), entries: 1, body: encode([line])}
    const context = {parts, clock: client.clock(0), random, machine: client.name}
    network.say(client.name, 'appends', line.trim())
    await appendUnleased(context, view.ref, point, tail)
    ledger.acknowledge([keyOf(line)])
    world.count('adapter appends')
  }
  write().catch((error: unknown) => network.say(client.name, 'meets', codeOf(error)))
}

/** A writer of the reference layout: loose parts. */
export async function foreignWrite(world: SyncWorld): Promise<void> {
  const ref = await world.ref()
  if (!ref) return
  world.ledger.acknowledge([keyOf(await writeForeign(world, sessionPrefix(ref)))])
  world.count('foreign')
}

export async function lose(world: SyncWorld, options: SyncOptions): Promise<void> {
  const {network, ledger} = world
  const ref = await world.ref()
  if (!ref) return
  if (options.loseLeaseRecord && !network.leaseLost && ledger.acked.size > 0) {
    await network.loseLease(leaseKeyOf(SESSION))
  } else if (options.loseMetadata && (await loseMetadata(world, sessionPrefix(ref)))) {
    ledger.metadataLost = true
    world.count('metadata lost')
  }
}
