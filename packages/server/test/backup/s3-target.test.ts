import assert from 'node:assert/strict';
import { createServer } from 'node:net';
import { describe, it } from 'node:test';
import { S3Stub, targetChecks } from '@headkeeper/testkit';
import { createS3Target, type S3TargetOptions } from '../../src/backup/s3-target.ts';
import { type BackupTarget, TargetError, type TargetFailure } from '../../src/backup/target.ts';

const never = new AbortController().signal;
const secret = 'this-is-the-secret-key';
const MEBIBYTE = 1024 * 1024;

function open(stub: { readonly endpoint: string }, change: Partial<S3TargetOptions> = {}): Promise<BackupTarget> {
  return createS3Target({
    bucket: 'backups',
    prefix: 'prod/zk',
    endpoint: stub.endpoint,
    region: 'us-east-1',
    pathStyle: true,
    credentials: { accessKeyId: 'AKEY', secretAccessKey: secret },
    connectTimeoutMs: 2_000,
    idleTimeoutMs: 10_000,
    attempts: 1,
    settleMs: 0,
    partBytes: 5 * MEBIBYTE,
    ...change,
  });
}

async function withStub(body: (stub: S3Stub) => Promise<void>): Promise<void> {
  const stub = await S3Stub.start('backups');
  try {
    await body(stub);
  } finally {
    await stub.stop();
  }
}

async function read(target: BackupTarget, name: string): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of target.get(name, never)) chunks.push(chunk);
  return Buffer.concat(chunks);
}

async function names(target: BackupTarget): Promise<string[]> {
  const found: string[] = [];
  for await (const { name } of target.list('', never)) found.push(name);
  return found;
}

/** Fails as said, naming everything that an operator needs and no secret. */
async function failsWith(failure: TargetFailure, call: () => Promise<unknown>, ...words: RegExp[]): Promise<void> {
  await assert.rejects(call, (error) => {
    assert.ok(error instanceof TargetError, String(error));
    assert.equal(error.failure, failure, error.message);
    for (const word of [/bucket backups at http:\/\/127\.0\.0\.1:\d+/, ...words]) assert.match(error.message, word);
    assert.equal(error.message.includes(secret), false, error.message);
    return true;
  });
}

const large = Buffer.alloc(5 * MEBIBYTE + 10, 'headkeeper');

describe('an S3 bucket as a target', () => {
  for (const check of targetChecks) {
    it(check.title, () =>
      withStub(async (stub) => {
        const target = await open(stub);
        await check.body(target);
        await target.close();
        assert.equal(stub.uploads.size, 0, 'no parts are left behind');
      }),
    );
  }

  it('puts everything below the prefix and shows nothing beside it', () =>
    withStub(async (stub) => {
      stub.objects.set('prod/zk2/log/x.json', Buffer.from('of another ensemble'));
      stub.objects.set('log/y.json', Buffer.from('of yet another'));
      const target = await open(stub);
      await target.put('log/a.json', Buffer.from('ours'), never);
      assert.deepEqual([...stub.objects.keys()].sort(), ['log/y.json', 'prod/zk/log/a.json', 'prod/zk2/log/x.json']);
      assert.deepEqual(await names(target), ['log/a.json']);
      assert.match(target.description, /^s3:\/\/backups\/prod\/zk at http:/);
      const whole = await open(stub, { prefix: '' });
      assert.deepEqual(await names(whole), ['log/y.json', 'prod/zk/log/a.json', 'prod/zk2/log/x.json']);
    }));

  it('overwrites nothing where the service does not know If-None-Match', () =>
    withStub(async (stub) => {
      stub.knowsConditions = false;
      const target = await open(stub);
      await target.put('a.json', Buffer.from('first'), never);
      await failsWith('exists', () => target.put('a.json', Buffer.from('second'), never), /prod\/zk\/a\.json/);
      await target.put('b.log', large, never);
      await failsWith('exists', () => target.put('b.log', large, never), /not overwritten/);
      assert.equal((await read(target, 'a.json')).toString(), 'first');
      assert.equal(stub.uploads.size, 0);
    }));
});

