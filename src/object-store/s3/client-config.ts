import type * as S3 from '@aws-sdk/client-s3'
import {awsClientConfig} from '../aws-client.js'
import type {Agents} from './agents.js'
import type {S3StoreOptions} from './options.js'

export function clientConfig(options: S3StoreOptions, agents: Agents): S3.S3ClientConfig {
  return {
    ...awsClientConfig(options, agents),
    // Trailers and validated ranges are what compatible servers get wrong; puts and whole gets ask for theirs themselves.
    requestChecksumCalculation: 'WHEN_REQUIRED',
    responseChecksumValidation: 'WHEN_REQUIRED',
    expectContinueHeader: false,
  }
}
