import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Acl, type Identity, Permission, WORLD_ANYONE_ALL } from '@headkeeper/protocol';
import fc from 'fast-check';
import { fixUpAcl as fixUp, maskAcl, permits } from '../../src/core/tree/acl-match.ts';
import { AclTable, OPEN_ACL_ID } from '../../src/core/tree/acl-table.ts';

const ip: Identity = { scheme: 'ip', id: '10.1.2.3' };
const ann: Identity = { scheme: 'digest', id: 'ann:hash' };
const bob: Identity = { scheme: 'digest', id: 'bob:hash' };
const root: Identity = { scheme: 'super', id: '' };
const PLAIN: ReadonlySet<string> = new Set(['digest']);
const WITH_SASL: ReadonlySet<string> = new Set(['digest', 'sasl']);

function fixUpAcl(
  requested: readonly Acl[] | null,
  identities: readonly Identity[],
  schemes: ReadonlySet<string> = PLAIN,
): Acl[] | null {
  return fixUp(requested, identities, schemes);
}

function acl(scheme: string | null, id: string | null, perms: number = Permission.all): Acl {
  return { perms, scheme, id };
}

/** Ids that an ip entry may have (8.3; IPv6 since 3.9.4), as Java reads numbers, and ids that it may not have. */
const IP_VALID = [
  ...['1.2.3.4', '0.0.0.0/0', '1.2.3.4/32', '01.+2.003.4', '1.2.3.4/+8', '1.2.3.4/-0', '255.255.255.255'],
  ...['::', '::1', '1::', '1:2:3:4:5:6:7:8', '1:2:3::8', 'FE80::aBc/10', '::/0', '::1/128', '1:2:3:4:5:6:7::', '::-1'],
];
const IP_INVALID = [
  ...['', 'localhost', '1', '1.2.3', '1.2.3.4.5', '1.2.3.256', '1.2.3.-1', '1.2.3.', '.1.2.3', '1.2.3.4 ', '1.2.3.a'],
  ...['1.2.3.4/', '1.2.3.4/33', '1.2.3.4/-1', '1.2.3.4/8/8', '1.2.3.4/x', '1.2.3.4/99999999999', '/8'],
  ...[':', ':::', '1::2::3', '1:2:3:4:5:6:7', '1:2:3:4:5:6:7:8:9', '1:2:3:4:5:6:7::8', '12345::', 'g::', '::1/129'],
  ...['::ffff:1.2.3.4', 'fe80::1%eth0', '[::1]', '::1/', '1:2:3:4:5:6:7:'],
];

test('8.3: which ids of the ip scheme are well-formed', () => {
  for (const id of IP_VALID) assert.deepEqual(fixUpAcl([acl('ip', id)], []), [acl('ip', id)], id);
  for (const id of IP_INVALID) assert.equal(fixUpAcl([acl('ip', id)], []), null, id);
});

test('8.3: which ids of the digest scheme are well-formed', () => {
  for (const id of ['a:b', ':b', 'a:b:', 'a:b:::', ' : ', 'ü:x']) {
    assert.deepEqual(fixUpAcl([acl('digest', id)], []), [acl('digest', id)], id);
  }
  for (const id of ['', 'a', ':', '::', 'a:', 'a::', 'a::b', 'a:b:c', '::b']) {
    assert.equal(fixUpAcl([acl('digest', id)], []), null, id);
  }
});

test('8.3: ids of the sasl scheme are names or principals, where the scheme is known', () => {
  for (const id of ['ann', '', 'a/b', 'a b', 'ann@REALM', 'zk/host.example@REALM', '@', '/@']) {
    assert.deepEqual(fixUpAcl([acl('sasl', id)], [], WITH_SASL), [acl('sasl', id)], id);
    assert.equal(fixUpAcl([acl('sasl', id)], []), null, id);
  }
  for (const id of ['a@b@c', 'a/b/c@d', 'a@b/c']) assert.equal(fixUpAcl([acl('sasl', id)], [], WITH_SASL), null, id);
  assert.equal(fixUpAcl([acl('sasl', null)], [], WITH_SASL), null);
  assert.equal(fixUpAcl([acl('digest', 'a:b')], [], new Set(['sasl'])), null, 'the digest scheme is off');
});

