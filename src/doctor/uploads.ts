import type {S3Connection} from '../object-store/s3/connection.js'
import type {Found} from './finding.js'
import type {DoctorCheck} from './patient.js'

/** Multipart uploads that nobody completed: S3 charges for them, and no listing shows them. */
export interface Uploads {
  list(): Promise<readonly Upload[]>
  abort(upload: Upload): Promise<void>
}

export interface Upload {
  readonly key: string
  readonly uploadId: string
  /** ms since the epoch. */
  readonly initiated: number
}

const DAY_MS = 24 * 3_600_000

export const uploadsCheck: DoctorCheck = {
  name: 'uploads',
  needsStore: true,
  async look({uploads, sync, survey}) {
    if (!uploads) return []
    const {date} = await survey.below('.reprise/probe/')
    const stale = (await uploads.list()).filter(({initiated}) => initiated < date - DAY_MS)
    return stale.map((upload): Found => ({
      code: 'upload-stale',
      severity: 'warning',
      subject: upload.key,
      what: 'an upload was begun more than a day ago and never completed',
      means: `what was sent of it is paid for in ${sync.store.url}; nothing reads it`,
      mend: 'reprise doctor --fix',
      fix: async () => {
        await uploads.abort(upload)
        return 'removed'
      },
    }))
  },
}

/** Those below a prefix of a bucket. */
export class BucketUploads implements Uploads {
  readonly #connection: S3Connection
  readonly #prefix: string

  constructor(connection: S3Connection, prefix: string) {
    this.#connection = connection
    this.#prefix = prefix
  }

  async list(): Promise<readonly Upload[]> {
    const {sdk, target} = this.#connection
    const found: Upload[] = []
    let markers: {KeyMarker?: string; UploadIdMarker?: string} = {}
    for (;;) {
      const input = {...target, Prefix: this.#prefix, ...markers}
      const page = await this.#connection.call({operation: 'list', prefix: this.#prefix}, async (client, options) =>
        client.send(new sdk.ListMultipartUploadsCommand(input), options),
      )
      for (const {Key, UploadId, Initiated} of page.Uploads ?? []) {
        if (Key !== undefined && UploadId !== undefined && Initiated)
          found.push({key: Key, uploadId: UploadId, initiated: Initiated.getTime()})
      }
      if (page.IsTruncated !== true || page.NextKeyMarker === undefined) return found
      markers = {
        KeyMarker: page.NextKeyMarker,
        ...(page.NextUploadIdMarker !== undefined && {UploadIdMarker: page.NextUploadIdMarker}),
      }
    }
  }

  async abort({key, uploadId}: Upload): Promise<void> {
    const {sdk, target} = this.#connection
    await this.#connection.call({operation: 'delete', key}, async (client, options) =>
      client.send(new sdk.AbortMultipartUploadCommand({...target, Key: key, UploadId: uploadId}), options),
    )
  }
}
