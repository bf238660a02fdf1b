/**
 * Backups in a bucket of Amazon S3 or of a service that speaks its protocol.
 *
 * A small object goes in one request; a larger one in parts, which become an object all at once and are withdrawn when
 * something fails. Both carry `If-None-Match: *`, so that the service itself refuses to overwrite.
 */

import { setMaxListeners } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import type {
  CompletedPart,
  GetObjectCommandOutput,
  ListObjectsV2CommandOutput,
  PutObjectCommandInput,
  S3Client,
} from '@aws-sdk/client-s3';
import { loadS3Library, type S3Library } from '../adapters/system/s3-library.ts';
import { BodyFailure, bodyParts } from './body-parts.ts';
import {
  attemptsOf,
  foundExisting,
  rejectsConditions,
  type S3Place,
  s3Failure,
  TruncatedResponse,
} from './s3-errors.ts';
import { type BackupTarget, TargetError, type TargetObject } from './target.ts';

export interface S3TargetOptions {
  readonly bucket: string;
  /** Before every name: folders without a slash at either end; empty for none. */
  readonly prefix: string;
  /** Such as `http://127.0.0.1:9000`; null for Amazon's own. */
  readonly endpoint: string | null;
  readonly region: string;
  /** Whether the bucket is named in the path (`host/bucket/key`) and not in the host name. */
  readonly pathStyle: boolean;
  readonly credentials: S3Credentials;
  /** Milliseconds to establish a connection. */
  readonly connectTimeoutMs: number;
  /** Milliseconds for which a connection may carry nothing in the middle of a request. */
  readonly idleTimeoutMs: number;
  /** How often a request is tried when the service is busy or the connection is lost. */
  readonly attempts: number;
  /** Bytes of each part of a large object, at least 5 MiB; twice as much memory is used. */
  readonly partBytes: number;
  /** Milliseconds within which a small put that others have begun at the same time has come to its end. */
  readonly settleMs: number;
}

export interface S3Credentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string;
}

/** S3 takes no more parts than this for one object. */
const MAX_PARTS = 10_000;
/** Milliseconds for withdrawing the parts of an object after a failure. */
const WITHDRAW_MS = 5_000;

/** Opens the target; loads the client library, and sends nothing yet. */
export async function createS3Target(options: S3TargetOptions): Promise<BackupTarget> {
  const library = await loadS3Library();
  const client = new library.S3Client({
    region: options.region,
    ...(options.endpoint === null ? {} : { endpoint: options.endpoint }),
    forcePathStyle: options.pathStyle,
    credentials: options.credentials,
    maxAttempts: options.attempts,
    // The signature covers the SHA-256 of every body already; older services do not know the newer checksums.
    requestChecksumCalculation: 'WHEN_REQUIRED',
    responseChecksumValidation: 'WHEN_REQUIRED',
    requestHandler: {
      connectionTimeout: options.connectTimeoutMs,
      socketTimeout: options.idleTimeoutMs,
    },
  });
  return new S3Target(library, client, options);
}

class S3Target implements BackupTarget {
  readonly description: string;
  readonly #library: S3Library;
  readonly #client: S3Client;
  readonly #bucket: string;
  readonly #prefix: string;
  readonly #endpoint: string;
  readonly #partBytes: number;
  readonly #settleMs: number;
  /** Turns off for good when the service says that it does not know `If-None-Match`. */
  #conditions = true;

  constructor(library: S3Library, client: S3Client, options: S3TargetOptions) {
    this.#library = library;
    this.#client = client;
    this.#bucket = options.bucket;
    this.#prefix = options.prefix === '' ? '' : `${options.prefix}/`;
    this.#endpoint = options.endpoint ?? `Amazon S3 in ${options.region}`;
    this.#partBytes = options.partBytes;
    this.#settleMs = options.settleMs;
    this.description = `s3://${options.bucket}${options.prefix === '' ? '' : `/${options.prefix}`} at ${this.#endpoint}`;
  }

