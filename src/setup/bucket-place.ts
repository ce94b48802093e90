import {isDirectoryBucket} from '../object-store/s3/directory-bucket.js'
import {NEW_BUCKET, planBucket, type WantedBucket} from './bucket.js'
import type {BucketControl} from './bucket-control.js'
import {unchecked} from './check.js'
import {type Place, type Planned, planned, settled, vital} from './place.js'
import {partitionOf} from './policy-document.js'

export interface BucketPlaceOptions extends Pick<WantedBucket, 'prefix' | 'kmsKeyId'> {
  readonly control: BucketControl
}

/** A bucket of S3, or of a server that speaks like it. */
export class BucketPlace implements Place {
  readonly #options: BucketPlaceOptions

  constructor(options: BucketPlaceOptions) {
    this.#options = options
  }

  async look(): Promise<readonly Planned[]> {
    const {control, prefix, kmsKeyId} = this.#options
    const {name, plainHttp} = control
    const exists = await control.exists()
    const isMissing = exists.known && !exists.value
    const facts = isMissing ? NEW_BUCKET : await control.facts()
    const arn = `arn:${partitionOf(control.region)}:s3:::${name}`
    const steps = planBucket(facts, {arn, prefix, kmsKeyId, plainHttp, isDirectory: isDirectoryBucket(name)})
    return [this.#bucket(exists), ...planned(steps, async (change) => control.apply(change))]
  }

  #bucket(exists: Awaited<ReturnType<BucketControl['exists']>>): Planned {
    const {control} = this.#options
    const check = 'bucket'
    if (!exists.known) return settled(unchecked(check, exists.why))
    if (exists.value) return settled({check, state: 'ok', detail: `${control.name} is there`})
    return vital({check, state: 'missing', detail: `there is no bucket ${control.name}`}, control.name, async () =>
      control.create(),
    )
  }
}
