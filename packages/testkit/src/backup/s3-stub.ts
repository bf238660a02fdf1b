/**
 * As much of the S3 protocol as a target uses, in memory, with faults on order: for what a real service does only when
 * it or the network is sick. It looks at no signature.
 */

import { createHash } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** The requests of the protocol that a fault can be ordered for. */
export type S3Request =
  | 'put'
  | 'get'
  | 'head'
  | 'delete'
  | 'list'
  | 'create-upload'
  | 'upload-part'
  | 'complete-upload'
  | 'abort-upload';

export type S3Fault =
  /** This status, with S3's error document of this code. */
  | { readonly kind: 'answer'; readonly status: number; readonly code: string }
  /** The connection is reset when the request has come in; it has no effect. */
  | { readonly kind: 'reset' }
  /** The request takes effect, and the connection is reset before the answer. */
  | { readonly kind: 'answer-lost' }
  /** The answer announces the whole body, and the connection ends in its middle. */
  | { readonly kind: 'truncated' }
  /** An upload is said to be complete, and nothing comes of it: as if another request, which has died, were at it. */
  | { readonly kind: 'claimed' }
  /** No answer ever comes. */
  | { readonly kind: 'silence' };

interface Upload {
  readonly key: string;
  readonly parts: Map<number, Buffer>;
}

export class S3Stub {
  readonly bucket: string;
  /** By key. */
  readonly objects: Map<string, Buffer> = new Map();
  readonly uploads: Map<string, Upload> = new Map();
  /** Requests that came in, in order. */
  readonly requests: S3Request[] = [];
  /** Whether it knows `If-None-Match`; one that does not answers 501. */
  knowsConditions: boolean = true;
  /** Objects on a page of a listing. */
  pageSize: number = 1000;
  readonly #server: Server;
  readonly #faults = new Map<S3Request, S3Fault[]>();
  #uploadsBegun = 0;

  private constructor(bucket: string) {
    this.bucket = bucket;
    this.#server = createServer((request, response) => void this.#serve(request, response));
  }

  /** Starts one on a free port of 127.0.0.1. */
  static async start(bucket: string): Promise<S3Stub> {
    const stub = new S3Stub(bucket);
    await new Promise<void>((resolve, reject) => {
      stub.#server.once('error', reject);
      stub.#server.listen(0, '127.0.0.1', resolve);
    });
    return stub;
  }

  get endpoint(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** The next request of this kind meets the fault; several orders are met one after the other. */
  next(request: S3Request, fault: S3Fault, times = 1): void {
    const queue = this.#faults.get(request) ?? [];
    for (let i = 0; i < times; i += 1) queue.push(fault);
    this.#faults.set(request, queue);
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    try {
      for await (const chunk of request) chunks.push(chunk as Buffer);
    } catch {
      return;
    }
    const url = new URL(request.url ?? '/', 'http://stub');
    const [bucket = '', ...rest] = decodeURIComponent(url.pathname).slice(1).split('/');
    const key = rest.join('/');
    const kind = kindOf(request.method ?? '', url, key);
    this.requests.push(kind);
    const fault = this.#faults.get(kind)?.shift();
    if (fault?.kind === 'silence') return;
    if (fault?.kind === 'reset') {
      request.socket.resetAndDestroy();
      return;
    }
    if (fault?.kind === 'answer') {
      refuse(response, fault.status, fault.code);
      return;
    }
    if (fault?.kind === 'claimed') {
      const { body } = completed(key);
      response.writeHead(200, { 'Content-Length': body?.length });
      response.end(body);
      return;
    }
    if (fault?.kind === 'truncated') {
      const whole = this.objects.get(key) ?? Buffer.alloc(2);
      response.writeHead(200, { 'Content-Length': whole.length });
      response.write(whole.subarray(0, whole.length >> 1), () => request.socket.destroy());
      return;
    }
    const answer =
      bucket === this.bucket
        ? this.#answer(kind, request, url, key, Buffer.concat(chunks))
        : { status: 404, code: 'NoSuchBucket' };
    if (fault?.kind === 'answer-lost') {
      request.socket.resetAndDestroy();
      return;
    }
    if (answer.code !== undefined) {
      refuse(response, answer.status, answer.code);
      return;
    }
    response.writeHead(answer.status, {
      ...answer.headers,
      ...(answer.body === undefined ? {} : { 'Content-Length': answer.body.length }),
    });
    response.end(kind === 'head' ? undefined : answer.body);
  }

  #answer(kind: S3Request, request: IncomingMessage, url: URL, key: string, body: Buffer): Answer {
    switch (kind) {
      case 'put':
        return this.#keep(request, key, body);
      case 'get':
      case 'head': {
        const object = this.objects.get(key);
        return object === undefined ? { status: 404, code: 'NoSuchKey' } : { status: 200, body: object };
      }
      case 'delete':
        this.objects.delete(key);
        return { status: 204 };
      case 'list':
        return this.#list(url);
      case 'create-upload': {
        this.#uploadsBegun += 1;
        const id = `upload-${this.#uploadsBegun}`;
        this.uploads.set(id, { key, parts: new Map() });
        return xml(`<InitiateMultipartUploadResult><UploadId>${id}</UploadId></InitiateMultipartUploadResult>`);
      }
      case 'upload-part': {
        const upload = this.uploads.get(url.searchParams.get('uploadId') ?? '');
        if (upload === undefined) return { status: 404, code: 'NoSuchUpload' };
        upload.parts.set(Number(url.searchParams.get('partNumber')), body);
        return { status: 200, headers: { ETag: etagOf(body) } };
      }
      case 'complete-upload': {
        const id = url.searchParams.get('uploadId') ?? '';
        const upload = this.uploads.get(id);
        if (upload === undefined) return { status: 404, code: 'NoSuchUpload' };
        const numbers = [...body.toString().matchAll(/<PartNumber>(\d+)</g)].map((match) => Number(match[1]));
        const kept = this.#keep(request, key, Buffer.concat(numbers.map((number) => upload.parts.get(number)!)));
        if (kept.code !== undefined) return kept;
        this.uploads.delete(id);
        return completed(key);
      }
      case 'abort-upload':
        this.uploads.delete(url.searchParams.get('uploadId') ?? '');
        return { status: 204 };
    }
  }

