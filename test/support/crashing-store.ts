import {type ChangedOptions, type DecoratedCall, ObjectStoreDecorator} from '../../src/object-store/decorator.js'
import type {ObjectStore} from '../../src/object-store/object-store.js'

export class Crash extends Error {}

/** A store that a process dies in: at its nth call, before it or after it landed; every later call finds the process dead. */
export class CrashingStore extends ObjectStoreDecorator {
  readonly #when: 'before' | 'after'
  #left: number
  calls = 0

  constructor(inner: ObjectStore, left: number, when: 'before' | 'after') {
    super(inner)
    this.#left = left
    this.#when = when
  }

  override async close(): Promise<void> {}

  protected override async around<T>(_call: DecoratedCall, run: (changed: ChangedOptions) => Promise<T>): Promise<T> {
    this.calls++
    if (this.#left < 0) throw new Crash('dead already')
    if (this.#left-- > 0) return run({})
    if (this.#when === 'after') await run({})
    throw new Crash(`died ${this.#when} call ${this.calls}`)
  }
}
