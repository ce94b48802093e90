import type * as S3 from '@aws-sdk/client-s3'
import {hasCode} from '../base/errors.js'
import type {S3Connection, Send} from '../object-store/s3/connection.js'
import {isDirectoryBucket} from '../object-store/s3/directory-bucket.js'
import type {BucketChange, BucketFacts} from './bucket.js'
import {type Asked, known, refused, serviceCode} from './check.js'
import {zoneOf} from './directory-bucket.js'
import {readPolicy} from './policy-document.js'
import {NOTHING_PUBLIC} from './public-access.js'
import type {Versioning} from './versions.js'

/** The bucket itself: what it says of itself, and how that is changed. */
export class BucketControl {
  readonly #connection: S3Connection

  constructor(connection: S3Connection) {
    this.#connection = connection
  }

  get name(): string {
    return this.#connection.target.Bucket
  }

  get region(): string {
    return this.#connection.region
  }

  /** Whether requests go over the network in clear. */
  get plainHttp(): boolean {
    return this.#connection.endpoint?.protocol === 'http:'
  }

  /** @throws BUCKET_NOT_FOUND for one in another region, and whatever keeps the store from answering. */
  async exists(): Promise<Asked<boolean>> {
    const {sdk, target} = this.#connection
    try {
      await this.#send('HeadBucket', (client, options) => client.send(new sdk.HeadBucketCommand(target), options))
      return known(true)
    } catch (error) {
      if (hasCode(error, 'BUCKET_NOT_FOUND') && error.details['status'] === 404) return known(false)
      return refused(error)
    }
  }

  /** Idempotent: one's own bucket of that name counts as made. @throws ACCESS_DENIED, STORE_CONFLICT for another's bucket. */
  async create(): Promise<void> {
    const {sdk, target, region} = this.#connection
    const input: S3.CreateBucketCommandInput = {
      Bucket: target.Bucket,
      ...(isDirectoryBucket(target.Bucket)
        ? {CreateBucketConfiguration: directoryBucket(target.Bucket)}
        : region === 'us-east-1'
          ? {}
          : {CreateBucketConfiguration: {LocationConstraint: region as S3.BucketLocationConstraint}}),
    }
    try {
      await this.#send('CreateBucket', (client, options) => client.send(new sdk.CreateBucketCommand(input), options))
    } catch (error) {
      if (serviceCode(error) !== 'BucketAlreadyOwnedByYou') throw error
    }
  }

