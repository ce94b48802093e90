/**
 * The strict server as a program: `node main.js '{"latencyMs": 20}'`. Prints one line of JSON (where it listens) and serves until
 * its standard input ends, so that it never outlives the test that started it.
 */
import type {StrictS3Options} from './options.js'
import {startStrictS3} from './server.js'

const options = JSON.parse(process.argv[2] ?? '{}') as StrictS3Options
const server = await startStrictS3({logHeaders: false, ...options})
const {endpoint, virtualEndpoint, port, bucket, buckets, region, accessKeyId, secretAccessKey} = server
console.log(
  JSON.stringify({
    endpoint,
    virtualEndpoint,
    port,
    bucket,
    buckets,
    region,
    accessKeyId,
    secretAccessKey,
    pid: process.pid,
  }),
)
process.stdin.resume()
process.stdin.on('end', () => {
  void server.close().then(() => process.exit(0))
})
