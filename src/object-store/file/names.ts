import {createHash} from 'node:crypto'
import {join} from 'node:path'
import {storeError} from '../errors.js'
import {checkKey} from '../key.js'

/** Our own files under a root; no key may lie in the first two. */
export const TEMP_FOLDER = '.reprise/tmp'
export const META_FOLDER = '.reprise/meta'

/** Ends the name of the folder that holds an object's later versions. No segment of a key maps to such a name. */
export const VERSIONS_SUFFIX = '%v'

/** File systems take 255 bytes; the longest suffix of ours takes two of them. */
const SEGMENT_LIMIT = 253
/** `.`, 64 hex digits, `.`, an id and `.json` follow a stem. */
const STEM_LIMIT = 160

/** Where an object lies on disk. All paths are relative to the root. */
export interface ObjectNames {
  readonly key: string
  readonly folder: string
  /** The object as it was created. */
  readonly path: string
  /** Its later versions, each named by its number. */
  readonly versions: string
}

/** @throws KEY_INVALID for a key that this store cannot hold. */
export function namesOf(key: string): ObjectNames {
  checkKey(key)
  if (isInternal(key)) throw storeError('KEY_INVALID', `Key '${key}' lies in the file store's own folders.`)
  const segments = key.split('/').map((segment) => encodeSegment(segment, key))
  const path = segments.join('/')
  return {key, path, folder: segments.slice(0, -1).join('/'), versions: path + VERSIONS_SUFFIX}
}

/** The names of a key whose file was met on the disk. */
export function namesIn(folder: string, key: string, name: string): ObjectNames {
  const path = folder === '' ? name : `${folder}/${name}`
  return {key, path, folder, versions: path + VERSIONS_SUFFIX}
}

export function isInternal(key: string): boolean {
  return `${key}/`.startsWith(`${TEMP_FOLDER}/`) || `${key}/`.startsWith(`${META_FOLDER}/`)
}

/** The folder in which all keys lie that begin with `prefix` (which ends in `/` or is empty); undefined when none can. */
export function folderOf(prefix: string): string | undefined {
  if (prefix === '') return ''
  const segments = prefix.slice(0, -1).split('/')
  const names = segments.map(encode)
  return names.some((name) => name.length > SEGMENT_LIMIT) || prefix.includes('\0') ? undefined : names.join('/')
}

/** A file's name as the segment of a key; undefined for what is not ours to list. */
export function decodeSegment(name: string): string | undefined {
  if (name === '%-') return ''
  if (!name.includes('%')) return encode(name) === name ? name : undefined
  const bytes: number[] = []
  for (let index = 0; index < name.length; index++) {
    const hex = name[index] === '%' ? name.slice(index + 1, index + 3) : undefined
    if (hex === undefined) bytes.push(name.charCodeAt(index))
    else if (/^[0-9A-F]{2}$/.test(hex)) {
      bytes.push(Number.parseInt(hex, 16))
      index += 2
    } else return undefined
  }
  const segment = Buffer.from(bytes).toString()
  return encode(segment) === name ? segment : undefined
}

/** Begins the names of the metadata files of one version of an object. */
export interface MetaNames {
  readonly folder: string
  readonly stem: string
}

/** @param version 1 for the object as it was created. */
export function metaNamesOf(names: ObjectNames, version: number): MetaNames {
  if (version > 1) return {folder: join(META_FOLDER, names.versions), stem: String(version)}
  const name = names.path.slice(names.folder === '' ? 0 : names.folder.length + 1)
  // Not `join`: a listing comes by here for each object.
  return {folder: names.folder === '' ? META_FOLDER : `${META_FOLDER}/${names.folder}`, stem: metaStem(name)}
}

export function metaStem(name: string): string {
  return name.length <= STEM_LIMIT ? name : `%h${createHash('sha256').update(name).digest('hex')}`
}

function encodeSegment(segment: string, key: string): string {
  const name = encode(segment)
  if (name.length <= SEGMENT_LIMIT) return name
  throw storeError(
    'KEY_INVALID',
    `Key '${key}' has a segment of ${name.length} bytes; a file store takes ${SEGMENT_LIMIT}.`,
    {
      suggestions: [
        'Use a shorter name between two slashes; characters beyond ASCII take three bytes for each of theirs.',
      ],
    },
  )
}

/**
 * Plain ASCII maps to itself. Everything else is escaped, so that file systems that fold Unicode forms keep keys apart;
 * so are names that mean something to the file system (`.nfs…` is what NFS calls files that were deleted while open).
 */
function encode(segment: string): string {
  if (segment === '') return '%-'
  const escaped = PLAIN.test(segment)
    ? segment
    : [...Buffer.from(segment)].map((byte) => (isPlain(byte) ? String.fromCharCode(byte) : hex(byte))).join('')
  if (escaped === '..') return '%2E%2E'
  return escaped === '.' || escaped.startsWith('.nfs') ? `%2E${escaped.slice(1)}` : escaped
}

/** As {@link isPlain}, for the common segment as a whole. */
const PLAIN = /^[\x20-\x24\x26-\x2e\x30-\x5b\x5d-\x7e]+$/

function isPlain(byte: number): boolean {
  return byte >= 0x20 && byte < 0x7f && byte !== 0x25 && byte !== 0x5c && byte !== 0x2f
}

function hex(byte: number): string {
  return `%${byte.toString(16).toUpperCase().padStart(2, '0')}`
}