  async facts(): Promise<BucketFacts> {
    const {sdk, target} = this.#connection
    const isDirectory = isDirectoryBucket(this.name)
    const [encryption, lifecycle] = await Promise.all([
      this.#ask(
        'GetBucketEncryption',
        'ServerSideEncryptionConfigurationNotFoundError',
        async (client, options) => client.send(new sdk.GetBucketEncryptionCommand(target), options),
        ({ServerSideEncryptionConfiguration}) =>
          ServerSideEncryptionConfiguration?.Rules?.[0]?.ApplyServerSideEncryptionByDefault,
      ),
      this.#ask(
        'GetBucketLifecycleConfiguration',
        'NoSuchLifecycleConfiguration',
        async (client, options) => client.send(new sdk.GetBucketLifecycleConfigurationCommand(target), options),
        ({Rules}) => Rules,
      ),
    ])
    return {
      encryption,
      lifecycle: lifecycle.known ? known(lifecycle.value ?? []) : lifecycle,
      ...(isDirectory ? SETTLED : await this.#generalFacts()),
    }
  }

  async apply(change: BucketChange): Promise<void> {
    const {sdk, target} = this.#connection
    switch (change.type) {
      case 'encryption': {
        const Rules = [encryptionRule(change.kmsKeyId)]
        const input = {...target, ServerSideEncryptionConfiguration: {Rules}}
        await this.#send('PutBucketEncryption', (client, options) =>
          client.send(new sdk.PutBucketEncryptionCommand(input), options),
        )
        return
      }
      case 'public-access': {
        const input = {...target, PublicAccessBlockConfiguration: NOTHING_PUBLIC}
        await this.#send('PutPublicAccessBlock', (client, options) =>
          client.send(new sdk.PutPublicAccessBlockCommand(input), options),
        )
        return
      }
      case 'policy': {
        const input = {...target, Policy: JSON.stringify(change.policy)}
        await this.#send('PutBucketPolicy', (client, options) =>
          client.send(new sdk.PutBucketPolicyCommand(input), options),
        )
        return
      }
      case 'lifecycle': {
        const input = {
          ...target,
          LifecycleConfiguration: {Rules: [...change.rules]},
          ...(await this.#transitionDefault()),
        }
        await this.#send('PutBucketLifecycleConfiguration', (client, options) =>
          client.send(new sdk.PutBucketLifecycleConfigurationCommand(input), options),
        )
        return
      }
    }
  }

  /** Whether an object whose checksum is another's is refused. One that was taken is left under `key`. */
  async refusesWrongChecksum(key: string): Promise<boolean> {
    const {sdk, target} = this.#connection
    const input = {...target, Key: key, Body: Buffer.from('some bytes\n'), ChecksumSHA256: OTHER_BYTES}
    try {
      await this.#connection.call({operation: 'PutObject', key}, (client, options) =>
        client.send(new sdk.PutObjectCommand(input), options),
      )
      return false
    } catch (error) {
      if (hasCode(error, 'CHECKSUM_MISMATCH')) return true
      throw error
    }
  }

  /** A setting that a new configuration would put back, were it not said again. */
  async #transitionDefault(): Promise<
    Pick<S3.PutBucketLifecycleConfigurationCommandInput, 'TransitionDefaultMinimumObjectSize'>
  > {
    const {sdk, target} = this.#connection
    const found = await this.#ask(
      'GetBucketLifecycleConfiguration',
      'NoSuchLifecycleConfiguration',
      async (client, options) => client.send(new sdk.GetBucketLifecycleConfigurationCommand(target), options),
      (output) => output.TransitionDefaultMinimumObjectSize,
    )
    return found.known && found.value !== undefined ? {TransitionDefaultMinimumObjectSize: found.value} : {}
  }

  async #generalFacts(): Promise<Omit<BucketFacts, 'encryption' | 'lifecycle'>> {
    const {sdk, target} = this.#connection
    const [publicAccess, policy, versioning, objectLock] = await Promise.all([
      this.#ask(
        'GetPublicAccessBlock',
        'NoSuchPublicAccessBlockConfiguration',
        async (client, options) => client.send(new sdk.GetPublicAccessBlockCommand(target), options),
        ({PublicAccessBlockConfiguration}) => PublicAccessBlockConfiguration,
      ),
      this.#ask(
        'GetBucketPolicy',
        'NoSuchBucketPolicy',
        async (client, options) => client.send(new sdk.GetBucketPolicyCommand(target), options),
        ({Policy}) => Policy,
      ),
      this.#ask(
        'GetBucketVersioning',
        '',
        async (client, options) => client.send(new sdk.GetBucketVersioningCommand(target), options),
        ({Status}) => Status,
      ),
      this.#ask(
        'GetObjectLockConfiguration',
        'ObjectLockConfigurationNotFoundError',
        async (client, options) => client.send(new sdk.GetObjectLockConfigurationCommand(target), options),
        ({ObjectLockConfiguration}) => ObjectLockConfiguration?.ObjectLockEnabled === 'Enabled',
      ),
    ])
    return {
      publicAccess,
      policy: readable(policy),
      versioning: versioning.known ? known(versioningOf(versioning.value)) : versioning,
      objectLock: objectLock.known ? known(objectLock.value ?? false) : objectLock,
    }
  }

  /** @param absent what the service answers where the bucket says nothing about it. */
  async #ask<Output, Value>(
    operation: string,
    absent: string,
    send: Send<Output>,
    read: (output: Output) => Value | undefined,
  ): Promise<Asked<Value | undefined>> {
    try {
      return known(read(await this.#send(operation, send)))
    } catch (error) {
      return serviceCode(error) === absent ? known(undefined) : refused(error)
    }
  }

  async #send<Output>(operation: string, send: Send<Output>): Promise<Output> {
    return this.#connection.call({operation, repeats: true}, send)
  }
}

/** SHA-256 of nothing, as the header wants it. */
const OTHER_BYTES = '47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU='

/** What a directory bucket does not have, or cannot be without. */
const SETTLED: Omit<BucketFacts, 'encryption' | 'lifecycle'> = {
  publicAccess: known(NOTHING_PUBLIC),
  policy: known(undefined),
  versioning: known('off'),
  objectLock: known(false),
}

function readable(policy: Asked<string | undefined>): BucketFacts['policy'] {
  if (!policy.known || policy.value === undefined) return policy as Asked<undefined>
  const read = readPolicy(policy.value)
  return read ? known(read) : {known: false, why: 'the bucket policy is none that this reprise can read'}
}

function versioningOf(status: string | undefined): Versioning {
  if (status === 'Enabled') return 'on'
  return status === 'Suspended' ? 'suspended' : 'off'
}

function directoryBucket(bucket: string): S3.CreateBucketConfiguration {
  return {
    Location: {Type: 'AvailabilityZone', Name: zoneOf(bucket)},
    Bucket: {Type: 'Directory', DataRedundancy: 'SingleAvailabilityZone'},
  }
}

function encryptionRule(kmsKeyId: string | undefined): S3.ServerSideEncryptionRule {
  if (kmsKeyId === undefined) return {ApplyServerSideEncryptionByDefault: {SSEAlgorithm: 'AES256'}}
  return {
    ApplyServerSideEncryptionByDefault: {SSEAlgorithm: 'aws:kms', KMSMasterKeyID: kmsKeyId},
    // One request to KMS for many objects.
    BucketKeyEnabled: true,
  }
}
