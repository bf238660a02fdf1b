import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { AdminHarness, digest } from './admin-harness.ts';

const OPS = digest('ops', 'secret');
/** What does something: each with a call that is right but for its credentials. */
const DOING = [
  ...['create_snapshot', 'transfer_leadership', 'request_leadership', 'expire_session?session=0x1'],
  ...['close_connection?session=0x1', 'reload_configuration', 'log_level?level=info'],
];

describe('commands that only Headkeeper has', { timeout: 60_000 }, () => {
  const harness = new AdminHarness(['ssl.keyStore.password=hidden-word']);
  before(() => harness.start());
  after(() => harness.end());

  const post = async (command: string, headers: Record<string, string> = OPS): Promise<[number, unknown]> => {
    const response = await harness.fetch(`/commands/${command}`, { method: 'POST', headers });
    return [response.status, await response.json()];
  };

  it('do nothing without credentials, and nothing when they are asked for with GET', async () => {
    for (const command of DOING) {
      assert.equal((await post(command, {}))[0], 401, command);
      if (command.startsWith('log_level')) continue;
      assert.equal((await harness.fetch(`/commands/${command}`, { headers: OPS })).status, 405, command);
    }
  });

  it('write a snapshot of what is there', async () => {
    const session = await harness.session();
    await session.create('/snapped', '');
    session.end();
    const [status, answer] = await post('create_snapshot');
    assert.equal(status, 200);
    const zxid = (answer as { last_zxid: string }).last_zxid;
    const names = readdirSync(join(harness.dataDir, 'version-2'));
    assert.ok(names.includes(`snapshot.${zxid.slice(2)}`), names.join(' '));
    const { last_snapshot_zxid: last, last_applied_zxid: applied } = await harness.ask('lgif');
    assert.deepEqual([last, applied], [zxid, zxid]);
  });

  it('end a session, and close a connection whose session lives on', async () => {
    const doomed = await harness.session();
    const moved = await harness.session();
    const open = { perms: 31, scheme: 'world', id: 'anyone' };
    await doomed.call('create', { path: '/doomed', data: null, acl: [open], flags: 1 });
    await moved.call('create', { path: '/moved', data: null, acl: [open], flags: 1 });
    const text = await (await harness.fetch('/commands/dump')).text();
    const idOf = (path: string): string => new RegExp(`"(\\d+)" : \\[ "${path}" \\]`).exec(text)?.[1] ?? '';
    assert.deepEqual((await post('expire_session?session=0x123456'))[0], 404);
    assert.deepEqual((await post('expire_session?session=nonsense'))[0], 400);
    assert.deepEqual((await post(`expire_session?session=${idOf('/doomed')}`))[0], 200);
    assert.deepEqual(await post(`close_connection?session=${idOf('/moved')}`), [
      200,
      { closed: 1, command: 'close_connection', error: null },
    ]);
    const after = await (await harness.fetch('/commands/dump')).text();
    assert.doesNotMatch(after, /\/doomed/);
    assert.match(after, /\/moved/);
    assert.equal((await post('close_connection?address=192.0.2.1:1'))[0], 404);
    assert.equal((await post('close_connection'))[0], 400);
    doomed.end();
    moved.end();
  });

  it('show every setting with its origin, and no secret', async () => {
    const response = await harness.fetch('/commands/settings');
    const text = await response.text();
    const { settings } = JSON.parse(text) as { settings: { key: string; value: string; origin: string }[] };
    assert.equal(settings.find(({ key }) => key === 'tickTime')?.value, '500');
    assert.match(settings.find(({ key }) => key === 'tickTime')?.origin ?? '', /:4$/);
    assert.equal(settings.find(({ key }) => key === 'snapCount')?.origin, 'default');
    assert.doesNotMatch(text, /hidden-word/);
  });

  it('say what does not apply to a server that stands alone', async () => {
    assert.equal((await post('transfer_leadership'))[0], 409);
    assert.equal((await post('transfer_leadership?to=x'))[0], 400);
    assert.equal((await post('reload_configuration'))[0], 503);
    assert.equal((await post('log_level?level=loud'))[0], 400);
    assert.equal((await post('log_level?level=debug'))[0], 503, "the log is this test's");
  });

  it('tell versions and times', async () => {
    assert.equal((await harness.ask('apiv')).api_version, 1);
    assert.ok(Number((await harness.ask('uptm')).uptime) >= 0);
  });
});

describe('the health of a server', { timeout: 60_000 }, () => {
  const harness = new AdminHarness();
  before(() => harness.start());
  after(() => harness.end());
  const ask = async (path: string): Promise<[number, string]> => {
    const response = await harness.fetch(path);
    return [response.status, await response.text()];
  };

  it('is a word, or each check, or one of them', async () => {
    assert.deepEqual(await ask('/livez'), [200, 'ok\n']);
    assert.deepEqual(await ask('/readyz'), [200, 'ok\n']);
    assert.deepEqual(await ask('/readyz?verbose'), [200, '[+]serving ok\n[+]quorum ok\n[+]disk ok\nok\n']);
    assert.deepEqual(await ask('/readyz?verbose&exclude=disk'), [200, '[+]serving ok\n[+]quorum ok\nok\n']);
    assert.deepEqual(await ask('/readyz/quorum'), [200, 'ok\n']);
    assert.equal((await ask('/readyz/nosuch'))[0], 404);
  });
});
