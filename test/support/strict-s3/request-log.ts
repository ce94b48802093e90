import type {Operation} from './operations.js'

export interface LoggedRequest {
  readonly number: number
  readonly method: string
  /** Absent where the request made no sense. */
  readonly operation?: Operation
  readonly bucket: string
  readonly key: string
  /** LIST: the prefix asked for. */
  readonly prefix?: string
  /** 0 where the connection was cut before an answer. */
  readonly status: number
  /** S3's error code. */
  readonly error?: string
  /** Body bytes on the wire, framing included, headers not. */
  readonly bytesIn: number
  readonly bytesOut: number
  /** By the server's clock, when the request came in. */
  readonly at: number
  readonly ms: number
  readonly accessKeyId?: string
  /** Without Authorization and session token. */
  readonly headers?: Readonly<Record<string, string | string[] | undefined>>
}

export interface RequestStats {
  readonly requests: number
  readonly bytesIn: number
  readonly bytesOut: number
  /** Requests by operation. */
  readonly operations: Readonly<Partial<Record<Operation | 'Unknown', number>>>
  readonly statuses: Readonly<Record<string, number>>
  /** The most that were in flight at one time. */
  readonly maxConcurrent: number
}

/** What came in since the last reset, in the order of the answers. */
export class RequestLog {
  #entries: LoggedRequest[] = []
  #inFlight = 0
  #maxConcurrent = 0
  #number = 0

  get entries(): readonly LoggedRequest[] {
    return this.#entries
  }

  of(...operations: Operation[]): LoggedRequest[] {
    return this.#entries.filter((entry) => entry.operation !== undefined && operations.includes(entry.operation))
  }

  count(...operations: Operation[]): number {
    return operations.length === 0 ? this.#entries.length : this.of(...operations).length
  }

  stats(): RequestStats {
    const operations: Partial<Record<Operation | 'Unknown', number>> = {}
    const statuses: Record<string, number> = {}
    let bytesIn = 0
    let bytesOut = 0
    for (const entry of this.#entries) {
      const name = entry.operation ?? 'Unknown'
      operations[name] = (operations[name] ?? 0) + 1
      statuses[entry.status] = (statuses[entry.status] ?? 0) + 1
      bytesIn += entry.bytesIn
      bytesOut += entry.bytesOut
    }
    return {requests: this.#entries.length, bytesIn, bytesOut, operations, statuses, maxConcurrent: this.#maxConcurrent}
  }

  reset(): void {
    this.#entries = []
    this.#maxConcurrent = this.#inFlight
  }

  /** @returns the request's number */
  begin(): number {
    this.#inFlight++
    this.#maxConcurrent = Math.max(this.#maxConcurrent, this.#inFlight)
    return ++this.#number
  }

  end(entry: LoggedRequest): void {
    this.#inFlight--
    this.#entries.push(entry)
  }
}