test('8.3: ids of the x509 scheme are distinguished names, where the scheme is known', () => {
  const known: ReadonlySet<string> = new Set(['x509']);
  for (const id of ['CN=ann', 'CN=ann,OU=dev\\, ops,O=Example', 'cn = "a, b" + uid=7;c=DE', '1.2.3=#0c01', 'CN=', '']) {
    assert.deepEqual(fixUpAcl([acl('x509', id)], [], known), [acl('x509', id)], id);
    assert.equal(fixUpAcl([acl('x509', id)], []), null, id);
  }
  for (const id of ['ann', 'CN=ann,', ',CN=ann', 'CN', '=ann', 'CN=a"b', 'CN=a,b', 'CN="ann']) {
    assert.equal(fixUpAcl([acl('x509', id)], [], known), null, id);
  }
  const client: Identity = { scheme: 'x509', id: 'CN=ann' };
  assert.deepEqual(fixUpAcl([acl('auth', '')], [client], known), [acl('x509', 'CN=ann')]);
});

test('8.5: a sasl entry is for its user, and for the user named super', () => {
  const entry = [acl('sasl', 'ann')];
  assert.equal(permits(entry, Permission.read, [{ scheme: 'sasl', id: 'ann' }]), true);
  assert.equal(permits(entry, Permission.read, [{ scheme: 'sasl', id: 'super' }]), true);
  for (const other of [
    { scheme: 'sasl', id: 'bob' },
    { scheme: 'digest', id: 'ann' },
    { scheme: 'digest', id: 'super' },
  ]) {
    assert.equal(permits(entry, Permission.read, [other]), false, JSON.stringify(other));
  }
  assert.equal(permits([acl('digest', 'ann:x')], Permission.read, [{ scheme: 'sasl', id: 'super' }]), false);
});

test('8.3: empty and null lists, null schemes and ids, and unknown schemes are invalid', () => {
  assert.equal(fixUpAcl(null, [ann]), null);
  assert.equal(fixUpAcl([], [ann]), null);
  const bad: Acl[] = [
    ...[
      acl(null, 'anyone'),
      acl('world', null),
      acl('digest', null),
      acl('ip', null),
      acl('', ''),
      acl('World', 'anyone'),
    ],
    ...[acl('world', 'Anyone'), acl('world', ''), acl('super', ''), acl('sasl', 'ann'), acl('x509', 'CN=ann')],
  ];
  for (const entry of bad) {
    assert.equal(fixUpAcl([entry], [ann, root]), null, JSON.stringify(entry));
    assert.equal(fixUpAcl([...WORLD_ANYONE_ALL, entry], [ann]), null, JSON.stringify(entry));
  }
});

test('8.3: order is kept, exact duplicates of the request go, odd permissions stay', () => {
  const list = [acl('digest', 'b:x', 1), acl('world', 'anyone', 0), acl('digest', 'b:x', 2), acl('ip', '::1', -1)];
  assert.deepEqual(fixUpAcl([...list, ...list], []), list);
});

test('8.3: auth becomes every authenticated identity, keeps its permissions, and needs at least one', () => {
  const sasl: Identity = { scheme: 'sasl', id: 'carl' };
  assert.deepEqual(fixUpAcl([acl('auth', null, 5)], [ip, ann, root, bob, sasl], WITH_SASL), [
    { perms: 5, ...ann },
    { perms: 5, ...bob },
    { perms: 5, ...sasl },
  ]);
  assert.deepEqual(fixUpAcl([acl('auth', 'ignored'), acl('digest', ann.id)], [ann]), [
    acl('digest', ann.id),
    acl('digest', ann.id),
  ]);
  assert.equal(fixUpAcl([acl('auth', '')], [ip, root]), null);
  assert.equal(fixUpAcl([acl('auth', '')], [sasl]), null, 'a server that does not know the scheme');
  assert.equal(fixUpAcl([acl('auth', '')], [ann], new Set()), null, 'the digest scheme is off');
  assert.equal(fixUpAcl([...WORLD_ANYONE_ALL, acl('auth', '')], [ip]), null);
});

