import {startStrictS3} from './server.js'
const options = JSON.parse(process.argv[2] ?? '{}')
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
