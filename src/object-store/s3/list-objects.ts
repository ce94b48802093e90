import type * as S3 from '@aws-sdk/client-s3'
import type {ListOptions, ListPage, ObjectSummary} from '../object-store.js'
import type {S3Connection} from './connection.js'
import {bareEtag} from './write-params.js'

/** Pages by the store's own token: some servers list in an order in which "everything after the last key" skips keys. */
export async function* listObjects(connection: S3Connection, options: ListOptions): AsyncIterable<ListPage> {
  const {prefix, delimiter, startAfter, pageSize, signal} = options
  let token: string | undefined
  do {
    const output: S3.ListObjectsV2CommandOutput = await connection.call(
      // The first page is for who lists to repeat; the others only with their token, without which a listing begins anew.
      {operation: 'ListObjectsV2', prefix, signal, repeats: token !== undefined},
      (client, request) =>
        client.send(
          new connection.sdk.ListObjectsV2Command({
            ...connection.target,
            Prefix: prefix,
            EncodingType: 'url',
            ...(delimiter === undefined ? {} : {Delimiter: delimiter}),
            ...(pageSize === undefined ? {} : {MaxKeys: Math.min(Math.max(pageSize, 1), 1000)}),
            ...(token === undefined ? {StartAfter: startAfter} : {ContinuationToken: token}),
          }),
          request,
        ),
    )
    const decode = output.EncodingType === 'url' ? decodeKey : (text: string) => text
    yield {
      objects: (output.Contents ?? []).map((object) => summary(object, decode)),
      prefixes: (output.CommonPrefixes ?? []).map(({Prefix = ''}) => decode(Prefix)),
      date: connection.dateOf(output),
    }
    token = output.IsTruncated === true ? output.NextContinuationToken : undefined
  } while (token !== undefined && token !== '')
}

function summary(
  {Key = '', Size = 0, ETag, LastModified}: S3._Object,
  decode: (text: string) => string,
): ObjectSummary {
  return {key: decode(Key), size: Size, etag: bareEtag(ETag), modified: LastModified?.getTime() ?? 0}
}

function decodeKey(encoded: string): string {
  return decodeURIComponent(encoded.replaceAll('+', ' '))
}