test('a request with very many entries is fixed up in proportion to their number', () => {
  const many = Array.from({ length: 60_000 }, (_, i) => acl('digest', `u${i % 50_000}:x`));
  assert.equal(fixUpAcl(many, [])?.length, 50_000);
});

test('8.5: an empty list, world:anyone and super grant; others only what their entries say', () => {
  assert.equal(permits([], Permission.admin, []), true);
  assert.equal(permits(WORLD_ANYONE_ALL, Permission.admin, []), true);
  assert.equal(permits([acl('world', 'anyone', Permission.read)], Permission.write, [ann]), false);
  const list = [acl('digest', ann.id, Permission.read), acl('digest', bob.id, Permission.admin)];
  assert.equal(permits(list, Permission.read, [ip, ann]), true);
  assert.equal(permits(list, Permission.admin, [ip, ann]), false);
  assert.equal(permits(list, Permission.read | Permission.admin, [bob]), true);
  assert.equal(permits(list, Permission.write, [ann, bob]), false);
  assert.equal(permits(list, Permission.write, [ip, root]), true);
  assert.equal(permits([acl('ip', ann.id)], Permission.read, [ann]), false);
  assert.equal(permits([acl('digest', null)], Permission.read, [{ scheme: 'digest', id: 'null' }]), false);
});

test('8.5: ip entries match by prefix within their family', () => {
  const cases: [entry: string, peer: string, granted: boolean][] = [
    ['10.1.2.3', '10.1.2.3', true],
    ['10.1.2.3', '10.1.2.4', false],
    ['10.1.2.77/24', '10.1.2.3', true],
    ['10.1.2.77/24', '10.1.3.3', false],
    ['10.1.2.0/23', '10.1.3.255', true],
    ['10.1.2.0/31', '10.1.2.1', true],
    ['10.1.2.0/31', '10.1.2.2', false],
    ['0.0.0.0/0', '200.1.1.1', true],
    ['128.0.0.0/1', '127.0.0.1', false],
    ['0.0.0.0/0', '0:0:0:0:0:0:0:1', false],
    ['::/0', '127.0.0.1', false],
    ['::/0', '2001:db8:0:0:0:0:0:1', true],
    ['::1', '0:0:0:0:0:0:0:1', true],
    ['2001:DB8::/33', '2001:db8:7fff:0:0:0:0:1', true],
    ['2001:DB8::/33', '2001:db8:8000:0:0:0:0:1', false],
    ['fe80::/10', 'fe80:0:0:0:0:0:0:1%2', false],
    ['nonsense', '10.1.2.3', false],
  ];
  for (const [entry, peer, granted] of cases) {
    assert.equal(permits([acl('ip', entry)], 1, [{ scheme: 'ip', id: peer }]), granted, `${peer} in ${entry}`);
  }
});

test('8.5: a masked IPv4 comparison agrees with arithmetic on the addresses', () => {
  const octet = fc.integer({ min: 0, max: 255 });
  const address = fc.tuple(octet, octet, octet, octet);
  fc.assert(
    fc.property(address, address, fc.integer({ min: 0, max: 32 }), (block, peer, bits) => {
      const size = 2 ** (32 - bits);
      const number = (parts: number[]): number => parts.reduce((sum, part) => sum * 256 + part, 0);
      const inside = Math.floor(number(block) / size) === Math.floor(number(peer) / size);
      const identity = { scheme: 'ip', id: peer.join('.') };
      assert.equal(permits([acl('ip', `${block.join('.')}/${bits}`)], 1, [identity]), inside);
    }),
  );
});