const answers: readonly (readonly [number, string, TargetFailure, RegExp])[] = [
  [503, 'SlowDown', 'unreachable', /busy/],
  [500, 'InternalError', 'unreachable', /busy/],
  [403, 'AccessDenied', 'denied', /s3:PutObject/],
  [403, 'InvalidAccessKeyId', 'denied', /AWS_ACCESS_KEY_ID/],
  [403, 'SignatureDoesNotMatch', 'denied', /AWS_SECRET_ACCESS_KEY/],
  [400, 'ExpiredToken', 'denied', /AWS_SESSION_TOKEN/],
  [403, 'RequestTimeTooSkewed', 'denied', /clock/],
  [404, 'NoSuchBucket', 'other', /create it/],
  [507, 'XMinioStorageFull', 'full', /make room/],
  [403, 'QuotaExceeded', 'full', /quota/],
  [301, 'PermanentRedirect', 'other', /region/],
  [400, 'AuthorizationHeaderMalformed', 'other', /region/],
  // Not every 404 is about an object: this one is VersityGW's for an unknown key, the next might be any proxy's.
  [404, 'XAdminUserNotFound', 'denied', /AWS_ACCESS_KEY_ID/],
  [404, 'PageNotFound', 'other', /check the target's endpoint/],
  [400, 'SomethingNobodyKnows', 'other', /SomethingNobodyKnows, HTTP 400/],
];

describe('a sick S3 service', () => {
  for (const [status, code, failure, word] of answers) {
    it(`says what ${code} means, whatever was asked`, () =>
      withStub(async (stub) => {
        const target = await open(stub);
        const fault = { kind: 'answer', status, code } as const;
        for (const kind of ['put', 'get', 'list', 'delete', 'create-upload', 'upload-part', 'complete-upload'] as const)
          stub.next(kind, fault);
        await failsWith(failure, () => target.put('a.json', Buffer.from('x'), never), word, /cannot put prod\/zk\/a/);
        await failsWith(failure, () => read(target, 'a.json'), word, /cannot get prod\/zk\/a\.json/);
        await failsWith(failure, () => names(target), word, /cannot list/);
        await failsWith(failure, () => target.remove('a.json', never), word, /cannot remove prod\/zk\/a\.json/);
        for (let step = 0; step < 3; step += 1)
          await failsWith(failure, () => target.put('b.log', large, never), word, /cannot put prod\/zk\/b\.log/);
        assert.equal(stub.objects.size, 0);
        assert.equal(stub.uploads.size, 0, 'the parts are withdrawn');
        await target.put('b.log', large, never);
        assert.deepEqual(await read(target, 'b.log'), large);
      }));
  }

  it('tries again by itself when it is asked to, and not for ever', () =>
    withStub(async (stub) => {
      const target = await open(stub, { attempts: 3 });
      stub.next('put', { kind: 'answer', status: 503, code: 'SlowDown' }, 2);
      await target.put('a.json', Buffer.from('x'), never);
      stub.next('get', { kind: 'reset' }, 2);
      assert.equal((await read(target, 'a.json')).toString(), 'x');
      stub.next('list', { kind: 'answer', status: 500, code: 'InternalError' }, 3);
      await failsWith('unreachable', () => names(target));
      assert.deepEqual(await names(target), ['a.json']);
    }));

  it('takes its own earlier attempt, of which the answer was lost, for what it is', () =>
    withStub(async (stub) => {
      const target = await open(stub, { attempts: 3 });
      stub.next('put', { kind: 'answer-lost' });
      await target.put('a.json', Buffer.from('ours'), never);
      assert.equal((await read(target, 'a.json')).toString(), 'ours');
      // The object of somebody else is none of that.
      await target.put('b.json', Buffer.from('of somebody else'), never);
      stub.next('put', { kind: 'reset' });
      await failsWith('exists', () => target.put('b.json', Buffer.from('ours'), never));
    }));

  it('does not believe that an upload is complete, which it has asked for again, when there is no object', () =>
    withStub(async (stub) => {
      const target = await open(stub, { attempts: 3 });
      stub.next('complete-upload', { kind: 'reset' });
      stub.next('complete-upload', { kind: 'claimed' });
      await failsWith('unreachable', () => target.put('b.log', large, never), /there is no object/);
      assert.equal(stub.objects.size, 0);
      assert.equal(stub.uploads.size, 0, 'the parts are withdrawn');
      stub.next('complete-upload', { kind: 'reset' });
      await target.put('b.log', large, never);
      assert.deepEqual(await read(target, 'b.log'), large);
    }));

  it('says that a connection was lost, before and after the request took effect', () =>
    withStub(async (stub) => {
      const target = await open(stub);
      stub.next('put', { kind: 'reset' });
      await failsWith('unreachable', () => target.put('a.json', Buffer.from('x'), never), /connection was lost/);
      assert.equal(stub.objects.size, 0);
      stub.next('put', { kind: 'answer-lost' });
      await failsWith('unreachable', () => target.put('a.json', Buffer.from('x'), never), /connection was lost/);
      assert.equal(stub.objects.size, 1);
      stub.next('upload-part', { kind: 'reset' });
      await failsWith('unreachable', () => target.put('b.log', large, never), /connection was lost/);
      assert.equal(stub.uploads.size, 0);
    }));

  it('never takes a part of an object for the whole', () =>
    withStub(async (stub) => {
      const target = await open(stub);
      await target.put('b.log', large, never);
      stub.next('get', { kind: 'truncated' });
      await failsWith('unreachable', () => read(target, 'b.log'), /cannot get prod\/zk\/b\.log/);
      assert.deepEqual(await read(target, 'b.log'), large);
    }));

  it('does not wait for ever for an answer', () =>
    withStub(async (stub) => {
      const target = await open(stub, { idleTimeoutMs: 100 });
      await target.put('a.json', Buffer.from('x'), never);
      for (const kind of ['put', 'get', 'list', 'delete'] as const) stub.next(kind, { kind: 'silence' });
      await failsWith('unreachable', () => target.put('b.json', Buffer.from('x'), never), /did not answer in time/);
      await failsWith('unreachable', () => read(target, 'a.json'), /did not answer in time/);
      await failsWith('unreachable', () => names(target), /did not answer in time/);
      await failsWith('unreachable', () => target.remove('a.json', never), /did not answer in time/);
    }));

  it('can be left in the middle of a request', () =>
    withStub(async (stub) => {
      const target = await open(stub);
      const reason = new Error('the server stops');
      stub.next('put', { kind: 'silence' });
      const stop = new AbortController();
      const put = target.put('a.json', Buffer.from('x'), stop.signal);
      const seen = assert.rejects(put, reason);
      while (!stub.requests.includes('put')) await new Promise(setImmediate);
      stop.abort(reason);
      await seen;
    }));

  it('says so when nothing listens there, and when there is no such host', async () => {
    const port = await new Promise<number>((resolve) => {
      const server = createServer().listen(0, '127.0.0.1', () => {
        const address = server.address();
        server.close(() => resolve(typeof address === 'object' && address !== null ? address.port : 0));
      });
    });
    const target = await open({ endpoint: `http://127.0.0.1:${port}` });
    await failsWith('unreachable', () => target.put('a.json', Buffer.from('x'), never), /ECONNREFUSED.*service runs/);
    await failsWith('unreachable', () => names(target), /cannot list prod\/zk\//);
    const nowhere = await open({ endpoint: 'http://no-such-host.invalid:9000' });
    await assert.rejects(
      () => nowhere.put('a.json', Buffer.from('x'), never),
      (error) => error instanceof TargetError && error.failure === 'unreachable' && /no-such-host/.test(error.message),
    );
  });
});
