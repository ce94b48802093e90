import {createHash} from 'node:crypto'
import {bucketOf, quoted, xmlAnswer, type Answer, type Call} from './call.js'
import {checkDirectoryListing, uploadFolders} from './directory-bucket.js'
import {invalidArgument, S3Error} from './errors.js'
import {byteOrder, type Bucket, type StoredObject} from './store.js'
import {listingEncode} from './uri.js'
import {xmlDocument, type XmlElement} from './xml.js'

const MAX_KEYS = 1000

/** One line of a listing: an object, or the keys below a common prefix rolled into one. */
interface Entry {
  readonly name: string
  readonly object?: StoredObject
}

interface Query {
  readonly prefix: string
  readonly delimiter: string
  /** Everything up to and with this name was listed already; below it too when it is a common prefix. */
  readonly after: string
  readonly maxKeys: number
}

export function listObjectsV2(call: Call): Answer {
  const {query} = call
  const token = query.get('continuation-token')
  const startAfter = query.get('start-after')
  const page = readPage(call, token === undefined ? (startAfter ?? '') : decodeToken(token))
  const encode = encoder(call)
  return xmlAnswer(
    xmlDocument('ListBucketResult', {
      Name: call.bucketName,
      Prefix: encode(query.get('prefix') ?? ''),
      ...optional('Delimiter', query.get('delimiter'), encode),
      ...optional('StartAfter', startAfter, encode),
      ...optional('EncodingType', query.get('encoding-type')),
      ...optional('ContinuationToken', token),
      KeyCount: page.entries.length,
      MaxKeys: page.maxKeys,
      IsTruncated: page.truncated,
      NextContinuationToken: page.truncated ? encodeToken(page.entries.at(-1)!.name) : undefined,
      ...renderEntries(page.entries, encode),
    }),
  )
}

export function listObjects(call: Call): Answer {
  const {query} = call
  const page = readPage(call, query.get('marker') ?? '')
  const encode = encoder(call)
  return xmlAnswer(
    xmlDocument('ListBucketResult', {
      Name: call.bucketName,
      Prefix: encode(query.get('prefix') ?? ''),
      Marker: encode(query.get('marker') ?? ''),
      ...optional('Delimiter', query.get('delimiter'), encode),
      ...optional('EncodingType', query.get('encoding-type')),
      MaxKeys: page.maxKeys,
      IsTruncated: page.truncated,
      NextMarker: page.truncated && query.has('delimiter') ? encode(page.entries.at(-1)!.name) : undefined,
      ...renderEntries(page.entries, encode),
    }),
  )
}

function readPage(call: Call, after: string): {entries: Entry[]; truncated: boolean; maxKeys: number} {
  checkDirectoryListing(call)
  const bucket = bucketOf(call)
  const text = call.query.get('max-keys')
  const wanted = text === undefined || text === '' ? MAX_KEYS : Number(text)
  if (!Number.isInteger(wanted) || wanted < 0) {
    throw invalidArgument('max-keys', text ?? '', 'Provided max-keys not an integer or within integer range')
  }
  const maxKeys = Math.min(wanted, MAX_KEYS)
  const query: Query = {
    prefix: call.query.get('prefix') ?? '',
    delimiter: call.query.get('delimiter') ?? '',
    after,
    maxKeys,
  }
  if (maxKeys === 0) return {entries: [], truncated: false, maxKeys}
  const entries = call.settings.directoryBucket ? unsortedPage(call, query) : sortedPage(bucket, query)
  return {entries: entries.slice(0, maxKeys), truncated: entries.length > maxKeys, maxKeys}
}

/** One more than `maxKeys`, so that the caller sees whether there is more. */
function sortedPage(bucket: Bucket, query: Query): Entry[] {
  const entries: Entry[] = []
  for (const entry of walk(bucket, query, query.after)) {
    entries.push(entry)
    if (entries.length > query.maxKeys) break
  }
  return entries
}

const place = (name: string): string => createHash('md5').update(name).digest('hex')

/** In an order that is stable over pages and has nothing to do with the keys. */
function unsortedPage(call: Call, query: Query): Entry[] {
  const listed = query.after === '' ? '' : place(query.after)
  const byName = new Map<string, Entry>()
  if (query.delimiter !== '') for (const name of uploadFolders(call, query.prefix)) byName.set(name, {name})
  for (const entry of walk(bucketOf(call), query, '')) byName.set(entry.name, entry)
  return [...byName.values()]
    .filter((entry) => place(entry.name) > listed)
    .toSorted((a, b) => (place(a.name) < place(b.name) ? -1 : 1))
    .slice(0, query.maxKeys + 1)
}

function* walk(bucket: Bucket, {prefix, delimiter}: Query, after: string): Generator<Entry> {
  const from = byteOrder(after) > byteOrder(prefix) ? after : prefix
  const walker = bucket.from(from)
  const listedPrefix = delimiter !== '' && after.endsWith(delimiter) && after.length > prefix.length ? after : undefined
  let step = walker.next()
  while (!step.done) {
    const object = step.value
    if (!object.key.startsWith(prefix)) return
    const cut = delimiter === '' ? -1 : object.key.indexOf(delimiter, prefix.length)
    if (cut === -1) {
      if (object.key !== after) yield {name: object.key, object}
      step = walker.next()
    } else {
      const name = object.key.slice(0, cut + delimiter.length)
      if (name !== listedPrefix) yield {name}
      // No UTF-8 byte is 0xff, so this is behind every key with that prefix.
      step = walker.next(`${byteOrder(name)}\u00ff`)
    }
  }
}

function renderEntries(entries: readonly Entry[], encode: (text: string) => string): XmlElement {
  return {
    Contents: entries.flatMap(({object}) =>
      object
        ? [
            {
              Key: encode(object.key),
              LastModified: new Date(object.modified).toISOString(),
              ETag: quoted(object.etag),
              ...(object.checksum
                ? {ChecksumAlgorithm: object.checksum.algorithm, ChecksumType: object.checksum.type}
                : {}),
              Size: object.size,
              StorageClass: object.headers['x-amz-storage-class'] ?? 'STANDARD',
            },
          ]
        : [],
    ),
    CommonPrefixes: entries.flatMap(({name, object}) => (object ? [] : [{Prefix: encode(name)}])),
  }
}

export function encoder(call: Call): (text: string) => string {
  const encoding = call.query.get('encoding-type')
  if (encoding !== undefined && encoding !== 'url') {
    throw invalidArgument('encoding-type', encoding, 'Invalid Encoding Method specified in Request')
  }
  return encoding === 'url' ? listingEncode : (text) => text
}

const optional = (name: string, value: string | undefined, encode = (text: string) => text): XmlElement =>
  value === undefined ? {} : {[name]: encode(value)}

const TOKEN_MARK = 'strict:'
const encodeToken = (name: string): string => Buffer.from(TOKEN_MARK + name).toString('base64')

function decodeToken(token: string): string {
  const text = Buffer.from(token, 'base64').toString('utf8')
  if (!text.startsWith(TOKEN_MARK)) {
    throw new S3Error(400, 'InvalidArgument', 'The continuation token provided is incorrect', {
      elements: {ArgumentName: 'continuation-token'},
    })
  }
  return text.slice(TOKEN_MARK.length)
}
