import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { S3Stub } from '@headkeeper/testkit';
import { TargetError } from '../../src/backup/target.ts';
import { openTarget, type TargetPlace } from '../../src/backup/target-opening.ts';

const keys = { AWS_ACCESS_KEY_ID: 'AKEY', AWS_SECRET_ACCESS_KEY: 'a-secret' };
const at = (url: string, more: Partial<TargetPlace> = {}): TargetPlace => ({
  url,
  endpoint: null,
  region: null,
  pathStyle: null,
  ...more,
});

async function refuses(place: TargetPlace, environment: Record<string, string>, message: RegExp): Promise<void> {
  await assert.rejects(openTarget(place, environment), (error) => {
    assert.ok(error instanceof TargetError);
    assert.match(error.message, message);
    assert.equal(/a-secret|hunter2/.test(error.message), false, error.message);
    return true;
  });
}

describe('opening a target', () => {
  it('takes folders as paths and as addresses', async () => {
    assert.equal((await openTarget(at('/srv/backups'), {})).description, '/srv/backups');
    assert.equal((await openTarget(at('file:///srv/of%20zk'), {})).description, '/srv/of zk');
  });

  it('takes buckets with and without a prefix, at an endpoint and at Amazon', async () => {
    const open = async (url: string, more: Partial<TargetPlace>, env: Record<string, string> = {}): Promise<string> =>
      (await openTarget(at(url, more), { ...keys, ...env })).description;
    assert.equal(
      await open('s3://backups', { endpoint: 'http://10.0.0.1:9000' }),
      's3://backups at http://10.0.0.1:9000',
    );
    assert.equal(
      await open('s3://backups/prod/zk/', { endpoint: 'https://s3.example.com/' }),
      's3://backups/prod/zk at https://s3.example.com',
    );
    assert.equal(await open('s3://backups', { region: 'eu-central-1' }), 's3://backups at Amazon S3 in eu-central-1');
    assert.equal(await open('s3://backups', {}), 's3://backups at Amazon S3 in us-east-1');
    assert.equal(await open('s3://backups', {}, { AWS_REGION: 'eu-west-1' }), 's3://backups at Amazon S3 in eu-west-1');
    const elsewhere = { AWS_ENDPOINT_URL: 'http://a:1', AWS_ENDPOINT_URL_S3: 'http://b:2' };
    assert.equal(await open('s3://backups', {}, elsewhere), 's3://backups at http://b:2');
    assert.equal(await open('s3://backups', { endpoint: 'http://c:3' }, elsewhere), 's3://backups at http://c:3');
  });

  it('reaches the bucket that it names', async () => {
    const stub = await S3Stub.start('backups');
    try {
      const target = await openTarget(at('s3://backups/zk', { endpoint: stub.endpoint }), keys);
      await target.put('a.json', Buffer.from('x'), new AbortController().signal);
      assert.deepEqual([...stub.objects.keys()], ['zk/a.json']);
    } finally {
      await stub.stop();
    }
  });

  const wrong: readonly (readonly [string, RegExp])[] = [
    ['', /no absolute path: write \/folder/],
    ['backups', /"backups" is no absolute path: write \/folder, file:\/\/\/folder or s3:\/\/bucket\/prefix/],
    ['./backups', /no absolute path/],
    ['file://host/folder', /no folder of this machine: write file:\/\/\/folder/],
    ['http://admin:hunter2@host/x', /kind "http:" is not known/],
    ['s3:backups', /names no bucket/],
    ['s3://', /names no bucket/],
    ['s3://ab', /names no bucket: .* 3 to 63/],
    ['s3://Backups', /names no bucket/],
    ['s3://AKEY:hunter2@backups/x', /no credentials: set AWS_ACCESS_KEY_ID/],
    ['s3://backups/x?endpoint=http://a', /settings of their own/],
    ['s3://backups/a//b', /has "" in its prefix/],
    ['s3://backups/../b', /has "\.\." in its prefix/],
    ['s3://backups/a b', /has "a b" in its prefix/],
  ];
  for (const [url, message] of wrong) it(`refuses "${url}"`, () => refuses(at(url), keys, message));

  it('refuses endpoints that are none', async () => {
    for (const endpoint of ['localhost:9000', 'ftp://host', 'http://host/path', 'http://host/?x', 'nothing'])
      await refuses(at('s3://backups', { endpoint }), keys, /is no address of a service: write http:\/\/host:port/);
    await refuses(at('s3://backups', { endpoint: 'http://me:hunter2@host' }), keys, /holds credentials/);
  });

  it('says which credentials are missing', async () => {
    await refuses(at('s3://backups'), {}, /set AWS_ACCESS_KEY_ID in the environment/);
    await refuses(at('s3://backups'), { AWS_ACCESS_KEY_ID: 'A' }, /set AWS_SECRET_ACCESS_KEY in the environment/);
    await refuses(at('s3://backups'), { ...keys, AWS_ACCESS_KEY_ID: '' }, /set AWS_ACCESS_KEY_ID/);
  });
});
