import {createHash} from 'node:crypto'
import type {Readable} from 'node:stream'
import type * as S3 from '@aws-sdk/client-s3'
import {hasCode} from '../../base/errors.js'
import {storeError} from '../errors.js'
import {checkKey} from '../key.js'
import {checkMetadata} from '../metadata.js'
import {
  bodySize,
  type DeleteResult,
  type GetOptions,
  type JoinOptions,
  type JoinSource,
  type ListOptions,
  type ListPage,
  type ObjectBody,
  type ObjectContent,
  type ObjectHead,
  type ObjectStore,
  type PutOptions,
  type PutResult,
  type RequestOptions,
  type StoreTraits,
} from '../object-store.js'
import {ByteBudget} from '../../base/byte-budget.js'
import {S3Connection} from './connection.js'
import {copyObject} from './copy-object.js'
import {deleteObjects} from './delete-objects.js'
import {isDirectoryBucket} from './directory-bucket.js'
import {gather} from './gather.js'
import {findLanded, headObject, objectHead} from './head-object.js'
import {joinObjects} from './join-objects.js'
import {listDirectories} from './list-directories.js'
import {listObjects} from './list-objects.js'
import {bufferedByUpload, putInParts} from './put-in-parts.js'
import {DEFAULT_LIMITS, type S3StoreOptions} from './options.js'
import {expectedChecksum, readBody} from './read-body.js'
import type {Uploader} from './upload.js'
import {bareEtag, conditionParams, objectParams, quoted} from './write-params.js'

/**
 * Opens a bucket. Sends nothing yet: a missing bucket or wrong credentials show at the first call. Loads the AWS SDK.
 *
 * @throws ENDPOINT_REFUSED, REGION_MISSING (usage)
 */
export async function openS3ObjectStore(options: S3StoreOptions): Promise<S3ObjectStore> {
  const prefix = (options.prefix ?? '').replace(/\/$/, '')
  const url = `s3://${options.bucket}${prefix === '' ? '' : `/${prefix}`}`
  return new S3ObjectStore(await S3Connection.open(options, url), options)
}

/**
 * A bucket of S3 or of a server that speaks like it.
 *
 * Every put carries a checksum that the store verifies: SHA-256 up to `limits.singlePut`, CRC-32 of each part and of the
 * whole above. A put that is sent again and meets a failed condition is looked at before it counts as refused: equal bytes and
 * metadata mean that an earlier try had landed. So what two writers must not both believe to have written has to name its
 * writer.
 */
export class S3ObjectStore implements ObjectStore {
  readonly url: string
  readonly traits: StoreTraits
  readonly #connection: S3Connection
  readonly #uploader: Uploader

  constructor(connection: S3Connection, options: S3StoreOptions) {
    this.url = connection.url
    this.traits = {sortedListing: !isDirectoryBucket(options.bucket)}
    this.#connection = connection
    const limits = {...DEFAULT_LIMITS, ...options.limits}
    this.#uploader = {connection, options, limits, budget: new ByteBudget(limits.buffered)}
  }