  #keep(request: IncomingMessage, key: string, bytes: Buffer): Answer {
    if (request.headers['if-none-match'] === '*') {
      if (!this.knowsConditions) return { status: 501, code: 'NotImplemented' };
      if (this.objects.has(key)) return { status: 412, code: 'PreconditionFailed' };
    }
    this.objects.set(key, bytes);
    return { status: 200, headers: { ETag: etagOf(bytes) } };
  }

  #list(url: URL): Answer {
    const prefix = url.searchParams.get('prefix') ?? '';
    const from = url.searchParams.get('continuation-token') ?? '';
    const keys = [...this.objects.keys()].filter((key) => key.startsWith(prefix) && key > from).sort();
    const page = keys.slice(0, this.pageSize);
    const more = keys.length > page.length;
    const contents = page.map((key) => {
      const modified = new Date(0).toISOString();
      return `<Contents><Key>${key}</Key><Size>${this.objects.get(key)!.length}</Size><LastModified>${modified}</LastModified></Contents>`;
    });
    const token = more ? `<NextContinuationToken>${page.at(-1)}</NextContinuationToken>` : '';
    return xml(`<ListBucketResult><IsTruncated>${more}</IsTruncated>${token}${contents.join('')}</ListBucketResult>`);
  }
}

interface Answer {
  readonly status: number;
  readonly code?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Buffer;
}

function completed(key: string): Answer {
  return xml(`<CompleteMultipartUploadResult><Key>${key}</Key></CompleteMultipartUploadResult>`);
}

function kindOf(method: string, url: URL, key: string): S3Request {
  const upload = url.searchParams.has('uploadId');
  if (method === 'POST') return upload ? 'complete-upload' : 'create-upload';
  if (method === 'PUT') return upload ? 'upload-part' : 'put';
  if (method === 'DELETE') return upload ? 'abort-upload' : 'delete';
  if (method === 'HEAD') return 'head';
  return key === '' ? 'list' : 'get';
}

function etagOf(bytes: Buffer): string {
  return `"${createHash('md5').update(bytes).digest('hex')}"`;
}

function xml(text: string): Answer {
  return {
    status: 200,
    headers: { 'Content-Type': 'application/xml' },
    body: Buffer.from(`<?xml version="1.0" encoding="UTF-8"?>\n${text}`),
  };
}

function refuse(response: ServerResponse, status: number, code: string): void {
  const body = `<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>${code}</Code><Message>as ordered</Message></Error>`;
  response.writeHead(status, { 'Content-Type': 'application/xml', 'Content-Length': Buffer.byteLength(body) });
  response.end(body);
}
