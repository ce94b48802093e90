import {entryIdentity, parseObject} from '../transcript/entry-identity.js'
import {type Line, readLines} from '../transcript/lines.js'
import type {PartSource} from './chain.js'
import type {Segment} from './interleave.js'
import {isRanged, type ListedPart, type RangedPart} from './part.js'

export interface OffLine {
  readonly start: number
  readonly length: number
  readonly key: string
  readonly hasUuid: boolean
  readonly torn: boolean
  /** Blank lines and `agent_metadata` are none: they are not given, but count where runs are compared. */
  readonly isEntry: boolean
}

/** A part beside the path, read. */
export interface OffPart {
  readonly part: ListedPart
  readonly range?: RangedPart['range']
  readonly lines: readonly OffLine[]
  /** Indexes of its lines that repeat a run of the path, of a fork whose key sorts before, or of a part that a rebase took in. */
  readonly repeats: Set<number>
}

export type Fork = OffPart & {readonly range: RangedPart['range']}

export function isFork(part: OffPart): part is Fork {
  return part.range !== undefined
}

/** Also the `agent_metadata` entries in it, which are no lines of the transcript. */
export async function readOff(part: ListedPart, source: PartSource): Promise<OffPart & {readonly metadata: Segment[]}> {
  const metadata: Segment[] = []
  const lines: OffLine[] = []
  for await (const line of readLines(source.read(part, 0, part.size), {onTooLong: 'report'})) {
    const isMetadata = isMetadataEntry(line)
    if (isMetadata) metadata.push(segmentOf(part, line.offset, line.length, line.state === 'torn'))
    lines.push(offLine(line, !isMetadata && !isBlank(line)))
  }
  return {part, ...(isRanged(part) && {range: part.range}), lines, repeats: new Set(), metadata}
}

export function segmentOf(part: ListedPart, start: number, length: number, torn: boolean): Segment {
  return {part, start, end: start + length, ...(torn && {unterminated: true as const})}
}

function offLine(line: Line, isEntry: boolean): OffLine {
  const {key, uuid} =
    line.state === 'too-long'
      ? {key: `place:${line.offset}:${line.length}`, uuid: undefined}
      : entryIdentity(line.bytes)
  return {
    start: line.offset,
    length: line.length,
    key,
    hasUuid: uuid !== undefined,
    torn: line.state === 'torn',
    isEntry,
  }
}

function isBlank({bytes, state}: Line): boolean {
  return state !== 'too-long' && bytes.every((byte) => byte === 0x0a || byte === 0x0d || byte === 0x20 || byte === 0x09)
}

/** How the Agent SDK mirrors a subagent's `agent-*.meta.json`. */
function isMetadataEntry({bytes}: Pick<Line, 'bytes'>): boolean {
  if (
    bytes.length > 1_000_000 ||
    !Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).includes('"agent_metadata"')
  ) {
    return false
  }
  return parseObject(bytes)?.['type'] === 'agent_metadata'
}
