import type {ChecksumAlgorithm, ChecksumType} from './checksums.js'

export interface UploadedPart {
  readonly number: number
  readonly chunks: readonly Buffer[]
  readonly size: number
  readonly etag: string
  readonly modified: number
  /** Of this part alone, by the upload's algorithm. */
  readonly digest?: Buffer
}

export interface MultipartUpload {
  readonly id: string
  readonly key: string
  readonly initiated: number
  readonly metadata: Readonly<Record<string, string>>
  readonly headers: Readonly<Record<string, string>>
  readonly checksum?: {readonly algorithm: ChecksumAlgorithm; readonly type: ChecksumType}
  readonly parts: Map<number, UploadedPart>
}