test('getACL without ADMIN shows no hashes, and everything else', () => {
  const list = [acl('digest', 'bob:hash', 1), acl('digest', ':a:b', 2), acl('ip', '::1', 4), acl('digest', null, 8)];
  assert.deepEqual(maskAcl([...list, ...WORLD_ANYONE_ALL]), [
    acl('digest', 'bob:x', 1),
    acl('digest', ':x', 2),
    acl('ip', '::1', 4),
    acl('digest', null, 8),
    ...WORLD_ANYONE_ALL,
  ]);
});

test('the table keeps each list once, until its last reference goes', () => {
  const anyEntry = fc.record({
    perms: fc.integer({ min: 0, max: 2 }),
    scheme: fc.constantFrom('a', 'ab', '', null),
    id: fc.constantFrom('b', 'bb', '', null, '1,1,1,ab'),
  });
  const anyList = fc.array(anyEntry, { maxLength: 2 });
  fc.assert(
    fc.property(
      fc.array(fc.tuple(anyList, fc.constantFrom('intern', 'retain', 'release')), { maxLength: 60 }),
      (steps) => {
        const table = new AclTable();
        /** By text: the id, and how many references there are. */
        const model = new Map<string, { id: number; references: number }>();
        for (const [list, action] of steps) {
          const text = JSON.stringify(list);
          const known = model.get(text);
          if (action === 'intern') {
            const id = table.intern(list);
            if (known !== undefined) assert.equal(id, known.id);
            else for (const other of model.values()) assert.notEqual(id, other.id);
            model.set(text, { id, references: (known?.references ?? 0) + 1 });
          } else if (known !== undefined) {
            if (action === 'retain') table.retain(known.id);
            else table.release(known.id);
            known.references += action === 'retain' ? 1 : -1;
            if (known.references === 0) model.delete(text);
          }
          assert.equal(table.size, model.size);
        }
        for (const [text, { id }] of model) assert.equal(JSON.stringify(table.list(id)), text);
        const listed = [];
        for (let id = 1; id < table.end; id++) if (table.at(id) !== null) listed.push(JSON.stringify(table.at(id)));
        assert.deepEqual(listed.sort(), [...model.keys()].sort());
      },
    ),
  );
});

test('world:anyone with all permissions is -1 and costs nothing', () => {
  const table = new AclTable();
  assert.equal(table.intern([acl('world', 'anyone')]), OPEN_ACL_ID);
  table.release(OPEN_ACL_ID);
  table.release(OPEN_ACL_ID);
  assert.deepEqual(table.list(OPEN_ACL_ID), WORLD_ANYONE_ALL);
  assert.equal(table.size, 0);
  assert.notEqual(table.intern([acl('world', 'anyone', 1)]), OPEN_ACL_ID);
});

test('while the table is held no number loses or changes its meaning', () => {
  const table = new AclTable();
  const gone = table.intern([acl('digest', 'a:1')]);
  const kept = table.intern([acl('digest', 'b:1')]);
  table.hold();
  const end = table.end;
  table.release(gone);
  table.release(kept);
  assert.equal(table.intern([acl('digest', 'b:1')]), kept);
  assert.deepEqual(table.at(gone), [acl('digest', 'a:1')]);
  const fresh = table.intern([acl('digest', 'c:1')]);
  assert.ok(fresh >= end);
  table.unhold();
  assert.equal(table.at(gone), null);
  assert.deepEqual(table.list(kept), [acl('digest', 'b:1')]);
  assert.equal(table.size, 2);
  assert.equal(table.intern([acl('digest', 'd:1')]), gone);
});

test('releasing what nobody holds is a broken invariant, not a silent loss', () => {
  const table = new AclTable();
  const id = table.intern([acl('digest', 'a:1')]);
  table.release(id);
  assert.throws(() => table.release(id), { name: 'InvariantViolation' });
  assert.throws(() => table.list(7), { name: 'InvariantViolation' });
});
