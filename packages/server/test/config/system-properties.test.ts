import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  propertiesFromEnvironment,
  propertiesFromFlags,
  propertyFromOption,
} from '../../src/config/system-properties.ts';

describe('system properties', () => {
  it('are taken out of flags for a Java machine, quotes and all', () => {
    const flags = `-Xmx1g  -Dzookeeper.a=1 "-Db=two words" -Dc='x y' -Dd=\\"q\\" -De="a\\"b" -Df -server`;
    assert.deepEqual(
      propertiesFromFlags(flags, 'JVMFLAGS').map(({ name, value }) => [name, value]),
      [
        ['zookeeper.a', '1'],
        ['b', 'two words'],
        ['c', 'x y'],
        ['d', '"q"'],
        ['e', 'a"b'],
        ['f', ''],
      ],
    );
  });

  it('come from the environment, weaker than the file', () => {
    const properties = propertiesFromEnvironment({
      SERVER_JVMFLAGS: '-Dzookeeper.snapCount=1',
      JVMFLAGS: '-Djute.maxbuffer=2',
      CLIENT_JVMFLAGS: '-Dzookeeper.snapCount=3',
      ZOO_DATADIR_AUTOCREATE_DISABLE: '1',
    });
    assert.deepEqual(
      properties.map(({ name, value, origin }) => `${origin} ${name}=${value}`),
      [
        'SERVER_JVMFLAGS zookeeper.snapCount=1',
        'JVMFLAGS jute.maxbuffer=2',
        'ZOO_DATADIR_AUTOCREATE_DISABLE zookeeper.datadir.autocreate=false',
      ],
    );
    assert.ok(properties.every(({ overridesFile }) => !overridesFile));
    assert.deepEqual(propertiesFromEnvironment({}), []);
  });

  it('of the command line are stronger than the file', () => {
    assert.deepEqual(propertyFromOption('a=b=c'), { name: 'a', value: 'b=c', origin: '-D', overridesFile: true });
  });
});
