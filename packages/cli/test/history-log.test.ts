import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { after, before, describe, it } from 'node:test';
import { headkeeper } from './headkeeper-process.ts';
import { bytes, lines, ServedFolder } from './served-folder.ts';

interface ChangeLine {
  readonly time: string;
  readonly zxid: string;
  readonly session: string;
  readonly client?: string;
  readonly operation: string;
  readonly multi: boolean;
  readonly path: string;
  readonly before: { readonly data: unknown; readonly acl: unknown; readonly kind: string } | null;
  readonly after: { readonly data: unknown; readonly acl: unknown; readonly kind: string } | null;
}

describe('log', () => {
  let served: ServedFolder;

  async function log(...words: string[]): Promise<ChangeLine[]> {
    const { code, stdout, stderr } = await headkeeper(['log', '--data-dir', served.dataDir, '--json', ...words]);
    assert.equal(code, 0, stderr);
    return lines<ChangeLine>(stdout);
  }

  before(async () => {
    served = await ServedFolder.start();
    const client = await served.connect();
    await client.create('/config', bytes('v1')); // 0x2
    await client.create('/config/db', bytes('a')); // 0x3
    await client.setData('/config/db', Uint8Array.of(0, 255)); // 0x4
    await client.setACL('/config/db', [{ perms: 1, scheme: 'world', id: 'anyone' }]); // 0x5
    await client.transaction().create('/config/x', '1').setData('/config/x', '2').setData('/config', 'v2').commit(); // 0x6
    await assert.rejects(client.transaction().setData('/config', 'lost').setData('/none', '').commit()); // 0x7
    await client.delete('/config/x'); // 0x8
    await client.create('/other', null); // 0x9
    await client.close(); // 0xa
    const owner = await served.connect(); // 0xb
    await owner.transaction().create('/config/lock', 'mine', { mode: 'ephemeral' }).commit(); // 0xc
    await owner.close(); // 0xd
  });
  after(() => served.remove());

  it('tells every change below a path, with what was there before and after', async () => {
    const changes = await log('/config', '--recursive');
    const told = changes.map(({ zxid, operation, multi, path, before, after }) => [
      zxid,
      operation + (multi ? ' (multi)' : ''),
      path,
      before?.data,
      after?.data,
    ]);
    const text = (value: string) => ({ text: value, bytes: value.length });
    assert.deepEqual(told, [
      ['0x2', 'create', '/config', undefined, text('v1')],
      ['0x3', 'create', '/config/db', undefined, text('a')],
      ['0x4', 'setData', '/config/db', text('a'), { hex: '00ff', bytes: 2 }],
      ['0x5', 'setACL', '/config/db', { hex: '00ff', bytes: 2 }, { hex: '00ff', bytes: 2 }],
      ['0x6', 'create (multi)', '/config/x', undefined, text('1')],
      ['0x6', 'setData (multi)', '/config/x', text('1'), text('2')],
      ['0x6', 'setData (multi)', '/config', text('v1'), text('v2')],
      ['0x8', 'delete', '/config/x', text('2'), undefined],
      ['0xc', 'create (multi)', '/config/lock', undefined, text('mine')],
      ['0xd', 'closeSession', '/config/lock', text('mine'), undefined],
    ]);
    const acl = changes[3];
    assert.deepEqual(acl?.before?.acl, [{ scheme: 'world', id: 'anyone', perms: 'cdrwa' }]);
    assert.deepEqual(acl?.after?.acl, [{ scheme: 'world', id: 'anyone', perms: 'r' }]);
    assert.equal(changes[8]?.after?.kind, 'ephemeral');
    assert.equal(new Set(changes.slice(0, 8).map(({ session }) => session)).size, 1);
    assert.notEqual(changes[8]?.session, changes[0]?.session);
  });

  it('tells of one znode alone, and of all without a path', async () => {
    const one = await log('/config');
    assert.deepEqual(
      one.map(({ zxid }) => zxid),
      ['0x2', '0x6'],
    );
    const all = await log();
    assert.equal(all.length, 11);
    assert.ok(all.some(({ path }) => path === '/other'));
    // A name that only begins the same is not below.
    assert.deepEqual(await log('/conf', '--recursive'), []);
  });

  it('keeps to the two points in time', async () => {
    const between = await log('/config', '--recursive', '--from', '0x4', '--to', '0x6');
    assert.deepEqual(
      between.map(({ zxid }) => zxid),
      ['0x4', '0x5', '0x6', '0x6', '0x6'],
    );
    // What was there before is known although it was made before the beginning.
    assert.deepEqual(between[0]?.before?.data, { text: 'a', bytes: 1 });
    const all = await log('/config', '--recursive');
    const [from, to] = [all[1]?.time as string, all[3]?.time as string];
    const timed = await log('/config', '--recursive', '--from', from, '--to', to);
    assert.deepEqual(
      timed,
      all.filter(({ time }) => time >= from && time <= to),
    );
    assert.ok(timed.length >= 3);
  });

  it('shows it to people', async () => {
    const { stdout } = await headkeeper(['log', '/config/db', '--data-dir', served.dataDir]);
    const [created, value] = stdout.split('\n');
    assert.match(created as string, /^\d{4}-\d\d-\d\dT[\d:.]+Z 0x3 session 0x[0-9a-f]+ create \/config\/db$/);
    assert.equal(value, '  + "a" (1 byte)');
    assert.match(stdout, / {2}- "a" \(1 byte\)\n {2}\+ 0x00ff \(2 bytes\)\n/);
    assert.match(stdout, / {2}- acl world:anyone:cdrwa\n {2}\+ acl world:anyone:r\n/);
  });

  it("finds clients' addresses in an audit log", async () => {
    const [first, ...rest] = await log('/config', '--recursive');
    const other = rest.at(-1)?.session;
    const file = served.file('audit.log');
    const second = new Date(first?.time as string);
    const local = new Date(second.getTime() - second.getTimezoneOffset() * 60_000).toISOString().slice(0, 19);
    writeFileSync(
      file,
      `${local.replace('T', ' ')},000 [myid:] - INFO  [x] - session=${first?.session}\tuser=10.0.0.7\tip=10.0.0.7\toperation=create\tznode=/config\tznode_type=persistent\tresult=success\n` +
        'no audit record at all\n',
    );
    const told = await log('/config', '--recursive', '--audit-log', file);
    assert.equal(told[0]?.client, '10.0.0.7');
    assert.ok(told.every(({ session, client }) => (session === other) === (client === undefined)));
    const { stdout } = await headkeeper(['log', '/config', '--data-dir', served.dataDir, '--audit-log', file]);
    assert.match(stdout, / session 0x[0-9a-f]+ client 10\.0\.0\.7 create \/config$/m);
    const missing = await headkeeper(['log', '--data-dir', served.dataDir, '--audit-log', served.file('none')]);
    assert.equal(missing.code, 1);
    assert.match(missing.stderr, /cannot read the audit log .*none/);
  });

  it('says what is wrong with the arguments', async () => {
    const wrong = async (...words: string[]) => {
      const { code, stderr } = await headkeeper(['log', ...words]);
      return `${code} ${stderr}`;
    };
    assert.match(await wrong(), /^2 headkeeper: say where the past is: --config/);
    assert.match(await wrong('--data-dir', served.folder), /^2 .*is no data directory: it has no folder version-2/);
    assert.match(await wrong('x', '--data-dir', served.dataDir), /^2 .*the path "x" does not start with \//);
    assert.match(
      await wrong('--from', 'yesterday', '--data-dir', served.dataDir),
      /^2 .*"yesterday" is no point in time/,
    );
    assert.match(
      await wrong('--to', '0xffff', '--data-dir', served.dataDir),
      /^42 .*ends at 0xd: it does not reach 0xffff/,
    );
    assert.match(
      await wrong('--to', '2001-01-01', '--data-dir', served.dataDir),
      /^0 headkeeper: nothing changed there/,
    );
  });
});