  async put(name: string, body: AsyncIterable<Uint8Array> | Uint8Array, signal: AbortSignal): Promise<void> {
    const parts = bodyParts(body, this.#partBytes);
    try {
      signal.throwIfAborted();
      const first = (await parts.next()).value;
      if (first.last) await this.#putWhole(name, first.bytes, signal);
      else await this.#putInParts(name, first.bytes, parts, signal);
    } catch (error) {
      throw this.#failure('cannot put', name, error, signal);
    } finally {
      // Lets the body close what it reads from; not awaited, because a slow body would hold up the news of a failure.
      void parts.return(undefined).catch(() => undefined);
    }
  }

  /** Services that do not know `If-None-Match`, some of which do not say so, let the last of two puts at once win. */
  async settled(signal: AbortSignal): Promise<void> {
    try {
      await sleep(this.#settleMs, undefined, { signal });
    } catch {
      throw signal.reason;
    }
  }

  async *get(name: string, signal: AbortSignal): AsyncGenerator<Uint8Array> {
    let answer: GetObjectCommandOutput;
    try {
      signal.throwIfAborted();
      const command = new this.#library.GetObjectCommand({ Bucket: this.#bucket, Key: this.#key(name) });
      answer = await this.#client.send(command, forRequest(signal));
    } catch (error) {
      throw this.#failure('cannot get', name, error, signal);
    }
    // In Node a body is always a stream of its bytes.
    const stream = answer.Body as AsyncIterable<Uint8Array> | undefined;
    if (stream === undefined) return;
    let received = 0;
    const chunks = stream[Symbol.asyncIterator]();
    try {
      for (;;) {
        let next: IteratorResult<Uint8Array>;
        try {
          next = await chunks.next();
          signal.throwIfAborted();
        } catch (error) {
          throw this.#failure('cannot get', name, error, signal);
        }
        if (next.done === true) break;
        received += next.value.length;
        yield next.value;
      }
    } finally {
      // Whoever stops reading early must not leave the connection open.
      await chunks.return?.();
    }
    const announced = answer.ContentLength;
    if (announced !== undefined && announced !== received) {
      throw this.#failure('cannot get', name, new TruncatedResponse(received, announced), signal);
    }
  }

  async *list(prefix: string, signal: AbortSignal): AsyncGenerator<TargetObject> {
    let from: string | undefined;
    do {
      let page: ListObjectsV2CommandOutput;
      try {
        signal.throwIfAborted();
        const command = new this.#library.ListObjectsV2Command({
          Bucket: this.#bucket,
          Prefix: this.#key(prefix),
          ...(from === undefined ? {} : { ContinuationToken: from }),
        });
        page = await this.#client.send(command, forRequest(signal));
      } catch (error) {
        throw this.#failure('cannot list', prefix, error, signal);
      }
      for (const { Key, Size, LastModified } of page.Contents ?? []) {
        // Some services show folders as empty objects whose names end with a slash.
        if (Key === undefined || Key.endsWith('/')) continue;
        yield { name: Key.slice(this.#prefix.length), size: Size ?? 0, modifiedMs: LastModified?.getTime() ?? 0 };
      }
      from = page.IsTruncated === true ? page.NextContinuationToken : undefined;
    } while (from !== undefined);
  }

  async remove(name: string, signal: AbortSignal): Promise<void> {
    try {
      signal.throwIfAborted();
      const command = new this.#library.DeleteObjectCommand({ Bucket: this.#bucket, Key: this.#key(name) });
      await this.#client.send(command, forRequest(signal));
    } catch (error) {
      const failure = this.#failure('cannot remove', name, error, signal);
      if (failure instanceof TargetError && failure.failure === 'missing') return;
      throw failure;
    }
  }

  async close(): Promise<void> {
    this.#client.destroy();
  }

  #key(name: string): string {
    return this.#prefix + name;
  }

  #place(name: string): S3Place {
    return { endpoint: this.#endpoint, bucket: this.#bucket, key: this.#key(name) };
  }

  #failure(action: string, name: string, error: unknown, signal: AbortSignal): unknown {
    if (signal.aborted) return signal.reason;
    // What the body's reader threw is its own affair, and says more than this target could.
    if (error instanceof BodyFailure) return error.cause;
    return s3Failure(action, this.#place(name), error);
  }

  async #putWhole(name: string, bytes: Uint8Array, signal: AbortSignal): Promise<void> {
    const input: PutObjectCommandInput = { Bucket: this.#bucket, Key: this.#key(name), Body: bytes };
    await this.#unlessThere(name, bytes.length, signal, (condition) =>
      this.#client.send(new this.#library.PutObjectCommand({ ...input, ...condition }), forRequest(signal)),
    );
  }

