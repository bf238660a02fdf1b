/** The client library of S3: large, and loaded only where it is used. */
export type S3Library = typeof import('@aws-sdk/client-s3');

/** Loads it, at the first call. */
export async function loadS3Library(): Promise<S3Library> {
  // Its release is pinned. That a later one will want a later Node is nothing for an operator's log, and this is the
  // only way to tell it so.
  process.env.AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED ??= 'true';
  return import('@aws-sdk/client-s3');
}
