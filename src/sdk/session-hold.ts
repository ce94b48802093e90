import type {Clock} from '../base/clock.js'
import {hasCode, toRepriseError} from '../base/errors.js'
import type {Logger} from '../base/logger.js'
import type {Lease} from '../store/lease.js'

const RENEW_EVERY_MS = 20_000

/** The lease of one session with the means to give it back. */
export interface HeldLease extends Lease {
  release(): Promise<void>
}

export interface SessionHoldOptions {
  /** @throws LEASE_HELD, CONDITIONS_IGNORED */
  readonly acquire: () => Promise<HeldLease>
  /** Its sleeps must not keep a program alive that has nothing else to do. */
  readonly background: Clock
  readonly logger: Logger
}

/**
 * Holds a session's lease from the first write on and renews it. Once it is lost it stays lost: what this process goes on to say
 * belongs to a conversation that another worker has taken over.
 */
export class SessionHold {
  readonly #options: SessionHoldOptions
  readonly #ending = new AbortController()
  #acquired: Promise<HeldLease> | undefined
  #lost: unknown

  constructor(options: SessionHoldOptions) {
    this.#options = options
  }

  /** @throws LEASE_LOST, LEASE_HELD */
  async lease(): Promise<HeldLease> {
    if (this.#lost !== undefined) throw this.#lost
    this.#acquired ??= this.#acquire()
    return this.#acquired
  }

  /** What a call under the lease rejected with. */
  failed(error: unknown): void {
    if (hasCode(error, 'LEASE_LOST')) this.#lost ??= error
  }

  /** Why it is lost; undefined while it is not. */
  get lost(): unknown {
    return this.#lost
  }

  /** @param clean every request under it was answered; else it is left to expire. */
  async end(clean: boolean): Promise<void> {
    this.#ending.abort()
    const acquired = this.#acquired
    this.#acquired = undefined
    if (!acquired || !clean || this.#lost !== undefined) return
    await (await acquired).release()
  }

  async #acquire(): Promise<HeldLease> {
    try {
      const lease = await this.#options.acquire()
      void this.#renew(lease)
      return lease
    } catch (error) {
      this.#acquired = undefined
      throw error
    }
  }

  async #renew(lease: HeldLease): Promise<void> {
    const {signal} = this.#ending
    const {background, logger} = this.#options
    while (this.#lost === undefined) {
      await background.sleep(RENEW_EVERY_MS, signal).catch(() => undefined)
      if (signal.aborted) return
      await lease.renew().catch((error: unknown) => {
        this.failed(error)
        logger.warn('renewing a lease failed', {code: toRepriseError(error).code})
      })
    }
  }
}
