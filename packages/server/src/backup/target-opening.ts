/** From what an operator writes, `/folder`, `file:///folder` or `s3://bucket/prefix`, to a target. */

import { fileURLToPath } from 'node:url';
import { createFolderTarget } from './folder-target.ts';
import { createS3Target, type S3Credentials } from './s3-target.ts';
import { type BackupTarget, TargetError } from './target.ts';

/** Where a target is, as it stands in zoo.cfg or on a command line. */
export interface TargetPlace {
  readonly url: string;
  /** S3 only; null: `AWS_ENDPOINT_URL_S3` or `AWS_ENDPOINT_URL`, else Amazon's own. */
  readonly endpoint: string | null;
  /** S3 only; null: `AWS_REGION` or `AWS_DEFAULT_REGION`, else `us-east-1`. */
  readonly region: string | null;
  /** S3 only; null: in the path if there is an endpoint, in the host name at Amazon. */
  readonly pathStyle: boolean | null;
}

/** The environment's variables. */
export type Environment = Readonly<Record<string, string | undefined>>;

type Address =
  | { readonly kind: 'folder'; readonly folder: string }
  | { readonly kind: 's3'; readonly bucket: string; readonly prefix: string };

const BUCKET = /^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/;
const PREFIX_FOLDER = /^[A-Za-z0-9!_.*'()-]+$/;
const FORMS = 'write /folder, file:///folder or s3://bucket/prefix';

/**
 * Opens a target; nothing is sent or written yet.
 * @param environment Where the credentials of S3 come from: AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN
 * @throws TargetError saying what is wrong with the place, or which variable is missing
 */
export async function openTarget(place: TargetPlace, environment: Environment): Promise<BackupTarget> {
  const address = addressOf(place.url);
  if (address.kind === 'folder') return createFolderTarget(address.folder);
  const endpoint = place.endpoint ?? set(environment.AWS_ENDPOINT_URL_S3) ?? set(environment.AWS_ENDPOINT_URL) ?? null;
  return createS3Target({
    bucket: address.bucket,
    prefix: address.prefix,
    endpoint: endpoint === null ? null : checkedEndpoint(endpoint),
    region: place.region ?? set(environment.AWS_REGION) ?? set(environment.AWS_DEFAULT_REGION) ?? 'us-east-1',
    pathStyle: place.pathStyle ?? endpoint !== null,
    credentials: credentialsFrom(environment),
    connectTimeoutMs: 5_000,
    idleTimeoutMs: 20_000,
    attempts: 3,
    partBytes: 8 * 1024 * 1024,
    settleMs: 3_000,
  });
}

/** @throws TargetError */
function addressOf(url: string): Address {
  if (url.startsWith('/')) return { kind: 'folder', folder: url };
  const scheme = /^([A-Za-z][A-Za-z0-9+.-]*):/.exec(url)?.[1]?.toLowerCase();
  if (scheme === 'file') return { kind: 'folder', folder: folderOf(url) };
  if (scheme === 's3') return bucketOf(url);
  if (scheme === undefined) throw wrong(`the target "${url}" is no absolute path: ${FORMS}`);
  // What is no known kind of address may hold a password: it is not repeated.
  throw wrong(`a target of the kind "${scheme}:" is not known: ${FORMS}`);
}

function folderOf(url: string): string {
  try {
    return fileURLToPath(url);
  } catch (error) {
    throw wrong(`the target "${url}" names no folder of this machine: write file:///folder`, error);
  }
}

function bucketOf(url: string): Address {
  const rest = url.slice('s3://'.length);
  if (rest.includes('@')) {
    throw wrong('an s3:// target holds no credentials: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY instead');
  }
  if (rest.includes('?') || rest.includes('#')) {
    throw wrong(`the target "${url}" ends with options: give the endpoint and the region as settings of their own`);
  }
  const [bucket = '', ...folders] = rest.replace(/\/+$/, '').split('/');
  if (!url.slice(3).startsWith('//') || !BUCKET.test(bucket)) {
    throw wrong(
      `the target "${url}" names no bucket: write s3://bucket/prefix, the bucket with 3 to 63 small letters, digits, "." and "-"`,
    );
  }
  const bad = folders.find((folder) => !PREFIX_FOLDER.test(folder) || folder === '.' || folder === '..');
  if (bad !== undefined) {
    throw wrong(`the target "${url}" has "${bad}" in its prefix: use letters, digits and !_.*'()- between slashes`);
  }
  return { kind: 's3', bucket, prefix: folders.join('/') };
}

function checkedEndpoint(endpoint: string): string {
  const url = URL.canParse(endpoint) ? new URL(endpoint) : null;
  if (url !== null && (url.username !== '' || url.password !== '')) {
    throw wrong('the endpoint of S3 holds credentials: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY instead');
  }
  if (url === null || !/^https?:$/.test(url.protocol) || url.pathname !== '/' || url.search !== '' || url.hash !== '') {
    throw wrong(`the endpoint "${endpoint}" of S3 is no address of a service: write http://host:port or https://host`);
  }
  return url.origin;
}

function credentialsFrom(environment: Environment): S3Credentials {
  const accessKeyId = set(environment.AWS_ACCESS_KEY_ID);
  const secretAccessKey = set(environment.AWS_SECRET_ACCESS_KEY);
  const sessionToken = set(environment.AWS_SESSION_TOKEN);
  if (accessKeyId === undefined || secretAccessKey === undefined) {
    const missing = accessKeyId === undefined ? 'AWS_ACCESS_KEY_ID' : 'AWS_SECRET_ACCESS_KEY';
    throw new TargetError(
      'denied',
      `an s3:// target needs credentials: set ${missing} in the environment of this process`,
    );
  }
  return { accessKeyId, secretAccessKey, ...(sessionToken === undefined ? {} : { sessionToken }) };
}

/** A variable that is empty counts as one that is not there. */
function set(value: string | undefined): string | undefined {
  return value === '' ? undefined : value;
}

function wrong(message: string, cause?: unknown): TargetError {
  return new TargetError('other', message, cause);
}
