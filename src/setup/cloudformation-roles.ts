import {choice, NO_VALUE, substituted} from './cloudformation-language.js'
import {planPolicy, type PolicyRole} from './policy.js'
import {POLICY_VERSION} from './policy-document.js'

const ROLES: Readonly<Record<PolicyRole, {readonly name: string; readonly what: string}>> = {
  worker: {name: 'Worker', what: 'Writes the sessions of one task, and deletes nothing'},
  compactor: {name: 'Compactor', what: 'Merges and removes parts of all tasks'},
  reader: {name: 'Reader', what: 'Reads the sessions of all tasks'},
}

/** @param taskTag the role is for one task, the one that its session is tagged with. */
export function role(kind: PolicyRole, taskTag?: string) {
  const {name, what} = ROLES[kind]
  // `${!` is CloudFormation's way to leave a variable for IAM.
  const task = taskTag === undefined ? undefined : `\${!aws:PrincipalTag/${taskTag}}`
  const scope = {
    partition: '${AWS::Partition}',
    region: '${AWS::Region}',
    account: '${AWS::AccountId}',
    bucket: '${BucketName}',
    prefix: task === undefined ? '${Prefix}' : `\${Prefix}${task}/`,
    task,
  }
  const objects = planPolicy(kind, scope)
  const withTable = planPolicy(kind, {...scope, table: '${TableName}'}).Statement.slice(objects.Statement.length)
  const withKey = planPolicy(kind, {...scope, kmsKeyId: 'arn:'}).Statement.slice(objects.Statement.length)
  return {
    Type: 'AWS::IAM::Role',
    Properties: {
      Description: what,
      // A session may outlast the usual hour.
      MaxSessionDuration: 12 * 60 * 60,
      AssumeRolePolicyDocument: {Version: POLICY_VERSION, Statement: [trust(name, taskTag)]},
      Policies: [
        {
          PolicyName: 'reprise',
          PolicyDocument: {
            Version: POLICY_VERSION,
            Statement: [
              ...objects.Statement.map(substituted),
              ...withTable.map((statement) => choice('HasTable', substituted(statement), NO_VALUE)),
              ...withKey.map((statement) => choice('HasKey', {...statement, Resource: {Ref: 'KmsKeyArn'}}, NO_VALUE)),
            ],
          },
        },
      ],
    },
  }
}

function trust(name: string, taskTag: string | undefined) {
  return {
    Effect: 'Allow',
    Principal: {
      AWS: choice(
        `Has${name}Principal`,
        {Ref: `${name}PrincipalArn`},
        {'Fn::Sub': 'arn:${AWS::Partition}:iam::${AWS::AccountId}:root'},
      ),
    },
    Action: taskTag === undefined ? 'sts:AssumeRole' : ['sts:AssumeRole', 'sts:TagSession'],
    // Without the tag the role could do nothing; a session without one is a mistake that should show at once.
    ...(taskTag === undefined ? {} : {Condition: {StringLike: {[`aws:RequestTag/${taskTag}`]: '?*'}}}),
  }
}
