import {KEY, SESSION} from '../registry/dynamodb/keys.js'
import {DEFAULT_INDEX} from '../registry/dynamodb/options.js'
import {TTL} from '../registry/dynamodb/own-attributes.js'
import {choice, NO_VALUE} from './cloudformation-language.js'
import {ABORT_DAYS, NONCURRENT_DAYS} from './lifecycle.js'
import {NOTHING_PUBLIC} from './public-access.js'

export function bucket() {
  return {
    Type: 'AWS::S3::Bucket',
    // A stack that goes must not take the transcripts along.
    DeletionPolicy: 'Retain',
    UpdateReplacePolicy: 'Retain',
    Properties: {
      BucketName: {Ref: 'BucketName'},
      BucketEncryption: {
        ServerSideEncryptionConfiguration: [
          choice(
            'HasKey',
            {
              ServerSideEncryptionByDefault: {SSEAlgorithm: 'aws:kms', KMSMasterKeyID: {Ref: 'KmsKeyArn'}},
              BucketKeyEnabled: true,
            },
            {ServerSideEncryptionByDefault: {SSEAlgorithm: 'AES256'}},
          ),
        ],
      },
      PublicAccessBlockConfiguration: NOTHING_PUBLIC,
      OwnershipControls: {Rules: [{ObjectOwnership: 'BucketOwnerEnforced'}]},
      VersioningConfiguration: choice('IsVersioned', {Status: 'Enabled'}, NO_VALUE),
      // Nothing may ever expire a current object: parts are old long before their session is over.
      LifecycleConfiguration: {
        Rules: [
          {
            Id: 'reprise-unfinished-uploads',
            Status: 'Enabled',
            AbortIncompleteMultipartUpload: {DaysAfterInitiation: ABORT_DAYS},
          },
          {
            Id: 'reprise-noncurrent-versions',
            Status: 'Enabled',
            NoncurrentVersionExpiration: {NoncurrentDays: NONCURRENT_DAYS},
          },
        ],
      },
    },
  }
}

export function registryTable() {
  return {
    Type: 'AWS::DynamoDB::Table',
    Condition: 'HasTable',
    DeletionPolicy: 'Retain',
    UpdateReplacePolicy: 'Retain',
    Properties: {
      TableName: {Ref: 'TableName'},
      BillingMode: 'PAY_PER_REQUEST',
      AttributeDefinitions: [
        {AttributeName: KEY, AttributeType: 'S'},
        {AttributeName: SESSION, AttributeType: 'S'},
      ],
      KeySchema: [{AttributeName: KEY, KeyType: 'HASH'}],
      GlobalSecondaryIndexes: [
        {
          IndexName: DEFAULT_INDEX,
          KeySchema: [{AttributeName: SESSION, KeyType: 'HASH'}],
          Projection: {ProjectionType: 'KEYS_ONLY'},
        },
      ],
      TimeToLiveSpecification: {AttributeName: TTL, Enabled: true},
      PointInTimeRecoverySpecification: {PointInTimeRecoveryEnabled: true},
    },
  }
}

export function alarm() {
  return {
    Type: 'AWS::CloudWatch::Alarm',
    Properties: {
      AlarmDescription: 'Transcripts of agents are not being stored: what a worker writes now is lost when it dies',
      Namespace: {Ref: 'MetricsNamespace'},
      MetricName: 'MirrorErrors',
      Statistic: 'Sum',
      Period: 300,
      EvaluationPeriods: 1,
      Threshold: 0,
      ComparisonOperator: 'GreaterThanThreshold',
      // No worker, no figures.
      TreatMissingData: 'notBreaching',
      AlarmActions: choice('HasTopic', [{Ref: 'AlarmTopicArn'}], NO_VALUE),
    },
  }
}
