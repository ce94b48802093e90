// node bare-get.js BUCKET PREFIX FILE: the largest object below the prefix, into the file, with nothing in between.
import {createWriteStream} from 'node:fs'
import {pipeline} from 'node:stream/promises'
import {GetObjectCommand, ListObjectsV2Command, S3Client} from '@aws-sdk/client-s3'

const [Bucket, Prefix, file] = process.argv.slice(2)
const client = new S3Client({forcePathStyle: true, responseChecksumValidation: 'WHEN_REQUIRED'})
const {Contents = []} = await client.send(new ListObjectsV2Command({Bucket, Prefix}))
const [largest] = Contents.toSorted((a, b) => (b.Size ?? 0) - (a.Size ?? 0))
const {Body} = await client.send(new GetObjectCommand({Bucket, Key: largest?.Key}))
await pipeline(Body, createWriteStream(file))
client.destroy()
