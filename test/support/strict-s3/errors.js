/** An answer in S3's error format. Thrown by handlers; the server turns it into XML (or into an empty body for HEAD). */
export class S3Error extends Error {
  name = 'S3Error'
  status
  code
  /** Further elements of the error document, e.g. `Condition`. */
  elements
  headers
  constructor(status, code, message, more = {}) {
    super(message)
    this.status = status
    this.code = code
    this.elements = more.elements ?? {}
    this.headers = more.headers ?? {}
  }
}
export const noSuchKey = (key) =>
  new S3Error(404, 'NoSuchKey', 'The specified key does not exist.', {elements: {Key: key}})
export const noSuchBucket = (bucket) =>
  new S3Error(404, 'NoSuchBucket', 'The specified bucket does not exist', {elements: {BucketName: bucket}})
export const noSuchUpload = (uploadId) =>
  new S3Error(
    404,
    'NoSuchUpload',
    'The specified upload does not exist. The upload ID may be invalid, or the upload may have been aborted or completed.',
    {elements: {UploadId: uploadId}},
  )
export const preconditionFailed = (condition) =>
  new S3Error(412, 'PreconditionFailed', 'At least one of the pre-conditions you specified did not hold', {
    elements: {Condition: condition},
  })
export const accessDenied = (message = 'Access Denied') => new S3Error(403, 'AccessDenied', message)
export const invalidArgument = (name, value, message) =>
  new S3Error(400, 'InvalidArgument', message, {elements: {ArgumentName: name, ArgumentValue: value}})
export const invalidRequest = (message) => new S3Error(400, 'InvalidRequest', message)
export const notImplemented = (header) =>
  new S3Error(501, 'NotImplemented', 'A header you provided implies functionality that is not implemented', {
    elements: {Header: header},
  })
