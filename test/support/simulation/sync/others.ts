import {leaseKeyOf, sessionPrefix} from '../../../../src/store/names.js'
import {Parts} from '../../../../src/store/parts.js'
import {appendPoint, appendUnleased} from '../../../../src/store/unleased.js'
import {deliveredBytes} from '../../../../src/store/bytes.js'
import {viewTranscript} from '../../../../src/store/view.js'
import {encode} from '../lines.js'
import {codeOf} from '../network.js'
import {digestOf} from '../world.js'
import {linesOf} from './checks.js'
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
  const {network, lines, rng, ledger, random} = world
  const ref = await world.ref()
  if (!ref) return
  const line = lines.fresh(rng.chance(0.25))
  const digits = Buffer.from(random.bytes(3)).toString('hex')
  const key = `${sessionPrefix(ref)}part-${Math.floor(network.now) - rng.int(0, 60_000)}-${digits}.jsonl`
  await network.memory.put(key, Buffer.from(line), {mode: {type: 'create'}})
  network.changes++
  ledger.acknowledge([keyOf(line)])
  world.count('foreign')
  network.say('reference adapter writes', key, line.trim())
}

export async function lose(world: SyncWorld, options: SyncOptions): Promise<void> {
  const {network, rng, ledger} = world
  const ref = await world.ref()
  if (!ref) return
  if (options.loseLeaseRecord && !network.leaseLost && ledger.acked.size > 0) {
    await network.loseLease(leaseKeyOf(SESSION))
  } else if (options.loseMetadata) {
    const keys: string[] = []
    for await (const page of network.memory.list({prefix: sessionPrefix(ref)})) {
      keys.push(...page.objects.map((object) => object.key))
    }
    if (keys.length === 0) return
    const key = rng.pick(keys)
    const {body} = await network.memory.get(key)
    const chunks: Uint8Array[] = []
    for await (const chunk of body) chunks.push(chunk)
    await network.memory.put(key, Buffer.concat(chunks), {mode: {type: 'overwrite'}})
    network.changes++
    ledger.metadataLost = true
    world.count('metadata lost')
    network.say('metadata lost', key)
  }
}
