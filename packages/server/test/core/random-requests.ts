import {
  type Acl,
  CreateMode,
  encodeUtf8,
  type MultiOperation,
  OpCode,
  type RequestBodies,
  type RequestName,
  WORLD_ANYONE_ALL,
} from '@headkeeper/protocol';
import fc from 'fast-check';

/** One request of some client. */
export interface AnyRequest {
  readonly client: number;
  readonly op: RequestName;
  readonly body: RequestBodies[RequestName];
}

/** Few paths, so that requests meet: three levels, one a prefix of another, some that are illegal or protected. */
export const anyPath: fc.Arbitrary<string> = fc.oneof(
  { weight: 20, arbitrary: fc.constantFrom('/a', '/b', '/ab', '/a/a', '/a/b', '/b/a', '/a/a/a', '/ab/eph') },
  {
    weight: 1,
    arbitrary: fc.constantFrom('/', '', '/zookeeper', '/a/', '//a', 'a/b', 'x', '/a/../b', '/zookeeper/config'),
  },
);

const anyData = fc.oneof(
  fc.constant(null),
  fc.constantFrom('', 'x', 'some data', 'y'.repeat(300)).map((text) => encodeUtf8(text)),
);
const anyVersion = fc.oneof({ weight: 3, arbitrary: fc.constant(-1) }, fc.integer({ min: 0, max: 3 }));
const anyFlags = fc.oneof(
  { weight: 5, arbitrary: fc.constantFrom(CreateMode.persistent, CreateMode.ephemeral) },
  { weight: 2, arbitrary: fc.constantFrom(CreateMode.persistentSequential, CreateMode.ephemeralSequential) },
  { weight: 1, arbitrary: fc.integer({ min: -1, max: 7 }) },
);
const anyAcl: fc.Arbitrary<readonly Acl[]> = fc.oneof(
  { weight: 12, arbitrary: fc.constant(WORLD_ANYONE_ALL) },
  {
    weight: 3,
    arbitrary: fc.constantFrom<readonly Acl[]>(
      [{ perms: 31, scheme: 'auth', id: '' }],
      [{ perms: 31, scheme: 'ip', id: '127.0.0.1' }],
      [
        { perms: 1, scheme: 'world', id: 'anyone' },
        { perms: 30, scheme: 'digest', id: 'u:h' },
      ],
    ),
  },
  { weight: 1, arbitrary: fc.constant([]) },
);

const anyCreate = fc.record({ path: anyPath, data: anyData, acl: anyAcl, flags: anyFlags });
const anySetData = fc.record({ path: anyPath, data: anyData, version: anyVersion });
const anyVersioned = fc.record({ path: anyPath, version: anyVersion });
const anyWatched = fc.record({ path: anyPath, watch: fc.boolean() });
const anyPathOnly = fc.record({ path: anyPath });

const anyMember: fc.Arbitrary<MultiOperation> = fc.oneof(
  { weight: 4, arbitrary: anyCreate.map((body) => ({ type: OpCode.create, body })) },
  { weight: 2, arbitrary: anyCreate.map((body) => ({ type: OpCode.create2, body })) },
  { weight: 3, arbitrary: anySetData.map((body) => ({ type: OpCode.setData, body })) },
  { weight: 3, arbitrary: anyVersioned.map((body) => ({ type: OpCode.delete, body })) },
  { weight: 1, arbitrary: anyVersioned.map((body) => ({ type: OpCode.check, body })) },
);

type Body<Name extends RequestName> = fc.Arbitrary<RequestBodies[Name]>;

function request<Name extends RequestName>(op: Name, body: Body<Name>): fc.Arbitrary<AnyRequest> {
  return fc.record({ client: fc.integer({ min: 0, max: 2 }), op: fc.constant(op as RequestName), body });
}

/** Requests of three clients: mostly writes that fit together, some reads, some that are refused. */
export const anyRequest: fc.Arbitrary<AnyRequest> = fc.oneof(
  { weight: 10, arbitrary: request('create', anyCreate) },
  { weight: 3, arbitrary: request('create2', anyCreate) },
  { weight: 2, arbitrary: request('createContainer', anyCreate) },
  {
    weight: 1,
    arbitrary: request(
      'createTTL',
      fc
        .tuple(anyCreate, fc.constantFrom(-1, 0, 5000))
        .map(([body, ttl]) => ({ ...body, flags: CreateMode.persistentWithTTL, ttl })),
    ),
  },
  { weight: 8, arbitrary: request('delete', anyVersioned) },
  { weight: 6, arbitrary: request('setData', anySetData) },
  { weight: 3, arbitrary: request('setACL', fc.record({ path: anyPath, acl: anyAcl, version: anyVersion })) },
  { weight: 8, arbitrary: request('multi', fc.record({ ops: fc.array(anyMember, { maxLength: 6 }) })) },
  { weight: 3, arbitrary: request('getData', anyWatched) },
  { weight: 2, arbitrary: request('exists', anyWatched) },
  { weight: 3, arbitrary: request('getChildren2', anyWatched) },
  { weight: 1, arbitrary: request('getACL', anyPathOnly) },
  { weight: 1, arbitrary: request('sync', anyPathOnly) },
  { weight: 1, arbitrary: request('getEphemerals', fc.constant({ prefixPath: '/' })) },
  { weight: 1, arbitrary: request('ping', fc.constant(null)) },
  { weight: 1, arbitrary: request('closeSession', fc.constant(null)) },
);
