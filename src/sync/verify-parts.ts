import pMap from 'p-map'
import {chainDigits} from '../store/names.js'
import {isMetadataPart, isRanged, type RangedPart} from '../store/part.js'
import type {Parts} from '../store/parts.js'
import type {TranscriptView} from '../store/view.js'
import {findLostMetadata} from './lost-metadata.js'
import type {VerifyFindings} from './verify-findings.js'

const HEADS_AT_ONCE = 8
/** Read to tell a part whose metadata got lost from another writer's, where content is not read anyway. */
const MOST_READ = 64 * 1024 * 1024

/** What the names and the metadata of a transcript's parts say about one another. */
export async function verifyParts(
  view: TranscriptView,
  parts: Parts,
  findings: VerifyFindings,
  readData: boolean,
): Promise<void> {
  for (const part of view.parts) if (isRanged(part) && !isMetadataPart(part)) verifyName(part, findings)
  const {loose, forks} = view.resolution
  const contradicted = await verifyClaims(view, parts, findings)
  const lost = loose.length === 0 ? undefined : await findLostMetadata(view, parts, readData ? undefined : MOST_READ)
  for (const {key} of lost?.parts ?? []) {
    const message = 'its metadata got lost, as a copy of a bucket does: its lines are read, and nothing of it is fenced'
    findings.add({code: 'metadata-lost', severity: 'warning', key, message})
  }
  // What joins a part that is there is told of no second time.
  const full = view.parts.filter(isRanged).filter(({size}) => size > 0)
  const ends = new Set([...full.map(({range}) => range.after), ...(lost?.ends ?? [])])
  for (const part of forks) {
    const {from, before} = part.range
    if (view.resolution.links.has(part.name)) {
      const message = 'stands beside the chain: two wrote at once, and readers are given the lines of both'
      findings.add({code: 'forked-parts', severity: 'warning', key: part.key, message})
    } else if (from > 0 && !ends.has(before)) {
      const message = `begins at byte ${from} of the transcript, and nothing that is stored leads there: a part is missing`
      findings.add({code: 'range-gap', severity: 'damaged', key: part.key, message})
    }
  }
  const others = loose.filter((part) => !contradicted.has(part.key) && lost?.parts.includes(part) !== true)
  if (view.resolution.end && others[0]) {
    const message = 'another program wrote beside the chain; its lines are given where its name sorts'
    for (const {key} of others) findings.add({code: 'loose-parts', severity: 'warning', key, message})
  }
}

function verifyName({key, parsed, range}: RangedPart, findings: VerifyFindings): void {
  if (parsed?.digits === chainDigits(range.after, range.from)) return
  const message = 'its name is not the one that what it says of itself leads to: name or metadata was changed'
  findings.add({code: 'name-mismatch', severity: 'damaged', key, message})
}

/** Metadata of ours that is not believed, since it contradicts its object. */
async function verifyClaims(
  {resolution}: TranscriptView,
  {store}: Parts,
  findings: VerifyFindings,
): Promise<ReadonlySet<string>> {
  const heads = await pMap(resolution.loose, async ({key}) => store.head(key), {concurrency: HEADS_AT_ONCE})
  const claiming = heads.flatMap((head) => (head?.metadata['reprise'] === undefined ? [] : [head]))
  for (const {key, size} of claiming) {
    const message = `has ${size} bytes, which is not what its metadata says: it was cut short, or replaced`
    findings.add({code: 'metadata-contradicts', severity: 'damaged', key, message})
  }
  return new Set(claiming.map(({key}) => key))
}
