/** Version of Headkeeper's packages, which move in lockstep. */
export const HEADKEEPER_VERSION = '0.1.0';

/** The release of Apache ZooKeeper whose behaviour the server shows; clients and scripts decide by it. */
export const COMPATIBLE_VERSION = '3.9.5';

/**
 * What Apache's server says of itself, in its form `version-revision, built on date`: monitoring scripts take the text up
 * to the first `-` or `,` for the version.
 */
export const ANNOUNCED_VERSION: string = `${COMPATIBLE_VERSION}-headkeeper-${HEADKEEPER_VERSION}, built on 2026-11-21 00:00 UTC`;
