/** What came in since the last reset, in the order of the answers. */
export class RequestLog {
  #entries = []
  #inFlight = 0
  #maxConcurrent = 0
  #number = 0
  get entries() {
    return this.#entries
  }
  of(...operations) {
    return this.#entries.filter((entry) => entry.operation !== undefined && operations.includes(entry.operation))
  }
  count(...operations) {
    return operations.length === 0 ? this.#entries.length : this.of(...operations).length
  }
  stats() {
    const operations = {}
    const statuses = {}
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
  reset() {
    this.#entries = []
    this.#maxConcurrent = this.#inFlight
  }
  /** @returns the request's number */
  begin() {
    this.#inFlight++
    this.#maxConcurrent = Math.max(this.#maxConcurrent, this.#inFlight)
    return ++this.#number
  }
  end(entry) {
    this.#inFlight--
    this.#entries.push(entry)
  }
}
