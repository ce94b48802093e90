/** S3 Express One Zone: buckets, and access points to them, have the zone and this in their names, and no others may. */
export function isDirectoryBucket(bucket: string): boolean {
  return /--xa?-s3$/.test(bucket)
}

/** At an IP address, where the bucket goes into the path, the SDK puts a slash too many behind the name of such a bucket. */
export function directoryPath(bucket: string, path: string): string {
  return path.startsWith(`/${bucket}//`) ? `/${bucket}/${path.slice(bucket.length + 3)}` : path
}