  async *list(options: ListOptions): AsyncIterable<ListPage> {
    if (this.traits.sortedListing) {
      yield* listObjects(this.#connection, options)
    } else {
      yield* listDirectories(this.#connection, options)
    }
  }

  async head(key: string, options: RequestOptions = {}): Promise<ObjectHead | undefined> {
    checkKey(key)
    const output = await headObject(this.#connection, key, {signal: options.signal})
    return output && objectHead(this.#connection, key, output)
  }

  async get(key: string, options: GetOptions = {}): Promise<ObjectContent> {
    checkKey(key)
    const {range, ifMatch, signal} = options
    if (range?.end !== undefined && range.end <= range.start) {
      throw storeError('RANGE_INVALID', `The range asked of '${key}' in ${this.url} is empty.`)
    }
    const {sdk, target} = this.#connection
    const call = {operation: 'GetObject', key, signal}
    const IfMatch = ifMatch === undefined ? undefined : quoted(ifMatch)
    const Range = range && `bytes=${range.start}-${lastByte(range.end)}`
    const output = await this.#connection.call(call, async (client, request) => {
      const lean = await this.#connection.gets.get(client, key, {
        ...request,
        ...(Range !== undefined && {range: Range}),
        ...(IfMatch !== undefined && {ifMatch: IfMatch}),
      })
      if (lean) return {...lean, expected: Range === undefined ? expectedChecksum(lean) : undefined}
      const sent = await client.send(
        new sdk.GetObjectCommand({
          ...target,
          Key: key,
          ...(IfMatch !== undefined && {IfMatch}),
          // Some servers send the whole object's checksum with a range.
          ...(Range === undefined ? {ChecksumMode: 'ENABLED'} : {Range}),
        }),
        request,
      )
      // The SDK looks at the checksum by itself.
      return {...sent, expected: undefined}
    })
    const sent = output.ContentLength ?? 0
    const size = totalSize(output) ?? sent
    const isPart = output.ContentRange !== undefined
    const wanted = Math.min(range?.end ?? size, size) - (range?.start ?? 0)
    const body = output.Body as Readable
    if (wanted < 0 || (wanted === 0 && range !== undefined)) {
      body.destroy()
      throw storeError('RANGE_INVALID', `Object '${key}' in ${this.url} has no bytes in the range asked for.`)
    }
    return {
      ...objectHead(this.#connection, key, {...output, ContentLength: size}),
      ...(range === undefined ? wholeSha256(output) : {}),
      body: readBody(body, {
        size: wanted,
        skip: isPart ? 0 : (range?.start ?? 0),
        what: `'${key}' in ${this.url}`,
        signal,
        expected: output.expected,
        translate: (error) => this.#connection.toStoreError(error, call),
      }),
    }
  }

  async put(key: string, body: ObjectBody, options: PutOptions): Promise<PutResult> {
    options.signal?.throwIfAborted()
    checkKey(key)
    checkMetadata(options.metadata)
    const size = bodySize(body)
    const {limits, budget} = this.#uploader
    const inParts = size > Math.max(limits.singlePut, limits.part)
    if (body instanceof Uint8Array) {
      return inParts ? putInParts(this.#uploader, key, body, options) : this.#putBytes(key, body, options)
    }
    return budget.hold(inParts ? bufferedByUpload(size, limits) : size, options.signal, async () =>
      inParts
        ? putInParts(this.#uploader, key, body, options)
        : this.#putBytes(key, await gather(key, body, options.signal), options),
    )
  }

  async copy(source: string, target: string, options: PutOptions): Promise<PutResult> {
    options.signal?.throwIfAborted()
    checkKey(source)
    checkKey(target)
    checkMetadata(options.metadata)
    return copyObject(this, this.#uploader, source, target, options)
  }

  async join(sources: readonly JoinSource[], target: string, options: JoinOptions): Promise<PutResult> {
    options.signal?.throwIfAborted()
    for (const {key} of sources) checkKey(key)
    checkKey(target)
    checkMetadata(options.metadata)
    return joinObjects(this, this.#uploader, sources, target, options)
  }

  /** The date is 0 when there was nothing to ask the store. */
  async delete(keys: readonly string[], options: RequestOptions = {}): Promise<DeleteResult> {
    options.signal?.throwIfAborted()
    return deleteObjects(this.#connection, keys, options.signal)
  }

  async close(): Promise<void> {
    this.#connection.close()
  }

  async #putBytes(key: string, bytes: Uint8Array, options: PutOptions): Promise<PutResult> {
    const {sdk, target} = this.#connection
    const {mode, signal} = options
    const sha256 = createHash('sha256').update(bytes).digest('base64')
    try {
      const output = await this.#connection.call({operation: 'PutObject', key, mode, signal}, (client, request) =>
        client.send(
          new sdk.PutObjectCommand({
            ...target,
            ...objectParams(this.#uploader.options, options),
            ...conditionParams(mode),
            Key: key,
            Body: bytes,
            ContentLength: bytes.byteLength,
            ChecksumSHA256: sha256,
          }),
          request,
        ),
      )
      return {etag: bareEtag(output.ETag), date: this.#connection.dateOf(output)}
    } catch (error) {
      const isUndecided = options.retried === true && hasCode(error, 'OBJECT_EXISTS', 'OBJECT_CHANGED')
      const ours = isUndecided
        ? await findLanded(this.#connection, key, options, (head) => head.ChecksumSHA256 === sha256)
        : undefined
      if (ours === undefined) throw error
      return {etag: bareEtag(ours.ETag), date: this.#connection.dateOf(ours)}
    }
  }
}

function lastByte(end: number | undefined): string {
  return end === undefined ? '' : String(end - 1)
}

/** Of a range: what stands after the slash of `bytes 0-9/100`. */
function totalSize({ContentRange}: Pick<S3.GetObjectCommandOutput, 'ContentRange'>): number | undefined {
  const total = /\/(\d+)$/.exec(ContentRange ?? '')?.[1]
  return total === undefined ? undefined : Number(total)
}

/** A checksum of checksums (`…-3`, or said to be composite) says nothing about the whole. */
function wholeSha256({
  ChecksumSHA256,
  ChecksumType,
}: Pick<S3.GetObjectCommandOutput, 'ChecksumSHA256' | 'ChecksumType'>): {sha256?: string} {
  if (ChecksumSHA256 === undefined || ChecksumType === 'COMPOSITE') return {}
  const digest = Buffer.from(ChecksumSHA256, 'base64')
  return ChecksumSHA256.includes('-') || digest.byteLength !== 32 ? {} : {sha256: digest.toString('hex')}
}
