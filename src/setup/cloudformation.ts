import {RepriseError} from '../base/errors.js'
import {formatStoreUrl, type StoreUrl} from '../object-store/store-url.js'
import {isDirectoryBucket} from '../object-store/s3/directory-bucket.js'
import {arnOf, isGiven, output, principal, substituted, text} from './cloudformation-language.js'
import {alarm, bucket, registryTable} from './cloudformation-resources.js'
import {role} from './cloudformation-roles.js'
import {NONCURRENT_DAYS} from './lifecycle.js'
import {POLICY_VERSION} from './policy-document.js'
import {tlsOnlyStatement} from './tls-only.js'

export interface TemplateOptions {
  /** A `{task}` at its end says where each task's prefix begins; without one it is added. */
  readonly url: StoreUrl
  readonly table: string
  /** The session tag by which a worker's role knows its task. */
  readonly taskTag: string
  /** Of the metrics that `--metrics emf` writes. */
  readonly metricsNamespace: string
  readonly kmsKeyId?: string | undefined
}

export type Template = Readonly<Record<string, unknown>>

const TASK = '{task}/'

/**
 * A CloudFormation template of all that a fleet needs: bucket, table, roles, alarm. What differs from place to place is a parameter
 * with the given values as its defaults.
 *
 * @throws TEMPLATE_UNSUPPORTED (usage)
 */
export function planTemplate(options: TemplateOptions): Template {
  const {url, table, metricsNamespace, kmsKeyId = ''} = options
  const {bucket: bucketName, prefix} = generalBucketOf(url)
  return {
    AWSTemplateFormatVersion: '2010-09-09',
    Description:
      'Where agent sessions are kept: bucket, registry table, roles of workers, compactor and readers, alarm',
    Parameters: {
      BucketName: text('Bucket of the store', bucketName, '^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$'),
      Prefix: text('What all keys begin with; empty, or ends in /', prefix, `^$|^[A-Za-z0-9!_.'()/-]+/$`),
      TableName: text(
        'Table of the registry; empty: none, tasks are kept in the bucket',
        table,
        '^$|^[A-Za-z0-9_.-]{3,255}$',
      ),
      KmsKeyArn: text("KMS key of the bucket; empty: the store's own key (SSE-S3)", kmsKeyId, '^$|^arn:.+'),
      Versioning: {
        Type: 'String',
        Description: `Keep what is deleted for ${NONCURRENT_DAYS} days`,
        AllowedValues: ['Off', 'Enabled'],
        Default: 'Off',
      },
      WorkerPrincipalArn: principal('Who may take the role of a worker, naming its task'),
      CompactorPrincipalArn: principal('Who may take the role of the compactor'),
      ReaderPrincipalArn: principal('Who may take the role of a reader'),
      MetricsNamespace: text('Namespace of the metrics', metricsNamespace, '^[^:].{0,254}$'),
      AlarmTopicArn: text('SNS topic that is told of failing mirrors; empty: none', '', '^$|^arn:.+'),
    },
    Conditions: {
      HasTable: isGiven('TableName'),
      HasKey: isGiven('KmsKeyArn'),
      IsVersioned: {'Fn::Equals': [{Ref: 'Versioning'}, 'Enabled']},
      HasWorkerPrincipal: isGiven('WorkerPrincipalArn'),
      HasCompactorPrincipal: isGiven('CompactorPrincipalArn'),
      HasReaderPrincipal: isGiven('ReaderPrincipalArn'),
      HasTopic: isGiven('AlarmTopicArn'),
    },
    Resources: {
      Bucket: bucket(),
      BucketPolicy: {
        Type: 'AWS::S3::BucketPolicy',
        Properties: {
          Bucket: {Ref: 'Bucket'},
          PolicyDocument: substituted({Version: POLICY_VERSION, Statement: [tlsOnlyStatement(BUCKET_ARN)]}),
        },
      },
      Table: registryTable(),
      WorkerRole: role('worker', options.taskTag),
      CompactorRole: role('compactor'),
      ReaderRole: role('reader'),
      MirrorErrorsAlarm: alarm(),
    },
    Outputs: {
      StoreUrl: output('--store of every worker', {'Fn::Sub': 's3://${BucketName}/${Prefix}{task}'}),
      Registry: {...output('--registry of every worker', {'Fn::Sub': 'dynamodb://${Table}'}), Condition: 'HasTable'},
      WorkerRoleArn: output(`Assumed with the session tag ${options.taskTag}`, arnOf('WorkerRole')),
      CompactorRoleArn: output('For reprise compact, rm, prune', arnOf('CompactorRole')),
      ReaderRoleArn: output('For people who look', arnOf('ReaderRole')),
    },
  }
}

const BUCKET_ARN = 'arn:${AWS::Partition}:s3:::${BucketName}'

function generalBucketOf(url: StoreUrl): {readonly bucket: string; readonly prefix: string} {
  const fixed = url.prefix.endsWith(TASK) ? url.prefix.slice(0, -TASK.length) : url.prefix
  const isScoped = !fixed.includes('{') && (fixed === '' || fixed.endsWith('/'))
  if (url.kind === 's3' && isScoped && !isDirectoryBucket(url.bucket)) return {bucket: url.bucket, prefix: fixed}
  throw new RepriseError({
    kind: 'usage',
    code: 'TEMPLATE_UNSUPPORTED',
    message: `The template is for a bucket in which each task has a prefix, and ${formatStoreUrl(url)} names none.`,
    suggestions: [
      'Name a store in a general purpose bucket, with no placeholder but {task} at its end: --store s3://bucket/prefix/{task}',
    ],
  })
}