  async #putInParts(
    name: string,
    first: Uint8Array,
    rest: AsyncIterable<{ readonly bytes: Uint8Array }>,
    signal: AbortSignal,
  ): Promise<void> {
    const library = this.#library;
    const object = { Bucket: this.#bucket, Key: this.#key(name) };
    const begun = await this.#client.send(new library.CreateMultipartUploadCommand(object), forRequest(signal));
    const upload = { ...object, UploadId: begun.UploadId };
    try {
      const parts: CompletedPart[] = [];
      let bytesSent = 0;
      const send = async (bytes: Uint8Array): Promise<void> => {
        const PartNumber = parts.length + 1;
        if (PartNumber > MAX_PARTS) {
          const most = MAX_PARTS * this.#partBytes;
          throw new TargetError(
            'other',
            `cannot put ${object.Key}: it is larger than ${most} bytes, the most S3 takes`,
          );
        }
        const command = new library.UploadPartCommand({ ...upload, PartNumber, Body: bytes });
        const done = await this.#client.send(command, forRequest(signal));
        parts.push({ PartNumber, ETag: done.ETag });
        bytesSent += bytes.length;
      };
      let sending = send(first);
      for await (const { bytes } of readAhead(rest, () => sending)) {
        await sending;
        sending = send(bytes);
      }
      await sending;
      let attempts = 1;
      await this.#unlessThere(name, bytesSent, signal, async (condition) => {
        const command = new library.CompleteMultipartUploadCommand({
          ...upload,
          MultipartUpload: { Parts: parts },
          ...condition,
        });
        attempts = (await this.#client.send(command, forRequest(signal))).$metadata.attempts ?? 1;
      });
      // A service may take the first attempt, which died with one of its servers, for one that is still at work, and call that done.
      if (attempts > 1 && (await this.#sizeOf(name, signal)) !== bytesSent) {
        const { bucket, key, endpoint } = this.#place(name);
        throw new TargetError(
          'unreachable',
          `cannot put ${key} (bucket ${bucket} at ${endpoint}): the upload was said to be complete, and there is no object`,
        );
      }
    } catch (error) {
      await this.#withdraw(upload);
      throw error;
    }
  }

  /** Sends a request that makes an object, on the condition that there is none of that name. */
  async #unlessThere(
    name: string,
    size: number,
    signal: AbortSignal,
    send: (condition: { readonly IfNoneMatch?: string }) => Promise<unknown>,
  ): Promise<void> {
    if (this.#conditions) {
      try {
        await send({ IfNoneMatch: '*' });
        return;
      } catch (error) {
        // After a lost answer the second attempt finds what the first one put.
        if (foundExisting(error) && attemptsOf(error) > 1 && (await this.#sizeOf(name, signal)) === size) return;
        if (!rejectsConditions(error)) throw error;
        this.#conditions = false;
      }
    }
    if ((await this.#sizeOf(name, signal)) !== null) {
      const { bucket, key, endpoint } = this.#place(name);
      throw new TargetError(
        'exists',
        `cannot put ${key} (bucket ${bucket} at ${endpoint}): the object is there already and is not overwritten`,
      );
    }
    await send({});
  }

  /** Bytes of an object, or null when there is none. */
  async #sizeOf(name: string, signal: AbortSignal): Promise<number | null> {
    try {
      const command = new this.#library.HeadObjectCommand({ Bucket: this.#bucket, Key: this.#key(name) });
      const answer = await this.#client.send(command, forRequest(signal));
      return answer.ContentLength ?? null;
    } catch (error) {
      const failure = s3Failure('cannot look at', this.#place(name), error);
      if (failure.failure === 'missing') return null;
      throw failure;
    }
  }

  /** Parts that are left because this fails, too, are no object: nobody sees them, and the bucket's rules remove them. */
  async #withdraw(upload: { Bucket: string; Key: string; UploadId: string | undefined }): Promise<void> {
    const command = new this.#library.AbortMultipartUploadCommand(upload);
    await this.#client.send(command, { abortSignal: AbortSignal.timeout(WITHDRAW_MS) }).catch(() => undefined);
  }
}

/** A signal may end many requests that run side by side: its many listeners are no leak, and not worth a warning of Node's. */
function forRequest(signal: AbortSignal): { readonly abortSignal: AbortSignal } {
  setMaxListeners(0, signal);
  return { abortSignal: signal };
}

/** Reads the next item while the last one is still being worked on; a failure of that work ends the reading at once. */
async function* readAhead<T>(items: AsyncIterable<T>, work: () => Promise<void>): AsyncGenerator<T> {
  const iterator = items[Symbol.asyncIterator]();
  for (;;) {
    const next = iterator.next();
    // Whichever fails first is thrown by the await; the other must not count as unhandled.
    next.catch(() => undefined);
    await work();
    const item = await next;
    if (item.done === true) return;
    yield item.value;
  }
}
